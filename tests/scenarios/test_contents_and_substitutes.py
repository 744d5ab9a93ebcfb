"""Lots of another content, and substitutes: what is reserved, brought, used and traced follows the lots that are really there."""

from __future__ import annotations

from datetime import timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from krafte_core import Ingredient, Item, Offer, OrderLine, PurchaseLine, Recipe, Supplier
from krafte_core.errors import InvalidInput, Short, Unsolvable
from krafte_core.recipes import Output, Substitute
from krafte_core.testing import FakeClock
from krafte_core.workshop import Workshop
from tests.scenarios.day import reserved

PAINT = Recipe(
    "paint",
    makes="100 L",
    ingredients=[
        Ingredient("paste", "30 L", potency="30 %"),
        Ingredient("binder", "10 L", compensates="paste", factor="1.1"),
        Ingredient("filler", "40 L", fills=True),
        Ingredient("water", "20 L"),
    ],
)
BALM = Recipe(
    "balm",
    makes="1 kg",
    ingredients=[Ingredient("shea", "1 kg", substitutes=[Substitute("mango", ratio="1.1"), Substitute("illipe")])],
    lead_time="1 day",
)


def paint_shop(*lots: tuple[str, str, str | None], clock: FakeClock | None = None) -> Workshop:
    """Paint of a paste of which these lots are there: code, amount, content."""
    shop = Workshop.in_memory(clock=clock or FakeClock("2026-03-02 08:00"))
    shop.register(*(Item(name, unit="L", step="1 mL") for name in ("paint", "paste", "binder", "filler", "water")), PAINT)
    for name in ("binder", "filler", "water"):
        shop.stock.receive(name, "1000 L", lot=name)
    for code, amount, content in lots:
        shop.stock.receive("paste", amount, lot=code, attributes={"potency": content} if content else {})
    return shop


def balm_shop(**kilograms: str) -> Workshop:
    shop = Workshop.in_memory(clock=FakeClock("2026-03-02 08:00"))
    shop.register(*(Item(name, unit="kg", step="1 g") for name in ("balm", "shea", "mango", "illipe")), BALM)
    for name, amount in kilograms.items():
        shop.stock.receive(name, amount, lot=name)
    return shop


def ordered(shop: Workshop, item: str, amount: str):
    return shop.orders.place(customer="Anna", lines=[OrderLine(item, amount)])


def all_reserved(shop: Workshop) -> dict[str, str]:
    return {code: amount for item in ("paste", "binder", "filler", "water") for code, amount in reserved(shop, item).items()}


def left(shop: Workshop, *items: str) -> dict[str, str]:
    return {item: str(shop.stock.level(item).on_hand) for item in items}


# contents ---------------------------------------------------------------------------------------------------------------


def test_the_check_of_a_hundred_litres_goes_through_the_workshop():
    """A paste of 35 % where 30 % are expected: 900/35 litres of it, and the lines that make up for it follow."""
    shop = paint_shop(("P-35", "100 L", "35 %"))
    order = ordered(shop, "paint", "100 L")
    checked = shop.orders.check(order)
    assert checked.ok
    assert [str(reason) for reason in checked.reasons] == [
        "paste: 25.715 L for 30 L", "binder: 14.714 L for 10 L", "filler: 39.572 L for 40 L",
    ]  # fmt: skip
    assert "paste: 25.715 L for 30 L" in str(checked)
    (run,) = shop.orders.confirm(order).productions
    assert all_reserved(shop) == {"P-35": "25.715 L", "binder": "14.714 L", "filler": "39.572 L", "water": "20 L"}
    assert dict(shop.production.history(run)[0].details)["binder"] == "14.714 L for 10 L"
    shop.verify()
    shop.production.start(run)
    assert shop.production.complete(run, made="100 L").deviations == {}
    assert left(shop, "paste", "binder", "filler", "water") == {
        "paste": "74.285 L", "binder": "985.286 L", "filler": "960.428 L", "water": "980 L",
    }  # fmt: skip
    shop.verify()


