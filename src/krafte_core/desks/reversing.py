"""Taking back what a run made: compensating moves from what really happened, at most what is still there.

Nothing is worked out from a recipe. The ledger says what went in, lot by lot, and where it came from; the same amounts go back there.
A part of the output takes the same part of every input with it, rounded down, so that the last part brings the rest.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import attrs

from krafte_core.availability import shortage
from krafte_core.backdating import date_step, emptied, fit_in
from krafte_core.desks.completion import AT_WORK, abandon
from krafte_core.desks.handling import came_from
from krafte_core.diary import allow
from krafte_core.errors import InvalidInput, Short, TooMuch
from krafte_core.events import Event, ProductionReversed
from krafte_core.ledger import REVERSE
from krafte_core.netting import Displaced, drop_expired_quotes, lot_links, squeeze
from krafte_core.production import PRODUCTION_STEPS, ProductionOrder
from krafte_core.quantities import Quantity
from krafte_core.stock import LINE, PRODUCTION, SCRAP, STOCK, Move, Posting, Stocked
from krafte_core.work import Work

Key = tuple[str, str]
AFTERWARDS = ("complete", "stop", "use")
"""The steps of a run, besides those at work, that it cannot have been reversed before."""


@attrs.frozen
class Reversed:
    """What `reverse` did: how much output was taken back, the moves, who lost it, and the run's state now."""

    production: str
    amount: Quantity
    state: str
    moves: tuple[Move, ...]
    displaced: tuple[Displaced, ...]
    events: tuple[Event, ...]


class Happened:
    """What a run did, from the ledger: uses, output and scrapped output, each gross and what of it was taken back before."""

    def __init__(self, run: ProductionOrder, postings: Iterable[Posting]) -> None:
        self.run = run
        self.made: dict[Key, int] = {}
        self.unmade: dict[Key, int] = {}
        self.used: dict[tuple[str, str, str], int] = {}
        self.returned: dict[tuple[str, str, str], int] = {}
        self.scrapped: dict[tuple[str, str, str], int] = {}
        for posting in postings:
            if posting.paper == run.number:
                for move in posting.moves:
                    self._take_up(posting.kind == REVERSE, posting.kind == "make", move)

    def _take_up(self, undone: bool, output: bool, move: Move) -> None:
        item, lot, steps, source, target, line = move
        if source == PRODUCTION:
            if output:
                _count(self.made, (item, lot), steps)
            elif undone:
                _count(self.returned, (item, lot, line), steps)
        elif target == PRODUCTION:
            if undone:
                _count(self.unmade, (item, lot), steps)
            else:
                _count(self.used, (item, lot, line), steps)
        elif (item, lot) in self.made and SCRAP in (source, target):
            _count(self.scrapped, (item, lot, source if target == SCRAP else target), steps if target == SCRAP else -steps)

    def good(self, lots: Iterable[Key]) -> int:
        """Steps of these lots that the run made and did not scrap, less what was taken back."""
        keys = {*lots}
        bad = sum(steps for (item, lot, _), steps in self.scrapped.items() if (item, lot) in keys)
        return sum(self.made[key] - self.unmade.get(key, 0) for key in keys) - bad

    def taken_apart(self) -> int:
        """Steps of its own item that a run took apart, less what was put back."""
        item = self.run.item
        used = sum([steps for key, steps in self.used.items() if key[0] == item])
        return used - sum([steps for key, steps in self.returned.items() if key[0] == item])

    def lots(self, item: str) -> list[Key]:
        """The lots of an item that the run made."""
        return [key for key in self.made if key[0] == item]


def _count(sums: dict[Any, int], key: Any, steps: int) -> None:
    sums[key] = sums.get(key, 0) + steps


