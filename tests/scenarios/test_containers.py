"""Materials by hand before a run begins: a named lot, by force, and a reel that is for one machine alone (lesson 27)."""

from __future__ import annotations

import pytest

from krafte_core import Ingredient, Item, Operation, Recipe, WorkCenter, Workshop
from krafte_core.errors import InvalidInput, LotNotUsable, NotAllowed, Short, TooMuch
from krafte_core.testing import FakeClock
from tests.scenarios.day import lost
from tests.scenarios.test_productions import everything


def winding_shop(*reels: str):
    """A coil takes 30 m of wire. Two machines wind; a reel can be on one of them only."""
    clock = FakeClock("2026-03-02 08:00")
    shop = Workshop.in_memory(clock=clock)
    shop.register(
        Item("wire", unit="m", step="1 cm"), Item("coil", unit="each"),
        WorkCenter("winder", hours="Mon-Fri 08:00-16:00", capacity=2),
        Recipe("coil", makes="1 each", ingredients=[Ingredient("wire", "30 m")],
               operations=[Operation("wind", at="winder", run="10 min")]),
    )  # fmt: skip
    for place, metres in enumerate(reels, 1):
        shop.stock.receive("wire", metres, lot=f"R-{place}")
    return shop, clock


def plan(shop, coils: str):
    return shop.production.plan("coil", coils).production


def lots(done) -> list[tuple[str, str, str]]:
    return [(row.lot, str(row.amount), str(row.rest)) for row in done.lots]


def free(shop) -> str:
    return str(shop.stock.level("wire").available)


def test_a_reel_that_is_kept_as_a_whole_is_for_one_machine():
    """The first run needs 60 of 100 m. The other 40 m are on the same reel: the second run gets the other reel."""
    shop, _ = winding_shop("100 m", "100 m")
    first = plan(shop, "2 each")

    kept = shop.production.allocate(first, "wire", lot="R-1", whole=True)
    second = plan(shop, "2 each")

    assert lots(kept) == [("R-1", "60 m", "40 m")]
    assert free(shop) == "40 m"  # what is left of the other reel
    shop.production.start(first)
    shop.production.start(second)
    assert {row.place for row in shop.stock.lots("wire") if row.lot.code == "R-1"} == {f"line:{first.number}"}
    shop.production.complete(first, made="2 each")
    shop.production.complete(second, made="2 each")
    assert {(row.lot.code, str(row.on_hand)) for row in shop.stock.lots("wire")} == {("R-1", "40 m"), ("R-2", "40 m")}
    shop.verify()


def test_a_reel_that_others_count_on_is_whole_for_nobody_but_by_force():
    shop, _ = winding_shop("100 m")
    first, second = plan(shop, "2 each"), plan(shop, "1 each")
    before = everything(shop)

    with pytest.raises(LotNotUsable) as refusal:
        shop.production.allocate(first, "wire", lot="R-1", whole=True)
    assert second.number in refusal.value.reason
    assert everything(shop) == before

    forced = shop.production.allocate(first, "wire", lot="R-1", whole=True, force=True)
    assert lost(forced.displaced) == [(second.number, "30 m")]
    assert lots(forced) == [("R-1", "60 m", "40 m")]
    with pytest.raises(TooMuch):
        shop.production.allocate(first, "wire", lot="R-1", whole=True)  # it is
    shop.verify()


def test_a_reel_that_holds_less_than_it_should_loses_its_rest_first():
    shop, _ = winding_shop("100 m")
    run = plan(shop, "2 each")
    shop.production.allocate(run, "wire", lot="R-1", whole=True)

    kink = shop.stock.scrap("wire", "40 m", lot="R-1", reason="kinks")
    assert kink.displaced == ()
    more = shop.stock.scrap("wire", "10 m", lot="R-1", reason="more kinks")

    assert lost(more.displaced) == [(run.number, "10 m")]
    shop.verify()


