"""The changes of a command as rows of tables, in sorted order: whoever locks rows in one order never waits in a circle."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from krafte_core.ledger import uses
from krafte_core.shipping import Shipment
from krafte_core.stock import LINE, Lot
from krafte_core.store import KINDS, Changes, LotKey, Paper
from krafte_core.stores.sql._values import BOOKING, ENTRY, LINK, MOVE, POSTING, Bodies, expires, instant, steps

Rows = list[tuple[Any, ...]]
SHIFT = 20
"""An id is the number of the commit times 2**20, plus the place of the row in it."""


def party(paper: Paper) -> str:
    """Whom a paper is about, by what `find` is asked for: the customer or the supplier."""
    found = getattr(paper, "customer", None) or getattr(paper, "supplier", None)
    return found if isinstance(found, str) else ""


def free(place: str, on_hand: int, allocated: int) -> bool:
    """Whether there is something that nobody was promised; what lies on a run's line is that run's.

    >>> free("stock", 5, 2), free("line:PB-1", 5, 2)
    (True, False)
    """
    return on_hand > allocated and not place.startswith(LINE)


def _found_by(lot: Lot) -> tuple[str, str, bool]:
    """What lots are looked up by besides their code: supplier, his lot, and whether anything else was noted about it."""
    return lot.supplier or "", lot.supplier_lot or "", bool(lot.attributes)


class Batch:
    """Rows to write, by table."""

    def __init__(self, changes: Changes, bodies: Bodies) -> None:
        """Of these changes."""
        self.changes = changes
        self.bodies = bodies
        stamps = changes.stamps
        self.new_stamps: Rows = sorted((name,) for name, stamp in stamps.items() if not stamp)
        self.old_stamps: Rows = sorted((name, stamp) for name, stamp in stamps.items() if stamp)
        self._lots(changes)
        self._balances(changes)
        self._papers(changes)
        self.links_gone: Rows = sorted(key for key, row in changes.allocations.items() if row is None)
        self.links: Rows = sorted((*LINK.write(row), n) for n, row in enumerate(changes.allocations.values(), 1) if row is not None)
        self.bookings_gone: Rows = sorted(key for key, row in changes.bookings.items() if row is None)
        self.bookings: Rows = [(*BOOKING.write(row), n) for n, row in enumerate(changes.bookings.values(), 1) if row is not None]
        self._journal(changes)
        self.catalogue: Rows = [(*name, n, bodies.write(value)) for n, (name, value) in enumerate(changes.catalogue.items(), 1)]
        self.events: Rows = [(n, event.document, bodies.write(event)) for n, event in enumerate(changes.events, 1)]
        self.result: tuple[Any, ...] | None = None
        if changes.key is not None and changes.stored is not None:
            self.result = (changes.key, changes.stored.fingerprint, bodies.write(changes.stored.result))

    def _lots(self, changes: Changes) -> None:
        guards = changes.lot_guards
        lots = {
            key: (*key, n, lot.revision, expires(lot), instant(lot.received_at), *_found_by(lot), self.bodies.write(lot))
            for n, (key, lot) in enumerate(changes.lots.items(), 1)
        }
        self.lots_new: Rows = sorted(row for key, row in lots.items() if guards.get(key) == 0)
        self.lots_put: Rows = sorted(row for key, row in lots.items() if guards.get(key) != 0)
        self.lot_guards: Rows = sorted((*key, revision) for key, revision in guards.items() if revision)
        self.lots_absent: list[LotKey] = sorted(key for key, revision in guards.items() if not revision and key not in lots)

    def _balances(self, changes: Changes) -> None:
        """The last two columns are for new rows, and for those of lots that change: None where the lot stays as it is."""
        rows: Rows = []
        for (item, code, place), (moved, promised) in changes.balances.items():
            if moved or promised:
                lot = changes.lots.get((item, code))
                sort = (None, None) if lot is None else (expires(lot), instant(lot.received_at))
                rows.append((item, code, place, steps(moved, "amount"), steps(promised, "amount"), *sort))
        self.balances: Rows = sorted(rows, key=lambda row: row[:3])

    def _papers(self, changes: Changes) -> None:
        papers, closed = changes.papers, changes.closed
        self.papers: Rows = [
            (number, KINDS[type(paper)], party(paper), n, number in closed, self.bodies.write(paper))
            for n, (number, paper) in enumerate(papers.items(), 1)
        ]
        listed = [paper for number, paper in papers.items() if number not in closed and not isinstance(paper, Shipment)]
        self.open_items: Rows = [(KINDS[type(paper)], item, paper.number) for paper in listed for item in paper.items]
        self.papers_old = [number for number in papers if changes.stamps.get(number)]
        self.closing = sorted(closed)
        self.opened = sorted(changes.opened)
        self.opened_unchanged = [number for number in self.opened if number not in papers]
        """Papers that are open again as they are: whoever writes the rows reads them, and gives them to `list_again`."""

    def list_again(self, papers: Iterable[Paper]) -> None:
        """Papers that are open again are found under the items that they name."""
        self.open_items += [(KINDS[type(paper)], item, paper.number) for paper in papers for item in paper.items]

    def _journal(self, changes: Changes) -> None:
        self.postings: Rows = []
        self.moves: Rows = []
        for n, posting in enumerate(changes.postings, 1):
            row = POSTING.write(posting)
            self.postings.append((*row, n))
            at = instant(posting.happened_at)
            for m, move in enumerate(posting.moves):
                demand = move.line.partition("/")[0]
                self.moves.append((*MOVE.write(move), demand, at, m, n))
        self._genealogy(changes)
        self.diary: Rows = [(*ENTRY.write(entry), n) for n, entry in enumerate(changes.diary, 1)]

    def _genealogy(self, changes: Changes) -> None:
        """What runs used and made, added up per lot and run; and the lots and runs, which need a whole number each."""
        sums: dict[tuple[str, str, str], list[int]] = {}
        for posting in changes.postings:
            for run, item, lot, moved, _ in uses(posting):
                row = sums.setdefault((item, lot, run), [0, 0])
                row[moved < 0] += abs(moved)
        self.uses: Rows = sorted((*key, steps(used, "amount"), steps(made, "amount")) for key, (used, made) in sums.items())
        names = sorted({row[:2] for row in self.uses} | {("", row[2]) for row in self.uses})
        self.nodes: Rows = [(*name, n) for n, name in enumerate(names, 1)]

    def what(self, group: str) -> str:
        """What a failed guard was about."""
        if group == "stamps":
            names = [row[0] for row in (*self.new_stamps, *self.old_stamps)]
        elif group == "lots":
            names = [f"lot {code} of {item}" for item, code, *_ in (*self.lots_new, *self.lot_guards)]
            names += [f"lot {code} of {item}" for item, code in self.lots_absent]
        elif group == "key":
            names = [f"key {self.changes.key}"]
        elif group == "nodes":
            names = [f"lot {code} of {item}" if item else f"run {code}" for item, code, _ in self.nodes]
        else:
            names = ["stock of {} {} in {}".format(*row[:3]) for row in self.balances]
        return names[0] if len(names) == 1 else "one of " + ", ".join(names[:5]) + (" ..." if len(names) > 5 else "")
