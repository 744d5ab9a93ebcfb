"""The one JSON form of every public value, both ways: for stores, exports, hosts and ports to other languages.

A document is an object with the version of the form, the type of the value, and the value::

    {"krafte": "1.0", "type": "Lot", "value": {"item": "lye", "code": "NA-1", "received_at": "2026-11-23T07:00:00+00:00", ...}}

- A class is an object with all its fields, those with a default value too; recipes and their lines leave out what is as by default,
  because they say a lot only now and then. Text, whole numbers, true, false and null are themselves.
- An amount is text: `"2.5 kg"`, `"3.20 EUR"`; so are decimals `"0.125"`, fractions `"1/3"`, instants (always UTC, `+00:00`), days
  (`"2026-11-23"`) and the values of enumerations. Steps are whole numbers. There is no float anywhere.
- A tuple is a list; a mapping is an object if its keys are texts, else a list of pairs.
- Where a place may hold several types (an event, a host's attribute, the result of a command), the value says which one it is:
  `{"type": "Quantity", "value": "240 each"}`. A text, whole number, true, false or null needs no type, at the top neither.

`TYPES` is the vocabulary: the name of every type on the wire, and its home. A name is looked up there and nowhere else, and its
home is imported when it is first met. So this module knows the *names* of what stands above it (the results of the desks, which a
store keeps for repeated commands) without importing it, and no document can make it import anything else.

A version is two whole numbers. The second grows when types, or fields with a default, are added; the first when old documents need
a translation, which then comes with it. What was written once is read from then on; what is newer than the library is refused.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from krafte_core.errors import UnknownVersion, WireError
from krafte_core.wire import _codecs, _vocabulary
from krafte_core.wire._scalars import NOTHING, Misfit, Twice, brief
from krafte_core.wording import SHOWN, shown

SPEC_VERSION = "1.0"
"""The version of the form that is written here; all from 1.0 up to it are read."""
TYPES: Mapping[str, tuple[str, str]] = _vocabulary.TYPES
"""The name of every class on the wire, with its module and its name there; what is not in it is not carried."""
MAX_TEXT = 64 * 2**20
"""Characters of a document."""
MAX_DEPTH = _codecs.MAX_DEPTH
"""Values that say their own type within one another."""

_OLDEST = (1, 0)
_VERSION = re.compile(r"(0|[1-9][0-9]{0,5})\.(0|[1-9][0-9]{0,5})")
_SHAPE = "an object with `krafte`, `type` and `value`"


def to_wire(value: Any) -> dict[str, Any]:
    """The value as a document of plain lists, objects, texts and whole numbers; `from_wire` gives an equal value of the same type.

    Raises:
        WireError: (`unreadable_wire`) with the path: a type that is not in `TYPES`, a float, a naive datetime, a field that holds
            something else than its class says, more than 32 typed values within one another.

    >>> from krafte_core import OrderStatus, qty
    >>> to_wire(qty("2.50 kg"))
    {'krafte': '1.0', 'type': 'Quantity', 'value': '2.5 kg'}
    >>> to_wire(OrderStatus.READY_TO_SHIP)["value"], to_wire(None)
    ('ready to ship', {'krafte': '1.0', 'value': None})
    """
    try:
        body = _codecs.write_any(value, 0)
    except Misfit as problem:
        raise problem.error() from problem.__cause__
    return {"krafte": SPEC_VERSION, **(body if type(body) is dict else {"value": body})}


def from_wire(document: Any) -> Any:
    """The value of a document.

    Raises:
        UnknownVersion: (`unknown_version`) written by a newer library.
        WireError: (`unreadable_wire`) anything else that is not wire form: the path, what was found, what was expected. Fields that
            are missing (and have no default), unknown, or of the wrong type; unknown types; what a class refuses.

    >>> from_wire({"krafte": "1.0", "type": "Quantity", "value": "2.5 kg"})
    Quantity('2.5 kg')
    >>> from_wire({"krafte": "1.0", "type": "Place", "value": {"code": "shelf-3", "usable": 1}})
    Traceback (most recent call last):
        ...
    krafte_core.errors.WireError: $.value.usable: got 1, expected true or false
    """
    if type(document) is not dict:
        raise WireError("$", brief(document), _SHAPE)
    _check_version(document.get("krafte", NOTHING))
    body = document.copy()
    del body["krafte"]
    plain = body.keys() == {"value"} and type(body["value"]) is not dict
    if not plain and body.keys() != {"type", "value"}:
        raise WireError("$", "an object with other names", _SHAPE)
    try:
        return _codecs.deeper(_codecs.read_any, body["value"], 0) if plain else _codecs.read_any(body, 0)
    except Misfit as problem:
        raise problem.error() from problem.__cause__


def _check_version(given: Any) -> None:
    if given == SPEC_VERSION:
        return
    form = _VERSION.fullmatch(given) if type(given) is str else None
    version = tuple(map(int, form.groups())) if form else (0, 0)
    if version > tuple(map(int, SPEC_VERSION.split("."))):
        raise UnknownVersion("$.krafte", given, f"a version up to {SPEC_VERSION}")
    if version < _OLDEST:
        raise WireError("$.krafte", brief(given), f"a version from {'.'.join(map(str, _OLDEST))} to {SPEC_VERSION}")


def _object(pairs: list[tuple[str, Any]]) -> Any:
    """An object, unless a name stands in it twice: then something that fits nowhere, so that the error has its path."""
    made = dict(pairs)
    if len(made) == len(pairs):
        return made
    seen: set[str] = set()
    return next(Twice(name) for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]


_DECODER = json.JSONDecoder(object_pairs_hook=_object)


def dumps(value: Any) -> str:
    """The document as one line of text: sorted names, no blanks, plain ASCII. The same value gives the same bytes.

    Raises:
        WireError: (`unreadable_wire`) as `to_wire`, and for a whole number of more digits than Python prints (4,300).

    >>> dumps(("oil", 5))
    '{"krafte":"1.0","type":"tuple","value":["oil",5]}'
    """
    document = to_wire(value)
    try:
        return _codecs.canonical(document)
    except ValueError as problem:
        raise WireError("$.value", "a huge number", "whole numbers that can be printed") from problem


def loads(text: str) -> Any:
    """The value of a document in text form.

    Raises:
        UnknownVersion: (`unknown_version`) and WireError: (`unreadable_wire`) as `from_wire`; also for text that is not JSON, a name
            that stands twice in an object, and text of more than 64 Mi characters.

    >>> loads('{"krafte":"1.0","type":"Money","value":"3.20 EUR"}')
    Money(amount=Decimal('3.20'), currency='EUR')
    >>> loads('{"krafte":"2.0","value":1}')
    Traceback (most recent call last):
        ...
    krafte_core.errors.UnknownVersion: $.krafte: got '2.0', expected a version up to 1.0
    """
    return from_wire(parsed(text))


def parsed(text: str) -> Any:
    """The plain data of a document in text form, not yet a value.

    Raises:
        WireError: (`unreadable_wire`) no JSON, a name that stands twice in an object, or more than 64 Mi characters.

    >>> parsed('{"krafte":"1.0","value":1}')
    {'krafte': '1.0', 'value': 1}
    """
    if not isinstance(text, str):
        raise WireError("$", brief(text), "text")
    if len(text) > MAX_TEXT:
        raise WireError("$", text[:SHOWN], f"at most {MAX_TEXT} characters")
    try:
        return _DECODER.decode(text)
    except (ValueError, RecursionError) as problem:
        raise WireError("$", text[:SHOWN], f"JSON ({shown(str(problem))})") from problem
