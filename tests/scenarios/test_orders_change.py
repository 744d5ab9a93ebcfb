"""Days on which customers change their minds. Candles: 200 g of wax and a wick each, the melter is open from 8 to 16."""

from __future__ import annotations

from datetime import date

import pytest

from krafte_core import BatchSize, Ingredient, OrderLine, OrderStatus, Recipe, Short, qty
from krafte_core.errors import InvalidInput, LotNotUsable, NotAllowed, StaleVersion, TooMuch, Unknown
from tests.scenarios.day import candle_shop, confirmed, lost, order, reserved, rows


def stocked_shop(candles: str = "", wax: str = "20 kg"):
    shop, clock = candle_shop()
    if wax:
        shop.stock.receive("wax", wax, lot="W-1")
    shop.stock.receive("wick", "200 each", lot="K-1")
    if candles:
        shop.stock.receive("candle", candles, lot="C-1", expires="2026-06-01")
    return shop, clock


def runs(shop):
    """Every run: what it makes, and its state."""
    return [(str(run.planned), shop.production.status(run)) for run in shop.production.find()]


# changing -----------------------------------------------------------------------------------------------------------------

# In stock, ordered first, wanted instead, what becomes of the surplus -> reserved in the lot, and the runs.
CHANGES = [
    # stock       first       then        surplus   reserved     runs
    ("50 each", "30 each", "40 each", "keep", "40 each", []),
    ("50 each", "30 each", "10 each", "keep", "10 each", []),
    ("20 each", "30 each", "50 each", "keep", "20 each", [("30 each", "planned")]),  # the run of 10 grows
    ("20 each", "30 each", "25 each", "keep", "20 each", [("10 each", "planned")]),  # 5 of the run are free for others
    ("20 each", "30 each", "25 each", "reduce", "20 each", [("5 each", "planned")]),
    ("20 each", "30 each", "15 each", "keep", "15 each", [("10 each", "planned")]),  # the run goes first, then the lot
    ("20 each", "30 each", "15 each", "reduce", "15 each", [("10 each", "cancelled")]),
]


@pytest.mark.parametrize(("stock", "first", "then", "surplus", "held", "made"), CHANGES)
def test_a_changed_order_keeps_what_still_fits_and_nets_the_rest(stock, first, then, surplus, held, made):
    shop, _ = stocked_shop(stock)
    anna = confirmed(shop, "Anna", first)

    done = shop.orders.change(anna, lines=[OrderLine("candle", then)], surplus=surplus)

    assert done.order.lines[0].amount == qty(then)
    assert reserved(shop, "candle") == {"C-1": held}
    assert runs(shop) == made
    stages = shop.orders.stages(anna)["1"]
    assert stages.ready + stages.reserved == stages.ordered
    shop.verify()


def test_one_run_for_three_orders_grows_and_gives_back():
    """Ben wants 20 instead of 10; Anna cancels, and her 20 are free output of the run."""
    shop, _ = stocked_shop()
    run = shop.production.plan("candle", "60 each").production
    anna, ben, cem = (confirmed(shop, name, amount) for name, amount in [("Anna", "20 each"), ("Ben", "10 each"), ("Cem", "30 each")])

    done = shop.orders.change(ben, lines=[OrderLine("candle", "20 each")])

    assert done.resized == (run.number,)
    assert shop.production.get(run).planned == qty("70 each")
    assert {(link.order, str(link.amount)) for link in shop.orders.covered_by(run)} == {
        (anna.number, "20 each"),
        (ben.number, "20 each"),
        (cem.number, "30 each"),
    }
    shop.orders.cancel(anna)
    assert shop.stock.level("candle").incoming_free == qty("20 each")
    shop.verify()


def test_a_run_that_has_begun_is_not_resized_and_what_it_lacks_is_a_new_run():
    shop, _ = stocked_shop()
    anna = confirmed(shop, "Anna", "20 each")
    (run,) = shop.production.covering(anna)
    shop.production.start(run)

    shop.orders.change(anna, lines=[OrderLine("candle", "30 each")])

    assert runs(shop) == [("20 each", "started"), ("10 each", "planned")]
    shop.verify()


