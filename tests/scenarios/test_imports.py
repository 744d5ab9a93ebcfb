"""Orders of sales channels in the workshop: imported once, changed, cancelled, held, and never against what has happened."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import permutations

import attrs
import pytest

from krafte_core import Address, Ingredient, Item, Recipe, Workshop
from krafte_core.errors import InvalidInput, Unknown
from krafte_core.incoming import Goods, MessageLine, Notice, OrderMessage
from krafte_core.testing import FakeClock
from krafte_core.wire import dumps, loads

START = datetime(2026, 11, 23, tzinfo=UTC)
SOAP, SALT = (Goods("soap"),), (Goods("salt", "250 g"),)


@pytest.fixture
def shop():
    shop = Workshop.in_memory(clock=FakeClock("2026-11-23 08:00"))
    shop.register(Item("soap", unit="each", packs={"case": 12}), Item("salt", unit="g"))
    return shop


def line(name="1", quantity=3, goods=SOAP, **more):
    return MessageLine(line_id=name, quantity=Decimal(quantity), goods=goods, **more)


def order(*lines, minutes=0, number="7", **more):
    told = {"currency": "EUR", "buyer": "anna@example.org", **more}
    version = START + timedelta(minutes=minutes)
    return OrderMessage(channel="shopify", account="seife.example", order_id=number, version=version, lines=lines, **told)


def amounts(result):
    return {row.item: str(row.amount) for row in result.order.lines}


def test_an_order_of_a_shop_is_ours_with_its_price_its_words_and_its_customer(shop):
    words = {"personalization": (("Name", "Élodie <3"),), "options": (("_bundle", "x"),)}
    message = order(
        line(unit_price=Decimal("6.50"), discount=Decimal("0.50"), sku="S", **words), line("2", 2, SALT), line("3", 1, ()),
        shipping=Decimal("4.90"), prices_include_tax=True, ship_to=Address("Anna", city="Graz", country="AT"), note="Ring twice.",
    )  # fmt: skip
    done = shop.orders.import_from(message)

    assert (done.action, amounts(done)) == ("place", {"soap": "3 each", "salt": "500 g"})
    assert [row.line_id for row in done.unmatched] == ["3"]
    first = done.order.lines[0]
    assert (str(first.price), str(first.discount), first.note) == ("6.50 EUR", "0.50 EUR", "Name: Élodie <3")
    assert (done.order.customer, done.order.ship_to.city, done.order.notes) == ("anna@example.org", "Graz", "Ring twice.")
    assert (str(done.order.shipping_price), done.order.tax_included) == ("4.90 EUR", True)
    assert done.order.source == "shopify/seife.example/7"


def test_the_same_message_a_hundred_times_is_one_order(shop):
    results = [shop.orders.import_from(order(line())) for _ in range(100)]

    assert [result.changed for result in results] == [True] + [False] * 99
    assert len(shop.orders.find()) == 1
    assert len({result.order for result in results}) == 1


def test_messages_in_any_order_leave_the_same_order_behind(shop):
    rows = [
        order(line("1", 3), line("2", 1, SALT)),
        order(line("1", 3, removed=Decimal(1)), line("2", 1, SALT), minutes=5),
        order(line("1", 3, removed=Decimal(1)), line("2", 1, SALT), line("3", 4), minutes=9),
    ]
    ends = set()
    for place, some in enumerate(permutations(rows)):
        for row in some:
            done = shop.orders.import_from(attrs.evolve(row, order_id=f"N{place}"))
        ends.add(tuple((row.item, str(row.amount)) for row in done.order.lines))

    assert ends == {(("soap", "2 each"), ("salt", "250 g"), ("soap", "4 each"))}


def test_a_confirmed_order_that_is_edited_is_netted_again(shop):
    shop.stock.receive("soap", "10 each", lot="S-1")
    first = shop.orders.import_from(order(line(quantity=6)))
    shop.orders.confirm(first.order)
    edited = shop.orders.import_from(order(line(quantity=6, removed=Decimal(4)), minutes=5))

    assert amounts(edited) == {"soap": "2 each"}
    assert [change.kind for change in edited.changes] == ["line lowered"]
    assert str(shop.stock.level("soap").available) == "8 each"
    shop.verify()


def test_a_cancellation_at_the_channel_frees_what_was_reserved(shop):
    shop.stock.receive("soap", "10 each", lot="S-1")
    first = shop.orders.import_from(order(line()))
    shop.orders.confirm(first.order)
    gone = shop.orders.import_from(order(line(removed=Decimal(3)), minutes=5, cancelled=True))

    assert gone.action == "cancel"
    assert shop.orders.status(first.order).value == "cancelled"
    assert str(shop.stock.level("soap").available) == "10 each"
    shop.verify()


def test_what_has_left_stays_in_the_order_and_a_person_is_asked(shop):
    shop.stock.receive("soap", "10 each", lot="S-1")
    first = shop.orders.import_from(order(line(quantity=5)))
    shop.orders.confirm(first.order)
    shop.shipping.ship(first.order, amounts={"soap": "2 each"})
    gone = shop.orders.import_from(order(line(quantity=5, removed=Decimal(5)), minutes=5, cancelled=True))

    assert amounts(gone) == {"soap": "2 each"}
    assert gone.proposals == ("line 1: 2 have left, the channel wants 0",)
    shop.verify()


def test_the_channel_learns_later_what_we_have_shipped_and_nothing_changes(shop):
    shop.stock.receive("soap", "10 each", lot="S-1")
    first = shop.orders.import_from(order(line(quantity=5, fulfilled=Decimal(0), open=Decimal(5))))
    shop.orders.confirm(first.order)
    shop.shipping.ship(first.order, amounts={"soap": "2 each"})
    told = shop.orders.import_from(order(line(quantity=5, fulfilled=Decimal(2), open=Decimal(3)), minutes=5))

    assert amounts(told) == {"soap": "5 each"}
    assert told.order.version == first.order.version


def test_an_unpaid_order_is_known_and_waits_until_it_is_paid(shop):
    waiting = shop.orders.import_from(order(line(), importable=False))
    paid = shop.orders.import_from(order(line(), minutes=1))

    assert (waiting.action, waiting.order, bool(waiting.hold)) == ("wait", None, True)
    assert (paid.action, amounts(paid), paid.hold) == ("place", {"soap": "3 each"}, "")


def test_a_buyer_who_wants_to_cancel_holds_the_order(shop):
    first = shop.orders.import_from(order(line()))
    held = shop.orders.import_from(order(line(hold=True), minutes=1))

    assert held.hold == "the buyer asked to cancel"
    assert held.order == first.order


def test_an_order_that_we_have_cancelled_is_not_revived_by_an_import(shop):
    first = shop.orders.import_from(order(line()))
    shop.orders.cancel(first.order)
    edited = shop.orders.import_from(order(line(quantity=9), minutes=1))

    assert edited.proposals == (f"{first.order.number} is cancelled here, and the channel has changed it",)
    assert shop.orders.status(first.order).value == "cancelled"


def test_a_line_without_goods_waits_and_comes_in_when_the_mapping_is_mended(shop):
    """Lesson 93: an order with an unknown product is kept, the line waits."""
    first = shop.orders.import_from(order(line(), line("2", 1, ())))
    mended = shop.orders.import_from(order(line(), line("2", 1, SALT)))

    assert [row.line_id for row in first.unmatched] == ["2"]
    assert (amounts(mended), mended.unmatched) == ({"soap": "3 each", "salt": "250 g"}, ())


def test_goods_that_are_no_item_of_ours_are_said_and_nothing_is_stored(shop):
    message = order(line(goods=(Goods("saop"),)))
    with pytest.raises(Unknown):
        shop.orders.import_from(message)

    assert shop.orders.imported(message) is None
    assert shop.orders.find() == ()


def test_a_notice_has_no_order_in_it(shop):
    with pytest.raises(InvalidInput):
        shop.orders.import_from(Notice(channel="etsy", account="1", kind="fetch", order_id="7"))


def test_packs_of_the_item_are_its_own(shop):
    done = shop.orders.import_from(order(line(goods=(Goods("soap", "1 case"),), unit_price=Decimal(24))))

    assert (amounts(done), str(done.order.lines[0].price)) == ({"soap": "36 each"}, "24.00 EUR")
    assert str(done.order.total) == "72.00 EUR"


def test_what_is_stored_of_an_order_can_be_read_and_carried(shop):
    message = order(line(), note="=HYPERLINK(1)")
    shop.orders.import_from(message)
    stored = shop.orders.imported(message)

    assert stored.known == message
    assert shop.orders.imports() == (stored,)
    assert loads(dumps(stored)) == stored


def test_an_order_in_a_foreign_sku_style_never_merges_with_another(shop):
    """Lesson 94: the same article number in another spelling is another line until the mapping says otherwise."""
    done = shop.orders.import_from(order(line("1", sku="SOAP"), line("2", sku=" soap ", goods=())))

    assert [row.sku for row in done.unmatched] == [" soap "]
    assert len(done.order.lines) == 1


def test_imports_survive_a_restart_of_a_store_on_disk(tmp_path):
    pytest.importorskip("sqlalchemy")
    from krafte_core.stores.sql import open_store

    url = f"sqlite:///{tmp_path}/books.db"
    shop = Workshop(open_store(url))
    shop.register(Item("soap", unit="each"))
    first = shop.orders.import_from(order(line(title="Élodie's <soap>")))
    shop.close()
    again = Workshop(open_store(url))
    edited = again.orders.import_from(order(line(quantity=1), minutes=1))

    assert again.orders.import_from(order(line(title="Élodie's <soap>"))).changed is False
    assert (edited.order.number, amounts(edited)) == (first.order.number, {"soap": "1 each"})
    again.close()


def test_what_a_customer_wishes_stands_on_the_production_order():
    shop = Workshop.in_memory()
    shop.register(
        Item("blank", unit="each"), Item("spoon", unit="each"),
        Recipe("spoon", makes="1 each", ingredients=[Ingredient("blank", "1 each")]),
    )  # fmt: skip
    shop.stock.receive("blank", "5 each", lot="B-1")
    wished = line(goods=(Goods("spoon"),), personalization=(("Engraving", "For Mum"),))
    done = shop.orders.import_from(order(wished))
    shop.orders.confirm(done.order)
    (run,) = shop.production.covering(done.order)

    assert [(link.order, link.note) for link in shop.orders.covered_by(run)] == [(done.order.number, "Engraving: For Mum")]
