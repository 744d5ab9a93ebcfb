"""Amounts with units: exact decimals outside, exact ratios between units, whole steps inside.

A `Quantity` is a `Decimal` and a unit. Text is read by a small grammar with limits and never evaluated; binary floats are
refused.

>>> qty("2.5 kg") + qty("300 g")
Quantity('2.8 kg')
>>> qty("1 dozen") == qty("12 each")
True
"""

from __future__ import annotations

import re
from decimal import ROUND_HALF_EVEN, Context, Decimal, DivisionByZero, Inexact, InvalidOperation, Overflow
from fractions import Fraction
from typing import Any

import attrs

from krafte_core.errors import (
    FloatRefused,
    InvalidInput,
    OutOfRange,
    TextTooLong,
    UnitMismatch,
    UnreadableText,
)
from krafte_core.units import BASES, Unit, from_pint, registry, unit

MAX_TEXT = 64
MAX_DIGITS = 40
MAX_EXPONENT = 30
MOST_PLACES = 400
MAX_BITS = 1024
"""How long numerator and denominator of a ratio may be to be written as a decimal."""
EXACT = Context(prec=2100, rounding=ROUND_HALF_EVEN, Emin=-(10**6), Emax=10**6, capitals=1, clamp=0, flags=[],
                traps=[InvalidOperation, DivisionByZero, Overflow, Inexact])  # fmt: skip
"""Our own decimal context: the caller's precision never touches an amount, and a digit that does not fit is an error."""

_NUMBER = re.compile(
    r"\s*([+-]?)(\d+(?:\.\d+)?|\.\d+)(?:[eE]([+-]?\d+)|/(\d+))?\s*([^\s\d.,+/eE-]\S*|[eE](?![+-]?\d)\S*)?\s*", re.ASCII
)


def split(text: str, field: str = "amount") -> tuple[Decimal, str]:
    """The number and the unit's name in a text such as `"2.5 kg"`, `"1e-3 L"`, `"1/2 dozen"`: one number, one word.

    Raises:
        TextTooLong: (`text_too_long`) more than 64 characters.
        UnreadableText: (`unreadable_text`) not of this form; a decimal comma is not guessed.
        OutOfRange: (`out_of_range`) too many digits or too large an exponent.

    >>> split("1/2 dozen")
    (Decimal('0.5'), 'dozen')
    """
    value, divisor, name = _read(text, field)
    return value if divisor == 1 else decimal_of(Fraction(value) / divisor, field, text), name


def exactly(text: str, field: str = "amount") -> tuple[Fraction, str]:
    """The same as an exact ratio, which needs no end as a decimal.

    Raises:
        What `split` raises, but for thirds.

    >>> exactly("1/3 cup")
    (Fraction(1, 3), 'cup')
    """
    value, divisor, name = _read(text, field)
    return Fraction(value) / divisor, name


def _read(text: str, field: str) -> tuple[Decimal, int, str]:
    """Number, divisor and unit's name."""
    if len(text) > MAX_TEXT:
        raise TextTooLong(field, text[:MAX_TEXT], f"an amount of at most {MAX_TEXT} characters")
    match = _NUMBER.fullmatch(text)
    if match is None:
        hint = text.replace(",", ".") if re.fullmatch(r"\s*[+-]?\d+,\d+ ?\w+", text) else "2.5 kg"
        raise UnreadableText(field, text, f"one number with a decimal point and one unit, such as {hint!r}")
    sign, digits, exponent, divisor, name = match.groups()
    if len(digits) > MAX_DIGITS or (exponent and abs(int(exponent)) > MAX_EXPONENT):
        raise OutOfRange(field, text, f"at most {MAX_DIGITS} digits and an exponent within {MAX_EXPONENT}")
    if divisor and not int(divisor):
        raise UnreadableText(field, text, "a divisor that is not zero")
    return Decimal(f"{sign}{digits}{'e' + exponent if exponent else ''}"), int(divisor or 1), (name or "").strip()


