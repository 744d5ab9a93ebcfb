"""A small `Situation` in memory, and a checker of plans that knows nothing of how a search finds them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from itertools import pairwise

from krafte_core.allocation import Incoming
from krafte_core.calendars import Calendar, compile_calendar
from krafte_core.coverage import NEVER, Batch, Booking, Cover, batches_of
from krafte_core.items import Item
from krafte_core.recipes import Formula, Recipe, compiled
from krafte_core.resources import Offer, Supplier, WorkCenter
from krafte_core.stock import ORDERS, RULES, Lot, Stocked
from krafte_core.timelines import Timeline
from krafte_core.times import epoch, instant, local_date, moment

MONDAY = instant("2026-11-23 08:00")
HOUR = 3600
DAY = 24 * HOUR


class World:
    """What a search may know: plain lists, everything usable stands in `stock` or on the `shelf`."""

    usable_places = frozenset({"stock", "shelf"})
    owners: tuple[str, ...] = ()
    zone = "UTC"

    def __init__(
        self,
        items: Iterable[Item],
        recipes: Iterable[Recipe] = (),
        *,
        suppliers: Iterable[Supplier] = (),
        centers: Iterable[WorkCenter] = (),
        stock: Iterable[Stocked] = (),
        incoming: Iterable[Incoming] = (),
        bookings: Iterable[Booking] = (),
        now: datetime | str = MONDAY,
        horizon: tuple[date, date] = (date(2026, 1, 1), date(2028, 12, 31)),
    ):
        self.items = {item.code: item for item in items}
        self.formulas = {recipe.item: compiled(recipe, self.items) for recipe in recipes}
        self.suppliers = [*suppliers]
        self.centers = {center.code: center for center in centers}
        self.lots = [*stock]
        self.coming = [*incoming]
        self.booked = [*bookings]
        self.now = epoch(instant(now))
        self.horizon = horizon

    def __repr__(self) -> str:
        rows = [self.formulas.values(), self.suppliers, self.centers.values(), self.lots, self.coming, self.booked]
        return f"World({moment(self.now)}: " + "; ".join(str(one) for row in rows for one in row) + ")"

    def item(self, code: str) -> Item:
        return self.items[code]

    def picking(self, item: str) -> tuple[str, str]:
        rule = self.items[item].pick
        return rule, RULES[rule].order

    def formula(self, item: str, steps: int | None = None) -> Formula | None:
        formula = self.formulas.get(item)
        most = None if formula is None else formula.at_once
        return None if most is not None and steps is not None and steps > most else formula

    def versions(self, item: str) -> tuple[Formula, ...]:
        formula = self.formulas.get(item)
        return (formula,) if formula is not None and formula.recipe.sized else ()

    def besides(self, item: str) -> None:
        return None

    def offers(self, item: str) -> Sequence[tuple[Supplier, Offer]]:
        return [(supplier, offer) for supplier in self.suppliers for offer in supplier.offers if offer.item == item]

    def stock(self, item: str, order: str) -> Sequence[Stocked]:
        return sorted((row for row in self.lots if row.lot.item == item), key=ORDERS[order])

    def incoming(self, item: str) -> Sequence[Incoming]:
        return sorted((row for row in self.coming if row.item == item), key=lambda row: row.at)

    def usable_place(self, place: str) -> bool:
        return place in self.usable_places

    def work_center(self, code: str) -> WorkCenter:
        return self.centers[code]

    def bookings(self, work_center: str) -> Sequence[Booking]:
        return sorted((row for row in self.booked if row.work_center == work_center), key=lambda row: row.start)

    def timeline(self, calendar: Calendar) -> Timeline:
        return compile_calendar(calendar, *self.horizon)

    def day(self, at: float) -> date:
        return local_date(moment(int(at)))

    # shorthand for tests ----------------------------------------------------------------------------------------------

    def at(self, text: str) -> int:
        return epoch(instant(text))

    def has(self, item: str, steps: int, **more: object) -> World:
        """So many steps more of it in stock."""
        lot = Lot(item, f"{item}-{len(self.lots)}", received_at=datetime(2026, 1, 1, tzinfo=UTC), **more)
        self.lots.append(Stocked(lot, "stock", steps, 0))
        return self

    def expects(self, item: str, steps: int, at: float, source: str = "purchase") -> World:
        """So many steps of it on their way."""
        self.coming.append(Incoming(source, item, f"{source}-{len(self.coming)}", "1", steps, steps, at))
        return self


def check_plan(world: World, covers: Sequence[Cover]) -> None:
    """Nothing is taken twice or too early, no work center does more than it can, everything is on time for what it goes into."""
    batches = [*batches_of(covers)]
    assert len({id(batch) for batch in batches}) == len(batches)
    everywhere = [*covers, *(cover for batch in batches for _, cover in batch.inputs)]
    for cover in everywhere:
        _check_cover(world, cover)
    _check_supplies(world, everywhere)
    for batch in batches:
        handed = sum(steps for cover in everywhere for made, steps in cover.made if made is batch)
        assert batch.left == batch.steps - handed >= 0
        _check_batch(world, batch)
    _check_capacity(world, batches)


def _check_cover(world: World, cover: Cover) -> None:
    taken, expected = sum(steps for _, steps in cover.taken), sum(steps for _, steps in cover.expected)
    made, bought = sum(steps for _, steps in cover.made), cover.bought.needed if cover.bought else 0
    assert taken + expected + made + bought + cover.missing == cover.steps
    assert all(steps > 0 for part in (cover.taken, cover.expected, cover.made) for _, steps in part)
    times = [world.now, *(row.at for row, _ in cover.expected), *(batch.end for batch, _ in cover.made)]
    if cover.bought:
        times.append(cover.bought.at)
        _check_purchase(world, cover)
    assert cover.ready == (NEVER if cover.missing else max(times))


def _check_purchase(world: World, cover: Cover) -> None:
    bought = cover.bought
    assert bought is not None
    offer, item = bought.offer, world.item(cover.item)
    assert (bought.supplier, offer) in world.offers(cover.item)
    assert bought.steps >= bought.needed
    if offer.minimum:
        assert bought.steps >= item.steps(offer.minimum)
    if offer.multiple:
        assert bought.steps % item.steps(offer.multiple) == 0
    if offer.lead_time.kind == "elapsed":
        assert bought.at == world.now + offer.lead_time.seconds
    else:
        week = world.timeline(bought.supplier.calendar or Calendar("every day", "24/7"))
        assert bought.at == week.add_days(world.now, offer.lead_time.days)


def _check_supplies(world: World, covers: Sequence[Cover]) -> None:
    lots: Counter[tuple[str, str, str]] = Counter()
    rows: Counter[Incoming] = Counter()
    for cover in covers:
        for stocked, steps in cover.taken:
            lots[cover.item, stocked.lot.code, stocked.place] += steps
            assert stocked.lot.disposition == "released"
            assert stocked.place in world.usable_places
            assert stocked.lot.expires is None or stocked.lot.expires >= world.day(world.now)
        for row, steps in cover.expected:
            rows[row] += steps
    free = {(row.lot.item, row.lot.code, row.place): row.free for row in world.lots}
    assert all(steps <= free[key] for key, steps in lots.items())
    assert all(steps <= row.free for row, steps in rows.items())
    assert all(row in world.coming for row in rows)


def _check_batch(world: World, batch: Batch) -> None:
    formula = batch.formula
    limits = formula.recipe.batch
    if limits and limits.exactly:
        assert batch.steps == formula.item.steps(limits.exactly)
    if limits and limits.max:
        assert batch.steps <= formula.item.steps(limits.max)
    if limits and limits.min:
        assert batch.steps >= formula.item.steps(limits.min)
    assert [line for line, _ in batch.inputs] == [*formula.lines]
    for line, cover in batch.inputs:
        assert (cover.item, cover.steps) == (line.item, line.requirement(batch.steps))
        assert cover.ready <= batch.ready
    assert batch.ready == max([world.now, *(cover.ready for _, cover in batch.inputs)])
    if batch.ready == NEVER:
        assert batch.end == NEVER
        assert not batch.tasks
        return
    _check_work(world, batch)


def _check_work(world: World, batch: Batch) -> None:
    recipe = batch.formula.recipe
    start = batch.tasks[0].start if batch.tasks else batch.ready
    for _, cover in batch.inputs:
        assert all(row.lot.expires is None or row.lot.expires >= world.day(start) for row, _ in cover.taken)
    if recipe.lead_time is not None:
        assert batch.end == batch.ready + recipe.lead_time.seconds
        return
    assert [task.operation for task in batch.tasks] == [*recipe.operations]
    assert [batch.ready, *(task.end for task in batch.tasks)] == [*(task.ready for task in batch.tasks), batch.end]
    for task in batch.tasks:
        assert task.ready <= task.opened <= task.start <= task.worked <= task.end
        operation = task.operation
        assert task.end - task.worked == (operation.wait.seconds if operation.wait else 0)
        run, setup = (time.seconds if time else 0 for time in (operation.run, operation.setup))
        scaled = run if operation.per == "batch" else -(-run * batch.steps // batch.formula.makes)
        seconds = scaled + setup
        if operation.at is None or not seconds:
            assert task.worked == task.ready
            continue
        week = world.timeline(world.centers[operation.at].opening())
        assert week.is_open(int(task.start))
        assert week.working(int(task.worked)) - week.working(int(task.start)) == seconds
        if not operation.pausable:
            assert task.worked - task.start == seconds


def _check_capacity(world: World, batches: Sequence[Batch]) -> None:
    for code, center in world.centers.items():
        jobs = [(row.start, row.end) for row in world.booked if row.work_center == code]
        jobs += [
            (int(t.start), int(t.worked)) for batch in batches for t in batch.tasks if t.operation.at == code and t.worked > t.start
        ]
        changes = sorted([(start, 1) for start, _ in jobs] + [(end, -1) for _, end in jobs])
        busy = 0
        for _, change in changes:
            busy += change
            assert busy <= center.capacity


def check_chain(world: World, steps: Sequence, arrival: datetime) -> None:
    """From now to the arrival without a gap and without an overlap, so that the lengths add up to the second."""
    edges = [moment(world.now), *(edge for step in steps for edge in (step.start, step.end)), arrival]
    assert edges[::2] == edges[1::2]
    assert all(before < after for before, after in ((step.start, step.end) for step in steps))
    assert sum((step.end - step.start).total_seconds() for step in steps) == (arrival - moment(world.now)).total_seconds()
    assert all(one.end == other.start for one, other in pairwise(steps))
