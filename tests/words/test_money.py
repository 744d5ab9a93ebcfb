"""Money: exact, one currency at a time, rounded only where it says so."""

from __future__ import annotations

import copy
import decimal
import pickle
import time
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from krafte_core.errors import (
    CurrencyMismatch,
    FloatRefused,
    InvalidInput,
    KrafteError,
    NotPositive,
    OutOfRange,
    TextTooLong,
    UnknownCurrency,
    UnreadableText,
)
from krafte_core.money import MINOR_DIGITS, Money, UnroundedMoney, money

amounts = st.decimals(min_value=-(10**12), max_value=10**12, places=4, allow_nan=False, allow_infinity=False)
cents = st.integers(-(10**9), 10**9)


def euro(amount):
    """So many euros."""
    return Money(Decimal(amount), "EUR")


def error_of(call, *arguments):
    """The error that the call raises."""
    with pytest.raises(KrafteError) as caught:
        call(*arguments)
    return caught.value


class TestText:
    """The grammar."""

    @pytest.mark.parametrize(
        ("text", "amount", "shown"),
        [
            ("3.20 EUR", "3.20", "3.20 EUR"),
            ("3.2EUR", "3.20", "3.20 EUR"),
            (" 3 EUR ", "3.00", "3.00 EUR"),
            ("-3.20 EUR", "-3.20", "-3.20 EUR"),
            ("0.00135 EUR", "0.00135", "0.00135 EUR"),
            ("1.10000 EUR", "1.10", "1.10 EUR"),
            ("-0 EUR", "0.00", "0.00 EUR"),
            ("500 JPY", "500", "500 JPY"),
            ("0.5 JPY", "0.5", "0.5 JPY"),
            ("1.5 KWD", "1.500", "1.500 KWD"),
            ("999999999999999999.99 EUR", "999999999999999999.99", "999999999999999999.99 EUR"),
        ],
    )
    def test_text_is_read_and_shown(self, text, amount, shown):
        """An amount shows the digits of its minor unit, and more where it has more."""
        found = money(text)

        assert (str(found.amount), str(found)) == (amount, shown)
        assert money(str(found)) == found

    def test_money_passes_through(self):
        """Money is its own money."""
        price = euro(3)

        assert money(price) is price

    @pytest.mark.parametrize(
        "text",
        ["", "EUR", "3.20", "EUR 3.20", "3.20 €", "3.20 Euro", "1e3 EUR", "+3 EUR", ".5 EUR", "5. EUR", "1_000 EUR", "NaN EUR",
         "inf EUR", "- 3 EUR", "3 2 EUR", "\u0663 EUR", "1234567890123456789 EUR", "0." + "0" * 21 + " EUR"],
    )  # fmt: skip
    def test_other_texts_are_unreadable(self, text):
        """Whatever the grammar does not know is refused, never half read."""
        assert isinstance(error_of(money, text), UnreadableText)

    @pytest.mark.parametrize(
        ("text", "right"),
        [
            ("3,20 EUR", "'3.20 EUR'"),
            ("1.234,50 EUR", "'1234.50 EUR'"),
            ("1,234.50 EUR", "'1234.50 EUR'"),
            ("1,234,567.50 EUR", "'1234567.50 EUR'"),
            ("three,twenty EUR", "an amount"),
        ],
    )
    def test_a_comma_is_answered_with_the_right_spelling(self, text, right):
        """Commas mean cents here and thousands there: refused, with the text that would be read."""
        found = error_of(money, text)

        assert isinstance(found, UnreadableText)
        assert found.expected.startswith(right)

    def test_long_texts_are_refused_at_once(self):
        """Ten megabytes cost no more than a look at the length."""
        began = time.perf_counter()
        found = error_of(money, "9" * 10_000_000)

        assert isinstance(found, TextTooLong)
        assert len(found.given) == 64
        assert time.perf_counter() - began < 1

    @pytest.mark.parametrize(("text", "wanted"), [("3 XYZ", "an active code"), ("3 eur", "'EUR'"), ("3 DEM", "an active code")])
    def test_unknown_currencies_are_refused(self, text, wanted):
        """Only active codes of ISO 4217, in capitals."""
        found = error_of(money, text)

        assert isinstance(found, UnknownCurrency)
        assert found.expected.startswith(wanted)

    @pytest.mark.parametrize("value", [3, Decimal(3), None, True, b"3 EUR", ("3", "EUR")])
    def test_other_types_are_refused(self, value):
        """A bare number has no currency."""
        assert type(error_of(money, value)) is InvalidInput

    def test_floats_are_refused(self):
        """A float is shown its text; NaN has none."""
        found = error_of(money, 3.2)

        assert isinstance(found, FloatRefused)
        assert "'3.2 EUR'" in found.expected
        for value in (float("nan"), float("inf")):
            assert isinstance(error_of(money, value), OutOfRange)

    @given(st.text(alphabet="0123456789.,- EURJPY", max_size=64))
    def test_any_text_is_money_or_a_coded_error(self, text):
        """No text gets another answer than money or an error of the tree."""
        try:
            found = money(text)
        except InvalidInput:
            return

        assert money(str(found)) == found