def test_a_run_does_not_grow_where_the_others_would_have_to_wait():
    """There is wax for 20 candles only; the mill delivers more in four days. Ben's run begins today as it was."""
    shop, _ = stocked_shop(wax="4 kg")
    ben = confirmed(shop, "Ben", "20 each")

    done = shop.orders.change(ben, lines=[OrderLine("candle", "25 each")])

    assert runs(shop) == [("20 each", "planned"), ("5 each", "planned")]
    assert [(one.item, str(one.missing)) for one in done.shortages] == [("wax", "1 kg")]
    assert done.promised == date(2026, 3, 6)
    shop.verify()


def test_a_run_does_not_grow_beyond_what_a_day_holds():
    shop, _ = stocked_shop(wax="40 kg")
    ben = confirmed(shop, "Ben", "60 each")  # six hours

    shop.orders.change(ben, lines=[OrderLine("candle", "90 each")])

    assert runs(shop) == [("60 each", "planned"), ("30 each", "planned")]
    shop.verify()


def test_a_batch_rule_is_kept_when_a_run_grows():
    shop, _ = stocked_shop()
    shop.register(Recipe("candle", makes="10 each", ingredients=[Ingredient("wax", "2 kg")], batch=BatchSize(max="30 each")))
    anna = confirmed(shop, "Anna", "20 each")

    shop.orders.change(anna, lines=[OrderLine("candle", "30 each")])
    assert runs(shop) == [("30 each", "planned")]
    shop.orders.change(anna, lines=[OrderLine("candle", "35 each")])
    assert runs(shop) == [("30 each", "planned"), ("5 each", "planned")]
    shop.verify()


def test_lesson_26_a_smaller_run_gives_back_what_it_held_on_all_levels():
    shop, _ = stocked_shop()
    anna = confirmed(shop, "Anna", "40 each")
    assert reserved(shop, "wax") == {"W-1": "8 kg"}

    shop.orders.change(anna, lines=[OrderLine("candle", "10 each")], surplus="reduce")

    assert reserved(shop, "wax") == {"W-1": "2 kg"}
    assert reserved(shop, "wick") == {"K-1": "10 each"}
    shop.orders.cancel(anna, surplus="reduce")
    assert reserved(shop, "wax") == reserved(shop, "wick") == {}
    assert runs(shop) == [("10 each", "cancelled")]
    shop.verify()


def test_lesson_59_a_line_of_3_that_becomes_10_after_a_cancelled_run_is_made_as_10():
    shop, _ = stocked_shop()
    anna = confirmed(shop, "Anna", "3 each")
    (run,) = shop.production.covering(anna)
    shop.production.cancel(run)

    shop.orders.change(anna, lines=[OrderLine("candle", "10 each")])

    assert runs(shop) == [("3 each", "cancelled"), ("10 each", "planned")]
    shop.verify()


def test_lines_are_matched_by_ref_then_by_item_and_keep_what_is_not_said():
    shop, _ = stocked_shop("50 each")
    lines = [OrderLine("candle", "5 each", price="4.50 EUR", note="red", ref="a"), OrderLine("wax", "1 kg", price="9 EUR")]
    anna = shop.orders.place(customer="Anna", lines=lines)

    wanted = [OrderLine("wick", "3 each"), OrderLine("wax", "2 kg"), OrderLine("candle", "6 each")]
    changed = shop.orders.change(anna, lines=wanted).order

    assert [(line.ref, line.item, str(line.amount), str(line.price), line.note) for line in changed.lines] == [
        ("a", "candle", "6 each", "4.50 EUR", "red"),
        ("2", "wax", "2 kg", "9.00 EUR", ""),
        ("3", "wick", "3 each", "None", ""),
    ]
    wanted = [OrderLine("candle", "6 each"), OrderLine("candle", "4 each", ref="b")]
    changed = shop.orders.change(anna, lines=wanted, if_version=2).order
    assert [(line.ref, str(line.amount)) for line in changed.lines] == [("a", "6 each"), ("b", "4 each")]
    with pytest.raises(InvalidInput) as two:
        shop.orders.change(anna, lines=[OrderLine("candle", "9 each")])
    assert "a, b" in str(two.value)
    assert changed.version == 3