def terminating(ratio: Fraction) -> bool:
    """Whether the ratio has an end as a decimal, so that nothing is lost in writing it down.

    >>> terminating(Fraction(1, 8)), terminating(Fraction(1, 3))
    (True, False)
    """
    rest = ratio.denominator
    for prime in (2, 5):
        while rest % prime == 0:
            rest //= prime
    return rest == 1


def decimal_of(ratio: Fraction, field: str = "amount", given: object = None) -> Decimal:
    """The ratio as an exact decimal.

    Raises:
        InvalidInput: (`invalid_input`) the decimal would never end. OutOfRange: (`out_of_range`) it would be absurdly long.

    >>> decimal_of(Fraction(1, 8))
    Decimal('0.125')
    """
    if max(ratio.numerator.bit_length(), ratio.denominator.bit_length()) > MAX_BITS:
        raise OutOfRange(field, given or "a very long ratio", "a number of a sane size")
    if not terminating(ratio):
        raise InvalidInput(field, given or ratio, "an amount with an end as a decimal (thirds have none: use a finer unit)")
    return EXACT.divide(Decimal(ratio.numerator), Decimal(ratio.denominator))


def number(value: object, field: str = "value") -> Decimal:
    """An exact number from an int, Decimal or Fraction (bool and float are refused).

    Raises:
        FloatRefused: (`float_refused`) with the exact spelling.
        OutOfRange: (`out_of_range`) NaN or infinity.

    >>> number(3)
    Decimal('3')
    """
    if isinstance(value, Decimal):
        places = value.as_tuple().exponent
        if not isinstance(places, int) or abs(value.adjusted()) > MAX_DIGITS or places < -MOST_PLACES:  # NaN has letters there
            raise OutOfRange(field, value, "a finite number of a sane size")
        return value
    if isinstance(value, float):
        raise FloatRefused(field, value, f"the exact text {str(Decimal(repr(value))) if value == value else '0'!r}")  # noqa: PLR0124
    if isinstance(value, int) and not isinstance(value, bool):
        if value.bit_length() > MAX_DIGITS * 4:
            raise OutOfRange(field, f"a {value.bit_length()}-bit integer", "a number of a sane size")
        return Decimal(value)
    if isinstance(value, Fraction):
        return number(decimal_of(value, field, value), field)
    raise InvalidInput(field, value, "an int, a Decimal or a Fraction")


def _unit_name(name: str) -> str:
    return unit(name).name


