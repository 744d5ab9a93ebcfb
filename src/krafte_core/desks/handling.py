"""The materials of a run by hand: bring them to its line, give them back, scrap them there, write down what was used later.

What was brought is the run's; a use is a fact. So both take the run's own reservation first, then what is free; only a fact (or force)
takes what others were promised, in release order, and names them.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Sequence
from datetime import datetime
from typing import Any

import attrs

from krafte_core.allocation import LOT, Allocation, displaced, shrink
from krafte_core.availability import shortage
from krafte_core.backdating import could_take, date_step, enter, next_mark
from krafte_core.desks.describing import as_lot
from krafte_core.desks.holding import refuse_stopped
from krafte_core.diary import allow, lot_document
from krafte_core.errors import InvalidInput, Short, TooMuch
from krafte_core.events import Event, ProductionReleased, StockChanged
from krafte_core.items import Item, note
from krafte_core.netting import Displaced, demand_ranks, drop_expired_quotes, lose
from krafte_core.production import PRODUCTION_STEPS, ProductionOrder
from krafte_core.stock import LINE, ORDERS, PRODUCTION, SCRAP, STOCK, Move, Stocked, inside, line_of, unusable
from krafte_core.work import Work

COUNT_UP = "count the lot up first, then use it"


@attrs.frozen
class Handled:
    """What `issue`, `give_back`, `scrap` or `use` did: the moves in whole steps, and who lost a promise by it."""

    production: str
    moves: tuple[Move, ...]
    displaced: tuple[Displaced, ...]
    events: tuple[Event, ...]


@attrs.frozen
class Stepped:
    """What `release`, `replan`, `close` or `reopen` did: the state of the run after it."""

    production: str
    state: str
    events: tuple[Event, ...]


def places_for(work: Work, run: ProductionOrder) -> Container[str]:
    """The places from which a run takes its materials: the usable ones, or those of the partner who makes it."""
    return work.catalogue.usable_places if run.at is None else work.catalogue.within(run.at)


class Taking:
    """Takes so much of a material for a run: its own reservation first, then what is free, then (a fact, or force) from others.

    Args:
        lot: this lot only; `place`: this place only.
        fact: it was used: a named lot may be in any state, and promises to others shrink.
        rework: a lot that may not be used otherwise is brought on purpose.
        force: others may lose their promise.
    """

    def __init__(
        self, work: Work, run: ProductionOrder, item: Item, *, lot: str | None = None, place: str | None = None,
        fact: bool = False, rework: bool = False, force: bool = False,
    ) -> None:  # fmt: skip
        self.work, self.run, self.item = work, run, item
        self.lot, self.place = lot, place
        self.any_state = fact or rework
        self.from_others = fact or force
        self.displaced: tuple[Displaced, ...] = ()

    def moves(self, ref: str, steps: int, target: str, drawn: int = 0) -> list[Move]:
        """Moves of so many steps to the target; `drawn` were taken before, which an error counts in.

        Raises:
            Short: (`short`) more than is free. TooMuch: (`too_much`) more than is there, for a fact.
            LotNotUsable: (`lot_not_usable`) the named lot.
        """
        rows, serves = self._rows(), f"{self.run.number}/{ref}"
        then: dict[tuple[str, str], int] = {}
        if self.work.happened != self.work.at:
            rows, then = self._as_it_was(rows)
        spots = {(row.lot.code, row.place) for row in rows}
        links = self.work.reader.links((self.run.number,))[self.run.number]
        own = [link for link in links if link.source == LOT and link.item == self.item.code and (link.ref, link.place) in spots]
        left, found = steps, list[Move]()
        for link in sorted(own, key=lambda link: link.line != ref):
            spot = link.ref, link.place
            took = min(left, link.takes, then.get(spot, left))
            if took:
                self.work.unlink(link, took, shrink(link, took).covers)
                found.append(Move(self.item.code, *spot[:1], took, spot[1], target, serves))
                if spot in then:
                    then[spot] -= took
                left -= took
        for row in rows:
            spot = row.lot.code, row.place
            took = min(left, row.free, then.get(spot, left))
            if took > 0:
                found.append(Move(self.item.code, row.lot.code, took, row.place, target, serves))
                left -= took
        if left and self.from_others:
            found += self._displace(rows, left, target, serves, steps + drawn)
        elif left:
            raise Short((shortage(self.item.code, self.item.scale, steps, steps - left),))
        for code in dict.fromkeys(move.lot for move in found):
            self.work.guard(self.work.lot(self.item.code, code))
        return _together(found)

    def _rows(self) -> Sequence[Stocked]:
        """What may be taken, in the order of the item's rule."""
        work, code = self.work, self.item.code
        places = places_for(work, self.run)
        if self.place is not None:
            work.catalogue.place(self.place)
        if self.lot is not None:
            lot = work.lot(code, self.lot)
            reason = unusable(lot, work.day_then)
            if reason is not None and not self.any_state:
                raise work.refuse_lot(code, self.lot, reason)
            if lot.paper == self.run.number:
                raise work.refuse_lot(code, self.lot, "made by this very run")
            rows = [row for row in work.reader.standing([(code, self.lot)])[code, self.lot] if not row.place.startswith(LINE)]
            if not self.any_state:
                rows = [row for row in rows if row.place in places]
            return [row for row in rows if self.place is None or row.place == self.place]
        rows = [
            row for row in work.reader.stocked((code,))[code]
            if row.place in places and (self.place is None or row.place == self.place)
            and unusable(row.lot, work.day_then) is None and row.lot.paper != self.run.number
        ]  # fmt: skip
        rule = self.item.pick
        return sorted(rows, key=ORDERS["age" if rule in ("fifo", "lifo") else "expiry"], reverse=rule == "lifo")

    def _as_it_was(self, rows: Sequence[Stocked]) -> tuple[Sequence[Stocked], dict[tuple[str, str], int]]:
        """The rows as of when it happened, and what could have been taken of each since; what was counted since is not taken today."""
        work, code = self.work, self.item.code
        if not rows and self.lot is not None:
            rows = [Stocked(work.lot(code, self.lot), self.place or STOCK, 0, 0)]  # used up since
        then, found = {}, []
        for row in rows:
            key = (code, row.lot.code, row.place)
            could = then[key[1:]] = could_take(work, key, work.happened)
            counted = next_mark(work, key, work.happened) is not None
            found.append(row._replace(on_hand=could, allocated=0) if counted else row)
        return found, then

    def _displace(self, rows: Sequence[Stocked], missing: int, target: str, serves: str, wanted: int) -> list[Move]:
        work = self.work
        supplies = [(LOT, row.lot.item, row.lot.code) for row in rows]
        claims, spots = work.reader.claims(supplies), {(row.lot.code, row.place) for row in rows}
        links: list[Allocation] = [
            link for supply in dict.fromkeys(supplies) for link in claims[supply]
            if (link.ref, link.place) in spots and link.demand != self.run.number
        ]  # fmt: skip
        ranks = demand_ranks(work, links)
        losses = displaced(links, missing, lambda link: ranks[link.demand])
        short = missing - sum(loss.takes for loss in losses)
        if short:
            quantity = self.item.quantity
            raise TooMuch(f"used of {self.item.code}", quantity(wanted), quantity(wanted - short), COUNT_UP)
        self.displaced += lose(work, losses, f"used by {self.run.number}")
        return [Move(self.item.code, one.allocation.ref, one.takes, one.allocation.place, target, serves) for one in losses]


