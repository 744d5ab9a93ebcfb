"""Batches are split never, at size, or freely: a paint maker's three mixers, his small oven, and a shade that must not differ."""

from __future__ import annotations

import attrs
import pytest

from krafte_core import BatchSize, Ingredient, Item, Operation, OrderLine, Recipe, WorkCenter
from krafte_core.errors import BeyondHorizon, InvalidInput, NeverFits
from krafte_core.testing import FakeClock
from krafte_core.workshop import Workshop

MONDAY = "2026-11-23 08:00"
MIX = Operation("mix", at="mixer", setup="30 min", run="1 h")


def paint_shop(batch: BatchSize, *more, hours="08:00-16:00", **recipe) -> Workshop:
    """Paint is mixed 10 kg an hour, on any of three mixers that are open from eight to four."""
    shop = Workshop.in_memory(clock=FakeClock(MONDAY))
    shop.register(
        Item("paint", unit="kg", step="1 kg"),
        WorkCenter("mixer", hours=f"Mon-Fri {hours}", capacity=3),
        Recipe("paint", makes="10 kg", batch=batch, **{"operations": [MIX], **recipe}),
        *more,
    )
    return shop


def wanted(shop: Workshop, amount: str = "60 kg", day: str = "2026-11-24", item: str = "paint"):
    return shop.orders.place(customer="Anna", lines=[OrderLine(item, amount)], requested=day)


def sizes(promise) -> list[str]:
    return [f"{one.amount} {one.start:%H:%M}-{one.end:%H:%M}" for one in promise.to_make]


def test_at_size_one_mixer_works_and_freely_all_three():
    large = paint_shop(BatchSize(min="10 kg"))
    assert sizes(large.orders.promise(wanted(large))) == ["60 kg 08:00-14:30"]
    small = paint_shop(BatchSize(min="10 kg", splits="freely"))
    promise = small.orders.promise(wanted(small))
    assert sizes(promise) == ["20 kg 08:00-10:30"] * 3
    assert not promise.proven  # uneven batches might be better still, where other work stands in the way


def test_the_fewest_batches_of_those_that_are_ready_together():
    """Four batches of 15 kg would need a mixer twice, six of 10 kg are not ready before three of 20 kg."""
    shop = paint_shop(BatchSize(min="10 kg", splits="freely"))
    assert len(shop.orders.promise(wanted(shop)).to_make) == 3
    assert sizes(shop.orders.promise(wanted(shop, "10 kg"))) == ["10 kg 08:00-09:30"]


def test_what_is_promised_is_confirmed_started_and_made():
    shop = paint_shop(BatchSize(min="10 kg", splits="freely"))
    order = wanted(shop)
    promise = shop.orders.promise(order)
    confirmed = shop.orders.confirm(order)
    assert (confirmed.promised, len(confirmed.productions)) == (promise.date, 3)
    for number in confirmed.productions:
        shop.production.start(number)
        shop.production.complete(number, made="20 kg", lot=f"L-{number}")
    assert shop.shipping.ship(order).lines
    shop.verify()


def test_a_batch_that_never_fits_an_opening_is_split_until_it_does():
    at_size = paint_shop(BatchSize(min="5 kg"), hours="08:00-10:00")
    with pytest.raises(NeverFits):
        at_size.orders.promise(wanted(at_size))
    freely = paint_shop(BatchSize(min="5 kg", splits="freely"), hours="08:00-10:00")
    order = wanted(freely, day="2026-11-24")
    assert sizes(freely.orders.promise(order)) == ["10 kg 08:00-09:30"] * 6  # on two mornings; four of 15 kg would end at ten
    assert [str(one.amount) for one in freely.planning.plan().to_make()] == ["15 kg"] * 4
    with pytest.raises((NeverFits, BeyondHorizon)):
        freely.orders.promise(wanted(freely, "60000 kg"))


