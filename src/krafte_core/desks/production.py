"""The production desk: plan a run, start it, complete it, and tell which orders it is for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

import attrs

from krafte_core.allocation import LOT, RUN, Allocation, displaced
from krafte_core.availability import Shortage, aligned, shortage, shortages
from krafte_core.errors import AlreadyExists, InvalidInput, NoSource, Short, TooMuch
from krafte_core.events import Event, ProductionCancelled, ProductionCompleted, ProductionStarted
from krafte_core.items import Item, code, one_of
from krafte_core.netting import Displaced, Writer, demand_ranks, drop_expired_quotes, hand_over, lose, release_runs
from krafte_core.office import Office
from krafte_core.orders import CustomerOrder
from krafte_core.production import ProductionOrder
from krafte_core.quantities import Quantity
from krafte_core.recipes import Line
from krafte_core.scheduling import Cover, Search, lacking
from krafte_core.stock import LINE, ORDERS, PRODUCTION, SCRAP, STOCK, Lot, Move, Stocked, line_of, unusable
from krafte_core.times import day, time_zone
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
    """What `start` did: the moves that brought the lots to the line, in whole steps."""

    production: str
    moves: tuple[Move, ...]
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
            work.catalogue.place(to)
            if lot is not None and work.reader.lots([(item, code(lot, "lot"))]):
                raise AlreadyExists(f"lot of {item}", lot)  # before a number is taken
            made(work.trial())  # a refusal comes before a number is taken
            return made(work)

        def made(work: Work) -> Completed:
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
            drop_expired_quotes(work, run.items)
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
                (run.number, run.item, str(run.planned), _time(work, run.planned_start), _time(work, run.planned_end), work.state(run))
                for run in runs
            ]
            return "\n".join(aligned(("production", "item", "planned", "start", "end", "state"), rows))


def _time(work: Work, at: datetime | None) -> str:
    return f"{at.astimezone(time_zone(work.catalogue.zone)):%Y-%m-%d %H:%M}" if at else ""


def _planning(item: str, amount: Any, when_short: str, *, levels: bool = True) -> Callable[[Work], Planned]:
    def decide(work: Work) -> Planned:
        known = work.item(item)
        steps = known.positive(amount)
        formula = work.catalogue.formula(item)
        if formula is None:
            raise NoSource((item,))
        drop_expired_quotes(work, work.catalogue.reach(item))
        search = Search(Seen(work, work.catalogue.reach(item)), make=levels)
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
        lots = work.reader.lots([(link.item, link.ref) for link in reserved])
        if when_short == "refuse":
            _refuse_uncovered(work, run, reserved)
        line, moves, usable = line_of(name), [], work.catalogue.usable_places
        for link in reserved:
            _, need, _, item, code_, place, takes, _, _ = link
            lot = lots[item, code_]
            if lot.disposition != "released" or place not in usable or (lot.expires is not None and lot.expires < work.today):
                raise work.refuse_lot(item, code_, unusable(lot, work.today) or f"in {place}")
            work.guard(lot)
            moves.append(Move(item, code_, takes, place, line, f"{name}/{need}"))
            work.unlink(link)  # fulfilled: what lies on the run's own line is nobody else's
        work.post("start", name, moves)
        work.tell(ProductionStarted(work.at, name, run.item))
        return Started(name, tuple(moves), tuple(work.changes.events))

    return decide


def _refuse_uncovered(work: Work, run: ProductionOrder, reserved: Iterable[Allocation]) -> None:
    covered: dict[str, int] = {}
    for link in reserved:
        covered[link.line] = covered.get(link.line, 0) + link.covers
    short = [line for line in run.lines if covered.get(line.ref, 0) < line.requirement(run.steps)]
    if short:
        raise Short(tuple(shortage(line.item, line.scale, line.requirement(run.steps), covered.get(line.ref, 0)) for line in short))


@attrs.define
class _OnLine:
    """What of a lot lies on the run's line, and is not used yet."""

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
        self.displaced: tuple[Displaced, ...] = ()

    def decide(self, work: Work) -> Completed:
        run: ProductionOrder = work.paper(ProductionOrder, self.name)
        drop_expired_quotes(work, run.items)
        self.displaced = ()
        work.step(run, work.state(run), "complete")
        item = work.item(run.item)
        made, scrapped = (0 if one is None else _not_negative(item, one) for one in self.given)
        before = 0
        if any(entry.step == "report" for entry in work.reader.diary((self.name,))[self.name]):
            before = arrived(work, [run]).get((self.name, run.item), 0)
        lost = max(0, run.steps - before - made - scrapped)
        deviations = self._consume(work, run, made + scrapped, lost)
        lot = self._output(work, run, item, made, scrapped) if made + scrapped else None
        supply = (RUN, run.item, self.name)
        displaced_rows = self.displaced + hand_over(work, supply, "", lot, self.to, made, 0, f"{self.name} made less")
        for booking in work.reader.booked_for((self.name,))[self.name]:
            if booking.end > work.now:  # done sooner: the time is free again
                work.unbook(booking)
        work.tell(ProductionCompleted(work.at, self.name, run.item, lot.code if lot else "", item.quantity(made)))
        return Completed(
            self.name, run.item, lot, item.quantity(made), item.quantity(scrapped), item.quantity(lost),
            deviations, displaced_rows, tuple([event for part in work.everything() for event in part.events]),
        )  # fmt: skip

    # materials --------------------------------------------------------------------------------------------------------

    def _consume(self, work: Work, run: ProductionOrder, output: int, lost: int) -> dict[str, Deviation]:
        """Use what was given or planned, give the rest of the line back, and say where the two differ."""
        line = line_of(self.name)
        for link in work.reader.links((self.name,))[self.name]:
            work.unlink(link)  # what never came to the line is not needed any more
        on_line: dict[str, list[_OnLine]] = {}
        for row in work.reader.at_place(line):
            on_line.setdefault(row.lot.item, []).append(_OnLine(row.lot, row.on_hand))
        if self.used:
            _known_materials(run, self.used)
        moves: list[Move] = []
        deviations = {}
        spent: dict[str, int] = {}
        for need in run.lines:
            planned = need.requirement(output + (lost if need.follows == "charge" else 0))
            rows = on_line.get(need.item, ())
            if not self.used and len(rows) == 1 and rows[0].steps == planned:  # as planned, from one lot: what nearly always happens
                moves.append(Move(need.item, rows[0].lot.code, planned, line, PRODUCTION, f"{self.name}/{need.ref}"))
                rows[0].steps = 0
                continue
            came, left = _draw(need, self._wanted(work, run, need, planned, rows, spent), rows, line, f"{self.name}/{need.ref}")
            if left:
                work.post("use", self.name, moves + came)
                work.settle()  # so that what this run gave up, and what it has drawn, is seen
                moves, came = [], came + self._from_house(work, need, left, sum([move.steps for move in came]))
            else:
                moves += came
            used = sum([move.steps for move in came])
            if used != planned:
                quantity = work.item(need.item).quantity
                deviations[need.ref] = Deviation(need.item, quantity(planned), quantity(used))
        work.post("use", self.name, moves)
        self._give_back(work, [row for rows in on_line.values() for row in rows if row.steps], line)
        return deviations

    def _wanted(
        self, work: Work, run: ProductionOrder, need: Line, planned: int, rows: Sequence[_OnLine], spent: dict[str, int]
    ) -> int | Mapping[str, int]:
        """Steps to use, in all or per lot: given = that; empty = nothing; omitted = as planned, at most what is on the line.

        An item that several lines need is given once for all of them: each takes what was planned, the last the rest.
        """
        name = self._said_for(need)
        if name not in self.used:
            return min(planned, sum([row.steps for row in rows]))
        given, item = self.used[name], work.item(need.item)
        if isinstance(given, Mapping):
            first = name not in spent
            spent[name] = 0
            lots = given.items() if first else ()
            return {code(lot, "lot"): item.positive(amount, f"used[{name!r}][{lot!r}]") for lot, amount in lots}
        left = (_not_negative(item, given) if given else 0) - spent.get(name, 0)
        last = [one.ref for one in run.lines if self._said_for(one) == name][-1]
        steps = left if need.ref == last else min(planned, left)
        spent[name] = spent.get(name, 0) + steps
        return steps

    def _said_for(self, need: Line) -> str:
        """The name under which the use of this line may be given."""
        return need.ref if need.ref in self.used else need.item

    def _from_house(self, work: Work, need: Line, left: Mapping[str | None, int], drawn: int) -> list[Move]:
        """Use of what was not brought to the line. It happened: free lots first, then promises to others shrink in release order."""
        drop_expired_quotes(work, (need.item,))
        moves: list[Move] = []
        for lot, steps in left.items():
            rows, missing = _there(work, need, lot), steps
            for row in rows:
                took = min(row.free, missing)
                missing -= took
                moves += [Move(need.item, row.lot.code, took, row.place, PRODUCTION, f"{self.name}/{need.ref}")] if took else []
            if missing:
                moves += self._displace(work, need, rows, missing, steps + drawn)
        for name in dict.fromkeys(move.lot for move in moves):
            work.guard(work.lot(need.item, name))
        work.post("use", self.name, moves)
        return moves

    def _displace(self, work: Work, need: Line, rows: Sequence[Stocked], missing: int, steps: int) -> list[Move]:
        supplies = [(LOT, row.lot.item, row.lot.code) for row in rows]
        claims, places = work.reader.claims(supplies), {(row.lot.code, row.place) for row in rows}
        links = [link for supply in dict.fromkeys(supplies) for link in claims[supply] if (link.ref, link.place) in places]
        ranks = demand_ranks(work, links)
        losses = displaced(links, missing, lambda link: ranks[link.demand])
        short = missing - sum(loss.takes for loss in losses)
        if short:
            quantity = work.item(need.item).quantity
            offer = "count the lot up first, then use it"
            raise TooMuch(f"used of {need.item}", quantity(steps), quantity(steps - short), offer)
        self.displaced += lose(work, losses, f"used by {self.name}")
        ref = f"{self.name}/{need.ref}"
        return [Move(need.item, one.allocation.ref, one.takes, one.allocation.place, PRODUCTION, ref) for one in losses]

    def _give_back(self, work: Work, left: Sequence[_OnLine], line: str) -> None:
        """What stays on the line goes back to where it came from: to the last place first, never more than came from there."""
        if not left:
            return
        came: dict[tuple[str, str], dict[str, int]] = {}
        for posting in work.reader.postings(papers=[self.name]):
            for move in posting.moves:
                if move.target == line:
                    places = came.setdefault((move.item, move.lot), {})
                    places[move.source] = places.get(move.source, 0) + move.steps
        moves = []
        for row in left:
            steps = row.steps
            for place, most in reversed(came.get((row.lot.item, row.lot.code), {}).items()):
                back = min(steps, most)
                moves += [Move(row.lot.item, row.lot.code, back, line, place)] if back else []
                steps -= back
            moves += [Move(row.lot.item, row.lot.code, steps, line, STOCK)] if steps else []  # counted up on the line
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
    names = {name for line in run.lines for name in (line.ref, line.item)}
    for name in used:
        if name not in names:
            raise InvalidInput("used", name, "one of " + ", ".join(line.ref for line in run.lines))


