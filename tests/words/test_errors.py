"""Errors: one tree, stable codes, values that survive everything and sentences that never fail."""

from __future__ import annotations

import copy
import pickle
import re
import traceback
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from krafte_core import errors
from krafte_core.errors import InvalidInput, KrafteError, NotWholeSteps, OutOfRange
from krafte_core.wording import listed, shown


def tree(root: type[KrafteError], depth: int = 0) -> list[tuple[int, type[KrafteError]]]:
    return [(depth, root), *(row for child in root.__subclasses__() for row in tree(child, depth + 1))]


CLASSES = [kind for _, kind in tree(KrafteError) if kind.__module__ == errors.__name__]
DAY = datetime(2026, 11, 23, tzinfo=UTC)


class Rude:
    """A host's object that cannot even be shown."""

    def __repr__(self) -> str:
        raise RuntimeError("no")


HOSTILE = {
    "a very long int": 10**5000,
    "a negative one": -(10**5000),
    "a very long ratio": Fraction(10**5000, 3),
    "half a surrogate pair": "\ud800",
    "nul": "a\0b",
    "very long text": "x" * 10_000_000,
    "very long bytes": b"x" * 10_000_000,
    "a long list": [10**5000] * 100_000,
    "a dict with a long int": {"a": 10**5000},
    "nan": Decimal("NaN"),
    "signalling nan": Decimal("sNaN"),
    "float nan": float("nan"),
    "rude": Rude(),
    "none": None,
    "newlines": "a\nb\r\u2028c",
    "braces": "{0} %s {field}",
}


def made(kind: type[KrafteError], value: object = "x") -> KrafteError:
    """An error with the value in every field that may hold anything, and something of the right type in the others."""
    if kind is KrafteError:
        return kind(value)
    fields = []
    for field in attrs.fields(kind):
        named = str(field.type)
        if named in {"str", "Any"}:
            fields.append(value if named == "Any" or isinstance(value, str) else "x")
        elif named.startswith("tuple"):
            fields.append((value,) if named == "tuple[Any, ...]" or isinstance(value, str) else ("x",))
        else:
            when = DAY if value == "x" else DAY.replace(day=24)
            fields.append({"int": 3, "bool": True, "datetime": when, "datetime | None": None}[named])
    return kind(*fields)


def test_every_class_has_a_code_of_its_own_that_is_a_plain_word():
    codes = [kind.code for kind in CLASSES]
    assert len(set(codes)) == len(codes)
    assert all(re.fullmatch(r"[a-z]+(_[a-z]+)*", code) for code in codes)
    assert all("code" in vars(kind) for kind in CLASSES)