def test_ten_kilograms_of_an_acid_at_eighty_percent_are_twelve_and_a_half():
    shop = Workshop.in_memory(clock=FakeClock("2026-03-02 08:00"))
    shop.register(
        *(Item(name, unit="kg", step="1 g") for name in ("acid", "mix")),
        Recipe("mix", makes="100 kg", ingredients=[Ingredient("acid", "10 kg", potency="100 %")]),
    )
    shop.stock.receive("acid", "20 kg", lot="A", attributes={"potency": "80 %"})
    run = shop.production.plan("mix", "100 kg").production
    assert reserved(shop, "acid") == {"A": "12.5 kg"}
    shop.production.start(run)
    shop.production.complete(run, made="100 kg")
    assert left(shop, "acid") == {"acid": "7.5 kg"}
    shop.verify()


def test_lots_are_drawn_one_after_the_other_each_by_its_content_and_one_that_says_nothing_is_left_alone():
    shop = paint_shop(("P-1", "10 L", "60 %"), ("P-2", "40 L", None), ("P-3", "40 L", "25 %"))
    order = ordered(shop, "paint", "100 L")
    assert "paste: paste P-2: potency not declared" in [str(reason) for reason in shop.orders.check(order).reasons]
    shop.orders.confirm(order)
    assert reserved(shop, "paste") == {"P-1": "10 L", "P-3": "12 L"}  # 20 L of the 30, then 10 L at 25 %
    shop.verify()


def test_what_is_missing_is_told_at_target_content_and_covered_by_what_comes():
    shop = paint_shop(("P-1", "10 L", "60 %"))
    order = ordered(shop, "paint", "100 L")
    confirmed = shop.orders.confirm(order)
    assert [str(one.missing) for one in confirmed.shortages] == ["10 L"]
    (run,) = confirmed.productions
    with pytest.raises(Short):
        shop.production.start(run)
    shop.stock.receive("paste", "50 L", lot="P-2", attributes={"potency": "20 %"})
    shop.production.start(run)
    shop.verify()
    assert {row.lot.code: str(row.on_hand) for row in shop.stock.lots("paste") if row.place.startswith("line")} == {
        "P-1": "10 L", "P-2": "15 L",
    }  # fmt: skip
    done = shop.production.complete(run, made="100 L")
    assert done.deviations == {}
    assert left(shop, "binder", "filler") == {"binder": "984.5 L", "filler": "960.5 L"}  # 25 L instead of 30: 5.5 more, and 0.5 less
    shop.verify()


def test_parts_of_a_run_use_together_what_the_whole_would():
    """Law 11 with contents: three uneven parts, two lots."""
    whole, parts = (paint_shop(("P-1", "7.013 L", "47 %"), ("P-2", "90 L", "29 %")) for _ in range(2))
    for shop, sizes in ((whole, ["100 L"]), (parts, ["33.333 L", "12.345 L", "54.322 L"])):
        (run,) = shop.orders.confirm(ordered(shop, "paint", "100 L")).productions
        shop.production.start(run)
        for size in sizes[:-1]:
            assert shop.production.report(run, made=size).deviations == {}
        shop.production.complete(run, made=sizes[-1])
        shop.verify()
    for name in ("binder", "filler", "water"):
        one, other = (shop.stock.level(name).on_hand.value for shop in (whole, parts))
        assert abs(one - other) <= Fraction(3, 1000)
    assert left(whole, "paste") == left(parts, "paste")


