"""The productions' part of the machine: their commands beyond plan, start, complete and cancel, and what the twin knows of them."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

import attrs
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from krafte_core import KrafteError, Short
from krafte_core.errors import InvalidInput, LotNotUsable, NeverFits, NotAllowed, TooMuch
from tests.shop.naive import (
    APART,
    BESIDES,
    BY_CHOICE,
    MADE,
    NEEDS,
    OUTPUT_LINES,
    PER_UNIT,
    PLACES,
    NaiveRun,
    amount,
    books,
    needed,
    some,
    steps_of,
)

WHICH = st.integers(0, 60)
SIZE = st.integers(1, 10) | st.integers(1, 40)
PART = st.sampled_from([10, 30, 50, 100])
OPEN = ("planned", "released")
OVER = ("done", "closed", "reversed", "cancelled", "merged", "withdrawn")


@attrs.define
class Flow:
    """What a run did so far, lot by lot, as the twin has followed it."""

    used: Counter[tuple[str, str]] = attrs.field(factory=Counter)
    made: Counter[tuple[str, str]] = attrs.field(factory=Counter)
    scrapped: Counter[tuple[str, str]] = attrs.field(factory=Counter)

    def came(self, item: str) -> int:
        """Steps of an item that came out, less what was taken back."""
        return sum(steps for (code, _), steps in self.made.items() if code == item)

    def done(self, item: str) -> int:
        """How far a run of this item came: steps that came out, or that were taken apart."""
        return self.items()[item] if item in APART else self.came(item)

    def items(self) -> Counter[str]:
        """What was used, per item."""
        sums = Counter[str]()
        for (item, _), steps in self.used.items():
            sums[item] += steps
        return sums


class ProductionRules:
    """Rules for `WorkshopMachine`; a base class, so that the machine stays one."""

    naive: Any
    shop: Any
    clock: Any
    do: Any
    choose: Any
    learn_runs: Any
    links: Any
    today: Any
    stopped: Any
    counted: Any
    on_its_line: Any
    charge_is_right: Any

    # what the twin knows ----------------------------------------------------------------------------------------------

    def posted(self) -> int:
        """How long the ledger is."""
        return len(books(self.shop)["postings"])

    def follow(self, since: int, run: NaiveRun) -> Flow:
        """Follow the moves of the last command, which all are this run's: what stands where, and what became of every lot."""
        flow = Flow()
        for posting in books(self.shop)["postings"][since:]:
            assert posting.paper == run.number
            for item, lot, steps, source, target, _ in posting.moves:
                if (item, lot) not in self.naive.lots:
                    self.naive.new_lot(item, lot, target, 0, "made")
                self.carry(item, lot, steps, source, target, f"line:{run.number}")
                self.tell_apart(flow, posting.kind, item, lot, steps, source, target)
        self.learn_besides(run, flow)
        return flow

    def learn_besides(self, run: NaiveRun, flow: Flow) -> None:
        """What the last command brought besides."""
        for item in BESIDES.get(run.item, ()):
            run.extra[item] += flow.came(item)

    def nothing_for(self, run: NaiveRun, line: str) -> bool:
        """Of no free lot a step of the line could be covered."""
        drawn = Counter[tuple[str, str, str]]()
        for link in self.counted():
            drawn[link[3:6]] += link.takes if link.source == "lot" else 0
        return not any(
            (steps - drawn[row]) * self.naive.lots[row[:2]].worth(run.item, line) >= 1
            for row, steps in self.naive.on_hand.items()
            if not row[2].startswith("line:") and not self.naive.reason(self.naive.lots[row[:2]], row[2], self.today)
        )

    def tell_apart(self, flow: Flow, kind: str, item: str, lot: str, steps: int, source: str, target: str) -> None:
        """What a move of a run means for the lot: used, made, scrapped, or the reverse of it."""
        known = self.naive.lots[item, lot].flow
        into = (target == "production") - (source == "production")
        output = into and (kind == "make" or (into > 0 and kind == "reverse"))
        known["made" if output else "used"] += -into * steps if output else into * steps
        flow.made[item, lot] += -into * steps if output else 0
        flow.used[item, lot] += 0 if output else into * steps
        gone = (target == "scrap") - (source == "scrap")
        known["scrapped"] += gone * steps
        flow.scrapped[item, lot] += gone * steps

    def carry(self, item: str, lot: str, steps: int, source: str, target: str, line: str) -> None:
        """Carry what stands where along, and remember what came to a line from which place."""
        if source not in ("production", "scrap"):
            self.naive.put(item, lot, source, -steps)
        if target not in ("production", "scrap"):
            self.naive.put(item, lot, target, steps)
        if target == line:
            self.naive.came[item, lot, line][source] += steps
        if source == line:
            self.naive.came[item, lot, line][target] -= steps

    def on_line(self, run: NaiveRun) -> Counter[str]:
        """Steps per item on the run's line."""
        there = Counter[str]()
        for (item, _, place), steps in self.naive.on_hand.items():
            there[item] += steps if place == f"line:{run.number}" else 0
        return there

    def a_run(self, which: int, *states: str) -> NaiveRun:
        found: NaiveRun = self.choose(self.naive.runs.values(), which, lambda row: row.state in states)
        return found

    def quiet(self, *items: str) -> bool:
        """No quote runs out in the next command, so that its links are all that changes."""
        return not any(state == "open" and quote.until <= self.clock.now() for quote, state in self.naive.quotes.values())

    # before it begins -------------------------------------------------------------------------------------------------

    @precondition(lambda self: self.naive.runs)
    @rule(which=WHICH, percent=st.sampled_from([30, 60, 100, 140, 200]))
    def resize(self, which, percent):
        run = self.a_run(which, "planned")
        steps = max(1, run.steps * percent // 100)
        must = None if run.state == "planned" else NotAllowed
        promised = self.promised(run)
        done = self.do(lambda key: self.shop.production.change(run.number, amount(run.item, steps), key=key), NeverFits, must=must)
        if must or isinstance(done, NeverFits):
            return
        run.steps = steps
        self.learn_runs()
        lost = Counter[str]()
        for row in done.displaced:
            lost[row.item] += steps_of(row.item, row.amount)
        assert lost == +Counter({item: taken - run.coming(item) for item, taken in promised.items()}), "what does not come any more"
        self.needs_are_right(run)

    @precondition(lambda self: self.naive.runs)
    @rule(which=WHICH, percents=st.lists(PART, min_size=1, max_size=3))
    def split(self, which, percents):
        run = self.a_run(which, "planned")
        sizes = [max(1, run.steps * percent // 200) for percent in percents]
        must = NotAllowed if run.state != "planned" else InvalidInput if sum(sizes) >= run.steps else None
        promised = self.served([run.number])
        done = self.do(
            lambda key: self.shop.production.split(run.number, [amount(run.item, one) for one in sizes], key=key), must=must
        )
        if must:
            return
        fresh = [one.number for one in done.productions]
        before = run.steps
        run.steps -= sum(sizes)
        for number, steps in zip(fresh[1:], sizes, strict=True):
            self.naive.runs[number] = NaiveRun(number, run.item, steps)
        self.learn_runs()
        assert sum(self.naive.runs[number].steps for number in fresh) == before, "law 11"
        if run.item in BESIDES:  # a step of what comes out besides may be lost to rounding, and is named
            lost = sum(steps_of(row.item, row.amount) for row in done.displaced)
            assert sum(promised.values()) - sum(self.served(fresh).values()) == lost <= len(sizes)
        else:
            assert self.served(fresh) == promised, "everybody is served as before"
        for number in fresh:
            assert steps_of(run.item, self.shop.production.get(number).planned) == self.naive.runs[number].steps
            self.needs_are_right(self.naive.runs[number])

    @precondition(lambda self: sum(run.state == "planned" for run in self.naive.runs.values()) > 1)
    @rule(which=WHICH, other=WHICH)
    def merge(self, which, other):
        run = self.a_run(which, "planned")
        rest = self.choose(
            self.naive.runs.values(), other, lambda row: row.state == "planned" and row.item == run.item and row is not run
        )
        wrong = run.state != "planned" or rest.state != "planned"
        must = NotAllowed if wrong else InvalidInput if rest is run or rest.item != run.item else None
        promised = self.served([run.number, rest.number])
        done = self.do(lambda key: self.shop.production.merge(run.number, [rest.number], key=key), NeverFits, must=must)
        if must or isinstance(done, NeverFits):  # one batch that no day is long enough for
            return
        run.steps, rest.state = run.steps + rest.steps, "merged"
        self.learn_runs()
        assert self.served([run.number]) == promised
        assert not [link for link in self.links() if rest.number in (link.demand, link.ref)]
        self.needs_are_right(run)

    def promised(self, run):
        """Per item what others count on of a run."""
        sums = Counter[str]()
        for link in self.counted():
            sums[link.item] += link.takes if (link.source, link.ref) == ("run", run.number) else 0
        return +sums

    def served(self, runs):
        """Who counts on these runs, and with how much."""
        sums = Counter[tuple[str, str]]()
        for link in self.counted():
            if link.source == "run" and link.ref in runs:
                sums[link.demand, link.line] += link.covers
        return +sums

    def needs_are_right(self, run):
        """No need is covered beyond what it is; what is not covered could not be."""
        covered = Counter[str]()
        for link in self.links():
            if link.demand == run.number:
                covered[link.line] += link.covers
        for line in NEEDS[run.item]:
            assert covered[line] <= needed(run.item, line, run.steps)
            if covered[line] < needed(run.item, line, run.steps):
                assert line.partition("/")[0] not in MADE, "what can be made is made"
                assert self.nothing_for(run, line), "there was some"

    @precondition(lambda self: self.naive.runs)
    @rule(which=WHICH, hours=st.sampled_from([-1, 1, 30, 200]))
    def reschedule(self, which, hours):
        run = self.a_run(which, *OPEN)
        start = self.clock.now() + timedelta(hours=hours)
        must = NotAllowed if run.state not in OPEN else InvalidInput if hours < 0 else None
        before, quiet = self.links(), self.quiet()
        done = self.do(lambda key: self.shop.production.reschedule(run.number, start, key=key), must=must)
        if not must:
            assert done.production.planned_start >= start
            if quiet:
                assert self.links() == before, "a move changes no promise"

    @precondition(lambda self: self.naive.runs)
    @rule(which=WHICH, step=st.sampled_from(["release", "release", "replan"]))
    def release_or_not(self, which, step):
        state, after = ("planned", "released") if step == "release" else ("released", "planned")
        run = self.a_run(which, state)
        must = None if run.state == state and not (step == "release" and self.stopped(run)) else NotAllowed
        done = self.do(lambda key: getattr(self.shop.production, step)(run.number, key=key), must=must)
        if not must:
            assert done.state == after
            run.state = after

    @precondition(lambda self: self.naive.runs)
    @rule(which=WHICH)
    def cover(self, which):
        run = self.a_run(which, *OPEN, "started")
        must = None if run.state in (*OPEN, "started") else NotAllowed
        self.do(lambda key: self.shop.production.cover(run.number, key=key), must=must)
        if not must:
            self.learn_runs()
            if run.state in OPEN:
                self.needs_are_right(run)

    @precondition(lambda self: self.naive.orders)
    @rule(which=WHICH, more=WHICH, item=st.sampled_from([None, "soap", "balm", "base"]))
    def plan_for_orders(self, which, more, item):
        orders = {self.choose(self.naive.orders.values(), n, lambda row: row.state == "placed").number for n in (which, more)}
        papers = [self.naive.orders[number] for number in orders]
        must = NotAllowed if any(order.state not in ("placed", "confirmed") or order.held for order in papers) else None
        before = {*self.naive.runs}
        run = self.do(lambda key: self.shop.production.plan_for([*orders], item=item, key=key), InvalidInput, must=must)
        if isinstance(run, KrafteError):
            return
        for order in papers:
            self.end_quotes(order.number, "accepted", "planned")  # type: ignore[attr-defined]
            order.state = "confirmed"
        self.learn_runs()
        assert run.number not in before
        assert {link.demand for link in self.links() if link.source == "run" and link.ref == run.number} & orders
        links = self.links()
        for order in papers:
            for line, (item_, _) in order.needs.items():
                covered = sum(link.covers for link in links if (link.demand, link.line) == (order.number, line))
                assert covered == order.open(line) or item_ not in MADE

    # on the line ------------------------------------------------------------------------------------------------------

    @precondition(lambda self: any(run.state == "started" for run in self.naive.runs.values()))
    @rule(which=WHICH, item=st.sampled_from(["oil", "lye", "jar", "base"]), units=SIZE, named=st.booleans(), force=st.booleans())
    def issue(self, which, item, units, named, force):
        run = self.a_run(which, "started")
        steps = units * PER_UNIT[item]
        lots = [lot for lot in self.naive.lots.values() if lot.item == item]
        lot = self.choose(lots, which).code if named and lots else None
        lines = {line.partition("/")[0] for line in NEEDS[run.item]}
        extra = {} if item in lines else {"reason": "as told"}
        since, must = self.posted(), None if run.state == "started" else NotAllowed
        done = self.do(
            lambda key: self.shop.production.issue(run.number, item, amount(item, steps), lot=lot, force=force, key=key, **extra),
            Short, LotNotUsable, *([TooMuch] if force else []),
            must=must,
        )  # fmt: skip
        if isinstance(done, KrafteError):
            return
        before = self.on_line(run)[item]
        self.follow(since, run)
        assert self.on_line(run)[item] - before == steps
        assert not (done.displaced and not force)
        run.handled.add(item)

    @precondition(lambda self: any(run.state == "started" for run in self.naive.runs.values()))
    @rule(
        which=WHICH,
        percent=st.sampled_from([10, 50, 100, 120]),
        kind=st.sampled_from(["give_back", "give_back", "scrap"]),
        to=st.none() | st.sampled_from(PLACES),
    )
    def take_from_the_line(self, which, percent, kind, to):
        run = self.a_run(which, "started")
        lots = [
            (item, lot, steps) for (item, lot, place), steps in sorted(self.naive.on_hand.items()) if place == f"line:{run.number}"
        ]
        if not lots:
            return
        item, lot, there = lots[which % len(lots)]
        steps = max(1, there * percent // 100)
        how: dict[str, Any] = {"to": to} if kind == "give_back" else {"reason": "spilt"}
        since, must = self.posted(), TooMuch if steps > there else None
        self.do(
            lambda key: getattr(self.shop.production, kind)(run.number, item, amount(item, steps), lot=lot, key=key, **how), must=must
        )
        if must:
            return
        self.follow(since, run)
        if kind == "give_back":
            run.handled.add(item)
            if to is not None:
                assert self.naive.on_hand[item, lot, to] >= steps

    # output -----------------------------------------------------------------------------------------------------------

    @precondition(lambda self: any(run.state == "started" for run in self.naive.runs.values()))
    @rule(
        which=WHICH,
        good=PART,
        bad=st.sampled_from([0, 0, 5]),
        own=st.booleans(),
        used=st.sampled_from(["as planned", "as planned", "half"]),
        rest=st.sampled_from([0, 0, 50]),
    )
    def report(self, which, good, bad, own, used, rest):
        run = self.a_run(which, "started")
        made, scrapped = run.steps * good // 100, 0 if run.item in APART else run.steps * bad // 100
        must = None if run.state == "started" else NotAllowed
        since, there, lots = self.posted(), self.on_line(run), self.on_its_line(run)
        used = "as planned" if run.item in (*BY_CHOICE, *APART) else used
        given, expected = None, Counter[str]()
        for line in NEEDS[run.item]:
            item, output = line.partition("/")[0], run.output
            planned = needed(run.item, line, output + made + scrapped) - needed(run.item, line, output)
            expected[item] += min(planned, there[item] - expected[item])
        if used == "half":
            item = next(iter(NEEDS[run.item])).partition("/")[0]
            expected[item] //= 2
            given = {item: amount(item, expected[item])}
        lot = f"{run.number}-all" if own else None
        promised = self.served([run.number])
        others = {"lye": {f"{run.number}-rest": amount("lye", rest)}} if rest else None
        done = self.do(
            lambda key: self.shop.production.report(
                run.number, made=amount(run.item, made), scrapped=some(run.item, scrapped), lot=lot, used=given,
                by_products=others, key=key,
            ),
            *((TooMuch,) if run.item in APART else ()),
            must=must,
        )  # fmt: skip
        if isinstance(done, KrafteError):
            return
        if run.item in APART:
            expected = Counter({run.item: made})
        before, run.output = run.output, run.output + made + scrapped
        flow = self.follow(since, run)
        if run.item in BY_CHOICE:
            self.charge_is_right(run, flow, lots, before, made + scrapped, 0)
        else:
            assert +flow.items() == +expected
        assert (flow.done(run.item), flow.came("lye")) == (made + scrapped, rest)
        assert sum(flow.scrapped.values()) == scrapped
        still = sum(self.served([run.number]).values())
        lost = sum(steps_of(row.item, row.amount) for row in done.displaced if row.item != "block")
        kept = sum(promised.values()) - still - lost
        assert 0 <= kept <= made + sum(flow.came(item) for item in BESIDES.get(run.item, ())), "what came went to those who wait"
        assert still <= sum(run.coming(item) for item in (run.item, *BESIDES.get(run.item, ())))

    @precondition(lambda self: any(run.state == "started" for run in self.naive.runs.values()))
    @rule(which=WHICH)
    def stop(self, which):
        run = self.a_run(which, "started")
        must = None if run.state == "started" else NotAllowed
        since = self.posted()
        self.do(lambda key: self.shop.production.stop(run.number, key=key), must=must)
        if must:
            return
        flow = self.follow(since, run)
        run.state = "done"
        assert not +flow.used
        assert not +flow.made
        assert not +self.on_line(run)
        assert not [link for link in self.links() if run.number in (link.demand, link.ref)]

    # corrections ------------------------------------------------------------------------------------------------------

    @precondition(lambda self: any(run.state in OVER for run in self.naive.runs.values()))
    @rule(which=WHICH, item=st.sampled_from(["oil", "lye", "jar"]), units=st.integers(1, 4))
    def use_later(self, which, item, units):
        run = self.a_run(which, "done")
        steps = units * PER_UNIT[item]
        since, must = self.posted(), None if run.state == "done" else NotAllowed
        done = self.do(
            lambda key: self.shop.production.use(run.number, item, amount(item, steps), reason="forgotten", key=key),
            TooMuch,
            must=must,
        )
        if not isinstance(done, KrafteError):
            flow = self.follow(since, run)
            assert sum(flow.used.values()) == steps

    @precondition(lambda self: any(run.state in ("done", "closed") for run in self.naive.runs.values()))
    @rule(which=WHICH, percent=st.sampled_from([None, None, 30, 100, 120]), force=st.booleans())
    def reverse(self, which, percent, force):
        run = self.a_run(which, "done", "started")
        good = self.good(run)
        steps = None if percent is None else max(1, good * percent // 100)
        allowed = run.state in ("done", "started")
        must = NotAllowed if not allowed else TooMuch if steps is not None and steps > good else None
        since = self.posted()
        free = {key: self.unpromised(key) for key in self.naive.lots}
        done = self.do(
            lambda key: self.shop.production.reverse(
                run.number, None if steps is None else amount(run.item, steps), force=force, key=key
            ),
            *((TooMuch,) if force else (TooMuch, Short)),
            must=must,
        )
        if isinstance(done, KrafteError):
            return
        flow = self.follow(since, run)
        whole = steps is None or (run.state == "done" and steps == good)
        back = -flow.done(run.item) + sum(flow.scrapped.values())
        assert back == (good if steps is None else steps)
        if not force:
            assert not done.displaced or run.state == "started"
            assert all(-made <= free[key] - flow.scrapped[key] for key, made in flow.made.items() if made < 0)
        run.output += flow.done(run.item)
        run.state = done.state
        if whole:
            assert run.state == "reversed"
            assert not +self.on_line(run)
            for key in self.naive.lots:
                assert self.used_by(run, key) == 0, "everything that went in is out again"

    def good(self, run):
        """Good output that was not taken back: made less scrapped by the run itself; or what is still taken apart."""
        if run.item in APART:
            return sum(self.used_by(run, key) for key in self.naive.lots if key[0] == run.item)
        sums = 0
        for posting in books(self.shop)["postings"]:
            if posting.paper == run.number:
                for item, lot, steps, source, target, _ in posting.moves:
                    if item == run.item and lot.startswith(run.number):
                        sums += steps * (
                            (source == "production" and posting.kind == "make")
                            - (target == "production" and posting.kind == "reverse")
                        )
                        sums -= steps * ((target == "scrap") - (source == "scrap"))
        return sums

    def used_by(self, run, key):
        return sum(
            steps * ((target == "production") - (source == "production"))
            for posting in books(self.shop)["postings"] if posting.paper == run.number
            for item, lot, steps, source, target, _ in posting.moves
            if (item, lot) == key
        )  # fmt: skip

    def unpromised(self, key):
        drawn = sum(link.takes for link in self.counted() if link.source == "lot" and (link.item, link.ref) == key)
        there = sum(steps for (item, lot, place), steps in self.naive.on_hand.items() if (item, lot) == key and place[:5] != "line:")
        return there - drawn

    @precondition(lambda self: any(run.state in ("done", "closed") for run in self.naive.runs.values()))
    @rule(which=WHICH, step=st.sampled_from(["close", "reopen"]))
    def close_or_reopen(self, which, step):
        state, after = ("done", "closed") if step == "close" else ("closed", "done")
        run = self.a_run(which, state)
        must = None if run.state == state else NotAllowed
        self.do(lambda key: getattr(self.shop.production, step)(run.number, key=key), must=must)
        if not must:
            run.state = after

    @precondition(lambda self: any(run.state == "planned" for run in self.naive.runs.values()))
    @rule(which=WHICH, pieces=SIZE)
    def a_run_at_work(self, which, pieces):
        """Something that has begun, so that there is something to report, to take back and to correct."""
        self.receive_or_find("oil", pieces + 30, None, "shelf", find=False)  # type: ignore[attr-defined]
        self.plan_a_run("balm", pieces, "wait")  # type: ignore[attr-defined]
        run = [*self.naive.runs.values()][-1]
        if run.item == "balm" and run.state == "planned":
            self.start(which, "refuse", run=run)  # type: ignore[attr-defined]

    @rule(which=WHICH, kilograms=st.integers(1, 12), potency=st.sampled_from([40, 50, 77]), days=st.none() | st.integers(0, 9))
    def a_salve_at_work(self, which, kilograms, potency, days):
        """More salve than there is oil for, so that fat stands in, from rose oils of any content."""
        self.receive_or_find("fat", kilograms + which % 9, days, "stock", find=False)  # type: ignore[attr-defined]
        self.receive_or_find("rose", 1 + which % 5, None, "stock", find=False, potency=potency)  # type: ignore[attr-defined]
        units = min(40, self.free("oil", self.today) // 100 + kilograms)  # type: ignore[attr-defined]
        self.plan_a_run("salve", units, "wait")  # type: ignore[attr-defined]
        run = [*self.naive.runs.values()][-1]
        if run.item == "salve" and run.state == "planned" and which % 4:
            self.start(which, "start" if which % 3 else "refuse", run=run)  # type: ignore[attr-defined]


__all__ = ["OUTPUT_LINES", "ProductionRules"]
