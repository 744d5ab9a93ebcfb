"""Planning: every plan can be carried out, by a checker that knows nothing of planners; and what a plan says, by hand."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from krafte_core.allocation import rank
from krafte_core.board import Board
from krafte_core.coverage import NEVER
from krafte_core.demands import Demand
from krafte_core.durations import duration
from krafte_core.errors import NeverFits, Unknown
from krafte_core.items import Item
from krafte_core.plan import Plan
from krafte_core.planner import Planner
from krafte_core.planning import plan_all
from krafte_core.recipes import BatchSize, Ingredient, Operation, Recipe
from krafte_core.resources import Offer, Supplier, WorkCenter
from krafte_core.times import end_of_day, moment
from tests.rules.situation import DAY, HOUR, World
from tests.rules.test_scheduling import worlds

BEGAN = datetime(2026, 11, 1, tzinfo=UTC)


def demand(world: World, item: str, steps: int, due: float = NEVER, *, priority: int = 0, ref: str = "CO-1") -> Demand:
    day = None if due == NEVER else world.day(due)
    return Demand(ref, "1", item, steps, due, rank(priority, day, BEGAN, ref))


def plan_of(world: World, *demands: Demand, **how) -> Plan:
    return plan_all(Planner(Board(world), **how), demands)


# ------------------------------------------------------------------------------------------------- an independent checker


def check(world: World, plan: Plan) -> None:
    """Nothing before now, no stock below zero, no work center above its capacity or out of hours, no supplier pressed."""
    comes, goes = Counter(), Counter()
    jobs: dict[str, list[tuple[int, int]]] = {code: [] for code in world.centers}
    for make in plan.makes:
        assert world.now <= make.start <= make.end
        comes[make.item, make.end] += make.steps
        for line in world.formulas[make.item].lines:
            goes[line.item, make.start] += line.requirement(make.steps)
        check_work(world, make, jobs)
    for buy in plan.buys:
        comes[buy.item, buy.at] += buy.steps
        check_purchase(world, buy)
    for one, outcome in zip(plan.demands, plan.outcomes, strict=True):
        if outcome.at < NEVER:
            assert outcome.at >= world.now or one.steps == 0
            goes[one.item, int(outcome.at)] += one.steps
    for row in world.coming:
        comes[row.item, max(int(row.at), world.now)] += row.free
    for item in world.items:
        check_stock(world, item, comes, goes)
    for booking in world.booked:
        jobs[booking.work_center].append((booking.start, booking.end))
    for code, rows in jobs.items():
        marks, running = sorted([(start, 1) for start, _ in rows] + [(end, -1) for _, end in rows]), 0
        for _, step in marks:
            running += step
            assert running <= world.centers[code].capacity


def check_stock(world: World, item: str, comes: Counter, goes: Counter) -> None:
    """What would be lost first is used first; if that is not enough, nothing is."""
    today = world.day(world.now)
    lots = [
        [int(end_of_day(row.lot.expires).timestamp()) if row.lot.expires else NEVER, row.free]
        for row in world.lots
        if row.lot.item == item and row.lot.disposition == "released" and (row.lot.expires is None or row.lot.expires >= today)
    ]
    free = 0.0
    for at in sorted({at for code, at in [*comes, *goes] if code == item}):
        free += comes[item, at]
        needed: float = goes[item, at]
        for lot in sorted(lots):
            if lot[0] > at:
                took = min(lot[1], needed)
                lot[1] -= took
                needed -= took
        free -= needed
        assert free >= 0, (item, moment(at))


def check_work(world: World, make, jobs) -> None:
    formula, recipe = world.formulas[make.item], world.formulas[make.item].recipe
    if recipe.lead_time is not None:
        assert make.end - make.start == recipe.lead_time.seconds
        return
    assert [task[0] for task in make.tasks] == [operation.name for operation in recipe.operations]
    at = make.start
    for operation, (_, place, start, worked, end) in zip(recipe.operations, make.tasks, strict=True):
        assert place == operation.at
        assert at <= start <= worked <= end
        assert end - worked == (operation.wait.seconds if operation.wait else 0)
        seconds = operation.seconds(formula.share(make.steps))
        if operation.at is not None and seconds:
            week = world.timeline(world.centers[operation.at].opening())
            assert week.between(start, worked) == seconds
            assert operation.pausable or worked - start == seconds
            jobs[operation.at].append((start, worked))
        at = end
    assert at == make.end


def check_purchase(world: World, buy) -> None:
    offer = next(offer for _, offer in world.offers(buy.item))
    item = world.item(buy.item)
    assert buy.order_at >= world.now
    assert buy.steps >= buy.needed
    assert not offer.minimum or buy.steps >= item.steps(offer.minimum)
    assert not offer.multiple or buy.steps % item.steps(offer.multiple) == 0
    if offer.lead_time.kind == "elapsed":
        assert buy.at - buy.order_at == offer.lead_time.seconds


# ------------------------------------------------------------------------------------------------------- any shop


@st.composite
def books(draw):
    world = draw(worlds())
    dues = st.none() | st.integers(-1, 12)
    rows = draw(st.lists(st.tuples(st.sampled_from("PQSM"), st.integers(0, 12), dues, st.integers(0, 2)), min_size=1, max_size=6))
    demands = [
        demand(world, item, steps, NEVER if due is None else world.now + due * DAY, priority=priority, ref=f"CO-{n}")
        for n, (item, steps, due, priority) in enumerate(rows)
    ]
    return world, demands


@given(books(), st.sampled_from(["borrow", "untouchable"]))
def test_every_plan_can_be_carried_out(book, taking):
    """Laws 2 and 3; lessons 70, 71, 75, 76."""
    world, demands = book

    plan = plan_of(world, *demands, taking=taking)

    check(world, plan)
    assert sorted(plan.demands) == sorted(demands)


@given(books())
def test_the_pegs_cover_every_need_in_full_and_never_from_later(book):
    world, demands = book

    plan = plan_of(world, *demands)

    covered = Counter()
    for peg in plan.pegging():
        assert peg.steps > 0
        assert peg.at <= peg.needed_at
        covered[peg.need, peg.line, peg.item] += peg.steps
    for one, outcome in zip(plan.demands, plan.outcomes, strict=True):
        if outcome.at < NEVER:
            assert covered[one.ref, one.line, one.item] == one.steps
    for make in plan.makes:
        needs = Counter()
        for line in plan.formulas[make.item].lines:
            needs[make.ref, line.ref, line.item] += line.requirement(make.steps)
        assert all(covered[key] == steps for key, steps in needs.items())


@given(books())
def test_what_is_late_says_why_without_a_gap(book):
    """The chain of a late need begins now and ends when it is met; each of its steps follows the one before."""
    world, demands = book

    plan = plan_of(world, *demands)

    for one in plan.late():
        if one.at is None:
            assert one.problem
        elif one.at > moment(world.now):
            assert one.chain[0].start == moment(world.now)
            assert one.chain[-1].end == one.at
            assert all(step.end == after.start for step, after in zip(one.chain, one.chain[1:], strict=False))


@given(books())
def test_the_same_book_gives_the_same_plan_in_any_order(book):
    """Law 12."""
    world, demands = book

    assert plan_of(world, *demands).same_as(plan_of(world, *demands[::-1]))


@given(books(), st.sampled_from("PQSM"), st.integers(1, 12))
def test_asking_on_top_of_a_plan_leaves_no_trace(book, item, steps):
    world, demands = book
    planner = Planner(Board(world))
    plan = plan_all(planner, demands)
    board = planner.board
    source = board.source(item)
    before = {one.code: sorted(one.stock) for one in board.sources()}, {code: [*board.gaps(code)] for code in world.centers}

    mark = planner.mark()
    try:
        first = planner.plan(source, steps, NEVER)
    except NeverFits:
        first = None
    planner.undo(mark)

    assert before == ({one.code: sorted(one.stock) for one in board.sources()}, {code: [*board.gaps(code)] for code in world.centers})
    if first is not None:
        assert planner.plan(source, steps, NEVER) == first
    assert plan.same_as(plan)


# ---------------------------------------------------------------------------------------------------------- by hand


def soap_shop(**more) -> World:
    """Soap from lye, at a bench from 8 to 16 on weekdays, ten in an hour; lye comes in four days. Monday, 8:00."""
    return World(
        [Item("soap", unit="each"), Item("lye", unit="each")],
        [
            Recipe(
                "soap",
                makes="10 each",
                ingredients=[Ingredient("lye", "10 each")],
                operations=[Operation("mould", at="bench", run="1 h")],
            )
        ],
        suppliers=[Supplier("Chemie", offers=[Offer("lye", lead_time="4 days", multiple="25 each")])],
        centers=[WorkCenter("bench", hours="Mon-Fri 08:00-16:00")],
        **more,
    )


def test_what_is_in_time_is_made_as_late_as_can_be():
    world = soap_shop()
    plan = plan_of(world, demand(world, "soap", 20, world.at("2026-12-04 12:00")))

    (make,), (buy,) = plan.to_make(), plan.to_buy()

    assert (make.start, make.end) == (moment(world.at("2026-12-04 10:00")), moment(world.at("2026-12-04 12:00")))
    assert (buy.order_by, buy.at) == (moment(world.at("2026-11-30 10:00")), make.start)
    assert str(buy.amount) == "25 each"
    assert plan.late() == ()


def test_lesson_71_what_cannot_be_in_time_has_an_earliest_date_and_its_reason():
    world = soap_shop()
    plan = plan_of(world, demand(world, "soap", 20, world.at("2026-11-24 12:00")))

    (late,) = plan.late()

    assert late.at == moment(world.at("2026-11-27 10:00"))
    assert [(step.kind, step.name) for step in late.chain] == [("purchase", "lye"), ("operation", "mould")]
    assert [message.kind for message in plan.messages()] == ["late"]


def test_an_urgent_need_takes_what_a_later_one_counts_on_and_that_one_is_supplied_again():
    world = soap_shop().has("lye", 20)
    later = demand(world, "soap", 20, world.at("2026-12-10 12:00"), priority=5, ref="CO-later")
    urgent = demand(world, "soap", 20, world.at("2026-11-24 12:00"), ref="CO-urgent")

    lent = plan_of(world, later, urgent)
    kept = plan_of(world, later, urgent, taking="untouchable")

    assert lent.late() == ()
    assert [str(one.amount) for one in lent.to_buy()] == ["25 each"]
    assert [one.ref for one in kept.late()] == ["CO-urgent"]


def test_lesson_80_nobody_makes_or_sells_it():
    world = World([Item("pearl", unit="each")])
    plan = plan_of(world, demand(world, "pearl", 3))

    (never,) = plan.late()

    assert (never.at, never.problem) == (None, "nobody makes or sells pearl")
    assert [message.kind for message in plan.messages()] == ["no source"]


def test_lesson_74_nothing_takes_no_time():
    world = World([Item("pearl", unit="each")])

    assert [outcome.at for outcome in plan_of(world, demand(world, "pearl", 0)).outcomes] == [world.now]


def test_a_job_that_never_fits_is_a_problem_of_its_need_only():
    world = soap_shop()
    world.centers["bench"] = WorkCenter("bench", hours="Mon-Fri 08:00-09:00")
    world.has("soap", 5)

    plan = plan_of(world, demand(world, "soap", 500, ref="CO-big"), demand(world, "soap", 5, ref="CO-small"))

    problems = {one.ref: one.problem for one in plan.deliveries()}
    assert problems["CO-small"] == ""
    assert "bench" in problems["CO-big"]


def test_supplies_that_exist_are_told_to_come_sooner_later_or_not_at_all():
    world = soap_shop()
    world.expects("lye", 25, world.now + DAY)
    world.expects("lye", 50, world.now + 2 * DAY)
    world.expects("soap", 30, world.at("2026-11-25 08:00"), source="run")
    plan = plan_of(
        world,
        demand(world, "soap", 30, world.at("2026-11-24 12:00"), ref="CO-1"),
        demand(world, "soap", 20, world.at("2026-12-10 12:00"), ref="CO-2"),
    )

    found = {(message.kind, message.paper) for message in plan.messages()}

    assert {("expedite", "run-2"), ("delay", "purchase-0"), ("cancel", "purchase-1")} <= found


def test_lesson_79_a_late_purchase_is_bypassed_where_a_new_one_is_sooner():
    world = soap_shop()
    world.expects("lye", 25, world.now + 30 * DAY)

    plan = plan_of(world, demand(world, "soap", 20, world.at("2026-12-04 12:00")))

    assert plan.late() == ()
    assert len(plan.buys) == 1


def test_work_that_pauses_moves_up_to_the_one_before_it_also_where_nothing_is_ever_bought():
    """The crack before a batch is closed, and a product without bought materials has no moment before which they are scarce."""
    world = soap_shop().has("lye", 100)
    world.suppliers = []
    recipe = Recipe("soap", makes="10 each", operations=[Operation("mould", at="bench", run="1 h", pausable=True)])
    world.formulas["soap"] = World([*world.items.values()], [recipe]).formulas["soap"]
    due = world.at("2026-11-23 16:00")

    plan = plan_of(world, demand(world, "soap", 60, due, ref="CO-1"), demand(world, "soap", 10, due, ref="CO-2"))

    assert [(make.steps, (make.start - world.now) // HOUR) for make in plan.makes] == [(60, 0), (10, 6)]
    check(world, plan)


def test_lots_that_will_be_too_old_are_left_alone():
    world = soap_shop().has("lye", 20, expires=moment(soap_shop().now + 2 * DAY).date())

    soon = plan_of(world, demand(world, "soap", 20, world.at("2026-11-25 16:00")))
    late = plan_of(world, demand(world, "soap", 20, world.at("2026-12-04 12:00")))

    assert (len(soon.buys), len(late.buys)) == (0, 1)


def test_batches_keep_their_size_and_the_rest_is_for_the_next():
    world = soap_shop().has("lye", 100)
    world.formulas["soap"] = World(
        [*world.items.values()],
        [Recipe("soap", makes="10 each", ingredients=[Ingredient("lye", "10 each")], batch=BatchSize(exactly="15 each"))],
    ).formulas["soap"]
    due = world.at("2026-12-04 12:00")

    plan = plan_of(world, demand(world, "soap", 20, due, ref="CO-1"), demand(world, "soap", 10, due + HOUR, ref="CO-2"))

    assert [make.steps for make in plan.makes] == [15, 15]


def test_lesson_75_two_ovens_take_two_jobs_at_once():
    world = soap_shop().has("lye", 400)
    world.centers["bench"] = WorkCenter("bench", hours="Mon-Fri 08:00-16:00", capacity=2)
    due = world.at("2026-11-23 16:00")

    plan = plan_of(world, *(demand(world, "soap", 80, due, ref=f"CO-{n}") for n in range(3)))

    assert [one.ref for one in plan.late()] == ["CO-2"]
    check(world, plan)


def test_progress_is_told_and_cancels_by_raising():
    world = soap_shop().has("soap", 9)
    told = []
    plan_all(Planner(Board(world)), [demand(world, "soap", 1)], lambda done, of: told.append((done, of)))

    def stop(done: int, of: int) -> None:
        raise KeyboardInterrupt

    assert told == [(1, 1)]
    with pytest.raises(KeyboardInterrupt):
        plan_all(Planner(Board(world)), [demand(world, "soap", 1)], stop)


def test_a_plan_explains_itself():
    world = soap_shop()
    plan = plan_of(world, demand(world, "soap", 20, world.at("2026-11-24 12:00")))

    assert "purchase" in plan.explain("CO-1")
    assert "make-1" in plan.table()
    assert str(plan) == "1 needs, 1 late; 1 batches to make, 1 purchases"
    with pytest.raises(Unknown):
        plan.explain("CO-9")


def test_working_days_of_a_lead_time_are_counted_back_on_the_suppliers_calendar():
    world = soap_shop()
    world.suppliers = [Supplier("Chemie", offers=[Offer("lye", lead_time=duration("2 working days"))])]
    plan = plan_of(world, demand(world, "soap", 20, world.at("2026-12-04 12:00")))

    (buy,) = plan.to_buy()

    assert buy.at <= moment(world.at("2026-12-04 10:00"))
    assert buy.at - buy.order_by >= timedelta(days=2)
