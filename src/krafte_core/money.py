"""Money: an exact decimal amount in one currency of ISO 4217. No float, no mixing, no rounding that nobody named.

>>> price = money("3.20 EUR")
>>> str(price * 240)
'768.00 EUR'
>>> [str(part) for part in money("10 EUR").allocate([1, 1, 1])]
['3.33 EUR', '3.33 EUR', '3.34 EUR']
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import ROUND_HALF_EVEN, Context, Decimal, DecimalException, DivisionByZero, Inexact, InvalidOperation, Overflow
from fractions import Fraction
from typing import Any, overload

import attrs

from krafte_core.errors import (
    CurrencyMismatch,
    FloatRefused,
    InvalidInput,
    NotPositive,
    OutOfRange,
    TextTooLong,
    UnknownCurrency,
    UnreadableText,
)

MAX_TEXT = 64  # characters of an amount with its currency
MAX_WHOLE = 18  # digits before the point
MAX_PLACES = 20  # digits after it
SPELLING = "an amount and a currency such as '3.20 EUR'"
AMOUNT = re.compile(r"(-?[0-9]{1,18}(?:\.[0-9]{1,20})?) ?([A-Za-z]{3})")

#: ISO 4217, list one (active codes), by digits after the point. Left out: codes without a minor unit (gold, XDR, XXX, ...).
_TABLE = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    2: (
        "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE CHF CHW CNY COP COU "
        "CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD "
        "KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO "
        "NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB "
        "TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG"
    ),
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}
MINOR_DIGITS: dict[str, int] = {code: digits for digits, codes in _TABLE.items() for code in codes.split()}

# Its own context: the host's may round to six digits. Wide enough for every sum, and a product that does not fit raises.
_EXACT = Context(prec=100, rounding=ROUND_HALF_EVEN, Emin=-999, Emax=999, traps=[Inexact, InvalidOperation, Overflow, DivisionByZero])
_ROUND = Context(prec=100, rounding=ROUND_HALF_EVEN, traps=[InvalidOperation])  # for the one method that rounds
_LIMIT = 10**MAX_WHOLE
_QUANTA = {digits: Decimal(1).scaleb(-digits) for digits in range(MAX_PLACES + 1)}
_QUANTUM = {code: _QUANTA[digits] for code, digits in MINOR_DIGITS.items()}


def _float(field: str, value: float, right: str) -> InvalidInput:
    """The error for a float: it has an exact spelling, or it is no number at all."""
    if value - value != 0:  # NaN and the infinities
        return OutOfRange(field, value, "a finite number")
    return FloatRefused(field, value, right)


def _number(field: str, value: Any) -> int | Decimal | Fraction:
    """An exact, finite number of bearable size; a `bool` is none."""
    if isinstance(value, float):
        raise _float(field, value, f"Decimal('{value!r}')")
    if isinstance(value, bool) or not isinstance(value, int | Decimal | Fraction):
        raise InvalidInput(field, value, "an int, a Decimal or a Fraction")
    if isinstance(value, Decimal) and not value:
        return 0  # 0E+999999999 would be a long way to a Fraction
    if isinstance(value, Decimal) and (not value.is_finite() or value.as_tuple()[2] < -_EXACT.prec):  # type: ignore[operator]
        raise OutOfRange(field, value, f"a finite number of at most {_EXACT.prec} digits after the point")
    if value >= _LIMIT or value <= -_LIMIT:
        given = "a larger number" if isinstance(value, int) else value  # Python refuses to print an int of 4,300 digits
        raise OutOfRange(field, given, f"at most {MAX_WHOLE} digits before the point")
    return value


def _canonical(amount: Decimal, digits: int) -> Decimal:
    """The same amount with exactly the minor unit's digits, or as many more as it needs: one amount, one spelling."""
    if not amount:
        return _QUANTA[digits] * 0  # also for a minus before the zero
    try:
        short = _EXACT.normalize(amount)
        places = max(digits, -int(short.as_tuple().exponent))
        return _EXACT.quantize(short, _QUANTA[places])
    except (DecimalException, KeyError) as problem:
        wanted = f"at most {MAX_PLACES} digits after the point; rounded() is the way to fewer"
        raise OutOfRange("amount", amount, wanted) from problem


