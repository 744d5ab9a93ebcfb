"""The laws of the books (DESIGN, section 7) as properties of the public desks, and the proof that `verify()` sees each book broken.

Law 13 (the wire form) is held by `test_wire.py`; the machine in `test_workshop_machine.py` checks all of them after every step.
"""

from __future__ import annotations

import subprocess
import sys
import threading
from collections import Counter
from datetime import date, timedelta
from fractions import Fraction
from itertools import pairwise
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from krafte_core import (
    BatchSize,
    Ingredient,
    Item,
    Operation,
    OrderLine,
    OrderStatus,
    PurchaseLine,
    Recipe,
    Short,
    Supplier,
    WorkCenter,
    Workshop,
)
from krafte_core.allocation import Allocation
from krafte_core.coverage import Booking
from krafte_core.diary import Entry
from krafte_core.errors import AlreadyExists, BrokenLaw, Conflict, TooMuch
from krafte_core.stock import Move, Posting
from krafte_core.stores.memory import MemoryStore
from krafte_core.testing import FakeClock
from tests.shop.naive import CATALOGUE, books, steps_of
from tests.support import ROOT

few = st.integers(1, 30)
share = st.integers(0, 100)


def oil_shop(oil=0):
    """Balm from oil, kilogram for kilogram less a tenth, on one kettle; so many kilograms of oil in lot O-1."""
    shop = Workshop.in_memory(clock=FakeClock("2026-01-05 08:00"))
    shop.register(
        Item("oil", unit="kg", step="10 g"),
        Item("balm", unit="kg", step="10 g"),
        Supplier("mill"),
        WorkCenter("kettle", hours="Mon-Fri 08:00-16:00"),
        Recipe("balm", makes="9 kg", ingredients=[Ingredient("oil", "10 kg")], operations=[Operation("stir", at="kettle", run="1 h")]),
    )
    if oil:
        shop.stock.receive("oil", f"{oil} kg", lot="O-1")
    return shop


def placed(shop, kilograms, item="oil", **more):
    return shop.orders.place(customer="Anna", lines=[OrderLine(item, f"{kilograms} kg")], **more)


def rows(shop, table):
    return books(shop)[table]


def allocated(shop, item, lot):
    """Steps that links take of a lot, added up by hand."""
    return sum(link.takes for link in rows(shop, "allocations") if link[2:5] == ("lot", item, lot))


# 1. conservation ------------------------------------------------------------------------------------------------------


@given(few, share, share, share, share)
def test_law_1_what_came_in_is_somewhere(kilograms, used, scrapped, counted, shipped):
    shop = oil_shop(kilograms)
    made = kilograms * 100 * used // 100 * 9 // 10  # steps of balm
    if made:
        shop.production.make("balm", f"{made * 10} g", lot="B-1")
    gone = steps_of("oil", shop.stock.level("oil").available) * scrapped // 100
    if gone:
        shop.stock.scrap("oil", f"{gone * 10} g", lot="O-1")
    left = steps_of("oil", shop.stock.level("oil").available)
    shop.stock.count("oil", f"{left * counted // 50 * 10} g", lot="O-1", place="stock")  # up or down
    left = left * counted // 50
    if away := left * shipped // 100:
        order = shop.orders.place(customer="Anna", lines=[OrderLine("oil", f"{away * 10} g")])
        shop.orders.confirm(order)
        shop.shipping.ship(order)

    balance = shop.trace.balance("oil", "O-1")

    ins = balance.received + balance.made + balance.found + balance.returned
    outs = balance.used + balance.shipped + balance.supplier_returned + balance.scrapped + balance.sampled + balance.count_loss
    assert ins == outs + balance.on_hand
    assert balance.unaccounted.is_zero
    assert steps_of("oil", balance.received) == kilograms * 100
    assert steps_of("oil", balance.on_hand) == left - away
    assert all(move.steps > 0 and move.source != move.target for posting in rows(shop, "postings") for move in posting.moves)
    shop.verify()