class TestValue:
    """Money is a value: checked, canonical, comparable."""

    def test_equal_amounts_are_equal_however_written(self):
        """3.2 EUR is 3.20 EUR, with the same hash, pickle and copy; another currency is another thing."""
        assert euro("3.2") == euro("3.200000") == money("3.20 EUR")
        assert len({euro("3.2"), euro("3.20"), euro("3.200")}) == 1
        assert repr(euro("3.2")) == repr(euro("3.200")) == "Money(amount=Decimal('3.20'), currency='EUR')"
        assert Money(Decimal(3), "EUR") != Money(Decimal(3), "USD")
        assert euro(0) != 0
        assert pickle.loads(pickle.dumps(euro("3.2"))) == copy.deepcopy(euro("3.2")) == euro("3.2")
        assert Money(Decimal("1E+3"), "EUR") == euro(1000)

    @pytest.mark.parametrize(
        ("amount", "currency", "error"),
        [
            (3.2, "EUR", FloatRefused),
            (float("nan"), "EUR", OutOfRange),
            (Decimal("NaN"), "EUR", OutOfRange),
            (Decimal("sNaN"), "EUR", OutOfRange),
            (Decimal("-Infinity"), "EUR", OutOfRange),
            (Decimal(10) ** 18, "EUR", OutOfRange),
            (Decimal("1E+999999"), "EUR", OutOfRange),
            (Decimal("1E-999999"), "EUR", OutOfRange),
            (Decimal("1E-21"), "EUR", OutOfRange),
            pytest.param(10**5_000, "EUR", OutOfRange, id="huge"),
            ("3.20", "EUR", InvalidInput),
            (True, "EUR", InvalidInput),
            (None, "EUR", InvalidInput),
            (Fraction(1, 3), "EUR", InvalidInput),
            (Decimal(3), None, InvalidInput),
            (Decimal(3), ["EUR"], InvalidInput),
            (Decimal(3), "EURO", UnknownCurrency),
            (Decimal(3), "x" * 10_000_000, UnknownCurrency),
        ],
    )
    def test_bad_fields_are_refused(self, amount, currency, error):
        """Amounts are finite decimals of bearable length, currencies active codes."""
        found = error_of(Money, amount, currency)

        assert type(found) is error
        assert len(str(found)) < 300

    def test_zero_has_one_spelling(self):
        """A zero is a zero, with whatever sign or exponent it came."""
        for zero in ("0", "-0", "0.000", "0E+999999", "-0E-999999"):
            assert repr(euro(zero)) == "Money(amount=Decimal('0.00'), currency='EUR')"
            assert euro(zero).is_zero
        assert not euro("0.01").is_zero

    def test_comparisons_stay_in_one_currency(self):
        """Less and more need the same currency, and money."""
        assert euro(3) < euro(4) <= euro(4) < euro(5)
        assert euro(5) > euro(4) >= euro("4.00")
        assert not any((euro(4) < euro(4), euro(4) > euro(4), euro(3) >= euro(4), euro(4) <= euro(3)))
        assert max([euro(3), euro(5), euro(4)]) == euro(5)
        dollar = Money(Decimal(3), "USD")
        operations: tuple[Any, ...] = (Money.__lt__, Money.__le__, Money.__gt__, Money.__ge__, Money.__add__, Money.__sub__)
        for compare in operations:
            found = error_of(compare, euro(3), dollar)
            assert isinstance(found, CurrencyMismatch)
            assert found.given == "USD"
            assert compare(euro(3), 3) is NotImplemented

    def test_the_table_of_currencies(self):
        """Minor units as ISO 4217 says: most have two digits, some none, three or four; old codes are gone."""
        assert len(MINOR_DIGITS) == len(set(MINOR_DIGITS)) > 160
        assert all(len(code) == 3 and code.isupper() for code in MINOR_DIGITS)
        assert {code: MINOR_DIGITS[code] for code in ("EUR", "CHF", "JPY", "ISK", "KWD", "TND", "CLF", "ZWG", "XCG")} == {
            "EUR": 2, "CHF": 2, "JPY": 0, "ISK": 0, "KWD": 3, "TND": 3, "CLF": 4, "ZWG": 2, "XCG": 2,
        }  # fmt: skip
        assert MINOR_DIGITS.keys().isdisjoint(("DEM", "HRK", "BGN", "ANG", "ZWL", "SLL", "CUC", "XAU", "XXX"))