def _digits(currency: Any) -> int:
    """How many digits the minor unit has."""
    if not isinstance(currency, str):
        raise InvalidInput("currency", currency, "a code of ISO 4217 such as 'EUR'")
    digits = MINOR_DIGITS.get(currency)
    if digits is None:
        capitals = currency[:MAX_TEXT].upper()
        wanted = f"{capitals!r}" if capitals in MINOR_DIGITS else "an active code of ISO 4217 such as 'EUR'"
        raise UnknownCurrency("currency", currency, wanted)
    return digits


def _same(field: str, currency: str, other: str) -> None:
    if other != currency:
        raise CurrencyMismatch(field, other, f"{currency}; converting is the host's decision")


@attrs.frozen
class Money:
    """An exact amount in one currency; equal amounts are equal however they were written (3.2 EUR is 3.20 EUR).

    Sums, differences, comparisons and products with an `int` or a `Decimal` are exact whatever the host's decimal context says.
    A product with a `Fraction` is an `UnroundedMoney`, so nothing is rounded before somebody says `rounded()`. `sum()` works;
    for a sum that may be empty give it a start: `sum(prices, money("0 EUR"))`.

    Attributes:
        amount: with the digits of the minor unit, or as many more as it needs, at most 20 after and 18 before the point.
        currency: an active code of ISO 4217.

    Raises:
        FloatRefused: (float_refused) a binary float.
        InvalidInput: (invalid_input) another type.
        OutOfRange: (out_of_range) NaN, infinity, or too many digits; also for the result of an operation.
        UnknownCurrency: (unknown_currency) no active code of ISO 4217.
        CurrencyMismatch: (currency_mismatch) a sum, difference or comparison of two currencies.

    >>> Money(Decimal("3.2"), "EUR")
    Money(amount=Decimal('3.20'), currency='EUR')
    >>> Money(Decimal(3), "EUR") < Money(Decimal(4), "USD")
    Traceback (most recent call last):
        ...
    krafte_core.errors.CurrencyMismatch: money: got 'USD', expected EUR; converting is the host's decision
    """

    amount: Decimal
    currency: str

    def __attrs_post_init__(self) -> None:
        """Check both fields at once: the currency decides how the amount is spelled."""
        value: Any = self.amount
        quantum = _QUANTUM.get(self.currency) if isinstance(self.currency, str) else None
        if quantum is not None and type(value) is Decimal and value.same_quantum(quantum) and value and -_LIMIT < value < _LIMIT:
            return  # nearly every sum: nothing to refuse, nothing to respell
        digits = _digits(self.currency)
        value = _number("amount", value)
        if isinstance(value, Fraction):
            raise InvalidInput("amount", value, "a Decimal; multiply by a Fraction and call rounded()")
        object.__setattr__(self, "amount", _canonical(Decimal(value), digits))

    @property
    def is_zero(self) -> bool:
        """Whether it is nothing at all.

        >>> money("0.00 EUR").is_zero
        True
        """
        return not self.amount

    def __str__(self) -> str:
        """The amount with the digits of its minor unit, more where it has more; `money` reads it back.

        >>> str(money("3.2 EUR")), str(money("0.00135 EUR")), str(money("500 JPY"))
        ('3.20 EUR', '0.00135 EUR', '500 JPY')
        """
        return f"{self.amount:f} {self.currency}"

    def __add__(self, other: Money) -> Money:
        """The exact sum."""
        if not isinstance(other, Money):
            return NotImplemented
        _same("money", self.currency, other.currency)
        return Money(_EXACT.add(self.amount, other.amount), self.currency)

    def __radd__(self, other: int) -> Money:
        """0 + money is the money, so that `sum()` works; no other number can be added."""
        return self if isinstance(other, int) and not isinstance(other, bool) and other == 0 else NotImplemented

    def __sub__(self, other: Money) -> Money:
        """The exact difference."""
        if not isinstance(other, Money):
            return NotImplemented
        _same("money", self.currency, other.currency)
        return Money(_EXACT.subtract(self.amount, other.amount), self.currency)

    def __neg__(self) -> Money:
        """The opposite amount: a credit for a charge."""
        return Money(self.amount.copy_negate(), self.currency)

    @overload
    def __mul__(self, factor: int | Decimal) -> Money: ...

    @overload
    def __mul__(self, factor: Fraction) -> UnroundedMoney: ...

    def __mul__(self, factor: int | Decimal | Fraction) -> Money | UnroundedMoney:
        """The exact product; with a `Fraction` it stays unrounded."""
        if not isinstance(factor, int | float | Decimal | Fraction):
            return NotImplemented
        number = _number("factor", factor)
        if isinstance(number, Fraction):
            return UnroundedMoney(Fraction(self.amount) * number, self.currency)
        try:
            return Money(_EXACT.multiply(self.amount, Decimal(number)), self.currency)
        except DecimalException as problem:
            raise OutOfRange("factor", number, "fewer digits; a Fraction and rounded() take any number") from problem

    __rmul__ = __mul__

    def __lt__(self, other: Money) -> bool:
        """Less money of the same currency."""
        return NotImplemented if not isinstance(other, Money) else self._against(other) < 0

    def __le__(self, other: Money) -> bool:
        """Not more money of the same currency."""
        return NotImplemented if not isinstance(other, Money) else self._against(other) <= 0

    def __gt__(self, other: Money) -> bool:
        """More money of the same currency."""
        return NotImplemented if not isinstance(other, Money) else self._against(other) > 0

    def __ge__(self, other: Money) -> bool:
        """Not less money of the same currency."""
        return NotImplemented if not isinstance(other, Money) else self._against(other) >= 0

    def _against(self, other: Money) -> int:
        """-1, 0 or 1: less, equal, more."""
        _same("money", self.currency, other.currency)
        return (self.amount > other.amount) - (self.amount < other.amount)

    def rounded(self) -> Money:
        """The nearest amount in whole minor units; a tie goes to the even one (ISO 80000-1, B.3, rule A).

        >>> str(money("0.125 EUR").rounded()), str(money("0.135 EUR").rounded())
        ('0.12 EUR', '0.14 EUR')
        """
        return Money(self.amount.quantize(_QUANTA[_digits(self.currency)], context=_ROUND), self.currency)

    def allocate(self, weights: Iterable[int | Decimal | Fraction]) -> tuple[Money, ...]:
        """The amount in parts by weight, in whole minor units, that add up to it exactly.

        All parts up to each one get their common share, cut off to minor units; the last takes the rest. So each part is less
        than one minor unit from its exact share, none has the wrong sign, a weight of zero gets nothing, and a credit splits as
        its charge did.

        Raises:
            InvalidInput: (invalid_input) no weights, weights of another type, or an amount finer than the minor unit.
            NotPositive: (not_positive) a weight below zero, or only zeros.
            FloatRefused: (float_refused) a float weight.
            OutOfRange: (out_of_range) NaN, infinity or an endless number as a weight.

        >>> [str(part) for part in money("0.05 EUR").allocate([1, 0, 1, 1])]
        ['0.01 EUR', '0.00 EUR', '0.02 EUR', '0.02 EUR']
        """
        shares = [Fraction(_number("weights", weight)) for weight in weights]
        if not shares:
            raise InvalidInput("weights", (), "at least one weight")
        if any(share < 0 for share in shares) or not any(shares):
            raise NotPositive("weights", tuple(map(str, shares)), "weights of zero or more, not all zero")
        digits = _digits(self.currency)
        minor = Fraction(self.amount) * 10**digits
        if minor.denominator != 1:
            raise InvalidInput("amount", str(self), "whole minor units: call rounded() first")
        total, sign = sum(shares), -1 if minor < 0 else 1
        reached, given, parts = Fraction(0), 0, []
        for share in shares:
            reached += share
            until = int(abs(minor) * reached / total)
            parts.append(_minor(sign * (until - given), self.currency))
            given = until
        return tuple(parts)