def test_what_was_really_used_of_the_active_decides_what_was_planned_of_the_others():
    shop = paint_shop(("P-35", "100 L", "35 %"))
    run = shop.production.plan("paint", "100 L").production
    shop.production.start(run)
    done = shop.production.complete(run, made="100 L", used={"paste": "25 L"})
    assert (str(done.deviations["paste"].planned), str(done.deviations["paste"].used)) == ("25.715 L", "25 L")
    assert str(done.deviations["binder"].planned) == "15.5 L"  # 5 L less of the paste, times 1.1; there were 14.714 on the line
    assert str(done.deviations["binder"].used) == "14.714 L"
    shop.verify()


def test_a_content_that_leaves_no_room_is_refused_and_nothing_is_planned():
    shop = paint_shop(("weak", "1000 L", "5 %"))
    with pytest.raises(Unsolvable, match="stronger lot"):
        shop.production.plan("paint", "100 L")
    assert shop.production.find() == ()


def test_what_a_run_makes_for_another_counts_at_target_content():
    """A paste that is made here is made as the recipe wants it; nobody has to declare it."""
    shop = paint_shop()
    shop.register(Recipe("paste", makes="10 L", ingredients=[Ingredient("water", "10 L")], lead_time="1 day"))
    paint, paste = shop.orders.confirm(ordered(shop, "paint", "100 L")).productions
    shop.production.start(paste)
    shop.production.complete(paste, made="30 L")
    shop.production.start(paint)
    assert shop.production.complete(paint, made="100 L").deviations == {}
    assert left(shop, "paste", "binder", "filler") == {"paste": "0 L", "binder": "990 L", "filler": "960 L"}
    shop.verify()


def test_what_was_bought_for_a_run_covers_by_its_content_once_it_is_here():
    """30 litres are on their way and promised; they come at 28 %, so that 2 litres at target are open again, and others follow."""
    shop = paint_shop()
    shop.register(Supplier("mill", offers=[Offer("paste", lead_time="2 days")]))
    purchase = shop.purchasing.order("mill", lines=[PurchaseLine("paste", "30 L")])
    run = shop.production.plan("paint", "100 L").production
    shop.purchasing.receive(purchase, "paste", "30 L", lot="P-28", attributes={"potency": "28 %"})
    shop.verify()
    with pytest.raises(Short) as refused:
        shop.production.start(run)
    assert [str(one.missing) for one in refused.value.shortages] == ["2 L"]
    shop.stock.receive("paste", "10 L", lot="P-60", attributes={"potency": "60 %"})
    shop.production.cover(run)
    shop.verify()
    assert all_reserved(shop) == {"P-28": "30 L", "P-60": "1 L", "binder": "8.9 L", "filler": "40.1 L", "water": "20 L"}
    shop.production.start(run)
    assert shop.production.complete(run, made="100 L").deviations == {}
    shop.verify()


@given(
    contents=st.lists(st.integers(24, 60), min_size=1, max_size=3),
    amounts=st.lists(st.integers(1, 60_000), min_size=3, max_size=3),
    litres=st.integers(1, 150),
    made=st.integers(1, 150_000),
)
def test_whatever_the_lots_hold_links_and_balances_agree_and_all_comes_back(contents, amounts, litres, made):
    """Laws 1 to 4 and 9: plan, start as far as it goes, complete, reverse; everything lies where it lay."""
    lots = [(f"P-{n}", f"{steps} mL", f"{content} %") for n, (content, steps) in enumerate(zip(contents, amounts, strict=False))]
    shop = paint_shop(*lots)
    before = left(shop, "paste", "binder", "filler", "water")
    planned = shop.production.plan("paint", f"{litres} L")
    shop.verify()
    held = sum(Fraction(content, 30) * steps for content, steps in zip(contents, amounts, strict=False))
    if abs(held - litres * 300) > len(lots):
        assert bool(planned.shortages) == (held < litres * 300)
    shop.production.start(planned.production, when_short="start")
    shop.verify()
    shop.production.complete(planned.production, made=f"{made} mL")
    shop.verify()
    shop.production.reverse(planned.production)
    shop.verify()
    assert left(shop, "paste", "binder", "filler", "water") == before