def test_a_date_and_an_address_change_and_the_diary_says_what():
    shop, _ = stocked_shop("50 each")
    anna = confirmed(shop, "Anna", "5 each", requested="2026-03-10")

    shop.orders.change(anna, requested="2026-03-20", notes="ring twice")

    entry = shop.orders.history(anna)[-1]
    assert entry.step == "change"
    assert dict(entry.details)["requested"] == "2026-03-10 -> 2026-03-20"
    assert shop.orders.get(anna).notes == "ring twice"
    shop.orders.change(anna, requested=None)
    assert shop.orders.get(anna).requested is None


def test_a_later_date_lets_go_of_lots_that_will_not_be_good_by_then():
    shop, _ = stocked_shop("50 each")  # good until 1 June
    anna = confirmed(shop, "Anna", "5 each")

    shop.orders.change(anna, requested="2026-07-01")

    assert reserved(shop, "candle") == {}
    assert runs(shop) == [("5 each", "planned")]
    shop.verify()


def test_what_was_shipped_is_the_least_that_can_be_wanted():
    shop, _ = stocked_shop("50 each")
    anna = confirmed(shop, "Anna", "20 each")
    shop.shipping.ship(anna, amounts={"candle": "8 each"})

    for wanted in ([OrderLine("candle", "7 each")], [OrderLine("wick", "7 each")]):
        with pytest.raises(InvalidInput) as refused:
            shop.orders.change(anna, lines=wanted)
        assert "8" in str(refused.value)

    shop.orders.change(anna, lines=[OrderLine("candle", "8 each")])
    assert shop.orders.status(anna) is OrderStatus.SHIPPED
    shop.orders.change(anna, lines=[OrderLine("candle", "10 each")])
    assert [row.order for row in shop.orders.board().rows] == [anna.number]  # open again
    assert reserved(shop, "candle") == {"C-1": "2 each"}
    shop.verify()


def test_a_version_that_moved_on_is_told():
    shop, _ = stocked_shop()
    anna = order(shop, "Anna", "5 each")
    shop.orders.change(anna, lines=[OrderLine("candle", "6 each")], if_version=1)
    with pytest.raises(StaleVersion) as stale:
        shop.orders.change(anna, lines=[OrderLine("candle", "7 each")], if_version=1)
    assert (stale.value.given, stale.value.current) == (1, 2)


# wrong states -------------------------------------------------------------------------------------------------------------


def in_state(state):
    shop, _ = stocked_shop("50 each")
    anna = order(shop, "Anna", "10 each")
    if state == "quoted":
        shop.orders.quote(anna, until="2026-03-05 08:00")
    elif state == "cancelled":
        shop.orders.cancel(anna)
    elif state != "placed":
        shop.orders.confirm(anna)
    if state in ("partly shipped", "closed"):
        shop.shipping.ship(anna, amounts={"candle": "4 each"})
    if state == "shipped":
        shop.shipping.ship(anna)
    if state == "closed":
        shop.orders.close(anna)
    if state == "merged":
        shop.orders.merge(confirmed(shop, "Anna", "1 each"), [anna])
    return shop, anna


