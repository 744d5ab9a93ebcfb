"""The production desk: plan a run, start it, complete it, and tell which orders it is for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

import attrs

from krafte_core.allocation import LOT, RUN, Allocation, displaced
from krafte_core.availability import Shortage, aligned, shortages
from krafte_core.errors import AlreadyExists, InvalidInput, NoSource, Short, TooMuch
from krafte_core.events import Event, ProductionCancelled, ProductionCompleted, ProductionStarted
from krafte_core.items import Item, code, one_of
from krafte_core.netting import Displaced, Writer, demand_ranks, drop_expired_quotes, hand_over, lose, release_runs
from krafte_core.office import Office
from krafte_core.orders import CustomerOrder
from krafte_core.production import Need, ProductionOrder
from krafte_core.quantities import Quantity
from krafte_core.scheduling import Cover, Search, lacking
from krafte_core.stock import PRODUCTION, SCRAP, STOCK, Lot, Move, Stocked, line_of, pick, unusable
from krafte_core.times import day
from krafte_core.work import Seen, Work, arrived, number_of

Used = Mapping[str, Any]
"""Per item an amount, or amounts per lot; empty means nothing."""


@attrs.frozen
class Planned:
    """What `plan` did: the run, and the materials that are still missing."""

    production: ProductionOrder
    shortages: tuple[Shortage, ...]
    events: tuple[Event, ...]


@attrs.frozen
class Started:
    """What `start` did: the lots that went to the line."""

    production: str
    moved: tuple[tuple[str, str, Quantity], ...]
    events: tuple[Event, ...]


@attrs.frozen
class Deviation:
    """Planned and used of one material."""

    item: str
    planned: Quantity
    used: Quantity

    @property
    def under(self) -> bool:
        """Less was used than planned."""
        return self.used < self.planned

    @property
    def over(self) -> bool:
        """More was used than planned."""
        return self.used > self.planned


@attrs.frozen
class Completed:
    """What `complete` did: the lot, the amounts, who got the output, who lost, and where use differed from the plan."""

    production: str
    item: str
    lot: Lot | None
    made: Quantity
    scrapped: Quantity
    lost: Quantity
    deviations: Mapping[str, Deviation]
    displaced: tuple[Displaced, ...]
    events: tuple[Event, ...]


class ProductionDesk:
    """`shop.production`."""

    def __init__(self, office: Office) -> None:
        """At this office."""
        self._office = office

    def plan(self, item: str, amount: Any, *, when_short: str = "wait", key: str | None = None, by: str | None = None) -> Planned:
        """Plan one run of an item for stock, and reserve its materials; lower levels are planned with it.

        Raises:
            NoSource: (`no_source`) the item has no recipe. Short: (`short`) with `when_short="refuse"`.
            InvalidInput: an amount that is none, or not a whole step.

        >>> from krafte_core import Ingredient, Item, Recipe, Workshop
        >>> shop = Workshop.in_memory()
        >>> shop.register(Item("oil", unit="kg"), Item("soap", unit="each"),
        ...               Recipe("soap", makes="1 each", ingredients=[Ingredient("oil", "0.1 kg")]))
        >>> print(shop.production.plan("soap", "20 each").shortages[0])
        oil: 2 kg missing (needed 2 kg, available 0 kg)
        """
        one_of(when_short, ("wait", "refuse"), "when_short")
        decide = _planning(item, amount, when_short)
        return self._office.run(decide, key=key, content=("plan", item, str(amount), when_short), by=by)

    def start(
        self, production: ProductionOrder | str, *, when_short: str = "refuse", key: str | None = None, by: str | None = None
    ) -> Started:
        """Put the reserved lots on the run's line: in process, on hand, but available to nobody else.

        Args:
            production: the run.
            when_short: `"refuse"` where a need is not covered by lots; `"start"` begins with what there is.

        Raises:
            Short: (`short`) a material is missing. LotNotUsable: (`lot_not_usable`) a reserved lot was held or has expired.
            NotAllowed: (`not_allowed`) it has begun, or is over. Unknown: (`unknown`) no such run.
        """
        one_of(when_short, ("refuse", "start"), "when_short")
        name = number_of(production)
        return self._office.run(_starting(name, when_short), key=key, content=("start", name, when_short), by=by)

    def complete(
        self,
        production: ProductionOrder | str,
        *,
        made: Any,
        scrapped: Any = None,
        used: Used | None = None,
        lot: str | None = None,
        expires: date | str | None = None,
        to: str = STOCK,
        key: str | None = None,
        by: str | None = None,
    ) -> Completed:
        """End a run: add the finished lot, use the materials, give back the rest, and hand the output to those it was made for.

        Args:
            production: a started run.
            made: good output, zero or more; `scrapped`: output that is scrapped at once. What was planned and neither made nor
                scrapped is lost.
            used: per item what was really used, `{"tomato": "131.5 kg"}` or per lot `{"spice-mix": {"MIX-1": "3 kg"}}`; an empty
                entry means nothing; items not named are used as planned, at most what is on the line.
            lot: the finished lot's code; default the run's number.
            expires: its last day.
            to: the place it goes to.

        Raises:
            AlreadyExists: (`already_exists`) the item has a lot of this code. TooMuch: (`too_much`) more used than there is.
            NotAllowed: (`not_allowed`) not started, or over. InvalidInput: an amount, or a material the run does not have.
        """
        name = number_of(production)
        content = ("complete", name, str(made), str(scrapped), repr(used), lot, expires, to)
        done = _Completion(name, made, scrapped, used or {}, lot, None if expires is None else day(expires), to)
        return self._office.run(done.decide, key=key, content=content, by=by)

    def make(
        self,
        item: str,
        amount: Any,
        *,
        used: Used | None = None,
        lot: str | None = None,
        expires: date | str | None = None,
        to: str = STOCK,
        key: str | None = None,
        by: str | None = None,
    ) -> Completed:
        """Plan, start and complete a run in one command: for what was made just now.

        Raises:
            Short: (`short`) a material is missing; and what `plan`, `start` and `complete` raise. Nothing is half done.
        """
        content = ("make", item, str(amount), repr(used), lot, expires, to)
        until = None if expires is None else day(expires)

        def decide(work: Work) -> Completed:
            plan = _planning(item, amount, "refuse", levels=False)(work)
            work.settle()
            _starting(plan.production.number, "refuse")(work)
            work.settle()
            return _Completion(plan.production.number, amount, None, used or {}, lot, until, to).decide(work)

        return self._office.run(decide, key=key, content=content, by=by)

    def cancel(
        self, production: ProductionOrder | str, *, reason: str = "", key: str | None = None, by: str | None = None
    ) -> tuple[Displaced, ...]:
        """Cancel a run that has not begun: its materials are free, the demands that it covered are open again and named.

        Raises:
            NotAllowed: (`not_allowed`) it has begun, or is over. Unknown: (`unknown`) no such run.
        """
        name = number_of(production)

        def decide(work: Work) -> tuple[Displaced, ...]:
            run = work.paper(ProductionOrder, name)
            release_runs(work, [run], "cancel")
            supply = (RUN, run.item, name)
            links = work.reader.claims([supply])[supply]
            work.tell(ProductionCancelled(work.at, name, run.item))
            ranks = demand_ranks(work, links)
            everything = sum(link.takes for link in links)
            return lose(work, displaced(links, everything, lambda link: ranks[link.demand]), reason or "production cancelled")

        return self._office.run(decide, key=key, content=("cancel", name, reason), by=by)

    # asking -----------------------------------------------------------------------------------------------------------

    def covering(self, order: CustomerOrder | str, *, open_only: bool = False) -> tuple[ProductionOrder, ...]:
        """The runs that cover an order: by links, and, unless `open_only`, those whose lots are allocated to it or were shipped.

        Raises:
            Unknown: (`unknown`) no such order.
        """
        with self._office.look() as work:
            name = work.paper(CustomerOrder, order).number
            links = work.reader.links((name,))[name]
            numbers = [link.ref for link in links if link.source == RUN]
            if not open_only:
                lots = {(link.item, link.ref) for link in links if link.source == LOT}
                lots |= {(move.item, move.lot) for posting in work.reader.postings(papers=[name]) for move in posting.moves}
                numbers += sorted(lot.paper for lot in work.reader.lots(lots).values() if lot.origin == "run")
            filed = work.reader.papers(dict.fromkeys(numbers))
            return tuple(filed[number].paper for number in dict.fromkeys(numbers) if number in filed)

    def get(self, production: ProductionOrder | str) -> ProductionOrder:
        """The run as it is now.

        Raises:
            Unknown: (`unknown`) no such run.
        """
        with self._office.look() as work:
            run: ProductionOrder = work.paper(ProductionOrder, production)
            return run

    def status(self, production: ProductionOrder | str) -> str:
        """The run's state: proposed, planned, released, started, done, closed, cancelled or reversed.

        Raises:
            Unknown: (`unknown`) no such run.
        """
        with self._office.look() as work:
            return work.state(work.paper(ProductionOrder, production))

    def find(self, *, item: str | None = None, after: str = "", limit: int = 100) -> tuple[ProductionOrder, ...]:
        """A page of runs in the order of writing, after the given number."""
        criteria = {} if item is None else {"item": item}
        with self._office.look() as work:
            return tuple(work.reader.find("production", after=after, limit=limit, **criteria))  # type: ignore[arg-type]

    def table(self, *, item: str | None = None, after: str = "", limit: int = 100) -> str:
        """The runs at a glance: number, item, planned amount, from when to when, state."""
        criteria = {} if item is None else {"item": item}
        with self._office.look() as work:
            runs: Sequence[Any] = work.reader.find("production", after=after, limit=limit, **criteria)
            work.reader.diary(run.number for run in runs)
            rows = [
                (run.number, run.item, str(run.planned), _time(run.planned_start), _time(run.planned_end), work.state(run))
                for run in runs
            ]
            return "\n".join(aligned(("production", "item", "planned", "start", "end", "state"), rows))


def _time(at: Any) -> str:
    return f"{at:%Y-%m-%d %H:%M}" if at else ""


def _planning(item: str, amount: Any, when_short: str, *, levels: bool = True) -> Callable[[Work], Planned]:
    def decide(work: Work) -> Planned:
        known = work.item(item)
        steps = known.positive(amount)
        formula = work.catalogue.formula(item)
        if formula is None:
            raise NoSource((item,))
        drop_expired_quotes(work, work.catalogue.reach(item))
        search = Search(Seen(work, [item]), make=levels)
        batch = search.batch(formula, steps)
        covers = [cover for _, cover in batch.inputs]
        missing = lacking(covers)
        short = shortages(missing, covers, work.catalogue.item) if missing else ()
        if short and when_short == "refuse":
            raise Short(short)
        writer = Writer(work)
        found = Cover(item, 0, batch.end, made=[(batch, 0)])
        writer.write(found, "", "")
        run = next(iter(writer.runs.values()))
        return Planned(run, short, tuple(work.changes.events))

    return decide


def _starting(name: str, when_short: str) -> Callable[[Work], Started]:
    def decide(work: Work) -> Started:
        run = work.paper(ProductionOrder, name)
        work.step(run, work.state(run), "start")
        links = work.reader.links((name,))[name]
        reserved = [link for link in links if link.source == LOT]
        lots = work.reader.lots((link.item, link.ref) for link in reserved)
        if when_short == "refuse":
            _refuse_uncovered(work, run, reserved)
        line, moves = line_of(name), []
        for link in reserved:
            lot = lots[link.item, link.ref]
            reason = unusable(lot, work.today)
            if reason is not None:
                raise work.refuse_lot(link.item, link.ref, reason)
            work.guard(lot)
            moves.append(Move(link.item, link.ref, link.takes, link.place, line, f"{name}/{link.line}"))
            work.unlink(link)
            work.link(link._replace(place=line))
        work.post("start", name, moves)
        work.tell(ProductionStarted(work.at, name, run.item))
        moved = tuple((move.item, move.lot, work.item(move.item).quantity(move.steps)) for move in moves)
        return Started(name, moved, tuple(work.changes.events))

    return decide


def _refuse_uncovered(work: Work, run: ProductionOrder, reserved: Iterable[Allocation]) -> None:
    covered: dict[str, int] = {}
    for link in reserved:
        covered[link.line] = covered.get(link.line, 0) + link.covers
    short = []
    for need in run.needs:
        there = covered.get(need.line, 0)
        if there < need.steps:
            quantity = work.item(need.item).quantity
            short.append(Shortage(need.item, need.required, quantity(there), quantity(need.steps - there)))
    if short:
        raise Short(tuple(short))


class _OnLine(NamedTuple):
    """What of a material lies on the run's line: the lot, the steps, and the links that hold them."""

    lot: Lot
    steps: int