def test_the_tree_in_the_docstring_is_the_tree_of_the_classes():
    drawn = []
    for line in (errors.__doc__ or "").splitlines():
        found = re.fullmatch(r"    ([│├└─ ]*)([A-Z]\w+)(?: +([a-z_]+))?(?:  .*)?", line)
        if found:
            drawn.append((len(found[1]) // 4, found[2], found[3] or "krafte_error"))
    real = [(depth, kind.__name__, kind.code) for depth, kind in tree(KrafteError) if kind in CLASSES]
    assert drawn == real


@pytest.mark.parametrize("kind", CLASSES)
def test_an_error_survives_pickle_and_copies_and_stays_equal(kind):
    error = made(kind)
    again = [pickle.loads(pickle.dumps(error, protocol)) for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1)]
    for twin in (*again, copy.copy(error), copy.deepcopy(error)):
        assert type(twin) is kind
        assert twin == error
        assert hash(twin) == hash(error)
        assert str(twin) == str(error)
        assert twin.args == error.args


@pytest.mark.parametrize("kind", CLASSES)
def test_errors_of_other_classes_or_fields_are_not_equal(kind):
    assert made(kind) != made(kind, "y")
    assert all(made(kind) != made(other) for other in CLASSES if other is not kind)
    assert made(kind) != "x"


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("kind", CLASSES)
def test_the_sentence_never_fails_and_is_never_endless(kind, name):
    error = made(kind, HOSTILE[name])
    if isinstance(HOSTILE[name], str) and kind is not KrafteError:
        # Only fields that take anything are cut; names of our own (fields, papers) have their limits where they are made.
        named = zip(attrs.fields(kind), made(kind).args, strict=True)
        error = kind(*(HOSTILE[name] if str(field.type) == "Any" else old for field, old in named))
    if kind is not KrafteError:
        assert len(str(error)) < 2000
    assert len(repr(error)) < 2000
    assert isinstance(hash(error), int)
    assert error == error  # noqa: PLR0124 - also with NaN in a field


@pytest.mark.parametrize("kind", CLASSES)
def test_a_traceback_of_any_error_can_be_printed(kind):
    for value in HOSTILE.values():
        assert kind.__name__ in "".join(traceback.format_exception(made(kind, value if kind is not KrafteError else "x")))


@pytest.mark.parametrize("name", ["nan", "signalling nan", "float nan", "a very long int"])
def test_even_what_is_not_equal_to_itself_survives_pickle(name):
    error = OutOfRange("amount", HOSTILE[name], "a number")
    assert pickle.loads(pickle.dumps(error)) == error


@pytest.mark.parametrize(("one", "two"), [(1, True), (Decimal("1.0"), Decimal(1)), (1, 1.0), (0.0, -0.0), ((1,), (True,))])
def test_equal_errors_have_equal_hashes(one, two):
    """Although their fields are written differently."""
    first, second = InvalidInput("amount", one, "x"), InvalidInput("amount", two, "x")
    assert first == second
    assert hash(first) == hash(second)


@given(
    st.lists(
        st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=5), st.decimals(), st.floats()), min_size=2, max_size=2
    )
)
def test_equality_and_hash_agree_whatever_the_field_holds(given_values):
    first, second = (InvalidInput("amount", one, "x") for one in given_values)
    if first == second:
        assert hash(first) == hash(second)


def test_an_error_is_frozen():
    error = InvalidInput("amount", 1, "x")
    with pytest.raises(AttributeError):
        error.given = 2


@pytest.mark.parametrize("kind", CLASSES)
def test_an_error_can_be_raised_from_another_and_takes_notes(kind):
    with pytest.raises(kind) as caught:
        raise made(kind) from ValueError("first")
    assert isinstance(caught.value.__cause__, ValueError)
    caught.value.add_note("seen at the bench")
    assert caught.value.__notes__ == ["seen at the bench"]
    for twin in (pickle.loads(pickle.dumps(caught.value)), copy.copy(caught.value), copy.deepcopy(caught.value)):
        assert twin.__notes__ == ["seen at the bench"]


def test_an_error_can_be_caught_with_others_as_a_group():
    with pytest.raises(ExceptionGroup) as caught:
        raise ExceptionGroup("both", [made(InvalidInput), made(OutOfRange)])
    assert caught.value.subgroup(OutOfRange) is not None


def test_fields_can_be_given_by_name():
    assert InvalidInput(field="amount", given=1, expected="x") == InvalidInput("amount", 1, "x")


@pytest.mark.parametrize("kind", CLASSES)
def test_every_error_is_caught_by_the_root(kind):
    assert issubclass(kind, KrafteError)
    assert not issubclass(KrafteError, ValueError)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_bad_value_is_shown_in_a_line_of_readable_length(name):
    text = shown(HOSTILE[name])
    assert 0 < len(text) < 1500
    assert "\n" not in text
    text.encode()


def test_a_list_of_choices_says_how_many_more_there_are():
    assert listed([*"abcdefghij"], limit=3).endswith("7 more")


def test_the_two_nearest_amounts_are_in_the_sentence():
    text = str(NotWholeSteps("amount", "2.5 each", "whole", "jar", "2 each", "3 each"))
    assert "2 each" in text
    assert "3 each" in text
