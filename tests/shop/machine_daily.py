"""What else happens on a day: many commands as one, parcels and carriers, measurements, a mended plan, and books that are closed."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from krafte_core import Workshop
from krafte_core.errors import AlreadyExists, EntryRefused, InvalidInput, NotAllowed
from krafte_core.tracking import TrackingEvent
from tests.shop.machine_orders import priced
from tests.shop.naive import BOUGHT, PER_UNIT, NaiveOrder, amount, content, steps_of

WHICH = st.integers(0, 60)
FIRST = {"confirm": "order", "start": "production", "complete": "production", "ship": "orders"}


class DailyRules:
    """Rules for `WorkshopMachine`; a base class, so that the machine stays one."""

    naive: Any
    shop: Workshop
    clock: Any
    today: Any
    count: int
    do: Any
    choose: Any
    links: Any
    counted: Any
    check_credit: Any
    has_arrived: Any
    covered: Any
    order_from_supplier: Any
    place_an_order: Any
    confirm: Any
    receive_purchase: Any

    # many as one ------------------------------------------------------------------------------------------------------

    def perhaps_in_bulk(self, desk: str, name: str) -> Any:
        """A command, every fourth time as the only entry of a bulk: same answer, same refusal."""
        if self.count % 4 != 1:
            return getattr(getattr(self.shop, desk), name)

        def entry(first: Any, *, key: str | None = None, **named: Any) -> Any:
            try:
                (answer,) = getattr(self.shop.bulk, name)([{FIRST[name]: first, **named}], key=key)
            except EntryRefused as refused:
                raise refused.problem from refused
            return answer

        return entry

    @rule(sizes=st.lists(st.integers(1, 9), min_size=1, max_size=3), wrong=st.booleans())
    def an_evening_of_web_orders(self, sizes, wrong):
        """All of them are taken in, or, where one cannot be, none."""
        entries: list[Any] = [{"customer": f"web {n}", "lines": [priced("soap", size, None)]} for n, size in enumerate(sizes)]
        if wrong:
            entries.append({"customer": "web", "lines": []})
        placed = self.do(lambda key: self.shop.bulk.place(entries, key=key), must=EntryRefused if wrong else None)
        for size, order in zip(sizes, () if wrong else placed, strict=not wrong):
            self.naive.orders[order.number] = NaiveOrder(order.number, order.customer, {"1": ("soap", size)}, None, None)

    @rule(kilograms=st.lists(st.integers(1, 9), min_size=1, max_size=3), twin=st.booleans())
    def a_lorry_is_unloaded(self, kilograms, twin):
        entries = [{"amount": f"{one} kg", "lot": f"D-{self.count}-{n}"} for n, one in enumerate(kilograms)]
        entries += entries[:1] if twin else []
        lots = self.do(lambda key: self.shop.bulk.receive(entries, item="oil", key=key), must=EntryRefused if twin else None)
        for one, lot in zip(kilograms, () if twin else lots, strict=not twin):
            self.naive.new_lot("oil", lot.code, "stock", one * PER_UNIT["oil"], "received")

    @rule(item=st.sampled_from(BOUGHT), units=st.integers(1, 9), hold=st.booleans())
    def opened_and_looked_at(self, item, units, hold):
        """Any commands as one: an opening balance, and perhaps the decision about it."""
        steps = units * PER_UNIT[item]
        code = f"O-{self.count}"
        opening = lambda to: to.stock.opening(item, amount(item, steps), lot=code)  # noqa: E731 - a command of a bulk
        holding = lambda to: to.stock.hold(item, lot=code, reason="look")  # noqa: E731 - the same
        commands = [opening, holding] if hold else [opening]
        self.do(lambda key: self.shop.bulk.run(commands, key=key, content=("open", code, hold)))
        self.naive.new_lot(item, code, "stock", steps, "received")
        self.naive.lots[item, code].disposition = "held" if hold else "released"
        self.do(lambda key: self.shop.stock.opening(item, amount(item, steps), lot=code, key=key), must=AlreadyExists)

    # on the road ------------------------------------------------------------------------------------------------------

    @precondition(lambda self: self.naive.shipments)
    @rule(which=WHICH)
    def put_into_a_box(self, which):
        sent = self.choose(self.naive.shipments.values(), which, lambda row: row.number not in self.naive.delivered)
        must = NotAllowed if sent.number in self.naive.delivered else None
        packed = self.do(lambda key: self.shop.shipping.pack(sent.number, weigh=False, key=key), must=must)
        if not must:
            inside = Counter[tuple[str, str]]()
            for package in packed.packages:
                for content in package.lines:
                    inside[content.item, content.lot] += content.steps
            left = Counter[tuple[str, str]]()
            for line in sent.lines:
                left[line.item, line.lot] += line.steps
            assert inside == left, "every piece is in exactly one box"

    @precondition(lambda self: self.naive.shipments)
    @rule(which=WHICH, kind=st.sampled_from(["collected", "on the way", "delivered", ""]), hours=st.integers(0, 2))
    def the_carrier_says(self, which, kind, hours):
        sent = self.choose(self.naive.shipments.values(), which, lambda row: row.number not in self.naive.delivered)
        number = "T-0" if which % 5 == 4 else sent.tracking
        event = TrackingEvent(number, kind or "X7", self.clock.now() - timedelta(hours=hours), kind=kind)
        must = InvalidInput if number != sent.tracking else None
        told = self.do(lambda key: self.shop.shipping.track(sent.number, [event], key=key), must=must)
        if must:
            return
        new = kind == "delivered" and sent.number not in self.naive.delivered
        if new:
            self.has_arrived(sent)
        assert told.state == ("delivered" if sent.number in self.naive.delivered else "shipped")
        assert bool(told.orders) == new

    # looked at, planned anew, closed ----------------------------------------------------------------------------------

    @precondition(lambda self: self.naive.lots)
    @rule(which=WHICH, value=st.integers(7, 12))
    def measure_a_lot(self, which, value):
        lot = self.choose(self.naive.lots.values(), which)
        (found,) = self.do(lambda key: self.shop.stock.measure(lot.item, {"pH": str(value)}, lot=lot.code, key=key))
        assert (found.check, str(found.value)) == ("pH", str(value))

    @precondition(lambda self: any(lot.item == "rose" for lot in self.naive.lots.values()))
    @rule(which=WHICH, potency=st.sampled_from([25, 40, 50, 100]))
    def the_laboratory_tells_the_content(self, which, potency):
        """What is reserved of the lot counts anew: who is covered less is named, and what is too much is free."""
        lots = [lot for lot in self.naive.lots.values() if lot.item == "rose"]
        lot = self.choose(lots, which, lambda lot: lot.disposition != "rejected")
        must = NotAllowed if lot.disposition == "rejected" else None
        before = self.reserved_of(lot)
        done = self.do(lambda key: self.shop.stock.declare("rose", content(potency), lot=lot.code, key=key), must=must)
        if not must:
            lot.potency = potency
            lost, after = Counter[str](), self.reserved_of(lot)
            for one in done.displaced:
                lost[one.production] += steps_of("rose", one.amount)
            assert all(before[demand] - covers <= lost[demand] for demand, covers in after.items())
            assert sum(lost.values()) == sum(before.values()) - sum(after.values())

    def reserved_of(self, lot):
        """Per run what lots of an item cover."""
        covers = Counter[str]()
        for link in self.counted():
            covers[link.demand] += link.covers if link[2:5] == ("lot", lot.item, lot.code) else 0
        return covers

    @precondition(lambda self: self.count % 8 == 3)
    @rule()
    def mend_the_plan(self):
        """Only runs that are planned move, never into the past, and no promise changes."""
        before = {run.number: run.planned_start for run in self.shop.production.find(limit=10_000)}
        links = self.links()
        moved = {one.production: one for one in self.do(lambda key: self.shop.planning.mend(key=key)).moved}
        for run in self.shop.production.find(limit=10_000):
            assert (run.planned_start != before[run.number]) == (run.number in moved)
            if run.number in moved:
                assert self.naive.runs[run.number].state == "planned"
                assert run.planned_start >= self.clock.now()
        assert self.links() == links

    @precondition(lambda self: self.count % 8 == 5 and self.naive.orders)
    @rule(which=st.none() | WHICH)
    def bring_forward(self, which, order=None):
        """Who is brought forward is there earlier and has no less; nobody else notices, and only planned runs move."""
        one = order or (None if which is None else self.choose(self.naive.orders.values(), which))
        must = None if one is None or one.state in ("placed", "confirmed") else NotAllowed
        before = {run.number: run.planned_start for run in self.shop.production.find(limit=10_000)}
        links, covered = self.links(), self.covered()
        done = self.do(lambda key: self.shop.planning.advance(one and [one.number], key=key), must=must)
        if must:
            return
        assert all(row.before is None or row.after < row.before for row in done.orders)
        moved = {row.production for row in done.moved}
        assert not moved or done.orders
        for run in self.shop.production.find(limit=10_000):
            assert (run.planned_start != before[run.number]) <= (run.number in moved)
            assert run.number not in moved or self.naive.runs[run.number].state == "planned"
        theirs = {row.order for row in done.orders}
        if not theirs:
            assert self.links() == links
        elif all(self.naive.orders[number].state == "confirmed" for number in theirs):
            assert not [link for link in self.links() if link.firmness == "pegged" and link not in links]
        for key, covers in self.covered().items():
            mine = key.partition("/")[0] in theirs | before.keys()
            assert covers >= covered[key] if mine else covers == covered[key]

    @rule(which=WHICH, pieces=st.integers(20, 200))
    def good_news(self, which, pieces):
        """The oil that a large balm waits for is here before its time."""
        self.order_from_supplier("oil", pieces, late=True)
        paper = [*self.naive.purchases.values()][-1]
        self.place_an_order([("balm", pieces)], "Anna", which % 3, None, road=False)
        order = [*self.naive.orders.values()][-1]
        self.confirm(which, make=True, when_short="wait", order=order)
        self.receive_purchase(which, 100, None, "stock", paper=paper)
        self.bring_forward(which, order=order)

    @precondition(lambda self: self.count % 12 == 7)
    @rule(days=st.sampled_from([0, 1, 4, 12]))
    def close_the_books(self, days):
        last = self.today - timedelta(days=days)
        until = self.clock.now().replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=days - 1)
        must = InvalidInput if not days or (self.naive.closed and until <= self.naive.closed) else None
        done = self.do(lambda key: self.shop.stock.close_period(last, key=key), must=must)
        if not must:
            assert done.until == until
            self.naive.closed = until


__all__ = ["DailyRules"]
