"""The production desk: plan a run, start it, complete it, and tell which orders it is for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

import attrs

from krafte_core.allocation import LOT, RUN, Allocation, displaced
from krafte_core.availability import Shortage, aligned, shortage, shortages
from krafte_core.desks.completion import Completed, Completion, Used
from krafte_core.errors import AlreadyExists, InvalidInput, NoSource, Short, told
from krafte_core.events import Event, ProductionCancelled, ProductionStarted
from krafte_core.items import code, note, one_of
from krafte_core.netting import Displaced, Writer, demand_ranks, drop_expired_quotes, lose, release_runs
from krafte_core.office import Office
from krafte_core.orders import CustomerOrder
from krafte_core.production import ProductionOrder
from krafte_core.scheduling import Cover, Search, lacking
from krafte_core.stock import STOCK, Move, line_of, unusable
from krafte_core.times import day, time_zone
from krafte_core.work import Seen, Work, number_of

_new = tuple.__new__  # half the cost of a NamedTuple's own constructor, in loops that run for every lot


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
        return self._office.run(decide, key=key, content=("plan", item, told(amount), when_short), by=by)

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
        content = ("complete", name, told(made), told(scrapped), _asked(used), lot, expires, to)
        done = Completion(name, made, scrapped, used or {}, lot, None if expires is None else day(expires), to)
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
        content = ("make", item, told(amount), _asked(used), lot, expires, to)
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
            return Completion(plan.production.number, amount, None, used or {}, lot, until, to).decide(work)

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
            release_runs(work, [run], "cancel", reason)
            supply = (RUN, run.item, name)
            links = work.reader.claims([supply])[supply]
            work.tell(ProductionCancelled(work.at, name, run.item))
            ranks = demand_ranks(work, links)
            everything = sum(link.takes for link in links)
            return lose(work, displaced(links, everything, lambda link: ranks[link.demand]), reason or "production cancelled")

        return self._office.run(decide, key=key, content=("cancel", name, note(reason, "reason")), by=by)

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


def _asked(used: Any) -> object:
    """What was really used, as the key remembers it."""
    if used is None:
        return None
    if not isinstance(used, Mapping):
        raise InvalidInput("used", used, "an amount, or amounts per lot, for every item")
    return tuple(
        (told(name), tuple((told(lot), told(one)) for lot, one in given.items()) if isinstance(given, Mapping) else told(given))
        for name, given in used.items()
    )


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
            moves.append(_new(Move, (item, code_, takes, place, line, f"{name}/{need}")))
        work.fulfil(reserved)  # what lies on the run's own line is nobody else's
        work.post("start", name, moves)
        work.tell(ProductionStarted(work.at, name, run.item))
        return Started(name, tuple(moves), tuple(work.changes.events))

    return decide


def _refuse_uncovered(work: Work, run: ProductionOrder, reserved: Iterable[Allocation]) -> None:
    covered: dict[str, int] = {}
    for link in reserved:
        covered[link.line] = covered.get(link.line, 0) + link.covers
    steps = run.steps
    short = [line for line in run.lines if covered.get(line.ref, 0) < line.requirement(steps)]
    if short:
        raise Short(tuple(shortage(line.item, line.scale, line.requirement(steps), covered.get(line.ref, 0)) for line in short))
