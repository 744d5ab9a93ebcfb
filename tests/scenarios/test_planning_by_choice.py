"""The plan of the whole order book follows what recipes say: co-products, lots by their content, substitutes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from krafte_core import Ingredient, Item, Offer, OrderLine, Recipe, Supplier
from krafte_core.recipes import BatchSize, Output
from krafte_core.testing import FakeClock
from krafte_core.workshop import Workshop
from tests.scenarios.day import reserved
from tests.scenarios.test_contents_and_substitutes import BALM, paint_shop

MONDAY = "2026-03-02 08:00"


def ordered(shop: Workshop, item: str, amount: str, day: str | None = "2026-03-20", *, confirmed: bool = False):
    order = shop.orders.place(customer="Anna", lines=[OrderLine(item, amount)], requested=day)
    if confirmed:
        shop.orders.confirm(order)
    return order


def told(plan, kind: str) -> list[str]:
    return [f"{one.item}: {one.text}" for one in plan.messages() if one.kind == kind]


def made(plan) -> list[tuple[str, str]]:
    return [(one.item, str(one.amount)) for one in plan.to_make()]


def accept(shop: Workshop, plan):
    """Accept all of it; the books are sound, and nothing more is proposed."""
    done = shop.planning.accept(plan)
    shop.verify()
    again = shop.planning.plan()
    assert (again.to_make(), again.to_buy(), [str(one) for one in again.late()]) == ((), (), [])
    return done


# co-products ------------------------------------------------------------------------------------------------------------


def dairy(*more, **cheese) -> Workshop:
    shop = Workshop.in_memory(clock=FakeClock(MONDAY))
    outputs = [Output("whey", "80 L", cost="10 %"), Output("cream", "1 kg")]
    fields = {"makes": "10 kg", "outputs": outputs, "ingredients": [Ingredient("milk", "100 L")], "lead_time": "1 day"} | cheese
    items = [Item(name, unit="L", step="1 mL") for name in ("milk", "whey")] + [
        Item(name, unit="kg", step="1 g") for name in ("cheese", "cream")
    ]
    shop.register(*items, Recipe("cheese", **fields), *more)
    shop.stock.receive("milk", "1000 L", lot="M-1")
    return shop


def test_a_co_product_is_planned_by_the_run_that_brings_it_and_its_cheese_is_free_for_others():
    shop = dairy()
    whey, cheese = ordered(shop, "whey", "40 L"), ordered(shop, "cheese", "4 kg", "2026-03-25")
    plan = shop.planning.plan()
    assert made(plan) == [("cheese", "5 kg")]
    assert plan.late() == ()
    assert {(one.item, one.supply) for one in plan.pegging() if one.need in (whey.number, cheese.number)} == {
        ("whey", "make-1"), ("cheese", "make-1"),
    }  # fmt: skip
    (run,) = accept(shop, plan).productions
    shop.production.start(run)
    shop.production.complete(run, made="5 kg")
    shop.verify()
    assert (reserved(shop, "whey"), reserved(shop, "cheese")) == ({run: "40 L"}, {run: "4 kg"})


def test_promise_check_and_plan_agree_on_the_day_of_the_whey():
    shop = dairy()
    asked = shop.planning.promise([OrderLine("whey", "40 L")])
    order = ordered(shop, "whey", "40 L", None)
    promise, plan = shop.orders.promise(order), shop.planning.plan()
    assert promise.date == asked.date == plan.deliveries()[0].at.date()
    assert [(one.item, str(one.amount)) for one in asked.to_make] == made(plan) == [("cheese", "5 kg")]


def test_whey_and_cheese_of_one_order_come_of_one_run_whatever_comes_first():
    for lines in (["40 L", "whey"], ["8 kg", "cheese"]), (["8 kg", "cheese"], ["40 L", "whey"]):
        shop = dairy()
        shop.orders.place(customer="Anna", lines=[OrderLine(item, amount) for amount, item in lines], requested="2026-03-20")
        assert made(shop.planning.plan()) == [("cheese", "8 kg")]


def test_by_products_are_used_and_are_no_reason_to_make():
    shop = dairy()
    cream = ordered(shop, "cream", "0.3 kg")
    plan = shop.planning.plan()
    assert plan.to_make() == ()
    (message,) = plan.messages()
    assert (message.kind, message.code, message.text) == (
        "no source", "no_source", "nobody makes or sells cream; it only comes out besides, of cheese: plan that by hand",
    )  # fmt: skip
    ordered(shop, "cheese", "5 kg", "2026-03-10")
    plan = shop.planning.plan()
    assert made(plan) == [("cheese", "5 kg")]
    assert [(one.at.date().isoformat(), one.problem) for one in plan.deliveries(cream.number)] == [("2026-03-20", "")]
    accept(shop, plan)


def test_what_is_taken_apart_serves_several_orders_at_once_and_in_whole_batches():
    shop = Workshop.in_memory(clock=FakeClock(MONDAY))
    shop.register(
        Item("chicken", unit="each"), *(Item(name, unit="kg", step="1 g") for name in ("breast", "wing")),
        Recipe("chicken", makes="100 each", code="cutting", apart=True, batch=BatchSize(multiple="10 each"), lead_time="1 hour",
               outputs=[Output("breast", "60 kg", cost="70 %"), Output("wing", "20 kg", cost="30 %")]),
        Supplier("farm", offers=[Offer("chicken", lead_time="3 days")]),
    )  # fmt: skip
    ordered(shop, "breast", "20 kg")
    ordered(shop, "wing", "6 kg")
    plan = shop.planning.plan()
    assert made(plan) == [("chicken", "40 each")]
    assert [(one.item, str(one.amount)) for one in plan.to_buy()] == [("chicken", "40 each")]
    assert plan.late() == ()
    done = accept(shop, plan)
    run = shop.production.get(done.productions[0])
    assert (run.recipe.code, run.items) == ("cutting", ("breast", "wing"))
    shop.purchasing.receive(done.purchases[0], "chicken", "40 each", lot="C")
    shop.production.start(run)
    shop.production.complete(run, made="40 each")
    shop.verify()
    assert (reserved(shop, "breast"), reserved(shop, "wing")) == ({run.number: "20 kg"}, {run.number: "6 kg"})


def test_a_co_product_is_kept_in_stock_and_goes_into_something_else():
    shop = dairy(
        Item("ricotta", unit="kg", step="1 g"),
        Recipe("ricotta", makes="1 kg", ingredients=[Ingredient("whey", "20 L")], lead_time="1 hour"),
    )
    ordered(shop, "ricotta", "2 kg")
    plan = shop.planning.plan(keep={"whey": ("5 L", "16 L")})
    assert sorted(made(plan)) == [("cheese", "2 kg"), ("cheese", "5 kg"), ("ricotta", "2 kg")]
    assert plan.late() == ()
    shop.planning.accept(plan)
    shop.verify()


def test_two_that_could_bring_it_are_left_to_people_and_named():
    shop = dairy(
        Item("butter", unit="kg", step="1 g"),
        Recipe("butter", makes="1 kg", ingredients=[Ingredient("milk", "20 L")], outputs=[Output("whey", "18 L", cost="5 %")]),
    )
    ordered(shop, "whey", "10 L")
    assert (
        "of butter, cheese" in told(shop.planning.plan(), "no source")[0]
        or "of cheese, butter" in told(shop.planning.plan(), "no source")[0]
    )


# contents ---------------------------------------------------------------------------------------------------------------


def test_paint_is_planned_with_what_its_lots_hold_and_accepted_as_it_was_planned():
    shop = paint_shop(("P-1", "10 L", "60 %"), ("P-2", "40 L", None), ("P-3", "40 L", "25 %"))
    ordered(shop, "paint", "100 L")
    plan = shop.planning.plan()
    assert plan.to_buy() == ()
    pegs = {one.item: one.steps for one in plan.pegging("make-1") if one.need == "make-1"}
    assert pegs == {"paste": 22_000, "binder": 18_800, "filler": 39_200, "water": 20_000}
    assert told(plan, "passed over") == ["paste: lot P-2: potency not declared"]
    (run,) = accept(shop, plan).productions
    assert {name: amount for item in ("paste", "binder", "filler") for name, amount in reserved(shop, item).items()} == {
        "P-1": "10 L", "P-3": "12 L", "binder": "18.8 L", "filler": "39.2 L",
    }  # fmt: skip
    shop.production.start(run)
    assert shop.production.complete(run, made="100 L").deviations == {}
    shop.verify()


def test_what_no_lot_covers_is_bought_at_target_content():
    shop = paint_shop(("P-1", "10 L", "60 %"))
    shop.register(Supplier("mill", offers=[Offer("paste", lead_time="2 days")]))
    ordered(shop, "paint", "100 L")
    plan = shop.planning.plan()
    assert [(one.item, str(one.amount)) for one in plan.to_buy()] == [("paste", "10 L")]
    done = accept(shop, plan)
    shop.purchasing.receive(done.purchases[0], "paste", "10 L", lot="P-9", attributes={"potency": "30 %"})
    shop.production.start(done.productions[0])
    assert shop.production.complete(done.productions[0], made="100 L").deviations == {}
    shop.verify()


def test_a_run_that_lacks_some_of_its_active_gets_it_in_the_next_plan_by_content():
    shop = paint_shop(("P-1", "10 L", "60 %"))
    shop.register(Supplier("mill", offers=[Offer("paste", lead_time="2 days")]))
    ordered(shop, "paint", "100 L", confirmed=True)
    shop.stock.receive("paste", "4 L", lot="P-2", attributes={"potency": "60 %"})
    plan = shop.planning.plan()
    assert [(one.item, str(one.amount)) for one in plan.to_buy()] == [("paste", "2 L")]
    done = accept(shop, plan)
    assert reserved(shop, "paste") == {"P-1": "10 L", "P-2": "4 L"}
    shop.purchasing.receive(done.purchases[0], "paste", "2 L", lot="P-3", attributes={"potency": "30 %"})
    (run,) = shop.production.find()
    shop.production.start(run)
    assert shop.production.complete(run, made="100 L").deviations == {}
    shop.verify()


def test_a_content_that_leaves_no_room_is_one_message_and_the_others_are_planned():
    shop = paint_shop(("weak", "1000 L", "5 %"))
    shop.register(Recipe("water", makes="1 L", lead_time="1 day"))
    ordered(shop, "paint", "100 L")
    ordered(shop, "water", "2000 L")
    plan = shop.planning.plan()
    (message,) = [one for one in plan.messages() if one.kind == "not planned"]
    assert (message.item, message.code) == ("paint", "recipe_unsolvable")
    assert "leave no room" in message.text
    assert made(plan) == [("water", "1000 L")]


def test_only_lots_that_say_nothing_are_no_source_and_the_plan_says_so():
    shop = paint_shop(("P-2", "100 L", None))
    ordered(shop, "paint", "100 L")
    plan = shop.planning.plan()
    assert told(plan, "no source") == ["paint: nobody makes or sells paste"]
    assert told(plan, "passed over") == ["paste: lot P-2: potency not declared"]


def test_paste_itself_is_sold_by_the_litre_whatever_it_holds():
    shop = paint_shop(("P-1", "10 L", "60 %"), ("P-2", "40 L", None))
    ordered(shop, "paste", "45 L")
    plan = shop.planning.plan(keep={"paste": ("4 L", "5 L")})
    assert (plan.late(), plan.to_buy(), plan.left["paste"][0]) == ((), (), 5000)


# substitutes ------------------------------------------------------------------------------------------------------------


def balm(**kilograms: str) -> Workshop:
    shop = Workshop.in_memory(clock=FakeClock(MONDAY))
    shop.register(
        *(Item(name, unit="kg", step="1 g") for name in ("balm", "shea", "mango", "illipe")), BALM,
        Supplier("importer", offers=[Offer("shea", lead_time="10 days")]),
    )  # fmt: skip
    for name, amount in kilograms.items():
        shop.stock.receive(name, amount, lot=name)
    return shop


def test_a_substitute_stands_in_where_the_order_would_be_late_and_the_reason_is_told():
    shop = balm(shea="0.4 kg", mango="2 kg")
    ordered(shop, "balm", "1 kg", "2026-03-04")
    plan = shop.planning.plan()
    assert (plan.late(), plan.to_buy()) == ((), ())
    assert told(plan, "substitute") == ["mango: 0.66 kg of mango instead of 0.6 kg of shea, which is not there in time"]
    (run,) = accept(shop, plan).productions
    assert (reserved(shop, "shea"), reserved(shop, "mango")) == ({"shea": "0.4 kg"}, {"mango": "0.66 kg"})
    shop.production.start(run)
    assert shop.production.complete(run, made="1 kg").deviations == {}
    shop.verify()


def test_where_there_is_time_it_is_bought_and_nothing_stands_in():
    shop = balm(mango="2 kg")
    ordered(shop, "balm", "1 kg", "2026-03-25")
    plan = shop.planning.plan()
    assert [(one.item, str(one.amount)) for one in plan.to_buy()] == [("shea", "1 kg")]
    assert told(plan, "substitute") == []
    accept(shop, plan)
    assert reserved(shop, "mango") == {}


def test_as_soon_as_can_be_a_substitute_is_taken_as_a_promise_does():
    shop = balm(mango="0.55 kg", illipe="0.7 kg")
    asked = shop.planning.promise([OrderLine("balm", "1 kg")])
    order = ordered(shop, "balm", "1 kg", None)
    promise, plan = shop.orders.promise(order), shop.planning.plan()
    assert asked.date == promise.date == plan.deliveries()[0].at.date()
    assert promise.to_buy == plan.to_buy() == ()
    assert told(plan, "substitute") == [
        "mango: 0.55 kg of mango instead of 0.5 kg of shea, which is not there in time",
        "illipe: 0.5 kg of illipe instead of 0.5 kg of shea, which is not there in time",
    ]
    accept(shop, plan)


def test_a_substitute_that_others_count_on_is_left_to_them():
    shop = balm(mango="1 kg")
    ordered(shop, "mango", "0.9 kg", "2026-03-24")
    ordered(shop, "balm", "1 kg", "2026-03-25")
    urgent = ordered(shop, "balm", "0.05 kg", "2026-03-04")
    plan = shop.planning.plan()
    assert not [one for one in plan.late() if one.ref == urgent.number]
    assert told(plan, "substitute") == ["mango: 0.055 kg of mango instead of 0.05 kg of shea, which is not there in time"]
    accept(shop, plan)


@given(
    contents=st.lists(st.sampled_from(["24 %", "30 %", "47 %", "60 %", "3 g/L", None]), max_size=3),
    amounts=st.lists(st.integers(1, 40_000), min_size=3, max_size=3),
    mango=st.integers(0, 900),
    litres=st.lists(st.integers(1, 90), min_size=1, max_size=3),
    days=st.lists(st.integers(3, 25), min_size=3, max_size=3),
)
def test_whatever_is_there_an_accepted_plan_is_sound_and_nothing_is_proposed_again(contents, amounts, mango, litres, days):
    """Laws 1 to 4, and the plan is what happens: every run gets its lots and is completed as planned."""
    lots = [(f"P-{n}", f"{steps} mL", content) for n, (content, steps) in enumerate(zip(contents, amounts, strict=False))]
    shop = paint_shop(*lots)
    items = [Item(name, unit="kg", step="1 g") for name in ("balm", "shea", "mango", "illipe")]
    shop.register(*items, BALM, Supplier("mill", offers=[Offer("paste", lead_time="5 days"), Offer("shea", lead_time="6 days")]))
    if mango:
        shop.stock.receive("mango", f"{mango} g", lot="M")
    for amount, day in zip(litres, days, strict=False):
        ordered(shop, "paint", f"{amount} L", f"2026-03-{day:02d}")
        ordered(shop, "balm", f"{amount} g", f"2026-03-{day:02d}")
    plan = shop.planning.plan()
    assert all(one.at for one in plan.deliveries())
    done = shop.planning.accept(plan)
    shop.verify()
    assert shop.planning.plan().proposes_nothing
    for number in done.purchases:
        (line,) = shop.purchasing.get(number).lines
        own = {"potency": "30 %"} if line.item == "paste" else {}
        shop.purchasing.receive(number, line.item, line.amount, attributes=own)
    for number in done.productions:
        run = shop.production.get(number)
        shop.production.start(run)
        assert shop.production.complete(run, made=run.planned).deviations == {}
    shop.verify()


# versions ---------------------------------------------------------------------------------------------------------------


def test_the_recipe_is_the_one_for_the_amount_and_where_none_is_the_plan_says_so():
    shop = Workshop.in_memory(clock=FakeClock(MONDAY))
    shop.register(
        *(Item(name, unit="kg", step="1 g") for name in ("soap", "oil", "flakes")),
        Recipe("soap", code="by hand", makes="1 kg", ingredients=[Ingredient("oil", "1 kg")], largest="10 kg", lead_time="1 day"),
        Recipe("soap", code="pressed", makes="1 kg", ingredients=[Ingredient("flakes", "1 kg")], smallest="20 kg", lead_time="2 days"),
    )
    for name in ("oil", "flakes"):
        shop.stock.receive(name, "100 kg")
    orders = [ordered(shop, "soap", amount) for amount in ("5 kg", "40 kg", "15 kg")]
    plan = shop.planning.plan()
    assert sorted((one.item, one.steps) for one in plan.pegging() if one.source == "stock") == [("flakes", 40_000), ("oil", 5_000)]
    assert told(plan, "no source") == ["soap: no recipe of soap is for such an amount"]
    done = shop.planning.accept(plan)
    shop.verify()
    assert sorted(shop.production.get(run).recipe.code for run in done.productions) == ["by hand", "pressed"]
    assert shop.orders.promise(orders[2]).date is None


# what is wrong with one -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (Ingredient("salt", table={"5 kg": "0.1 kg", "20 kg": "0.4 kg"}), "out_of_range"),
        (Ingredient("salt", "9 kg", per="batch"), "recipe_unsolvable"),
    ],
)
def test_a_batch_that_its_recipe_has_no_figure_for_is_one_message(line, code):
    shop = Workshop.in_memory(clock=FakeClock(MONDAY))
    shop.register(
        *(Item(name, unit="kg", step="1 g") for name in ("brine", "salt", "water")),
        Recipe("brine", makes="10 kg", ingredients=[line, Ingredient("water", "q.s.")], lead_time="1 day"),
    )
    for name in ("salt", "water"):
        shop.stock.receive(name, "100 kg")
    ordered(shop, "brine", "1 kg")
    good = ordered(shop, "brine", "10 kg", "2026-03-21")
    plan = shop.planning.plan()
    assert [one.code for one in plan.messages() if one.kind == "not planned"] == [code]
    assert [one.problem for one in plan.deliveries(good.number)] == [""]


def test_a_starter_that_does_not_keep_for_ever_is_taken_from_stock():
    shop = Workshop.in_memory(clock=FakeClock(MONDAY))
    shop.register(
        *(Item(name, unit="kg", step="1 g") for name in ("dough", "flour", "starter")),
        Recipe("dough", makes="10 kg", ingredients=[Ingredient("starter", "1 kg", from_stock=True), Ingredient("flour", "9 kg")]),
    )
    shop.stock.receive("starter", "1 kg", expires="2026-03-12")
    shop.stock.receive("flour", "20 kg")
    ordered(shop, "dough", "10 kg", "2026-03-10")
    plan = shop.planning.plan()
    assert (plan.late(), made(plan)) == ((), [("dough", "10 kg")])
    accept(shop, plan)
