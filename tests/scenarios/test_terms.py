"""What was agreed with a customer: prices of the list, orders that are too small, the credit limit, and offers that become orders."""

from __future__ import annotations

from datetime import date

import pytest

from krafte_core import Customer, Item, OrderLine, Price, PriceList, Workshop
from krafte_core.errors import InvalidInput, NotAllowed, Unknown
from krafte_core.testing import FakeClock

ROWS = [
    Price("soap", "3.00 EUR"),
    Price("soap", "2.70 EUR", since="10 case"),
    Price("soap", "2.40 EUR", first="2026-12-01", last="2026-12-24"),
    Price("salt", "12 EUR", per="kg"),
]


@pytest.fixture
def shop():
    shop = Workshop.in_memory(clock=FakeClock("2026-11-23 12:00"))
    shop.register(
        Item("soap", unit="each", packs={"case": 12}), Item("salt", unit="g"), Item("jar", unit="each"),
        PriceList("trade", ROWS, discount="5 %"),
        PriceList("friends", [Price("soap", "1 EUR")]),
        Customer("Hotel Post", prices="trade", smallest_order="50 EUR", credit_limit="400 EUR"),
    )  # fmt: skip
    return shop


def placed(shop, *lines, **told):
    return shop.orders.place(customer="Hotel Post", lines=[OrderLine(*line) for line in lines], **told)


def test_an_order_of_a_registered_customer_has_the_prices_of_his_list(shop):
    order = placed(shop, ("soap", "120 each"), ("salt", "500 g"))

    assert [(str(line.price), line.per, str(line.total)) for line in order.lines] == [
        ("2.70 EUR", "", "307.80 EUR"), ("12.00 EUR", "kg", "5.70 EUR"),
    ]  # fmt: skip
    assert shop.orders.holds(order) == ()


def test_a_price_holds_on_the_day_of_the_order(shop):
    clock = FakeClock("2026-12-24 22:00")
    other = Workshop.in_memory(clock=clock)
    other.register(*shop.catalogue.items.values(), PriceList("trade", ROWS), Customer("Hotel Post", prices="trade"))
    assert str(placed(other, ("soap", "12 each")).lines[0].price) == "2.40 EUR"
    clock.set("2026-12-25 08:00")
    assert str(placed(other, ("soap", "12 each")).lines[0].price) == "3.00 EUR"


def test_what_a_line_or_a_call_says_itself_counts_more(shop):
    own = shop.orders.place(customer="Hotel Post", lines=[OrderLine("soap", "20 each", price="9 EUR")])
    friend = shop.orders.place(customer="Anna", lines=[OrderLine("soap", "1 each")], prices="friends")
    stranger = shop.orders.place(customer="Ben", lines=[OrderLine("soap", "1 each")])

    assert [str(order.total) for order in (own, friend)] == ["180.00 EUR", "1.00 EUR"]
    assert stranger.total is None


def test_an_item_without_a_price_in_the_list_is_refused_and_nothing_is_stored(shop):
    with pytest.raises(Unknown) as caught:
        placed(shop, ("jar", "1 each"))
    assert caught.value.choices == ("soap", "salt")
    with pytest.raises(Unknown):
        placed(shop, ("soap", "1 each"), prices="trad")
    assert shop.orders.find() == ()


def test_an_order_that_is_too_small_or_beyond_the_credit_waits_for_a_decision_with_the_amounts(shop):
    small = placed(shop, ("soap", "10 each"))
    large = placed(shop, ("soap", "120 each"), owed="100 EUR")

    assert [hold.reason for hold in shop.orders.holds(small)] == ["28.50 EUR is less than the smallest order of 50.00 EUR"]
    assert [(hold.kind, hold.reason) for hold in shop.orders.holds(large)] == [
        ("terms", "436.30 EUR would be open, the credit limit is 400.00 EUR")  # 28.50 is open here, 100 is owed
    ]
    with pytest.raises(NotAllowed):
        shop.orders.confirm(large)
    assert [(row.order, row.kind) for row in shop.orders.board().rows] == [(small.number, "held"), (large.number, "held")]
    shop.orders.release(large, reason="paid in advance", by="Anna")
    shop.orders.confirm(large)


def test_open_orders_use_up_the_credit_until_they_have_left_or_are_cancelled(shop):
    shop.stock.receive("soap", "500 each", lot="S-1")
    first = placed(shop, ("soap", "60 each"))
    second = placed(shop, ("soap", "90 each"))
    assert [hold.reason for hold in shop.orders.holds(second)] == ["427.50 EUR would be open, the credit limit is 400.00 EUR"]
    shop.orders.cancel(second)
    third = placed(shop, ("soap", "60 each"))
    assert shop.orders.holds(third) == ()
    for order in (first, third):
        shop.orders.confirm(order)
        shop.shipping.ship(order)
    assert shop.orders.holds(placed(shop, ("soap", "60 each"))) == ()  # what has left is the host's to tell: `owed`
    shop.verify()


