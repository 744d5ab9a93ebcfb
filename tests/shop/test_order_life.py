"""Laws of changed, divided and merged orders, for any amounts: nothing is lost, nothing is promised twice, and money adds up."""

from __future__ import annotations

import contextlib
from collections import Counter
from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from krafte_core import BatchSize, Ingredient, Item, Operation, OrderLine, Recipe, WorkCenter, Workshop
from krafte_core.errors import KrafteError, Short
from krafte_core.money import money
from krafte_core.testing import FakeClock
from tests.shop.naive import books

few = settings(max_examples=15)  # each example is a small shop with a day of its own
AMOUNT = st.integers(1, 40)
WANTED = st.dictionaries(st.sampled_from(["soap", "candle", "gift-set", "oil"]), AMOUNT, min_size=1)
STOCK = st.fixed_dictionaries({"soap": st.integers(0, 50), "candle": st.integers(0, 50), "oil": st.integers(1, 500)})

MADE = ["soap", "candle", "gift-set"]
PLENTY = st.fixed_dictionaries({"soap": st.integers(0, 50), "candle": st.integers(0, 50), "oil": st.just(500)})


def a_shop(stock: dict[str, int]) -> Workshop:
    """Soap and candles are made of oil; a gift set is two soaps and a candle; nobody sells oil."""
    shop = Workshop.in_memory(clock=FakeClock("2026-03-02 08:00"))
    shop.register(
        Item("oil", unit="kg", step="100 g"),
        Item("base", unit="kg", step="100 g"),
        Item("soap", unit="each"),
        Item("candle", unit="each"),
        Item("gift-set", unit="each", kit={"soap": "2 each", "candle": "1 each"}),
        WorkCenter("kettle", hours="Mon-Fri 08:00-16:00"),
        Recipe("base", makes="10 kg", ingredients=[Ingredient("oil", "8 kg")]),
        Recipe(
            "soap",
            makes="10 each",
            ingredients=[Ingredient("base", "2 kg"), Ingredient("oil", "1 kg")],
            operations=[Operation("cook", at="kettle", run="1 h")],
            batch=BatchSize(multiple="5 each", max="60 each"),
        ),
        Recipe("candle", makes="10 each", ingredients=[Ingredient("oil", "1 kg")], lead_time="1 day"),
    )
    for item, units in stock.items():
        for n, part in enumerate(_two(units)):
            shop.stock.receive(item, f"{part} {'kg' if item == 'oil' else 'each'}", lot=f"{item}-{n}", expires=f"2026-1{n}-01")
    return shop