def _together(moves: Iterable[Move]) -> list[Move]:
    """Moves of the same lot between the same places as one."""
    sums: dict[tuple[str, str, str, str, str], int] = {}
    for item, lot, steps, source, target, line in moves:
        key = (item, lot, source, target, line)
        sums[key] = sums.get(key, 0) + steps
    return [Move(item, lot, steps, source, target, line) for (item, lot, source, target, line), steps in sums.items()]


def issuing(
    name: str, item: str, amount: Any, *, lot: str | None, place: str | None, instead_of: str | None, reason: str,
    rework: bool, force: bool, at: datetime | None,
) -> Callable[[Work], Handled]:  # fmt: skip
    """The decision behind `shop.production.issue`."""

    def decide(work: Work) -> Handled:
        run, now, when = _begun(work, name, "issue", at)
        code, ref = serves(work, run, item, instead_of, reason)
        if rework and (lot is None or not reason):
            raise InvalidInput("rework", f"lot {lot}, reason {reason!r}", "the lot that is worked again, and why")
        known = work.item(code)
        if lot is None and known.pick == "manual":
            raise InvalidInput("lot", None, f"a lot of {code}, which is picked by hand")
        steps = as_lot(work, known, lot, amount).positive(amount)
        drop_expired_quotes(work, (code,))
        taking = Taking(work, run, known, lot=lot, place=place, rework=rework, force=force)
        moves = taking.moves(ref, steps, line_of(name))
        work.step(run, now, "issue", reason=reason, details=(("item", code), ("line", ref), *when))
        enter(work, "issue", name, moves, at=at, reason=reason)
        return Handled(name, tuple(moves), taking.displaced, work.told())

    return decide