COMMANDS = {
    "change": lambda shop, anna: shop.orders.change(anna, lines=[OrderLine("candle", "12 each")]),
    "split": lambda shop, anna: shop.orders.split(anna, {"candle": "2 each"}),
    "cancel": lambda shop, anna: shop.orders.cancel(anna),
    "close": lambda shop, anna: shop.orders.close(anna),
    "reopen": lambda shop, anna: shop.orders.reopen(anna),
    "pick": lambda shop, anna: shop.orders.pick(anna),
    "free": lambda shop, anna: shop.orders.free(anna, "candle", "1 each"),
    "merge": lambda shop, anna: shop.orders.merge(anna, [order(shop, "Anna", "1 each")]),
    "repeat": lambda shop, anna: shop.orders.repeat(anna),
}
# A cross is taken; anything else is the refusal, with something that is possible instead (a dash where nothing is).
WHAT_MAY_BE_DONE = """
                 change    split     cancel         close    reopen   pick      free     merge     repeat
placed           x         x         x              confirm  confirm  confirm   confirm  x         x
quoted           withdraw  withdraw  x              confirm  confirm  confirm   confirm  withdraw  x
confirmed        x         x         x              cancel   cancel   x         x        x         x
partly shipped   x         x         close          x        close    x         x        x         x
shipped          x         TooMuch   receive_return x        close    allocate  TooMuch  x         x
closed           reopen    reopen    reopen         reopen   x        reopen    reopen   reopen    x
cancelled        reopen    reopen    reopen         reopen   x        reopen    reopen   reopen    x
merged           -         -         -              -        -        -         -        -         x
"""
ROWS = [(line[:17].strip(), line[17:].split()) for line in WHAT_MAY_BE_DONE.splitlines()[2:]]


@pytest.mark.parametrize(("state", "answers"), ROWS, ids=[state for state, _ in ROWS])
def test_every_command_in_every_state(state, answers):
    for (name, command), said in zip(COMMANDS.items(), answers, strict=True):
        shop, anna = in_state(state)
        if said == "x":
            command(shop, anna)
            shop.verify()
        elif said == "TooMuch":
            with pytest.raises(TooMuch):
                command(shop, anna)
        else:
            with pytest.raises(NotAllowed) as refused:
                command(shop, anna)
            assert said == "-" or said in " ".join(refused.value.allowed), (name, refused.value)


def test_another_workshops_numbers_are_unknown():
    shop, _ = stocked_shop()
    for command in COMMANDS.values():
        with pytest.raises(Unknown):
            command(shop, "CO-1999-01-001")


# cancel, close, reopen ----------------------------------------------------------------------------------------------------


def test_the_rest_of_an_order_is_closed_short_and_may_be_wanted_again():
    shop, _ = stocked_shop("50 each")
    anna = confirmed(shop, "Anna", "20 each")
    sent = shop.shipping.ship(anna, amounts={"candle": "8 each"})

    closed = shop.orders.close(anna, reason="out of season")

    assert {ref: str(left) for ref, left in closed.waived.items()} == {"1": "12 each"}
    assert reserved(shop, "candle") == {}
    assert shop.orders.status(anna) is OrderStatus.SHIPPED  # what was shipped counts as all of it
    shop.shipping.deliver(sent)
    assert shop.orders.status(anna) is OrderStatus.DELIVERED
    assert shop.orders.board().rows == ()
    shop.orders.reopen(anna)
    assert shop.orders.status(anna) is OrderStatus.PARTLY_SHIPPED
    shop.orders.confirm(anna)
    assert reserved(shop, "candle") == {"C-1": "12 each"}
    shop.verify()


def test_lesson_56_a_cancelled_order_is_wanted_again_and_goes_all_the_way():
    shop, _ = stocked_shop("50 each")
    anna = confirmed(shop, "Anna", "20 each")
    shop.orders.pick(anna)
    shop.orders.cancel(anna)
    assert reserved(shop, "candle") == {}

    shop.orders.reopen(anna)
    assert shop.orders.status(anna) is OrderStatus.RECEIVED
    shop.orders.confirm(anna)
    shop.shipping.ship(anna)
    assert shop.orders.status(anna) is OrderStatus.SHIPPED
    shop.verify()


def test_lesson_58_cancelling_says_which_runs_lost_their_reason_and_may_take_them_back():
    shop, _ = stocked_shop()
    anna, ben = confirmed(shop, "Anna", "20 each"), confirmed(shop, "Ben", "10 each")
    first, second = (shop.production.covering(one)[0] for one in (anna, ben))

    kept = shop.orders.cancel(anna)
    taken = shop.orders.cancel(ben, surplus="reduce")

    assert (kept.freed, kept.reduced) == ((first.number,), ())
    assert (taken.freed, taken.reduced) == ((second.number,), (second.number,))
    assert shop.stock.level("candle").incoming_free == qty("20 each")
    assert reserved(shop, "wax") == {"W-1": "4 kg"}
    shop.verify()