def _draw(
    need: Line, wanted: int | Mapping[str, int], rows: Sequence[_OnLine], line: str, ref: str
) -> tuple[list[Move], Mapping[str | None, int]]:
    """Moves that use so much from the line, and per lot (None: any) what the line does not have."""
    if isinstance(wanted, int):
        moves, left = _off_line(need, rows, wanted, line, ref)
        return moves, {None: left} if left else {}
    used: list[Move] = []
    beyond: dict[str | None, int] = {}
    for name, steps in wanted.items():
        moves, left = _off_line(need, [row for row in rows if row.lot.code == name], steps, line, ref)
        used += moves
        if left:
            beyond[name] = left
    return used, beyond


def _off_line(need: Line, rows: Iterable[_OnLine], left: int, line: str, ref: str) -> tuple[list[Move], int]:
    moves = []
    for row in rows:
        took = min(row.steps, left)
        if took:
            moves.append(Move(need.item, row.lot.code, took, line, PRODUCTION, ref))
            row.steps -= took
            left -= took
    return moves, left


def _there(work: Work, need: Line, lot: str | None) -> list[Stocked]:
    """Where a material stands that may be used without having been on the line: usable lots, or the lot that was named."""
    if lot is not None:
        work.lot(need.item, lot)
        return [row for row in work.reader.standing([(need.item, lot)])[need.item, lot] if not row.place.startswith(LINE)]
    usable = work.catalogue.usable_places
    rows = [
        row for row in work.reader.stocked((need.item,))[need.item] if row.place in usable and unusable(row.lot, work.today) is None
    ]
    rule = work.item(need.item).pick
    return sorted(rows, key=ORDERS["age" if rule in ("fifo", "lifo") else "expiry"], reverse=rule == "lifo")