def serves(work: Work, run: ProductionOrder, item: str, instead_of: str | None, reason: str) -> tuple[str, str]:
    """The item that is meant (by its code or its line), and the line of the run that it serves: for an additional one, its own code.

    Raises:
        InvalidInput: (`invalid_input`) a substitute for itself; something that the run does not need, without a reason.
    """
    line = next((need for need in run.lines if item in (need.ref, need.item)), None)
    if instead_of is not None:
        stands_for = run.need(instead_of)
        code = work.item(item).code
        if code == stands_for.item:
            raise InvalidInput("instead_of", instead_of, f"another item than {item} itself")
        if not reason:
            raise InvalidInput("reason", reason, f"why {item} is used instead of {instead_of}")
        return code, stands_for.line
    if line is not None:
        return line.item, line.ref
    if not reason:
        needs = ", ".join(need.ref for need in run.lines) or "nothing"
        raise InvalidInput("reason", reason, f"why {item} is used; {run.number} needs {needs}")
    return work.item(item).code, item


def giving_back(
    name: str, item: str, amount: Any, *, lot: str | None, to: str | None, reason: str, at: datetime | None
) -> Callable[[Work], Handled]:
    """The decision behind `shop.production.give_back`."""

    def decide(work: Work) -> Handled:
        run, now, when = _begun(work, name, "give_back", at)
        row, steps = on_its_line(work, run, item, amount, lot)
        if to is not None:
            work.catalogue.place(to)
        moves = homeward(work, name, [row._replace(on_hand=steps)], to)
        work.guard(row.lot)
        work.step(run, now, "give_back", reason=reason, details=(("item", row.lot.item), ("line", _line_of(run, row.lot.item)), *when))
        enter(work, "give_back", name, moves, at=at, reason=reason)
        return Handled(name, tuple(moves), (), work.told())

    return decide


def scrapping(
    name: str, item: str, amount: Any, *, lot: str | None, reason: str, at: datetime | None
) -> Callable[[Work], Handled]:  # fmt: skip
    """The decision behind `shop.production.scrap`."""

    def decide(work: Work) -> Handled:
        run, now, when = _begun(work, name, "scrap", at)
        needs_reason(reason, f"why {item} is scrapped")
        row, steps = on_its_line(work, run, item, amount, lot)
        code = row.lot.item
        move = Move(code, row.lot.code, steps, row.place, SCRAP, f"{name}/{_line_of(run, code)}")
        work.guard(row.lot)
        work.step(run, now, "scrap", reason=reason, details=(("item", code), ("lot", row.lot.code), *when))
        enter(work, "scrap", name, [move], at=at, reason=reason)
        _tell(work, [move], "scrap", reason)
        return Handled(name, (move,), (), work.told())

    return decide


def using(
    name: str, item: str, amount: Any, *, lot: str | None, place: str | None, reason: str, at: datetime | None
) -> Callable[[Work], Handled]:
    """The decision behind `shop.production.use`."""

    def decide(work: Work) -> Handled:
        run, now, when = _begun(work, name, "use", at)
        needs_reason(reason, f"why {item} is written down only now")
        code, ref = serves(work, run, item, None, reason)
        known = work.item(code)
        steps = as_lot(work, known, lot, amount).positive(amount)
        drop_expired_quotes(work, (code,))
        taking = Taking(work, run, known, lot=lot, place=place, fact=True)
        moves = taking.moves(ref, steps, PRODUCTION)
        work.step(run, now, "use", reason=reason, details=(("item", code), ("amount", str(known.quantity(steps))), *when))
        enter(work, "use", name, moves, at=at, reason=reason)
        _tell(work, moves, "use", reason)
        return Handled(name, tuple(moves), taking.displaced, work.told())

    return decide