class _Completion:
    """The decision behind `complete`."""

    def __init__(self, name: str, made: Any, scrapped: Any, used: Used, lot: str | None, expires: date | None, to: str) -> None:
        self.name = name
        self.given = (made, scrapped)
        self.used = used
        self.lot = lot
        self.expires = expires
        self.to = to

    def decide(self, work: Work) -> Completed:
        run: ProductionOrder = work.paper(ProductionOrder, self.name)
        work.step(run, work.state(run), "complete")
        item = work.item(run.item)
        made, scrapped = (0 if one is None else _not_negative(item, one) for one in self.given)
        before = 0
        if work.reader.diary((self.name,))[self.name][-1].step == "report":
            before = arrived(work, [run]).get((self.name, run.item), 0)
        lost = max(0, run.steps - before - made - scrapped)
        deviations = self._consume(work, run, made + scrapped, lost)
        lot = self._output(work, run, item, made, scrapped) if made + scrapped else None
        supply = (RUN, run.item, self.name)
        displaced_rows = hand_over(work, supply, "", lot, self.to, made, 0, f"{self.name} made less")
        work.tell(ProductionCompleted(work.at, self.name, run.item, lot.code if lot else "", item.quantity(made)))
        return Completed(
            self.name, run.item, lot, item.quantity(made), item.quantity(scrapped), item.quantity(lost),
            deviations, displaced_rows, tuple(work.changes.events),
        )  # fmt: skip

    # materials --------------------------------------------------------------------------------------------------------

    def _consume(self, work: Work, run: ProductionOrder, output: int, lost: int) -> dict[str, Deviation]:
        """Use what was given or planned, give the rest of the line back, and say where the two differ."""
        line = line_of(self.name)
        links = [link for link in work.reader.links((self.name,))[self.name]]
        there = work.reader.at_place(line)
        on_line: dict[str, list[_OnLine]] = {}
        for row in there:
            on_line.setdefault(row.lot.item, []).append(_OnLine(row.lot, row.on_hand))
        for link in links:
            work.unlink(link)
        _known_materials(run, self.used)
        moves, back, deviations = [], [], {}
        for need in run.needs:
            planned = need.for_output(output + (lost if need.follows == "charge" else 0))
            rows = on_line.pop(need.item, [])
            wanted = self._wanted(work, need, planned, rows)
            came, rest = _draw(work, self.name, need, wanted, rows, line)
            moves += came
            back += rest
            used = sum(move.steps for move in came)
            if used != planned:
                quantity = work.item(need.item).quantity
                deviations[need.line] = Deviation(need.item, quantity(planned), quantity(used))
        back += [row for rows in on_line.values() for row in rows if row.steps]
        work.post("use", self.name, moves)
        self._give_back(work, back, line)
        return deviations

    def _wanted(self, work: Work, need: Need, planned: int, rows: Sequence[_OnLine]) -> int | Mapping[str, int]:
        """Steps to use, in all or per lot: given = that; empty = nothing; omitted = as planned, at most what is on the line."""
        name = need.line if need.line in self.used else need.item
        if name not in self.used:
            return min(planned, sum(row.steps for row in rows))
        given, item = self.used[name], work.item(need.item)
        if isinstance(given, Mapping):
            return {code(lot, "lot"): item.positive(amount, f"used[{name!r}][{lot!r}]") for lot, amount in given.items()}
        return _not_negative(item, given) if given else 0

    def _give_back(self, work: Work, rows: Iterable[_OnLine], line: str) -> None:
        """What stays on the line goes back to where it came from."""
        left = [row for row in rows if row.steps > 0]
        if not left:
            return
        came = {
            (move.item, move.lot): move.source
            for posting in work.reader.postings(papers=[self.name])
            for move in posting.moves
            if move.target == line
        }
        moves = [Move(lot.item, lot.code, steps, line, came.get((lot.item, lot.code), STOCK)) for lot, steps in left]
        work.post("give_back", self.name, moves)

    # output -----------------------------------------------------------------------------------------------------------

    def _output(self, work: Work, run: ProductionOrder, item: Item, made: int, scrapped: int) -> Lot:
        name = code(self.lot, "lot") if self.lot is not None else self.name
        work.catalogue.place(self.to)
        before = work.reader.lots([(item.code, name)]).get((item.code, name))
        if before is not None and before.paper != self.name:
            raise AlreadyExists(f"lot of {item.code}", name)
        lot = before or Lot(
            item.code,
            name,
            origin="run",
            paper=self.name,
            received_at=work.at,
            expires=self.expires,
            disposition="waiting" if item.release == "by decision" else "released",
        )
        if before is None:
            work.new_lot(lot)
        moves = [Move(item.code, name, made + scrapped, PRODUCTION, self.to)]
        work.post("make", self.name, moves)
        if scrapped:
            work.post("scrap", self.name, [Move(item.code, name, scrapped, self.to, SCRAP)])
        return lot


