"""Completing a run: what was really used, what came out, who gets it, and who loses what did not come."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

import attrs

from krafte_core.allocation import LOT, RUN, displaced
from krafte_core.errors import AlreadyExists, InvalidInput, TooMuch
from krafte_core.events import Event, ProductionCompleted
from krafte_core.items import Item, code
from krafte_core.netting import Displaced, demand_ranks, drop_expired_quotes, hand_over, lose
from krafte_core.production import ProductionOrder
from krafte_core.quantities import Quantity
from krafte_core.recipes import Line
from krafte_core.stock import LINE, ORDERS, PRODUCTION, SCRAP, STOCK, Lot, Move, Stocked, line_of, unusable
from krafte_core.work import Work, arrived

_new = tuple.__new__  # half the cost of a NamedTuple's own constructor, in loops that run for every lot
Used = Mapping[str, Any]
"""Per item an amount, or amounts per lot; empty means nothing."""


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


@attrs.define
class _OnLine:
    """What of a lot lies on the run's line, and is not used yet."""

    lot: Lot
    steps: int


class Completion:
    """The decision behind `shop.production.complete`."""

    def __init__(self, name: str, made: Any, scrapped: Any, used: Used, lot: str | None, expires: date | None, to: str) -> None:
        self.name = name
        self.given = (made, scrapped)
        self.used = used
        self.lot = lot
        self.expires = expires
        self.to = to
        self.displaced: tuple[Displaced, ...] = ()

    def decide(self, work: Work) -> Completed:
        """Use, output, and what it did to others."""
        run: ProductionOrder = work.paper(ProductionOrder, self.name)
        drop_expired_quotes(work, run.items)
        self.displaced = ()
        entries = work.reader.diary((self.name,))[self.name]
        work.step(run, work.state(run, entries), "complete")
        item = work.item(run.item)
        made, scrapped = (0 if one is None else _not_negative(item, one) for one in self.given)
        before = 0
        if "report" in [entry.step for entry in entries]:
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
        there: dict[str, list[Stocked]] = {}
        for row in work.reader.at_place(line):
            there.setdefault(row.lot.item, []).append(row)
        if self.used:
            _known_materials(run, self.used)
        elif (everything := self._everything(run, there, output, lost)) is not None:
            work.post("use", self.name, everything)
            return {}
        on_line = {name: [_OnLine(row.lot, row.on_hand) for row in rows] for name, rows in there.items()}
        moves: list[Move] = []
        deviations = {}
        spent: dict[str, int] = {}
        for need in run.lines:
            planned = need.requirement(output + (lost if need.follows == "charge" else 0))
            rows = on_line.get(need.item, ())
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

    def _everything(self, run: ProductionOrder, there: Mapping[str, Sequence[Stocked]], output: int, lost: int) -> list[Move] | None:
        """What nearly always happens: as much as planned of every material lies on the line, and all of it was used. Else None."""
        if len(there) != len(run.lines):
            return None
        moves: list[Move] = []
        for need in run.lines:
            left, ref = need.requirement(output + lost if need.follows == "charge" else output), f"{self.name}/{need.ref}"
            rows = there.get(need.item, ())
            for lot, place, steps, _ in rows:
                moves.append(_new(Move, (need.item, lot.code, steps, place, PRODUCTION, ref)))
                left -= steps
            if left or not rows:
                return None
        return moves

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
