"""The working set of one command: what it reads, and the changes that it collects.

A decision is a function of a `Work`. It reads through `work.reader` and the catalogue, and says what is to change; nothing is stored
before the whole is handed to the store. Decided again over the same reader, with the same `now` and numbers, it says the same.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

import attrs

from krafte_core.allocation import LOT, PURCHASE, RUN, Allocation, Incoming
from krafte_core.books import Books
from krafte_core.calendars import Calendar
from krafte_core.catalogue import Catalogue
from krafte_core.coverage import NEVER, Booking
from krafte_core.diary import Entry, Steps, allow, lot_document, state
from krafte_core.errors import LotNotUsable, Unknown
from krafte_core.events import Event
from krafte_core.ids import number
from krafte_core.items import Item
from krafte_core.ledger import REVERSE
from krafte_core.orders import ORDER_STEPS, QUOTE_STEPS, CustomerOrder, Quote
from krafte_core.production import COMING, ENDED, PRODUCTION_STEPS, ProductionOrder
from krafte_core.purchasing import PURCHASE_STEPS, PurchaseOrder
from krafte_core.recipes import Coming, Formula
from krafte_core.resources import Offer, Supplier, WorkCenter
from krafte_core.scheduling import Search
from krafte_core.shipping import SHIPMENT_STEPS, Shipment
from krafte_core.stock import OUTSIDE, PRODUCTION, SUPPLIER, Lot, Move, Posting, Stocked
from krafte_core.store import Changes, Filed, LotKey, Paper, Reader
from krafte_core.straight import straight
from krafte_core.supplying import inspected
from krafte_core.timelines import Timeline
from krafte_core.times import epoch, local_date, moment

_new, _changes = tuple.__new__, straight(Changes)
_UNTOUCHED = (0, 0)
STEPS: Mapping[type, Steps] = {
    CustomerOrder: ORDER_STEPS,
    Quote: QUOTE_STEPS,
    ProductionOrder: PRODUCTION_STEPS,
    PurchaseOrder: PURCHASE_STEPS,
    Shipment: SHIPMENT_STEPS,
}
NAMES = {
    CustomerOrder: "order",
    Quote: "quote",
    ProductionOrder: "production order",
    PurchaseOrder: "purchase order",
    Shipment: "shipment",
}
CLOSING: Mapping[type, frozenset[str]] = {
    CustomerOrder: frozenset({"cancelled", "closed", "merged"}),
    Quote: frozenset({"accepted", "withdrawn", "expired"}),
    ProductionOrder: frozenset(ENDED),
    PurchaseOrder: frozenset({"closed", "cancelled"}),
    Shipment: frozenset(),
}


_FIRST_STEP = {"waiting": "wait", "held": "hold", "rejected": "reject"}


def number_of(paper: Any) -> str:
    """A paper given as argument means its number; so does its text.

    >>> number_of("CO-2026-11-001")
    'CO-2026-11-001'
    """
    if type(paper) is str:
        return paper
    found = getattr(paper, "number", paper)
    if not isinstance(found, str):
        raise Unknown("paper", paper)
    return found


def center_stamp(work_center: str) -> str:
    """Under which name a work center's bookings are guarded.

    >>> center_stamp("kettle")
    'work center kettle'
    """
    return f"work center {work_center}"


class Now(NamedTuple):
    """The one instant of a command: in UTC, in epoch seconds, as a local day, and the period of its document numbers."""

    at: datetime
    epoch: int
    today: date
    period: str


class Owners:
    """Suppliers, and one customer."""

    __slots__ = ("customer", "suppliers")

    def __init__(self, suppliers: Container[str], customer: str) -> None:
        """These."""
        self.suppliers = suppliers
        self.customer = customer

    def __contains__(self, owner: object) -> bool:
        """Whether it is one of them."""
        return owner == self.customer or owner in self.suppliers


class Work:
    """One command at work. `numbers` gives document counters, asked only after the last refusal."""

    back_limit: timedelta | None = None
    """How far back the host lets entries be dated; None: as far as the books are open."""

    def __init__(self, reader: Reader, catalogue: Catalogue, now: Now, numbers: Callable[[str], int], by: str = "") -> None:
        """Nothing read, nothing changed."""
        self.reader = self._first = reader
        self.catalogue = catalogue
        self.at, self.now, self.today, self.period = now
        self.happened = self.at
        self.by = by
        self.changes = _changes()
        self._numbers = numbers
        self._filed: dict[str, Filed] = {}
        self.earlier: list[Changes] = []

    # reading ----------------------------------------------------------------------------------------------------------

    def trial(self) -> Work:
        """The same command for a try that is thrown away: its numbers are drafts."""
        now = Now(self.at, self.now, self.today, "draft")
        twin = Work(self.reader, self.catalogue, now, _drafts(), self.by)
        twin.happened = self.happened
        return twin

    def before(self) -> Work:
        """The same command over the books as it found them, to compare with; nothing of it is stored."""
        return Work(self._first, self.catalogue, Now(self.at, self.now, self.today, "draft"), _drafts(), self.by)

    def settle(self) -> None:
        """End one decision and begin the next in the same command: what was changed is now what is read."""
        sheet = Books(self.reader)
        sheet.apply(self.changes)
        self.reader = sheet
        self.earlier.append(self.changes)
        self.changes = _changes()
        self._filed = {}

    def everything(self) -> Sequence[Changes]:
        """The changes of every decision of the command, in order."""
        return [*self.earlier, self.changes]

    def told(self) -> tuple[Event, ...]:
        """The events of the whole command so far."""
        own = self.changes.events
        return tuple([*[event for part in self.earlier for event in part.events], *own] if self.earlier else own)

    def paper(self, kind: type[Any], paper: Any) -> Any:
        """The paper as it is now.

        Raises:
            Unknown: (`unknown`) no paper of this kind has the number.
        """
        name = paper if type(paper) is str else number_of(paper)
        filed = self._filed.get(name)
        if filed is None:
            filed = self.reader.papers((name,)).get(name)
            if filed is None or type(filed.paper) is not kind:
                raise Unknown(NAMES[kind], name)
            self._filed[name] = filed
        changed = self.changes.papers
        return changed.get(name, filed.paper) if changed else filed.paper

    def known(self, rows: Iterable[Filed]) -> None:
        """Papers that were read in another way; their stamps guard them."""
        for row in rows:
            self._filed.setdefault(row.paper.number, row)

    def state(self, paper: Paper, entries: Sequence[Entry] | None = None) -> str:
        """The state of a paper: what its diary adds up to, this command's entries included; `entries` where it is read already."""
        name, table = paper.number, STEPS[type(paper)]
        now = state(table, self.reader.diary((name,))[name] if entries is None else entries)
        written = self.changes.diary
        if written:
            now = state(table, [entry for entry in written if entry.document == name], now)
        return now

    def item(self, code: str) -> Item:
        """The item of this code; `unknown` with near names where there is none."""
        return self.catalogue.item(code)

    def day(self, at: float) -> date:
        """The local day of an instant (epoch seconds)."""
        return self.today if at == self.now else local_date(moment(int(at)), self.catalogue.zone)

    @property
    def day_then(self) -> date:
        """The local day of what the command says happened."""
        return self.today if self.happened == self.at else self.day(self.happened.timestamp())

    def owners(self, customer: str | None) -> Container[str]:
        """Whose lots may be used beside our own: those that suppliers left on consignment, and the customer's for himself."""
        suppliers = self.catalogue.suppliers
        return suppliers if customer is None else Owners(suppliers, customer)

    def lot(self, item: str, code: str) -> Lot:
        """The lot as it is now, guarded.

        Raises:
            Unknown: (`unknown`) with the item's lots in the house.
        """
        key = (item, code)
        found = (self.changes.lots.get(key) or self.reader.lots((key,)).get(key)) if isinstance(code, str) else None
        if found is None:
            rows = self.reader.stocked((item,))[item]
            raise Unknown(f"lot of {item}", code, tuple(sorted({row.lot.code for row in rows})))
        return found

    def refuse_lot(self, item: str, code: str, reason: str) -> LotNotUsable:
        """The error for a lot asked for by name; it names the lots that may be used."""
        usable = self.catalogue.usable_places
        rows = self.reader.stocked((item,))[item]
        choices = {row.lot.code for row in rows if row.lot.disposition == "released" and row.place in usable and row.free}
        return LotNotUsable(item, code, reason, tuple(sorted(choices - {code})))

    # changing ---------------------------------------------------------------------------------------------------------

    def number(self, series: str) -> str:
        """The next number of a series in this period, such as `PB-2026-11-001`."""
        return number(series, self.period, self._numbers(f"{series}-{self.period}"))

    def counter(self, series: str, ahead: int = 1) -> int:
        """The next counter of a series and period, for a command made of commands, which says how many it will want."""
        if ahead > 1 and hasattr(self._numbers, "ahead"):
            self._numbers.ahead(series, ahead)
        return self._numbers(series)

    def file(self, paper: Paper, *, new: bool = False) -> None:
        """Write a paper; a new one must not exist, a changed one must be the one that was read."""
        self.changes.papers[paper.number] = paper
        if new:
            self.changes.stamps[paper.number] = 0
        else:
            self.touch(paper.number)

    def touch(self, name: str) -> None:
        """Guard a paper, and tell every other command that read it: its links or its state change."""
        stamps = self.changes.stamps
        if name not in stamps:
            filed = self._filed.get(name)
            stamps[name] = filed.stamp if filed is not None else self.reader.stamps((name,))[name]

    def step(self, paper: Paper, now: str, step: str, *, reason: str = "", details: tuple[tuple[str, str], ...] = ()) -> str:
        """Write a step into the diary and return the state after it.

        Raises:
            NotAllowed: (`not_allowed`) with the steps that are possible.
        """
        changes, kind, name = self.changes, type(paper), paper.number
        after = STEPS[kind][now].get(step) or allow(STEPS[kind], name, now, step)
        changes.diary.append(_new(Entry, (name, step, self.at, self.by, reason, details)))
        if name not in changes.stamps:
            self.touch(name)
        closing = CLOSING[kind]
        if after in closing:
            changes.closed.add(name)
        elif now in closing:
            changes.opened.add(name)
        return after

    def note(self, document: str, step: str, *, reason: str = "", details: tuple[tuple[str, str], ...] = ()) -> None:
        """Write a line into the diary."""
        self.changes.diary.append(_new(Entry, (document, step, self.at, self.by, reason, details)))

    def tell(self, event: Event) -> None:
        """Put an event into the outbox."""
        self.changes.events.append(event)

    def post(self, kind: str, paper: str, moves: Iterable[Move], *, reason: str = "", happened_at: datetime | None = None) -> None:
        """Write moves into the ledger and carry the balances along; what the command says happened when `happened` says."""
        rows = tuple(moves)
        if not rows:
            return
        changes = self.changes
        changes.postings.append(_new(Posting, (kind, paper, happened_at or self.happened, self.at, rows, self.by, reason)))
        balances = changes.balances
        for item, lot, steps, source, target, _ in rows:
            if source not in OUTSIDE:
                key = (item, lot, source)
                moved, promised = balances.get(key, _UNTOUCHED)
                balances[key] = moved - steps, promised
            if target not in OUTSIDE:
                key = (item, lot, target)
                moved, promised = balances.get(key, _UNTOUCHED)
                balances[key] = moved + steps, promised

    def promise(self, key: tuple[str, str, str], steps: int) -> None:
        """Change what is allocated of a lot at a place."""
        balances = self.changes.balances
        known = balances.get(key)
        balances[key] = (known[0], known[1] + steps) if known else (0, steps)

    def link(self, row: Allocation, before: Allocation | None = None) -> None:
        """Write an allocation; one with the same key that this command wrote or read grows by it."""
        key, takes = row[:6], row.takes
        known = self.changes.allocations.get(key, before)
        if known is not None:
            row = row._replace(takes=takes + known.takes, covers=row.covers + known.covers)
        self.changes.allocations[key] = row
        if key[2] == LOT:
            self.promise(key[3:], takes)
        else:
            self.touch(key[4])

    def reserve(self, demand: str, needs: Iterable[tuple[str, Sequence[tuple[Stocked, int]]]], firmness: str) -> None:
        """Link needs (each its line and lots) that have no links yet, and guard the lots: `link` and `guard` in one loop."""
        changes = self.changes
        allocations, balances, guards = changes.allocations, changes.balances, changes.lot_guards
        for line, taken in needs:
            for (lot, place, _, _), steps in taken:
                item, code = lot.item, lot.code
                row = _new(Allocation, (demand, line, LOT, item, code, place, steps, steps, firmness))
                key, where = (demand, line, LOT, item, code, place), (item, code, place)
                if where in balances or key in allocations:
                    self.link(row)
                else:
                    allocations[key] = row
                    balances[where] = 0, steps
                guards[item, code] = lot.revision

    def unlink(self, row: Allocation, takes: int | None = None, covers: int | None = None) -> None:
        """Take an allocation away, or so many steps of it."""
        key, allocations = row[:6], self.changes.allocations
        if takes is None and key not in allocations:
            takes = row.takes
            allocations[key] = None
        else:
            current = allocations.get(key) or row
            takes = row.takes if takes is None else takes
            left = current.takes - takes
            covered = current.covers - (row.covers if covers is None else covers)
            allocations[key] = current._replace(takes=left, covers=covered) if left > 0 else None
        if key[2] == LOT:
            self.promise(key[3:], -takes)
        else:
            self.touch(key[4])

    def fulfil(self, kind: str, paper: str, rows: Iterable[Allocation], lots: Mapping[LotKey, Lot], place: str) -> tuple[Move, ...]:
        """Bring the lots that are reserved for a need to its place: `unlink`, `guard` and `post` in one loop, for every lot."""
        changes = self.changes
        allocations, balances, guards = changes.allocations, changes.balances, changes.lot_guards
        moves: list[Move] = []
        for row in rows:
            demand, line, source, item, code, stood, steps, _, _ = row
            where, there = (item, code, stood), (item, code, place)
            if where in balances:
                moved, promised = balances[where]
                balances[where] = moved - steps, promised - steps
            else:
                balances[where] = -steps, -steps
            if there in balances:
                moved, promised = balances[there]
                balances[there] = moved + steps, promised
            else:
                balances[there] = steps, 0
            allocations[demand, line, source, item, code, stood] = None
            guards[item, code] = lots[item, code].revision
            moves.append(_new(Move, (item, code, steps, stood, place, f"{demand}/{line}")))
        done = tuple(moves)
        if done:
            changes.postings.append(_new(Posting, (kind, paper, self.happened, self.at, done, self.by, "")))
        return done

    def guard(self, lot: Lot) -> None:
        """The lot must still be as it was read when this command is stored."""
        key = (lot.item, lot.code)
        if key not in self.changes.lots:
            self.changes.lot_guards[key] = lot.revision

    def new_lot(self, lot: Lot) -> None:
        """Write a new lot; none with its code may exist when this is stored. One that is not released says so in the diary."""
        key = (lot.item, lot.code)
        self.changes.lot_guards[key] = 0
        self.changes.lots[key] = lot
        first = _FIRST_STEP.get(lot.disposition)
        if first is not None:
            self.note(lot_document(*key), first)

    def change_lot(self, before: Lot, **fields: Any) -> Lot:
        """Write a lot with other fields; it must be the one that was read."""
        key = (before.item, before.code)
        lot = attrs.evolve(before, revision=before.revision + 1, **fields)
        self.changes.lot_guards.setdefault(key, before.revision)
        self.changes.lots[key] = lot
        return lot

    def book(self, row: Booking) -> None:
        """Promise time of a work center."""
        self.changes.bookings[row.paper, row.operation] = row
        self.touch(center_stamp(row.work_center))

    def unbook(self, row: Booking) -> None:
        """Give time of a work center back."""
        self.changes.bookings[row.paper, row.operation] = None
        self.touch(center_stamp(row.work_center))


