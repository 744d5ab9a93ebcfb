"""The orders' part of the machine: change, split, merge, close, reopen, and lots by hand; and what the twin knows of them."""

from __future__ import annotations

from collections import Counter
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from krafte_core import KrafteError, OrderLine, Short
from krafte_core.errors import InvalidInput, LotNotUsable, NotAllowed, TooMuch
from tests.shop.naive import MADE, NaiveOrder, amount, steps_of

WHICH = st.integers(0, 60)
LIVE = ("placed", "confirmed")


def priced(item: str, steps: int, price: int | None, ref: str = "") -> OrderLine:
    """A line as the customer says it, with its price where there is one."""
    more = {} if price is None else {"price": f"{price} EUR"}
    return OrderLine(item, amount(item, steps), ref=ref, **more) if ref else OrderLine(item, amount(item, steps), **more)


class OrderRules:
    """Rules for `WorkshopMachine`; a base class, so that the machine stays one."""

    naive: Any
    shop: Any
    clock: Any
    do: Any
    choose: Any
    learn_runs: Any
    links: Any
    counted: Any
    check_credit: Any
    holds_agree: Any

    # what the twin knows ----------------------------------------------------------------------------------------------

    def an_order(self, which: int, *states: str) -> NaiveOrder:
        found: NaiveOrder = self.choose(self.naive.orders.values(), which, lambda row: row.state in states)
        return found

    def under_quote(self, order: NaiveOrder) -> bool:
        return order.state == "placed" and any(
            quote.order == order.number and state == "open" and quote.until > self.clock.now()
            for quote, state in self.naive.quotes.values()
        )

    def covers(self, *orders: NaiveOrder) -> Counter[str]:
        """Steps per item that links cover for these orders."""
        numbers, sums = {order.number for order in orders}, Counter[str]()
        for link in self.counted():
            if link.demand in numbers:
                sums[link.item] += link.covers
        return sums

    def nothing_is_covered_twice(self, order: NaiveOrder) -> None:
        sums = Counter[str]()
        for link in self.links():
            sums[link.line] += link.covers if link.demand == order.number else 0
        for need in order.needs:
            assert sums[need] <= order.open(need)

    def learn_sizes(self, surplus: str) -> None:
        """Only planned runs make another amount, and only who asks for it takes runs back."""
        for run in self.naive.runs.values():
            steps, state = steps_of(run.item, self.shop.production.get(run.number).planned), self.shop.production.status(run.number)
            if steps != run.steps:
                assert run.state == "planned", "a run that has begun was resized"
                assert steps > run.steps or surplus == "reduce"
                run.steps = steps
            if state != run.state:
                assert (run.state, state, surplus) == ("planned", "cancelled", "reduce")
                run.state = state

    # rules ------------------------------------------------------------------------------------------------------------

    @precondition(lambda self: self.naive.orders)
    @rule(which=WHICH, percent=st.sampled_from([20, 50, 100, 130, 200]), surplus=st.sampled_from(["keep", "keep", "reduce"]))
    def change_an_order(self, which, percent, surplus):
        order = self.an_order(which, *LIVE)
        wanted = {ref: (item, max(1, steps * percent // 100)) for ref, (item, steps) in order.lines.items()}
        below = any(
            steps * each < sum(order.has(need)) for ref, (_, steps) in wanted.items() for need, each in order.parts(ref).items()
        )
        same = wanted == order.lines
        must: type[KrafteError] | None = NotAllowed if order.state not in LIVE else None
        if not must and not same:
            must = NotAllowed if self.under_quote(order) else InvalidInput if below else None
        lines = [priced(item, steps, order.price, ref) for ref, (item, steps) in wanted.items()]
        done = self.do(lambda key: self.shop.orders.change(order.number, lines=lines, surplus=surplus, key=key), must=must)
        if must:
            return
        order.lines = wanted
        if not same:
            self.check_credit(order)
            self.holds_agree(order)
        self.learn_runs()
        self.learn_sizes(surplus)
        self.nothing_is_covered_twice(order)
        if order.state == "confirmed" and not same:
            covered = self.covers(order)
            for item in MADE:
                assert covered[item] == sum(order.open(need) for need, (one, _) in order.needs.items() if one == item), (
                    "what can be made is made"
                )
        assert same == (not done.events)

    @precondition(lambda self: self.naive.orders)
    @rule(which=WHICH, percent=st.sampled_from([10, 50, 100]))
    def split_an_order(self, which, percent):
        order = self.an_order(which, *LIVE)
        line, (item, whole) = next(iter(order.lines.items()))
        steps = max(1, order.open_line(line) * percent // 100)
        must: type[KrafteError] | None = NotAllowed if order.state not in LIVE or self.under_quote(order) else None
        if not must:
            must = TooMuch if steps > order.open_line(line) else InvalidInput if steps == whole and len(order.lines) == 1 else None
        before = self.covers(order)
        part = self.do(lambda key: self.shop.orders.split(order.number, {line: amount(item, steps)}, key=key), must=must)
        if must:
            return
        twin = NaiveOrder(part.number, order.customer, {line: (item, steps)}, order.shipping, order.requested, order.state)
        twin.held, twin.price = order.held | twin.held, order.price
        self.naive.orders[part.number] = twin
        if steps == whole:
            del order.lines[line]
        else:
            order.lines[line] = (item, whole - steps)
        assert self.covers(order, twin) == before, "law 11"
        for one in (order, twin):
            self.nothing_is_covered_twice(one)

    @precondition(lambda self: len(self.naive.orders) > 1)
    @rule(which=WHICH, other=WHICH)
    def merge_orders(self, which, other):
        order = self.an_order(which, *LIVE)
        rest = [row for row in self.naive.orders.values() if row is not order]
        taken = self.choose(
            rest, other, lambda row: row.state == order.state and (row.customer, row.shipping) == (order.customer, order.shipping)
        )
        wrong = order.state not in LIVE or taken.state not in LIVE or self.under_quote(order) or self.under_quote(taken)
        wrong = wrong or (order.state, taken.state) == ("placed", "confirmed") or taken.began()
        differ = (order.customer, order.shipping) != (taken.customer, taken.shipping)
        must = NotAllowed if wrong else InvalidInput if differ else None
        before = self.covers(order, taken)
        done = self.do(lambda key: self.shop.orders.merge(order.number, [taken.number], key=key), must=must)
        if must:
            return
        wanted = [*order.lines.values(), *taken.lines.values()]
        order.lines = {line.ref: (line.item, line.steps) for line in done.order.lines}
        assert [*order.lines.values()] == wanted
        order.requested = min((day for day in (order.requested, taken.requested) if day), default=None)
        taken.state = "merged"
        order.held |= taken.held
        assert self.covers(order) == before
        self.nothing_is_covered_twice(order)

    @precondition(lambda self: self.naive.orders)
    @rule(which=WHICH, surplus=st.sampled_from(["keep", "reduce"]))
    def close_an_order(self, which, surplus):
        order = self.choose(self.naive.orders.values(), which, lambda row: row.state == "confirmed" and row.began())
        begun = order.state == "confirmed" and order.began()
        self.do(lambda key: self.shop.orders.close(order.number, surplus=surplus, key=key), must=None if begun else NotAllowed)
        if begun:
            order.state = "closed"
            self.learn_sizes(surplus)
            assert not +self.covers(order)

    @precondition(lambda self: self.naive.orders)
    @rule(which=WHICH)
    def reopen_an_order(self, which):
        order = self.an_order(which, "closed", "cancelled")
        after = {"closed": "confirmed", "cancelled": "placed"}.get(order.state)
        self.do(lambda key: self.shop.orders.reopen(order.number, key=key), must=None if after else NotAllowed)
        order.state = after or order.state
        if after:
            self.check_credit(order)
            self.holds_agree(order)

    @precondition(lambda self: self.naive.orders)
    @rule(
        which=WHICH,
        step=st.sampled_from(["allocate", "force", "free", "swap", "pick", "unpick"]),
        percent=st.sampled_from([30, 100]),
    )
    def lots_by_hand(self, which, step, percent):
        order = self.an_order(which, "confirmed")
        line, (item, _) = [*order.needs.items()][which % len(order.needs)]
        steps = max(1, order.open(line) * percent // 100)
        desk, told = self.shop.orders, amount(item, steps)
        commands = {
            "allocate": lambda key: desk.allocate(order.number, line, told, key=key),
            "force": lambda key: desk.allocate(order.number, line, told, force=True, key=key),
            "free": lambda key: desk.free(order.number, line, told, key=key),
            "swap": lambda key: desk.swap(order.number, key=key),
            "pick": lambda key: desk.pick(order.number, key=key),
            "unpick": lambda key: desk.unpick(order.number, key=key),
        }
        must = None if order.state == "confirmed" else NotAllowed
        before = {row.number: self.covers(row) for row in self.naive.orders.values()}
        done = self.do(commands[step], NotAllowed, Short, TooMuch, LotNotUsable, must=must)
        self.nothing_is_covered_twice(order)
        if isinstance(done, KrafteError):
            return
        mine, change = self.covers(order), before[order.number]
        if step in ("swap", "pick", "unpick"):
            assert mine == change, "nothing is gained or lost by it"
        if step == "free":
            assert change[item] - mine[item] == steps, "exactly so much is free"
        lots = Counter[str]()
        for row in done.lots:
            lots[row.item] += steps_of(row.item, row.amount)
        assert lots[item] == sum(
            link.takes for link in self.links() if (link.demand, link.source, link.item) == (order.number, "lot", item)
        )
        for row in self.naive.orders.values():
            if row is not order and row.state == "confirmed":
                lost = sum(steps_of(one.item, one.amount) for one in done.displaced if one.order == row.number)
                assert sum(before[row.number].values()) - sum(self.covers(row).values()) == lost, "who loses is named"
