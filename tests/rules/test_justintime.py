"""Just in time: what begins as late as it is told to begin is still in time, and a second later it is not."""

from __future__ import annotations

from hypothesis import given

from krafte_core.coverage import NEVER, Booking, batches_of
from krafte_core.errors import NeverFits
from krafte_core.justintime import latest
from krafte_core.recipes import Ingredient, Operation, Recipe
from krafte_core.resources import Offer, Supplier, WorkCenter
from krafte_core.scheduling import Search
from tests.rules.situation import DAY, HOUR, World
from tests.rules.test_scheduling import items, lines, makes, needs_of, worlds


def parts_world() -> World:
    """A cake of a base (two hours in the oven) and a cream (bought, a day), put together in an hour."""
    return World(
        items("cake", "base", "cream"),
        [
            makes("cake", *lines(base=1, cream=1), hours=1, at="table"),
            makes("base", hours=2, at="oven"),
        ],
        suppliers=[Supplier("Alm", offers=[Offer("cream", lead_time="1 day")])],
        centers=[WorkCenter("table"), WorkCenter("oven")],
    )


def test_what_is_not_on_the_chain_may_begin_later():
    world = parts_world()
    search = Search(world)
    cover = search.cover("cake", 1)
    found = latest(search, [cover], cover.ready)
    cake, base = (batch for batch in sorted(batches_of([cover]), key=lambda one: -one.end))
    assert (found.starts[id(cake)] - world.now, found.starts[id(base)] - world.now) == (DAY, DAY - 2 * HOUR)
    assert found.orders["cream", "Alm"] == world.now


def test_a_later_wish_gives_everything_more_time_and_what_is_booked_stays_booked():
    world = parts_world()
    world.booked.append(Booking("table", world.now + 2 * DAY - HOUR, world.now + 2 * DAY, "PB-9", "x"))
    search = Search(world)
    cover = search.cover("cake", 1)
    found = latest(search, [cover], world.now + 2 * DAY)
    cake, base = (batch for batch in sorted(batches_of([cover]), key=lambda one: -one.end))
    assert (found.starts[id(cake)] - world.now) / HOUR == 46
    assert (found.starts[id(base)] - world.now) / HOUR == 44
    assert (found.orders["cream", "Alm"] - world.now) / HOUR == 22


def test_parts_and_people_are_looked_back_through_as_well():
    operations = [
        Operation("cook", at="pot", run="4 h", people="cooks", transfer="1 each"), Operation("fill", at="bench", run="4 h"),
    ]  # fmt: skip
    centers = [WorkCenter("pot"), WorkCenter("bench"), WorkCenter("cooks", hours="Mon-Fri 08:00-16:00")]
    world = World(items("soup"), [Recipe("soup", makes="4 each", operations=operations)], centers=centers)
    search = Search(world)
    cover = search.cover("soup", 4)
    found = latest(search, [cover], world.now + 11 * HOUR)
    assert [start - world.now for start in found.starts.values()] == [4 * HOUR]  # the cooks leave at four


@given(worlds(), needs_of)
def test_looking_back_changes_nothing_and_never_says_earlier_than_the_search(world, needs):
    search = Search(world)
    try:
        covers = [search.cover(item, steps) for item, steps in needs]
    except NeverFits:
        return
    ready = max(cover.ready for cover in covers)
    if ready == NEVER:
        return
    before = {code: [*busy.intervals] for code, busy in search._busy.items()}
    found = latest(search, covers, ready)
    assert {code: [*busy.intervals] for code, busy in search._busy.items()} == before
    for batch in batches_of(covers):
        begun = batch.tasks[0].start if batch.tasks else batch.ready
        assert begun <= found.starts[id(batch)] <= ready
    for cover in [*covers, *(cover for batch in batches_of(covers) for _, cover in batch.inputs)]:
        if cover.bought is not None:
            assert world.now <= found.orders[cover.item, cover.bought.supplier.code] <= ready


def test_a_recipe_with_a_plain_lead_time_is_subtracted():
    world = World(
        items("balm", "wax"), [Recipe("balm", makes="1 each", ingredients=[Ingredient("wax", "1 each")], lead_time="2 days")]
    )
    world.has("wax", 5)
    search = Search(world)
    cover = search.cover("balm", 1)
    assert [*latest(search, [cover], world.now + 5 * DAY).starts.values()] == [world.now + 3 * DAY]