def _drafts() -> Callable[[str], int]:
    counter = itertools.count(1)
    return lambda series: next(counter)


class Seen:
    """The situation of a search: everything that the wanted items may need, read in one go per kind of row.

    Args:
        work: the command.
        items: everything that may be needed (`reach_of`).
    """

    def __init__(self, work: Work, items: Sequence[str], *, customer: str | None = None) -> None:
        """Read what is on its way; lots are read as far as they are needed, those of the customer, too."""
        self.work = work
        self.now = work.now
        catalogue = work.catalogue
        self.zone = catalogue.zone
        self.items = items
        self.item = catalogue.item
        self.picking = catalogue.pickings.__getitem__
        self.usable_places = catalogue.usable_places
        self.owners: Container[str] = work.owners(customer)
        self.stock: Callable[[str, str], Iterable[Stocked]] = work.reader.lots_of
        self.day = work.day
        self._incoming = incoming(work, self.items)
        self._bookings: Mapping[str, Sequence[Booking]] | None = None

    def formula(self, item: str, steps: int | None = None) -> Formula | None:
        """See `Situation`: of several versions the one of today, for so much."""
        catalogue = self.work.catalogue
        return catalogue.formula_on(item, self.work.today, steps) if item in catalogue.versions else catalogue.formulas.get(item)

    def versions(self, item: str) -> Sequence[Formula]:
        """See `Situation`."""
        found = self.work.catalogue.versions.get(item, ())
        return found if any(one.recipe.sized for one in found) else ()

    def besides(self, item: str) -> tuple[Formula, Coming] | None:
        """See `Situation`."""
        return self.work.catalogue.besides.get(item)

    def offers(self, item: str) -> Sequence[tuple[Supplier, Offer]]:
        """See `Situation`."""
        return self.work.catalogue.offers(item)

    def incoming(self, item: str) -> Sequence[Incoming]:
        """See `Situation`."""
        return self._incoming.get(item, ())

    def work_center(self, code: str) -> WorkCenter:
        """See `Situation`."""
        return self.work.catalogue.work_center(code)

    def bookings(self, work_center: str) -> Sequence[Booking]:
        """See `Situation`: all work centers in one read, when the first is asked for."""
        if self._bookings is None:
            makers = self.work.catalogue.makers
            codes = {code for item in self.items for formula in makers(item) for code in formula.recipe.centers}
            self._bookings = self.work.reader.bookings(codes, self.now)
        return self._bookings.get(work_center, ())

    def timeline(self, calendar: Calendar) -> Timeline:
        """See `Situation`."""
        return self.work.catalogue.timeline(calendar, self.work.at)


