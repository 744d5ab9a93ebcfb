"""Many commands as one: the same books as one by one, all of them or none, and a refusal names its entry."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from krafte_core import Ingredient, Item, OrderLine, Recipe, Workshop, archive
from krafte_core.errors import AlreadyExists, EntryRefused, InvalidInput, KeyReused, KrafteError, Short, Unknown
from krafte_core.testing import FakeClock


def maker():
    shop = Workshop.in_memory(clock=FakeClock("2026-11-23 08:00"), by="Ada")
    shop.register(
        Item("oil", unit="kg"),
        Item("wax", unit="kg"),
        Item("bar", unit="each"),
        Recipe("bar", makes="1 each", ingredients=[Ingredient("oil", "1 kg"), Ingredient("wax", "10 g")]),
    )
    return shop


def books(shop):
    with shop._office.look() as work:
        return [*archive.lines(work.reader)]


def one_by_one(shop, command, entries, **same):
    return tuple(command(**entry, **same) if isinstance(entry, dict) else command(entry, **same) for entry in entries)


amounts = st.integers(1, 9)
deliveries = st.lists(
    st.fixed_dictionaries({"item": st.sampled_from(["oil", "wax"]), "amount": amounts.map("{} kg".format)}), max_size=5
)
wants = st.lists(st.tuples(st.sampled_from(["bar", "oil", "wax"]), amounts), min_size=1, max_size=3, unique_by=lambda row: row[0])
orders = st.lists(wants, min_size=1, max_size=5)


def placing(wanted):
    return [
        {
            "customer": f"customer {n}",
            "lines": [OrderLine(item, f"{steps} {'each' if item == 'bar' else 'kg'}") for item, steps in rows],
        }
        for n, rows in enumerate(wanted)
    ]


def life(shop, *, bulk, came, wanted):
    """Deliveries, orders, confirmations, runs, shipments; what each command answered."""
    desk = shop.bulk

    def many(together, single, entries, **same):
        return together(entries, **same) if bulk else one_by_one(shop, single, entries, **same)

    told = [many(desk.receive, shop.stock.receive, came)]
    placed = many(desk.place, shop.orders.place, placing(wanted))
    confirmed = many(desk.confirm, shop.orders.confirm, placed)
    ready = [number for one in confirmed if not one.shortages for number in one.productions]
    told += [placed, confirmed, many(desk.start, shop.production.start, ready)]
    made = [{"production": run, "made": f"{shop.production.get(run).steps} each"} for run in ready]
    told.append(many(desk.complete, shop.production.complete, made))
    sent = [order for order, one in zip(placed, confirmed, strict=True) if not one.shortages]
    told.append(many(desk.ship, shop.shipping.ship, sent))
    return told


@given(came=deliveries, wanted=orders)
def test_many_at_once_leave_the_books_that_one_by_one_leaves(came, wanted):
    single, together = maker(), maker()

    assert life(together, bulk=True, came=came, wanted=wanted) == life(single, bulk=False, came=came, wanted=wanted)
    assert books(together) == books(single)
    together.verify()


def test_a_refused_entry_is_named_and_nothing_of_the_others_is_stored():
    shop = maker()
    shop.stock.receive("oil", "1 kg", lot="O")
    before = books(shop)

    with pytest.raises(EntryRefused) as refused:
        shop.bulk.receive(
            [{"item": "wax", "amount": "1 kg"}, {"item": "oil", "amount": "1 kg", "lot": "O"}, {"item": "rope", "amount": 1}]
        )

    assert (refused.value.entry, refused.value.command) == (2, "receive")
    assert isinstance(refused.value.problem, AlreadyExists)
    assert str(refused.value).startswith("entry 2 (receive) was refused: ")
    assert books(shop) == before


def test_what_is_free_is_counted_once_for_all_entries():
    shop = maker()
    shop.stock.receive("oil", "5 kg", lot="O")
    placed = shop.bulk.place(placing([[("oil", 4)], [("oil", 4)]]))

    with pytest.raises(EntryRefused) as refused:
        shop.bulk.confirm(placed, when_short="refuse")

    assert refused.value.entry == 2
    assert isinstance(refused.value.problem, Short)
    assert shop.stock.level("oil").allocated.value == 0


@pytest.mark.parametrize("entry", [{"amount": "1 kg"}, {"item": "oil", "amount": "1 kg", "colour": "red"}, {}])
def test_arguments_that_the_command_does_not_have_are_refused(entry):
    with pytest.raises(EntryRefused) as refused:
        maker().bulk.receive([entry])

    assert isinstance(refused.value.problem, InvalidInput)


def test_a_key_repeats_the_whole_and_no_part_has_one():
    shop = maker()
    entries = [{"item": "oil", "amount": "1 kg"}, {"item": "wax", "amount": "2 kg"}]
    first = shop.bulk.receive(entries, key="delivery 7")

    assert shop.bulk.receive(entries, key="delivery 7") == first
    assert len(shop.stock.lots("oil")) == 1
    with pytest.raises(KeyReused):
        shop.bulk.receive(entries[:1], key="delivery 7")
    with pytest.raises(EntryRefused, match="a key of the whole"):
        shop.bulk.receive([{**entries[0], "key": "part"}])
    with pytest.raises(InvalidInput, match="what the key's commands"):
        shop.bulk.run([lambda to: to.stock.receive("oil", "1 kg")], key="other")


def test_any_commands_go_together_and_the_later_ones_see_the_earlier():
    shop = maker()

    def move(to):
        return to.stock.level("oil").on_hand

    answers = shop.bulk.run(
        [lambda to: to.stock.receive("oil", "3 kg", lot="O"), move, lambda to: to.stock.scrap("oil", "1 kg", lot="O")]
    )

    assert str(answers[1]) == "3 kg"
    assert str(shop.stock.level("oil").on_hand) == "2 kg"


def test_nothing_at_all_is_nothing():
    shop = maker()
    before = books(shop)

    assert shop.bulk.confirm([]) == ()
    assert books(shop) == before


def test_the_bulk_of_a_fork_stays_in_the_fork():
    shop = maker()
    would = shop.preview(lambda trial: trial.bulk.receive([{"item": "oil", "amount": "1 kg"}, {"item": "oil", "amount": "2 kg"}]))

    assert [lot.code for lot in would.answer] == ["L-draft-001", "L-draft-002"]
    assert str(shop.stock.level("oil").on_hand) == "0 kg"


def test_an_order_that_does_not_exist_is_unknown_in_its_entry():
    with pytest.raises(EntryRefused) as refused:
        maker().bulk.confirm(["CO-1"])

    assert isinstance(refused.value.problem, Unknown)
    assert isinstance(refused.value, KrafteError)
