"""Price lists: the right row for amount and day, and orders that a person must look at."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from krafte_core import Item, OrderLine, Workshop
from krafte_core.errors import CurrencyMismatch, Unknown
from krafte_core.prices import Price, PriceList, check_list, price_of, priced, verdict

SOAP = Item("soap", unit="each", packs={"case": 12})
ITEMS = {"soap": SOAP}
TODAY = date(2026, 11, 23)
TIERS = PriceList(
    "trade", [Price("soap", "3.00 EUR"), Price("soap", "2.70 EUR", since="10 case"), Price("soap", "2.50 EUR", since="500 each")]
)


@pytest.mark.parametrize(
    ("amount", "price"), [("1 each", "3.00"), ("119 each", "3.00"), ("120 each", "2.70"), ("41 case", "2.70"), ("500 each", "2.50")]
)
def test_the_tier_of_the_largest_amount_that_is_reached_counts(amount, price):
    assert str(price_of(TIERS, SOAP, amount, TODAY).price) == f"{price} EUR"


@pytest.mark.parametrize(
    ("day", "price"), [("2026-11-30", "3.00"), ("2026-12-01", "2.40"), ("2026-12-24", "2.40"), ("2026-12-25", "3.00")]
)
def test_a_price_holds_on_its_days_both_included(day, price):
    rows = [Price("soap", "3.00 EUR"), Price("soap", "2.40 EUR", first="2026-12-01", last="2026-12-24")]
    assert str(price_of(PriceList("xmas", rows), SOAP, "1 each", date.fromisoformat(day)).price) == f"{price} EUR"


@given(st.integers(1, 2_000), st.permutations(TIERS.prices))
def test_the_order_of_the_rows_does_not_matter_and_more_never_costs_more_each(count, rows):
    shuffled = PriceList("trade", rows)
    here, more = (price_of(shuffled, SOAP, f"{amount} each", TODAY) for amount in (count, count + 1))

    assert here == price_of(TIERS, SOAP, f"{count} each", TODAY)
    assert more.price <= here.price


def test_what_a_line_says_itself_stays():
    lines = [OrderLine("soap", "120 each"), OrderLine("soap", "1 each", price="9 EUR"), OrderLine("soap", "1 each", sample=True)]
    rows = priced(lines, PriceList("trade", TIERS.prices, discount="5 %"), ITEMS, TODAY)

    assert [str(row.price) for row in rows] == ["2.70 EUR", "9.00 EUR", "None"]
    assert rows[1].discount is None


def test_an_order_below_the_smallest_or_beyond_the_credit_is_held_with_the_amounts():
    shop = Workshop.in_memory()
    shop.register(SOAP)
    order = shop.orders.place(customer="Anna", lines=priced([OrderLine("soap", "10 each")], TIERS, ITEMS, TODAY))
    limits = PriceList("trade", TIERS.prices, smallest_order="50 EUR", credit_limit="100 EUR")

    assert verdict(TIERS, order).ok
    assert verdict(limits, order, owed="80 EUR").hold == (
        "30.00 EUR is less than the smallest order of 50.00 EUR",
        "110.00 EUR would be open, the credit limit is 100.00 EUR",
    )
    assert verdict(limits, order, owed="70 EUR").hold == ("30.00 EUR is less than the smallest order of 50.00 EUR",)
    with pytest.raises(CurrencyMismatch):
        verdict(limits, order, owed="80 USD")


def test_an_order_without_prices_is_held():
    shop = Workshop.in_memory()
    shop.register(SOAP)
    assert verdict(TIERS, shop.orders.place(customer="Anna", lines=[OrderLine("soap", "1 each")])).hold == ("a line has no price",)


def test_what_has_no_price_is_said_and_a_list_can_be_checked_beforehand():
    with pytest.raises(Unknown):
        price_of(PriceList("trade", [Price("soap", "3 EUR", first="2027-01-01")]), SOAP, "1 each", TODAY)
    rows = [Price("soap", "3 EUR", per="sack"), Price("soap", "3 USD", first="2026-02-01", last="2026-01-01"), Price("saop", "1 EUR")]
    told = check_list(PriceList("bad", rows), ITEMS)

    assert [one.partition(":")[0] for one in told] == ["several currencies", "row 1", "row 2", "row 3"]
    assert check_list(TIERS, ITEMS) == ()