class TestArithmetic:
    """Exact, whatever the host does."""

    def test_sums_and_products(self):
        """A tenth three times is three tenths; products keep the digits they need."""
        assert euro("0.1") + euro("0.1") + euro("0.1") == euro("0.3")
        assert str(euro("3.20") * 240) == "768.00 EUR"
        assert str(240 * euro("3.20")) == "768.00 EUR"
        assert str(euro("3.20") * Decimal("0.0125")) == "0.04 EUR"
        assert str(Decimal("0.5") * euro("0.25")) == "0.125 EUR"
        assert euro(1) - euro(3) == -euro(2)
        assert str(-euro(0)) == "0.00 EUR"

    def test_sum_works(self):
        """`sum` starts with 0, which alone may be added; an empty sum takes a start."""
        assert sum([euro(1), euro(2)]) == euro(3)
        assert sum([], euro(0)) == euro(0)
        others: tuple[Any, ...] = (1, 0.0, False, "0")
        for other in others:
            with pytest.raises(TypeError):
                other + euro(1)
        with pytest.raises(TypeError):
            euro(1) + 1
        with pytest.raises(TypeError):
            euro(1) - 1
        with pytest.raises(TypeError):
            euro(1) < 1  # noqa: B015 - it raises

    @pytest.mark.parametrize(
        ("factor", "error"),
        [
            (1.5, FloatRefused),
            (float("nan"), OutOfRange),
            (Decimal("NaN"), OutOfRange),
            (Decimal("Infinity"), OutOfRange),
            (Decimal("1E-999999"), OutOfRange),
            pytest.param(10**5_000, OutOfRange, id="huge"),
            (10**17, OutOfRange),
            (Decimal("1." + "1" * 90), OutOfRange),
            (Decimal("1." + "1" * 99), OutOfRange),
            (Decimal("1." + "1" * 120), OutOfRange),
            (True, InvalidInput),
        ],
    )
    def test_bad_factors_are_refused(self, factor, error):
        """No floats, no endless numbers, and no result beyond 18 digits before and 20 after the point."""
        assert type(error_of(lambda: euro("33.33") * factor)) is error

    def test_only_numbers_multiply(self):
        """Money times money or text is Python's own TypeError."""
        for other in (euro(2), "2", None):
            with pytest.raises(TypeError):
                euro(1) * other
            with pytest.raises(TypeError):
                (euro(1) * Fraction(1, 3)) * other

    def test_results_too_large_are_refused(self):
        """Sums beyond 18 digits raise instead of losing cents."""
        largest = money("999999999999999999.99 EUR")

        assert isinstance(error_of(lambda: largest + euro("0.01")), OutOfRange)
        assert isinstance(error_of(lambda: -largest - euro("0.01")), OutOfRange)
        assert isinstance(error_of((largest * Fraction(3, 2)).rounded), OutOfRange)

    def test_the_hosts_context_changes_nothing(self):
        """A host that computes with three digits, and traps, still gets exact money."""
        with decimal.localcontext(decimal.Context(prec=3, traps=[decimal.Inexact, decimal.Rounded])):
            assert str(money("123456.78 EUR") + euro("0.01")) == "123456.79 EUR"
            assert str(money("123456.78 EUR") * 3) == "370370.34 EUR"
            assert str(money("123456.785 EUR").rounded()) == "123456.78 EUR"
            assert str(-money("123456.78 EUR")) == "-123456.78 EUR"
            assert [str(one) for one in money("123456.78 EUR").allocate([1, 1])] == ["61728.39 EUR"] * 2

    @given(amounts, amounts, amounts)
    def test_addition_is_exact(self, one, two, three):
        """Order does not matter, and what is added can be taken away."""
        first, second, third = euro(one), euro(two), euro(three)

        assert (first + second) + third == third + (second + first)
        assert first + second - second == first
        assert Fraction((first + second).amount) == Fraction(one) + Fraction(two)
        assert (first < second) == (one < two)

    @given(amounts, st.decimals(min_value=-100, max_value=100, places=6))
    def test_multiplication_is_exact(self, amount, factor):
        """A product is the product of the exact values, also as a fraction."""
        assert Fraction((euro(amount) * factor).amount) == Fraction(amount) * Fraction(factor)
        assert (euro(amount) * Fraction(factor)).rounded() == (euro(amount) * factor).rounded()