def test_a_smaller_run_keeps_its_reel_and_gives_it_back_as_a_whole():
    shop, _ = winding_shop("100 m")
    run = plan(shop, "2 each")
    shop.production.allocate(run, "wire", lot="R-1", whole=True)

    shop.production.change(run, "1 each")
    assert free(shop) == "0 m"
    freed = shop.production.free(run, "wire", "10 m")
    assert (lots(freed), free(shop)) == ([("R-1", "20 m", "0 m")], "80 m")  # what is not for it alone is for everybody

    shop.production.free(run)
    assert free(shop) == "100 m"
    shop.production.cover(run)
    shop.production.allocate(run, "wire", lot="R-1", whole=True)
    shop.production.cancel(run)
    assert free(shop) == "100 m"
    shop.verify()


@pytest.mark.parametrize("fate", ["cancel", "stop", "complete", "reject"])
def test_however_it_ends_nothing_stays_promised(fate: str):
    shop, _ = winding_shop("100 m")
    run = plan(shop, "2 each")
    shop.production.allocate(run, "wire", lot="R-1", whole=True)
    if fate in ("stop", "complete"):
        shop.production.start(run)
    if fate == "cancel":
        shop.production.cancel(run)
    elif fate == "stop":
        shop.production.stop(run)
    elif fate == "complete":
        shop.production.complete(run, made="0 each", used={"wire": None})
    else:
        assert lost(shop.stock.reject("wire", lot="R-1").displaced) == [(run.number, "60 m")]
    assert everything(shop)[1] == []
    assert str(shop.stock.level("wire").on_hand) == "100 m"
    shop.verify()


def test_a_run_takes_the_lot_that_its_maker_names():
    """The rule takes the older reel; the maker wants the new one."""
    shop, _ = winding_shop("100 m", "100 m")
    run = plan(shop, "2 each")
    shop.production.free(run, "wire", "20 m")

    done = shop.production.allocate(run, "wire", lot="R-2")

    assert lots(done) == [("R-1", "40 m", "0 m"), ("R-2", "20 m", "0 m")]
    shop.production.start(run)
    shop.verify()


def test_materials_of_others_are_taken_by_force_only_and_they_are_named():
    shop, _ = winding_shop("60 m")
    first = plan(shop, "2 each")
    urgent = plan(shop, "1 each")

    with pytest.raises(Short) as refusal:
        shop.production.allocate(urgent, "wire")
    assert [str(one.missing) for one in refusal.value.shortages] == ["30 m"]

    done = shop.production.allocate(urgent, "wire", force=True)

    assert lost(done.displaced) == [(first.number, "30 m")]
    assert shop.production.start(urgent).moves[0].steps == 3000
    with pytest.raises(Short):
        shop.production.start(first)
    shop.verify()


def test_wrong_ways_are_refused_and_change_nothing():
    shop, _ = winding_shop("100 m", "100 m")
    shop.stock.hold("wire", lot="R-2")
    run, begun = plan(shop, "1 each"), plan(shop, "1 each")
    shop.production.start(begun)
    before = everything(shop)
    wrong = [
        (lambda: shop.production.allocate(begun, "wire"), NotAllowed),
        (lambda: shop.production.free(begun), NotAllowed),
        (lambda: shop.production.allocate(run, "glue"), InvalidInput),
        (lambda: shop.production.allocate(run, "wire"), TooMuch),  # it has all that it needs
        (lambda: shop.production.free(run, "wire", "31 m"), TooMuch),
        (lambda: shop.production.free(run, amount="1 m"), InvalidInput),
        (lambda: shop.production.allocate(run, "wire", whole=True), InvalidInput),
        (lambda: shop.production.allocate(run, "wire", "5 m", lot="R-1", whole=True), InvalidInput),
        (lambda: shop.production.allocate(run, "wire", lot="R-2", whole=True), LotNotUsable),
        (lambda: shop.production.allocate(run, "wire", lot="R-1", place="quarantine", whole=True), InvalidInput),
    ]
    for command, error in wrong:
        with pytest.raises(error):
            command()
    assert everything(shop) == before