# in two and together ------------------------------------------------------------------------------------------------------


def test_a_part_of_an_order_goes_on_alone_with_its_share():
    shop, _ = stocked_shop("12 each")
    anna = confirmed(shop, "Anna", "20 each", requested="2026-03-12")

    part = shop.orders.split(anna, {"candle": "5 each"})

    assert [str(shop.orders.get(one).lines[0].amount) for one in (anna, part)] == ["15 each", "5 each"]
    assert part.requested == date(2026, 3, 12)
    mine, theirs = shop.orders.stages(anna)["1"], shop.orders.stages(part)["1"]
    assert (mine.ready, mine.reserved, theirs.ready, theirs.reserved) == (9, 6, 3, 2)  # a quarter of each
    assert [entry.step for entry in shop.orders.history(part)] == ["place", "confirm"]
    back = shop.orders.merge(anna, [part])
    assert [str(line.amount) for line in back.order.lines] == ["15 each", "5 each"]
    assert shop.orders.status(part) is OrderStatus.MERGED
    assert reserved(shop, "candle") == {"C-1": "12 each"}
    shop.verify()


# What is asked of which part of 20 candles, 8 of them shipped -> what is wrong with it.
BAD_SPLITS = [
    ({"candle": "13 each"}, TooMuch),
    ({"wax": "1 kg"}, InvalidInput),
    ({"candle": "0 each"}, InvalidInput),
    ({"1": "1 each", "candle": "1 each"}, InvalidInput),
    ({}, InvalidInput),
    ("candle", InvalidInput),
]


@pytest.mark.parametrize(("amounts", "wrong"), BAD_SPLITS)
def test_only_what_is_open_can_go_on_alone(amounts, wrong):
    shop, _ = stocked_shop("50 each")
    anna = confirmed(shop, "Anna", "20 each")
    shop.shipping.ship(anna, amounts={"candle": "8 each"})
    with pytest.raises(wrong):
        shop.orders.split(anna, amounts)


def test_the_whole_of_an_order_is_no_part_of_it():
    shop, _ = stocked_shop()
    with pytest.raises(InvalidInput):
        shop.orders.split(order(shop, "Anna", "20 each"), {"candle": "20 each"})


def test_only_orders_that_agree_become_one():
    shop, _ = stocked_shop("50 each")
    anna = order(shop, "Anna", "5 each")
    others = [
        (order(shop, "Ben", "5 each"), "customer"),
        (order(shop, "Anna", "5 each", shipping="parcel"), "shipping"),
        (order(shop, "Anna", "5 each", discount="5 %"), "discount"),
    ]
    for other, field in others:
        with pytest.raises(InvalidInput) as refused:
            shop.orders.merge(anna, [other])
        assert refused.value.field == field
    with pytest.raises(NotAllowed) as denied:
        shop.orders.merge(anna, [confirmed(shop, "Anna", "5 each")])
    assert "confirm" in denied.value.allowed
    for wrong in ([], [anna], "CO-1"):
        with pytest.raises(InvalidInput):
            shop.orders.merge(anna, wrong)


def test_the_same_again():
    shop, _ = stocked_shop("50 each")
    line = OrderLine("candle", "1 dozen", price="4.50 EUR", tax="8.62 EUR")
    anna = shop.orders.place(customer="Anna", lines=[line], notes="as always")
    shop.orders.cancel(anna)

    again = shop.orders.repeat(anna, requested="2026-04-01")
    more = shop.orders.repeat(anna, amounts={"candle": "2 dozen"})

    assert again.number != anna.number
    assert (again.notes, again.requested, again.total, again.version) == ("as always", date(2026, 4, 1), anna.total, 1)
    assert (str(more.total), more.lines[0].tax) == ("108.00 EUR", None)
    assert shop.orders.status(again) is OrderStatus.RECEIVED


