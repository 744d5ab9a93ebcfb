"""Bad input for runs: each item gives the right code, says what is possible, and changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from krafte_core import KrafteError, Workshop
from tests.shop.test_bad_input import NO_AMOUNT, NO_NOTE, dump, refused, workshop

RUN = "PB-2026-11-001"
"""Twenty creams for Anna, planned: two kilograms of oil and twenty jars."""


def begun() -> Workshop:
    """The run has begun, and five creams of it are reported."""
    shop = workshop()
    shop.production.start(RUN)
    shop.production.report(RUN, made="5 each", lot="C-1")
    return shop


def over() -> Workshop:
    """The run is done."""
    shop = begun()
    shop.production.complete(RUN, made="15 each", lot="C-2")
    return shop


def refused_at_work(attempt: Callable[[Workshop], object], *codes: str, shop: Workshop | None = None) -> Any:
    """The refusal, after which nothing is different."""
    shop = shop or begun()
    before = dump(shop)
    with pytest.raises(KrafteError) as caught:
        attempt(shop)
    assert caught.value.code in codes, caught.value
    assert dump(shop) == before
    assert len(str(caught.value)) < 2000
    shop.verify()
    return caught.value


AMOUNTS: dict[str, Callable[[Workshop, Any], object]] = {
    "change": lambda shop, amount: shop.production.change("PB-2026-11-002", amount),
    "split": lambda shop, amount: shop.production.split("PB-2026-11-002", amount),
    "issue": lambda shop, amount: shop.production.issue(RUN, "oil", amount),
    "give back": lambda shop, amount: shop.production.give_back(RUN, "oil", amount),
    "scrap": lambda shop, amount: shop.production.scrap(RUN, "oil", amount, reason="spilt"),
    "report": lambda shop, amount: shop.production.report(RUN, made=amount),
    "report scrapped": lambda shop, amount: shop.production.report(RUN, made="1 each", scrapped=amount),
    "report used": lambda shop, amount: shop.production.report(RUN, made="1 each", used={"oil": amount}),
    "by-product": lambda shop, amount: shop.production.report(RUN, made="1 each", by_products={"lye": amount}),
    "by-product of a lot": lambda shop, amount: shop.production.report(RUN, made="1 each", by_products={"lye": {"N": amount}}),
    "reverse": lambda shop, amount: shop.production.reverse(RUN, amount, force=True),
}
MAY_BE_NOTHING = {"report scrapped", "report used", "reverse"}


@pytest.mark.parametrize(
    ("where", "what"),
    [(where, what) for where in AMOUNTS for what in sorted(NO_AMOUNT) if what != "none" or where not in MAY_BE_NOTHING],
)
def test_what_is_no_amount_is_refused_by_every_command(where, what):
    amount, codes = NO_AMOUNT[what]
    shop = begun()
    shop.production.plan("cream", "9 each")
    refused_at_work(lambda shop: AMOUNTS[where](shop, amount), *codes, "invalid_input", "unit_mismatch", shop=shop)


REASONS: dict[str, Callable[[Workshop, Any], object]] = {
    "change": lambda shop, text: shop.production.change(RUN, "30 each", reason=text),
    "reschedule": lambda shop, text: shop.production.reschedule(RUN, "2026-11-25 08:00", reason=text),
    "release": lambda shop, text: shop.production.release(RUN, reason=text),
    "issue": lambda shop, text: shop.production.issue(RUN, "oil", "1 kg", reason=text),
    "give back": lambda shop, text: shop.production.give_back(RUN, "oil", "1 kg", reason=text),
    "scrap": lambda shop, text: shop.production.scrap(RUN, "oil", "1 kg", reason=text),
    "report": lambda shop, text: shop.production.report(RUN, made="1 each", reason=text),
    "complete": lambda shop, text: shop.production.complete(RUN, made="1 each", reason=text),
    "stop": lambda shop, text: shop.production.stop(RUN, reason=text),
    "use": lambda shop, text: shop.production.use(RUN, "oil", "1 kg", reason=text),
    "reverse": lambda shop, text: shop.production.reverse(RUN, reason=text),
    "close": lambda shop, text: shop.production.close(RUN, reason=text),
}


@pytest.mark.parametrize("what", NO_NOTE)
@pytest.mark.parametrize("where", REASONS)
def test_a_reason_that_is_no_text_is_refused(where, what):
    text: Any = NO_NOTE[what]
    refused(lambda shop: REASONS[where](shop, text), "invalid_input", "text_too_long")


@pytest.mark.parametrize(
    "attempt",
    [
        lambda shop: shop.production.issue(RUN, "oyl", "1 kg", reason="new"),
        lambda shop: shop.production.issue(RUN, "oil", "1 kg", lot="OO-9"),
        lambda shop: shop.production.issue(RUN, "oil", "1 kg", place="attic"),
        lambda shop: shop.production.give_back(RUN, "oil", "1 kg", lot="OO-9"),
        lambda shop: shop.production.give_back(RUN, "oil", "1 kg", to="attic"),
        lambda shop: shop.production.scrap(RUN, "oyl", "1 kg", reason="spilt"),
        lambda shop: shop.production.report(RUN, made="1 each", to="attic"),
        lambda shop: shop.production.report(RUN, made="1 each", by_products={"oyl": "1 kg"}),
        lambda shop: shop.production.complete(RUN, made="1 each", into="PB-9"),
        lambda shop: shop.production.complete(RUN, made="1 each", into="CO-2026-11-001"),
        lambda shop: shop.production.plan("cream", "1 each", at="attic"),
        lambda shop: shop.production.plan_for(["CO-9"]),
        lambda shop: shop.production.plan_for(["PO-2026-11-001"]),
        lambda shop: shop.production.plan_for(["CO-2026-11-002"], item="oyl"),
        lambda shop: shop.production.merge(RUN, ["PB-9"]),
        *[
            lambda shop, name=name: getattr(shop.production, name)("PB-9")
            for name in ("release", "replan", "cover", "stop", "reverse", "close", "reopen", "history", "parts")
        ],
        lambda shop: shop.production.use("PB-9", "oil", "1 kg", reason="?"),
        lambda shop: shop.production.reschedule("PB-9", "2026-11-25 08:00"),
        lambda shop: shop.production.release("CO-2026-11-001"),
    ],
    ids=range(27),
)
def test_an_unknown_paper_item_lot_or_place_is_refused(attempt):
    refused_at_work(attempt, "unknown", "not_allowed")


@pytest.mark.parametrize(
    ("attempt", "given", "there"),
    [
        (lambda shop: shop.production.give_back(RUN, "oil", "2 kg"), "2 kg", "1.5 kg"),
        (lambda shop: shop.production.scrap(RUN, "jar", "16 each", reason="fell"), "16 each", "15 each"),
        (lambda shop: shop.production.give_back(RUN, "oil", "1 kg", lot="OO-2"), "1 kg", "0 kg"),
        (lambda shop: shop.production.give_back(RUN, "lye", "1 kg"), "1 kg", "0 kg"),
        (lambda shop: shop.production.issue(RUN, "oil", "40 kg", force=True), "40 kg", "30 kg"),
        (lambda shop: shop.production.reverse(RUN, "6 each", force=True), "6 each", "5 each"),
        (lambda shop: shop.production.reverse(RUN, "1 each", lot="C-9", force=True), "1 each", "0 each"),
        (lambda shop: shop.production.report(RUN, made="1 each", used={"oil": {"OO-2": "3 kg"}}), "3 kg", "2 kg"),
    ],
    ids=range(8),
)
def test_more_than_there_is_is_refused_with_what_there_is(attempt, given, there):
    problem = refused_at_work(attempt, "too_much")
    assert (str(problem.given), str(problem.there)) == (given, there)


def test_late_use_of_more_than_there_is_offers_a_count():
    problem = refused_at_work(lambda shop: shop.production.use(RUN, "oil", "99 kg", reason="?"), "too_much", shop=over())
    assert (str(problem.there), problem.offer) == ("30 kg", "count the lot up first, then use it")


@pytest.mark.parametrize(
    "attempt",
    [
        lambda shop: shop.production.report(RUN, made="1 each", used={"lye": "1 kg"}),  # the recipe has none, and nobody brought any
        lambda shop: shop.production.report(RUN, made="1 each", used=["oil"]),
        lambda shop: shop.production.report(RUN, made="1 each", by_products="lye"),
        lambda shop: shop.production.report(RUN, made="1 each", by_products={"cream": "1 each"}),
        lambda shop: shop.production.complete(RUN, made="1 each", into=RUN),
        lambda shop: shop.production.issue(RUN, "lye", "1 kg"),
        lambda shop: shop.production.issue(RUN, "oil", "1 kg", instead_of="lye", reason="?"),
        lambda shop: shop.production.issue(RUN, "oil", "1 kg", rework=True),
        lambda shop: shop.production.scrap(RUN, "oil", "1 kg", reason=""),
        lambda shop: shop.production.plan_for([]),
        lambda shop: shop.production.plan_for("CO-2026-11-002"),
        lambda shop: shop.production.plan_for(["CO-2026-11-002"], when_short="perhaps"),
        lambda shop: shop.production.cover(RUN, when_short="perhaps"),
        lambda shop: shop.production.merge(RUN, RUN),
        lambda shop: shop.production.reschedule(RUN, "soon"),
    ],
    ids=range(15),
)
def test_what_cannot_be_meant_is_refused(attempt):
    refused_at_work(attempt, "invalid_input", "unreadable_text", "not_allowed")


def test_a_run_cannot_be_moved_into_the_past_nor_split_away():
    problem: Any = refused(lambda shop: shop.production.reschedule(RUN, "2026-11-22 08:00"), "invalid_input")
    assert problem.field == "start"
    for amounts in ("20 each", ["10 each", "10 each"], ["15 each", "6 each"], []):
        problem = refused(partial(split, amounts), "invalid_input")
        assert "20 each" in problem.expected


def split(amounts: Any, shop: Workshop) -> object:
    return shop.production.split(RUN, amounts)


def test_a_lot_of_another_run_is_not_added_to():
    """Law 4: a lot has one origin; only the parts of its own run may add to it."""
    shop = over()
    shop.production.plan("cream", "1 each")
    shop.production.start("PB-2026-11-002")
    refused_at_work(lambda shop: shop.production.report("PB-2026-11-002", made="1 each", lot="C-1"), "already_exists", shop=shop)
    refused_at_work(
        lambda shop: shop.production.report("PB-2026-11-002", made="1 each", by_products={"oil": {"OO-1": "1 kg"}}),
        "already_exists", shop=shop,
    )  # fmt: skip


def test_a_quarantined_or_held_lot_is_not_brought_and_the_choices_are_named():
    shop = begun()
    shop.stock.hold("oil", lot="OO-2", reason="smells")
    problem = refused_at_work(lambda shop: shop.production.issue(RUN, "oil", "1 kg", lot="OO-2"), "lot_not_usable", shop=shop)
    assert (problem.reason, problem.choices) == ("held", ("OO-1",))


def test_output_that_moved_on_is_not_taken_back_in_part_or_whole():
    """Lesson 55: shipped, scrapped or used elsewhere: at most what is left, and the refusal says how much that is."""
    shop = over()
    shop.shipping.ship("CO-2026-11-001", amounts={"cream": "12 each"})
    left = {lot.lot.code: str(lot.on_hand) for lot in shop.stock.lots("cream")}
    problem = refused_at_work(lambda shop: shop.production.reverse(RUN, force=True), "too_much", shop=shop)
    assert problem.offer in ("reverse at most " + left.get("C-2", ""), "what was used or shipped must come back first")
    refused_at_work(lambda shop: shop.production.reverse(RUN, "20 each", force=True), "too_much", shop=shop)


@pytest.mark.parametrize(
    "command", ["change", "split", "release", "report", "complete", "stop", "reverse", "cover", "issue", "plan_for"]
)
def test_a_key_belongs_to_one_command_and_its_content(command):
    """Law 6, for the commands of a run: the same again changes nothing, other content is an error."""
    commands: dict[str, Callable[[Workshop, int], object]] = {
        "change": lambda shop, n: shop.production.change("PB-2026-11-002", f"{n} each", key="k"),
        "split": lambda shop, n: shop.production.split("PB-2026-11-002", f"{n} each", key="k"),
        "release": lambda shop, n: shop.production.release("PB-2026-11-002", reason=str(n), key="k"),
        "report": lambda shop, n: shop.production.report(RUN, made=f"{n} each", key="k"),
        "complete": lambda shop, n: shop.production.complete(RUN, made=f"{n} each", key="k"),
        "stop": lambda shop, n: shop.production.stop(RUN, reason=str(n), key="k"),
        "reverse": lambda shop, n: shop.production.reverse(RUN, f"{n} each", force=True, key="k"),
        "cover": lambda shop, n: shop.production.cover(RUN, when_short="wait" if n == 1 else "refuse", key="k"),
        "issue": lambda shop, n: shop.production.issue(RUN, "oil", f"{n} kg", key="k"),
        "plan_for": lambda shop, n: shop.production.plan_for(["CO-2026-11-002"], when_short="wait" if n == 1 else "refuse", key="k"),
    }
    shop = begun()
    if command != "plan_for":
        shop.production.plan("cream", "9 each")
    answer = commands[command](shop, 1)
    before = dump(shop)
    assert commands[command](shop, 1) == answer
    assert dump(shop) == before
    refused_at_work(lambda shop: commands[command](shop, 2), "key_reused", shop=shop)


def test_what_lies_on_the_line_of_another_run_is_that_runs():
    """Lessons 32 and 35: it is neither brought, nor used, nor given back by anybody else, and not taken back as output."""
    shop = begun()
    shop.stock.transfer("oil", "2 kg", lot="OO-2", to="cellar")
    shop.production.issue(RUN, "oil", "2 kg", lot="OO-2")
    shop.production.plan("cream", "10 each")
    shop.production.start("PB-2026-11-002")
    other = "PB-2026-11-002"
    short = refused_at_work(lambda shop: shop.production.issue(other, "oil", "1 kg", lot="OO-2"), "short", shop=shop)
    assert str(short.shortages[0].available) == "0 kg"
    refused_at_work(lambda shop: shop.production.issue(other, "oil", "1 kg", lot="OO-2", force=True), "too_much", shop=shop)
    refused_at_work(lambda shop: shop.production.give_back(other, "oil", "1 kg", lot="OO-2"), "too_much", shop=shop)
    refused_at_work(
        lambda shop: shop.production.complete(other, made="10 each", used={"oil": {"OO-2": "1 kg"}}), "too_much", shop=shop
    )
    shop.orders.cancel("CO-2026-11-001")
    shop.production.issue(other, "cream", "5 each", lot="C-1", reason="stirred in again")
    problem = refused_at_work(lambda shop: shop.production.reverse(RUN, force=True), "too_much", shop=shop)
    assert (str(problem.there), problem.offer) == ("0 each", "what was used or shipped must come back first")


def test_a_part_goes_into_a_run_that_needs_it_and_nowhere_else():
    shop = begun()
    refused_at_work(lambda shop: shop.production.report(RUN, made="1 each", into=RUN), "invalid_input", "already_exists", shop=shop)
    shop.production.plan("cream", "10 each")
    refused_at_work(lambda shop: shop.production.report(RUN, made="1 each", into="PB-2026-11-002"), "not_allowed", shop=shop)
    shop.production.start("PB-2026-11-002")
    refused_at_work(lambda shop: shop.production.report(RUN, made="1 each", into="PB-2026-11-002"), "invalid_input", shop=shop)
