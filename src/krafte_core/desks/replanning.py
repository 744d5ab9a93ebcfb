"""Runs before they begin: plan one, one for many orders, resize, split, merge, move; and cover again what a run lacks.

Whatever changes the size of a run keeps the links that still fit. What became too much goes in release order, what is missing now is
netted like the needs of an order, and the work is placed anew, not before the run was to begin.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

import attrs

from krafte_core.allocation import RESERVED, RUN, Allocation, displaced, rank, shrink, without
from krafte_core.availability import Shortage, shortages
from krafte_core.charging import follow
from krafte_core.coverage import NEVER, Cover, lacking
from krafte_core.desks.holding import going_on
from krafte_core.desks.lateness import Late, moved
from krafte_core.desks.needs import OrderNeeds, accept_quote, promised_date, reach_of
from krafte_core.desks.releasing import resize
from krafte_core.diary import allow, possible
from krafte_core.errors import InvalidInput, NotAllowed, Short
from krafte_core.events import Event, OrderConfirmed, ProductionChanged, ProductionRescheduled
from krafte_core.netting import Displaced, Writer, demand_ranks, drop_expired_quotes, lose, squeeze
from krafte_core.orders import CustomerOrder
from krafte_core.production import NOT_BEGUN, PRODUCTION_STEPS, ProductionOrder
from krafte_core.promise import unmade
from krafte_core.scheduling import Search
from krafte_core.times import epoch
from krafte_core.work import Seen, Work


@attrs.frozen
class Planned:
    """What `plan` did: the run, and the materials that are still missing."""

    production: ProductionOrder
    shortages: tuple[Shortage, ...]
    events: tuple[Event, ...]


@attrs.frozen
class Replanned:
    """What `change`, `split`, `merge`, `reschedule` or `cover` did.

    Attributes:
        productions: the runs as they are now, the one that was asked for first.
        shortages: materials that are still missing for them.
        displaced: who counted on output that does not come any more.
        late: the orders that will be there later than they were promised, because of this.
    """

    productions: tuple[ProductionOrder, ...]
    shortages: tuple[Shortage, ...]
    displaced: tuple[Displaced, ...]
    late: tuple[Late, ...]
    events: tuple[Event, ...]

    @property
    def production(self) -> ProductionOrder:
        """The run that was asked for."""
        return self.productions[0]


class RunNeeds(OrderNeeds):
    """What runs still lack, on all levels: like the needs of an order that has no lines of its own.

    Args:
        numbers: the runs, upper ones before those that they wait for.
        moved: runs that are placed anew, and the instant (epoch seconds) before which each is not to begin.
        net: whether what they lack is covered.
    """

    netted: Sequence[str] = (*NOT_BEGUN, "started")

    def __init__(self, work: Work, numbers: Sequence[str], moved: Mapping[str, float], *, net: bool = True) -> None:
        self.work = work
        self.links, self.lines = (), []
        self.runs, self.inputs, self.later = [], [], {}
        self.moved = moved
        self.netted = RunNeeds.netted if net else ()
        self._renew = net
        self._follow(numbers)
        self._own = len(self.runs), len(self.inputs)


def planning(
    item: str, amount: Any, when_short: str, *, levels: bool = True, at: str | None = None, recipe: str | None = None
) -> Callable[[Work], Planned]:
    """The decision behind `shop.production.plan`."""

    def decide(work: Work) -> Planned:
        known = work.item(item)
        steps = known.positive(amount)
        places = None if at is None else work.catalogue.within(work.catalogue.place(at).code)
        formula = work.catalogue.chosen(item, work.today, steps, recipe)
        reach = work.catalogue.reach(item)
        if formula.recipe.apart:
            reach = reach_of(work, [item, *(line.item for line in formula.lines)])
        drop_expired_quotes(work, reach)
        search = Search(Seen(work, reach), make=levels)
        batch = search.batch(formula, steps, at=at, places=places)
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


# resize, split, merge -------------------------------------------------------------------------------------------------


def changing(name: str, amount: Any, reason: str) -> Callable[[Work], Replanned]:
    """The decision behind `shop.production.change`."""

    def decide(work: Work) -> Replanned:
        run = _planned(work, name, "change")
        steps = work.item(run.item).positive(amount)
        resize(work, run, steps, reason)
        smaller, claims, lost = attrs.evolve(run, steps=steps), work.reader.claims(run.supplies), tuple[Displaced, ...]()
        for supply in run.supplies:
            too_much = sum(link.takes for link in claims[supply]) - smaller.brings(supply[1])
            lost += squeeze(work, claims[supply], too_much, reason or f"{name} is smaller now")
        return _again(work, [name], run, lost)

    return decide


def splitting(name: str, amounts: Any) -> Callable[[Work], Replanned]:
    """The decision behind `shop.production.split`."""
    given = [*amounts] if isinstance(amounts, list | tuple) else [amounts]

    def decide(work: Work) -> Replanned:
        run = _planned(work, name, "split")
        item = work.item(run.item)
        parts = [item.positive(amount, f"amounts[{n}]") for n, amount in enumerate(given)]
        if not parts or sum(parts) >= run.steps:
            raise InvalidInput("amounts", ", ".join(map(str, given)), f"less than {run.planned} in all, so that something is left")
        sizes = [run.steps - sum(parts), *parts]
        work.step(run, work.state(run), "split", details=(("into", ", ".join(str(item.quantity(steps)) for steps in sizes)),))
        runs = [_smaller(work, run, sizes[0]), *(_new_part(work, run, steps) for steps in parts)]
        links = work.reader.links((name,))[name]
        for line in run.lines:
            _deal([link for link in links if link.line == line.ref], [(one.number, line.requirement(one.steps)) for one in runs], work)
        lost = tuple([one for item in run.items for one in _hand_on(work, run, item, runs)])
        return _again(work, [one.number for one in runs], run, lost)

    return decide


def _new_part(work: Work, run: ProductionOrder, steps: int) -> ProductionOrder:
    item = work.item(run.item)
    part = attrs.evolve(
        run, number=work.number("PB"), steps=steps, planned=item.quantity(steps), planned_at=work.at, planned_end=None, version=1
    )
    work.file(part, new=True)
    work.step(part, "", "plan", details=(("from", run.number),))
    work.tell(ProductionChanged(work.at, part.number, part.item, part.planned))
    return part


def _deal(links: Iterable[Allocation], needs: Sequence[tuple[str, int]], work: Work) -> None:
    """Deal the links of a line out to the parts of its run, one after the other; the first part is the run itself."""
    queue = [*links]
    whole = {link[:6]: link for link in queue}
    for place, (number, need) in enumerate(needs):
        left = need
        while queue and left > 0:
            link = queue.pop(0)
            covers = min(left, link.covers)
            takes = link.takes if covers == link.covers else -(-covers * link.takes // link.covers)
            if takes < link.takes:
                queue.insert(0, link._replace(takes=link.takes - takes, covers=link.covers - covers))
            elif covers < link.covers:  # the last step of a strong lot is worth more than is left to cover
                work.unlink(whole[link[:6]], 0, link.covers - covers)
            left -= covers
            if place:
                work.unlink(whole[link[:6]], takes, covers)
                work.link(link._replace(demand=number, takes=takes, covers=covers))
    for link in queue:
        work.unlink(whole[link[:6]], link.takes, link.covers)


def _hand_on(work: Work, run: ProductionOrder, item: str, runs: Sequence[ProductionOrder]) -> tuple[Displaced, ...]:
    """Those who count on a run now count on its parts, the most urgent on the first; who loses what rounding leaves to nobody."""
    supply = (RUN, item, run.number)
    claims = work.reader.claims([supply])[supply]
    ranks = demand_ranks(work, claims)
    room = [(one.number, one.brings(item)) for one in runs]
    too_much = sum(link.takes for link in claims) - sum(steps for _, steps in room)
    losses = displaced(claims, too_much, lambda link: ranks[link.demand]) if too_much > 0 else []
    rest = {loss.allocation[:6]: without(loss.allocation, loss) for loss in losses}
    for link in sorted(claims, key=lambda link: (ranks[link.demand], link[:6])):
        left = rest.get(link[:6], link)
        while left is not None and left.takes > 0:
            number, free = room[0]
            took = min(free, left.takes)
            covers = left.covers if took == left.takes else shrink(left, took).covers
            if number != run.number and took:
                work.unlink(link, took, covers)
                work.link(link._replace(ref=number, takes=took, covers=covers))
                work.touch(link.demand)
            left = left._replace(takes=left.takes - took, covers=left.covers - covers)
            room[0] = (number, free - took)
            if free == took:
                room.pop(0)
    return lose(work, losses, f"{run.number} was split")


def merging(name: str, others: Sequence[str]) -> Callable[[Work], Replanned]:
    """The decision behind `shop.production.merge`."""

    def decide(work: Work) -> Replanned:
        run = _planned(work, name, "change")
        rest = [_planned(work, other, "merge") for other in dict.fromkeys(others)]
        for one in rest:
            if one.number == name or (one.item, one.at, one.lines, one.outputs) != (run.item, run.at, run.lines, run.outputs):
                raise InvalidInput("others", one.number, f"other planned runs of {run.item} by the same recipe and at the same place")
        if not rest:
            raise InvalidInput("others", others, "at least one other run")
        inputs = {link[:6]: link for link in work.reader.links((name,))[name]}
        known = {link[:6]: link for links in work.reader.claims(run.supplies).values() for link in links}
        for one in rest:
            work.step(one, work.state(one), "merge", details=(("into", name),))
            _free_time(work, one)
            for link in work.reader.links((one.number,))[one.number]:
                work.unlink(link)
                row = link._replace(demand=name)
                work.link(row, inputs.get(row[:6]))
            claims = work.reader.claims(one.supplies)
            for link in [link for supply in one.supplies for link in claims[supply]]:
                work.unlink(link)
                row = link._replace(ref=name)
                work.link(row, known.get(row[:6]))
                work.touch(link.demand)
        work.touch(name)
        work.settle()
        resize(work, run, sum(one.steps for one in (run, *rest)))
        return _again(work, [name], run, ())

    return decide


def _planned(work: Work, name: str, step: str) -> ProductionOrder:
    """The run, if it is planned and nothing more.

    Raises:
        NotAllowed: (`not_allowed`) with what is possible.
    """
    run: ProductionOrder = work.paper(ProductionOrder, name)
    allow(PRODUCTION_STEPS, name, work.state(run), step)
    drop_expired_quotes(work, (*work.catalogue.reach(run.item), *run.items))
    return run


def _smaller(work: Work, run: ProductionOrder, steps: int) -> ProductionOrder:
    """The run with what is left of it; its time is free until it is placed again, its links are dealt out by whoever splits it."""
    changed = attrs.evolve(run, steps=steps, planned=work.item(run.item).quantity(steps), version=run.version + 1)
    work.file(changed)
    _free_time(work, run)
    work.tell(ProductionChanged(work.at, run.number, run.item, changed.planned))
    return changed


def _free_time(work: Work, run: ProductionOrder) -> None:
    for booking in work.reader.booked_for((run.number,))[run.number]:
        work.unbook(booking)


def _again(work: Work, names: Sequence[str], before: ProductionOrder, displaced: tuple[Displaced, ...]) -> Replanned:
    """Net and place the runs again, in order, not before the one that they come from was to begin."""
    work.settle()
    start = float(epoch(before.planned_start) if before.planned_start else work.now)
    short = cover_again(work, names, dict.fromkeys(names, start))
    late = moved(work, [(RUN, item, name) for name in names for item in before.items])
    return _answer(work, names, short, displaced, late)


def _answer(
    work: Work, names: Sequence[str], short: tuple[Shortage, ...], displaced: tuple[Displaced, ...], late: tuple[Late, ...]
) -> Replanned:
    return Replanned(tuple([work.paper(ProductionOrder, name) for name in names]), short, displaced, late, work.told())


def cover_again(work: Work, names: Sequence[str], not_before: Mapping[str, float]) -> tuple[Shortage, ...]:
    """Net what these runs lack, and those behind them; those with an instant are placed again, not before it."""
    needs = RunNeeds(work, names[::-1], not_before)  # the last is placed first
    search = Search(Seen(work, reach_of(work, [run.item for run, *_ in needs.runs])))
    covers = needs.search(search)
    missing = lacking(covers) if search.lacks else {}
    short = shortages(missing, covers, work.catalogue.item) if missing else ()
    needs.write(Writer(work), covers)
    return short


def choose(work: Work, names: Sequence[str], firmness: str = RESERVED) -> None:
    """What depends on the lots that are there is chosen from those in stock now, as far as these runs lack it."""
    for again in (False, True):
        if again:
            for name in names:
                follow(work, work.paper(ProductionOrder, name))  # as much as the lots that are now taken ask for
        needs = RunNeeds(work, names, {})
        if needs.inputs:
            search = Search(Seen(work, reach_of(work, [run.item for run, *_ in needs.runs])), make=False, buy=False)
            needs.write(Writer(work, firmness), needs.search(search, follow=False))
            work.settle()


def covering_again(name: str, when_short: str) -> Callable[[Work], Replanned]:
    """The decision behind `shop.production.cover`."""

    def decide(work: Work) -> Replanned:
        run: ProductionOrder = work.paper(ProductionOrder, name)
        now = work.state(run)
        if now not in ("planned", "released", "started"):
            raise NotAllowed(name, now, "cover", possible(PRODUCTION_STEPS, now))
        drop_expired_quotes(work, work.catalogue.reach(run.item))
        short = cover_again(work, [name], {})
        if run.by_choice and now in NOT_BEGUN:
            work.settle()
            follow(work, run)  # as much as the lots that are now taken ask for
            short = cover_again(work, [name], {})
        if short and when_short == "refuse":
            raise Short(short)
        return _answer(work, [name], short, (), ())

    return decide


# moving ---------------------------------------------------------------------------------------------------------------


def rescheduling(name: str, start: datetime, reason: str) -> Callable[[Work], Replanned]:
    """The decision behind `shop.production.reschedule`."""

    def decide(work: Work) -> Replanned:
        run = _planned(work, name, "reschedule")
        if start < work.at:
            raise InvalidInput("start", str(start), f"an instant that is not before {work.at}")
        uppers = _uppers(work, run)
        work.step(run, work.state(run), "reschedule", reason=reason, details=(("start", start.isoformat()),))
        _free_time(work, run)
        work.settle()
        needs = RunNeeds(work, [*uppers, name], {name: float(epoch(start))}, net=False)
        search = Search(Seen(work, reach_of(work, [one.item for one, *_ in needs.runs])))
        needs.write(Writer(work), needs.search(search, follow=False))
        work.settle()
        run = work.paper(ProductionOrder, name)
        work.tell(ProductionRescheduled(work.at, name, run.item, run.planned_start, run.planned_end))
        return _answer(work, [name], (), (), moved(work, run.supplies))

    return decide


def _uppers(work: Work, run: ProductionOrder) -> list[str]:
    """The runs that wait for this one, over all levels, each before those that it waits for."""
    found: dict[str, None] = {}
    frontier = [*run.supplies]
    while frontier:
        claims = work.reader.claims(frontier)
        rows = work.reader.papers({link.demand: None for supply in frontier for link in claims[supply]})
        runs = [row.paper for row in rows.values() if isinstance(row.paper, ProductionOrder)]
        for one in runs:
            found.pop(one.number, None)
            found[one.number] = None
        frontier = [supply for one in runs for supply in one.supplies]
    return [*reversed(found)]


# one run for many orders ----------------------------------------------------------------------------------------------


def planning_for(names: Sequence[str], item: str | None, when_short: str) -> Callable[[Work], ProductionOrder]:
    """The decision behind `shop.production.plan_for`."""

    def decide(work: Work) -> ProductionOrder:
        orders = _orders(work, names)
        reach = reach_of(work, [code for order in orders for code in order.items])
        search = Search(Seen(work, reach))
        search.freely = False
        everything: list[OrderNeeds] = []
        for order in orders:
            needs = OrderNeeds(work, order, renew=True)
            needs.leave_out(frozenset(run.number for other in everything for run, *_ in other.runs))
            everything.append(needs)
        found = _together(work, search, everything)
        rows = [
            (needs, needs.search(search, follow=needs is everything[-1], found=covers))
            for needs, covers in zip(everything, found, strict=True)
        ]
        covers = [cover for _, one in rows for cover in one]
        missing = lacking(covers) if search.lacks else {}
        short = shortages(missing, covers, work.catalogue.item) if missing else ()
        if short and when_short == "refuse":
            raise Short(short)
        batch = _the_batch(work, search, found, item)
        writer = Writer(work)
        for needs, one in rows:
            promised = promised_date(work, needs, search, one)
            needs.write(writer, one)
            details = (("promised", promised.isoformat()),) if promised else ()
            work.step(needs.order, needs.state, "confirm", details=details)
            work.tell(OrderConfirmed(work.at, needs.order.number, needs.order.customer, promised))
        return writer.runs[id(batch)]

    return decide


def _orders(work: Work, names: Sequence[str]) -> list[CustomerOrder]:
    """The orders, the most urgent first, their quotes accepted."""
    orders: list[CustomerOrder] = [work.paper(CustomerOrder, name) for name in dict.fromkeys(names)]
    if not orders:
        raise InvalidInput("orders", names, "at least one order")
    drop_expired_quotes(work, reach_of(work, [code for order in orders for code in order.items]))
    for order in orders:
        going_on(work, order, "confirm")
        accept_quote(work, order)
    return sorted(orders, key=lambda one: rank(one.priority, one.requested, one.placed_at, one.number))


def _together(work: Work, search: Search, everything: Sequence[OrderNeeds]) -> list[list[Cover]]:
    """The covers of every order's lines: stock to the most urgent first, then what is on its way or made, for all in one."""
    usable = work.catalogue.usable_places
    found: list[list[Cover]] = []
    open_: dict[str, list[tuple[Cover, date]]] = {}
    for needs in everything:
        rows = [search.cover(line.item, steps, needs.on, places=usable) for line, steps in needs.lines]
        found.append(rows)
        for cover in rows:
            if cover.missing:
                open_.setdefault(cover.item, []).append((cover, needs.on))
    for code, covers in open_.items():
        whole = search.cover(code, sum(cover.missing for cover, _ in covers), max(on for _, on in covers))
        _share(whole, [cover for cover, _ in covers], search.now)
    return found


