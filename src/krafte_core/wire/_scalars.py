"""What is one text, number or word on the wire; and how a misfit is told."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any, NamedTuple

from krafte_core.errors import KrafteError, WireError
from krafte_core.money import Money, UnroundedMoney
from krafte_core.quantities import Quantity, plain, quantity
from krafte_core.units import unit
from krafte_core.wording import SHOWN, shown

MAX_DIGITS = 1000
NOTHING = object()
REFUSALS = (KrafteError, ValueError, TypeError, LookupError, ArithmeticError, RecursionError)
"""What a constructor or parser may answer to a value of the right type that it does not take."""


class Codec(NamedTuple):
    """How values of one type are written and read; both take the value and how many typed values it is within."""

    write: Callable[[Any, int], Any]
    read: Callable[[Any, int], Any]


class Misfit(Exception):
    """What does not fit, told from the inside out: every container adds where it was."""

    def __init__(self, given: Any, expected: str, *path: str | int) -> None:
        self.given = given
        self.expected = expected
        self.path = [*path]

    def error(self) -> WireError:
        """The same as an error for the caller."""
        return WireError("$" + "".join(map(_segment, reversed(self.path))), brief(self.given), self.expected)


class Twice(str):
    """Stands for an object in which this name stands twice; fits nowhere."""

    __slots__ = ()


def _segment(step: str | int) -> str:
    if isinstance(step, int):
        return f"[{step}]"
    return f".{step}" if step.isidentifier() and len(step) <= SHOWN else f"[{shown(step)}]"


def brief(given: Any) -> Any:
    """What an error keeps of a value: never a whole document."""
    if type(given) is Twice:
        return f"the name {shown(str(given))} twice"
    if given is None or isinstance(given, bool | float):
        return given
    if isinstance(given, str):
        return given[:SHOWN]
    if isinstance(given, int):
        return given if given.bit_length() <= 256 else "a huge number"
    return {dict: "an object", list: "a list", object: "nothing"}.get(type(given), f"a value of type {type(given).__name__}")


# ------------------------------------------------------------------------------------------------------------ scalars


def as_text(value: Any, _depth: int) -> str:
    """Text, both ways."""
    if type(value) is str:
        return value
    if isinstance(value, str) and type(value) is not Twice:
        return str.__str__(value)
    raise Misfit(value, "text")


def as_whole(value: Any, _depth: int) -> int:
    """A whole number, both ways; a `bool` is none."""
    if type(value) is int:
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return int.__int__(value)
    raise Misfit(value, "a whole number")


def _yes_or_no(value: Any, _depth: int) -> bool:
    if type(value) is bool:
        return value
    raise Misfit(value, "true or false")


def _null(value: Any, _depth: int) -> None:
    if value is not None:
        raise Misfit(value, "null")


def spelled(kind: type, expected: str, write: Callable[[Any], str], read: Callable[[str], Any]) -> Codec:
    """A type that is one text on the wire; `read` may raise whatever it likes."""

    def write_it(value: Any, _depth: int) -> str:
        if not isinstance(value, kind) or (kind is date and isinstance(value, datetime)):
            raise Misfit(value, expected)
        try:
            return write(value)
        except REFUSALS as problem:
            raise Misfit(f"a {kind.__name__} without a wire form", expected) from problem

    def read_it(data: Any, _depth: int) -> Any:
        if type(data) is not str:
            raise Misfit(data, expected)
        try:
            return read(data)
        except REFUSALS as problem:
            raise Misfit(data, expected) from problem

    return Codec(write_it, read_it)


_DIGITS = rf"-?\d{{1,{MAX_DIGITS}}}(?:\.\d{{1,{MAX_DIGITS}}})?"
_DECIMAL = re.compile(_DIGITS, re.ASCII)
_FRACTION = re.compile(rf"(-?\d{{1,{MAX_DIGITS}}})(?:/(\d{{1,{MAX_DIGITS}}}))?", re.ASCII)
_AMOUNT = re.compile(rf"({_DIGITS}) (\S{{1,64}})", re.ASCII)


def _parts(pattern: re.Pattern[str], text: str) -> Sequence[Any]:
    form = pattern.fullmatch(text)
    if form is None:
        raise ValueError(text[:SHOWN])
    return form.groups()


def _finite(value: Decimal) -> Decimal:
    if not value.is_finite() or abs(value.adjusted()) >= MAX_DIGITS:
        raise ValueError("out of range")
    return value


def _read_decimal(text: str) -> Decimal:
    _parts(_DECIMAL, text)
    return Decimal(text)


def _write_fraction(value: Fraction) -> str:
    text = str(value)
    _parts(_FRACTION, text)
    return text


def _read_fraction(text: str) -> Fraction:
    above, below = _parts(_FRACTION, text)
    value = Fraction(int(above), int(below or 1))
    if str(value) != text:
        raise ValueError(text)
    return value


def _write_instant(value: datetime) -> str:
    if value.tzinfo is UTC:
        return value.isoformat()
    if value.utcoffset() is None:
        raise ValueError("naive")
    return value.astimezone(UTC).isoformat()


def _read_instant(text: str) -> datetime:
    value = datetime.fromisoformat(text)
    if value.tzinfo is not UTC or value.isoformat() != text:
        raise ValueError(text)
    return value


def _read_day(text: str) -> date:
    value = date.fromisoformat(text)
    if value.isoformat() != text:
        raise ValueError(text)
    return value


def _write_quantity(value: Quantity) -> str:
    return f"{plain(_finite(value.value))} {value.unit}"


def _read_quantity(text: str) -> Quantity:
    value, name = _parts(_AMOUNT, text)
    return quantity(Decimal(value), unit(name).name)


def _read_money(text: str) -> Money:
    value, currency = _parts(_AMOUNT, text)
    return Money(Decimal(value), currency)


def _read_unrounded(text: str) -> UnroundedMoney:
    value, _, currency = text.partition(" ")
    return UnroundedMoney(_read_fraction(value), currency)


SCALARS: dict[Any, Codec] = {
    str: Codec(as_text, as_text),
    int: Codec(as_whole, as_whole),
    bool: Codec(_yes_or_no, _yes_or_no),
    type(None): Codec(_null, _null),
    Decimal: spelled(Decimal, "a decimal such as '0.125'", lambda value: f"{_finite(value):f}", _read_decimal),
    Fraction: spelled(Fraction, "a fraction in lowest terms such as '1/3'", _write_fraction, _read_fraction),
    datetime: spelled(datetime, "an instant in UTC such as '2026-11-23T07:00:00+00:00'", _write_instant, _read_instant),
    date: spelled(date, "a day such as '2026-11-23'", date.isoformat, _read_day),
    Quantity: spelled(Quantity, "an amount such as '2.5 kg'", _write_quantity, _read_quantity),
    Money: spelled(Money, "money such as '3.20 EUR'", lambda value: f"{value.amount:f} {value.currency}", _read_money),
    UnroundedMoney: spelled(
        UnroundedMoney, "'10/3 EUR'", lambda value: f"{_write_fraction(value.value)} {value.currency}", _read_unrounded
    ),
}
