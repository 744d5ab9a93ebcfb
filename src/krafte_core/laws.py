"""The laws of the books as checks: what `verify()` reads, one row at a time, and what it finds broken.

Each check compares two books that must agree. A finding names the row and both figures.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from krafte_core.allocation import LOT, PURCHASE, RUN
from krafte_core.diary import LOT_STEPS, lot_document, state
from krafte_core.history import in_time
from krafte_core.ledger import REVERSE
from krafte_core.orders import CustomerOrder
from krafte_core.production import COMING, ENDED, ProductionOrder
from krafte_core.scheduling import Booking
from krafte_core.stock import CUSTOMER, FOUND, PRODUCTION, SUPPLIER, Posting, inside, left_for_good
from krafte_core.work import STEPS, Work, arrived

_ORIGINS = {"receipt": SUPPLIER, "run": PRODUCTION, "find": FOUND, "return": CUSTOMER, "conversion": PRODUCTION}
_OVER = ENDED | {"cancelled", "merged"}


def findings(work: Work) -> Iterator[str]:
    """Every broken law in the books, as a sentence; none is the wish."""
    yield from _ledger(work)
    yield from _allocations(work)
    yield from _bookings(work)
    yield from _diary(work)
    yield from _lots(work)


def _ledger(work: Work) -> Iterator[str]:
    """Laws 1 and 2: the balances are what the ledger adds up to, and no lot was negative when an instant was over."""
    sums: dict[tuple[str, str, str], int] = {}
    postings = in_time(work.reader.rows("postings"))
    for at, rows in groupby(postings, key=lambda row: row.happened_at):
        touched: dict[tuple[str, str, str], None] = {}
        for item, lot, steps, source, target, _ in (move for row in rows for move in row.moves):
            if steps <= 0:
                yield f"law 1: a move of {steps} steps of {item} {lot} at {at}"
            for place, change in ((source, -steps), (target, steps)):
                if inside(place):
                    sums[item, lot, place] = sums.get((item, lot, place), 0) + change
                    touched[item, lot, place] = None
        for item, lot, place in touched:
            if sums[item, lot, place] < 0:
                yield f"law 2: {item} {lot} was negative in {place} at {at}"
    yield from _origins(work, postings)
    yield from _carried_along(work, sums)


def _origins(work: Work, postings: Sequence[Posting]) -> Iterator[str]:
    """Law 4: every lot belongs to one origin and is not used before it."""
    born: dict[tuple[str, str], tuple[str, str]] = {}
    for posting in postings:
        for item, lot, _, source, _, _ in posting.moves:
            begun, paper = born.setdefault((item, lot), (source, posting.paper))
            if inside(begun):
                yield f"law 4: {item} {lot} was used at {posting.happened_at} before it was there"
            if source == begun and posting.kind != REVERSE and paper != posting.paper and not inside(source):
                yield f"law 4: {item} {lot} has two origins, {paper or 'a receipt'} and {posting.paper or 'a receipt'}"
    for row in work.reader.rows("lots"):
        source = born.get((row.item, row.code), ("nowhere", ""))[0]
        if _ORIGINS[row.origin] != source:
            yield f"law 4: {row.item} {row.code} came from {source}, not as a {row.origin}"


def _carried_along(work: Work, sums: dict[tuple[str, str, str], int]) -> Iterator[str]:
    stored = {(row.lot.item, row.lot.code, row.place): row.on_hand for row in work.reader.rows("stocked")}
    for key in sorted(sums.keys() | stored.keys()):
        if sums.get(key, 0) != stored.get(key, 0):
            yield ("law 1: {} {} in {}: ".format(*key) + f"the ledger has {sums.get(key, 0)}, the balance {stored.get(key, 0)} steps")


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
    for posting in work.reader.rows("postings"):
        for move in posting.moves:
            gone = left_for_good(posting, move)
            if gone:
                number, _, line = move.line.partition("/")
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
    kinds = {row.paper.number: type(row.paper) for row in work.reader.rows("papers")}
    now = dict.fromkeys(kinds, "")
    for entry in work.reader.rows("diary"):
        number, table = entry.document, STEPS.get(kinds.get(entry.document, type(None)), {})
        if any(entry.step in steps for steps in table.values()):
            if entry.step not in table[now[number]]:
                yield f"the diary lets {number} {entry.step}, which is {now[number] or 'new'}"
            now[number] = table[now[number]].get(entry.step, now[number])


def _lots(work: Work) -> Iterator[str]:
    """The disposition of a lot is what the diary says."""
    for row in work.reader.rows("lots"):
        document = lot_document(row.item, row.code)
        said = state(LOT_STEPS, work.reader.diary((document,))[document], "released")
        if said != row.disposition:
            yield f"the diary says that {row.item} {row.code} is {said}, the lot says {row.disposition}"
