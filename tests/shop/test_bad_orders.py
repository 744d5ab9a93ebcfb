"""Bad input for the commands that change orders: each is refused with a code, and nothing is written."""

from __future__ import annotations

import pytest

from krafte_core import Item, KrafteError, OrderLine, Workshop
from krafte_core.testing import FakeClock
from tests.shop.naive import books


def workshop() -> Workshop:
    """One confirmed order of Anna's, with its lot; soap and a box of seven."""
    shop = Workshop.in_memory(clock=FakeClock("2026-11-23 08:00"))
    shop.register(Item("soap", unit="each", packs={"box": 7}), Item("oil", unit="kg"))
    shop.stock.receive("soap", "50 each", lot="S-1")
    shop.orders.confirm(shop.orders.place(customer="Anna", lines=[OrderLine("soap", "20 each", price="3 EUR")]))
    return shop


def placing(**terms):
    """Place an order of one soap on these terms."""
    return lambda desk: desk.place(customer="A", lines=[OrderLine("soap", "1 each", **terms)])


CO, ONE = "CO-2026-11-001", [OrderLine("soap", "1 each")]
BAD = [
    ("lines of nothing", lambda desk: desk.change(CO, lines=[]), "invalid_input"),
    ("no lines", lambda desk: desk.change(CO, lines="soap"), "invalid_input"),
    ("an unknown item", lambda desk: desk.change(CO, lines=[OrderLine("soup", "1 each")]), "unknown"),
    ("half a soap", lambda desk: desk.change(CO, lines=[OrderLine("soap", "0.5 each")]), "not_whole_steps"),
    ("nothing of it", lambda desk: desk.change(CO, lines=[OrderLine("soap", "0 each")]), "not_positive"),
    ("a line twice", lambda desk: desk.change(CO, lines=[*ONE, OrderLine("soap", "2 each", ref="1")]), "invalid_input"),
    ("a day that is none", lambda desk: desk.change(CO, requested="soon"), "unreadable_text"),
    ("an unknown method", lambda desk: desk.change(CO, shipping="balloon"), "unknown"),
    ("an address in words", lambda desk: desk.change(CO, ship_to="Ulm"), "invalid_input"),
    ("a priority in words", lambda desk: desk.change(CO, priority="high"), "invalid_input"),
    ("a version in words", lambda desk: desk.change(CO, if_version="1"), "invalid_input"),
    ("an unknown surplus", lambda desk: desk.change(CO, surplus="burn"), "invalid_input"),
    ("an unknown delivery", lambda desk: desk.change(CO, delivery="by owl"), "invalid_input"),
    ("notes that are none", lambda desk: desk.change(CO, notes=5), "invalid_input"),
    ("a float", lambda desk: desk.split(CO, {"soap": 0.5}), "float_refused"),
    ("a unit of another kind", lambda desk: desk.split(CO, {"soap": "1 kg"}), "unit_mismatch"),
    ("repeat of another line", lambda desk: desk.repeat(CO, amounts={"oil": "1 kg"}), "invalid_input"),
    ("an unknown lot", lambda desk: desk.allocate(CO, "soap", "1 each", lot="S-9"), "too_much"),
    ("another item's need", lambda desk: desk.allocate(CO, "oil"), "invalid_input"),
    ("a need that is no name", lambda desk: desk.free(CO, 5), "invalid_input"),
    ("more than it has", lambda desk: desk.free(CO, "soap", "21 each"), "too_much"),
    ("a lot that it does not have", lambda desk: desk.free(CO, lot="S-9"), "too_much"),
    ("nothing picked", lambda desk: desk.unpick(CO), "not_allowed"),
    ("an unknown line", lambda desk: desk.swap(CO, "oil"), "invalid_input"),
    ("a discount above all", placing(price="1 EUR", discount="2 EUR"), "invalid_input"),
    ("a discount of no price", placing(discount="2 EUR"), "invalid_input"),
    ("another currency", placing(price="9 EUR", discount="2 USD"), "currency_mismatch"),
    ("an unknown pack", placing(price="9 EUR", per="crate"), "unknown_unit"),
    ("an unknown delivery of a new one", lambda desk: desk.place(customer="A", lines=ONE, delivery="owl"), "invalid_input"),
    ("a tax that is maybe included", lambda desk: desk.place(customer="A", lines=ONE, tax_included="maybe"), "invalid_input"),
]  # fmt: skip


@pytest.mark.parametrize(("command", "code"), [row[1:] for row in BAD], ids=[row[0] for row in BAD])
def test_bad_input_is_refused_and_nothing_is_written(command, code):
    shop = workshop()
    before = books(shop)
    with pytest.raises(KrafteError) as refused:
        command(shop.orders)
    assert refused.value.code == code
    assert books(shop) == before
    assert shop.orders.place(customer="Eve", lines=[OrderLine("soap", "1 each")]).number == "CO-2026-11-002", "a refusal took a number"


TERMS = [
    {"discount": "110 %"},
    {"discount": "-1 EUR"},
    {"over": "-5 %"},
    {"under": "much"},
    {"under": "101 %"},
    {"sample": "yes"},
    {"tax": "a lot"},
]


@pytest.mark.parametrize("terms", TERMS, ids=str)
def test_terms_that_cannot_be_are_refused(terms):
    with pytest.raises(KrafteError):
        OrderLine("soap", "1 each", **terms)


def test_the_key_of_a_change_is_kept():
    shop = workshop()
    lines = [OrderLine("soap", "25 each")]
    first = shop.orders.change(CO, lines=lines, key="k")
    assert shop.orders.change(CO, lines=lines, key="k") == first
    with pytest.raises(KrafteError) as refused:
        shop.orders.change(CO, lines=[OrderLine("soap", "26 each")], key="k")
    assert refused.value.code == "key_reused"
