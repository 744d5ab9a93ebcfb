"""The stock's part of the machine: samples, splits, blends, entries dated back, returns from customers and to suppliers."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from fractions import Fraction
from typing import Any

import attrs
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from krafte_core import KrafteError
from krafte_core.errors import AlreadyExists, InvalidInput, LotNotUsable, LotUnknown, NotAllowed, TooMuch
from tests.shop.naive import PER_UNIT, NaiveLot, NaivePurchase, amount, books, steps_of

WHICH = st.integers(0, 60)
PERCENT = st.sampled_from([10, 50, 100, 130])
HOURS = st.sampled_from([0, 0, 1, 30, 200])
COMES = {"production": "made", "customer": "returned", "supplier": "received", "found": "found"}
GOES = {"production": "used", "customer": "shipped", "supplier": "supplier_returned"}
"""What a move from or to outside the house means for a lot."""


def mixed(lots: list[NaiveLot], steps: list[int]) -> Fraction | int | None:
    """The content of lots that were poured together, to a millionth; nobody knows it where one of them says nothing."""
    told = [lot.potency for lot in lots]
    if None in told or len({*told}) == 1:
        return None if None in told else told[0]
    whole = sum((potency or 0) * amount for potency, amount in zip(told, steps, strict=True))
    return Fraction(round(Fraction(whole, sum(steps)) * 10**6), 10**6)


class StockRules:
    """Rules for `WorkshopMachine`; a base class, so that the machine stays one."""

    naive: Any
    shop: Any
    clock: Any
    do: Any
    choose: Any
    links: Any
    counted: Any
    today: Any
    posted: Any
    could: Any

    def a_shelf(self, which: int, likely: Any = lambda row: True) -> tuple[str, str, str] | None:
        """A lot where it stands, not on a line."""
        rows = [row for row in self.naive.standing() if not row[2].startswith("line:")]
        return self.choose(rows, which, likely) if rows else None

    def covered(self) -> Counter[str]:
        """Steps of cover per demand and line; nothing that only moves may change it."""
        sums = Counter[str]()
        for link in self.counted():
            sums[f"{link.demand}/{link.line}"] += link.covers
        return sums

    def drawn(self, row: tuple[str, str, str]) -> int:
        return sum(link.takes for link in self.counted() if link[2:6] == ("lot", *row))

    # lots become other lots -------------------------------------------------------------------------------------------

    def could_take(self, row: tuple[str, str, str], at: Any) -> int:
        """What can be taken of a lot at a place, as of then."""
        there: int = self.naive.on_hand[row]
        return there if at is None else min(there, self.could(row, at)[0])

    def follow_slips(self, since: int, at: Any, like: Any = None) -> None:
        """Follow the moves of the last command into the slips of then; a new lot is as the twin expects it."""
        touched = dict.fromkeys([("", "", "")])
        for posting in books(self.shop)["postings"][since:]:
            for item, lot, steps, source, target, _ in posting.moves:
                if posting.kind == "recount":
                    self.naive.lots[item, lot].flow["count_loss"] += -steps if source == "count" else steps
                    continue
                assert posting.happened_at == (at or self.clock.now())
                if (item, lot) not in self.naive.lots:
                    self.naive.lots[item, lot] = attrs.evolve(like, item=item, code=lot, flow=Counter(), born=posting.happened_at)
                flow = self.naive.lots[item, lot].flow
                for place, change, words in ((source, -steps, COMES), (target, steps, GOES)):
                    if place in words:
                        flow[words[place]] += steps
                    else:
                        slips = self.naive.slips[item, lot, place]
                        slips.append((posting.happened_at, len(slips), False, change))
                        touched[item, lot, place] = None
        for row in [*touched][1:]:
            after = self.naive.replayed(self.naive.slips[row])
            assert after is not None, f"{row} was negative"
            self.naive.set(row, after)

    def ago(self, hours: int) -> Any:
        return self.clock.now() - timedelta(hours=hours) if hours else None

    @precondition(lambda self: self.naive.on_hand)
    @rule(which=WHICH, percent=PERCENT, hours=HOURS)
    def split_a_lot(self, which, percent, hours):
        row = self.a_shelf(which)
        if row is None:
            return
        item, code, where = row
        at, before, since = self.ago(hours), self.covered(), self.posted()
        steps = max(1, self.naive.on_hand[row] * percent // 100)
        must = TooMuch if steps > self.could_take(row, at) else None
        part = self.do(
            lambda key: self.shop.stock.split(item, amount(item, steps), lot=code, place=where, happened_at=at, key=key),
            must=must,
            at=at,
        )
        if isinstance(part, KrafteError):
            return
        self.follow_slips(since, at, attrs.evolve(self.naive.lots[item, code], origin="conversion"))
        assert (part.lot.item, steps_of(item, part.amount)) == (item, steps)
        assert self.covered() == before

    @precondition(lambda self: len(self.naive.on_hand) > 1)
    @rule(which=WHICH, other=WHICH, percent=PERCENT, hours=HOURS)
    def blend_lots(self, which, other, percent, hours):
        first = self.a_shelf(which)
        second = None if first is None else self.a_shelf(other, lambda row: row[0] == first[0] and row[1] != first[1])
        if first is None or second is None or second[0] != first[0] or second[1] == first[1] or second[2] != first[2]:
            return
        item, at, before, since = first[0], self.ago(hours), self.covered(), self.posted()
        steps = [max(1, self.naive.on_hand[row] * percent // 100) for row in (first, second)]
        lots = [self.naive.lots[row[0], row[1]] for row in (first, second)]
        on = at.date() if at else self.today
        wrong = any(lot.disposition != "released" or (lot.expires and lot.expires < on) for lot in lots)
        too_much = any(wanted > self.could_take(row, at) for wanted, row in zip(steps, (first, second), strict=True))
        amounts = {lot.code: amount(item, wanted) for lot, wanted in zip(lots, steps, strict=True)}
        blend = self.do(
            lambda key: self.shop.stock.blend(item, amounts, place=first[2], to="shelf", happened_at=at, key=key),
            must=(TooMuch, LotNotUsable) if wrong or too_much else None,
            at=at,
        )
        if isinstance(blend, KrafteError):
            return
        dates = [lot.expires for lot in lots if lot.expires is not None]
        like = NaiveLot(item, "", "conversion", min(dates, default=None), potency=mixed(lots, steps))
        self.follow_slips(since, at, like)
        assert (steps_of(item, blend.amount), blend.lot.expires) == (sum(steps), like.expires)
        assert self.covered() == before

    @precondition(lambda self: self.naive.on_hand)
    @rule(which=WHICH, percent=PERCENT, to=st.sampled_from(["base", "balm", "oil"]), force=st.booleans(), hours=HOURS)
    def sell_as_something_else(self, which, percent, to, force, hours):
        row = self.a_shelf(which)
        if row is None:
            return
        item, code, where = row
        at, since, there = self.ago(hours), self.posted(), self.naive.on_hand[row]
        steps = max(1, there * percent // 100)
        most = min(self.could_take(row, at), there if force else there - self.drawn(row))
        made = max(1, steps // 2)
        wrong = (*((InvalidInput,) if item == to else ()), *((TooMuch,) if steps > most else ()))
        wrong += (AlreadyExists,) if (to, code) in self.naive.lots else ()
        done = self.do(
            lambda key: self.shop.stock.regrade(
                item, amount(item, steps), lot=code, to=to, made=amount(to, made), place=where, force=force, happened_at=at, key=key
            ),
            must=wrong or None,
            at=at,
        )
        if isinstance(done, KrafteError):
            return
        like = attrs.evolve(self.naive.lots[item, code], origin="conversion", disposition="waiting" if to == "balm" else "released")
        self.follow_slips(since, at, like)
        assert self.naive.lots[to, code].flow["made"] == made
        left = sum(link.takes for link in self.links() if link[2:6] == ("lot", *row))
        assert not done.displaced or left == self.naive.on_hand[row], "more was taken from somebody than had to be"

    @precondition(lambda self: self.naive.on_hand)
    @rule(which=WHICH, percent=PERCENT, to=st.sampled_from(["stock", "shelf", "quarantine"]))
    def move_with_its_promises(self, which, percent, to):
        row = self.a_shelf(which, lambda row: row[2] != to)
        if row is None or row[2] == to:
            return
        item, code, where = row
        before, there = self.covered(), self.naive.on_hand[row]
        steps = max(1, there * percent // 100)
        must = TooMuch if steps > there else None
        self.do(
            lambda key: self.shop.stock.transfer(item, amount(item, steps), lot=code, place=where, to=to, reserved=True, key=key),
            must=must,
        )
        if not must:
            self.naive.put(item, code, where, -steps)
            self.naive.put(item, code, to, steps)
            assert self.covered() == before

    # facts, also of yesterday -----------------------------------------------------------------------------------------

    @precondition(lambda self: self.naive.on_hand)
    @rule(
        which=WHICH, percent=st.sampled_from([0, 10, 40, 100, 130]), hours=st.sampled_from([0, 1, 30, 200]),
        kind=st.sampled_from(["scrap", "sample", "count"]),
    )  # fmt: skip
    def it_happened_earlier(self, which, percent, hours, kind):
        """Allowed if and only if slips of paper, sorted by their time, would never have gone below nothing."""
        row = self.a_shelf(which)
        if row is None:
            return
        item, code, where = row
        at = self.clock.now() - timedelta(hours=hours)
        steps = self.naive.on_hand[row] * percent // 100
        if kind != "count" and not steps:
            return
        before = self.naive.on_hand[row]
        slips = self.naive.slips[row]
        mine = (at, len(slips), kind == "count", steps if kind == "count" else -steps)
        after, was = self.naive.replayed([*slips, mine]), self.naive.stood(slips, at)
        must: Any = TooMuch if after is None else None
        if kind == "count" and steps and at < self.naive.lots[item, code].born:
            must = InvalidInput  # nothing can have been counted before it came
        changed = self.do(
            lambda key: getattr(self.shop.stock, kind)(
                item, amount(item, steps), lot=code, place=where, happened_at=at if hours else None, key=key
            ),
            must=must,
            at=at if hours else None,
        )
        if isinstance(changed, KrafteError):
            return
        difference = steps - was if kind == "count" else -steps
        assert steps_of(item, changed.difference) == difference
        lot = self.naive.lots[item, code]
        lot.flow[{"scrap": "scrapped", "sample": "sampled", "count": "count_loss"}[kind]] -= difference
        lot.flow["count_loss"] += difference - (after - before)  # what a later count had found missing is known now
        slips.append(mine)
        if after != before:
            self.naive.set(row, after)

    # goods come back --------------------------------------------------------------------------------------------------

    @precondition(lambda self: self.naive.shipments)
    @rule(
        which=WHICH,
        percent=st.sampled_from([20, 100, 150]),
        reopen=st.booleans(),
        named=st.booleans(),
        to=st.sampled_from(["shelf", "quarantine"]),
    )
    def come_back(self, which, percent, reopen, named, to):
        sent = self.choose(self.naive.shipments.values(), which)
        line = sent.lines[which % len(sent.lines)]
        order, item = self.naive.orders[line.order], line.item
        if "+" in line.line:
            self.a_set_comes_back(order, line.line.partition("+")[0], to, reopen)
            return
        out = {lot: steps for (number, ref, lot), steps in self.naive.out().items() if (number, ref) == (line.order, line.line)}
        most = out.get(line.lot, 0) if named or len(out) == 1 else 0
        steps = max(1, line.steps * percent // 100)
        must: Any = NotAllowed if order.state in ("cancelled", "merged", "placed") or (reopen and order.state == "closed") else None
        if must is None:
            must = LotUnknown if not named and len(out) > 1 else TooMuch if steps > most else None
        back = self.do(
            lambda key: self.shop.shipping.receive_return(
                line.order, amounts={line.line: amount(item, steps)}, lot=line.lot if named else None, to=to, reopen=reopen, key=key
            ),
            must=must,
        )
        if must:
            return
        ((lot, _),) = back.lots
        self.naive.put(item, lot.code, to, steps)
        self.naive.lots[item, lot.code].flow["returned"] += steps
        self.naive.returned[line.order, line.line, lot.code] += steps
        if reopen:
            order.back[line.line] += steps

    def a_set_comes_back(self, order, line, to, reopen):
        """One gift set, with everything that is in it."""
        if line not in order.lines:
            return
        out = {need: {} for need in order.parts(line)}
        for (number, need, lot), steps in self.naive.out().items():
            if number == order.number and need in out:
                out[need][lot] = steps
        must: Any = NotAllowed if order.state in ("cancelled", "merged", "placed") or (reopen and order.state == "closed") else None
        wrong: tuple[Any, ...] = (LotUnknown,) * any(len(lots) > 1 for lots in out.values())
        wrong += (TooMuch,) * any(sum(out[need].values()) < each for need, each in order.parts(line).items())
        back = self.do(
            lambda key: self.shop.shipping.receive_return(order.number, amounts={line: "1 each"}, to=to, reopen=reopen, key=key),
            *wrong,
            must=must,
        )
        if isinstance(back, KrafteError):
            return
        assert not wrong
        for (need, each), (lot, _) in zip(order.parts(line).items(), back.lots, strict=True):
            self.naive.put(lot.item, lot.code, to, each)
            self.naive.lots[lot.item, lot.code].flow["returned"] += each
            self.naive.returned[order.number, need, lot.code] += each
            order.back[need] += each if reopen else 0

    @precondition(lambda self: self.naive.on_hand)
    @rule(which=WHICH, percent=PERCENT, force=st.booleans())
    def send_back(self, which, percent, force):
        row = self.a_shelf(which, lambda row: self.naive.lots[row[0], row[1]].origin == "received")
        if row is None:
            return
        item, code, where = row
        there = self.naive.on_hand[row]
        steps = max(1, there * percent // 100)
        must: Any = None
        if self.naive.lots[item, code].origin != "received":
            must = InvalidInput
        elif steps > (there if force else there - self.drawn(row)):
            must = TooMuch
        desk = self.shop.purchasing.send_back
        self.do(lambda key: desk(item, amount(item, steps), lot=code, place=where, force=force, key=key), must=must)
        if not must:
            self.naive.put(item, code, where, -steps)
            self.naive.lots[item, code].flow["supplier_returned"] += steps
            assert self.drawn(row) <= there - steps

    # what suppliers say -----------------------------------------------------------------------------------------------

    @precondition(lambda self: self.naive.purchases)
    @rule(which=WHICH, percent=st.sampled_from([30, 100, 200]))
    def the_supplier_brings_another_amount(self, which, percent):
        paper: NaivePurchase = self.choose(self.naive.purchases.values(), which, lambda row: row.state == "ordered")
        steps = max(1, paper.steps * percent // 100)
        must: Any = None if paper.state == "ordered" else NotAllowed
        if must is None and steps < paper.came:
            must = TooMuch
        changed = self.do(
            lambda key: self.shop.purchasing.change(paper.number, paper.item, amount=amount(paper.item, steps), key=key), must=must
        )
        if must:
            return
        paper.steps = steps
        paper.state = "closed" if paper.came >= steps else "ordered"
        drawn = sum(link.takes for link in self.links() if link[2:5] == ("purchase", paper.item, paper.number))
        assert drawn <= steps - paper.came
        assert all(row.item in PER_UNIT for row in changed.displaced)

    @precondition(lambda self: self.naive.purchases)
    @rule(which=WHICH, hours=st.sampled_from([1, 50, 500]))
    def the_supplier_names_another_day(self, which, hours):
        paper = self.choose(self.naive.purchases.values(), which, lambda row: row.state == "ordered")
        must = None if paper.state == "ordered" else NotAllowed
        links, at = self.links(), self.clock.now() + timedelta(hours=hours)
        self.do(lambda key: self.shop.purchasing.reschedule(paper.number, at, key=key), must=must)
        assert self.links() == links, "a supply that moves keeps its links"
