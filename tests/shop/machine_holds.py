"""The part of the machine where orders wait for a decision: holds by hand, credit limits, recalls; and orders that come again."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from krafte_core.errors import InvalidInput, NotAllowed
from krafte_core.holds import KINDS
from tests.shop.machine_orders import LIVE
from tests.shop.naive import LIMIT, NaiveOrder, NaiveRun, amount

WHICH = st.integers(0, 60)
SOAP = 3
"""What Cara pays for a piece, in euros."""


class HoldRules:
    """Rules for `WorkshopMachine`; a base class, so that the machine stays one."""

    naive: Any
    count: int
    shop: Any
    do: Any
    choose: Any
    links: Any
    place_an_order: Any

    # what the twin knows ----------------------------------------------------------------------------------------------

    def stopped(self, run: NaiveRun) -> Any:
        """Everybody who waits for the run waits for a decision; what is for stock goes on."""
        waiting = {link.demand for link in self.links() if link.source == "run" and link.ref == run.number}
        return bool(waiting) and all(
            self.naive.orders[name].held if name in self.naive.orders else self.stopped(self.naive.runs[name]) for name in waiting
        )

    def owes_too_much(self, order: NaiveOrder) -> Any:
        """Cara's open orders, this one among them, come to more than she may owe."""
        if order.customer != "Cara":
            return False
        others = [
            row for row in self.naive.orders.values()
            if row is not order and row.customer == "Cara" and row.state in LIVE and any(row.open(need) for need in row.needs)
        ]  # fmt: skip
        return sum(row.owes for row in [*others, order]) > LIMIT

    def check_credit(self, order: NaiveOrder) -> None:
        """What is beyond the limit waits for a decision; what fits stays as it was."""
        if self.owes_too_much(order):
            order.held.add("terms")

    def holds_agree(self, order: NaiveOrder) -> None:
        assert {hold.kind for hold in self.shop.orders.holds(order.number)} == order.held

    # rules ------------------------------------------------------------------------------------------------------------

    @rule(pieces=st.integers(1, 20), road=st.booleans())
    def order_on_credit(self, pieces, road):
        self.place_an_order([("soap", pieces)], "Cara", 1, None, road, price=SOAP)

    @precondition(lambda self: self.naive.orders)
    @rule(which=WHICH, kind=st.sampled_from(KINDS))
    def hold_an_order(self, which, kind):
        order = self.choose(self.naive.orders.values(), which, lambda row: row.state in LIVE)
        must = None if order.state in LIVE else NotAllowed
        before = self.links()
        self.do(lambda key: self.shop.orders.hold(order.number, reason="look first", kind=kind, key=key), must=must)
        if not must:
            order.held.add(kind)
            self.holds_agree(order)
            assert self.links() == before, "nobody else gets what is reserved"

    @precondition(lambda self: any(order.held for order in self.naive.orders.values()))
    @rule(which=WHICH, kind=st.none() | st.none() | st.sampled_from(KINDS))
    def let_an_order_go_on(self, which, kind):
        order = self.choose(self.naive.orders.values(), which, lambda row: row.held and row.state in LIVE)
        ends = {one for one in order.held if kind in (None, one)}
        must = InvalidInput if not ends else None if order.state in LIVE else NotAllowed
        self.do(lambda key: self.shop.orders.release(order.number, kind=kind, key=key), must=must)
        if not must:
            order.held -= ends
            self.holds_agree(order)

    @precondition(lambda self: self.naive.orders)
    @rule(which=WHICH, pieces=st.none() | st.integers(1, 20))
    def the_same_again(self, which, pieces):
        order = self.choose(self.naive.orders.values(), which)
        first, (item, _) = next(iter(order.lines.items()))
        amounts = None if pieces is None else {first: amount(item, pieces)}
        again = self.do(lambda key: self.shop.orders.repeat(order.number, amounts=amounts, key=key))
        lines = order.lines | ({} if pieces is None else {first: (item, pieces)})
        twin = NaiveOrder(again.number, order.customer, dict(lines), order.shipping, None, price=order.price)
        self.naive.orders[again.number] = twin
        assert {line.ref: (line.item, line.steps) for line in again.lines} == twin.lines
        self.check_credit(twin)
        self.holds_agree(twin)

    @precondition(lambda self: self.naive.lots)
    @rule(which=WHICH, lift=st.booleans())
    def recall(self, which, lift):
        """Everything that a lot went into is blocked, and, once it was a false alarm, exactly what was free before is free again."""
        lot = self.choose(self.naive.lots.values(), which, lambda lot: lot.disposition == "released")
        found = self.shop.trace.recall(lot.item, lot.code)
        lots = [self.naive.lots[one.item, one.code] for one in found.lots]
        before = {(one.item, one.code): one.disposition for one in lots}
        reason = f"recall {self.count}"
        self.do(lambda key: self.shop.trace.hold(found, reason=reason, key=key))
        for one in lots:
            one.disposition = "held" if one.disposition in ("released", "waiting") else one.disposition
        if not lift:
            return
        lifted = self.do(lambda key: self.shop.trace.lift(found, reason=reason, key=key))
        for one in lots:
            if before[one.item, one.code] == "released":
                one.disposition = "released"
        assert {(item, code) for item, code, _ in lifted.kept} == {key for key, state in before.items() if state != "released"}


__all__ = ["HoldRules"]