def arrival_day(work: Work, shipping: str | None) -> date:
    """The day on which what leaves now reaches the customer: until then it must be good."""
    method = work.catalogue.method(shipping)
    if method is None:
        return work.today
    return work.day(Search(Seen(work, ())).after(work.now, method.transit, method.calendar))


def incoming(work: Work, items: Sequence[str]) -> Mapping[str, Sequence[Incoming]]:
    """Per item what open runs and purchases will still bring and nobody was promised, earliest first."""
    runs = work.reader.open_papers("production", items)
    purchases = work.reader.open_papers("purchase", items)
    waiting = _waiting(work, [item for item in items if item in work.catalogue.inspected]) if work.catalogue.inspected else {}
    if not runs and not purchases:
        return waiting
    filed = {row.paper.number: row for rows in (*runs.values(), *purchases.values()) for row in rows}
    work.known(filed.values())
    papers = [row.paper for row in filed.values()]
    came = arrived(work, papers)
    keys = [(source_of(paper), item, paper.number) for paper in papers for item in paper.items if item in items]
    claims = work.reader.claims(keys)
    found: dict[str, list[Incoming]] = {item: [*rows] for item, rows in waiting.items()}
    for paper in papers:
        for row in _supplies(work, paper, came):
            links = claims.get((row.source, row.item, row.ref), ())
            free = row.open - sum(link.takes for link in links if link.place == row.line)
            found.setdefault(row.item, []).append(row._replace(free=free))
    return {item: sorted(rows, key=lambda row: (row.at, row.ref, row.line)) for item, rows in found.items()}


