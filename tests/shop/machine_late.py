"""What the machine writes down later than it happened, keeps by hand for a run, and orders and makes from a list of proposals."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from krafte_core import KrafteError, Short
from krafte_core.errors import InvalidInput, LotNotUsable, NotAllowed, TooMuch
from tests.shop.machine_production import OPEN, Flow
from tests.shop.naive import (
    APART,
    BY_CHOICE,
    NEEDS,
    PER_UNIT,
    NaiveLot,
    NaivePurchase,
    NaiveRun,
    amount,
    books,
    needed,
    some,
    steps_of,
)

WHICH = st.integers(0, 60)
HOURS = st.sampled_from([1, 5, 30, 200])
QUARTER = st.sampled_from([-1, 0, 1, 2, 3, 4, 4])
AT_WORK = ("start", "issue", "give_back", "scrap", "report", "reverse a part")
AFTER = (*AT_WORK, "complete", "stop", "use")


class LateRules:
    """Rules for `WorkshopMachine`; a base class, so that the machine stays one."""

    naive: Any
    shop: Any
    clock: Any
    do: Any
    choose: Any
    a_run: Any
    learn_runs: Any
    links: Any
    counted: Any
    posted: Any
    tell_apart: Any
    learn_besides: Any
    on_its_line: Any
    charge_is_right: Any
    usage: Any
    receive_or_find: Any
    plan_a_run: Any
    needs_are_right: Any
    today: Any
    stopped: Any
    good: Any
    used_by: Any
    has_arrived: Any
    ago: Any
    follow_slips: Any
    a_shelf: Any
    drawn: Any
    covered: Any
    ready: Any
    count: int

    # what the twin knows ----------------------------------------------------------------------------------------------

    def could(self, row: tuple[str, str, str], at: Any) -> tuple[int, bool]:
        """How much of a lot at a place could have been taken then, and whether that would be felt today (no count since)."""
        slips = self.naive.slips[row]
        low, high = 0, max(0, self.naive.stood(slips, at))
        while low < high:
            some = (low + high + 1) // 2
            if self.naive.replayed([*slips, (at, len(slips), False, -some)]) is None:
                high = some - 1
            else:
                low = some
        felt = not any(counted and when > at for when, _, counted, _ in slips)
        return low, felt

    def follow_late(self, since: int, run: NaiveRun, at: Any) -> Flow:
        """Follow the moves of the last command into the slips of then; what a later count had found missing is known now."""
        flow, touched = Flow(), dict.fromkeys([("", "", "")])
        line = f"line:{run.number}"
        for posting in books(self.shop)["postings"][since:]:
            if posting.kind == "recount":
                for item, lot, steps, source, _, _ in posting.moves:
                    self.naive.lots[item, lot].flow["count_loss"] += -steps if source == "count" else steps
                continue
            assert (posting.paper, posting.happened_at) == (run.number, at)
            for item, lot, steps, source, target, _ in posting.moves:
                if (item, lot) not in self.naive.lots:
                    waits = "waiting" if item == "balm" else "released"
                    self.naive.lots[item, lot] = NaiveLot(item, lot, "made", None, waits, Counter({"made": 0}), at)
                for place, change in ((source, -steps), (target, steps)):
                    if place not in ("production", "scrap"):
                        slips = self.naive.slips[item, lot, place]
                        slips.append((at, len(slips), False, change))
                        touched[item, lot, place] = None
                if target == line:
                    self.naive.came[item, lot, line][source] += steps
                if source == line:
                    self.naive.came[item, lot, line][target] -= steps
                self.tell_apart(flow, posting.kind, item, lot, steps, source, target)
        for row in [*touched][1:]:
            after = self.naive.replayed(self.naive.slips[row])
            assert after is not None, f"{row} was negative after {at}"
            self.naive.set(row, after)
        self.learn_besides(run, flow)
        return flow

    def last_count(self, run: NaiveRun) -> Any:
        """When something that lies on the line of a run was last counted there."""
        line = f"line:{run.number}"
        rows = [self.naive.slips[row] for row in self.naive.on_hand if row[2] == line]
        return max([at for slips in rows for at, _, counted, _ in slips if counted], default=self.happened(run, "start"))

    def happened(self, run: NaiveRun, *steps: str) -> Any:
        """When the last of these steps of a run happened."""
        return max(entry.happened for entry in self.shop.production.history(run.number) if entry.step in steps)

    def then(self, run: NaiveRun, quarter: int, *steps: str) -> Any:
        """An instant between the last of these steps and now; or one before it, if `quarter` is below zero."""
        now, last = self.clock.now(), self.happened(run, *steps)
        return last - timedelta(hours=1) if quarter < 0 else last + (now - last) * quarter / 4

    # runs, written down later -----------------------------------------------------------------------------------------

    @precondition(lambda self: any(run.state in OPEN for run in self.naive.runs.values()))
    @rule(which=WHICH, hours=HOURS, when_short=st.sampled_from(["refuse", "start"]))
    def start_late(self, which, hours, when_short, run=None):
        """Allowed if and only if every reserved lot was there then, and ever since."""
        run, at = run or self.a_run(which, *OPEN), self.clock.now() - timedelta(hours=hours)
        lots = [link for link in self.links() if link.demand == run.number and link.source == "lot"]
        there, taken = Counter[str](), Counter[tuple[str, str, str]]()
        for link in lots:
            there[link.line] += link.covers
            taken[link.item, link.ref, link.place] += link.takes
        must: Any = None
        if run.state not in OPEN or self.stopped(run):
            must = NotAllowed
        elif when_short == "refuse" and any(there[line] < needed(run.item, line, run.steps) for line in NEEDS[run.item]):
            must = Short
        elif any(self.naive.reason(self.naive.lots[link.item, link.ref], link.place, at.date()) for link in lots):
            must = LotNotUsable
        elif any(self.could(row, at)[0] < steps for row, steps in taken.items()):
            must = TooMuch
        since = self.posted()
        done = self.do(
            lambda key: self.shop.production.start(run.number, when_short=when_short, happened_at=at, key=key), must=must, at=at
        )
        if not isinstance(done, KrafteError):
            run.state = "started"
            self.follow_late(since, run, at)

    @precondition(lambda self: any(run.state in ("started", "done") for run in self.naive.runs.values()))
    @rule(
        which=WHICH, quarter=QUARTER, item=st.sampled_from(["oil", "lye", "jar", "base"]), units=st.integers(1, 12),
        named=st.booleans(), kind=st.sampled_from(["issue", "issue", "use"]),
    )  # fmt: skip
    def bring_or_use_late(self, which, quarter, item, units, named, kind):
        state = "started" if kind == "issue" else "done"
        run = self.a_run(which, state)
        at = self.then(run, quarter, "start") if run.state == state else self.clock.now()
        steps = units * PER_UNIT[item]
        lots = [lot for lot in self.naive.lots.values() if lot.item == item]
        lot = self.choose(lots, which).code if named and lots else None
        must: Any = NotAllowed if run.state != state else InvalidInput if at < self.happened(run, "start") else None
        since = self.posted()
        command = getattr(self.shop.production, kind)
        done = self.do(
            lambda key: command(run.number, item, amount(item, steps), lot=lot, reason="a slip", happened_at=at, key=key),
            Short, LotNotUsable, TooMuch, must=must, at=at,
        )  # fmt: skip
        if isinstance(done, KrafteError):
            if isinstance(done, Short) and lot is None:
                assert self.to_be_had(run, item, at) < steps, "there was some"
            return
        flow = self.follow_late(since, run, at)
        if kind == "issue":
            run.handled.add(item)
            assert not done.displaced
        else:
            assert sum(flow.used.values()) == steps

    def to_be_had(self, run: NaiveRun, item: str, at: Any) -> int:
        """What a run could have taken of an item then: its own reservation and what is free, as far as it was there."""
        drawn, own = Counter[tuple[str, str, str]](), Counter[tuple[str, str, str]]()
        for link in self.counted():
            if link.source == "lot":
                drawn[link[3:6]] += link.takes
                own[link[3:6]] += link.takes if link.demand == run.number else 0
        total = 0
        for row, there in self.naive.on_hand.items():
            lot = self.naive.lots[row[:2]]
            if row[0] != item or row[2].startswith("line:") or self.naive.reason(lot, row[2], at.date()):
                continue
            if not lot.code.startswith(run.number):
                could, felt = self.could(row, at)
                total += min(could, there - drawn[row] + own[row]) if felt else could
        return total

    @precondition(lambda self: any(run.state == "started" for run in self.naive.runs.values()))
    @rule(which=WHICH, quarter=QUARTER, good=st.sampled_from([20, 60, 100]), bad=st.sampled_from([0, 5]), ends=st.booleans())
    def make_late(self, which, quarter, good, bad, ends):
        run, after = self.a_run(which, "started"), AT_WORK if ends else ("start",)
        at = self.then(run, quarter, *after) if run.state == "started" else self.clock.now()
        made, scrapped = run.steps * good // 100, 0 if run.item in APART else run.steps * bad // 100
        given = (
            dict.fromkeys({line.partition("/")[0] for line in NEEDS[run.item]} - run.handled)
            if not ends and run.item not in APART
            else {}
        )
        _, expected = self.usage(run, made, scrapped, "as planned") if run.state == "started" else (None, Counter())
        early = run.state == "started" and (at < self.happened(run, *after) or (ends and at < self.last_count(run)))
        must: Any = NotAllowed if run.state != "started" else InvalidInput if early else None
        since = self.posted()
        command = self.shop.production.complete if ends else self.shop.production.report
        used = {"used": dict.fromkeys(given)} if given else {}
        done = self.do(
            lambda key: command(
                run.number, made=amount(run.item, made), scrapped=some(run.item, scrapped), happened_at=at, key=key, **used
            ),
            TooMuch, must=must, at=at,
        )  # fmt: skip
        if isinstance(done, KrafteError):
            return
        lots = self.on_its_line(run)
        flow = self.follow_late(since, run, at)
        assert (flow.done(run.item), sum(flow.scrapped.values())) == (made + scrapped, scrapped)
        before, run.output = run.output, run.output + made + scrapped
        if ends:
            run.state = "done"
            if run.item in BY_CHOICE:
                self.charge_is_right(run, flow, lots, before, made + scrapped, max(0, run.steps - run.output))
            else:
                assert +flow.items() == +expected
            assert not [row for row in self.naive.on_hand if row[2] == f"line:{run.number}"]

    @precondition(lambda self: any(run.state == "started" for run in self.naive.runs.values()))
    @rule(which=WHICH, quarter=QUARTER)
    def stop_late(self, which, quarter):
        run = self.a_run(which, "started")
        begun = run.state == "started"
        at, since = self.then(run, quarter, *AT_WORK) if begun else self.clock.now(), self.posted()
        early = begun and (at < self.happened(run, *AT_WORK) or at < self.last_count(run))
        must = NotAllowed if not begun else InvalidInput if early else None
        wrong = (TooMuch,) if begun else ()
        done = self.do(lambda key: self.shop.production.stop(run.number, happened_at=at, key=key), *wrong, must=must, at=at)
        if isinstance(done, KrafteError):
            return
        flow = self.follow_late(since, run, at)
        run.state = "done"
        assert not +flow.used
        assert not +flow.made
        assert not [link for link in self.links() if run.number in (link.demand, link.ref)]

    @precondition(lambda self: any(run.state == "done" for run in self.naive.runs.values()))
    @rule(which=WHICH, quarter=QUARTER, percent=st.sampled_from([None, 30, 100]), force=st.booleans())
    def reverse_late(self, which, quarter, percent, force):
        run = self.a_run(which, "done", "started")
        good, allowed = self.good(run), run.state in ("done", "started")
        steps = None if percent is None else max(1, good * percent // 100)
        at, since = self.then(run, quarter, *AFTER) if allowed else self.clock.now(), self.posted()
        must: Any = NotAllowed if not allowed else InvalidInput if at < self.happened(run, *AFTER) else None
        must = must or (TooMuch if steps is not None and steps > good else None)
        must = must or (InvalidInput if run.state == "started" and steps is None and at < self.last_count(run) else None)
        told = None if steps is None else amount(run.item, steps)
        done = self.do(
            lambda key: self.shop.production.reverse(run.number, told, force=force, happened_at=at, key=key),
            TooMuch, Short, must=must, at=at,
        )  # fmt: skip
        if isinstance(done, KrafteError):
            return
        flow = self.follow_late(since, run, at)
        assert -flow.done(run.item) + sum(flow.scrapped.values()) == (good if steps is None else steps)
        run.output += flow.done(run.item)
        run.state = done.state
        if steps is None:
            assert all(self.used_by(run, key) == 0 for key in self.naive.lots), "everything that went in is out again"

    @precondition(lambda self: self.naive.shipments)
    @rule(which=WHICH, hours=st.sampled_from([1, 5, 30, 200]))
    def it_arrived_earlier(self, which, hours):
        sent = self.choose(self.naive.shipments.values(), which, lambda row: row.number not in self.naive.delivered)
        at = self.clock.now() - timedelta(hours=hours)
        must = NotAllowed if sent.number in self.naive.delivered else InvalidInput if at < sent.shipped_at else None
        done = self.do(lambda key: self.shop.shipping.deliver(sent.number, happened_at=at, key=key), must=must, at=at)
        if not isinstance(done, KrafteError):
            self.has_arrived(sent)

    # goods, written down later ----------------------------------------------------------------------------------------

    @rule(
        item=st.sampled_from(["oil", "jar", "balm", "soap"]), units=st.integers(1, 20), hours=HOURS,
        kind=st.sampled_from(["receive", "found", "opening"]),
    )  # fmt: skip
    def it_came_earlier(self, item, units, hours, kind):
        at, since, told = self.ago(hours), self.posted(), amount(item, units * PER_UNIT[item])
        done = self.do(lambda key: getattr(self.shop.stock, kind)(item, told, happened_at=at, key=key), at=at)
        if not isinstance(done, KrafteError):
            how = "found" if kind == "found" else "received"
            self.follow_slips(since, at, NaiveLot(item, "", how, None, "waiting" if item == "balm" else "released"))

    @precondition(lambda self: self.naive.on_hand)
    @rule(
        which=WHICH, percent=st.sampled_from([10, 50, 100]), hours=HOURS, to=st.sampled_from(["shelf", "quarantine", "supplier"]),
        promises=st.booleans(),
    )  # fmt: skip
    def it_was_moved_earlier(self, which, percent, hours, to, promises):
        """To another shelf, or back to the supplier."""
        row = self.a_shelf(which)
        if row is None:
            return
        item, code, where = row
        at, since, covered, there = self.ago(hours), self.posted(), self.covered(), self.naive.on_hand[row]
        steps = max(1, there * percent // 100)
        could, felt = self.could(row, at)
        most = min(there if promises or (to == "supplier" and not felt) else there - self.drawn(row), could)
        told: Any = {"lot": code, "place": where, "happened_at": at}
        wrong: tuple[Any, ...] = (TooMuch,) if steps > most or where == to else ()
        if to == "supplier":
            wrong += (InvalidInput,) if self.naive.lots[item, code].origin != "received" else ()
            command = lambda key: self.shop.purchasing.send_back(item, amount(item, steps), force=promises, key=key, **told)  # noqa: E731 - one of two
        else:
            command = lambda key: self.shop.stock.transfer(item, amount(item, steps), to=to, reserved=promises, key=key, **told)  # noqa: E731 - the other
        done = self.do(command, must=wrong or None, at=at)
        if isinstance(done, KrafteError):
            return
        self.follow_slips(since, at)
        assert to == "supplier" or self.covered() == covered

    @precondition(lambda self: self.naive.orders)
    @rule(which=WHICH, hours=HOURS)
    def it_left_earlier(self, which, hours):
        """Allowed only if every lot was there then and ever since; what is ready today leaves then."""
        order = self.choose(
            self.naive.orders.values(), which, lambda row: row.state == "confirmed" and not row.held and self.ready(row)
        )
        at, since, ready = self.ago(hours), self.posted(), self.ready(order)
        must = NotAllowed if order.state != "confirmed" or order.held else None if ready else Short
        sent = self.do(
            lambda key: self.shop.shipping.ship(order.number, tracking=f"T-{self.count}", happened_at=at, key=key),
            TooMuch, must=must, at=at,
        )  # fmt: skip
        if isinstance(sent, KrafteError):
            assert must or at < self.clock.now()
            return
        self.follow_slips(since, at)
        self.naive.shipments[sent.number] = sent
        assert sent.shipped_at == at
        for line in sent.lines:
            order.gone[line.line] += line.steps
            ready[line.line] -= line.steps
        assert not any(ready.values())

    @precondition(lambda self: self.naive.shipments)
    @rule(which=WHICH, hours=HOURS, percent=st.sampled_from([20, 100]), reopen=st.booleans())
    def it_came_back_earlier(self, which, hours, percent, reopen):
        """Only what the customer had by then."""
        sent = self.choose(self.naive.shipments.values(), which)
        line = sent.lines[which % len(sent.lines)]
        order, at, since = self.naive.orders[line.order], self.ago(hours), self.posted()
        if "+" in line.line:
            return
        had = sum(
            one.steps for other in self.naive.shipments.values() if other.shipped_at <= at for one in other.lines
            if (one.order, one.line, one.lot) == (line.order, line.line, line.lot)
        )  # fmt: skip
        steps = max(1, line.steps * percent // 100)
        must: Any = NotAllowed if order.state in ("cancelled", "merged", "placed") or (reopen and order.state == "closed") else None
        must = must or (TooMuch if steps > had - self.naive.returned[line.order, line.line, line.lot] else None)
        told: Any = {"amounts": {line.line: amount(line.item, steps)}, "lot": line.lot, "to": "shelf", "happened_at": at}
        back = self.do(lambda key: self.shop.shipping.receive_return(line.order, reopen=reopen, key=key, **told), must=must, at=at)
        if isinstance(back, KrafteError):
            return
        self.follow_slips(since, at)
        self.naive.returned[line.order, line.line, line.lot] += steps
        order.back[line.line] += steps if reopen else 0

    @rule(pieces=st.integers(1, 20), which=WHICH, quarter=QUARTER, good=st.sampled_from([20, 60]))
    def a_week_of_slips(self, pieces, which, quarter, good):
        """Oil came, a balm was begun; days later somebody types what was brought, what was made, and what was used."""
        self.receive_or_find("oil", 2 * pieces + 30, None, "shelf", find=False)
        self.clock.tick(timedelta(hours=30))
        self.plan_a_run("balm", pieces, "wait")
        run = [*self.naive.runs.values()][-1]
        if run.item != "balm" or run.state != "planned":
            return
        self.start_late(which, 5, "start", run=run)
        self.clock.tick(timedelta(hours=24))
        self.bring_or_use_late(which, quarter, "oil", 1, named=False, kind="issue")
        self.make_late(which, quarter, good, 5, ends=False)

    # materials by hand ------------------------------------------------------------------------------------------------

    @precondition(lambda self: any(run.state in OPEN for run in self.naive.runs.values()))
    @rule(which=WHICH, of=WHICH, whole=st.booleans(), force=st.booleans(), percent=st.sampled_from([None, 40, 120]))
    def keep_for_a_run(self, which, of, whole, force, percent):
        run = self.a_run(which, *OPEN)
        line = [*NEEDS[run.item]][of % len(NEEDS[run.item])]
        item = line.partition("/")[0]
        rows = [row for row in self.naive.standing() if row[0] == item and row[2] in ("stock", "shelf")]
        if whole and not rows:
            return
        row = self.choose(rows, of) if whole else None
        need = needed(run.item, line, run.steps)
        how: dict[str, Any] = {"lot": row[1], "place": row[2], "whole": True} if row else {}
        given = None if percent is None or whole else amount(item, max(1, need * percent // 100))
        must = None if run.state in OPEN else NotAllowed
        done = self.do(
            lambda key: self.shop.production.allocate(run.number, line, given, force=force, key=key, **how),
            Short, TooMuch, LotNotUsable, must=must,
        )  # fmt: skip
        if isinstance(done, KrafteError):
            if isinstance(done, Short):
                asked = done.shortages[0].needed
                enough = run.item not in BY_CHOICE and self.others_have(run, item, how) >= steps_of(item, asked)
                assert not (force and enough), "others have enough"
            return
        mine = [link for link in self.links() if link.demand == run.number and link.source == "lot"]
        assert sum(link.covers for link in mine if link.line == line) <= need
        assert sum(steps_of(kept.item, kept.amount) + steps_of(kept.item, kept.rest) for kept in done.lots) == sum(
            link.takes for link in mine
        )
        assert not done.displaced or force
        if row:
            here = [link for link in self.links() if link[2:6] == ("lot", *row)]
            assert {link.demand for link in here} == {run.number}, "nobody else has any of it"
            assert sum(link.takes for link in here) == self.naive.on_hand[row]

    def others_have(self, run: NaiveRun, item: str, how: dict[str, Any]) -> int:
        """By force everything can be taken, of a lot or of all, that is neither this run's nor quoted or picked."""
        return sum(
            link.takes
            for link in self.counted()
            if link.source == "lot" and link.item == item and (not how or link[4:6] == (how["lot"], how["place"]))
            and link.demand != run.number and link.firmness not in ("picked", "quoted")
            and not self.naive.reason(self.naive.lots[link.item, link.ref], link.place, self.used_on(run))
        )  # fmt: skip

    def used_on(self, run: NaiveRun) -> Any:
        start = self.shop.production.get(run.number).planned_start
        return max(self.today, start.date()) if start else self.today

    @precondition(lambda self: any(run.state in OPEN for run in self.naive.runs.values()))
    @rule(which=WHICH, of=st.none() | WHICH)
    def give_up_materials(self, which, of):
        run = self.a_run(which, *OPEN)
        line = None if of is None else [*NEEDS[run.item]][of % len(NEEDS[run.item])]
        mine = [link for link in self.links() if link.demand == run.number and link.source == "lot"]
        mine = [link for link in mine if line is None or link.line.removesuffix(" (rest)") == line]
        must: Any = NotAllowed if run.state not in OPEN else TooMuch if not mine else None
        self.do(lambda key: self.shop.production.free(run.number, line, key=key), must=must)
        if not must:
            left = {link[:6] for link in self.links()}
            assert not (kept := left & {link[:6] for link in mine}), kept

    # from a list ------------------------------------------------------------------------------------------------------

    @rule(oil=st.integers(0, 30), soap=st.integers(0, 20))
    def sign_the_list(self, oil, soap):
        """Everything on it is accepted; the next list is empty."""
        keep = {"oil": (f"{oil} kg", f"{oil + 10} kg"), "soap": (f"{soap} each", f"{soap + 5} each")}
        proposals = self.shop.planning.propose(keep=keep)
        done = self.do(lambda key: self.shop.planning.accept(proposals, key=key))
        self.learn_runs()
        for number in done.purchases:
            paper = self.shop.purchasing.get(number)
            self.naive.purchases[number] = NaivePurchase(number, paper.lines[0].item, paper.lines[0].steps)
        assert not (again := [str(row) for row in self.shop.planning.propose(keep=keep)]), again

    @precondition(lambda self: self.naive.orders)
    @rule(which=WHICH, language=st.sampled_from(["en", "de"]))
    def tell_the_customer(self, which, language):
        order = self.choose(self.naive.orders.values(), which).number
        short = self.shop.orders.timeline(order, language=language).entries
        whole = self.shop.orders.timeline(order, language=language, everything=True).entries
        assert [entry.at for entry in whole[:-1]] == sorted(entry.at for entry in whole[:-1])
        assert {(entry.step, entry.text) for entry in short} <= {(entry.step, entry.text) for entry in whole}
        assert all("{" not in entry.text for entry in whole)


__all__ = ["LateRules"]