@attrs.frozen
class UnroundedMoney:
    """A product of money and a `Fraction`, still exact; `rounded()` makes it money. It can be summed before.

    Raises:
        InvalidInput: (invalid_input) a value that is no `Fraction`.
        UnknownCurrency, CurrencyMismatch: as `Money`.

    >>> third = money("10 EUR") * Fraction(1, 3)
    >>> str(third.rounded()), str((third + third + third).rounded())
    ('3.33 EUR', '10.00 EUR')
    """

    value: Fraction
    currency: str

    def __attrs_post_init__(self) -> None:
        """Check both fields."""
        _digits(self.currency)
        if not isinstance(self.value, Fraction):
            raise InvalidInput("value", self.value, "a Fraction")

    def __str__(self) -> str:
        """The fraction and the currency: "10/3 EUR"."""
        return f"{self.value} {self.currency}"

    def __add__(self, other: Money | UnroundedMoney | int) -> UnroundedMoney:
        """The exact sum with money, rounded or not; a bare 0 changes nothing, so that `sum()` works."""
        if isinstance(other, Money):
            other = UnroundedMoney(Fraction(other.amount), other.currency)
        if isinstance(other, UnroundedMoney):
            _same("money", self.currency, other.currency)
            return UnroundedMoney(self.value + other.value, self.currency)
        return self if isinstance(other, int) and not isinstance(other, bool) and other == 0 else NotImplemented

    __radd__ = __add__

    def __neg__(self) -> UnroundedMoney:
        """The opposite amount."""
        return UnroundedMoney(-self.value, self.currency)

    def __mul__(self, factor: int | Decimal | Fraction) -> UnroundedMoney:
        """The exact product."""
        if not isinstance(factor, int | float | Decimal | Fraction):
            return NotImplemented
        return UnroundedMoney(self.value * Fraction(_number("factor", factor)), self.currency)

    __rmul__ = __mul__

    def rounded(self) -> Money:
        """The nearest money in whole minor units; a tie goes to the even one (ISO 80000-1, B.3, rule A).

        Raises:
            OutOfRange: (out_of_range) more than 18 digits before the point.

        >>> str((money("1 EUR") * Fraction(2, 3)).rounded())
        '0.67 EUR'
        """
        return _minor(round(self.value * 10 ** _digits(self.currency)), self.currency)


