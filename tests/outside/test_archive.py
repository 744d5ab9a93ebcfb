"""A whole workshop travels as a file from any store to any store; its copies can be made anew; its customers can be forgotten."""

from __future__ import annotations

from pathlib import Path

import pytest

from krafte_core import Workshop
from krafte_core.addresses import Address
from krafte_core.errors import AlreadyExists, BrokenLaw, InvalidInput, KeyReused, Unknown, WireError
from krafte_core.orders import OrderLine
from krafte_core.stores.memory import MemoryStore
from krafte_core.stores.sql import SqlStore
from krafte_core.testing import FakeClock
from tests.conftest import new_url
from tests.outside import crew

KINDS = ["memory", "sqlite", "postgresql"]


@pytest.fixture
def new(request, tmp_path):
    """Makes an empty workshop on a store of a kind."""
    stores = []

    def make(kind):
        stores.append(MemoryStore() if kind == "memory" else SqlStore(new_url(kind, tmp_path, request)))
        return Workshop(stores[-1], clock=FakeClock("2026-11-23 08:00"), by="Ada")

    yield make
    for store in stores:
        store.close()


def busy(shop):
    """Papers in every state, lots held and used up, a key that was used."""
    crew.furnish(shop)
    for name in crew.READY:
        order = crew.prepared(shop, name)
        crew.perform(shop, name, order, f"key-{name}")
    return shop


def exported(shop, path):
    shop.export_to(path)
    return path.read_bytes()


@pytest.mark.parametrize("source", KINDS)
@pytest.mark.parametrize("target", KINDS)
def test_a_workshop_moves_from_any_store_to_any_store(new, tmp_path, source, target):
    first = busy(new(source))
    whole = exported(first, tmp_path / "one.jsonl")
    second = new(target)
    rows = second.import_from(tmp_path / "one.jsonl")

    assert rows == whole.count(b"\n") - 2
    assert exported(second, tmp_path / "two.jsonl") == whole == exported(first, tmp_path / "one.jsonl")
    second.verify()
    for item in ("oil", "wax", "bar"):
        assert second.stock.level(item) == first.stock.level(item)
    for order in first.orders.find(limit=100):
        assert second.orders.status(order) is first.orders.status(order)


def test_work_goes_on_after_an_import(new, tmp_path):
    first = busy(new("memory"))
    exported(first, tmp_path / "one.jsonl")
    second = new("sqlite")
    second.import_from(tmp_path / "one.jsonl")
    numbers = {order.number for order in first.orders.find(limit=100)}
    order = second.orders.place(customer="web", lines=[OrderLine("bar", "1 each")])

    assert order.number not in numbers
    assert second.orders.confirm(order).productions[0] not in {run.number for run in first.production.find(limit=100)}
    received = second.stock.receive("oil", "5 kg", lot="R-key-receive", key="key-receive")
    assert received == first.stock.lot("oil", "R-key-receive")
    with pytest.raises(KeyReused):
        second.stock.receive("oil", "6 kg", lot="R-key-receive", key="key-receive")
    for waiting in second.orders.find(limit=100):
        second.orders.status(waiting)
    second.verify()


def test_an_export_is_whole_or_not_there(new, tmp_path):
    shop = busy(new("memory"))
    path = tmp_path / "one.jsonl"
    exported(shop, path)

    assert [one.name for one in tmp_path.iterdir()] == ["one.jsonl"]
    with pytest.raises(FileNotFoundError):
        shop.export_to(tmp_path / "nowhere" / "one.jsonl")