class Reversal:
    """The decision behind `shop.production.reverse`."""

    def __init__(self, name: str, amount: Any, lot: str | None, reason: str, *, force: bool, at: datetime | None = None) -> None:
        self.name, self.amount, self.lot, self.reason, self.force, self.at = name, amount, lot, reason, force, at

    def decide(self, work: Work) -> Reversed:
        """Take back the output and give back the inputs."""
        run: ProductionOrder = work.paper(ProductionOrder, self.name)
        entries, item = work.reader.diary((self.name,))[self.name], work.item(run.item)
        now = work.state(run, entries)
        allow(PRODUCTION_STEPS, self.name, now, "reverse")
        when = date_step(work, self.name, self.at, [entry for entry in entries if entry.step in (*AT_WORK, *AFTERWARDS)])
        past = Happened(run, work.reader.postings(papers=[self.name]))
        drop_expired_quotes(work, list(dict.fromkeys(key[0] for key in past.made)) or run.items)
        apart = bool(run.outputs) and run.recipe.apart
        if apart and self.lot is not None:
            raise InvalidInput("lot", self.lot, f"an amount of {run.item}: all that came out of it is put together again")
        everything = past.taken_apart() if apart else past.good(past.lots(run.item))
        steps = everything if self.amount is None else item.positive(self.amount)
        most = everything if self.lot is None else past.good([key for key in past.lots(run.item) if key[1] == self.lot])
        if steps > most:
            what = f"made by {self.name}" if self.lot is None else f"lot {self.lot}, made by {self.name}"
            raise TooMuch(what if not apart else f"taken apart by {self.name}", item.quantity(steps), item.quantity(most))
        whole = self.amount is None or (now == "done" and steps == everything)
        moves: list[Move] = []
        displaced: tuple[Displaced, ...] = ()
        if now == "started" and whole:
            emptied(work, self.name, self.at)
            displaced += abandon(work, run, self.reason or f"{self.name} was reversed")
            work.settle()
        if whole:
            moves += [Move(*key[:2], left, SCRAP, key[2]) for key, left in past.scrapped.items() if left]
        scrapped = {(move.item, move.lot, move.target): move.steps for move in moves}
        for key, want in self._output(past, steps, everything, whole=whole):
            out, lost = self._take_back(work, key, want, scrapped)
            moves += out
            displaced += lost
        moves += self._inputs(work, past, steps, everything, whole=whole)
        details = (("amount", str(item.quantity(steps))), *when)
        after = work.step(run, now, "reverse" if whole else "reverse a part", reason=self.reason, details=details)
        work.post(REVERSE, self.name, moves, reason=self.reason)
        if when:
            fit_in(work)
        work.tell(ProductionReversed(work.at, self.name, run.item, item.quantity(steps), self.reason))
        return Reversed(self.name, item.quantity(steps), after, tuple(moves), displaced, work.told())

    # output -----------------------------------------------------------------------------------------------------------

    def _output(self, past: Happened, steps: int, everything: int, *, whole: bool) -> list[tuple[Key, int]]:
        """Per lot the steps to take back: of the product from the latest lot first, of by-products in proportion."""
        rows = []
        left = steps
        for key in reversed(past.made):
            made, gone = past.made[key], past.unmade.get(key, 0)
            if whole:
                want = made - gone
            elif key[0] == past.run.item:
                want = min(left, past.good([key])) if self.lot in (None, key[1]) else 0
                left -= want
            else:
                want = (made - gone) * steps // everything
            if want:
                rows.append((key, want))
        return rows

    def _take_back(self, work: Work, key: Key, want: int, scrapped: dict[Any, int]) -> tuple[list[Move], tuple[Displaced, ...]]:
        item = work.item(key[0])
        work.guard(work.lot(*key))
        rows = [row for row in work.reader.standing([key])[key] if not row.place.startswith(LINE)]
        rows = _with(rows, work, key, scrapped)
        there = sum(row.on_hand for row in rows)
        if want > there:
            offer = f"reverse at most {item.quantity(there)}" if there else "what was used or shipped must come back first"
            raise TooMuch(f"lot {key[1]} of {key[0]}", item.quantity(want), item.quantity(there), offer)
        free = sum(row.free for row in rows)
        if want > free and not self.force:
            raise Short((shortage(item.code, item.scale, want, free),))
        moves: list[Move] = []
        displaced: tuple[Displaced, ...] = ()
        promised = max(0, want - free)
        for row in rows:
            lost = min(promised, row.allocated)
            if lost:
                links = [link for link in lot_links(work, [key]) if link.place == row.place]
                displaced += squeeze(work, links, lost, self.reason or f"{self.name} was reversed")
            took = min(want, row.free + lost)
            if took:
                moves.append(Move(*key, took, row.place, PRODUCTION))
            want, promised = want - took, promised - lost
        return moves, displaced

    # inputs -----------------------------------------------------------------------------------------------------------

    def _inputs(self, work: Work, past: Happened, steps: int, everything: int, *, whole: bool) -> list[Move]:
        """Every lot that went in goes back to where it came from: wholly, or in the proportion of the output."""
        places = came_from(work, self.name)
        moves = []
        for (item, lot, line), gross in past.used.items():
            left = gross - past.returned.get((item, lot, line), 0)
            back = left if whole else left * steps // everything
            for place, most in reversed(places.get((item, lot), {}).items()):
                took = min(back, max(0, most))
                if took:
                    moves.append(Move(item, lot, took, PRODUCTION, place, line))
                    places[item, lot][place] -= took
                back -= took
            if back:  # it was counted up on the line
                moves.append(Move(item, lot, back, PRODUCTION, STOCK, line))
            if left:
                work.guard(work.lot(item, lot))
        return moves


def _with(rows: list[Stocked], work: Work, key: Key, scrapped: dict[Any, int]) -> list[Stocked]:
    """The rows with what comes back from the scrap in the same command."""
    found = {row.place: row for row in rows}
    for (item, lot, place), steps in scrapped.items():
        if (item, lot) == key:
            row = found.get(place) or Stocked(work.lot(*key), place, 0, 0)
            found[place] = row._replace(on_hand=row.on_hand + steps)
    return [*found.values()]