# substitutes ------------------------------------------------------------------------------------------------------------


def test_substitutes_stand_in_in_their_order_with_their_ratio_and_the_reason_is_told():
    shop = balm_shop(shea="0.4 kg", mango="0.55 kg", illipe="5 kg")
    order = ordered(shop, "balm", "1 kg")
    checked = shop.orders.check(order)
    assert [str(reason) for reason in checked.reasons] == [
        "shea: 0.55 kg of mango for 0.5 kg (shea: 0.4 kg of 1 kg in stock)",
        "shea: 0.1 kg of illipe for 0.1 kg (shea: 0.4 kg of 1 kg in stock)",
    ]
    assert [(need.item, str(need.required)) for need in checked.needs] == [
        ("balm", "1 kg"), ("shea", "0.4 kg"), ("mango", "0.55 kg"), ("illipe", "0.1 kg"),
    ]  # fmt: skip
    (run,) = shop.orders.confirm(order).productions
    assert reserved(shop, "mango") == {"mango": "0.55 kg"}
    shop.verify()
    shop.production.start(run)
    assert shop.production.complete(run, made="1 kg", lot="B-1").deviations == {}
    assert {(one.item, one.code) for one in shop.trace.back("balm", "B-1").lots} >= {("mango", "mango"), ("illipe", "illipe")}
    assert left(shop, "shea", "mango", "illipe") == {"shea": "0 kg", "mango": "0 kg", "illipe": "4.9 kg"}
    shop.verify()


def test_nothing_stands_in_where_the_item_itself_is_there_or_where_nobody_has_the_substitute():
    shop = balm_shop(shea="1 kg", mango="5 kg")
    assert shop.orders.check(ordered(shop, "balm", "1 kg")).reasons == ()
    bare = balm_shop(shea="0.4 kg")
    checked = bare.orders.check(ordered(bare, "balm", "1 kg"))
    assert [str(one) for one in checked.shortages] == ["shea: 0.6 kg missing (needed 1 kg, available 0.4 kg)"]
    assert "none in stock" in str(checked.reasons[0])


def test_at_the_start_a_substitute_that_came_meanwhile_is_taken():
    shop = balm_shop(shea="0.4 kg")
    run = shop.production.plan("balm", "1 kg").production
    with pytest.raises(Short):
        shop.production.start(run)
    shop.stock.receive("mango", "1 kg", lot="M-2")
    moves = shop.production.start(run).moves
    assert [(move.item, move.steps, move.line) for move in moves] == [
        ("shea", 400, f"{run.number}/shea"), ("mango", 660, f"{run.number}/shea"),
    ]  # fmt: skip
    shop.verify()


def test_half_of_the_run_uses_its_own_material_first_and_the_rest_goes_back():
    shop = balm_shop(shea="0.4 kg", mango="2 kg")
    run = shop.production.plan("balm", "1 kg").production
    shop.production.start(run)
    shop.production.report(run, made="0.5 kg")
    shop.production.stop(run, reason="enough")
    assert left(shop, "shea", "mango") == {"shea": "0 kg", "mango": "1.89 kg"}
    shop.verify()


def test_what_was_really_used_of_a_substitute_may_be_said():
    shop = balm_shop(shea="0.4 kg", mango="2 kg")
    run = shop.production.plan("balm", "1 kg").production
    shop.production.start(run)
    done = shop.production.complete(run, made="1 kg", used={"mango": "0.6 kg"})
    assert {name: str(one.used) for name, one in done.deviations.items()} == {"mango": "0.6 kg"}
    assert left(shop, "mango") == {"mango": "1.4 kg"}
    shop.verify()


