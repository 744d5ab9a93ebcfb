"""The decision of an import: any order of any messages of one order ends in the same state, and nothing is lost on the way."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import permutations

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from krafte_core import qty
from krafte_core.channels.matching import Match, Matching
from krafte_core.errors import InvalidInput
from krafte_core.incoming import Goods, MessageLine, Notice, OrderMessage, learned, picture
from krafte_core.intake import CANCEL, CHANGE, NOTHING, PLACE, WAIT, decide, line_ref, split_ref

START = datetime(2026, 11, 23, tzinfo=UTC)
SOAP = (Goods("soap"),)


def line(name="1", quantity=3, **more):
    return MessageLine(line_id=name, quantity=Decimal(quantity), **{"goods": SOAP, **more})


def order(*lines, minutes=0, **more):
    version = START + timedelta(minutes=minutes)
    return OrderMessage(channel="etsy", account="1", order_id="7", version=version, currency="EUR", lines=lines, **more)


def told(*messages, left=None):
    stored, steps = None, []
    for message in messages:
        steps.append(decide(stored, message, left))
        stored = steps[-1].imported
        if steps[-1].action == PLACE:
            stored = attrs.evolve(stored, order="CO-1")
    return steps


def amounts(intake):
    return {row.ref: str(row.amount) for row in intake.lines}


counts = st.integers(0, 6).map(Decimal)
lines = st.builds(
    MessageLine, line_id=st.sampled_from("123"), quantity=counts, removed=st.none() | counts, fulfilled=st.none() | counts,
    open=st.none() | counts, sku=st.none() | st.just("A"),
).map(lambda row: attrs.evolve(row, goods=SOAP if row.sku else ()))  # fmt: skip
messages = st.builds(
    OrderMessage, channel=st.just("etsy"), account=st.just("1"), order_id=st.just("7"), partial=st.booleans(),
    version=st.none() | st.integers(0, 4).map(lambda minutes: START + timedelta(minutes=minutes)), revision=st.integers(0, 2),
    cancelled=st.booleans(), importable=st.booleans(), hold=st.booleans(),
    lines=st.lists(lines, max_size=3, unique_by=lambda row: row.line_id).map(tuple),
)  # fmt: skip


@given(st.lists(messages, min_size=1, max_size=6), st.randoms(use_true_random=False))
def test_any_order_of_any_messages_of_one_order_ends_in_the_same_state(some, chance):
    again = [*some, *chance.choices(some, k=3)]  # some come more than once
    chance.shuffle(again)
    first, second = told(*some)[-1], told(*again)[-1]

    assert first.imported.messages == second.imported.messages
    assert first.lines == second.lines
    assert first.unmatched == second.unmatched
    assert first.hold == second.hold


@given(st.lists(messages, min_size=1, max_size=5))
def test_a_message_that_was_taken_in_changes_nothing_the_second_time(some):
    stored = told(*some)[-1].imported
    for message in stored.messages:
        assert decide(stored, message).action == NOTHING
        assert decide(stored, message).imported is stored


@given(st.lists(messages, min_size=1, max_size=4), st.integers(0, 9))
def test_no_line_falls_below_what_has_left(some, gone):
    ref = line_ref("7", "1")
    found = told(*some, left={ref: Decimal(gone)})[-1]
    named = {row.line_id for row in found.imported.known.lines if row.goods}

    if gone and "1" in named:
        assert qty({row.ref: row.amount for row in found.lines}[ref]).value >= gone


@pytest.mark.parametrize("rows", [*permutations(range(4))])
def test_a_change_that_names_one_line_leaves_the_others(rows):
    """A rule "the highest revision replaces the whole order" would lose the change of line 1."""
    record = [
        order(line("1", 100), line("2", 40), revision=0),
        order(line("1", 150, goods=()), minutes=1, revision=1, partial=True),
        order(line("2", 0, goods=()), minutes=2, revision=2, partial=True),
        order(line("1", 150, goods=()), minutes=1, revision=1, partial=True),
    ]
    found = told(*[record[place] for place in rows])[-1]

    assert amounts(found) == {"7:1": "150 each"}
    assert [str(row.removed) for row in found.imported.known.lines] == ["None", "40"]


def test_a_change_before_its_order_waits():
    found = told(order(line("1", 5), partial=True))[-1]

    assert found.action == WAIT
    assert found.imported.known.missing == ("original",)


def test_the_life_of_an_order():
    placed, edited, stale, cancelled = told(
        order(line(), line("2", 1, goods=(), sku="GIFT")),
        order(line(removed=Decimal(1)), line("2", 1, goods=(), sku="GIFT"), minutes=5),
        order(line(), minutes=1),
        order(line(removed=Decimal(3)), minutes=9, cancelled=True),
    )

    assert (placed.action, amounts(placed), [row.sku for row in placed.unmatched]) == (PLACE, {"7:1": "3 each"}, ["GIFT"])
    assert (edited.action, amounts(edited)) == (CHANGE, {"7:1": "2 each"})
    assert [(change.kind, change.before, change.after) for change in edited.changes] == [("line lowered", "3", "2")]
    assert (stale.action, stale.changed) == (NOTHING, False)
    assert (cancelled.action, cancelled.lines) == (CANCEL, ())


@pytest.mark.parametrize(
    "more",
    [{"importable": False}, {"by_merchant": False}, {"missing": ("items",)}, {"cancelled": True}],
    ids=lambda more: next(iter(more)),
)
def test_what_may_not_make_demand_is_known_and_waits(more):
    assert told(order(line(), **more))[-1].action == WAIT


def test_a_paid_order_that_waited_is_placed():
    waiting, paid = told(order(line(), importable=False), order(line(), minutes=1))

    assert (waiting.action, paid.action) == (WAIT, PLACE)


def test_a_placed_order_that_the_channel_takes_back_for_a_while_is_held_and_not_cancelled():
    for more in ({"importable": False}, {"missing": ("shipping_fulfillments",)}):
        found = told(order(line()), order(line(), minutes=1, **more))[-1]
        assert found.action == WAIT
        assert found.hold


def test_a_mended_mapping_takes_effect_with_the_same_message():
    unmatched, mended = told(order(line(goods=())), order(line()))

    assert (unmatched.action, mended.action, amounts(mended)) == (WAIT, PLACE, {"7:1": "3 each"})


def test_discount_and_tax_of_a_whole_line_are_not_spread_over_a_part():
    given = line(unit_price=Decimal(6), discount=Decimal("1.50"), tax=Decimal("0.99"))
    (whole,) = told(order(given))[-1].lines
    (part,) = told(order(attrs.evolve(given, removed=Decimal(1))))[-1].lines

    assert (str(whole.discount), str(whole.tax)) == ("1.50 EUR", "0.99 EUR")
    assert (part.discount, part.tax, dict(part.attributes)["discount"]) == (None, None, "1.50")


def test_what_others_have_sent_makes_no_demand_and_what_we_have_sent_stays():
    half_gone = order(line(quantity=5, fulfilled=Decimal(2), open=Decimal(3)))

    assert amounts(told(half_gone)[-1]) == {"7:1": "3 each"}
    assert amounts(told(half_gone, left={"7:1": Decimal(2)})[-1]) == {"7:1": "5 each"}
    not_told_yet = order(line(quantity=5, fulfilled=Decimal(0), open=Decimal(5)))
    assert amounts(told(not_told_yet, left={"7:1": Decimal(2)})[-1]) == {"7:1": "5 each"}


def test_a_line_lowered_below_what_has_left_is_a_proposal_for_a_person():
    found = told(order(line()), order(line(removed=Decimal(2)), minutes=1), left={"7:1": Decimal(2)})[-1]

    assert amounts(found) == {"7:1": "2 each"}
    assert found.proposals == ("line 1: 2 have left, the channel wants 1",)


def test_a_buyer_who_asks_to_cancel_is_a_hold_and_no_cancellation():
    found = told(order(line()), order(line(hold=True), minutes=1))[-1]

    assert (found.action, found.hold, amounts(found)) == (CHANGE, "the buyer asked to cancel", {"7:1": "3 each"})


def test_vouchers_and_the_heads_of_bundles_make_no_demand():
    found = told(order(line("1", ships=False), line("2", components=True), line("3", parent="2")))[-1]

    assert amounts(found) == {"7:3": "3 each"}
    assert found.unmatched == ()


def test_a_bundle_becomes_a_line_for_each_of_its_goods():
    goods = (Goods("soap", "2 each"), Goods("salt", "250 g"))
    found = told(order(line(quantity=2, goods=goods, personalization=(("Name", "Élodie"),), unit_price=Decimal("9.50"))))[-1]

    assert amounts(found) == {"7:1": "4 each", "7:1:1": "500 g"}
    assert {row.note for row in found.lines} == {"Name: Élodie"}


def test_the_price_is_that_of_our_unit_and_exact():
    (row,) = told(order(line(goods=(Goods("soap", "6 each"),), unit_price=Decimal("15.00"))))[-1].lines

    assert (str(row.amount), str(row.price)) == ("18 each", "2.50 EUR")


def test_a_message_of_another_order_or_without_an_order_is_refused():
    stored = told(order(line()))[-1].imported
    with pytest.raises(InvalidInput):
        decide(stored, attrs.evolve(order(line()), order_id="8"))
    with pytest.raises(InvalidInput):
        decide(None, Notice(channel="etsy", account="1", kind="fetch"))


@given(st.text(min_size=1, max_size=20), st.text(min_size=1, max_size=20))
def test_a_ref_says_its_order_and_line_whatever_their_letters(order_id, line_id):
    ref = line_ref(order_id, line_id)

    assert "/" not in ref
    assert split_ref(ref) == (order_id, line_id)


def test_lines_are_matched_by_what_tells_them_apart_and_never_by_guessing():
    matching = Matching(
        {"A": "soap", "B": {"soap": "1 each", "salt": "2 each"}},
        [
            Match("rose", sku="A", options=(("Scent", "Rose"),)),
            Match("trio", key=("product_id", "17")),
            Match("duo", key=("product_id", "17"), options=(("Size", "2"),)),
            Match("x", key=("listing_id", "1")),
            Match("y", key=("listing_id", "1")),
        ],
    )

    def goods(**given):
        return [one.item for one in matching.goods(MessageLine(line_id="1", quantity=Decimal(1), **given))]

    assert goods(sku="A") == ["soap"]
    assert goods(sku="A", options=(("Scent", "Rose"),)) == ["rose"]
    assert goods(sku="B") == ["soap", "salt"]
    assert goods(sku=" a ") == goods(sku="") == goods() == []
    assert goods(keys=(("product_id", "17"),)) == ["trio"]
    assert goods(keys=(("product_id", "17"),), options=(("Size", "2"),)) == ["duo"]
    assert goods(keys=(("listing_id", "1"),)) == []  # two rows fit equally well: nobody guesses


def test_a_dry_run_lists_every_kind_of_line_the_unmatched_first():
    rows = Matching({"A": "soap"}).dry_run([order(line(sku="A"), line("2", sku="?"), line("3", sku="A"))])

    assert [(row.sku, row.lines, [one.item for one in row.goods]) for row in rows] == [("?", 1, []), ("A", 2, ["soap"])]


def test_the_picture_of_a_full_message_is_the_message():
    message = order(line())
    assert picture(learned((), message)) == message