def _cut(text):
    return text[: len(text) // 2]


def _without_a_line(text):
    lines = text.splitlines(keepends=True)
    return b"".join(lines[:5] + lines[6:])


def _twice(text):
    return text + text


BAD = {
    "cut off": _cut,
    "cut off at a line": lambda text: b"".join(text.splitlines(keepends=True)[:-1]),
    "a line is missing": _without_a_line,
    "two files in one": _twice,
    "empty": lambda text: b"",
    "something else": lambda text: b"Dear customer,\n" * 5,
    "bytes that are no text": lambda text: b"\xff\xfe" + text,
    "a newer format": lambda text: text.replace(b'["workshop",1]', b'["workshop",2]', 1),
    "a newer library": lambda text: text.replace(b'"krafte":"1', b'"krafte":"7', 1),
    "another table": lambda text: text.replace(b'["lots",', b'["slots",', 1),
    "a changed amount": lambda text: text.replace(b'"steps":', b'"steps":1.', 1),
}


@pytest.mark.parametrize("what", BAD)
@pytest.mark.parametrize("kind", ["memory", "sqlite"])
def test_a_file_that_is_not_a_whole_export_is_refused_and_nothing_is_written(new, tmp_path, what, kind):
    whole = exported(busy(new("memory")), tmp_path / "one.jsonl")
    changed = BAD[what](whole)
    assert changed != whole
    (tmp_path / "two.jsonl").write_bytes(changed)
    empty = new(kind)
    with pytest.raises(WireError):
        empty.import_from(tmp_path / "two.jsonl")

    assert not empty.catalogue.items
    assert empty.orders.find() == ()


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_read_over_what_is_there(new, tmp_path, kind):
    shop = busy(new(kind))
    before = exported(shop, tmp_path / "one.jsonl")
    with pytest.raises(AlreadyExists):
        shop.import_from(tmp_path / "one.jsonl")

    assert exported(shop, tmp_path / "two.jsonl") == before


# copies made anew -------------------------------------------------------------------------------------------------------

BROKEN = [
    "UPDATE krafte_stocked SET on_hand = on_hand + 7 WHERE tenant = {tenant} AND code = 'O-1'",
    "UPDATE krafte_stocked SET on_hand = 1, allocated = 3 WHERE tenant = {tenant}",
    "UPDATE krafte_stocked SET allocated = 0 WHERE tenant = {tenant}",
    "DELETE FROM krafte_stocked WHERE tenant = {tenant}",
    "INSERT INTO krafte_stocked SELECT tenant, item, code, 'attic', 5, 0, free, expires, since FROM krafte_stocked"
    " WHERE tenant = {tenant} AND code = 'O-1'",
]


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
@pytest.mark.parametrize("statement", BROKEN)
def test_rebuild_makes_the_balances_what_the_books_say(new, tmp_path, kind, statement):
    shop = busy(new(kind))
    before = [shop.stock.lots(item) for item in ("oil", "wax", "bar")]
    assert shop.rebuild() == 0
    with shop._store.engine.begin() as connection:
        connection.exec_driver_sql(statement.format(tenant=shop._store._tenant))
    with pytest.raises(BrokenLaw):
        shop.verify()

    assert shop.rebuild() > 0
    shop.verify()
    assert [shop.stock.lots(item) for item in ("oil", "wax", "bar")] == before
    assert shop.rebuild() == 0


def test_rebuild_does_not_invent_what_the_books_do_not_have(new):
    shop = busy(new("sqlite"))
    with shop._store.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE krafte_allocations SET takes = takes * 1000 WHERE source = 'lot'")
    with pytest.raises(BrokenLaw):
        shop.rebuild()


# customers who want to be forgotten -------------------------------------------------------------------------------------

NAME, STREET, NOTE = "Änne Müller", "Lindenstraße 7", "bell is broken"


@pytest.mark.parametrize("kind", KINDS)
def test_a_customer_is_forgotten_and_the_books_stay(new, tmp_path, kind):
    shop = busy(new(kind))
    shop.subscribe("box", lambda event: None, since="beginning")
    orders = []
    for customer in (NAME, "Bio Markt"):
        home = Address(customer, street=STREET if customer == NAME else "Hof 1")
        line = OrderLine("wax", "1 kg", note=NOTE)
        order = shop.orders.place(
            customer=customer, ship_to=home, notes=NOTE, lines=[line], attributes={"phone": customer}, key=f"place {len(orders)}"
        )
        shop.orders.confirm(order, key=f"confirm {len(orders)}")
        orders.append(order)
    shipment = shop.shipping.ship(orders[0], key="ship")
    levels = [shop.stock.lots(item) for item in ("oil", "wax", "bar")]
    lots = shop.trace.back("wax", "W-0")

    name = shop.erase_customer(NAME)

    text = exported(shop, tmp_path / "one.jsonl").decode("ascii").encode().decode("unicode_escape")
    assert NAME not in text
    assert STREET not in text
    assert text.count("Bio Markt") >= 2
    heard = []
    shop.subscribe("box", heard.append, since="beginning")
    shop.deliver_events()
    assert NAME not in repr(heard)
    forgotten = shop.orders.get(orders[0])
    assert (forgotten.customer, forgotten.ship_to, forgotten.notes, forgotten.attributes) == (name, None, "", ())
    assert [(line.item, line.steps, line.note) for line in forgotten.lines] == [("wax", orders[0].lines[0].steps, "")]
    assert shop.orders.get(orders[1]).notes == NOTE
    assert [order.number for order in shop.orders.find(customer=name)] == [orders[0].number]
    assert shop.orders.find(customer=NAME) == ()
    assert shop.shipping.get(shipment).customer == name
    assert [shop.stock.lots(item) for item in ("oil", "wax", "bar")] == levels
    assert shop.trace.back("wax", "W-0") == lots
    shop.verify()
    with pytest.raises(Unknown):
        shop.erase_customer(NAME)


@pytest.mark.parametrize("name", ["", None, 5])
def test_a_customer_without_a_name_is_not_erased(new, name):
    shop = busy(new("memory"))
    with pytest.raises((InvalidInput, Unknown)):
        shop.erase_customer(name)


def test_a_path_may_be_text(new, tmp_path):
    shop = busy(new("memory"))

    assert shop.export_to(str(tmp_path / "one.jsonl")) == Path(tmp_path / "one.jsonl").read_bytes().count(b"\n")