def _not_negative(item: Item, amount: Any) -> int:
    steps = item.steps(amount)
    if steps < 0:
        raise InvalidInput("amount", str(amount), "zero or more")
    return steps


def _known_materials(run: ProductionOrder, used: Used) -> None:
    names = {name for need in run.needs for name in (need.line, need.item)}
    for name in used:
        if name not in names:
            raise InvalidInput("used", name, "one of " + ", ".join(need.line for need in run.needs))


def _draw(
    work: Work, run: str, need: Need, wanted: int | Mapping[str, int], rows: Sequence[_OnLine], line: str
) -> tuple[list[Move], list[_OnLine]]:
    """Moves that use so much, from the line first and then from free stock; and what stays on the line."""
    ref = f"{run}/{need.line}"
    moves: list[Move] = []
    rest: list[_OnLine] = []
    per_lot = dict(wanted) if isinstance(wanted, Mapping) else None
    left = wanted if isinstance(wanted, int) else sum(wanted.values())
    for row in rows:
        want = min(row.steps, left if per_lot is None else per_lot.get(row.lot.code, 0))
        if want:
            moves.append(Move(need.item, row.lot.code, want, line, PRODUCTION, ref))
            left -= want
            if per_lot is not None:
                per_lot[row.lot.code] -= want
        rest.append(_OnLine(row.lot, row.steps - want))
    if per_lot is not None:
        for name, steps in per_lot.items():
            moves += _from_lot(work, need, name, steps, ref)
    elif left > 0:
        moves += _from_stock(work, need, left, ref)
    return moves, rest


