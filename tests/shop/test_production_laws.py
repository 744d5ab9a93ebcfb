"""Laws of productions, for any amounts: undo restores everything, parts add up to the whole, mass is conserved."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from krafte_core import Ingredient, Item, OrderLine, Recipe, Workshop
from krafte_core.testing import FakeClock

OIL = st.integers(1, 4000)  # steps: grams for a thousand bars
PIECES = st.integers(1, 60)


def kitchen(oil: int, lots: list[int], per: int = 1000) -> Workshop:
    """A recipe whose requirements hardly ever come out even, and oil in several lots."""
    shop = Workshop.in_memory(clock=FakeClock("2026-03-02 08:00"))
    shop.register(
        Item("oil", unit="kg", step="1 g"), Item("label", unit="each"), Item("bar", unit="each", packs={"each": "0.1 kg"}),
        Item("rest", unit="kg", step="1 g"),
        Recipe(
            "bar", makes=f"{per} each",
            ingredients=[
                Ingredient("oil", f"{oil} g"), Ingredient("label", f"{per} each", follows="output"), Ingredient("oil", f"{oil} g"),
            ],
        ),
    )  # fmt: skip
    for n, steps in enumerate(lots, 1):
        shop.stock.receive("oil", f"{steps} g", lot=f"O-{n}")
    shop.stock.receive("label", "1000 each", lot="L-1")
    return shop


def books(shop: Workshop):
    """What stands where, and every link."""
    with shop._office.look() as work:
        stocked = {(row.lot.item, row.lot.code, row.place): (row.on_hand, row.allocated) for row in work.reader.rows("stocked")}
        return stocked, sorted(work.reader.rows("allocations"))


LOTS = st.lists(st.integers(1, 300), min_size=1, max_size=4).map(lambda lots: [*lots, 1000])


@given(
    oil=OIL,
    lots=LOTS,
    planned=PIECES,
    made=st.integers(0, 70),
    scrapped=st.integers(0, 5),
    rest=st.integers(0, 9),
    used=st.none() | st.integers(1, 300),
)
def test_law_9_what_is_reversed_restores_every_balance_and_leaves_no_link(oil, lots, planned, made, scrapped, rest, used):
    shop = kitchen(oil, lots)
    before = books(shop)
    run = shop.production.plan("bar", f"{planned} each").production
    shop.production.start(run)
    shop.production.complete(
        run, made=f"{made} each", scrapped=f"{scrapped} each", used={"oil": f"{used} g"} if used else None,
        by_products={"rest": f"{rest} g"} if rest else None,
    )  # fmt: skip
    shop.production.use(run, "oil", "1 g", reason="forgotten")

    shop.production.reverse(run)

    assert books(shop) == before
    shop.verify()
    for lot in ("O-1", "L-1"):
        assert shop.trace.balance("oil" if lot[0] == "O" else "label", lot).used.is_zero


@given(oil=OIL, lots=LOTS, planned=PIECES, parts=st.lists(st.integers(0, 30), max_size=4), last=st.integers(0, 30))
def test_the_parts_of_a_run_add_up_to_what_one_completion_would_be(oil, lots, planned, parts, last):
    """Lessons 44 and 45, law 11: whatever the parts, the same is used in all, lot by lot, and the same is lost."""
    whole, pieces = kitchen(oil, lots), kitchen(oil, lots)
    for shop in (whole, pieces):
        run = shop.production.plan("bar", f"{planned} each").production
        shop.production.start(run)
    done = whole.production.complete(run, made=f"{sum(parts) + last} each", lot="B")
    for part in parts:
        pieces.production.report(run, made=f"{part} each", lot="B")
    assert pieces.production.complete(run, made=f"{last} each", lot="B").lost == done.lost
    assert books(whole) == books(pieces)
    pieces.verify()


@given(oil=OIL, lots=LOTS, made=PIECES, scrapped=st.integers(0, 5), shares=st.lists(st.integers(1, 20), max_size=6))
def test_parts_that_are_taken_back_never_bring_more_than_went_in_and_the_last_brings_the_rest(oil, lots, made, scrapped, shares):
    shop = kitchen(oil, lots)
    before = books(shop)
    run = shop.production.plan("bar", f"{made} each").production
    shop.production.start(run)
    shop.production.complete(run, made=f"{made} each", scrapped=f"{scrapped} each")
    used = shop.stock.level("oil").on_hand
    left = made
    for share in shares:
        if share < left:
            shop.production.reverse(run, f"{share} each")
            assert shop.stock.level("oil").on_hand >= used
            used, left = shop.stock.level("oil").on_hand, left - share
            shop.verify()
    shop.production.reverse(run, f"{left} each")
    assert books(shop) == before


@given(oil=OIL, lots=LOTS, wishes=st.lists(PIECES, min_size=1, max_size=4), cuts=st.lists(st.integers(1, 60), min_size=1, max_size=3))
def test_law_11_a_split_and_a_merge_keep_every_amount_to_the_step(oil, lots, wishes, cuts):
    shop = kitchen(oil, lots)
    orders = [shop.orders.place(customer=f"C{n}", lines=[OrderLine("bar", f"{wish} each")]) for n, wish in enumerate(wishes)]
    run = shop.production.plan_for(orders)
    if sum(cuts) >= sum(wishes):
        return
    before = books(shop)

    parts = shop.production.split(run, [f"{cut} each" for cut in cuts]).productions

    assert [part.steps for part in parts] == [sum(wishes) - sum(cuts), *cuts]
    served = Counter[str]()
    for part in parts:
        links = shop.orders.covered_by(part)
        assert sum(link.amount.value for link in links) <= part.steps
        served.update({link.order: int(link.amount.value) for link in links})
    assert served == {order.number: wish for order, wish in zip(orders, wishes, strict=True)}
    shop.verify()
    shop.production.merge(run, parts[1:])
    after = books(shop)
    assert {key: row[0] for key, row in after[0].items()} == {key: row[0] for key, row in before[0].items()}
    assert total(after) == total(before)
    assert shop.production.get(run).steps == sum(wishes)
    shop.verify()


def total(rows) -> Counter[tuple[str, str]]:
    """Steps per need that are covered."""
    sums = Counter[tuple[str, str]]()
    for link in rows[1]:
        sums[link.demand, link.line] += link.covers
    return sums


@given(oil=OIL, lots=LOTS, sizes=st.lists(PIECES, min_size=1, max_size=5))
def test_a_run_of_any_history_of_sizes_is_covered_like_one_that_was_planned_so(oil, lots, sizes):
    """Lesson 26: what is reserved follows the amount, up and down, to the step."""
    shop, plain = kitchen(oil, lots), kitchen(oil, lots)
    run = shop.production.plan("bar", "7 each").production
    for size in sizes:
        shop.production.change(run, f"{size} each")
    plain.production.plan("bar", f"{sizes[-1]} each")
    assert total(books(shop)) == total(books(plain))
    assert sum(row[1] for row in books(shop)[0].values()) == sum(row[1] for row in books(plain)[0].values())
    shop.verify()


@given(
    oil=st.integers(50, 4000),
    lots=LOTS,
    planned=PIECES,
    made=st.integers(0, 60),
    extra=st.integers(0, 50),
    back=st.integers(0, 50),
    spilt=st.integers(0, 20),
)
def test_law_1_mass_is_conserved_through_everything_that_can_happen_on_a_line(oil, lots, planned, made, extra, back, spilt):
    """Whatever is brought, given back, spilt and used: the grams in the house and those that left it are those that came."""
    shop = kitchen(oil, lots)
    run = shop.production.plan("bar", f"{planned} each").production
    shop.production.start(run)
    if extra:
        shop.production.issue(run, "oil", f"{extra} g")
    left = {"give_back": back, "scrap": spilt}
    for what in ("give_back", "scrap"):
        for row in [row for row in shop.stock.lots("oil") if row.place.startswith("line:")]:
            took = min(left[what], row.on_hand.to("g").value)
            left[what] -= took
            if took:
                how = {"reason": "spilt"} if what == "scrap" else {}
                getattr(shop.production, what)(run, "oil", f"{took} g", lot=row.lot.code, **how)
    shop.production.complete(run, made=f"{made} each")
    for n, came in enumerate(lots, 1):
        balance = shop.trace.balance("oil", f"O-{n}")
        assert balance.received.to("g").value == came
        assert balance.received == balance.on_hand + balance.used + balance.scrapped
        assert balance.unaccounted.is_zero
    assert shop.stock.level("oil").in_process.is_zero
    shop.verify()