def _begun(work: Work, name: str, step: str, at: datetime | None) -> tuple[ProductionOrder, str, tuple[tuple[str, str], ...]]:
    """The run, its state, and the details of the step in the diary: dated back, it did not happen before the run was started.

    Raises:
        NotAllowed: (`not_allowed`) with the steps that are possible. InvalidInput: (`invalid_input`) the time.
    """
    run: ProductionOrder = work.paper(ProductionOrder, name)
    now = work.state(run)
    allow(PRODUCTION_STEPS, name, now, step)
    starts = [] if at is None else [entry for entry in work.reader.diary((name,))[name] if entry.step == "start"]
    return run, now, date_step(work, name, at, starts)


def stepping(name: str, step: str, reason: str) -> Callable[[Work], Stepped]:
    """The decision behind `release`, `replan`, `close` and `reopen`: nothing but a step in the diary."""

    def decide(work: Work) -> Stepped:
        run: ProductionOrder = work.paper(ProductionOrder, name)
        after = work.step(run, work.state(run), step, reason=reason)
        if step == "release":
            refuse_stopped(work, run, step)
            work.tell(ProductionReleased(work.at, name, run.item))
        return Stepped(name, after, work.told())

    return decide


def needs_reason(reason: str, why: str) -> None:
    """Refuse an entry that nobody could understand later."""
    if not note(reason, "reason").strip():
        raise InvalidInput("reason", reason, why)


def on_its_line(work: Work, run: ProductionOrder, item: str, amount: Any, lot: str | None) -> tuple[Stocked, int]:
    """The lot of an item on the run's line, and so many steps of it."""
    code = next((need.item for need in run.lines if item == need.ref), item)
    known = work.item(code)
    steps = as_lot(work, known, lot, amount).positive(amount)
    rows = [row for row in work.reader.at_place(line_of(run.number)) if row.lot.item == code]
    lots = ", ".join(row.lot.code for row in rows)
    if lot is not None:
        work.lot(code, lot)
        rows = [row for row in rows if row.lot.code == lot]
    if len(rows) > 1:
        raise InvalidInput("lot", lot, f"one of {lots}")
    there = rows[0].on_hand if rows else 0
    if steps > there:
        which = f"lot {lot} of {code}" if lot is not None else code
        raise TooMuch(f"{which} on the line of {run.number}", known.quantity(steps), known.quantity(there), lots and f"there: {lots}")
    return rows[0], steps


def homeward(work: Work, name: str, rows: Iterable[Stocked], to: str | None = None) -> list[Move]:
    """Moves of what lies on a run's line to where it came from: to the last place first, never more than came from there."""
    line = line_of(name)
    came = {} if to is not None else came_from(work, name)
    moves = []
    for row in rows:
        steps, item, code = row.on_hand, row.lot.item, row.lot.code
        for place, most in reversed(came.get((item, code), {}).items()):
            back = min(steps, most)
            moves += [Move(item, code, back, line, place)] if back > 0 else []
            steps -= max(0, back)
        moves += [Move(item, code, steps, line, to or STOCK)] if steps else []  # made for this line, or counted up on it
    return moves


def came_from(work: Work, name: str) -> dict[tuple[str, str], dict[str, int]]:
    """Per lot the places that a run's materials came from, and the steps that have not gone back there."""
    line = line_of(name)
    came: dict[tuple[str, str], dict[str, int]] = {}
    for posting in work.reader.postings(papers=[name]):
        if posting.paper == name:
            for item, lot, steps, source, target, _ in posting.moves:
                if inside(source) and source != line and target in (line, PRODUCTION) and posting.kind != "reverse":
                    place, sign = source, 1
                elif inside(target) and target != line and source in (line, PRODUCTION) and posting.kind != "make":
                    place, sign = target, -1
                else:
                    continue
                places = came.setdefault((item, lot), {})
                places[place] = places.get(place, 0) + sign * steps
    return came


def _line_of(run: ProductionOrder, item: str) -> str:
    return next((need.ref for need in run.lines if need.item == item), item)


def _tell(work: Work, moves: Iterable[Move], kind: str, reason: str) -> None:
    for move in moves:
        quantity = work.item(move.item).quantity(-move.steps)
        work.tell(StockChanged(work.at, lot_document(move.item, move.lot), move.item, move.lot, kind, quantity, reason))