class TestRounding:
    """Only `rounded()` rounds."""

    @pytest.mark.parametrize(
        ("text", "shown"),
        [
            ("0.125 EUR", "0.12 EUR"),
            ("0.135 EUR", "0.14 EUR"),
            ("-0.125 EUR", "-0.12 EUR"),
            ("0.1250001 EUR", "0.13 EUR"),
            ("0.004 EUR", "0.00 EUR"),
            ("-0.004 EUR", "0.00 EUR"),
            ("2.5 JPY", "2 JPY"),
            ("1.2345 KWD", "1.234 KWD"),
            ("3.20 EUR", "3.20 EUR"),
        ],
    )
    def test_ties_go_to_the_even_unit(self, text, shown):
        """Half-even to the minor unit of the currency."""
        assert str(money(text).rounded()) == shown

    def test_fractions_stay_unrounded_until_asked(self):
        """A third three times is the whole again; nothing is lost on the way."""
        third = euro(10) * Fraction(1, 3)

        assert str(third) == "10/3 EUR"
        assert third == Fraction(1, 3) * euro(10) == UnroundedMoney(Fraction(10, 3), "EUR")
        assert str(third.rounded()) == "3.33 EUR"
        assert sum([third, third, third]).rounded() == euro(10)
        assert (third + euro(1)).rounded() == (euro(1) + third).rounded() == euro("4.33")
        assert (third * 3 + -euro(10)).rounded().is_zero
        assert (2 * -third * Decimal("0.5")).rounded() == euro("-3.33")
        assert (euro(1) * Fraction(1, 200)).rounded().is_zero

    def test_unrounded_money_is_checked_too(self):
        """The same refusals as for money."""
        third = euro(10) * Fraction(1, 3)

        assert isinstance(error_of(lambda: third + Money(Decimal(1), "USD")), CurrencyMismatch)
        assert isinstance(error_of(lambda: third * 0.5), FloatRefused)
        assert type(error_of(UnroundedMoney, 1, "EUR")) is InvalidInput
        assert isinstance(error_of(UnroundedMoney, Fraction(1), "XYZ"), UnknownCurrency)
        with pytest.raises(TypeError):
            third + 1
        with pytest.raises(TypeError):
            third + "1"


class TestAllocate:
    """Parts that add up."""

    @pytest.mark.parametrize(
        ("text", "weights", "parts"),
        [
            ("10 EUR", [1, 1, 1], ["3.33", "3.33", "3.34"]),
            ("-10 EUR", [1, 1, 1], ["-3.33", "-3.33", "-3.34"]),
            ("0.05 EUR", [1, 0, 1, 1], ["0.01", "0.00", "0.02", "0.02"]),
            ("0.01 EUR", [1, 0], ["0.01", "0.00"]),
            ("0 EUR", [1, 2], ["0.00", "0.00"]),
            ("100 EUR", [Decimal("0.19"), Decimal("0.81")], ["19.00", "81.00"]),
            ("1 EUR", [Fraction(1, 3), Fraction(2, 3)], ["0.33", "0.67"]),
            ("5 JPY", [1, 1], ["2", "3"]),
        ],
    )
    def test_parts(self, text, weights, parts):
        """The parts are whole minor units; the last one takes the rest."""
        assert [str(part.amount) for part in money(text).allocate(weights)] == parts

    @pytest.mark.parametrize(
        ("text", "weights", "error"),
        [
            ("1 EUR", [], InvalidInput),
            ("1 EUR", ["1"], InvalidInput),
            ("1 EUR", [True], InvalidInput),
            ("0.001 EUR", [1], InvalidInput),
            ("1 EUR", [1, -1], NotPositive),
            ("1 EUR", [0, 0], NotPositive),
            ("1 EUR", [0.5, 0.5], FloatRefused),
            ("1 EUR", [Decimal("NaN")], OutOfRange),
            ("1 EUR", [Decimal("1E+999999")], OutOfRange),
            ("1 EUR", [Decimal("1E-999999")], OutOfRange),
        ],
    )
    def test_bad_weights_are_refused(self, text, weights, error):
        """Weights are exact, zero or more, and not all zero; the amount is whole minor units."""
        assert type(error_of(money(text).allocate, weights)) is error

    @given(cents, st.lists(st.integers(0, 1_000) | st.fractions(0, 5), min_size=1, max_size=12).filter(any))
    def test_parts_add_up_exactly(self, count, weights):
        """The sum is the amount, each part is less than a cent from its share, of the same sign, and nothing for no weight."""
        whole = euro(Decimal(count).scaleb(-2))
        parts = whole.allocate(weights)

        assert sum(parts, euro(0)) == whole
        assert whole.allocate(iter(weights)) == parts
        assert tuple(-part for part in (-whole).allocate(weights)) == parts
        for part, weight in zip(parts, weights, strict=True):
            exact = Fraction(whole.amount) * Fraction(weight) / sum(map(Fraction, weights))
            assert abs(Fraction(part.amount) - exact) < Fraction(1, 100)
            assert part.is_zero or (part.amount > 0) == (count > 0)
            assert weight or part.is_zero