@given(few, st.integers(0, 150))
def test_law_1_what_went_into_a_run_and_not_out_is_its_loss(kilograms, percent):
    shop = oil_shop(kilograms * 2)
    run = shop.production.plan("balm", f"{kilograms} kg").production
    shop.production.start(run)
    made = kilograms * 100 * percent // 100
    shop.production.complete(run, made=f"{made * 10} g")

    mass = shop.trace.mass_balance(run)

    spent = kilograms * 200 - steps_of("oil", shop.stock.level("oil").on_hand)
    assert (steps_of("oil", mass.mass_in), steps_of("balm", mass.mass_out)) == (spent, made)
    assert mass.mass_in == mass.mass_out + mass.loss
    assert mass.unmeasured == ()


# 2. nothing is negative, ever -----------------------------------------------------------------------------------------


@given(few, st.lists(st.tuples(st.sampled_from(["scrap", "move", "use", "count"]), st.integers(1, 4000)), max_size=8))
def test_law_2_no_place_is_negative_at_any_time(kilograms, wishes):
    shop = oil_shop(kilograms)
    for what, steps in wishes:
        text = f"{steps * 10} g"
        there = {row.place: steps_of("oil", row.on_hand) for row in shop.stock.lots("oil")}
        try:
            if what == "scrap":
                shop.stock.scrap("oil", text, lot="O-1", place="stock")
            elif what == "move":
                shop.stock.transfer("oil", text, lot="O-1", place="stock", to="quarantine")
            elif what == "use":
                shop.production.make("balm", text)
            else:
                shop.stock.count("oil", text, lot="O-1", place="stock")
        except (TooMuch, Short):
            wanted = -(-steps * 10 // 9) if what == "use" else steps
            assert wanted > there.get("stock", 0), "refused although it was there"

    sums: Counter[tuple[str, str, str]] = Counter()
    for posting in rows(shop, "postings"):
        for move in posting.moves:
            sums[move.item, move.lot, move.source] -= move.steps
            sums[move.item, move.lot, move.target] += move.steps
            assert sums[move.item, move.lot, move.source] >= 0 or move.source in ("supplier", "production", "count", "found")
    shop.verify()


# 3. nothing is promised beyond what it is -----------------------------------------------------------------------------


@given(few, st.lists(few, min_size=1, max_size=6), few, few)
def test_law_3_lots_runs_purchases_and_demands_are_never_overdrawn(kilograms, wants, planned, ordered):
    shop = oil_shop(kilograms)
    run = shop.production.plan("balm", f"{planned} kg").production
    purchase = shop.purchasing.order("mill", lines=[PurchaseLine("oil", f"{ordered} kg")], expected="2026-01-09 08:00")
    orders = [placed(shop, want, item) for want in wants for item in ("oil", "balm")]
    for order in orders:
        shop.orders.confirm(order, make=False)

    links = rows(shop, "allocations")

    def drawn(*supply):
        return sum(link.takes for link in links if link[2:5] == supply)

    assert drawn("lot", "oil", "O-1") <= kilograms * 100
    assert drawn("run", "balm", run.number) == min(planned, sum(wants)) * 100  # all that there is, and not a step more
    assert drawn("purchase", "oil", purchase.number) <= ordered * 100
    needs = 100 * planned * 10
    wax = drawn("lot", "oil", "O-1") + drawn("purchase", "oil", purchase.number)
    assert wax == min((kilograms + ordered) * 100, -(-needs // 9) + sum(wants) * 100)
    for order in orders:
        assert sum(link.covers for link in links if link.demand == order.number) <= order.lines[0].steps
    shop.verify()


@given(st.lists(st.integers(1, 70), min_size=1, max_size=6))
def test_law_3_no_work_center_is_booked_above_its_capacity(batches):
    shop = oil_shop(1000)
    for kilograms in batches:
        shop.production.plan("balm", f"{kilograms} kg")  # an hour for nine kilograms

    spans = sorted((row.start, row.end) for row in rows(shop, "bookings"))

    assert len(spans) == len(batches)
    assert all(first[1] <= second[0] for first, second in pairwise(spans))
    assert sum(end - start for start, end in spans) == sum(-(-3600 * kilograms // 9) for kilograms in batches)


def test_law_3_holds_when_twenty_customers_want_ten_units_at_the_same_time():
    shop = Workshop.in_memory()
    shop.register(Item("candle", unit="each"))
    shop.stock.receive("candle", "10 each", lot="C-1")
    start, answers = threading.Barrier(20), []

    def want():
        order = shop.orders.place(customer="web", lines=[OrderLine("candle", "1 each")])
        start.wait()
        try:
            shop.orders.confirm(order, when_short="refuse")
        except Short:
            answers.append("short")
        else:
            answers.append("confirmed")

    threads = [threading.Thread(target=want) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert Counter(answers) == {"confirmed": 10, "short": 10}
    assert allocated(shop, "candle", "C-1") == 10
    shop.verify()


# 4. and 5. where lots come from ---------------------------------------------------------------------------------------

chains = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=1, max_size=8)


def brewed(chain):
    """Blends of blends: every run takes half of two earlier lots of brew, or malt where there is none."""
    shop = Workshop.in_memory(clock=FakeClock())
    shop.register(
        Item("malt", unit="kg"), Item("brew", unit="kg"),
        Recipe("brew", makes="1 kg", ingredients=[Ingredient("malt", "1 g"), Ingredient("brew", "1 g", from_stock=True)]),
    )  # fmt: skip
    shop.stock.receive("malt", "1000 kg", lot="M")
    shop.stock.receive("brew", "1000 kg", lot="B0")
    for n, (one, other) in enumerate(chain, 1):
        used = {f"B{one % n}": "1 kg"} | {f"B{other % n}": "1 kg"}
        shop.production.make("brew", "500 kg", lot=f"B{n}", used={"malt": "1 kg", "brew": used})
    return shop


@given(chains)
def test_law_4_every_lot_has_one_origin_and_is_not_used_before_it(chain):
    shop = brewed(chain)
    seen: dict[tuple[str, str], str] = {}
    for posting in rows(shop, "postings"):
        for move in posting.moves:
            key = (move.item, move.lot)
            if move.source in ("supplier", "production", "found"):
                assert key not in seen, "a second origin"
                seen[key] = posting.paper
            assert key in seen, "used before it was there"
    assert {key for key, paper in seen.items() if paper} == {("brew", f"B{n}") for n in range(1, len(chain) + 1)}
    with pytest.raises(AlreadyExists):
        shop.production.make("brew", "1 kg", lot="B1")
    shop.verify()


@given(chains)
def test_law_5_what_is_behind_a_lot_has_the_lot_before_it(chain):
    shop = brewed(chain)
    lots = [("malt", "M"), *(("brew", f"B{n}") for n in range(len(chain) + 1))]
    forward = {key: {(lot.item, lot.code) for lot in shop.trace.forward(*key).lots} - {key} for key in lots}
    back = {key: {(lot.item, lot.code) for lot in shop.trace.back(*key).lots} - {key} for key in lots}
    assert {(x, y) for x in lots for y in forward[x]} == {(x, y) for y in lots for x in back[y]}
    assert forward["malt", "M"] == {("brew", f"B{n}") for n in range(1, len(chain) + 1)}  # malt went into all of them
    parents = {f"B{n}": {f"B{one % n}", f"B{other % n}"} for n, (one, other) in enumerate(chain, 1)}
    assert all({("brew", code) for code in parents[f"B{n}"]} <= back["brew", f"B{n}"] for n in range(1, len(chain) + 1))


# 6. all or nothing, once ----------------------------------------------------------------------------------------------


class BusyStore(MemoryStore):
    """A store in which other writers win the first commits of every command."""

    def __init__(self, lost: int) -> None:
        super().__init__()
        self.lost = self.left = lost
        self.commits = 0

    def commit(self, changes):
        self.commits += 1
        if self.left:
            self.left -= 1
            raise Conflict("somebody was faster")
        self.left = self.lost
        super().commit(changes)


def a_day(shop):
    """Everything once, with keys; the answers."""
    shop.register(*oil_catalogue(), key="k0")
    answers = [shop.stock.receive("oil", "50 kg", key="k1")]
    order = shop.orders.place(customer="Anna", lines=[OrderLine("balm", "9 kg"), OrderLine("oil", "1 kg")], key="k2")
    answers += [order, shop.orders.confirm(order, key="k3")]
    (run,) = shop.production.covering(order, open_only=True) or shop.production.covering(order)
    answers += [shop.production.start(run, key="k4"), shop.production.complete(run, made="9.5 kg", used={"oil": "10.1 kg"}, key="k5")]
    answers += [shop.production.make("balm", "1 kg", key="k6")]
    sent = shop.shipping.ship(order, key="k7")
    answers += [sent, shop.shipping.deliver(sent, key="k8"), shop.stock.hold("oil", lot=answers[0].code, key="k9")]
    return answers


def oil_catalogue() -> Any:
    with oil_shop()._store.reading() as reader:
        return tuple(reader.catalogue())


@given(st.integers(0, 19))
def test_law_6_a_command_that_lost_its_first_commits_does_all_of_it_once(lost):
    calm, busy = (Workshop(store, clock=FakeClock("2026-01-05 08:00")) for store in (MemoryStore(), BusyStore(lost)))
    assert a_day(busy) == a_day(calm)  # numbers included
    assert books(busy) == books(calm)
    busy.verify()


def test_law_6_after_the_last_try_nothing_is_stored_and_the_caller_is_told():
    store = BusyStore(0)
    shop = Workshop(store, clock=FakeClock("2026-01-05 08:00"))
    shop.register(*oil_catalogue())
    before, store.left, tries = books(shop), 1000, store.commits
    with pytest.raises(Conflict) as lost:
        shop.stock.receive("oil", "1 kg")
    assert lost.value.tries == store.commits - tries == 20
    assert books(shop) == before


def test_law_6_the_same_keys_give_the_same_day_and_change_nothing():
    shop = Workshop.in_memory(clock=FakeClock("2026-01-05 08:00"))
    first = a_day(shop)
    before = books(shop)
    assert a_day(shop) == first
    assert books(shop) == before


# 7. facts are never refused -------------------------------------------------------------------------------------------

queue = st.lists(
    st.tuples(st.integers(1, 9), st.integers(0, 2), st.none() | st.integers(0, 3)), min_size=1, max_size=6
)  # kilograms, priority, days until the wish


@given(queue, share, st.sampled_from(["count", "scrap", "use"]))
def test_law_7_a_fact_takes_from_the_end_of_the_queue_and_names_exactly_those(wishes, percent, kind):
    total = sum(kilograms for kilograms, *_ in wishes)
    shop = oil_shop(total)
    clock = shop._office.clock
    run = shop.production.plan("balm", "9 kg").production if kind == "use" else None
    shop.stock.receive("oil", "0.01 kg", lot="dust")  # so that one of the lots is free
    orders = []
    for kilograms, priority, days in wishes:
        wish = None if days is None else date(2026, 1, 20) + timedelta(days=days)
        order = placed(shop, kilograms, priority=priority, requested=wish)
        shop.orders.confirm(order, make=False)
        orders.append((order, (-priority, wish or date.max, clock.now())))
        clock.tick(timedelta(minutes=1))
    held = {order.number: sum(link.takes for link in rows(shop, "allocations") if link.demand == order.number) for order, _ in orders}
    there = steps_of("oil", shop.stock.level("oil").on_hand)
    gone = there * percent // 100

    if run is not None:
        reserved = sum(link.takes for link in rows(shop, "allocations") if link.demand == run.number)
        shop.production.start(run, when_short="start")
        gone = max(gone, reserved)
        displaced = shop.production.complete(run, made="9 kg", used={"oil": f"{gone * 10} g"}).displaced
        excess = max(0, gone - reserved - (there - reserved - sum(held.values())))
    elif kind == "count":
        on_lot = steps_of("oil", shop.trace.balance("oil", "O-1").on_hand)
        displaced = shop.stock.count("oil", f"{max(0, on_lot - gone) * 10} g", lot="O-1").displaced
        excess = None
    else:
        on_lot = steps_of("oil", shop.trace.balance("oil", "O-1").on_hand)
        displaced = shop.stock.scrap("oil", f"{max(1, min(gone, on_lot)) * 10} g", lot="O-1").displaced
        excess = None

    lost: Counter[str] = Counter()
    for row in displaced:
        lost[row.order] += steps_of("oil", row.amount)
    links = rows(shop, "allocations")
    left = {number: sum(link.takes for link in links if link.demand == number) for number in held}
    assert {number: held[number] - left[number] for number in held} == {number: lost[number] for number in held}
    last_first = [order.number for order, _ in sorted(orders, key=lambda row: row[1], reverse=True)]
    losers = [number for number in last_first if lost[number]]
    assert [*dict.fromkeys(row.order for row in displaced)] == losers
    still = {link.demand for link in links if kind == "use" or link.ref == "O-1"}
    assert not still & {*losers[:-1]}, "somebody further ahead lost before those behind him had lost everything"
    if excess is not None:
        assert sum(lost.values()) == excess
    shop.verify()


@given(few, few)
def test_law_7_intentions_take_nothing_from_anybody(kilograms, wanted):
    shop = oil_shop(kilograms)
    first = placed(shop, kilograms)
    shop.orders.confirm(first)
    before = allocated(shop, "oil", "O-1")
    late = placed(shop, wanted, priority=9)
    with pytest.raises(Short) as refused:
        shop.orders.confirm(late, when_short="refuse")
    assert steps_of("oil", refused.value.shortages[0].missing) == wanted * 100
    with pytest.raises(TooMuch):
        shop.stock.transfer("oil", "0.01 kg", lot="O-1", to="quarantine")
    assert allocated(shop, "oil", "O-1") == before == kilograms * 100


# 8. blocking ----------------------------------------------------------------------------------------------------------


@given(few, few, st.sampled_from(["release", "reject"]))
def test_law_8_a_hold_keeps_the_links_a_release_revives_and_a_rejection_reopens(kilograms, wanted, end):
    shop = oil_shop(kilograms)
    order = placed(shop, wanted)
    shop.orders.confirm(order)
    before, was = rows(shop, "allocations"), shop.orders.status(order)
    covered = min(kilograms, wanted) * 100

    shop.stock.hold("oil", lot="O-1", reason="smell")
    stages = shop.orders.stages(order)["1"]
    assert rows(shop, "allocations") == before
    assert (stages.ready, stages.blocked, stages.reasons) == (0, covered, ("oil O-1: held",))
    assert shop.orders.status(order) is OrderStatus.WAITING_FOR_MATERIAL
    with pytest.raises(Short):
        shop.shipping.ship(order)

    if end == "release":
        shop.stock.release("oil", lot="O-1")
        assert rows(shop, "allocations") == before
        assert shop.orders.status(order) is was
        assert shop.orders.stages(order)["1"].ready == covered
    else:
        lost = shop.stock.reject("oil", lot="O-1").displaced
        assert [(row.order, steps_of("oil", row.amount)) for row in lost] == [(order.number, covered)]
        assert rows(shop, "allocations") == []
        assert steps_of("oil", shop.orders.check(order).shortages[0].missing) == wanted * 100
    shop.verify()


# 11. parts and whole --------------------------------------------------------------------------------------------------


@given(st.integers(1, 500), st.integers(1, 20), st.integers(1, 60))
def test_law_11_the_batches_of_an_order_make_what_is_needed_and_the_rest_is_free(pieces, multiple, most):
    most = max(most, multiple)
    shop = Workshop.in_memory(clock=FakeClock())
    batch = BatchSize(max=f"{most} each", multiple=f"{multiple} each")
    shop.register(Item("jam", unit="each"), Recipe("jam", makes="1 each", batch=batch))
    order = shop.orders.place(customer="Anna", lines=[OrderLine("jam", f"{pieces} each")])
    shop.orders.confirm(order)

    runs = shop.production.covering(order)

    sizes = [run.steps for run in runs]
    assert all(size % multiple == 0 and size <= most for size in sizes)
    assert pieces <= sum(sizes) < pieces + multiple
    assert sum(link.amount.value for run in runs for link in shop.orders.covered_by(run)) == pieces
    assert steps_of("soap", shop.stock.level("jam").incoming_free) == sum(sizes) - pieces


@given(few, st.lists(st.integers(1, 3000), max_size=6))
def test_law_11_the_parts_of_an_order_add_up_to_the_whole(kilograms, parts):
    shop = oil_shop(kilograms)
    order = placed(shop, kilograms)
    shop.orders.confirm(order)
    whole, sent = kilograms * 100, 0
    for steps in parts:
        if sent + steps > whole:
            with pytest.raises(Short):
                shop.shipping.ship(order, amounts={"oil": f"{steps * 10} g"})
            continue
        sent += sum(line.steps for line in shop.shipping.ship(order, amounts={"oil": f"{steps * 10} g"}).lines)
        stages = shop.orders.stages(order)["1"]
        assert (stages.shipped, stages.ready, stages.waiting) == (sent, whole - sent, 0)
    if sent < whole:
        sent += sum(line.steps for line in shop.shipping.ship(order).lines)
    assert sent == whole
    assert shop.orders.status(order) is OrderStatus.SHIPPED
    assert steps_of("oil", shop.trace.balance("oil", "O-1").shipped) == whole


@given(few, st.lists(few, min_size=1, max_size=5), st.lists(st.integers(1, 2000), min_size=1, max_size=5))
def test_law_11_a_purchase_that_comes_in_parts_keeps_every_step_that_was_promised_of_it(ordered, wants, parts):
    shop = oil_shop()
    purchase = shop.purchasing.order("mill", lines=[PurchaseLine("oil", f"{ordered} kg")], expected="2026-01-09 08:00")
    for want in wants:
        shop.orders.confirm(placed(shop, want), make=False)
    promised = min(ordered, sum(wants)) * 100
    came = 0
    for steps in parts:
        if shop.purchasing.status(purchase) == "closed":
            break
        came += steps
        shop.purchasing.receive(purchase, "oil", f"{steps * 10} g")
        links = rows(shop, "allocations")
        assert sum(link.takes for link in links) == promised  # nothing is lost, nothing is promised twice
        assert sum(link.takes for link in links if link.source == "lot") == min(came, promised)
    shop.verify()


# 12. the same inputs, the same outputs --------------------------------------------------------------------------------

DAY = """
import hashlib
from tests.shop.test_laws import a_day, books
from krafte_core import Workshop
from krafte_core.testing import FakeClock
shop = Workshop.in_memory(clock=FakeClock("2026-01-05 08:00"))
answers = a_day(shop)
print(hashlib.sha256(repr((answers, sorted(books(shop).items()))).encode()).hexdigest())
"""


def test_law_12_the_same_day_gives_the_same_books_in_every_process():
    digests = set()
    for seed in ("0", "1", "4711"):
        environment = {"PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT), "HYPOTHESIS_NO_PLUGINS": "1"}
        ran = subprocess.run(
            [sys.executable, "-c", DAY], capture_output=True, encoding="utf-8", check=False, cwd=ROOT, env=environment
        )
        assert ran.stderr == ""
        digests.add(ran.stdout)
    assert len(digests) == 1
    assert len(digests.pop().strip()) == 64


@given(st.lists(st.tuples(few, st.integers(0, 2)), min_size=1, max_size=6))
def test_law_12_decisions_made_twice_are_the_same(wishes):
    def played():
        shop = oil_shop(40)
        shop.stock.receive("oil", "40 kg", lot="O-0")  # at the same instant: the tie is broken by the code
        orders = [placed(shop, kilograms, "balm", priority=priority) for kilograms, priority in wishes]
        answers = [(shop.orders.check(order), shop.orders.promise(order), shop.orders.confirm(order)) for order in orders]
        return answers, shop.stock.scrap("oil", "30 kg", lot="O-0"), books(shop)

    assert played() == played()


# verify() can fail ----------------------------------------------------------------------------------------------------


def full_shop():
    """A shop in which every book has something in it."""
    shop = Workshop.in_memory(clock=FakeClock("2026-01-05 08:00"))
    shop.register(*CATALOGUE)
    shop.stock.receive("oil", "40 kg", lot="O-1")
    shop.stock.receive("lye", "8 kg", lot="L-1")
    shop.stock.receive("jar", "90 each", lot="J-1")
    shop.purchasing.order("mill", lines=[PurchaseLine("jar", "200 each")])
    order = shop.orders.place(customer="Anna", lines=[OrderLine("soap", "30 each"), OrderLine("jar", "80 each")])
    shop.orders.confirm(order)
    shop.production.make("base", "1 kg", lot="B-1")
    shop.verify()
    return shop


def inside_of(shop):
    return shop._store._reading.books


def posted(shop, kind, paper, *moves):
    now = shop._office.clock.now()
    inside_of(shop)._journal.write([Posting(kind, paper, now, now, moves)], [])


def linked(shop, row):
    inside_of(shop)._links.setdefault(row.demand, {})[row[:6]] = row


def link_of(shop, source):
    return next(link for link in rows(shop, "allocations") if link.source == source)


def balance_off(shop, more, promised):
    row = next(row for row in rows(shop, "stocked") if row.lot.code == "O-1")
    inside_of(shop)._shelves.put(row.lot, row.place, row.on_hand + more, row.allocated + promised)


def step_written(shop, document, step):
    inside_of(shop)._journal.write([], [Entry(document, step, shop._office.clock.now())])


def lot_changed(shop, key, **fields):
    tables = inside_of(shop)
    tables._lots[key] = attrs.evolve(tables._lots[key], **fields)


def overdrawn_lot(shop):
    row = next(row for row in rows(shop, "stocked") if row.lot.code == "L-1")
    more = row.on_hand + 1 - row.allocated
    link = next(link for link in rows(shop, "allocations") if link.ref == "L-1")
    linked(shop, link._replace(takes=link.takes + more))
    inside_of(shop)._shelves.put(row.lot, row.place, row.on_hand, row.on_hand + 1)


def two_jobs_at_once(shop):
    job = rows(shop, "bookings")[0]
    for n in range(2):
        twin = Booking("kettle", job.start, job.end, f"PB-{n}", "cook")
        inside_of(shop)._bookings.setdefault(twin.paper, {})[twin.paper, twin.operation] = twin


BREAKERS = {
    "a balance that the ledger does not add up to": (lambda shop: balance_off(shop, 1, 0), "law 1: oil O-1 in stock: the ledger has"),
    "a move that nobody carried along": (
        lambda shop: posted(shop, "scrap", "", Move("oil", "O-1", 5, "stock", "scrap")), "law 1: oil O-1 in stock: the ledger has",
    ),
    "a move of nothing": (
        lambda shop: posted(shop, "transfer", "", Move("oil", "O-1", 0, "stock", "shelf")), "law 1: a move of 0 steps of oil O-1",
    ),
    "more taken than there was": (
        lambda shop: posted(shop, "transfer", "", Move("oil", "O-1", 1, "shelf", "scrap")), "law 2: oil O-1 was negative in shelf",
    ),
    "a lot used before it was there": (
        lambda shop: posted(shop, "use", "", Move("oil", "NEW", 1, "stock", "production")), "law 4: oil NEW was used at",
    ),
    "a lot of two origins": (
        lambda shop: posted(shop, "make", "PB-9", Move("base", "B-1", 1, "production", "stock")), "law 4: base B-1 has two origins",
    ),
    "a lot that says it came another way": (
        lambda shop: lot_changed(shop, ("base", "B-1"), origin="receipt"), "law 4: base B-1 came from production, not as a receipt",
    ),
    "a lot from nowhere": (
        lambda shop: inside_of(shop)._lots.update({("oil", "X"): attrs.evolve(shop.stock.lot("oil", "O-1"), code="X")}),
        "law 4: oil X came from nowhere",
    ),
    "a reserved counter that drifted": (lambda shop: balance_off(shop, 0, 7), "law 3: ('oil', 'O-1', 'stock'): links take"),
    "a link without its counter": (
        lambda shop: linked(shop, Allocation("PB-1", "oil", "lot", "oil", "O-1", "shelf", 5, 5)),
        "law 3: ('oil', 'O-1', 'shelf'): links take 5, the balance says 0",
    ),
    "a lot promised beyond what is on hand": (overdrawn_lot, "law 3: lye L-1 in stock: 781 of 780 steps allocated"),
    "a link of nothing": (
        lambda shop: linked(shop, link_of(shop, "run")._replace(takes=0)), "law 3: a link of 0 steps",
    ),
    "a run promised beyond its output": (
        lambda shop: linked(shop, link_of(shop, "run")._replace(takes=10**9)), "links take 1000000000",
    ),
    "a purchase promised beyond what was ordered": (
        lambda shop: linked(shop, link_of(shop, "purchase")._replace(takes=201)), "brings 200 steps of jar; links take 201",
    ),
    "a supply that does not exist": (
        lambda shop: linked(shop, link_of(shop, "run")._replace(ref="PB-NONE")), "law 3: links draw on PB-NONE, which does not exist",
    ),
    "a demand covered beyond its need": (
        lambda shop: linked(shop, link_of(shop, "purchase")._replace(covers=10**6)), "which needs 80",
    ),
    "a demand that does not exist": (
        lambda shop: linked(shop, link_of(shop, "purchase")._replace(demand="CO-NONE", takes=1, covers=1)),
        "law 3: links cover 1 steps of CO-NONE/2, which needs 0",
    ),
    "two jobs at one kettle": (two_jobs_at_once, "law 3: kettle has 2 jobs at"),
    "a lot whose state nobody decided": (
        lambda shop: lot_changed(shop, ("oil", "O-1"), disposition="held"), "oil O-1 is released, the lot says held",
    ),
    "a decision that the lot does not know": (
        lambda shop: step_written(shop, "lot oil O-1", "hold"), "the diary says that oil O-1 is held, the lot says released",
    ),
    "a step that the table does not have": (
        lambda shop: step_written(shop, "CO-2026-01-001", "place"), "the diary lets CO-2026-01-001 place, which is confirmed",
    ),
    "links of an order that is cancelled": (
        lambda shop: step_written(shop, "CO-2026-01-001", "cancel"), "law 3: links cover 30 steps of CO-2026-01-001/1, which needs 0",
    ),
    "links of a run that is over": (
        lambda shop: step_written(shop, "PB-2026-01-001", "cancel"), "PB-2026-01-001",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BREAKERS)
def test_verify_sees_what_was_broken_by_hand(name):
    breaker, finding = BREAKERS[name]
    shop = full_shop()
    breaker(shop)
    with pytest.raises(BrokenLaw) as broken:
        shop.verify()
    assert [one for one in broken.value.findings if finding in one], broken.value.findings


def test_the_shares_of_a_recipe_are_exact_and_round_up_once():
    """What the naive twin of the machine calculates with is what the recipes of its catalogue say."""
    shop = full_shop()
    run = shop.production.plan("base", "7.03 kg").production
    assert steps_of("oil", run.need("oil").required) == 625  # 703 steps x 8/9 = 624.9
    assert Fraction(703 * 8, 9) > 624