@given(
    shea=st.integers(0, 1500), mango=st.integers(0, 1500), illipe=st.integers(0, 1500),
    steps=st.integers(1, 1500), parts=st.lists(st.integers(0, 900), max_size=3),
)  # fmt: skip
def test_whatever_is_there_the_laws_hold_and_all_comes_back(shea, mango, illipe, steps, parts):
    stock = {"shea": shea, "mango": mango, "illipe": illipe}
    shop = balm_shop(**{name: f"{amount} g" for name, amount in stock.items() if amount})
    planned = shop.production.plan("balm", f"{steps} g")
    assert bool(planned.shortages) == (shea + mango * 10 // 11 + illipe < steps)
    shop.verify()
    shop.production.start(planned.production, when_short="start")
    for part in parts:
        shop.production.report(planned.production, made=f"{part} g")
        shop.verify()
    shop.production.complete(planned.production, made=f"{max(0, steps - sum(parts))} g")
    shop.verify()
    shop.production.reverse(planned.production)
    shop.verify()
    assert left(shop, *stock) == {name: str(Item(name, unit="kg", step="1 g").quantity(amount)) for name, amount in stock.items()}


# what is made here --------------------------------------------------------------------------------------------------------


PASTE = Recipe("paste", makes="10 L", ingredients=[Ingredient("water", "10 L")], lead_time="1 day")


def made_here(clock: FakeClock | None = None) -> tuple[Workshop, str, str]:
    """Paint that is planned with its paste, which is being made."""
    shop = paint_shop(clock=clock)
    shop.register(PASTE)
    paint, paste = shop.orders.confirm(ordered(shop, "paint", "100 L")).productions
    shop.production.start(paste)
    return shop, paint, paste


def test_a_paste_that_is_made_here_tells_its_content_when_it_is_done_and_the_paint_follows():
    shop, paint, paste = made_here()
    done = shop.production.complete(paste, made="30 L", attributes={"potency": "35 %", "tank": "T-4"})
    assert dict(done.lot.attributes) == {"potency": "35 %", "tank": "T-4"}
    assert shop.stock.lot("paste", done.lot.code).attributes == done.lot.attributes
    assert (done.displaced, reserved(shop, "paste")) == ((), {paste: "25.715 L"})
    shop.verify()
    shop.production.start(paint)
    assert shop.production.complete(paint, made="100 L").deviations == {}
    assert left(shop, "paste", "binder", "filler") == {"paste": "4.285 L", "binder": "985.286 L", "filler": "960.428 L"}
    record = shop.trace.batch_record(paint)
    assert record.deviations == ()
    assert [(row.lot, row.content) for row in record.weighed if row.item == "paste"] == [(paste, "35 %")]
    assert "35 %" in str(record)
    shop.verify()


def test_less_of_a_stronger_paste_is_enough_and_a_weaker_one_names_who_lacks_some():
    shop, paint, paste = made_here()
    assert shop.production.complete(paste, made="26 L", attributes={"potency": "35 %"}).displaced == ()
    assert reserved(shop, "paste") == {paste: "25.715 L"}
    shop.production.start(paint)
    shop.verify()
    shop, paint, paste = made_here()
    done = shop.production.complete(paste, made="30 L", attributes={"potency": "27 %"})
    assert [(one.production, one.item, str(one.amount)) for one in done.displaced] == [(paint, "paste", "3 L")]
    with pytest.raises(Short):
        shop.production.start(paint)
    shop.verify()


def test_straight_to_the_line_it_counts_by_its_content_as_well():
    shop, paint, paste = made_here()
    shop.production.start(paint, when_short="start")
    done = shop.production.complete(paste, made="30 L", attributes={"potency": "60 %"}, into=paint)
    assert done.displaced == ()
    assert {row.place: str(row.on_hand) for row in shop.stock.lots("paste")} == {f"line:{paint}": "15 L", "stock": "15 L"}
    shop.verify()
    assert "paste" not in shop.production.complete(paint, made="100 L").deviations
    shop.verify()


def test_written_down_later_reported_in_parts_and_in_a_preview_the_content_is_the_same():
    clock = FakeClock("2026-03-02 08:00")
    shop, paint, paste = made_here(clock)
    clock.tick(timedelta(days=1))
    told = {"made": "30 L", "attributes": {"potency": "40 %"}, "happened_at": "2026-03-02 12:00"}
    would = shop.preview(lambda trial: (trial.production.complete(paste, **told), reserved(trial, "paste")))
    assert would.answer[1] == {paste: "22.5 L"}
    assert reserved(shop, "paste") == {}
    shop.production.report(paste, made="10 L", attributes={"potency": "60 %"}, happened_at="2026-03-02 11:00")
    shop.verify()
    shop.production.complete(paste, made="20 L", attributes={"potency": "40 %"}, happened_at="2026-03-02 12:00")
    shop.verify()
    parts = {row.lot.code: dict(row.lot.attributes)["potency"] for row in shop.stock.lots("paste")}
    assert parts == {f"{paste}-1": "60 %", f"{paste}-2": "40 %"}
    shop.production.start(paint)
    assert shop.production.complete(paint, made="100 L").deviations == {}
    shop.verify()


def test_a_part_of_another_content_needs_a_lot_of_its_own():
    shop, _, paste = made_here()
    shop.production.report(paste, made="10 L", lot="A", attributes={"potency": "35 %"})
    with pytest.raises(InvalidInput, match="a lot of its own"):
        shop.production.complete(paste, made="20 L", lot="A", attributes={"potency": "36 %"})
    shop.production.complete(paste, made="20 L", lot="A")
    assert shop.stock.lot("paste", "A").attributes == (("potency", "35 %"),)
    shop.verify()


@pytest.mark.parametrize("attributes", [{"potency": "strong"}, {"potency": "0 %"}, {"potency": None}, {"density": "thick"}])
def test_a_content_that_is_none_is_refused_where_it_is_told(attributes):
    shop, _, paste = made_here()
    for tell in (
        lambda: shop.production.complete(paste, made="30 L", attributes=attributes),
        lambda: shop.stock.receive("paste", "1 L", attributes=attributes),
        lambda: shop.stock.opening("paste", "1 L", attributes=attributes),
        lambda: shop.stock.declare("water", attributes, lot="water"),
    ):
        with pytest.raises(InvalidInput) as refused:
            tell()
        assert next(iter(attributes)) in refused.value.field


def test_what_comes_out_besides_tells_its_own_content_and_nothing_is_said_of_what_did_not_come():
    shop = Workshop.in_memory(clock=FakeClock("2026-03-02 08:00"))
    cheese = Recipe("cheese", makes="10 kg", outputs=[Output("whey", "80 L", cost="10 %")])
    shop.register(Item("cheese", unit="kg", step="1 g"), Item("whey", unit="L", step="1 mL"), cheese)
    told = {"potency": "48 %", "whey": {"potency": "0.8 %"}}
    done = shop.production.make("cheese", "10 kg", attributes=told)
    assert [lot.attributes for lot in (done.lot, *done.by_products)] == [(("potency", "48 %"),), (("potency", "0.8 %"),)]
    two = {"whey": {"W-1": {"potency": "0.8 %"}, "W-2": {"potency": "0.7 %"}}}
    done = shop.production.make("cheese", "10 kg", by_products={"whey": {"W-1": "40 L", "W-2": "40 L"}}, attributes=two)
    assert [dict(lot.attributes)["potency"] for lot in done.by_products] == ["0.8 %", "0.7 %"]
    with pytest.raises(InvalidInput, match="cream"):
        shop.production.make("cheese", "10 kg", attributes={"cream": {"potency": "30 %"}})


def test_what_the_laboratory_finds_later_moves_what_is_reserved():
    """First nobody knows and it counts at target content; then it is 35 %, then it turns out to be 28 %."""
    shop, paint, paste = made_here()
    shop.production.complete(paste, made="30 L")
    assert reserved(shop, "paste") == {paste: "30 L"}
    told = shop.stock.declare("paste", {"potency": "35 %"}, lot=paste)
    assert (told.displaced, reserved(shop, "paste")) == ((), {paste: "25.715 L"})
    told = shop.stock.declare("paste", {"potency": "28 %"}, lot=paste, reason="second sample")
    assert [(one.production, str(one.amount)) for one in told.displaced] == [(paint, "6 L")]
    assert shop.stock.history("paste", lot=paste)[-1].step == "declare"
    shop.verify()
    shop.production.cover(paint)
    assert reserved(shop, "paste") == {paste: "30 L"}  # 28 of the 30 litres at target content
    shop.verify()


def test_lots_of_different_content_that_are_poured_together_have_the_mean():
    shop = paint_shop(("P-1", "10 L", "60 %"), ("P-2", "30 L", "20 %"), ("P-3", "5 L", None))
    paint = shop.production.plan("paint", "50 L").production
    assert reserved(shop, "paste") == {"P-1": "7.5 L"}
    blend = shop.stock.blend("paste", {"P-1": "10 L", "P-2": "10 L"}, into="B").lot
    assert dict(blend.attributes) == {"potency": "40 %"}
    assert reserved(shop, "paste") == {"B": "7.5 L"}  # which is 10 of the 15 litres at target content
    shop.verify()
    shop.production.cover(paint)
    assert sum(Fraction(amount.split()[0]) for amount in reserved(shop, "paste").values()) > 7
    shop.verify()
    assert shop.stock.blend("paste", {"B": "2 L", "P-3": "1 L"}, into="C").lot.attributes == ()
    shop.verify()


def test_a_content_in_another_unit_is_passed_over_with_the_reason():
    shop = paint_shop(("P-1", "100 L", "350 g/L"), ("P-2", "100 L", "30 %"))
    order = ordered(shop, "paint", "100 L")
    assert "paste: paste P-1: potency told as 350 g/L, and the recipe wants 30 %" in [
        str(one) for one in shop.orders.check(order).reasons
    ]
    shop.orders.confirm(order)
    assert reserved(shop, "paste") == {"P-2": "30 L"}


def test_a_run_that_is_split_has_no_more_covered_than_each_part_needs():
    """A kilogram of the strong acid stands for two. The run of 20 kg needs two, each half of it one: each has its own."""
    shop = Workshop.in_memory(clock=FakeClock("2026-03-02 08:00"))
    shop.register(
        *(Item(name, unit="kg", step="1 kg") for name in ("acid", "mix")),
        Recipe("mix", makes="10 kg", ingredients=[Ingredient("acid", "1 kg", potency="50 %")]),
    )
    shop.stock.receive("acid", "5 kg", lot="A", attributes={"potency": "100 %"})
    run = shop.production.plan("mix", "20 kg").production
    assert reserved(shop, "acid") == {"A": "1 kg"}

    halves = shop.production.split(run, ["10 kg"]).productions

    assert reserved(shop, "acid") == {"A": "2 kg"}
    with shop._office.look() as work:
        links = work.reader.links([half.number for half in halves])
    assert [(link.takes, link.covers) for half in halves for link in links[half.number]] == [(1, 1), (1, 1)]
    for half in halves:
        shop.production.start(half)
        shop.production.complete(half, made="10 kg")
    assert left(shop, "acid") == {"acid": "3 kg"}
    shop.verify()


def test_a_run_that_was_accepted_from_a_plan_takes_lots_by_what_is_in_them_and_brings_what_comes_out_besides():
    shop = Workshop.in_memory(clock=FakeClock("2026-03-02 08:00"))
    shop.register(
        *(Item(name, unit="kg", step="10 g") for name in ("shea", "mango", "rose", "cream", "water")),
        Recipe(
            "cream",
            makes="10 kg",
            ingredients=[
                Ingredient("shea", "10 kg", substitutes=[Substitute("mango", ratio="1.1")]),
                Ingredient("rose", "1 kg", potency="50 %"),
            ],
            outputs=[Output("water", "1.5 kg")],
        ),
    )
    for lot, amount, attributes in (("shea", "12 kg", {}), ("mango", "9 kg", {}), ("rose", "2 kg", {"potency": "40 %"})):
        shop.stock.receive(lot, amount, lot=lot, attributes=attributes)
    ordered(shop, "cream", "10 kg")

    (number,) = shop.planning.accept(shop.planning.plan()).productions

    assert str(shop.stock.level("water").incoming) == "1.5 kg"
    assert {item: reserved(shop, item)[item] for item in ("shea", "rose")} == {"shea": "10 kg", "rose": "1.25 kg"}
    shop.stock.scrap("shea", "6 kg", lot="shea", reason="spilt")  # mango stands in for what is lost, when the run begins
    shop.production.start(number)
    done = shop.production.complete(number, made="10 kg", lot="C-1")
    assert (done.deviations, left(shop, "water", "rose")) == ({}, {"water": "1.5 kg", "rose": "0.75 kg"})
    shop.verify()


def test_a_run_that_began_yesterday_takes_no_lot_that_came_today():
    clock = FakeClock("2026-03-02 08:00")
    shop = paint_shop(("P-1", "50 L", "30 %"), clock=clock)
    run = shop.production.plan("paint", "100 L").production
    late = shop.production.plan("paint", "100 L").production
    clock.tick(timedelta(days=1))
    shop.stock.receive("paste", "50 L", lot="P-2", attributes={"potency": "60 %"})
    shop.production.start(run, happened_at="2026-03-02 10:00")
    with pytest.raises(Short):
        shop.production.start(late, happened_at="2026-03-02 10:00")
    shop.production.start(late)
    shop.verify()


# density ----------------------------------------------------------------------------------------------------------------


def test_litres_of_a_lot_are_as_heavy_as_the_lot_itself():
    """Oil is kept in kilograms, and 200 litres of this drum are 190 of them: received, counted, drawn and used."""
    shop = Workshop.in_memory(clock=FakeClock("2026-03-02 08:00"))
    oil = Item("oil", unit="kg", step="1 g", density="0.9 kg/L", packs={"drum": "200 L"})
    shop.register(
        oil, Item("soap", unit="kg", step="1 g"), Supplier("press", offers=[Offer("oil", lead_time="1 day")]),
        Recipe("soap", makes="1 kg", ingredients=[Ingredient("oil", "1 kg")]),
    )  # fmt: skip
    dense = {"density": "0.95 kg/L"}
    shop.stock.receive("oil", "200 L", lot="D", attributes=dense)
    shop.stock.opening("oil", "1 drum", lot="E", attributes=dense)
    purchase = shop.purchasing.order("press", lines=[PurchaseLine("oil", "500 kg")])
    shop.purchasing.receive(purchase, "oil", "1 drum", lot="F", attributes=dense)
    assert {row.lot.code: str(row.on_hand) for row in shop.stock.lots("oil")} == {"D": "190 kg", "E": "190 kg", "F": "190 kg"}
    assert str(shop.stock.count("oil", "100 L", lot="D").difference) == "-95 kg"
    shop.stock.scrap("oil", "10 L", lot="E", reason="spilt")
    shop.stock.split("oil", "1 L", lot="F", into="G")
    assert str(shop.stock.level("oil").on_hand) == "465.5 kg"  # 95, 180.5, 189.05 and 0.95
    run = shop.production.plan("soap", "19 kg").production
    shop.production.start(run)
    done = shop.production.complete(run, made="20 L", used={"oil": {"D": "20 L"}}, attributes={"density": "0.95 kg/L"})
    assert (str(done.made), done.deviations) == ("19 kg", {})
    shop.verify()
