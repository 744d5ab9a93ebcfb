"""The whole workshop against plain dicts: every command, in any order, right and wrong; after each step every book is compared."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import timedelta
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from krafte_core import Ingredient, Item, KrafteError, OrderStatus, PurchaseLine, Recipe, Short, Workshop
from krafte_core.errors import (
    AlreadyExists,
    Immutable,
    InvalidInput,
    KeyReused,
    LotNotUsable,
    NotAllowed,
    TooFarBack,
    TooMuch,
    Unknown,
)
from krafte_core.testing import FakeClock
from tests.shop.machine_daily import DailyRules
from tests.shop.machine_holds import HoldRules
from tests.shop.machine_late import LateRules
from tests.shop.machine_orders import LIVE, OrderRules, priced
from tests.shop.machine_production import OPEN, ProductionRules
from tests.shop.machine_stock import StockRules
from tests.shop.naive import (
    APART,
    BESIDES,
    BY_CHOICE,
    CATALOGUE,
    CUT,
    ITEMS,
    MADE,
    NEEDS,
    ORDERED,
    OUTPUT_LINES,
    PER_UNIT,
    PLACES,
    STANDS_IN,
    NaiveOrder,
    NaivePurchase,
    NaiveRun,
    NaiveShop,
    amount,
    besides,
    books,
    content,
    needed,
    some,
    steps_of,
)

WHICH = st.integers(0, 60)  # chooses one of what there is; small numbers choose the likely ones
SIZE = st.integers(1, 10) | st.integers(1, 40)
DAYS = st.none() | st.integers(0, 25)
GOOD = st.sampled_from([100, 100, 90, 130, 0])
USED = st.sampled_from(["as planned", "half", "more", "by lot"])


class WorkshopMachine(OrderRules, HoldRules, ProductionRules, StockRules, LateRules, DailyRules, RuleBasedStateMachine):
    """One workshop, one naive twin."""

    def __init__(self):
        super().__init__()
        self.clock = FakeClock("2026-01-05 08:00")
        self.shop = self.opened()
        self.shop.register(*CATALOGUE)
        self.naive = NaiveShop(clock=self.clock)
        self.count = 0

    def opened(self):
        """A new workshop; the same life is led on databases, too (`tests/outside/test_sql_machine.py`)."""
        return Workshop.in_memory(clock=self.clock)

    # helpers ----------------------------------------------------------------------------------------------------------

    @property
    def today(self):
        return self.clock.now().date()

    def links(self):
        return books(self.shop)["allocations"]

    def counted(self):
        return self.naive.counted(self.links(), self.clock.now())

    def arrives(self, order):
        """The first day on which the order can reach its customer; not before the customer wants it."""
        days = 2 if order.shipping else 0
        return max(self.today + timedelta(days=days), order.requested or self.today)

    def do(self, command: Any, *wrong: type[KrafteError], must: Any = None, at: Any = None, twice: bool = True) -> Any:
        """Run a command. A refusal changes nothing; the same key again changes nothing and gives the same answer.

        What is dated into a closed period (`at`) is refused for that, or for what is wrong with it besides.
        """
        if at is not None and self.naive.closed is not None and at < self.naive.closed:
            must = (TooFarBack, *wrong, *((must,) if must else ()))
        before = books(self.shop)
        self.count += 1
        key = f"key {self.count}" if twice and self.count % 3 == 0 else None
        try:
            answer = command(key)
        except KrafteError as refusal:
            assert books(self.shop) == before, "a refusal stored something"
            if not isinstance(refusal, must or wrong):
                raise
            return refusal
        assert must is None, f"should have been refused with {must}"
        if key is not None:
            after = books(self.shop)
            assert command(key) == answer
            assert books(self.shop) == after, "the same key did something twice"
        self.learn_expiries()
        return answer

    def choose(self, rows: Any, which: int, likely: Any = lambda row: True) -> Any:
        """One of the rows; seven times of eight a likely one."""
        rows = [*rows]
        good = [row for row in rows if likely(row)]
        pool = good if good and which % 8 else rows
        return pool[which // 8 % len(pool)]

    def learn_runs(self, state: str = "planned") -> list[NaiveRun]:
        """Runs that the last command wrote; their needs are what the recipe says, by hand."""
        fresh = []
        for run in self.shop.production.find(limit=10_000):
            if run.number not in self.naive.runs:
                made = NaiveRun(run.number, run.item, steps_of(run.item, run.planned), state)
                for line in NEEDS[run.item]:
                    item = line.partition("/")[0]
                    assert steps_of(item, run.need(line).required) == needed(run.item, line, made.steps)
                self.naive.runs[run.number] = made
                fresh.append(made)
        return fresh

    def learn_expiries(self) -> None:
        """A quote that ran out is removed by whoever touches what it held."""
        for number, (quote, state) in self.naive.quotes.items():
            runs = [self.naive.runs[run] for run in self.naive.quoted_runs[number]]
            if state == "open" and quote.until <= self.clock.now() and self.quote_state(number) == "expired":
                self.naive.quotes[number] = (quote, "expired")
                for run in runs:
                    run.state = "withdrawn" if run.state == "proposed" else run.state

    def quote_state(self, number):
        with self.shop._office.look() as work:
            return work.state(work.reader.papers([number])[number].paper)

    def end_quotes(self, order: str, state: str, runs: str) -> None:
        for number, (quote, now) in [*self.naive.quotes.items()]:
            if quote.order == order and now == "open" and quote.until > self.clock.now():
                self.naive.quotes[number] = (quote, state)
                for run in self.naive.quoted_runs[number]:
                    self.naive.runs[run].state = runs

    # time and catalogue -----------------------------------------------------------------------------------------------

    @rule(hours=st.sampled_from([1, 5, 24, 72, 200]))
    def time_passes(self, hours):
        self.clock.tick(timedelta(hours=hours))

    @precondition(lambda self: self.count % 20 == 19)
    @rule()
    def register_again(self):
        self.do(lambda key: self.shop.register(*CATALOGUE, key=key))
        odd = Recipe("odd", makes="1 kg", ingredients=[Ingredient("?", "1 kg")])
        self.do(lambda key: self.shop.register(Item("odd", unit="kg"), odd), must=Unknown)
        if any(item == "oil" for item, _ in self.naive.lots):
            self.do(lambda key: self.shop.register(Item("oil", unit="kg", step="1 g")), must=Immutable)

    # stock comes in ---------------------------------------------------------------------------------------------------

    @initialize()
    def a_shelf_with_something(self):
        for item, units, potency in (("oil", 60, None), ("lye", 12, None), ("jar", 100, None), ("base", 6, None), ("rose", 3, 40)):
            lot = self.shop.stock.receive(item, amount(item, units * PER_UNIT[item]), attributes=content(potency))
            self.naive.new_lot(item, lot.code, "stock", units * PER_UNIT[item], "received", potency=potency)

    @rule(
        item=st.sampled_from(ITEMS), units=SIZE, days=DAYS, place=st.sampled_from(PLACES), find=st.booleans(),
        potency=st.sampled_from([40, 50, 77, None]),
    )  # fmt: skip
    def receive_or_find(self, item, units, days, place, find, potency=None):
        steps = units * PER_UNIT[item]
        expires = None if days is None else self.today + timedelta(days=days)
        desk = self.shop.stock.found if find else self.shop.stock.receive
        told = potency if item == "rose" and not find else None
        more = {"attributes": content(told)} if told else {}
        lot = self.do(lambda key: desk(item, amount(item, steps), expires=expires, place=place, key=key, **more))
        self.naive.new_lot(item, lot.code, place, steps, "found" if find else "received", expires, told)
        self.do(lambda key: desk(item, amount(item, steps), lot=lot.code), must=AlreadyExists)

    @rule(item=st.sampled_from(["oil", "jar"]), units=SIZE, late=st.booleans())
    def order_from_supplier(self, item, units, late):
        steps = units * PER_UNIT[item]
        expected = self.clock.now() + timedelta(days=9) if late else None
        lines = [PurchaseLine(item, amount(item, steps))]
        paper = self.do(lambda key: self.shop.purchasing.order("mill", lines=lines, expected=expected, key=key))
        self.naive.purchases[paper.number] = NaivePurchase(paper.number, item, steps)

    @precondition(lambda self: self.naive.purchases)
    @rule(which=WHICH, percent=st.sampled_from([30, 60, 100, 130]), days=DAYS, place=st.sampled_from(PLACES))
    def receive_purchase(self, which, percent, days, place, paper=None):
        paper = paper or self.choose(self.naive.purchases.values(), which, lambda row: row.state == "ordered")
        steps = max(1, paper.steps * percent // 100)
        must = None if paper.state == "ordered" else NotAllowed
        promised = sum(link.takes for link in self.counted() if link.source == "purchase" and link.ref == paper.number)
        expires = None if days is None else self.today + timedelta(days=days)
        got = self.do(
            lambda key: self.shop.purchasing.receive(
                paper.number, paper.item, amount(paper.item, steps), expires=expires, place=place, key=key
            ),
            must=must,
        )
        if must:
            return
        self.naive.new_lot(paper.item, got.lot.code, place, steps, "received", expires)
        paper.came += steps
        paper.state = "closed" if paper.came >= paper.steps else "ordered"
        assert got.closed == (paper.state == "closed")
        assert steps_of(paper.item, got.open) == max(0, paper.steps - paper.came)
        links = self.links()
        assert sum(link.takes for link in links if link[2:5] == ("lot", paper.item, got.lot.code)) == min(steps, promised)
        assert sum(link.takes for link in links if link[2:5] == ("purchase", paper.item, paper.number)) == max(0, promised - steps)

    @precondition(lambda self: self.naive.purchases)
    @rule(which=WHICH)
    def cancel_purchase(self, which):
        paper = self.choose(self.naive.purchases.values(), which, lambda row: row.state == "ordered")
        drawn = sum(link.takes for link in self.counted() if link.source == "purchase" and link.ref == paper.number)
        must = None if paper.state == "ordered" else NotAllowed
        lost = self.do(lambda key: self.shop.purchasing.cancel(paper.number, key=key), must=must)
        if not must:
            assert sum(steps_of(row.item, row.amount) for row in lost) == drawn
            paper.state = "cancelled"

    # decisions and facts about lots -----------------------------------------------------------------------------------

    @rule(which=WHICH, step=st.sampled_from(["hold", "release", "reject", "extend"]), days=st.integers(0, 30))
    def decide_about_a_lot(self, which, step, days):
        allowed = {"hold": {"released", "waiting"}, "release": {"waiting", "held"}, "reject": {"released", "waiting", "held"},
                   "extend": {"released", "waiting", "held"}}[step]  # fmt: skip
        lot = self.choose(self.naive.lots.values(), which, lambda lot: lot.disposition in allowed)
        if step == "reject" and which % 3:
            return  # rarely, or nothing is left
        must = None if lot.disposition in allowed else NotAllowed
        day = self.today + timedelta(days=days)
        desk, extra = getattr(self.shop.stock, step), {"expires": day} if step == "extend" else {}
        links = [link for link in self.links() if link.source == "lot" and (link.item, link.ref) == (lot.item, lot.code)]
        drawn, needed = {link.demand for link in links}, {link.demand for link in links if link.covers}  # nobody needs a drum's rest
        decided = self.do(lambda key: desk(lot.item, lot=lot.code, key=key, **extra), must=must)
        if must:
            return
        if step == "extend":
            lot.expires = day
        else:
            lot.disposition = {"hold": "held", "release": "released", "reject": "rejected"}[step]
        self.learn_expiries()
        named = {row.order or row.production for row in (decided.displaced if step == "reject" else decided.blocked)}
        lines = {
            place[5:] for item, code, place in self.naive.on_hand if (item, code) == (lot.item, lot.code) and place[:5] == "line:"
        }
        expected = drawn | lines if step in ("hold", "reject") else set()
        out = {quote.order for quote, state in self.naive.quotes.values() if state == "expired"}
        must_know = {name for name in expected & (needed | lines) if name not in out and self.is_open(name)}
        assert must_know <= named <= expected

    def is_open(self, name):
        run = self.naive.runs.get(name)
        return run is None or run.state not in ("withdrawn", "proposed")

    @rule(which=WHICH, percent=st.sampled_from([0, 20, 70, 100, 150]), kind=st.sampled_from(["scrap", "count"]))
    def something_happens_to_a_lot(self, which, percent, kind):
        place = self.choose(self.naive.standing(), which) if self.naive.on_hand else None
        if place is None:
            return
        item, code, where = place
        there = self.naive.on_hand[place]
        steps = there * percent // 100
        must = None
        if kind == "scrap":
            must = InvalidInput if not steps else TooMuch if steps > there else None
        changed = self.do(
            lambda key: getattr(self.shop.stock, kind)(item, amount(item, steps), lot=code, place=where, reason="as told", key=key),
            must=must,
        )
        if must:
            return
        difference = -steps if kind == "scrap" else steps - there
        assert steps_of(item, changed.difference) == difference
        self.naive.put(item, code, where, difference)
        if kind == "count":
            slips = self.naive.slips[item, code, where]
            slips.append((self.clock.now(), len(slips), True, steps))
        if where.startswith("line:") and difference > 0:
            self.naive.came[item, code, where]["counted up"] += difference
        self.naive.lots[item, code].flow["scrapped" if kind == "scrap" else "count_loss"] -= difference
        left = sum(link.takes for link in self.links() if link[2:6] == ("lot", item, code, where))
        assert left <= self.naive.on_hand[place]
        if where.startswith("line:"):
            assert {row.production for row in changed.displaced} == ({where[5:]} if difference < 0 else set())
        else:
            assert not changed.displaced or left == self.naive.on_hand[place], "more was taken from somebody than had to be"

    @precondition(lambda self: self.naive.on_hand)
    @rule(which=WHICH, percent=st.sampled_from([10, 50, 100]), to=st.sampled_from(PLACES))
    def move_a_lot(self, which, percent, to):
        item, code, where = self.choose(self.naive.standing(), which, lambda row: row[2] != to)
        there = self.naive.on_hand[item, code, where]
        free = there - sum(link.takes for link in self.counted() if link[2:6] == ("lot", item, code, where))
        free = 0 if where.startswith("line:") else free
        steps = max(1, there * percent // 100)
        must = TooMuch if where == to or steps > free else None
        moved = self.do(
            lambda key: self.shop.stock.transfer(item, amount(item, steps), lot=code, place=where, to=to, key=key), must=must
        )
        if not must:
            assert moved.code == code
            self.naive.put(item, code, where, -steps)
            self.naive.put(item, code, to, steps)

    # orders -----------------------------------------------------------------------------------------------------------

    @rule(
        rows=st.lists(st.tuples(st.sampled_from(ORDERED), SIZE), min_size=1, max_size=3),
        customer=st.sampled_from(["Anna", "Ben"]),
        priority=st.integers(0, 2),
        days=DAYS,
        road=st.booleans(),
    )
    def place_an_order(self, rows, customer, priority, days, road, price=None):
        requested = None if days is None else self.today + timedelta(days=days)
        shipping = "road" if road else None
        lines = [priced(item, units * PER_UNIT[item], price) for item, units in rows]
        order = self.do(
            lambda key: self.shop.orders.place(
                customer=customer, lines=lines, priority=priority, requested=requested, shipping=shipping, key=key
            )
        )
        wanted = {str(n): (item, units * PER_UNIT[item]) for n, (item, units) in enumerate(rows, 1)}
        twin = self.naive.orders[order.number] = NaiveOrder(order.number, customer, wanted, shipping, requested, price=price)
        self.check_credit(twin)
        self.holds_agree(twin)

    @precondition(lambda self: self.naive.orders)
    @rule(which=WHICH, make=st.sampled_from([True, True, False]), when_short=st.sampled_from(["wait", "wait", "refuse"]))
    def confirm(self, which, make, when_short, order=None):
        order = order or self.choose(self.naive.orders.values(), which, lambda row: row.state in ("placed", "confirmed"))
        must = None if order.state in LIVE and not order.held else NotAllowed
        allowed, confirm = (Short,) if when_short == "refuse" else (), self.perhaps_in_bulk("orders", "confirm")
        before = {link[:6]: link.takes for link in self.links()}
        done = self.do(lambda key: confirm(order.number, make=make, when_short=when_short, key=key), *allowed, must=must)
        if isinstance(done, KrafteError):
            assert must or (isinstance(done, Short) and done.shortages)
            return
        self.end_quotes(order.number, "accepted", "planned")
        self.learn_runs()
        order.state = "confirmed"
        links = self.links()
        fresh = [link for link in links if link.source == "lot" and link.takes > before.get(link[:6], 0)]
        for link in fresh:
            on = self.arrives(order) if link.demand == order.number else self.today
            assert not self.naive.reason(self.naive.lots[link.item, link.ref], link.place, on), "only what is usable is promised"
        planned = {number for number, run in self.naive.runs.items() if run.state == "planned"}
        assert not [link for link in links if link.firmness == "quoted" and link.demand in {order.number, *planned}]
        for line, (item, _) in order.needs.items():
            covered = sum(link.covers for link in links if (link.demand, link.line) == (order.number, line))
            missing = order.open(line) - covered
            assert missing >= 0
            if make and item in (*MADE, *CUT):
                assert not missing, "what can be made is made"
            if missing:
                assert item in {short.item for short in done.shortages}
                assert self.free(item, self.arrives(order)) == 0, "there was some"
        if not done.shortages:
            assert all(self.safe(order.number, need, order.open(need), links) for need in order.needs)

    def free(self, item, on):
        drawn = Counter[tuple[str, str, str]]()
        for link in self.counted():
            if link.source == "lot":
                drawn[link.item, link.ref, link.place] += link.takes
        lots = self.naive.lots
        return sum(
            steps - drawn[key]
            for key, steps in self.naive.on_hand.items()
            if key[0] == item and not key[2].startswith("line:") and not self.naive.reason(lots[key[:2]], key[2], on)
        )

    def safe(self, demand, line, steps, links, only=None):
        """The need is covered, and so are the needs of all runs behind it that have not begun (or of `only` these)."""
        mine = [link for link in links if (link.demand, link.line) == (demand, line)]
        runs = [self.naive.runs[link.ref] for link in mine if link.source == "run"]
        return sum(link.covers for link in mine) == steps and all(
            self.safe(run.number, name, needed(run.item, name, run.steps), links, only)
            for run in runs
            if run.state in OPEN and (only is None or run.number in only)
            for name in NEEDS[run.item]
        )

    @precondition(lambda self: self.naive.orders)
    @rule(which=WHICH)
    def ask(self, which):
        order = self.choose(self.naive.orders.values(), which, lambda row: row.state == "placed")
        before = books(self.shop)
        check = self.shop.orders.check(order.number)
        promise = self.shop.orders.promise(order.number)
        assert self.shop.orders.table(limit=1000)
        assert self.shop.stock.table()
        assert self.shop.production.table(limit=1000)
        assert books(self.shop) == before
        told = {reason.item for reason in check.reasons}  # something stands in, or another content asks for another amount
        for need in check.needs:
            assert need.item in told or need.required <= need.from_stock + need.incoming + need.to_make + need.missing
        ends = [step.end for step in promise.critical_path]
        assert promise.date is None or promise.date >= self.today
        assert [step.start for step in promise.critical_path[1:]] == ends[:-1], "the chain is broken"
        if promise.arrival is not None and ends:
            assert promise.critical_path[0].start == self.clock.now()
            assert ends[-1] == promise.arrival

    @precondition(lambda self: self.naive.orders)
    @rule(which=WHICH, hours=st.sampled_from([-1, 2, 30, 100]))
    def quote(self, which, hours, order=None):
        order = order or self.choose(self.naive.orders.values(), which, lambda row: row.state == "placed")
        until = self.clock.now() + timedelta(hours=hours)
        held = any(
            q.order == order.number and state == "open" and q.until > self.clock.now() for q, state in self.naive.quotes.values()
        )
        must = NotAllowed if order.state != "placed" else AlreadyExists if held else InvalidInput if hours < 0 else None
        quote = self.do(lambda key: self.shop.orders.quote(order.number, until=until, key=key), Short, must=must)
        if isinstance(quote, KrafteError):
            return
        self.naive.quotes[quote.number] = (quote, "open")
        self.naive.quoted_runs[quote.number] = [run.number for run in self.learn_runs("proposed")]
        self.learn_expiries()
        links = self.links()
        for line, (_, steps) in order.needs.items():
            own = [link for link in links if (link.demand, link.line) == (order.number, line)]
            assert sum(link.covers for link in own) == steps
            assert {link.firmness for link in own} == {"quoted"}

    @precondition(lambda self: self.naive.quotes)
    @rule(which=WHICH)
    def withdraw(self, which):
        quote, state = self.choose(self.naive.quotes.values(), which, lambda row: row[1] == "open")
        must = None if state == "open" and quote.until > self.clock.now() else NotAllowed
        self.do(lambda key: self.shop.orders.withdraw(quote.number, key=key), must=must)
        if not must:
            self.end_quotes(quote.order, "withdrawn", "withdrawn")
            assert not [link for link in self.links() if link.demand == quote.order]

    @precondition(lambda self: self.naive.orders)
    @rule(which=WHICH)
    def cancel_order(self, which):
        order = self.choose(self.naive.orders.values(), which, lambda row: row.state == "confirmed")
        must = NotAllowed if order.state not in LIVE or order.began() else None
        runs = {number: run.state for number, run in self.naive.runs.items()}
        done = self.do(lambda key: self.shop.orders.cancel(order.number, key=key), must=must)
        if must:
            return
        self.end_quotes(order.number, "withdrawn", "withdrawn")
        order.state = "cancelled"
        assert not [link for link in self.links() if link.demand == order.number]
        assert {runs[run] for run in done.freed} <= {*OPEN, "started"}  # they keep their output, free for others

    # production -------------------------------------------------------------------------------------------------------

    @rule(item=st.sampled_from([*MADE, *APART, "oil"]), units=SIZE, when_short=st.sampled_from(["wait", "refuse"]))
    def plan_a_run(self, item, units, when_short):
        steps = units * PER_UNIT[item]
        how = {"recipe": "cutting"} if item in APART else {}
        wrong = KrafteError if item == "oil" else None
        done = self.do(
            lambda key: self.shop.production.plan(item, amount(item, steps), when_short=when_short, key=key, **how), Short, must=wrong
        )
        if isinstance(done, KrafteError):
            return
        fresh = self.learn_runs()
        assert done.production.number in {run.number for run in fresh}
        links = self.links()
        new = {run.number for run in fresh}
        safe = all(self.safe(done.production.number, line, needed(item, line, steps), links, new) for line in NEEDS[item])
        assert safe == (not done.shortages)

    @precondition(lambda self: self.naive.runs)
    @rule(which=WHICH, when_short=st.sampled_from(["refuse", "refuse", "start"]))
    def start(self, which, when_short, run=None):
        run = run or self.choose(self.naive.runs.values(), which, lambda row: row.state == "planned")
        mine = [link for link in self.links() if link.demand == run.number]
        lots = [link for link in mine if link.source == "lot"]
        there = Counter[str]()
        for link in lots:
            there[link.line] += link.covers
        short = any(there[line] < needed(run.item, line, run.steps) for line in NEEDS[run.item])
        bad = any(self.naive.reason(self.naive.lots[link.item, link.ref], link.place, self.today) for link in lots)
        stopped = run.state not in OPEN or self.stopped(run)
        must = NotAllowed if stopped else Short if short and when_short == "refuse" else LotNotUsable if bad else None
        wrong: tuple[Any, ...] = ()
        if run.item in BY_CHOICE and must in (Short, LotNotUsable):  # it may be chosen again from what is there by now
            must, wrong = None, (Short, LotNotUsable)
        start = self.perhaps_in_bulk("production", "start")
        since = self.posted()
        done = self.do(lambda key: start(run.number, when_short=when_short, key=key), *wrong, must=must)
        if isinstance(done, KrafteError):
            if isinstance(done, Short):
                assert all(one.needed == one.available + one.missing and not one.missing.is_zero for one in done.shortages)
            return
        run.state = "started"
        if run.item in BY_CHOICE:
            self.follow(since, run)
            return
        line = f"line:{run.number}"
        for link in lots:
            self.naive.put(link.item, link.ref, link.place, -link.takes)
            self.naive.put(link.item, link.ref, line, link.takes)
            self.naive.came[link.item, link.ref, line][link.place] += link.takes

    @precondition(lambda self: self.naive.runs)
    @rule(
        which=WHICH,
        good=st.sampled_from([0, 50, 90, 100, 130]),
        bad=st.sampled_from([0, 0, 10]),
        used=st.sampled_from(["as planned", "as planned", "nothing", "half", "more", "by lot"]),
        days=DAYS,
        to=st.sampled_from(PLACES),
    )
    def complete(self, which, good, bad, used, days, to, run=None):
        run = run or self.choose(self.naive.runs.values(), which, lambda row: row.state == "started")
        made, scrapped = run.steps * good // 100, 0 if run.item in APART else run.steps * bad // 100
        used = "as planned" if run.item in (*BY_CHOICE, *APART) else used
        expires = None if days is None else self.today + timedelta(days=days)
        given, expected = self.usage(run, made, scrapped, used)
        must, since = None if run.state == "started" else NotAllowed, self.posted()
        complete = self.perhaps_in_bulk("production", "complete")
        done = self.do(
            lambda key: complete(
                run.number, made=amount(run.item, made), scrapped=some(run.item, scrapped), used=given,
                expires=expires, to=to, key=key,
            ),
            *((TooMuch,) if used in ("more", "half") or run.item in APART else ()),
            must=must,
        )  # fmt: skip
        if isinstance(done, KrafteError):
            return
        assert steps_of(run.item, done.lost) == (0 if run.item in APART else max(0, run.steps - run.output - made - scrapped))
        before, run.state, run.output = run.output, "done", run.output + made + scrapped
        self.learn_completion(run, expected, made, scrapped, expires, since, before)

    def on_its_line(self, run):
        """The lots on the line of a run, and how much of each."""
        place = f"line:{run.number}"
        return {(item, lot): steps for (item, lot, where), steps in self.naive.on_hand.items() if where == place}

    def charge_is_right(self, run, flow, there, before, output, lost):
        """What was used of the lots on the line is worth what was planned of every line, up to a step for each lot."""
        for line in NEEDS[run.item]:
            if run.handled & {line, *STANDS_IN.get((run.item, line), ())}:
                continue  # what was brought by hand was used
            worth = {key: self.naive.lots[key].worth(run.item, line) for key in there}
            planned = needed(run.item, line, before + output + lost) - needed(run.item, line, before)
            planned = min(planned, sum(steps * worth[key] for key, steps in there.items()))
            used = sum(flow.used[key] * worth[key] for key in there)
            assert abs(used - planned) <= 2 * sum(1 for key in there if worth[key]), (line, used, planned)

    def usage(self, run, made, scrapped, used):
        """What to say about the materials, and the steps per item that must be used then."""
        line = f"line:{run.number}"
        there = Counter[str]()
        for (item, _, place), steps in self.naive.on_hand.items():
            there[item] += steps if place == line else 0
        expected, before = Counter[str](), run.output
        lost = max(0, run.steps - before - made - scrapped)
        for name in NEEDS[run.item]:
            item = name.partition("/")[0]
            output = before + made + scrapped + (0 if name in OUTPUT_LINES else lost)
            planned = needed(run.item, name, output) - needed(run.item, name, before)
            expected[item] += min(planned, there[item] - expected[item])
        for item in run.handled:
            expected[item] = there[item]  # what was issued or given back by hand, and stays on the line, was used
        if run.item in APART:
            expected[run.item] = made
        if used == "as planned":
            return None, expected
        item = next(iter(NEEDS[run.item])).partition("/")[0]
        if used == "by lot":
            lots = {code: steps // 2 for (one, code, place), steps in self.naive.on_hand.items() if one == item and place == line}
            lots = {code: steps for code, steps in lots.items() if steps}
            expected[item] = sum(lots.values())
            return {item: {code: amount(item, steps) for code, steps in lots.items()}}, expected
        expected[item] = {"nothing": 0, "half": expected[item] // 2, "more": there[item] + 7}[used]
        return {item: amount(item, expected[item])}, expected

    def learn_completion(self, run, expected, made, scrapped, expires, since, before=0):
        """Follow the moves of the run, and check that they add up to what was to be used, and that the rest went back."""
        line = f"line:{run.number}"
        came = {key: Counter(places) for key, places in self.naive.came.items() if key[2] == line}
        known = {*self.naive.lots}
        back: defaultdict[tuple[str, str, str], Counter[str]] = defaultdict(Counter)
        for posting in books(self.shop)["postings"][since:]:
            for item, lot, steps, _, target, _ in posting.moves if posting.kind == "give_back" else ():
                back[item, lot, line][target] += steps
        there = self.on_its_line(run)
        flow = self.follow(since, run)
        if run.item in BY_CHOICE:
            there = there or +flow.used  # made at once: nothing lay there before
            self.charge_is_right(run, flow, there, before, made + scrapped, max(0, run.steps - before - made - scrapped))
        else:
            assert +flow.items() == +expected
        earlier, all_in_all = besides(run.item, before), besides(run.item, before + made + scrapped)
        brought = {name: steps - earlier[name] for name, steps in all_in_all.items()}
        assert {name: flow.came(name) for name in brought} == brought
        assert not [key for key in self.naive.on_hand if key[2] == line], "something was left on the line"
        for key, places in back.items():
            if key not in came:
                continue  # made at once: it was brought and given back in this very command
            more = sum(max(0, steps - max(0, came[key][place])) for place, steps in places.items())
            assert more <= came[key]["counted up"], "more went back than came from there"
        assert flow.done(run.item) == made + scrapped
        assert sum(flow.scrapped.values()) == scrapped
        for key in {*self.naive.lots} - known:
            self.naive.lots[key].expires = expires
        assert not [link for link in self.links() if link.demand == run.number or (link.source == "run" and link.ref == run.number)]

    @rule(item=st.sampled_from([*MADE, *APART]), units=SIZE, days=DAYS)
    def make_at_once(self, item, units, days):
        how = {"recipe": "cutting"} if item in APART else {}
        steps, since = units * PER_UNIT[item], self.posted()
        expires = None if days is None else self.today + timedelta(days=days)
        done = self.do(lambda key: self.shop.production.make(item, amount(item, steps), expires=expires, key=key, **how), Short)
        if isinstance(done, KrafteError):
            return
        (run,) = self.learn_runs("done")
        run.output = steps
        expected = Counter[str]()
        for name in NEEDS[item]:
            expected[name.partition("/")[0]] += needed(item, name, steps)
        self.learn_completion(run, expected, steps, 0, expires, since)

    @precondition(lambda self: self.naive.runs)
    @rule(which=WHICH)
    def cancel_run(self, which):
        run = self.choose(self.naive.runs.values(), which, lambda row: row.state in OPEN)
        must = None if run.state in OPEN else NotAllowed
        counting = self.naive.counted(self.links(), self.clock.now())
        drawn = sum(link.covers for link in counting if link.source == "run" and link.ref == run.number)
        lost = self.do(lambda key: self.shop.production.cancel(run.number, key=key), must=must)
        if not must:
            run.state = "cancelled"
            assert sum(steps_of(row.item, row.amount) for row in lost) == drawn
            assert not [link for link in self.links() if run.number in (link.demand, link.ref)]

    # shipping ---------------------------------------------------------------------------------------------------------

    def ready(self, order):
        """Steps per line that may leave today."""
        leaves = self.today + timedelta(days=2 if order.shipping else 0)
        sums = Counter[str]()
        for link in self.links():
            if link.demand == order.number and link.source == "lot" and link.firmness != "quoted":
                lot = self.naive.lots[link.item, link.ref]
                sums[link.line] += 0 if self.naive.reason(lot, link.place, leaves) else link.covers
        for line in order.lines:  # only whole gift sets leave
            parts = order.parts(line)
            sets = min(sums[need] // each for need, each in parts.items())
            sums.update({need: sets * each - sums[need] for need, each in parts.items()})
        return +sums

    @precondition(lambda self: self.naive.orders)
    @rule(which=WHICH, part=st.booleans(), together=st.booleans())
    def ship(self, which, part, together, first=None):
        first = first or self.choose(
            self.naive.orders.values(),
            which,
            lambda row: row.state == "confirmed" and bool(row.held) <= (which % 4 == 0) and self.ready(row),
        )
        ready = {first.number: self.ready(first)}
        amounts: dict[str, str] | None = None
        must: Any = None
        if part and ready[first.number]:
            line = next(iter(ready[first.number])).partition("+")[0]
            item, parts = first.lines[line][0], first.parts(line)
            steps = ready[first.number][next(iter(parts))] // next(iter(parts.values()))
            ready[first.number] = Counter({need: max(1, steps // 2) * each for need, each in parts.items()})
            amounts = {line: amount(item, max(1, steps // 2))}
            must = NotAllowed if first.held else Short
            self.do(lambda key: self.shop.shipping.ship(first.number, amounts={line: amount(item, steps + 1)}), must=must)
        elif together:
            more = [row for row in self.naive.orders.values() if row.customer == first.customer and row is not first]
            ready |= {row.number: self.ready(row) for row in more if row.state == "confirmed" and self.ready(row)}
        wrong = first.state != "confirmed" or any(self.naive.orders[number].held for number in ready)
        must = NotAllowed if wrong else Short if not ready[first.number] else None
        ship, number = self.perhaps_in_bulk("shipping", "ship"), f"T-{self.count}-{which}"
        sent = self.do(lambda key: ship([*ready], amounts=amounts, tracking=number, key=key), must=must)
        if must:
            return
        moves = [move for posting in books(self.shop)["postings"] if posting.paper == sent.number for move in posting.moves]
        for line in sent.lines:
            key = (line.item, line.lot)
            places = [place for (item, lot, place) in self.naive.on_hand if (item, lot) == key and not place.startswith("line:")]
            wanted = (*key, line.steps, f"{line.order}/{line.line}")
            move = next(move for move in moves if (move.item, move.lot, move.steps, move.line) == wanted)
            moves.remove(move)
            assert move.source in places
            self.naive.put(*key, move.source, -line.steps)
            self.naive.lots[key].flow["shipped"] += line.steps
            self.naive.orders[line.order].gone[line.line] += line.steps
            ready[line.order][line.line] -= line.steps
        assert not any(any(left.values()) for left in ready.values()), "exactly what was ready or asked for leaves"
        self.naive.shipments[sent.number] = sent

    @precondition(lambda self: self.naive.shipments)
    @rule(which=WHICH)
    def deliver(self, which):
        sent = self.choose(self.naive.shipments.values(), which, lambda row: row.number not in self.naive.delivered)
        must = NotAllowed if sent.number in self.naive.delivered else None
        self.do(lambda key: self.shop.shipping.deliver(sent.number, key=key), must=must)
        if must:
            return
        self.has_arrived(sent)

    def has_arrived(self, sent):
        self.naive.delivered.add(sent.number)
        for line in sent.lines:
            order = self.naive.orders[line.order]
            order.gone[line.line] -= line.steps
            order.there[line.line] += line.steps

    # the way things should go -----------------------------------------------------------------------------------------

    def push(self, which, good, used):
        """The next sensible step for an order, so that papers get old enough to go wrong."""
        ready = [row for row in self.naive.orders.values() if row.state == "confirmed" and not row.held and self.ready(row)]
        begun = [run for run in self.naive.runs.values() if run.state == "started"]
        links = self.links()
        whole = [
            run for run in self.naive.runs.values()
            if run.state == "planned" and not any(link.demand == run.number and link.source != "lot" for link in links)
            and all(self.safe(run.number, line, needed(run.item, line, run.steps), links) for line in NEEDS[run.item])
            and not self.stopped(run)
        ]  # fmt: skip
        new = [row for row in self.naive.orders.values() if row.state == "placed" and not row.held]
        waiting = [lot for lot in self.naive.lots.values() if lot.disposition == "waiting"]
        if ready and which % 3:
            self.ship(which, part=which % 5 == 0, together=which % 5 == 1, first=ready[which % len(ready)])
        elif begun:
            self.complete(which, good, 10 * (which % 2), used, None, "stock", run=begun[which % len(begun)])
        elif whole:
            self.start(which, "refuse", run=whole[which % len(whole)])
        elif new:
            self.confirm(which, make=True, when_short="wait", order=new[which % len(new)])
        elif waiting:
            self.decide_about_a_lot(3, "release", 0)
        elif self.naive.shipments:
            self.deliver(which)

    @rule(pieces=SIZE, days=DAYS, road=st.booleans())
    def soap_please(self, pieces, days, road):
        self.place_an_order([("soap", pieces)], "Anna", 0, days, road)

    @rule(pieces=SIZE, days=DAYS, road=st.booleans())
    def balm_please(self, pieces, days, road):
        self.place_an_order([("balm", pieces)], "Ben", 1, days, road)

    @rule(which=WHICH, good=GOOD, used=USED)
    def push_one(self, which, good, used):
        self.push(which, good, used)

    @rule(which=WHICH, good=GOOD, used=USED)
    def push_another(self, which, good, used):
        self.push(which, good, used)

    @rule(which=WHICH, good=GOOD, used=USED)
    def push_once_more(self, which, good, used):
        self.push(which, good, used)

    @rule(story=st.sampled_from(range(6)), pieces=st.integers(1, 8), which=WHICH, days=st.integers(0, 4))
    def a_small_story(self, story, pieces, which, days):
        """A few commands that belong together and that chance would hardly put side by side."""
        last: dict[str, Any] = {}

        def order(item, road=False):
            self.place_an_order([(item, pieces)], "Anna", which % 3, None, road)
            last["order"] = [*self.naive.orders.values()][-1]
            return last["order"]

        if story == 0:  # an offer that is taken up, or not
            order("soap")
            self.quote(which, hours=30, order=last["order"])
            if which % 3:
                self.confirm(which, make=True, when_short="wait", order=last["order"])
        elif story == 1:  # sold before it is here, and it comes in parts
            self.order_from_supplier("oil", pieces, late=False)
            paper = [*self.naive.purchases.values()][-1]
            for _ in range(1 + which % 2):
                self.confirm(which, make=False, when_short="wait", order=order("oil"))
            self.receive_purchase(which, 30 + 20 * (which % 5), None, "stock", paper=paper)
        elif story == 2:  # goods that do not last as long as the road is
            self.receive_or_find("soap", pieces, days, "shelf", find=False)
            self.confirm(which, make=True, when_short="wait", order=order("soap", road=True))
        elif story == 3:  # material from the shelf goes to the line and comes back
            self.receive_or_find("oil", pieces + 9, days, "shelf", find=False)
            self.plan_a_run("balm", pieces, "wait")
            run = [*self.naive.runs.values()][-1]
            if run.state == "planned" and run.item == "balm":
                self.start(which, "start", run=run) if which % 4 else None
                if run.state == "started":
                    self.complete(which, 100, 0, "half" if which % 2 else "by lot", None, "shelf", run=run)
        elif story == 4:  # an order that is promised the output of a run that lacks material
            self.plan_a_run("base", 40 + pieces, "wait")
            self.confirm(which, make=True, when_short="refuse" if which % 2 else "wait", order=order("base"))
        else:  # and all of it leaves
            self.confirm(which, make=True, when_short="wait", order=order("balm"))
            self.push(which, 100, "as planned")
            self.push(which, 100, "as planned")

    # what if ----------------------------------------------------------------------------------------------------------

    @precondition(lambda self: self.naive.orders)
    @rule(which=WHICH)
    def what_if(self, which):
        order = self.choose(self.naive.orders.values(), which, lambda row: row.state in LIVE)
        before = books(self.shop)
        fork = self.shop.fork()
        assert books(fork) == before, "a fork begins as what it was taken from"
        would: Any = None
        if order.state in LIVE and not order.held:
            would = self.shop.preview(lambda trial: trial.orders.confirm(order.number)).answer
            assert fork.orders.confirm(order.number) == would
            for run in fork.production.covering(order.number, open_only=True)[:1]:
                if fork.production.status(run) == "planned":
                    fork.production.cancel(run)
        fork.stock.receive("oil", "1 kg")
        fork.verify()
        assert books(self.shop) == before, "a fork wrote into the books that it was taken from"

    @precondition(lambda self: self.count % 9 == 8)
    @rule(units=SIZE)
    def a_key_belongs_to_one_command(self, units):
        key = f"own {self.count}"
        steps = units * 100
        lot = self.shop.stock.receive("oil", amount("oil", steps), key=key)
        self.naive.new_lot("oil", lot.code, "stock", steps, "received")
        assert self.shop.stock.receive("oil", amount("oil", steps), key=key) == lot
        self.do(lambda _: self.shop.stock.receive("oil", amount("oil", steps + 1), key=key), must=KeyReused)

    # after every step -------------------------------------------------------------------------------------------------

    @invariant()
    def every_law_holds(self):
        self.shop.verify()

    @invariant()
    def the_stock_is_what_the_twin_has(self):
        naive, links = self.naive, self.counted()
        drawn = Counter[tuple[str, str, str]]()
        for link in links:
            if link.source == "lot":
                drawn[link.item, link.ref, link.place] += link.takes
        for item in ITEMS:
            mine = {key: steps for key, steps in naive.on_hand.items() if key[0] == item}
            there = {(item, row.lot.code, row.place): steps_of(item, row.on_hand) for row in self.shop.stock.lots(item)}
            assert there == mine
            stages = Counter[str]()
            for (_, code, place), steps in mine.items():
                lot = naive.lots[item, code]
                reason = naive.reason(lot, place, self.today)
                if place.startswith("line:"):
                    stages["in_process"] += steps
                elif not reason:
                    stages["available"] += steps - drawn[item, code, place]
                    stages["allocated"] += drawn[item, code, place]
                else:
                    waits = lot.disposition == "waiting" or (lot.disposition == "released" and place == "quarantine")
                    stages["quarantined" if waits else "blocked"] += steps
            level = self.shop.stock.level(item)
            names = ("available", "allocated", "in_process", "quarantined", "blocked")
            assert {name: steps_of(item, getattr(level, name)) for name in names} == {name: stages[name] for name in names}
            coming = {
                run.number: run.coming(item)
                for run in naive.runs.values()
                if item in (run.item, *BESIDES.get(run.item, ())) and run.state in (*OPEN, "started")
            }
            coming |= {
                one.number: one.steps - one.came for one in naive.purchases.values() if one.item == item and one.state == "ordered"
            }
            taken = sum(link.takes for link in links if link.source != "lot" and link.item == item and link.ref in coming)
            assert steps_of(item, level.incoming) == sum(coming.values())
            assert steps_of(item, level.incoming_free) == sum(coming.values()) - taken

    @invariant()
    def every_lot_is_accounted_for(self):
        for (item, code), lot in self.naive.lots.items():
            balance = self.shop.trace.balance(item, code)
            ins, outs = ("received", "made", "found", "returned"), ("used", "shipped", "supplier_returned", "scrapped", "sampled")
            names = (*ins, *outs, "count_loss")
            assert {name: steps_of(item, getattr(balance, name)) for name in names} == {name: lot.flow[name] for name in names}
            assert balance.unaccounted.is_zero
            assert self.shop.stock.lot(item, code).disposition == lot.disposition

    @invariant()
    def every_order_is_as_far_as_the_twin_says(self):
        links = self.links()
        for order in self.naive.orders.values():
            leaves = self.today + timedelta(days=2 if order.shipping else 0)
            assert self.shop.orders.status(order.number) is self.naive.status(order, links, self.today, leaves)
            if order.state != "confirmed":
                continue
            for line, row in self.shop.orders.stages(order.number).items():
                assert row.ordered == order.lines[line][1]
                assert (row.shipped, row.delivered) == order.line_has(line)
                assert row.shipped + row.delivered + row.ready + row.making + row.reserved + row.waiting == row.ordered
                if row.blocked:
                    assert row.reasons

    @invariant()
    def every_run_is_in_the_state_that_the_twin_says(self):
        for run in self.naive.runs.values():
            assert self.shop.production.status(run.number) == run.state
        assert len(self.naive.runs) == len(self.shop.production.find(limit=10_000))

    def teardown(self):
        assert OrderStatus.RECEIVED in OrderStatus


TestWorkshop = WorkshopMachine.TestCase
TestWorkshop.settings = settings(stateful_step_count=60, max_examples=settings().max_examples * 17 // 2)
"""51,000 steps with the usual hundred examples, a million with the profile `deep`."""
