"""Placing: efficiency, alternatives, people, parts that are handed on, and what spoils; against a checker and against every way."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from itertools import product
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from krafte_core.allocation import rank
from krafte_core.board import Board
from krafte_core.coverage import NEVER, Booking
from krafte_core.demands import Demand
from krafte_core.errors import BeyondHorizon, InvalidInput, NeverFits, NotPositive
from krafte_core.items import Item
from krafte_core.plan import Plan
from krafte_core.planner import Planner
from krafte_core.planning import plan_all
from krafte_core.recipes import Operation, Recipe
from krafte_core.resources import WorkCenter
from krafte_core.scheduling import Search
from krafte_core.times import moment
from tests.rules.situation import DAY, HOUR, World

BEGAN = datetime(2026, 11, 1, tzinfo=UTC)
DAYTIME = "Mon-Fri 08:00-16:00"


def kitchen(*operations: Operation, makes: int = 1, now: str = "2026-11-23 08:00", **centers: WorkCenter) -> World:
    """Soup, made by these operations at these work centers."""
    rows = [WorkCenter(code, **how) for code, how in centers.items()]
    return World([Item("soup", unit="each")], [Recipe("soup", makes=f"{makes} each", operations=operations)], centers=rows, now=now)


def promised(world: World, steps: int = 1):
    """The tasks of one batch, as a promise places them."""
    return Search(world).cover("soup", steps).made[0][0].tasks


def planned(world: World, due: float, steps: int = 1, ref: str = "CO-1") -> Plan:
    return plan_all(Planner(Board(world)), [Demand(ref, "1", "soup", steps, due, rank(0, None, BEGAN, ref))])


def hours(world: World, *times: float) -> list[float]:
    return [(at - world.now) / HOUR for at in times]


# ------------------------------------------------------------------------------------------------------- by hand


def test_at_eighty_percent_an_hour_of_work_takes_an_hour_and_a_quarter():
    world = kitchen(Operation("cook", at="pot", run="1 h"), pot={"efficiency": "80 %"})
    assert hours(world, promised(world)[0].worked) == [1.25]
    make = planned(world, world.now + 8 * HOUR).makes[0]
    assert hours(world, make.start, make.end) == [6.75, 8]


def test_the_first_alternative_is_taken_unless_another_is_done_sooner():
    cook = Operation("cook", at="new", alternatives=["old"], run="2 h")
    world = kitchen(cook, new={}, old={})
    assert promised(world)[0].operation.at == "new"
    world.booked.append(Booking("new", world.now, world.now + HOUR, "PB-9", "x"))
    assert promised(world)[0].operation.at == "old"
    slow = kitchen(cook, new={}, old={"efficiency": "50 %"})
    slow.booked.append(Booking("new", slow.now, slow.now + HOUR, "PB-9", "x"))
    assert promised(slow)[0].operation.at == "new"  # three hours with its queue, four at the old one


def test_a_plan_takes_the_first_alternative_that_is_in_time():
    world = kitchen(Operation("cook", at="new", alternatives=["old"], run="2 h"), new={}, old={})
    assert planned(world, world.now + DAY).makes[0].tasks[0][1] == "new"
    world.booked.append(Booking("new", world.now, world.now + DAY, "PB-9", "x"))
    assert planned(world, world.now + DAY).makes[0].tasks[0][1] == "old"


def test_work_waits_for_its_people_and_they_for_the_pot():
    """The pot is free at once, two of the three cooks come at noon; then work goes on only while both are there."""
    world = kitchen(
        Operation("cook", at="pot", run="5 h", people="cooks", hands=2, pausable=True), pot={}, cooks={"hours": DAYTIME, "capacity": 3}
    )
    for n in range(2):
        world.booked.append(Booking("cooks", world.now, world.now + 4 * HOUR, f"PB-{n}", "x"))
    task = promised(world)[0]
    assert hours(world, task.start, task.worked) == [4, 25]  # from noon to four, and one hour more in the morning
    make = planned(world, world.now + 2 * DAY).makes[0]
    assert hours(world, make.start, make.end) == [27, 32]


def test_what_people_do_is_booked_for_each_of_them():
    world = kitchen(Operation("cook", at="pot", run="1 h", people="cooks", hands=2), pot={}, cooks={"capacity": 3})
    board = Board(world)
    planner = Planner(board)
    for n in range(3):
        plan_all(planner, [Demand(f"CO-{n}", "1", "soup", 1, world.now + 9 * HOUR, rank(0, None, BEGAN, f"CO-{n}"))])
    assert sorted(hours(world, *(one.start for one in planner.makes))) == [6, 7, 8]  # one pot, and two of three cooks at a time
    assert board.gaps("cooks").booked(0, board.gaps("cooks").total) == 6 * HOUR


def test_filling_begins_when_the_first_tray_is_cooked():
    """Ten trays, cooked one an hour, filled two an hour: filling ends half an hour after cooking and therefore begins late."""
    cook = Operation("cook", at="pot", run="10 h", transfer="1 each")
    fill = Operation("fill", at="bench", run="5 h")
    world = kitchen(cook, fill, makes=10, pot={}, bench={})
    first, second = promised(world, 10)
    assert hours(world, first.start, first.worked, second.start, second.worked) == [0, 10, 5.5, 10.5]
    make = planned(world, world.now + DAY, 10).makes[0]
    assert hours(world, make.start, make.end) == [13.5, 24]


def test_a_slow_filler_begins_with_the_first_tray():
    world = kitchen(
        Operation("cook", at="pot", run="5 h", transfer="1 each", wait="30 min"),
        Operation("fill", at="bench", run="10 h"), makes=10, pot={}, bench={},
    )  # fmt: skip
    first, second = promised(world, 10)
    assert hours(world, first.worked, second.ready, second.worked) == [5, 1, 11]


def test_what_would_spoil_is_cooked_later():
    """The bench is busy till two; what is cooked may wait for two hours only."""
    world = kitchen(
        Operation("cook", at="pot", run="1 h", spoils_after="2 h"), Operation("fill", at="bench", run="1 h"), pot={}, bench={}
    )
    world.booked.append(Booking("bench", world.now, world.now + 6 * HOUR, "PB-9", "x"))
    first, second = promised(world)
    assert hours(world, first.start, first.worked, second.start) == [3, 4, 6]
    make = planned(world, world.now + 6 * HOUR + 1800).makes
    assert hours(world, make[0].start, make[0].end) == [5, 7]  # as late as it can be, now that the date is known


def test_the_chain_of_overlapping_and_put_off_work_has_no_gap():
    world = kitchen(
        Operation("cook", at="pot", run="2 h", spoils_after="1 h"), Operation("fill", at="bench", run="4 h", transfer="1 each"),
        Operation("pack", at="table", run="4 h"), makes=4, pot={}, bench={}, table={},
    )  # fmt: skip
    world.booked.append(Booking("bench", world.now, world.now + 8 * HOUR, "PB-9", "x"))
    delivery = planned(world, world.now, 4).deliveries()[0]
    assert [(one.kind, one.name) for one in delivery.chain] == [
        ("put off", "cook"), ("operation", "cook"), ("queue", "bench"), ("operation", "fill"), ("operation", "pack"),
    ]  # fmt: skip
    assert all(one.end == other.start for one, other in zip(delivery.chain, delivery.chain[1:], strict=False))
    assert (delivery.chain[0].start, delivery.chain[-1].end) == (moment(world.now), delivery.at)


def test_people_who_never_meet_their_machine_can_never_do_it():
    world = kitchen(
        Operation("cook", at="pot", run="1 h", people="cooks"),
        pot={"hours": "Mon-Fri 08:00-12:00"},
        cooks={"hours": "Sat 08:00-12:00"},
    )
    with pytest.raises(NeverFits, match="pot and cooks"):
        Search(world).cover("soup", 1)
    assert "pot and cooks" in planned(world, world.now + DAY).deliveries()[0].problem


@pytest.mark.parametrize(
    ("wrong", "kind"),
    [
        ({"at": "pot", "run": "1 h", "alternatives": ["pot"]}, InvalidInput),
        ({"at": "pot", "run": "1 h", "alternatives": "pot 2"}, InvalidInput),
        ({"wait": "1 h", "people": "cooks"}, InvalidInput),
        ({"wait": "1 h", "transfer": "1 each"}, InvalidInput),
        ({"at": "pot", "run": "1 h", "people": "cooks", "hands": 0}, NotPositive),
        ({"at": "pot", "run": "1 h", "hands": 2}, InvalidInput),
        ({"at": "pot", "run": "1 h", "wait": "3 h", "spoils_after": "2 h"}, InvalidInput),
        ({"at": "pot", "run": "1 h", "spoils_after": "2 working days"}, InvalidInput),
    ],
)
def test_operations_that_contradict_themselves_are_refused(wrong, kind):
    with pytest.raises(kind):
        Operation("cook", **wrong)


@pytest.mark.parametrize("efficiency", ["0 %", "80", "-5 %", "2000000 %", 0.8])
def test_an_efficiency_is_a_sane_percentage(efficiency):
    with pytest.raises(InvalidInput):
        WorkCenter("pot", efficiency=efficiency)


def test_what_spoils_is_followed_by_something():
    with pytest.raises(InvalidInput, match="shelf life"):
        Recipe("soup", makes="1 each", operations=[Operation("cook", at="pot", run="1 h", spoils_after="2 h")])


# --------------------------------------------------------------------------------- a checker that knows nothing of placing


def check_batch(world: World, tasks, steps: int, *, since: float, jobs: dict) -> None:
    """Hours, pace, parts and spoiling of one batch; what it takes is noted in `jobs`."""
    recipe = world.formulas["soup"].recipe
    made = world.formulas["soup"].makes
    before = None
    setup = 0
    for operation, (done, start, worked, end) in zip(recipe.operations, tasks, strict=True):
        assert start >= since
        assert done.at in (operation.at, *operation.alternatives)
        seconds, open_hours = 0, None
        if operation.at is not None:
            centers = [world.centers[done.at], *([world.centers[operation.people]] if operation.people else [])]
            weeks = [world.timeline(one.opening()) for one in centers]
            setup = operation.setup.seconds if operation.setup else 0
            base, percent = setup + -(-operation.run.seconds * steps // made), int(centers[0].efficiency * 100)
            seconds, setup = -(-base * 100 // percent), -(-setup * 100 // percent)
            open_hours = weeks
            assert worked_both(weeks, start, worked) == seconds
            if not operation.pausable:
                assert worked - start == seconds
            jobs.setdefault(done.at, []).append((start, worked, 1))
            if operation.people:
                jobs.setdefault(operation.people, []).append((start, worked, operation.hands))
        assert end == worked + (operation.wait.seconds if operation.wait else 0)
        if before is not None:
            check_order(before, (operation, start, worked, end, open_hours, seconds, setup), steps)
        before = (operation, start, worked, end, open_hours, seconds, setup)


def check_order(one, other, steps: int) -> None:
    """The second begins when the first is done, or no part is missing when its turn comes; and before anything spoils."""
    operation, start, worked, end, weeks, seconds, setup = one
    if operation.spoils_after is not None:
        assert other[1] <= worked + operation.spoils_after.seconds
    if operation.transfer is None or other[4] is None:
        assert other[1] >= end
        return
    parts = -(-steps // int(operation.transfer.split()[0]))
    for part in range(1, parts + 1):
        there = moment_of(weeks, start, setup + (seconds - setup) * part / parts) + (end - worked)
        begun = other[6] + (other[5] - other[6]) * (part - 1) / parts if part > 1 else 0
        assert begun >= worked_both(other[4], other[1], there) - 2


def worked_both(weeks, start: float, end: float) -> float:
    """Seconds in which all are open, an hour at a time: every calendar of these tests changes at full hours."""
    total, at = 0.0, start
    while at < end:
        until = min(end, (at // 1800 + 1) * 1800)
        total += (until - at) * all(week.is_open(int(at)) for week in weeks)
        at = until
    return total


def moment_of(weeks, start: float, seconds: float) -> float:
    at = start
    while seconds > 0:
        until = (at // 1800 + 1) * 1800
        if all(week.is_open(int(at)) for week in weeks):
            took = min(seconds, until - at)
            seconds -= took
            at += took
        else:
            at = until
    return at


def check_load(world: World, jobs: dict) -> None:
    for row in world.booked:
        jobs.setdefault(row.work_center, []).append((row.start, row.end, 1))
    for code, rows in jobs.items():
        marks, running = sorted([(start, places) for start, _, places in rows] + [(end, -places) for _, end, places in rows]), 0
        for _, places in marks:
            running += places
            assert running <= world.centers[code].capacity


@st.composite
def kitchens(draw) -> World:
    """Up to three operations of every kind at work centers and crews of every kind, some of them busy."""
    week = st.sampled_from([None, DAYTIME, "Mon-Sat 06:00-22:00", "Mon-Fri 10:00-20:00"])
    pace = st.sampled_from(["100 %", "100 %", "80 %", "150 %"])
    centers = {code: {"hours": draw(week), "capacity": draw(st.integers(1, 2)), "efficiency": draw(pace)} for code in "abc"}
    centers["crew"] = {"hours": draw(week), "capacity": draw(st.integers(1, 3))}
    rows, count = [], draw(st.integers(1, 3))
    for n in range(count):
        at, *others = draw(st.permutations("abc"))
        crew = draw(st.booleans())
        wait = draw(st.sampled_from([None, None, "1 h"]))
        rows.append(
            Operation(
                f"op{n}",
                at=at,
                alternatives=others[: draw(st.integers(0, 2))],
                setup=draw(st.sampled_from([None, "20 min"])),
                run=f"{draw(st.integers(1, 4))} h",
                wait=wait,
                people="crew" if crew else None,
                hands=draw(st.integers(1, centers["crew"]["capacity"])) if crew else 1,
                transfer=draw(st.sampled_from([None, "1 each", "2 each"])) if n + 1 < count else None,
                spoils_after=draw(st.sampled_from([None, "1 h", "5 h"])) if n + 1 < count else None,
                pausable=draw(st.booleans()),
            )
        )
    world = kitchen(*rows, makes=4, **centers)
    for code in draw(st.lists(st.sampled_from(["a", "b", "c", "crew"]), max_size=4, unique=True)):
        start = world.now + draw(st.integers(-3, 40)) * HOUR
        world.booked.append(Booking(code, start, start + draw(st.integers(1, 9)) * HOUR, f"PB-{code}", "x"))
    return world


@given(kitchens(), st.lists(st.integers(1, 6), min_size=1, max_size=3))
def test_every_promise_can_be_carried_out(world, needs):
    search, jobs = Search(world), {}
    try:
        covers = [search.cover("soup", steps) for steps in needs]
    except (NeverFits, BeyondHorizon):
        return
    for batch in {id(batch): batch for cover in covers for batch, _ in cover.made}.values():
        tasks = [(one.operation, one.start, one.worked, one.end) for one in batch.tasks]
        check_batch(world, tasks, batch.steps, since=world.now, jobs=jobs)
        assert batch.end == batch.tasks[-1].end
    check_load(world, jobs)


@given(kitchens(), st.lists(st.tuples(st.integers(1, 6), st.none() | st.integers(0, 8)), min_size=1, max_size=3))
def test_every_plan_can_be_carried_out(world, needs):
    demands = [
        Demand(f"CO-{n}", "1", "soup", steps, NEVER if due is None else world.now + due * DAY, rank(0, None, BEGAN, f"CO-{n}"))
        for n, (steps, due) in enumerate(needs)
    ]
    plan, jobs = plan_all(Planner(Board(world)), demands), {}
    for make in plan.makes:
        check_batch(world, plan.work_of(make), make.steps, since=world.now, jobs=jobs)
    check_load(world, jobs)
    for demand, outcome in zip(plan.demands, plan.outcomes, strict=True):
        late = outcome.at if outcome.at > demand.due else 0
        assert not late or not outcome.chain or (outcome.chain[0][2], outcome.chain[-1][3]) == (world.now, late)


@given(kitchens(), st.integers(1, 6))
def test_promise_and_plan_agree_on_the_earliest_date(world, steps):
    """One engine: what is wanted yesterday is planned for the moment that a promise names."""
    weeks = {code: world.timeline(center.opening()) for code, center in world.centers.items()}
    world.booked = [row for row in world.booked if weeks[row.work_center].between(row.start, row.end) == row.end - row.start]
    try:
        cover = Search(world).cover("soup", steps)
    except (NeverFits, BeyondHorizon):
        assert planned(world, NEVER, steps).outcomes[0].at == NEVER
        return
    assert planned(world, world.now - DAY, steps).outcomes[0].at == cover.ready


# ------------------------------------------------------------------------------------------------- against every way


class Tiny(NamedTuple):
    """Operations of one batch in whole hours: (hours, work centers, needs the helper, wait, spoils after); and what is busy."""

    operations: tuple[tuple[int, str, bool, int, int | None], ...]
    busy: tuple[tuple[str, int, int], ...]
    batches: int


LATEST = 14


def any_tiny(chance: random.Random) -> Tiny:
    rows = []
    for _ in range(chance.randint(1, 3)):
        wait = chance.choice([0, 0, 1])
        spoils = chance.choice([None, wait, wait + 1])
        rows.append((chance.randint(1, 2), chance.choice(["x", "y", "xy", "yx"]), chance.random() < 0.4, wait, spoils))
    rows[-1] = (*rows[-1][:4], None)
    busy = tuple((code, start, start + chance.randint(1, 2)) for code in "xyh" if (start := chance.randint(0, 4)) < 4)
    return Tiny(tuple(rows), busy, chance.choice([1, 1, 2]))


def earliest(tiny: Tiny) -> int | None:
    """The earliest hour by which all batches can be done, of all ways to start their operations."""
    taken = {(code, hour) for code, start, end in tiny.busy for hour in range(start, end)}

    def ways(ops, since: int, limit: int | None, used: frozenset):
        if not ops:
            yield since, used
            return
        length, centers, helper, wait, spoils = ops[0]
        for start in range(since, LATEST if limit is None else min(limit, LATEST) + 1):
            for at in centers:
                cells = {(code, hour) for code in (at, *("h" * helper)) for hour in range(start, start + length)}
                if not cells & taken and not cells & used:
                    end = start + length
                    yield from ways(ops[1:], end + wait, None if spoils is None else end + spoils, used | cells)

    best = None
    for end, used in ways(tiny.operations, 0, None, frozenset()):
        ends = [end] if tiny.batches == 1 else [max(end, other) for other, _ in ways(tiny.operations, 0, None, used)]
        best = min([*ends, *([] if best is None else [best])], default=None)
    return best


@pytest.mark.parametrize("seed", range(4))
def test_no_way_of_doing_it_is_earlier_than_a_proven_answer(seed):
    chance, proven = random.Random(seed), 0
    for _ in range(60):
        tiny = any_tiny(chance)
        operations = [
            Operation(
                f"op{n}",
                at=centers[0],
                alternatives=centers[1:].split() if len(centers) > 1 else (),
                run=f"{length} h",
                per="batch",
                people="h" if helper else None,
                wait=f"{wait} h" if wait else None,
                spoils_after=None if spoils is None else f"{spoils} h",
            )
            for n, (length, centers, helper, wait, spoils) in enumerate(tiny.operations)
        ]
        world = kitchen(*operations, x={}, y={}, h={})
        for n, (code, start, end) in enumerate(tiny.busy):
            world.booked.append(Booking(code, world.now + start * HOUR, world.now + end * HOUR, f"PB-{n}", "x"))
        search = Search(world)
        ready = max(search.cover("soup", 1).ready for _ in range(tiny.batches))
        best = earliest(tiny)
        hour = (ready - world.now) / HOUR
        assert best is None or hour >= best, tiny
        if search.proven and best is not None:
            proven += 1
            assert hour == best, tiny
    assert proven > 10


def test_the_brute_force_tries_every_way():
    tiny = Tiny(((1, "x", False, 0, 0), (1, "y", False, 0, None)), (("y", 0, 3),), 1)
    assert earliest(tiny) == 4
    assert [*product("x", "y")] == [("x", "y")]
