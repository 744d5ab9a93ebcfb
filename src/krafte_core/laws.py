"""The laws of the books as checks: what `verify()` reads, one row at a time, and what it finds broken.

Each check compares two books that must agree. A finding names the row and both figures.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from krafte_core.allocation import LOT, PURCHASE, RUN
from krafte_core.coverage import Booking
from krafte_core.diary import LOT_STEPS, Entry, lot_document, state
from krafte_core.lot_histories import BOOKS, Closing, LotHistory, closing_balances, closings, histories, pages
from krafte_core.orders import CustomerOrder
from krafte_core.production import COMING, ENDED, ProductionOrder
from krafte_core.stock import CUSTOMER, FOUND, PRODUCTION, SUPPLIER, Lot, Stocked, left_for_good
from krafte_core.store import LotKey
from krafte_core.work import STEPS, Work, arrived

_ORIGINS = {"receipt": SUPPLIER, "run": PRODUCTION, "find": FOUND, "return": CUSTOMER, "conversion": PRODUCTION}
_OVER = ENDED | {"cancelled", "merged"}


def findings(work: Work) -> Iterator[str]:
    """Every broken law in the books, as a sentence; none is the wish."""
    yield from _ledger(work)
    yield from _allocations(work)
    yield from _bookings(work)
    yield from _diary(work)
    astray = getattr(work.reader, "astray", None)
    if astray is not None:
        yield from astray()


def _ledger(work: Work) -> Iterator[str]:
    """Laws 1, 2 and 4 lot by lot: the ledger (see `histories`), its balances, and what the lot and the diary say of it."""
    closed = closings(work.reader.diary((BOOKS,))[BOOKS])
    lots = spots = 0
    for page in pages(histories(work.reader, closed)):
        keys = [one.key for one in page]
        known, standing = work.reader.lots(keys), work.reader.standing(keys)
        entries = work.reader.diary([lot_document(*key) for key in keys])
        lots, spots = lots + len(known), spots + sum(map(len, standing.values()))
        for one in page:
            yield from one.findings
            yield from _carried_along(one, standing[one.key])
            yield from _as_noted(one, known.get(one.key), entries[lot_document(*one.key)], closed)
    yield from _without_history(work, lots, spots)


def _carried_along(one: LotHistory, standing: Sequence[Stocked]) -> Iterator[str]:
    stored = {row.place: row.on_hand for row in standing}
    for place in sorted(one.sums.keys() | stored.keys()):
        if one.sums.get(place, 0) != stored.get(place, 0):
            has = f"the ledger has {one.sums.get(place, 0)}, the balance {stored.get(place, 0)} steps"
            yield "law 1: {} {} in {}: ".format(*one.key, place) + has


def _as_noted(one: LotHistory, lot: Lot | None, entries: Sequence[Entry], closed: Sequence[Closing]) -> Iterator[str]:
    name = "{} {}".format(*one.key)
    if lot is None:
        yield f"law 4: {name} was moved, and there is no such lot"
        return
    if _ORIGINS[lot.origin] != one.source:
        yield f"law 4: {name} came from {one.source}, not as a {lot.origin}"
    said = state(LOT_STEPS, entries, "released")
    if said != lot.disposition:
        yield f"the diary says that {name} is {said}, the lot says {lot.disposition}"
    for until in (closing.until for closing in closed):
        noted = closing_balances(entries, until)
        if noted != one.closed[until]:
            yield f"closed period: {name} had {one.closed[until]} at {until}, the closing says {noted}"


def _without_history(work: Work, lots: int, spots: int) -> Iterator[str]:
    """Lots and balances that nothing was ever moved to; they are looked for only where there are more than those with a history."""
    if lots != sum(1 for _ in work.reader.rows("lots")):
        for page in pages(work.reader.rows("lots")):
            moved = _moved(work, [(lot.item, lot.code) for lot in page])
            yield from (
                f"law 4: {lot.item} {lot.code} came from nowhere, not as a {lot.origin}"
                for lot in page
                if (lot.item, lot.code) not in moved
            )
    if spots != sum(1 for _ in work.reader.rows("stocked")):
        for page in pages(work.reader.rows("stocked")):
            moved = _moved(work, [(row.lot.item, row.lot.code) for row in page])
            for row in page:
                if (row.lot.item, row.lot.code) not in moved:
                    yield f"law 1: {row.lot.item} {row.lot.code} in {row.place}: the ledger has 0, the balance {row.on_hand} steps"


def _moved(work: Work, keys: Sequence[LotKey]) -> set[LotKey]:
    return {(move.item, move.lot) for posting in work.reader.postings(lots=keys) for move in posting.moves}


def _allocations(work: Work) -> Iterator[str]:
    """Law 3: no supply is promised beyond what it is, no demand covered beyond what it needs."""
    drawn: dict[tuple[str, str, str, str], int] = {}
    covered: dict[tuple[str, str], int] = {}
    for link in work.reader.rows("allocations"):
        if link.takes <= 0 or link.covers < 0:
            yield f"law 3: a link of {link.takes} steps for {link.demand}/{link.line}"
        supply = (link.source, link.item, link.ref, link.place)
        drawn[supply] = drawn.get(supply, 0) + link.takes
        covered[link.demand, link.line] = covered.get((link.demand, link.line), 0) + link.covers
    allocated = {(LOT, row.lot.item, row.lot.code, row.place): row.allocated for row in work.reader.rows("stocked")}
    for supply in sorted(set(allocated) | {one for one in drawn if one[0] == LOT}):
        if drawn.get(supply, 0) != allocated.get(supply, 0):
            yield f"law 3: {supply[1:]}: links take {drawn.get(supply, 0)}, the balance says {allocated.get(supply, 0)} steps"
    for row in work.reader.rows("stocked"):
        if not 0 <= row.allocated <= row.on_hand:
            yield f"law 3: {row.lot.item} {row.lot.code} in {row.place}: {row.allocated} of {row.on_hand} steps allocated"
    yield from _coming(work, drawn)
    yield from _demands(work, covered)


def _coming(work: Work, drawn: dict[tuple[str, str, str, str], int]) -> Iterator[str]:
    numbers = {ref for source, _, ref, _ in drawn if source in (RUN, PURCHASE)}
    papers = {number: row.paper for number, row in work.reader.papers(numbers).items()}
    came = arrived(work, papers.values())
    for (source, item, ref, line), steps in sorted(drawn.items()):
        if source == LOT:
            continue
        paper = papers.get(ref)
        if paper is None:
            yield f"law 3: links draw on {ref}, which does not exist"
            continue
        run = isinstance(paper, ProductionOrder)
        left = paper.brings(item) - came.get((ref, item), 0) if run else paper.line(line).steps - came.get((ref, line), 0)
        if steps > left or work.state(paper) not in (COMING if run else {"ordered"}):
            yield f"law 3: {ref} is {work.state(paper)} and brings {left} steps of {item}; links take {steps}"


def _demands(work: Work, covered: dict[tuple[str, str], int]) -> Iterator[str]:
    shipped: dict[tuple[str, str], int] = {}
    for numbers in pages(sorted({number for number, _ in covered})):
        for posting in work.reader.postings(papers=numbers):
            for move in posting.moves:
                gone, (number, _, line) = left_for_good(posting, move), move.line.partition("/")
                if gone and (number, line) in covered and number in numbers:
                    shipped[number, line] = shipped.get((number, line), 0) + gone
    papers = {number: row.paper for number, row in work.reader.papers({number for number, _ in covered}).items()}
    for (number, line), steps in sorted(covered.items()):
        paper = papers.get(number)
        if paper is None or work.state(paper) in _OVER:
            need = 0
        elif isinstance(paper, CustomerOrder):
            wanted = paper.need(line)
            need = (wanted.steps if wanted else 0) - shipped.get((number, line), 0)
        else:
            need = next((one.steps for one in paper.needs if one.line == line), 0)
        if steps > need:
            yield f"law 3: links cover {steps} steps of {number}/{line}, which needs {need}"


def _bookings(work: Work) -> Iterator[str]:
    """Law 3: no work center is booked above its capacity."""
    by_center: dict[str, list[Booking]] = {}
    for row in work.reader.rows("bookings"):
        by_center.setdefault(row.work_center, []).append(row)
    for center, rows in sorted(by_center.items()):
        capacity = work.catalogue.work_center(center).capacity
        changes = sorted([(row.start, 1) for row in rows] + [(row.end, -1) for row in rows])
        busy = 0
        for at, step in changes:
            busy += step
            if busy > capacity:
                yield f"law 3: {center} has {busy} jobs at {at}, and room for {capacity}"
                break


def _diary(work: Work) -> Iterator[str]:
    """Every step of every paper is one that its table allows."""
    for page in pages(work.reader.rows("papers")):
        entries = work.reader.diary([row.paper.number for row in page])
        for number, table in ((row.paper.number, STEPS.get(type(row.paper), {})) for row in page):
            now = ""
            for entry in entries[number]:
                if any(entry.step in steps for steps in table.values()):
                    if entry.step not in table[now]:
                        yield f"the diary lets {number} {entry.step}, which is {now or 'new'}"
                    now = table[now].get(entry.step, now)