# lots by hand -------------------------------------------------------------------------------------------------------------


def two_lots():
    shop, clock = stocked_shop(wax="")
    shop.stock.receive("candle", "10 each", lot="OLD", expires="2026-04-01")
    shop.stock.receive("candle", "10 each", lot="NEW", expires="2026-09-01")
    return shop, clock


def test_a_lot_is_reserved_by_hand_and_given_back():
    shop, _ = two_lots()
    anna = order(shop, "Anna", "8 each")
    shop.orders.confirm(anna)
    assert reserved(shop, "candle") == {"OLD": "8 each"}

    shop.orders.free(anna, "candle", "5 each")
    done = shop.orders.allocate(anna, "candle", "5 each", lot="NEW")

    assert {(one.lot, str(one.amount)) for one in done.lots} == {("OLD", "3 each"), ("NEW", "5 each")}
    with pytest.raises(TooMuch):
        shop.orders.allocate(anna, "candle", "1 each", lot="NEW")
    with pytest.raises(TooMuch):
        shop.orders.free(anna, "candle", "9 each")
    with pytest.raises(InvalidInput):
        shop.orders.free(anna, amount="1 each")
    shop.verify()


def test_a_lot_takes_the_place_of_a_run_that_is_only_planned():
    shop, _ = stocked_shop()
    anna = confirmed(shop, "Anna", "8 each")
    (run,) = shop.production.covering(anna)
    shop.stock.receive("candle", "5 each", lot="C-9")

    done = shop.orders.allocate(anna, "candle", "5 each")

    assert done.freed == (run.number,)
    assert shop.stock.level("candle").incoming_free == qty("5 each")
    assert shop.orders.stages(anna)["1"].ready == 5
    shop.verify()


def test_a_lot_that_may_not_be_used_is_refused_with_those_that_may():
    shop, _ = two_lots()
    shop.stock.hold("candle", lot="OLD")
    anna = order(shop, "Anna", "8 each")
    shop.orders.confirm(anna, make=False)
    shop.orders.free(anna)
    with pytest.raises(LotNotUsable) as refused:
        shop.orders.allocate(anna, "candle", lot="OLD")
    assert refused.value.choices == ("NEW",)
    with pytest.raises(Short):
        shop.orders.allocate(anna, "candle", "8 each", place="quarantine")


# Who wants how much of 10 candles, with which priority; then Zoe forces 6: who loses.
FORCE = [
    ([("Anna", "4 each", 0), ("Ben", "4 each", 0)], [("Ben", "4 each")]),  # the youngest first; 2 were free
    ([("Anna", "4 each", 0), ("Ben", "4 each", 9)], [("Anna", "4 each")]),  # the least urgent first
    ([("Anna", "3 each", 0), ("Ben", "7 each", 0)], [("Ben", "6 each")]),
    ([("Anna", "4 each", 0)], []),
]


@pytest.mark.parametrize(("others", "losers"), FORCE)
def test_force_takes_from_the_least_urgent_and_names_them(others, losers):
    shop, _ = stocked_shop("10 each", wax="")
    names = {}
    for name, amount, priority in others:
        rival = order(shop, name, amount, priority=priority)
        shop.orders.confirm(rival, make=False)
        names[rival.number] = name
    zoe = order(shop, "Zoe", "6 each", priority=-5)

    done = shop.orders.confirm(zoe, make=False, force=True)

    assert [(names[number], amount) for number, amount in lost(done.displaced)] == losers
    assert shop.orders.status(zoe) is OrderStatus.READY_TO_SHIP
    shop.verify()


