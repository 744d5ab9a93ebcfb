"""How payloads are read: bytes to plain data within limits, then field by field, with every problem kept together with its path.

>>> sheet = Sheet("shop")
>>> node = Node({"id": 7, "price": "cheap"}, "$", sheet)
>>> node.ident("id"), node.number("price"), [str(problem) for problem in sheet.problems]
('7', None, ["$.price: got 'cheap', expected a decimal number"])
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Context, Decimal, DecimalException, Inexact
from html import unescape
from typing import Any

from krafte_core.addresses import Address
from krafte_core.errors import BadPayload
from krafte_core.incoming import Problem
from krafte_core.money import MINOR_DIGITS
from krafte_core.wording import shown

MAX_BODY = 16 * 2**20
"""Bytes of a payload."""
MOST_ROWS = 10_000
"""Lines of an order, orders of a page."""
MAX_DEPTH = 64
MAX_TEXT = 10_000
MAX_ID = 90
_TEN_PLACES = Decimal("1E-10")
_HUGE = Decimal(10) ** 15
_NUMBER = re.compile(r"[+-]?[0-9]{1,15}(?:\.[0-9]{1,20})?")
_BAD_ESCAPE = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])")
_NOTHING: Any = object()
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


_DECODER = json.JSONDecoder(parse_float=Decimal, parse_constant=_constant)


def loaded(channel: str, body: bytes | str | Mapping[str, Any] | Sequence[Any]) -> Any:
    """The data of a payload: JSON with every number exact. What is loaded already is taken as it is.

    Raises:
        BadPayload: (`bad_payload`) too large, too deep, no UTF-8, no JSON, or text that no database takes (NUL, half a
            surrogate pair).

    >>> loaded("shop", b'{"price": 0.1}')
    {'price': Decimal('0.1')}
    """
    if not isinstance(body, bytes | bytearray | str):
        return body
    if len(body) > MAX_BODY:
        raise bad(channel, "payload", [Problem("$", f"{len(body)} bytes", f"at most {MAX_BODY}")])
    try:
        text = body if isinstance(body, str) else body.decode()
        data = _DECODER.decode(text.lstrip("\ufeff"))
    except (ValueError, RecursionError, DecimalException) as problem:
        raise bad(channel, "payload", [Problem("$", shown(str(problem))[:200], "JSON in UTF-8")]) from problem
    if _BAD_ESCAPE.search(body if not isinstance(body, str) else body.encode("utf-8", "surrogatepass")):
        _check_text(channel, data)
    return data


def _check_text(channel: str, data: Any) -> None:
    """Refuse halves of surrogate pairs and NUL, wherever they are."""
    whole = json.dumps(data, ensure_ascii=False, default=str)
    if "\\u0000" in whole or any("\ud800" <= letter <= "\udfff" for letter in whole):
        raise bad(channel, "payload", [Problem("$", "NUL or half a surrogate pair", "text that can be stored")])


def bad(channel: str, what: str, problems: Sequence[Problem]) -> BadPayload:
    """The error with all problems."""
    return BadPayload(channel, what, "a payload without problems", tuple(problems))


class Sheet:
    """Where the problems and the warnings of one payload are written down."""

    __slots__ = ("channel", "problems", "warnings")

    def __init__(self, channel: str) -> None:
        """Nothing found yet."""
        self.channel = channel
        self.problems: list[Problem] = []
        self.warnings: list[Problem] = []

    def done(self, what: str) -> None:
        """Raise all problems at once, if there are any."""
        if self.problems:
            raise bad(self.channel, what, self.problems)

    def warn(self, path: str, sentence: str) -> None:
        """Something that was taken as sent although it does not fit."""
        self.warnings.append(Problem(path, sentence, ""))


class Node:
    """One object of a payload, and where it stands. What is wrong is written on the sheet, and the answer is None or empty."""

    __slots__ = ("data", "path", "sheet")

    def __init__(self, data: Any, path: str, sheet: Sheet) -> None:
        """Anything but an object is a problem."""
        if type(data) is not dict:
            if not isinstance(data, Mapping):
                sheet.problems.append(Problem(path, shown(data), "an object"))
                data = {}
            data = dict(data)
        self.data: dict[str, Any] = data
        self.path = path
        self.sheet = sheet

    def miss(self, key: str, given: Any, expected: str) -> None:
        """Write a problem down."""
        found = "nothing" if given is _NOTHING or given is None else shown(given)
        self.sheet.problems.append(Problem(f"{self.path}.{key}", found.strip("'"), expected))

    def __contains__(self, key: str) -> bool:
        """Whether the field is there and is not null."""
        return self.data.get(key) is not None

    def text(self, key: str, *, limit: int = MAX_TEXT) -> str:
        """Text, also from a number; empty where there is none."""
        value = self.data.get(key)
        if type(value) is str:
            if len(value) <= limit:
                return value
            self.miss(key, value, f"at most {limit} characters")
        elif type(value) is int or type(value) is Decimal:
            return str(value)
        elif value is not None:
            self.miss(key, value, "text")
        return ""

    def some(self, key: str) -> str | None:
        """Text that may be absent: nothing, null and the empty text are None. It is not trimmed."""
        return self.text(key, limit=MAX_ID) or None

    def some_text(self, key: str) -> str | None:
        """Text of any length that may be absent."""
        return self.text(key) or None

    def ident(self, key: str, *, required: bool = True) -> str:
        """The name of a thing, text or whole number; a name that is missing is a problem."""
        value = self.data.get(key)
        if type(value) is int and not isinstance(value, bool):
            value = str(value) if abs(value) < 10**MAX_ID else ""
        if type(value) is str and 0 < len(value) <= MAX_ID and value.isprintable():
            return value
        if required or (value is not None and value != ""):
            self.miss(key, value, f"an id of 1 to {MAX_ID} characters")
        return ""

    def number(self, key: str, *, required: bool = False) -> Decimal | None:
        """An exact number: a JSON number, or its text; bounded, so that no sum can explode."""
        value: Any = self.data.get(key)
        if value is None and not required:
            return None
        kind = type(value)
        if kind is str and _NUMBER.fullmatch(value.strip()):
            return Decimal(value.strip())
        if kind is int and -_HUGE < value < _HUGE:
            return Decimal(value)
        if kind is Decimal and value.is_finite() and -_HUGE < value < _HUGE and -20 <= value.as_tuple()[2] <= 20:
            return value  # type: ignore[no-any-return]
        if value == "" and not required:
            return None
        self.miss(key, value, "a decimal number" if kind is not float else "an exact number: load JSON with parse_float=Decimal")
        return None

    def count(self, key: str, *, required: bool = False) -> Decimal | None:
        """A number that is not negative."""
        value = self.number(key, required=required)
        if value is not None and value < 0:
            self.miss(key, value, "a number of zero or more")
            return None
        return value

    def flag(self, key: str) -> bool | None:
        """True or false, also as text; None where it is not told."""
        value = self.data.get(key)
        if value is None or value is True or value is False:
            return value
        if isinstance(value, str) and value.lower() in {"true", "false"}:
            return value.lower() == "true"
        if value != "":
            self.miss(key, value, "true or false")
        return None

    def at(self, key: str, *, utc: bool = False) -> datetime | None:
        """An instant of ISO 8601 with an offset; with `utc` one without offset is UTC."""
        value = self.data.get(key)
        if value is None or value == "":
            return None
        try:
            stated = datetime.fromisoformat(value)
            if stated.tzinfo is None and utc:
                return stated.replace(tzinfo=UTC)
            if stated.tzinfo is not None:
                return stated.astimezone(UTC)
        except (TypeError, ValueError, OverflowError):
            pass
        self.miss(key, value, "an instant with an offset")
        return None

    def epoch(self, key: str) -> datetime | None:
        """An instant in seconds since 1970."""
        value = self.data.get(key)
        if value is None:
            return None
        if type(value) is int and 0 <= value < 253_402_300_800:
            return _EPOCH + timedelta(seconds=value)
        self.miss(key, value, "seconds since 1970")
        return None

    def currency(self, key: str) -> str | None:
        """A code of ISO 4217."""
        value = self.data.get(key)
        if value is None or (isinstance(value, str) and value in MINOR_DIGITS):
            return value
        self.miss(key, value, "an active code of ISO 4217")
        return None

    def child(self, key: str) -> Node:
        """An object in it; an empty one where there is none."""
        value = self.data.get(key)
        return Node({} if value is None else value, f"{self.path}.{key}", self.sheet)

    def rows(self, key: str, *, required: bool = False) -> list[Node]:
        """The objects of a list in it."""
        value = self.data.get(key)
        if value is None and not required:
            return []
        if isinstance(value, list | tuple) and len(value) <= MOST_ROWS:
            path, sheet = f"{self.path}.{key}", self.sheet
            return [Node(row, f"{path}[{place}]", sheet) for place, row in enumerate(value)]
        self.miss(key, value, f"a list of at most {MOST_ROWS} objects")
        return []


def distinct(node: Node, key: str, ids: Sequence[str]) -> None:
    """Two lines with one id cannot be told apart: a problem for each that comes again."""
    seen: set[str] = set()
    for place, name in enumerate(ids):
        if name and name in seen:
            node.sheet.problems.append(Problem(f"{node.path}.{key}[{place}]", name, "an id of its own"))
        seen.add(name)


def address(node: Node, fields: Mapping[str, str], *, html: bool = False) -> Address | None:
    """An address by our names for its fields; None where nothing of it is told. Several fields joined by `+` follow each other."""
    found: dict[str, str] = {}
    for ours, theirs in fields.items():
        words = [text for name in theirs.split("+") if (text := node.text(name, limit=1_000))]
        if words:
            joined = " ".join(words) if ours == "name" else ", ".join(words)
            found[ours] = unescape(joined) if html else joined
    return Address(found.pop("name", ""), **found) if found else None


def pairs(**told: Any) -> tuple[tuple[str, str], ...]:
    """What else is told, as sorted texts; what is None is left out."""
    return tuple((name, plain(value)) for name, value in sorted(told.items()) if value is not None)


def plain(value: Any) -> str:
    """A value as text without exponents.

    >>> plain(Decimal("1E+2")), plain(True)
    ('100', 'true')
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:f}" if isinstance(value, Decimal) else str(value)


def each(channel: str, rows: Sequence[Any], read: Callable[[Any], Any]) -> Iterator[Any]:
    """Each row read; one that cannot be is given as its error, so that a bad order never hides the good ones of its page."""
    for row in rows:
        try:
            yield read(row)
        except BadPayload as problem:
            yield problem


def added(*values: Decimal | None) -> Decimal:
    """The sum of what is known."""
    return sum((value for value in values if value is not None), Decimal(0))


def per_unit(whole: Decimal | None, quantity: Decimal) -> Decimal | None:
    """A line's amount by one sold unit: exact where it ends, else to ten places.

    >>> str(per_unit(Decimal("17.95"), Decimal(2))), str(per_unit(Decimal("10.00"), Decimal("1.5")))
    ('8.975', '6.6666666667')
    """
    if whole is None or not quantity:
        return whole if whole is None else None
    context = Context(prec=40)
    unit = context.divide(whole, quantity)
    return unit.quantize(_TEN_PLACES, context=context) if context.flags[Inexact] else unit