def test_a_plan_splits_no_more_than_the_date_demands():
    shop = paint_shop(BatchSize(min="10 kg", splits="freely"))
    wanted(shop, day="2026-11-24")
    assert [str(one.amount) for one in shop.planning.plan().to_make()] == ["60 kg"]
    shop = paint_shop(BatchSize(min="10 kg", splits="freely"))
    wanted(shop, "120 kg", "2026-11-23")
    plan = shop.planning.plan()
    assert ([str(one.amount) for one in plan.to_make()], plan.late()) == (["60 kg", "60 kg"], ())
    shop.planning.accept(plan)
    shop.verify()
    assert shop.planning.plan().to_make() == ()


def test_what_cannot_be_in_time_is_planned_as_soon_as_can_be():
    """Nine batches of 33 and 34 kg: each mixer makes two of them on Monday and one more on Tuesday, in 3 h 48 min."""
    shop = paint_shop(BatchSize(min="10 kg", splits="freely"))
    wanted(shop, "300 kg", "2026-11-23")
    (late,) = shop.planning.plan().late()
    assert f"{late.at:%a %H:%M}" == "Tue 11:48"


def test_one_shade_comes_from_one_batch_or_not_at_all():
    shop = paint_shop(BatchSize(max="50 kg", splits="never"))
    assert sizes(shop.orders.promise(wanted(shop, "50 kg"))) == ["50 kg 08:00-13:30"]
    promise = shop.orders.promise(wanted(shop))
    assert promise.date is None
    assert promise.explain().endswith("no recipe of paint is for 60 kg (paint: made in one batch of at most 50 kg, never split)")
    with pytest.raises(InvalidInput, match="at most 50 kg, never split"):
        shop.production.plan("paint", "60 kg")
    (message,) = [one for one in shop.planning.plan().messages() if one.kind == "no source"]
    assert message.text == "no recipe of paint is for such an amount"


def test_what_stands_there_counts_before_the_one_batch():
    shop = paint_shop(BatchSize(max="50 kg", splits="never"))
    shop.stock.receive("paint", "10 kg", lot="P-1")
    assert sizes(shop.orders.promise(wanted(shop))) == ["50 kg 08:00-13:30"]


def test_the_larger_vessel_takes_what_the_smaller_may_not_split():
    """Two recipes, the preferred one for the small mixer: what it cannot make in one batch goes to the large one."""
    large = Recipe("paint", makes="10 kg", code="large", batch=BatchSize(max="500 kg", splits="never"), lead_time="3 days")
    shop = paint_shop(BatchSize(max="50 kg", splits="never"), large, code="small", preference=1)
    assert str(shop.orders.promise(wanted(shop, "50 kg")).date) == "2026-11-23"
    assert str(shop.orders.promise(wanted(shop, "60 kg")).date) == "2026-11-26"


def test_materials_follow_the_batches():
    """The pots are rinsed with a litre each: three batches take three."""
    shop = paint_shop(
        BatchSize(min="10 kg", splits="freely"),
        Item("water", unit="L", step="1 mL"),
        ingredients=[Ingredient("water", "1 L", per="batch")],
    )
    shop.stock.receive("water", "3 L", lot="W-1")
    assert str(shop.orders.check(wanted(shop)).need("water").required) == "3 L"


def test_a_way_that_a_recipe_has_no_figures_for_is_no_way():
    """The gel of the base is known from 30 kg to 90 kg only: three batches of 20 kg cannot be, two of 30 kg can."""
    gel = Ingredient("gel", table=[("30 kg", "100 g"), ("90 kg", "300 g")])
    shop = paint_shop(
        BatchSize(min="10 kg", splits="freely"),
        Item("base", unit="kg", step="1 kg"), Item("gel", unit="kg", step="1 g"),
        Recipe("base", makes="30 kg", ingredients=[gel]),
        ingredients=[Ingredient("base", "10 kg")],
    )  # fmt: skip
    shop.stock.receive("gel", "10 kg", lot="G-1")
    order = wanted(shop)
    assert [row for row in sizes(shop.orders.promise(order)) if row.endswith("09:30")] == []
    assert [str(one.amount) for one in shop.orders.promise(order).to_make if one.item == "paint"] == ["30 kg", "30 kg"]
    assert len(shop.orders.confirm(order).productions) == 4


