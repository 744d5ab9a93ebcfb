"""A plan that was accepted, and what happens then: as little as possible moves, and what moved is told."""

from __future__ import annotations

from krafte_core import Calendar, Ingredient, Item, Offer, OrderLine, Recipe, Supplier, WorkCenter, Workshop
from krafte_core.purchasing import PurchaseLine
from krafte_core.recipes import Operation
from krafte_core.testing import FakeClock

DAY_SHIFT = "Mon-Fri 08:00-16:00"


def kettle(*closed: str, **how) -> WorkCenter:
    return WorkCenter("kettle", calendar=Calendar("kettle", DAY_SHIFT, closures=[(day, day) for day in closed]), **how)


def made(item: str, of: str, operation: Operation) -> Recipe:
    return Recipe(item, makes="1 each", ingredients=[Ingredient(of, "1 each")], operations=[operation])


def told(mended) -> list[tuple[str, str, str]]:
    return [(one.item, one.reason, f"{one.start:%a %H:%M}") for one in mended.moved]


def jam_shop() -> tuple[Workshop, FakeClock]:
    """Jam is cooked in one kettle (two hours) and labelled on the bench (one hour); a jar of each order a day apart. It is Monday."""
    clock = FakeClock("2026-11-23 07:00")
    shop = Workshop.in_memory(clock=clock)
    shop.register(
        *(Item(code, unit="each") for code in ("fruit", "jam", "gift")),
        kettle(),
        WorkCenter("bench", hours=DAY_SHIFT),
        Supplier("Hof", offers=[Offer("fruit", lead_time="1 day")]),
        Recipe(
            "jam", makes="1 each", ingredients=[Ingredient("fruit", "1 each")], operations=[Operation("cook", at="kettle", run="2 h")]
        ),
        Recipe(
            "gift", makes="1 each", ingredients=[Ingredient("jam", "1 each")], operations=[Operation("label", at="bench", run="1 h")]
        ),
    )
    return shop, clock


def planned_for(shop: Workshop, *days: str, item: str = "gift") -> list[str]:
    """Orders for days, planned and accepted; the numbers of the runs."""
    for day in days:
        shop.orders.place(customer=f"for {day}", lines=[OrderLine(item, "1 each")], requested=day)
    return [*shop.planning.accept(shop.planning.plan()).productions]


def times(shop: Workshop) -> dict[str, str]:
    return {run.number: f"{run.planned_start:%a %H:%M}" for run in shop.production.find() if run.planned_start}


def test_where_nothing_happened_nothing_moves():
    shop, _ = jam_shop()
    planned_for(shop, "2026-11-25", "2026-11-26")
    before = times(shop)
    mended = shop.planning.mend()
    assert (mended.moved, mended.stuck, mended.late) == ((), (), ())
    assert times(shop) == before


def test_a_closed_day_moves_only_the_runs_of_that_day_and_what_waits_for_them():
    shop, _ = jam_shop()
    shop.stock.receive("fruit", "9 each", lot="F-1")
    planned_for(shop, "2026-11-25", "2026-11-26", "2026-11-27")
    before = times(shop)
    shop.register(kettle("2026-11-26"))
    mended = shop.planning.mend()
    moved = {one.production for one in mended.moved}
    after = times(shop)
    assert {number for number in before if before[number] != after[number]} == moved
    assert {one.item for one in mended.moved} == {"jam", "gift"}
    assert len(moved) == 2  # the jam of Thursday, and the gift that it goes into
    assert "kettle" in mended.moved[0].reason
    assert mended.moved[1].reason == f"waits for {mended.moved[0].production}"
    assert [one.customer for one in mended.late] == ["for 2026-11-26"]
    shop.verify()
    assert not shop.planning.mend().moved  # once is enough
    assert shop.planning.plan().proposes_nothing


def test_a_late_delivery_moves_what_waits_for_it():
    shop, _ = jam_shop()
    planned_for(shop, "2026-11-27", item="jam")
    purchase = shop.purchasing.find()[0]
    shop.purchasing.reschedule(purchase, "2026-11-30 09:00")
    mended = shop.planning.mend()
    assert [(one.item, one.reason, f"{one.start:%a %H:%M}") for one in mended.moved] == [
        ("jam", f"waits for {purchase.number}", "Mon 09:00")
    ]
    assert str(mended).startswith(mended.moved[0].production)


def test_what_should_have_begun_is_moved_to_now():
    shop, clock = jam_shop()
    shop.stock.receive("fruit", "9 each", lot="F-1")
    planned_for(shop, "2026-11-23", item="jam")
    clock.set("2026-11-24 10:00")
    mended = shop.planning.mend()
    assert told(mended) == [("jam", "it should have begun", "Tue 10:00")]


def test_a_released_run_never_moves_and_the_others_go_around_it():
    shop, _ = jam_shop()
    shop.stock.receive("fruit", "9 each", lot="F-1")
    first, second = planned_for(shop, "2026-11-26", "2026-11-26", item="jam")
    shop.production.release(second)
    shop.register(kettle("2026-11-26"))
    before = times(shop)
    mended = shop.planning.mend()
    assert [(one.production, "released" in one.reason) for one in mended.stuck] == [(second, True)]
    assert times(shop)[second] == before[second]
    assert [one.production for one in mended.moved] == [first]


def test_a_smaller_crew_moves_one_of_two():
    shop, _ = jam_shop()
    shop.register(kettle(capacity=2))
    shop.stock.receive("fruit", "9 each", lot="F-1")
    planned_for(shop, "2026-11-26", "2026-11-26", item="jam")
    assert len({*times(shop).values()}) == 1  # side by side
    shop.register(kettle())
    assert len(shop.planning.mend().moved) == 1
    shop.verify()


def test_a_kettle_that_never_opens_again_says_so():
    shop, _ = jam_shop()
    shop.stock.receive("fruit", "9 each", lot="F-1")
    run = planned_for(shop, "2026-11-26", item="jam")[0]
    shop.register(WorkCenter("kettle", hours="Mon 08:00-09:00"))
    mended = shop.planning.mend()
    assert [one.production for one in mended.stuck] == [run]
    assert "its longest opening has 1 h" in mended.stuck[0].reason


def test_a_preview_shows_it_and_moves_nothing():
    shop, _ = jam_shop()
    shop.stock.receive("fruit", "9 each", lot="F-1")
    planned_for(shop, "2026-11-26", item="jam")
    shop.register(kettle("2026-11-26"))
    before = times(shop)
    fork = shop.fork()
    assert len(fork.planning.mend().moved) == 1
    assert times(shop) == before


def test_what_is_ordered_meanwhile_does_not_matter():
    shop, _ = jam_shop()
    planned_for(shop, "2026-11-27", item="jam")
    shop.purchasing.order(supplier="Hof", lines=[PurchaseLine("fruit", "3 each")])
    assert not shop.planning.mend().moved
