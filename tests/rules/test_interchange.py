"""Interchange: one need gives way, and several are in time. Never to who matters less, and never for more days in all."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from krafte_core.board import Board
from krafte_core.coverage import NEVER
from krafte_core.interchange import Interchange
from krafte_core.items import Item
from krafte_core.planner import Planner
from krafte_core.planning import plan_all
from krafte_core.recipes import Ingredient, Operation, Recipe
from krafte_core.resources import Offer, Supplier, WorkCenter
from krafte_core.stock import Lot, Stocked
from tests.rules.situation import DAY, MONDAY, World
from tests.rules.test_planning import check, demand, plan_of


def balm_shop(beeswax: int = 40) -> World:
    """Balm and candles of beeswax, which comes in four weeks; so much is there. Monday, 8:00."""
    return World(
        [Item("balm", unit="each"), Item("candle", unit="each"), Item("beeswax", unit="each")],
        [
            Recipe(
                item,
                makes="1 each",
                ingredients=[Ingredient("beeswax", "1 each")],
                operations=[Operation("pour", at="pot", run="10 min")],
            )
            for item in ("balm", "candle")
        ],
        suppliers=[Supplier("Imker", offers=[Offer("beeswax", lead_time="28 days")])],
        centers=[WorkCenter("pot", hours="Mon-Fri 08:00-18:00")],
        stock=[Stocked(Lot("beeswax", "W-1", received_at=MONDAY), "stock", beeswax, 0)],
    )


def late(plan) -> list[str]:
    return [one.ref for one in plan.late()]


def test_a_large_order_gives_way_to_two_small_ones():
    """Forty pieces of beeswax: forty candles in ten days, or twenty candles and twenty balms in eleven and twelve."""
    world = balm_shop()
    now = world.now
    large = demand(world, "candle", 40, now + 10 * DAY, ref="CO-1")
    small = [demand(world, "candle", 20, now + 11 * DAY, ref="CO-2"), demand(world, "balm", 20, now + 12 * DAY, ref="CO-3")]

    plan = plan_of(world, large, *small)

    check(world, plan)
    assert late(plan) == ["CO-1"]
    (delivery,) = plan.deliveries("CO-1")
    assert [step.kind for step in delivery.chain] == ["purchase", "operation"]
    assert {peg.need for peg in plan.pegging() if peg.source == "stock"} == {"make-1", "make-2"}
    assert len({make.ref for make in plan.makes}) == 3


def test_it_does_not_where_all_together_would_be_later():
    """Two days before the wax comes, twice, weigh less than eighteen days."""
    world = balm_shop()
    now = world.now
    large = demand(world, "candle", 40, now + 10 * DAY, ref="CO-1")
    small = [demand(world, "candle", 20, now + 26 * DAY, ref="CO-2"), demand(world, "balm", 20, now + 26 * DAY, ref="CO-3")]

    assert late(plan_of(world, large, *small)) == ["CO-2", "CO-3"]


def test_nobody_gives_way_to_who_matters_less():
    world = balm_shop()
    now = world.now
    large = demand(world, "candle", 40, now + 10 * DAY, priority=1, ref="CO-1")
    small = [demand(world, "candle", 20, now + 11 * DAY, ref="CO-2"), demand(world, "balm", 20, now + 12 * DAY, ref="CO-3")]

    assert late(plan_of(world, large, *small)) == ["CO-2", "CO-3"]


def test_who_shall_take_nothing_from_others_gets_nothing():
    world = balm_shop()
    now = world.now
    large = demand(world, "candle", 40, now + 10 * DAY, ref="CO-1")
    small = [demand(world, "candle", 20, now + 11 * DAY, ref="CO-2"), demand(world, "balm", 20, now + 12 * DAY, ref="CO-3")]

    assert late(plan_of(world, large, *small, taking="untouchable")) == ["CO-2", "CO-3"]


@st.composite
def scarce(draw):
    world = balm_shop(draw(st.integers(0, 60)))
    rows = draw(
        st.lists(
            st.tuples(st.sampled_from(["balm", "candle"]), st.integers(1, 40), st.integers(1, 32), st.integers(0, 1)),
            min_size=2,
            max_size=8,
        )
    )
    return world, [
        demand(world, item, n, world.now + due * DAY, priority=p, ref=f"CO-{i}") for i, (item, n, due, p) in enumerate(rows)
    ]


@given(scarce())
def test_it_never_makes_a_plan_worse(book):
    world, demands = book
    before = _without(world, demands)

    plan = plan_of(world, *demands)

    check(world, plan)
    assert _lateness(plan) <= _lateness(before)
    assert sum(_waits(plan)) <= sum(_waits(before))
    rows = [*zip(plan.demands, before.outcomes, plan.outcomes, strict=True)]
    first = min((one.rank[0] for one, old, _ in rows if old.at > one.due), default=0)
    assert all(one.rank[0] >= first for one, old, new in rows if old.at <= one.due < new.at)


def _without(world, demands):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Interchange, "run", lambda self: [])
        return plan_all(Planner(Board(world)), demands)


def _waits(plan):
    return [max(0, outcome.at - one.due) for one, outcome in zip(plan.demands, plan.outcomes, strict=True) if outcome.at < NEVER]


def _lateness(plan):
    return sum(wait > 0 for wait in _waits(plan))