def test_what_is_picked_is_nobodys_to_take():
    shop, _ = stocked_shop("10 each", wax="")
    anna, zoe = order(shop, "Anna", "8 each"), order(shop, "Zoe", "6 each")
    for one in (anna, zoe):
        shop.orders.confirm(one, make=False)
    shop.orders.pick(anna)

    with pytest.raises(Short):
        shop.orders.allocate(zoe, "candle", force=True)
    with pytest.raises(NotAllowed) as refused:
        shop.orders.free(anna)
    assert refused.value.allowed == ("unpick",)
    shop.orders.unpick(anna)
    assert lost(shop.orders.allocate(zoe, "candle", force=True).displaced) == [(anna.number, "4 each")]
    shop.verify()


def test_lots_that_are_not_picked_are_exchanged_by_the_rule():
    shop, _ = stocked_shop(wax="")
    shop.stock.receive("candle", "10 each", lot="NEW", expires="2026-09-01")
    anna, ben = order(shop, "Anna", "6 each"), order(shop, "Ben", "4 each")
    for one in (anna, ben):
        shop.orders.confirm(one, make=False)
    shop.orders.pick(ben)
    shop.stock.receive("candle", "8 each", lot="OLD", expires="2026-04-01")

    assert [(one.lot, str(one.amount)) for one in shop.orders.swap(anna).lots] == [("OLD", "6 each")]
    assert [(one.lot, one.picked) for one in shop.orders.swap(ben).lots] == [("NEW", True)]
    shop.stock.hold("candle", lot="OLD")
    assert [(one.lot, str(one.amount)) for one in shop.orders.swap(anna).lots] == [("NEW", "6 each")]  # a good one for a blocked one
    assert shop.orders.swap(anna).events == ()
    shop.verify()


def test_complete_or_not_at_all():
    shop, _ = stocked_shop("10 each", wax="")
    anna = order(shop, "Anna", "12 each", delivery="complete")
    shop.orders.confirm(anna, make=False)

    with pytest.raises(Short) as refused:
        shop.shipping.ship(anna)
    assert [str(one.missing) for one in refused.value.shortages] == ["2 each"]
    shop.stock.receive("candle", "2 each", lot="C-2")
    shop.orders.confirm(anna, make=False)
    shop.shipping.ship(anna)
    assert shop.orders.status(anna) is OrderStatus.SHIPPED


def test_a_sample_costs_nothing_and_needs_its_stock():
    shop, _ = stocked_shop("10 each")
    lines = [OrderLine("candle", "5 each", price="4.50 EUR"), OrderLine("candle", "1 each", price="4.50 EUR", sample=True)]
    anna = shop.orders.place(customer="Anna", lines=lines)
    shop.orders.confirm(anna)
    assert str(anna.total) == "22.50 EUR"
    assert reserved(shop, "candle") == {"C-1": "6 each"}


# the board ----------------------------------------------------------------------------------------------------------------


def test_the_board_says_what_is_wrong_and_what_to_do():
    shop, clock = stocked_shop("10 each", wax="4 kg")
    new = order(shop, "Nora", "1 each")
    ready = confirmed(shop, "Rita", "2 each")
    blocked = confirmed(shop, "Bob", "8 each")
    planned = confirmed(shop, "Paul", "20 each")
    short = confirmed(shop, "Sven", "5 each", requested="2026-04-01")
    shop.stock.receive("candle", "3 each", lot="X", expires="2026-03-03")
    held = shop.orders.split(blocked, {"candle": "3 each"})
    shop.orders.free(held)
    shop.orders.allocate(held, "candle", lot="X")
    clock.set("2026-03-04 09:00")

    board = shop.orders.board()

    assert {row.order: (row.kind, row.action) for row in board.rows} == {
        held.number: ("late", "decide about the lot, or swap"),
        ready.number: ("late", "ship"),
        blocked.number: ("late", "ship"),
        planned.number: ("late", "start " + shop.production.covering(planned)[0].number),
        short.number: ("late", "buy wax"),
        new.number: ("new", "confirm"),
    }
    assert {row.order for row in shop.orders.late()} == {row.order for row in board.rows if row.kind == "late"}
    german = rows(str(shop.orders.board(language="de")))
    assert {row["Auftrag"]: row["was"] for row in german}[new.number] == "neu"
    with pytest.raises(InvalidInput):
        shop.orders.board(language="fr")