def source_of(paper: Paper) -> str:
    """The kind of supply that a paper is."""
    return RUN if isinstance(paper, ProductionOrder) else PURCHASE


def arrived(work: Work, papers: Iterable[Paper]) -> Mapping[tuple[str, str], int]:
    """Steps that runs have made, less what was taken back, and purchases brought, per (number, line); a run's line is its item.

    Of a run that takes its item apart, so much as it has taken apart.
    """
    listed = [*papers]
    numbers = [paper.number for paper in listed]
    apart = {(paper.number, paper.item) for paper in listed if type(paper) is ProductionOrder and paper.outputs and paper.recipe.apart}
    sums: dict[tuple[str, str], int] = {}
    for posting in work.reader.postings(papers=numbers) if numbers else ():
        for move in posting.moves:
            if apart and (posting.paper, move.item) in apart:
                key, undone = (posting.paper, move.item), posting.kind == REVERSE
                used = (move.target == PRODUCTION and not undone) - (move.source == PRODUCTION and undone)
                sums[key] = sums.get(key, 0) + used * move.steps
                continue
            if move.source == PRODUCTION and posting.kind == "make":
                key = (posting.paper, move.item)
            elif move.target == PRODUCTION and posting.kind == REVERSE:
                sums[posting.paper, move.item] = sums.get((posting.paper, move.item), 0) - move.steps
                continue
            elif move.source == SUPPLIER:
                key = (posting.paper, move.line.partition("/")[2])
            else:
                continue
            sums[key] = sums.get(key, 0) + move.steps
    return sums