def _share(whole: Cover, covers: Sequence[Cover], now: int) -> None:
    """What was found for all goes to the most urgent first; what nobody can bring is missing for the last."""
    coming = [(row, steps, row.at) for row, steps in whole.expected]
    made = [(batch, steps, batch.end) for batch, steps in whole.made]
    for cover in covers:
        left, cover.missing, cover.ready = cover.missing, 0, float(now)
        cover.expected, left = _dealt(coming, left, cover)
        cover.made, left = _dealt(made, left, cover)
        if left and whole.bought is not None:
            cover.bought = attrs.evolve(whole.bought, needed=left)
            cover.ready = max(cover.ready, whole.bought.at)
        elif left:
            cover.missing, cover.ready = left, NEVER


def _dealt(supplies: list[tuple[Any, int, float]], left: int, cover: Cover) -> tuple[list[tuple[Any, int]], int]:
    """So much from the first of the supplies, and what they do not bring."""
    taken = []
    while left and supplies:
        source, steps, at = supplies.pop(0)
        took = min(left, steps)
        if took < steps:
            supplies.insert(0, (source, steps - took, at))
        taken.append((source, took))
        cover.ready = max(cover.ready, at)
        left -= took
    return taken, left


def _the_batch(work: Work, search: Search, found: Sequence[Sequence[Cover]], item: str | None) -> Any:
    """The one new batch of the item, for everybody.

    Raises:
        InvalidInput: (`invalid_input`) nothing is to be made, or several items are, or it does not fit into one batch.
    """
    batches: dict[str, dict[int, Any]] = {}
    for covers in found:
        for cover in covers:
            for batch, _ in cover.made:
                batches.setdefault(cover.item, {})[id(batch)] = batch
    if item is not None:
        work.item(item)
    wanted = [code for code in batches if item in (None, code)]
    if not wanted:
        lacks = "; ".join([unmade(search.situation, *row) for row in lacking([cover for covers in found for cover in covers]).items()])
        raise InvalidInput(
            "item", item, f"something that can be made for these orders; {lacks or 'what they need is covered: confirm them'}"
        )
    if len(wanted) > 1:
        raise InvalidInput("item", item, f"one of {', '.join(wanted)}: the run that is asked for; the others are planned with it")
    made = [*batches[wanted[0]].values()]
    if len(made) > 1:
        known = work.item(wanted[0])
        total, most = known.quantity(sum(one.steps for one in made)), known.quantity(max(one.steps for one in made))
        raise InvalidInput(
            "orders", f"{total} of {known.code}", f"orders that fit into one batch of {most}; confirm them one by one instead"
        )
    return made[0]