def _minor(count: int, currency: str) -> Money:
    """Money of so many minor units."""
    digits = _digits(currency)
    if abs(count) >= 10 ** (MAX_WHOLE + digits):
        raise OutOfRange("amount", "a larger amount", f"at most {MAX_WHOLE} digits before the point")
    return Money(Decimal(count).scaleb(-digits, context=_EXACT), currency)


def money(value: Money | str) -> Money:
    """Money from a text such as "3.20 EUR" or from itself.

    Args:
        value: a point before the cents, no thousands marks, then the ISO 4217 code; at most 64 characters, 18 digits before
            and 20 after the point.

    Raises:
        InvalidInput: (invalid_input) another type, also a bare number: which currency?
        FloatRefused: (float_refused) a float.
        OutOfRange: (out_of_range) NaN or infinity as a float.
        TextTooLong: (text_too_long) more than 64 characters.
        UnreadableText: (unreadable_text) any other spelling; a comma is answered with the right one.
        UnknownCurrency: (unknown_currency) no active code of ISO 4217, or not in capitals.

    >>> money("3.20 EUR")
    Money(amount=Decimal('3.20'), currency='EUR')
    >>> money("3,20 EUR")
    Traceback (most recent call last):
        ...
    krafte_core.errors.UnreadableText: money: got '3,20 EUR', expected '3.20 EUR': a point before the cents, no thousands marks
    """
    if isinstance(value, Money):
        return value
    if isinstance(value, float):
        raise _float("money", value, f"text such as '{value!r} EUR'")
    if not isinstance(value, str):
        raise InvalidInput("money", value, SPELLING)
    if len(value) > MAX_TEXT:
        raise TextTooLong("money", value[:MAX_TEXT], f"at most {MAX_TEXT} characters")
    form = AMOUNT.fullmatch(value.strip())
    if form is None:
        raise UnreadableText("money", value, _spelling(value.strip()))
    return Money(Decimal(form[1]), form[2])


def _spelling(text: str) -> str:
    """The right spelling of a text with commas, as far as it can be told: the last mark comes before the cents."""
    whole, comma, rest = text.rpartition(",")
    if not comma:
        return SPELLING
    right = text.replace(",", "") if "." in rest else f"{re.sub('[.,]', '', whole)}.{rest}"
    return f"{right!r}: a point before the cents, no thousands marks" if AMOUNT.fullmatch(right) else SPELLING


def price(given: Money | str | None) -> Money | None:
    """A price that may be left out: what `money` reads, or None.

    >>> str(price("3.20 EUR")), price(None)
    ('3.20 EUR', None)
    """
    return None if given is None else money(given)