def test_the_board_of_a_good_morning():
    shop, _ = stocked_shop("10 each", wax="4 kg")
    ready, planned = confirmed(shop, "Rita", "2 each"), confirmed(shop, "Paul", "28 each")
    waiting = confirmed(shop, "Wim", "5 each", requested="2026-04-01")

    kinds = {row.order: (row.kind, row.reason, row.action) for row in shop.orders.board().rows}

    run = shop.production.covering(planned)[0]
    assert kinds[ready.number] == ("ready", "2 each of 2 each candle", "ship")
    assert kinds[planned.number] == ("ready in part", "8 each of 28 each candle", "ship")
    assert kinds[waiting.number] == ("short", "1 kg wax missing", "buy wax")
    shop.production.start(run)
    shop.shipping.ship(planned)
    now = {row.order: (row.kind, row.action) for row in shop.orders.board().rows}
    assert now[planned.number] == ("making", f"complete {run.number}")


def test_where_is_my_order_in_two_languages():
    shop, clock = stocked_shop(wax="4 kg")
    anna = order(shop, "Anna", "10 each", shipping="parcel")
    clock.set("2026-03-02 09:00")
    shop.orders.confirm(anna)
    clock.set("2026-03-02 10:00")
    shop.orders.change(anna, lines=[OrderLine("candle", "12 each")])
    (run,) = shop.production.covering(anna)
    shop.production.start(run)
    clock.set("2026-03-02 12:00")
    shop.production.complete(run, made="12 each", lot="C-1")
    clock.set("2026-03-03 08:00")
    sent = shop.shipping.ship(anna, carrier="DHL", tracking="0034")
    clock.set("2026-03-05 08:00")
    shop.shipping.deliver(sent)

    assert str(shop.orders.timeline(anna)).splitlines() == [
        "2026-03-02 08:00  We received your order.",
        "2026-03-02 09:00  We confirmed your order. We promised it for 4 March 2026.",
        "2026-03-02 10:00  Your order was changed: 10 × candle → 12 × candle. We promised it for 4 March 2026.",
        "2026-03-02 10:00  We began to make candle.",
        "2026-03-02 12:00  candle was finished.",
        "2026-03-03 08:00  12 × candle left our house with DHL, tracking number 0034.",
        "2026-03-05 08:00  12 × candle arrived.",
        "2026-03-05 08:00  Now: delivered.",
    ]
    german = str(shop.orders.timeline(anna, language="de")).splitlines()
    assert german[1] == "2026-03-02 09:00  Wir haben Ihren Auftrag bestätigt. Zugesagt ist der 4. März 2026."
    assert german[5] == "2026-03-03 08:00  12 × candle hat unser Haus verlassen mit DHL, Sendungsnummer 0034."
    assert german[-1] == "2026-03-05 08:00  Stand: zugestellt."


def test_the_diary_and_the_books_agree_on_every_event():
    shop, _ = stocked_shop("50 each")
    heard = []
    shop.subscribe("mail", heard.append, since="now")
    anna = confirmed(shop, "Anna", "20 each")
    shop.orders.change(anna, lines=[OrderLine("candle", "22 each")])
    part = shop.orders.split(anna, {"candle": "2 each"})
    shop.orders.merge(anna, [part])
    shop.orders.pick(anna)
    shop.shipping.ship(anna, amounts={"1": "10 each"})
    shop.orders.close(anna)
    shop.orders.reopen(anna)
    shop.deliver_events()

    assert [type(event).__name__ for event in heard] == [
        "OrderPlaced", "OrderConfirmed", "OrderChanged", "OrderSplit", "OrderMerged", "OrderPicked", "OrderShipped", "OrderClosed",
        "OrderReopened",
    ]  # fmt: skip
    assert heard[2].changes == (("line 1", "20 each candle -> 22 each candle"),)
    assert [(item, str(amount)) for item, amount in heard[7].waived] == [("candle", "10 each"), ("candle", "2 each")]