@attrs.frozen(eq=False, order=False, repr=False)
class Quantity:
    """An exact amount: a `Decimal` and a unit. Equal amounts are equal whatever their unit (`1 kg == 1000 g`).

    Raises:
        FloatRefused: (`float_refused`) for a binary float. UnknownUnit: (`unknown_unit`).

    >>> Quantity(Decimal("2.50"), "kg"), str(Quantity(12, "each"))
    (Quantity('2.5 kg'), '12 each')
    """

    value: Decimal = attrs.field(converter=number)
    unit: str = attrs.field(converter=_unit_name)

    @property
    def exact(self) -> Fraction:
        """The amount in the base unit of its dimension (kg, L, m, m**2, each) as an exact ratio.

        >>> qty("1 lb").exact
        Fraction(45359237, 100000000)
        """
        return Fraction(self.value) * unit(self.unit).ratio

    @property
    def dimension(self) -> str:
        """mass, volume, length, area or count.

        >>> qty("3 mL").dimension
        'volume'
        """
        return unit(self.unit).dimension

    @property
    def is_zero(self) -> bool:
        """Whether nothing is left.

        >>> qty("0 kg").is_zero
        True
        """
        return not self.value

    def to(self, name: str, step: str | None = None) -> Quantity:
        """The same amount in another unit of the dimension: exact, or rounded half-even to `step` where one is given.

        Raises:
            UnitMismatch: (`unit_mismatch`) another dimension; only an item knows its density and packs.
            InvalidInput: (`invalid_input`) the decimal has no end and no step was given.

        >>> qty("1 lb").to("kg"), qty("1 kg").to("lb", step="0.001")
        (Quantity('0.45359237 kg'), Quantity('2.205 lb'))
        """
        target = unit(name)
        ratio = self.ratio_to(target)
        if step is not None:
            given, other = split(step, "step") if isinstance(step, str) else (number(step, "step"), "")
            size = Fraction(given)
            if other or size <= 0:
                raise InvalidInput("step", str(step), "a number above zero, such as '0.001'")
            ratio = round(ratio / size) * size
        return quantity(decimal_of(ratio, "amount", f"{self} in {name}"), target.name)

    def ratio_to(self, target: Unit) -> Fraction:
        """How many of another unit it is, exactly; `unit_mismatch` for another dimension.

        >>> from krafte_core.units import unit
        >>> qty("500 g").ratio_to(unit("kg"))
        Fraction(1, 2)
        """
        own = unit(self.unit)
        if own.dimension != target.dimension:
            raise UnitMismatch("amount", str(self), "the same dimension", target.name, f"{own.dimension} is not {target.dimension}")
        return Fraction(self.value) if own.name == target.name else Fraction(self.value) * own.ratio / target.ratio

    def _combine(self, other: object, sign: int) -> Quantity:
        if not isinstance(other, Quantity):
            raise InvalidInput("amount", other, "another Quantity")
        if self.unit == other.unit:
            return quantity((EXACT.add if sign > 0 else EXACT.subtract)(self.value, other.value), self.unit)
        for mine in (self.unit, other.unit, BASES[self.dimension]):
            target = unit(mine)
            total = self.ratio_to(target) + sign * other.ratio_to(target)
            if terminating(total):
                return quantity(decimal_of(total), target.name)
        raise InvalidInput("amount", f"{self} and {other}", "two amounts whose sum has an end as a decimal")

    def __add__(self, other: object) -> Quantity:
        """The sum, in the left unit where it can be written there, else in the right one."""
        return self._combine(other, 1)

    def __radd__(self, other: object) -> Quantity:
        """So that `sum()` works: its start is a bare zero."""
        return self if other == 0 and isinstance(other, int) else self._combine(other, 1)

    def __sub__(self, other: object) -> Quantity:
        """The difference; it may be negative."""
        return self._combine(other, -1)

    def __neg__(self) -> Quantity:
        """The opposite amount."""
        return quantity(self.value.copy_negate(), self.unit)

    def __mul__(self, factor: object) -> Quantity:
        """A multiple by an exact number."""
        return quantity(number(EXACT.multiply(self.value, number(factor, "factor")), "amount"), self.unit)

    __rmul__ = __mul__

    def __eq__(self, other: object) -> bool:
        """Equal amounts are equal whatever their unit; another dimension is never equal."""
        if not isinstance(other, Quantity):
            return NotImplemented
        if self.unit == other.unit:
            return self.value == other.value
        return self.dimension == other.dimension and self.exact == other.exact

    def __hash__(self) -> int:
        """Agrees with `==`."""
        return hash((self.dimension, self.exact))

    def _difference(self, other: object) -> Fraction:
        if not isinstance(other, Quantity):
            raise InvalidInput("amount", other, "another Quantity")
        return self.ratio_to(unit(self.unit)) - other.ratio_to(unit(self.unit))

    def __lt__(self, other: object) -> bool:
        """Less, whatever the units of the dimension."""
        return self._difference(other) < 0

    def __le__(self, other: object) -> bool:
        """At most."""
        return self._difference(other) <= 0

    def __gt__(self, other: object) -> bool:
        """More."""
        return self._difference(other) > 0

    def __ge__(self, other: object) -> bool:
        """At least."""
        return self._difference(other) >= 0

    def __bool__(self) -> bool:
        """Refused, so that nobody guesses whether zero counts: ask `is_zero`."""
        raise InvalidInput("amount", str(self), "a question: .is_zero, or a comparison")

    def __str__(self) -> str:
        """The shortest exact spelling: `2.5 kg`."""
        return f"{plain(self.value)} {self.unit}"

    def __repr__(self) -> str:
        """Evaluates back by `qty`."""
        return f"Quantity({str(self)!r})"

    def to_pint(self, ureg: Any = None) -> Any:
        """A pint quantity with a Decimal magnitude, of the given registry or of our own.

        >>> str(qty("2.5 kg").to_pint())
        '2.5 kilogram'
        """
        known, target = unit(self.unit), registry() if ureg is None else ureg
        if known.dimension == "count":  # a host's registry may not know dozens; all know a count
            return target.Quantity(EXACT.multiply(self.value, Decimal(int(known.ratio))), "count")
        return target.Quantity(self.value, known.pint_name)