def _supplies(work: Work, paper: Any, came: Mapping[tuple[str, str], int]) -> Iterable[Incoming]:
    if isinstance(paper, ProductionOrder):
        if work.state(paper) in COMING - {"proposed"}:
            at = epoch(paper.planned_end) if paper.planned_end else NEVER
            for item in paper.items:
                left = max(0, paper.brings(item) - came.get((paper.number, item), 0))
                yield Incoming(RUN, item, paper.number, "", left, left, at)
    elif work.state(paper) == "ordered":
        for line in paper.lines:
            left = max(0, line.steps - came.get((paper.number, line.ref), 0))
            at = epoch(paper.due(line)) + inspected(work.catalogue.item(line.item))
            yield Incoming(PURCHASE, line.item, paper.number, line.ref, left, left, at)


def _waiting(work: Work, items: Sequence[str]) -> Mapping[str, Sequence[Incoming]]:
    """Lots that wait for a decision are usable when that is due, at the earliest now; those in blocked places are nobody's supply."""
    found: dict[str, list[Incoming]] = {}
    for item, rows in work.reader.stocked(items).items():
        seconds = inspected(work.catalogue.item(item))
        for row in rows:
            if row.lot.disposition == "waiting" and row.free > 0 and row.place in work.catalogue.usable_places:
                at = max(int(row.lot.received_at.timestamp()) + seconds, work.now)
                found.setdefault(item, []).append(Incoming(LOT, item, row.lot.code, row.place, row.free, row.free, at))
    return {item: sorted(rows, key=lambda row: (row.at, row.ref, row.line)) for item, rows in found.items()}
