"""Choosing what leaves for an order: what is allocated and usable, other lots than allocated, a little more or less than ordered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

from krafte_core.allocation import LOT, PICKED, QUOTED, Allocation
from krafte_core.availability import Shortage, shortage
from krafte_core.desks.releasing import let_go
from krafte_core.errors import InvalidInput, Short, TooMuch
from krafte_core.netting import lot_links, shipped, squeeze
from krafte_core.orders import CustomerOrder, OrderLine, OrderNeed
from krafte_core.stock import Lot, Stocked, pick, unusable
from krafte_core.work import Work, arrival_day


class Leaving(NamedTuple):
    """Steps of a lot that leave from a place for a need of an order: by a link, or from what is free."""

    need: str
    lot: Lot
    place: str
    steps: int
    link: Allocation | None


class _Ready(NamedTuple):
    link: Allocation
    lot: Lot


Amounts = Mapping[str, Any]
Lots = Mapping[str, Mapping[str, Any]]


class Choice:
    """What leaves for one order.

    Args:
        work: the command.
        order: a confirmed order.
        force: whether promises to others may be broken for lots that were asked for by name.
    """

    def __init__(self, work: Work, order: CustomerOrder, *, force: bool = False) -> None:
        """Read what is ready, and why the rest is not."""
        self.work = work
        self.order = order
        self.force = force
        self.chosen: list[Leaving] = []
        self.arrives = arrival_day(work, order.shipping)
        self._before: Mapping[str, int] | None = None
        links = work.reader.links((order.number,))[order.number]
        self.links = [link for link in links if link.source == LOT and link.firmness != QUOTED]
        self.blocked: list[str] = []
        self.ready = self._ready()

    @property
    def before(self) -> Mapping[str, int]:
        """Steps per need that have left already."""
        if self._before is None:
            self._before = shipped(self.work, self.order.number)
        return self._before

    def _ready(self) -> dict[str, list[_Ready]]:
        work, links = self.work, self.links
        lots = work.reader.lots([(link.item, link.ref) for link in links])
        ready: dict[str, list[_Ready]] = {}
        for link in links:
            lot = lots[link.item, link.ref]
            reason = unusable(lot, self.arrives) or (None if work.catalogue.usable_place(link.place) else f"in {link.place}")
            if reason is None:
                ready.setdefault(link.line, []).append(_Ready(link, lot))
            else:
                self.blocked.append(f"{lot.item} {lot.code}: {reason}")
        for rows in ready.values():
            if len(rows) > 1:
                rows.sort(key=lambda row: (row.lot.expires or date.max, row.lot.received_at, row.lot.code))
        return ready

    # what leaves ------------------------------------------------------------------------------------------------------

    def take(self, amounts: Amounts | None, lots: Lots | None) -> None:
        """Everything that is ready, so much of each line, or so much of each lot.

        Raises:
            Short: (`short`) not so much is there, or only a part of an order that leaves complete.
        """
        self.chosen = self._by_lot(lots) if lots is not None else self._everything() if amounts is None else self._asked(amounts)
        if self.order.delivery == "complete":
            missing = [need for need in self.order.needs if self._total(need) < self._enough(need)]
            if missing:
                raise Short(tuple(self._shortage(need.item, need.steps, self._total(need)) for need in missing))

    def settle(self) -> None:
        """Give up links beyond what is still wanted: after other lots, more than ordered, or nearly all of it.

        An order of which nothing more is to leave is not open any more.
        """
        if self._is_all():
            self.work.changes.closed.add(self.order.number)
        if self.chosen_by_link and not any(line.over or line.under for line in self.order.lines):
            return
        used = {row.link[:6]: row.steps for row in self.chosen if row.link is not None}
        by_need: dict[str, list[Allocation]] = {}
        for link in self.work.reader.links((self.order.number,))[self.order.number]:
            gone = used.get(link[:6], 0)
            if link.takes > gone:
                by_need.setdefault(link.line, []).append(link._replace(takes=link.takes - gone, covers=link.covers - gone))
        for need in self.order.needs:
            total, links = self._total(need), by_need.get(need.ref, [])
            left = 0 if total >= self._enough(need) else need.steps - total
            let_go(self.work, links, sum(link.covers for link in links) - left)

    @property
    def chosen_by_link(self) -> bool:
        """Whether everything leaves as it was allocated."""
        return not [row for row in self.chosen if row.link is None]

    def _is_all(self) -> bool:
        sums: dict[str, int] = {}
        for row in self.chosen:
            sums[row.need] = sums.get(row.need, 0) + row.steps
        needs = self.order.needs
        for need in needs:
            if sums.get(need.ref, 0) < need.steps:
                return all(self._total(need) >= self._enough(need) for need in needs)
        return True

    def _total(self, need: OrderNeed) -> int:
        return self.before.get(need.ref, 0) + sum(row.steps for row in self.chosen if row.need == need.ref)

    def _enough(self, need: OrderNeed) -> int:
        line = self.order.line(need.line)
        return need.steps if line.parts else line.least

    def _everything(self) -> list[Leaving]:
        """All that is ready, kits only whole."""
        chosen = [row for line in self.order.lines for row in self._of_line(line, None)]
        if not chosen:
            raise Short(tuple(self._shortage(line.item, line.steps, 0) for line in self.order.lines))
        return chosen

    def _asked(self, amounts: Amounts) -> list[Leaving]:
        """So much of each line; beyond what is allocated only within the line's tolerance, from what is free."""
        lines = [self.order.line(name) for name in amounts]
        if len({line.ref for line in lines}) < len(lines):
            raise InvalidInput("amounts", [*amounts], "every line once, by its ref or its item")
        chosen = []
        for (name, amount), line in zip(amounts.items(), lines, strict=True):
            steps = self.work.item(line.item).positive(amount, f"amounts[{name!r}]")
            there = self._there(line)
            more = steps - there
            if more > 0 and (line.parts or line.over is None):
                raise Short((self._shortage(line.item, steps, there),))
            chosen += self._of_line(line, min(steps, there))
            if more > 0:
                chosen += self._beyond(line, steps, more)
        return chosen

    def _by_lot(self, lots: Lots) -> list[Leaving]:
        """So much of each lot, allocated or not."""
        chosen: list[Leaving] = []
        for name, given in lots.items():
            need = self._need(name)
            item = self.work.item(need.item)
            rows = [(code, item.positive(amount, f"lots[{name!r}][{code!r}]")) for code, amount in given.items()]
            self._not_too_much(need, sum(steps for _, steps in rows))
            for code, steps in rows:
                chosen += self._of_lot(need, code, steps)
        return chosen

    # one line ---------------------------------------------------------------------------------------------------------

    def _there(self, line: OrderLine) -> int:
        """Steps of the line that may leave: of a kit as many as are whole with what has left before."""
        sums = {need.ref: sum([row.link.takes for row in self.ready.get(need.ref, ())]) for need in line.needs}
        if not line.parts:
            return sums[line.ref]
        return line.whole({ref: steps + self.before.get(ref, 0) for ref, steps in sums.items()}) - line.whole(self.before)

    def _of_line(self, line: OrderLine, steps: int | None) -> list[Leaving]:
        if not line.parts:
            return self._taken(line.ref, steps)
        kits = self._there(line) if steps is None else steps
        upto = line.whole(self.before) + kits
        chosen = []
        for need, part in zip(line.needs, line.parts, strict=True):
            chosen += self._taken(need.ref, max(0, part.steps * upto - self.before.get(need.ref, 0)) if kits else 0)
        return chosen

    def _taken(self, need: str, steps: int | None) -> list[Leaving]:
        chosen = []
        for link, lot in self.ready.get(need, ()):
            took = link.takes if steps is None else min(steps, link.takes)
            if took:
                chosen.append(Leaving(need, lot, link.place, took, link))
                steps = None if steps is None else steps - took
        return chosen

    def _beyond(self, line: OrderLine, asked: int, more: int) -> list[Leaving]:
        self._not_too_much(OrderNeed(line.ref, line.ref, line.item, line.steps), asked)
        rule, order = self.work.catalogue.pickings[line.item]
        rows = self.work.reader.lots_of(line.item, order)
        usable, owners = self.work.catalogue.usable_places, self.work.owners(self.order.customer)
        picked = pick(rule, rows, more, self.arrives, usable_places=usable, owners=owners)
        if picked.missing:
            raise Short((self._shortage(line.item, asked, asked - picked.missing),))
        return [Leaving(line.ref, row.lot, row.place, steps, None) for row, steps in picked.taken]

    def _of_lot(self, need: OrderNeed, code: str, steps: int) -> list[Leaving]:
        """From the own links to the lot, then from what is free of it, then, if forced, from what others were promised."""
        work = self.work
        lot = work.lot(need.item, code)
        rows = [row for row in work.reader.standing([(need.item, code)])[need.item, code] if work.catalogue.usable_place(row.place)]
        reason = unusable(lot, self.arrives)
        if reason is None and lot.owner is not None and lot.owner not in work.owners(self.order.customer):
            reason = f"belongs to {lot.owner}"
        if reason is not None or not rows:
            raise work.refuse_lot(need.item, code, reason or "it stands in no place that may be used")
        own = {row.link.place: row.link for row in self.ready.get(need.ref, ()) if row.link.ref == code}
        chosen, left = [], steps
        for place, link in own.items():
            took = min(left, link.takes)
            chosen += [Leaving(need.ref, lot, place, took, link)] if took else []
            left -= took
        for row in rows:
            took = min(left, row.free)
            chosen += [Leaving(need.ref, lot, row.place, took, None)] if took else []
            left -= took
        if left and self.force:
            chosen += self._forced(need, rows, left)
        elif left:
            raise Short((self._shortage(f"{need.item} lot {code}", steps, steps - left, need.item),))
        return chosen

    def _forced(self, need: OrderNeed, rows: Sequence[Stocked], left: int) -> list[Leaving]:
        chosen = []
        key = (rows[0].lot.item, rows[0].lot.code)
        for row in rows:
            others = [link for link in lot_links(self.work, [key]) if link.place == row.place and link.demand != self.order.number]
            loose = [link for link in others if link.firmness not in (PICKED, QUOTED)]
            took = min(left, sum(link.takes for link in loose))
            if took:
                squeeze(self.work, loose, took, f"shipped for {self.order.number}")
                chosen.append(Leaving(need.ref, row.lot, row.place, took, None))
                left -= took
        if left:
            raise Short((self._shortage(f"{need.item} lot {key[1]}", left, 0, need.item),))
        return chosen

    def _need(self, name: str) -> OrderNeed:
        for need in self.order.needs:
            if need.ref == name:
                return need
        line = self.order.line(name)
        if line.parts:
            raise InvalidInput("lots", name, "one of " + ", ".join(need.ref for need in line.needs))
        return line.needs[0]

    def _not_too_much(self, need: OrderNeed, asked: int) -> None:
        line = self.order.line(need.line)
        most = (need.steps if line.parts else line.most) - self.before.get(need.ref, 0)
        if asked > most:
            quantity = self.work.item(need.item).quantity
            raise TooMuch(f"shipped of {need.item}", quantity(asked), quantity(most), "more than that was not ordered")

    def _shortage(self, name: str, needed: int, there: int, item: str = "") -> Shortage:
        known = self.work.item(item or name)
        return shortage(f"{name} ({'; '.join(self.blocked)})" if self.blocked else name, known.scale, needed, there)