_new, _set_value, _set_unit = object.__new__, Quantity.value.__set__, Quantity.unit.__set__  # type: ignore[attr-defined]


def quantity(value: Decimal, name: str) -> Quantity:
    """A `Quantity` from parts that are known to be right: the fast way for the library's own results.

    >>> quantity(Decimal(3), "kg")
    Quantity('3 kg')
    """
    made = _new(Quantity)
    _set_value(made, value)
    _set_unit(made, name)
    return made


@attrs.frozen
class Scale:
    """What whole steps mean: the unit, and how much of it one step is.

    >>> Scale("kg", Decimal("0.001")).quantity(2500)
    Quantity('2.5 kg')
    """

    unit: str
    step: Decimal

    def quantity(self, steps: int) -> Quantity:
        """Whole steps as an amount: exact, so nothing is rounded."""
        return quantity(EXACT.multiply(Decimal(steps), self.step), self.unit)


def plain(value: Decimal) -> str:
    """The decimal without exponent and without zeros at the end.

    >>> plain(Decimal("1.50E+3")), plain(Decimal("-0.0"))
    ('1500', '0')
    """
    text = f"{value:f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text == "-0" else text


def qty(given: object) -> Quantity:
    """A `Quantity` from text (`"2.5 kg"`), from a pint quantity, or from a `Quantity`.

    Raises:
        InvalidInput: one of `unreadable_text`, `text_too_long`, `float_refused`, `out_of_range`, `unknown_unit`.

    >>> qty("25 dozen")
    Quantity('25 dozen')
    """
    if isinstance(given, Quantity):
        return given
    value, name = parts(given)
    return quantity(value, unit(name).name)


def parts(given: object, field: str = "amount") -> tuple[Decimal, str]:
    """The number and the unit's name of whatever stands for an amount; the unit may be an item's own pack.

    Raises:
        FloatRefused: (`float_refused`), InvalidInput: (`invalid_input`) a bare number, and what `split` raises.

    >>> parts("25 tray")
    (Decimal('25'), 'tray')
    """
    if isinstance(given, str):
        value, name = split(given, field)
        if not name:
            raise bare(given, field)
        return value, name
    if isinstance(given, Quantity):
        return given.value, given.unit
    if hasattr(given, "unit_items") and hasattr(given, "magnitude"):
        return _pint_parts(given, field)
    if isinstance(given, float):
        raise FloatRefused(field, given, f"text such as '{given!r} kg': a binary float is not exact")
    raise InvalidInput(field, given, "an amount with its unit, such as '2.5 kg'")


def bare(given: str, field: str) -> InvalidInput:
    """The error for a number without a unit.

    >>> str(bare("3", "amount"))
    "amount: got '3', expected an amount with its unit, such as '3 kg' or '3 each'"
    """
    return InvalidInput(field, given, f"an amount with its unit, such as '{given.strip()} kg' or '{given.strip()} each'")


def _pint_parts(given: Any, field: str) -> tuple[Decimal, str]:
    magnitude = number(given.magnitude, field)
    powers = dict(given.unit_items())
    names = [*powers]
    if len(names) == 1 and powers[names[0]] == 1:
        return magnitude, unit(names[0]).name
    product = " * ".join(f"{name}**{power}" for name, power in powers.items())  # pint cannot write every exponent that it has
    if not names or not all(unit(name) for name in names):
        raise InvalidInput(field, f"{magnitude} without a unit", "an amount with a unit")
    known = from_pint(product, powers)
    base = BASES[known.dimension]
    return decimal_of(Fraction(magnitude) * known.ratio, field, f"{magnitude} {product}"), base