def _from_lot(work: Work, need: Need, name: str, steps: int, ref: str) -> list[Move]:
    """Use of a lot that was not brought to the line: from where it stands free; weighed use is a fact, but only of what is there."""
    if not steps:
        return []
    lot = work.lot(need.item, name)
    work.guard(lot)
    rows = work.reader.standing([(need.item, name)])[need.item, name]
    return _take(work, need, [row for row in rows if work.catalogue.usable_place(row.place)], steps, ref, f"lot {name} of {need.item}")


def _from_stock(work: Work, need: Need, steps: int, ref: str) -> list[Move]:
    item = work.item(need.item)
    rows = work.reader.lots_of(need.item, "age" if item.pick in ("fifo", "lifo") else "expiry")
    picked = pick("fefo" if item.pick == "manual" else item.pick, rows, steps, work.today, usable_places=work.catalogue.usable_place)
    moves = []
    for stocked, took in picked.taken:
        work.guard(stocked.lot)
        moves.append(Move(need.item, stocked.lot.code, took, stocked.place, PRODUCTION, ref))
    if picked.missing:
        quantity = item.quantity
        raise TooMuch(f"used of {need.item}", quantity(steps), quantity(steps - picked.missing), "count the lot up first, then use it")
    return moves


def _take(work: Work, need: Need, rows: Sequence[Stocked], steps: int, ref: str, what: str) -> list[Move]:
    moves = []
    there = sum(row.free for row in rows)
    if there < steps:
        quantity = work.item(need.item).quantity
        raise TooMuch(what, quantity(steps), quantity(there), "count the lot up first, then use it")
    for row in rows:
        took = min(row.free, steps)
        if took > 0:
            moves.append(Move(need.item, row.lot.code, took, row.place, PRODUCTION, ref))
            steps -= took
    return moves