def test_what_the_customer_pays_counts_with_tax_and_shipping(shop):
    order = placed(shop, ("soap", "120 each"), tax="62 EUR", shipping_price="40 EUR")

    assert [hold.reason for hold in shop.orders.holds(order)] == ["409.80 EUR would be open, the credit limit is 400.00 EUR"]


def test_a_change_beyond_the_credit_holds_the_order_and_one_that_costs_the_same_does_not(shop):
    order = placed(shop, ("soap", "60 each"))
    shop.orders.change(order, lines=[OrderLine("soap", "60 each"), OrderLine("salt", "21 kg")])
    (hold,) = shop.orders.holds(order)
    assert hold.reason == "410.40 EUR would be open, the credit limit is 400.00 EUR"
    shop.orders.release(order)
    shop.orders.change(order, notes="ring twice")

    assert str(shop.orders.get(order).lines[1].price) == "12.00 EUR"
    assert shop.orders.holds(order) == ()


def test_orders_of_channels_and_files_are_checked_too_and_never_refused(shop):
    from decimal import Decimal

    from krafte_core.incoming import Goods, MessageLine, OrderMessage

    lines = (
        MessageLine(line_id="1", quantity=Decimal(200), goods=(Goods("soap"),)),
        MessageLine(line_id="2", quantity=Decimal(1), goods=(Goods("jar"),)),
    )
    known = shop.orders.import_from(OrderMessage(channel="x12", account="A", order_id="1", buyer="Hotel Post", lines=lines[:1]))
    partly = shop.orders.import_from(OrderMessage(channel="x12", account="A", order_id="2", buyer="Hotel Post", lines=lines))

    assert str(known.order.lines[0].price) == "2.70 EUR"
    assert "would be open" in shop.orders.holds(known.order)[0].reason
    assert "a line has no price" in shop.orders.holds(partly.order)[0].reason


def test_an_offer_with_the_prices_of_the_list_becomes_the_order_that_it_promised(shop):
    shop.stock.receive("soap", "200 each", lot="S-1")
    order = placed(shop, ("soap", "120 each"))
    quote = shop.orders.quote(order, until="2026-11-30 12:00")
    shop.register(PriceList("trade", [Price("soap", "9 EUR")]))  # prices of tomorrow are not those of the offer
    done = shop.orders.confirm(order)

    assert (done.promised, done.shortages) == (quote.date, ())
    assert quote.date == date(2026, 11, 23)
    assert str(shop.orders.get(order).total) == "307.80 EUR"


def test_a_list_that_does_not_fit_is_refused_with_every_problem(shop):
    rows = [
        Price("saop", "1 EUR"),
        Price("soap", "1 USD", first="2026-12-02", last="2026-12-01"),
        Price("soap", "-1 EUR", per="litre"),
    ]
    with pytest.raises(InvalidInput) as caught:
        shop.register(PriceList("bad", rows))
    assert all(word in caught.value.given for word in ("row 1", "row 2", "row 3", "currencies"))
    with pytest.raises(Unknown):
        shop.register(Customer("Ben", prices="trad"))
    with pytest.raises(InvalidInput):
        shop.register(Customer("Ben", prices="trade", credit_limit="100 USD"))


def test_agreements_survive_a_restart_and_an_export(shop, tmp_path):
    pytest.importorskip("sqlalchemy")
    from krafte_core.stores.sql import open_store

    shop.export_to(tmp_path / "books.jsonl")
    other = Workshop(open_store(f"sqlite:///{tmp_path}/books.db"))
    other.import_from(tmp_path / "books.jsonl")
    other.close()
    again = Workshop(open_store(f"sqlite:///{tmp_path}/books.db"))

    assert str(placed(again, ("soap", "120 each")).total) == "307.80 EUR"
    again.erase_customer("Hotel Post")
    assert again.catalogue.customers["Hotel Post"].prices == ""
    again.close()


def test_an_order_that_is_placed_again_or_wanted_again_must_fit_the_credit_limit_too(shop):
    first = placed(shop, ("soap", "80 each"))
    again = shop.orders.repeat(first)
    assert [hold.kind for hold in shop.orders.holds(again)] == ["terms"]
    shop.orders.cancel(again)
    third = placed(shop, ("soap", "50 each"))
    assert shop.orders.holds(third) == ()
    shop.orders.cancel(first)
    fourth = placed(shop, ("soap", "70 each"))
    assert shop.orders.holds(fourth) == ()

    shop.orders.reopen(first)

    assert [hold.kind for hold in shop.orders.holds(first)] == ["terms"]
    shop.verify()


def test_what_a_channel_sold_once_is_not_sold_there_again_by_repeating_it(shop):
    first = shop.orders.place(customer="Anna", lines=[OrderLine("soap", "2 each")], source="amazon/DE/7")

    again = shop.orders.repeat(first)

    assert (again.source, again.lines[0].item, shop.orders.get(first).source) == ("", "soap", "amazon/DE/7")
