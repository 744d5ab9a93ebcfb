"""What of an order is open on all levels, and what a search over it answers: the thinking behind `check`, `promise` and `confirm`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import copy
from datetime import date, datetime

import attrs

from krafte_core.allocation import LOT, QUOTED, RESERVED, RUN, Allocation, Incoming
from krafte_core.availability import Tally
from krafte_core.charges import Asking
from krafte_core.charging import Charge, formula_of
from krafte_core.coverage import NEVER, Batch, Cover
from krafte_core.justintime import latest
from krafte_core.netting import OpenNeed, Writer, linked_runs, open_inputs, open_needs
from krafte_core.orders import CustomerOrder, OrderNeed, Quote
from krafte_core.production import NOT_BEGUN, ProductionOrder
from krafte_core.promise import RELAXABLE, Promise, Step, promised
from krafte_core.scheduling import Search
from krafte_core.sequencing import resequence
from krafte_core.supplying import EVERY_DAY
from krafte_core.times import end_of_day
from krafte_core.work import Seen, Work, arrival_day


class OrderNeeds:
    """What of an order is open, on all levels: its lines, and the inputs of the runs that it already has."""

    netted: Sequence[str] = NOT_BEGUN
    """The states of runs whose inputs are netted again."""
    moved: Mapping[str, float] = {}
    """Runs that are placed anew, and the instant before which each is not to begin."""
    elsewhere: frozenset[str] = frozenset()
    """Runs that somebody else takes care of in the same search."""

    def __init__(self, work: Work, order: CustomerOrder, *, renew: bool = False) -> None:
        self.work = work
        self.order = order
        arrives = arrival_day(work, order.shipping)
        self.on = arrives if order.requested is None else max(arrives, order.requested)  # until then a lot must be good
        self.state = work.state(order)
        fresh = self.state == "placed"
        self.links: Sequence[Allocation] = work.reader.links((order.number,))[order.number]
        if renew:
            self.links = _without_expired(work, self.links, self.on)
        self.lines = [(need, max(0, steps)) for need, steps in open_needs(work, order, self.links, fresh=fresh)]
        self._renew = renew
        self.runs: list[tuple[ProductionOrder, str, Sequence[Allocation]]] = []
        self.inputs: list[OpenNeed] = []
        if self.links:
            self._follow([link.ref for link in self.links if link.source == RUN])
        self._own = len(self.runs), len(self.inputs)
        self.later: dict[str, Batch] = {}
        """Runs that have not begun and whose materials come later than they were planned for: as they can be made now."""

    def leave_out(self, numbers: frozenset[str]) -> None:
        """Runs that somebody else takes care of in the same search are not netted here."""
        self.elsewhere = numbers
        self.runs = [row for row in self.runs if row[0].number not in numbers]
        self.inputs = [need for need in self.inputs if need.demand not in numbers]
        self._own = len(self.runs), len(self.inputs)

    def _follow(self, numbers: Sequence[str]) -> None:
        """Take up runs, and those behind them, with what they still need."""
        seen = {run.number for run, *_ in self.runs} | self.elsewhere
        for run, state, links in linked_runs(self.work, [number for number in numbers if number not in seen]):
            if run.number not in seen:
                renewed = _renewed(self.work, state, links) if self._renew else links
                self.runs.append((run, state, renewed))
                self.inputs += open_inputs(self.work, run, renewed, begun=state not in NOT_BEGUN) if state in self.netted else ()

    def search(self, search: Search, *, follow: bool = True, found: list[Cover] | None = None) -> list[Cover]:
        """The covers of the lines, then those of the runs' inputs; also of runs that the search counts on, unless told not to.

        `found` are the covers of the lines, where somebody has searched for them already.
        """
        if found is not None:
            covers = found
        elif self.work.catalogue.brought:
            covers = self._products_first(search, self.work.catalogue.brought)
        else:
            covers = [search.cover(line.item, steps, self.on) for line, steps in self.lines]
        if search.queued and found is None and not self.runs:
            resequence(search, covers)
        del self.runs[self._own[0] :], self.inputs[self._own[1] :]
        if not self.runs and not (follow and search.counts_on()):
            return covers
        inputs: list[Cover] = []
        while True:
            only = {(run.number, line.ref) for run, *_ in self.runs for line in run.lines if line.from_stock}
            away = {run.number: run.at for run, *_ in self.runs if run.at is not None}
            chosen = self._by_choice(search, self.inputs[len(inputs) :]) if any(run.by_choice for run, *_ in self.runs) else {}
            inputs += [
                chosen[need[:2]]
                if need[:2] in chosen
                else search.cover(need.item, need.steps, places=self.work.catalogue.within(away[need.demand]))
                if need.demand in away
                else _from_stock(search, need)
                if need[:2] in only
                else search.cover(need.item, need.steps)
                for need in self.inputs[len(inputs) :]
            ]
            known = len(self.runs)
            self._follow(search.counts_on() if follow else ())
            if len(self.runs) == known:
                break
        if not self.runs:
            return covers
        self.later = {}
        for run, state, links in reversed(self.runs):
            if state in NOT_BEGUN:
                self._place_again(search, run, links, inputs)
        return covers + inputs

    def _by_choice(self, search: Search, needs: Sequence[OpenNeed]) -> dict[tuple[str, str], Cover]:
        """The covers of what runs still need whose lines depend on the lots that are there: of each run all in one."""
        found: dict[tuple[str, str], Cover] = {}
        for run, _, links in self.runs:
            own = [(need.line, need.steps) for need in needs if need.demand == run.number] if run.by_choice else []
            if own:
                charge = Charge(self.work, run, links)
                places = None if run.at is None else self.work.catalogue.within(run.at)
                covers = charge.covers(search, own, Asking(search.today, places=places, had=charge.had()))
                found |= {(run.number, ref): cover for (ref, _), cover in zip(own, covers, strict=True)}
        return found

    def _products_first(self, search: Search, brought: frozenset[str]) -> list[Cover]:
        """The covers of the lines; what other products bring besides is looked for when those are planned."""
        order = sorted(range(len(self.lines)), key=lambda n: self.lines[n][0].item in brought)
        covers = {n: search.cover(self.lines[n][0].item, self.lines[n][1], self.on) for n in order}
        return [covers[n] for n in range(len(self.lines))]

    def _place_again(self, search: Search, run: ProductionOrder, links: Sequence[Allocation], inputs: Sequence[Cover]) -> None:
        lines = {line.ref: line for line in run.lines}
        parts = [(lines[need.line], cover) for need, cover in zip(self.inputs, inputs, strict=True) if need.demand == run.number]
        anew = self.moved.get(run.number)
        if anew is None and not parts and run.planned_end is not None and all(link.source == LOT for link in links):
            return
        parts += [(lines[link.line], self.behind(search, link)) for link in links if link.source != LOT]
        ready = max([cover.ready for _, cover in parts], default=search.now)
        if anew is not None or run.planned_start is None or ready > run.planned_start.timestamp():
            batch = Batch(formula_of(self.work, run), run.steps, 0, parts, ready=max(ready, anew or ready), at=run.at)
            ready = batch.ready
            if ready < NEVER:
                search.place(batch)
            self.later[run.number] = batch

    def behind(self, search: Search, link: Allocation) -> Cover:
        """What a link to a run or a purchase waits for, and until when."""
        batch = self.later.get(link.ref)
        if batch is not None:
            return Cover(link.item, 0, batch.end, made=[(batch, 0)])
        rows = [row for row in search.situation.incoming(link.item) if (row.source, row.ref, row.line) == link[2:3] + link[4:6]]
        rows += [_proposed(run, link.item) for run, state, _ in self.runs if run.number == link.ref and state == "proposed"]
        return Cover(link.item, 0, max([row.at for row in rows] + [search.now]), expected=[(row, 0) for row in rows])

    def write(self, writer: Writer, covers: Sequence[Cover]) -> None:
        """Turn the covers into links."""
        count = len(self.lines)
        for (line, _), cover in zip(self.lines, covers[:count], strict=True):
            writer.write(cover, self.order.number, line.ref, self.links)
        for need, cover in zip(self.inputs, covers[count:], strict=True):
            links = next(links for run, _, links in self.runs if run.number == need.demand)
            writer.write(cover, need.demand, need.line, links)
            self.work.touch(need.demand)  # two orders may share the run: who links second must read again
        for run, *_ in self.runs:
            if run.number in self.later:
                writer.move(run, self.later[run.number])

    def covered(self, tally: Tally) -> None:
        """What the order needs in all, and what of it is linked already."""
        for line, steps in self.lines:
            if not self.links:
                tally.add(line.item, required=steps)
                continue
            linked = [link for link in self.links if link.line == line.ref]
            tally.add(line.item, required=steps + sum(link.covers for link in linked))
            _linked(tally, line.item, linked)
        for run, state, links in self.runs:
            if state in NOT_BEGUN:
                for need in run.needs:
                    tally.add(need.item, required=need.steps)
                    _linked(tally, need.item, [link for link in links if link.line == need.line])


def _linked(tally: Tally, item: str, links: Iterable[Allocation]) -> None:
    for link in links:
        kind = {LOT: "stock", RUN: "made"}.get(link.source, "incoming")
        tally.add(item, **{kind: link.covers})


def _without_expired(work: Work, links: Sequence[Allocation], on: date) -> Sequence[Allocation]:
    """Links to lots that will not be good on the day cover nothing any more: they are dropped, and the need is netted again."""
    lots = work.reader.lots((link.item, link.ref) for link in links if link.source == LOT)
    gone = [link for link in links if link.source == LOT and (lots[link.item, link.ref].expires or date.max) < on]
    for link in gone:
        work.unlink(link)
    return [link for link in links if link not in gone]


def _renewed(work: Work, state: str, links: Sequence[Allocation]) -> Sequence[Allocation]:
    return _without_expired(work, links, work.today) if state in NOT_BEGUN else links


def _from_stock(search: Search, need: OpenNeed) -> Cover:
    """The cover of a line that is never made for: what other runs bring might wait for this very run."""
    cover = search.cover(need.item, need.steps, make=False)
    runs = [row for row in cover.expected if row[0].source == RUN]
    if runs:
        cover.expected = [row for row in cover.expected if row[0].source != RUN]
        cover.missing += sum(steps for _, steps in runs)
        cover.ready, search.lacks = NEVER, True
    return cover


class Kept:
    """The last plan of an order that nothing was linked to yet.

    Whoever checks, promises and confirms an order in one go asks the same question of the same books: the second answer is the first
    one, as long as nothing was written since and it is still the same second.
    """

    def __init__(self) -> None:
        """None yet."""
        self._last: tuple[object, OrderNeeds, Search, list[Cover]] | None = None

    def plan(
        self, work: Work, order: CustomerOrder, reach: Sequence[str], *, make: bool = True, renew: bool = False
    ) -> tuple[OrderNeeds, Search, list[Cover]]:
        """What is open of the order, and how it would be covered: what `check` tells, `promise` dates and `confirm` writes down."""
        revision = work.reader.revision()
        now = (revision, work.now, order.number, make)
        last = self._last
        if revision is not None and last is not None and last[0] == now:
            twin = copy(last[1])  # another thread may be at work with the same needs
            twin.work = work
            return twin, *last[2:]
        needs = OrderNeeds(work, order, renew=renew)
        search = Search(Seen(work, reach, customer=order.customer), make=make)
        covers = needs.search(search)
        if revision is not None and not needs.links:
            self._last = (now, needs, search, covers)
        return needs, search, covers


def reach_of(work: Work, items: Sequence[str]) -> tuple[str, ...]:
    """The items and everything that their making may need, each once."""
    reach = work.catalogue.reach
    if len(items) == 1:
        return reach(items[0])
    return tuple(dict.fromkeys([code for item in dict.fromkeys(items) for code in reach(item)]))


def arrival_of(work: Work, order: CustomerOrder, search: Search) -> Callable[[float], float]:
    """When what leaves at an instant reaches the customer."""
    method = work.catalogue.method(order.shipping)
    return (lambda at: search.after(at, method.transit, method.calendar)) if method else (lambda at: at)


def promise_for(work: Work, needs: OrderNeeds, relaxing: frozenset[tuple[str, str]], *, back: bool = False) -> Promise:
    """A search over the open needs, and the promise behind it; `back` looks how late everything may begin, too."""
    search = Search(Seen(work, reach_of(work, needs.order.items), customer=needs.order.customer), relaxing=relaxing)
    return promised_for(work, needs, search, needs.search(search), back=back)


def promised_date(work: Work, needs: OrderNeeds, search: Search, covers: Sequence[Cover]) -> date | None:
    """Only the day of the promise behind the covers; None where nobody can tell."""
    ready = max([cover.ready for _, cover in _whole(needs, search, covers)], default=work.now)
    return None if ready == NEVER else work.day(arrival_of(work, needs.order, search)(ready))


def _whole(needs: OrderNeeds, search: Search, covers: Sequence[Cover]) -> list[tuple[OrderNeed, Cover]]:
    """What each line waits for: its cover, and the runs and purchases that it has already."""
    rows: list[tuple[OrderNeed, Cover]] = []
    for (line, _), cover in zip(needs.lines, covers, strict=False):
        if not needs.links:
            rows.append((line, cover))
            continue
        behind = [needs.behind(search, link) for link in needs.links if link.line == line.ref and link.source != LOT]
        if behind:
            cover = attrs.evolve(  # noqa: PLW2901
                cover,
                ready=max(cover.ready, *[one.ready for one in behind]),
                expected=[*cover.expected, *(row for one in behind for row in one.expected)],
                made=[*cover.made, *(row for one in behind for row in one.made)],
            )
        rows.append((line, cover))
    return rows


def _by(work: Work, order: CustomerOrder, search: Search, ready: float) -> float:
    """By when it must be ready: so that it is there on the requested day, if that can be met, else when it is."""
    if order.requested is None:
        return ready
    method = work.catalogue.method(order.shipping)
    end = end_of_day(order.requested, work.catalogue.zone).timestamp() - 1  # midnight is the next day
    if method is not None and method.transit.kind == "working days":
        end = search.situation.timeline(method.calendar or EVERY_DAY).subtract_days(int(end), method.transit.days)
    elif method is not None:
        end -= method.transit.seconds
    return max(ready, end)


def promised_for(work: Work, needs: OrderNeeds, search: Search, covers: Sequence[Cover], *, back: bool = False) -> Promise:
    """The promise behind the covers; runs that exist already count with their planned end, or with their missing inputs."""
    rows = [(line.ref, cover) for line, cover in _whole(needs, search, covers)]
    order = needs.order
    arrival = arrival_of(work, order, search)
    ready = max([cover.ready for _, cover in rows], default=work.now)
    found = latest(search, [cover for _, cover in rows], _by(work, order, search, ready)) if back and ready < NEVER else None
    return promised(
        search.situation,
        order.number,
        rows,
        arrival=arrival,
        method=order.shipping,
        requested=order.requested,
        proven=search.proven,
        zone=work.catalogue.zone,
        latest=found,
    )


def _proposed(run: ProductionOrder, item: str) -> Incoming:
    at = NEVER if run.planned_end is None else run.planned_end.timestamp()
    return Incoming(RUN, item, run.number, "", run.brings(item), 0, at)


def with_binding(work: Work, needs: OrderNeeds, found: Promise) -> Promise:
    """With the purchase or queue on the chain that gains most when it is thought away; process time is never binding."""
    best: tuple[datetime, Step] | None = None
    for step in found.critical_path:
        if step.kind in RELAXABLE:
            sooner = promise_for(work, needs, frozenset([(step.kind, step.name)])).arrival
            if sooner is not None and found.arrival is not None and sooner < found.arrival and (best is None or sooner < best[0]):
                best = (sooner, step)
    return attrs.evolve(found, binding=best[1], relaxed=best[0]) if best else found


def open_quote(work: Work, order: CustomerOrder) -> Quote | None:
    """The order's open quote, if it has one."""
    rows = work.reader.open_papers("quote", order.items)
    for found in rows.values():
        for row in found:
            if row.paper.order == order.number:
                work.known([row])
                quote: Quote = row.paper
                return quote
    return None


def accept_quote(work: Work, order: CustomerOrder) -> None:
    """Turn what a quote holds into links and planned runs, as a decision before the confirmation's own."""
    quote = open_quote(work, order)
    if quote is None:
        return
    links = work.reader.links((order.number,))[order.number]
    runs = [row for row in linked_runs(work, [link.ref for link in links if link.source == RUN]) if row[1] == "proposed"]
    for run, now, own in runs:
        work.step(run, now, "plan")
        _harden(work, own)
    _harden(work, links)
    work.step(quote, "open", "accept")
    work.touch(order.number)
    work.settle()


def _harden(work: Work, links: Iterable[Allocation]) -> None:
    for link in links:
        if link.firmness == QUOTED:
            work.changes.allocations[link[:6]] = link._replace(firmness=RESERVED)