def _two(units: int) -> list[int]:
    return [part for part in (units // 3, units - units // 3) if part]


def lines(wanted: dict[str, int]) -> list[OrderLine]:
    return [OrderLine(item, f"{units} {'kg' if item == 'oil' else 'each'}", price="3.20 EUR") for item, units in wanted.items()]


def placed(shop: Workshop, wanted: dict[str, int], confirm: bool = True, **more):
    order = shop.orders.place(customer="Anna", lines=lines(wanted), **more)
    if confirm:
        shop.orders.confirm(order)
    return order


def covered(shop: Workshop, *orders) -> Counter[str]:
    """Steps per item that links cover for these orders."""
    numbers = {getattr(order, "number", order) for order in orders}
    sums: Counter[str] = Counter()
    for link in books(shop)["allocations"]:
        if link.demand in numbers:
            sums[link.item] += link.covers
    return +sums


def needed(shop: Workshop, *orders) -> Counter[str]:
    """Steps per item that these orders need."""
    sums: Counter[str] = Counter()
    for order in orders:
        for need in shop.orders.get(order).needs:
            sums[need.item] += need.steps
    return sums


def planned(shop: Workshop) -> Counter[str]:
    """Steps per item that all runs will make."""
    sums: Counter[str] = Counter()
    for run in shop.production.find(limit=1000):
        if shop.production.status(run) == "planned":
            sums[run.item] += run.steps
    return sums


@few
@given(PLENTY, st.sampled_from(MADE), AMOUNT, AMOUNT)
def test_law_10_a_changed_order_is_covered_as_if_it_had_been_placed_like_that(stock, item, first, second):
    """And what is made for it, on all levels, is what would have been made: not 8 to ship and 11 to make (lesson 59)."""
    before, after = {item: first}, {item: second}
    changed, fresh = a_shop(stock), a_shop(stock)
    order = placed(changed, before)

    changed.orders.change(order, lines=lines(after), surplus="reduce")

    other = placed(fresh, after)
    assert covered(changed, order) == covered(fresh, other) == needed(fresh, other)
    assert planned(changed) == planned(fresh)
    changed.verify()


@few
@given(STOCK, WANTED, WANTED, st.sampled_from(["keep", "reduce"]))
def test_law_10_a_change_nets_all_that_can_be_netted(stock, before, after, surplus):
    """Whatever is scarce: confirming once more finds nothing that was left out, and nothing is covered twice."""
    shop = a_shop(stock)
    order = placed(shop, before)

    shop.orders.change(order, lines=lines(after), surplus=surplus)

    links = books(shop)["allocations"]
    shop.orders.confirm(order)
    assert books(shop)["allocations"] == links
    assert not covered(shop, order) - needed(shop, order)
    shop.verify()


@few
@given(STOCK, WANTED, WANTED, st.sampled_from(["keep", "reduce"]))
def test_changing_twice_to_the_same_changes_nothing_the_second_time(stock, before, after, surplus):
    shop = a_shop(stock)
    order = placed(shop, before)
    shop.orders.change(order, lines=lines(after), surplus=surplus)
    known = books(shop)

    again = shop.orders.change(order, lines=lines(after), surplus=surplus)

    assert books(shop) == known
    assert not again.events
    shop.verify()


@few
@given(PLENTY, st.sampled_from(MADE), AMOUNT, AMOUNT)
def test_there_and_back_again_is_as_before(stock, item, one, other):
    shop, first, second = a_shop(stock), {item: one}, {item: other}
    order = placed(shop, first)
    before = covered(shop, order), planned(shop)

    shop.orders.change(order, lines=lines(second), surplus="reduce")
    shop.orders.change(order, lines=lines(first), surplus="reduce")

    assert (covered(shop, order), planned(shop)) == before
    shop.verify()


@few
@given(STOCK, WANTED, WANTED)
def test_law_10_runs_that_have_begun_are_never_resized(stock, before, after):
    shop = a_shop(stock)
    order = placed(shop, before)
    begun = []
    for run in shop.production.covering(order):
        try:
            shop.production.start(run)
        except Short:
            continue
        begun.append(run)

    shop.orders.change(order, lines=lines(after), surplus="reduce")

    assert [shop.production.get(run) for run in begun] == begun
    assert {shop.production.status(run) for run in begun} <= {"started"}
    shop.verify()


@few
@given(STOCK, WANTED, st.dictionaries(st.sampled_from(["soap", "candle", "gift-set", "oil"]), AMOUNT, min_size=1), st.booleans())
def test_law_11_the_parts_of_a_split_add_up(stock, wanted, part, some_left):
    shop = a_shop(stock)
    order = placed(shop, wanted, shipping=None)
    if some_left:
        with contextlib.suppress(Short):
            shop.shipping.ship(order)
    needs, covers, total = needed(shop, order), covered(shop, order), order.total
    amounts = {item: f"{units} {'kg' if item == 'oil' else 'each'}" for item, units in part.items() if item in wanted}
    try:
        other = shop.orders.split(order, amounts)
    except KrafteError:
        assert needed(shop, order) == needs
        return

    assert needed(shop, order, other) == needs
    assert covered(shop, order, other) == covers
    assert shop.orders.get(order).total + other.total == total
    shop.verify()


@few
@given(STOCK, WANTED, WANTED, st.booleans())
def test_merged_orders_keep_everything_and_can_be_parted_again(stock, first, second, confirm):
    shop = a_shop(stock)
    anna, other = placed(shop, first), placed(shop, second, confirm=confirm)
    needs, covers, total = needed(shop, anna, other), covered(shop, anna, other), anna.total + other.total

    whole = shop.orders.merge(anna, [other]).order

    assert needed(shop, whole) == needs
    assert covered(shop, whole) == covers
    assert whole.total == total
    assert not covered(shop, other)
    shop.verify()
    back = {line.ref: line.amount for line in whole.lines[len(anna.lines) :]}
    parted = shop.orders.split(whole, back)
    assert [(line.item, line.steps) for line in parted.lines] == [(line.item, line.steps) for line in other.lines]
    assert [(line.item, line.steps) for line in shop.orders.get(anna).lines] == [(line.item, line.steps) for line in anna.lines]
    assert covered(shop, whole, parted) == covers
    shop.verify()


@few
@given(STOCK, st.lists(st.tuples(WANTED, st.integers(0, 3)), min_size=2, max_size=4))
def test_force_takes_exactly_what_the_losers_are_told(stock, rows):
    shop = a_shop(stock)
    orders = [placed(shop, wanted, confirm=False, priority=priority) for wanted, priority in rows]
    for order in orders[:-1]:
        shop.orders.confirm(order, make=False)
    before = {order.number: covered(shop, order) for order in orders}

    done = shop.orders.confirm(orders[-1], make=False, force=True)

    for order in orders[:-1]:
        lost = Counter[str]()
        for row in done.displaced:
            if row.order == order.number:
                lost[row.item] += int(row.amount.value * (10 if row.item == "oil" else 1))
        assert before[order.number] - covered(shop, order) == lost
    wanted = needed(shop, orders[-1])
    there = {"soap": stock["soap"], "candle": stock["candle"], "oil": 10 * stock["oil"]}
    assert covered(shop, orders[-1]) == Counter(
        {item: min(steps, there[item]) for item, steps in wanted.items() if min(steps, there[item])}
    )
    shop.verify()


@few
@given(STOCK, WANTED, st.integers(1, 60))
def test_lots_by_hand_keep_law_3(stock, wanted, amount):
    shop = a_shop(stock)
    order, rival = placed(shop, wanted), placed(shop, wanted, confirm=False)
    shop.orders.confirm(rival, make=False)
    for need in order.needs:
        for command in (
            lambda ref=need.ref: shop.orders.free(order, ref, amount),
            lambda ref=need.ref: shop.orders.allocate(order, ref, amount, force=True),
            lambda: shop.orders.swap(order),
            lambda: shop.orders.pick(order),
            lambda ref=need.ref: shop.orders.allocate(rival, ref, force=True),
            lambda: shop.orders.unpick(order),
        ):
            try:
                command()
            except KrafteError:
                continue
            shop.verify()
            assert not covered(shop, order) - needed(shop, order)


PRICE = st.decimals("0.001", "999", places=3)
PERCENT = st.integers(0, 100)
MINOR = Decimal("0.01")


def rounded(exact: Fraction) -> Decimal:
    """Half-even to cents, by hand."""
    below, rest = divmod(exact * 100, 1)
    up = rest > Fraction(1, 2) or (rest == Fraction(1, 2) and below % 2)
    return ((Decimal(int(below)) + up) / 100).quantize(MINOR, ROUND_HALF_EVEN)


@given(
    rows=st.lists(
        st.tuples(AMOUNT, PRICE, st.sampled_from(["", "dozen", "box"]), st.integers(0, 100), st.integers(0, 500)), min_size=1
    ),
    percent=PERCENT,
    shipping=st.integers(0, 2000),
    included=st.booleans(),
)
def test_totals_are_exact_and_rounded_once_per_line(rows, percent, shipping, included):
    shop = Workshop.in_memory()
    shop.register(Item("soap", unit="each", packs={"box": 7}))
    cents = lambda count: f"{Decimal(count) / 100} EUR"  # noqa: E731
    given_lines = [
        OrderLine("soap", f"{amount} each", price=f"{price} EUR", per=per, discount=f"{off} %", tax=cents(tax))
        for amount, price, per, off, tax in rows
    ]

    order = shop.orders.place(
        customer="Anna", lines=given_lines, discount=f"{percent} %", shipping_price=cents(shipping), tax_included=included
    )

    packs = {"": 1, "dozen": 12, "box": 7}
    goods = sum(rounded(Fraction(price) * amount / packs[per] * (100 - off) / 100) for amount, price, per, off, _ in rows)
    discount = rounded(Fraction(goods) * percent / 100)
    tax, carriage = (Decimal(sum(values)) / 100 for values in ([row[4] for row in rows], [shipping]))
    known = goods - discount + carriage
    totals = order.totals
    assert totals.goods.amount == goods
    assert totals.discount.amount == discount
    assert (totals.net.amount, totals.gross.amount) == ((known - tax, known) if included else (known, known + tax))


@given(amount=st.integers(2, 60), part=st.integers(1, 59), off=st.integers(0, 150), tax=st.integers(0, 999), more=st.integers(0, 99))
@settings(max_examples=30)
def test_money_that_was_given_is_shared_to_the_cent(amount, part, off, tax, more):
    part = min(part, amount - 1)
    shop = Workshop.in_memory()
    shop.register(Item("soap", unit="each"))
    cents = lambda count: money(f"{Decimal(count) / 100} EUR")  # noqa: E731
    line = OrderLine("soap", f"{amount} each", price="3 EUR", discount=cents(off), tax=cents(tax))
    order = shop.orders.place(customer="Anna", lines=[line], discount=cents(more), shipping_price="4.90 EUR")

    other = shop.orders.split(order, {"soap": f"{part} each"})

    both = [shop.orders.get(order).totals, other.totals]
    for field in ("goods", "discount", "shipping", "tax", "net", "gross"):
        assert sum(getattr(one, field) for one in both) == getattr(order.totals, field)