def test_one_run_for_many_orders_is_one_batch():
    shop = paint_shop(BatchSize(min="10 kg", splits="freely"))
    orders = [wanted(shop, "30 kg"), wanted(shop, "30 kg")]
    assert str(shop.production.plan_for(orders).planned) == "60 kg"
    shop = paint_shop(BatchSize(max="50 kg", splits="never"))
    with pytest.raises(InvalidInput, match="made in one batch of at most 50 kg, never split"):
        shop.production.plan_for([wanted(shop, "60 kg")])


def test_a_little_stock_never_takes_a_way_away():
    """Two batches of the least size make 1 kg too much when 1 kg is there: they are still done on the same day."""
    for stock in ("", "1 kg"):
        shop = paint_shop(BatchSize(min="20 kg", splits="freely"), hours="08:00-12:00")
        if stock:
            shop.stock.receive("paint", stock, lot="P-1")
        assert sizes(shop.orders.promise(wanted(shop, "40 kg"))) == ["20 kg 08:00-10:30"] * 2


def test_an_order_that_grows_gets_more_batches_where_one_would_be_later():
    shop = paint_shop(BatchSize(min="10 kg", splits="freely"), operations=[attrs.evolve(MIX, pausable=True)])
    order = wanted(shop, "10 kg")
    shop.orders.confirm(order)
    changed = shop.orders.change(order, lines=[OrderLine("paint", "110 kg", ref="1")])
    assert (str(changed.promised), changed.resized) == ("2026-11-23", ())


def test_what_can_be_built_is_counted_as_it_would_be_made():
    shop = paint_shop(
        BatchSize(min="5 kg", splits="freely"), Item("oil", unit="kg", step="1 g"), hours="08:00-10:00",
        ingredients=[Ingredient("oil", "10 kg")],
    )  # fmt: skip
    shop.stock.receive("oil", "60 kg", lot="O-1")
    assert str(shop.production.buildable("paint")) == "60 kg of paint can be made now; limited by oil"


def test_each_need_is_told_for_itself_and_what_comes_from_stock_only_says_so():
    shop = paint_shop(BatchSize(max="50 kg", splits="never"))
    order = shop.orders.place(customer="Ben", lines=[OrderLine("paint", "60 kg"), OrderLine("paint", "70 kg")])
    assert shop.orders.promise(order).problem == (
        "no recipe of paint is for 60 kg (paint: made in one batch of at most 50 kg, never split); "
        "no recipe of paint is for 70 kg (paint: made in one batch of at most 50 kg, never split)"
    )
    shop = paint_shop(
        BatchSize(max="50 kg"), Item("starter", unit="kg"), Recipe("starter", makes="1 kg", lead_time="1 day"),
        ingredients=[Ingredient("starter", "1 kg", from_stock=True)],
    )  # fmt: skip
    order = wanted(shop, "10 kg")
    assert shop.orders.promise(order).problem == "starter is to come from stock, and is not there"
    (message,) = shop.planning.plan().messages()
    assert message.text == "starter is to come from stock, and is not there"


def test_what_cannot_be_filled_up_says_why():
    shop = paint_shop(BatchSize(max="50 kg", splits="never"))
    keep = {"paint": ("20 kg", "100 kg")}
    why = "no recipe of paint is for 100 kg (paint: made in one batch of at most 50 kg, never split)"
    assert [row.problem for row in shop.planning.propose(keep=keep).low] == [why]
    assert [str(one) for one in shop.planning.plan(keep=keep).messages()] == [f"not planned: stock (paint), {why}"]
