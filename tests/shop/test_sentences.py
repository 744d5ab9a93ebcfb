"""Every step of every table has its sentence in both languages, and what a refusal offers can be done."""

from __future__ import annotations

import string
from datetime import timedelta

import pytest

from krafte_core import KrafteError, PurchaseLine, Workshop
from krafte_core.desks.sentences import FOR_CUSTOMERS, LANGUAGES, SENTENCES
from krafte_core.diary import LOT_STEPS, possible
from krafte_core.orders import ORDER_STEPS, QUOTE_STEPS
from krafte_core.production import PRODUCTION_STEPS
from krafte_core.purchasing import PURCHASE_STEPS
from krafte_core.shipping import SHIPMENT_STEPS
from tests.scenarios.day import candle_shop, confirmed, order

TABLES = {
    "order": (ORDER_STEPS, ("orders", "shipping")), "quote": (QUOTE_STEPS, ("orders",)), "run": (PRODUCTION_STEPS, ("production",)),
    "purchase": (PURCHASE_STEPS, ("purchasing",)), "shipment": (SHIPMENT_STEPS, ("shipping",)), "lot": (LOT_STEPS, ("stock",)),
}  # fmt: skip
ELSEWHERE = {"return": "receive_return"}


@pytest.mark.parametrize("document", TABLES)
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_step_of_the_tables_has_a_sentence(document: str, language: str):
    steps = {step for row in TABLES[document][0].values() for step in row}
    missing = [step for step in sorted(steps) if f"{document} {step}" not in SENTENCES[language]]
    assert missing == []


def test_both_languages_say_the_same_things():
    blanks = {language: {name: blank(text) for name, text in SENTENCES[language].items()} for language in LANGUAGES}
    assert blanks["en"] == blanks["de"]
    assert all(SENTENCES["en"][name] != SENTENCES["de"][name] for name in SENTENCES["en"])
    assert SENTENCES["en"].keys() >= FOR_CUSTOMERS


def blank(sentence: str) -> set[str]:
    return {field for _, field, _, _ in string.Formatter().parse(sentence) if field}


@pytest.mark.parametrize("document", TABLES)
def test_a_refusal_offers_only_what_a_command_does(document: str):
    """A name is a command of the paper's desk; what other papers must do first is said in words."""
    table, desks = TABLES[document]
    shop = Workshop.in_memory()
    commands = {name for desk in desks for name in dir(getattr(shop, desk)) if not name.startswith("_")}
    offered = {name for now in table if now for name in possible(table, now)}
    unknown = {name for name in offered if ELSEWHERE.get(name, name) not in commands and " " not in name}
    assert unknown == set()


def test_the_office_hears_every_step_and_the_customer_what_concerns_her():
    """An offer that she takes; wax comes late; a part is made, the rest; the lot is examined; it leaves and one comes back."""
    shop, clock = candle_shop("2026-03-02 08:00")
    shop.stock.receive("wick", "100 each", lot="D-1")
    shop.stock.receive("wax", "3 kg", lot="W-0")
    anna = order(shop, "Anna", "10 each")
    shop.orders.quote(anna, until="2026-03-02 18:00")
    clock.tick(timedelta(hours=1))
    shop.orders.confirm(anna)
    run = shop.production.covering(anna)[0]
    shop.production.reschedule(run, start="2026-03-03 09:00")
    clock.set("2026-03-03 09:00")
    shop.production.start(run)
    shop.production.issue(run, "wax", "1 kg")
    clock.tick(timedelta(hours=1))
    shop.production.report(run, made="4 each", lot="C-1")
    shop.production.stop(run, reason="the melter broke")
    clock.tick(timedelta(hours=1))
    shop.stock.hold("candle", lot="C-1", reason="smell")
    shop.stock.release("candle", lot="C-1")

    told = str(shop.orders.timeline(anna)).splitlines()
    assert [line.partition("  ")[2] for line in told[:-1]] == [
        "We received your order.", "We sent you an offer.", "We confirmed your order. We promised it for 2 March 2026.",
        "You accepted our offer.", "The making of candle begins on 3 March 2026.", "We began to make candle.",
        "A part of candle was finished.", "The making of candle was ended early.", "candle is being examined.", "candle was released.",
    ]  # fmt: skip
    steps = {entry.step for entry in shop.orders.timeline(anna, language="de", everything=True).entries}
    assert steps >= {"propose", "plan", "issue", "report", "stop", "hold", "release", "quote", "accept"}


def test_a_late_supplier_is_told_to_those_who_wait():
    shop, clock = candle_shop("2026-03-02 08:00")
    shop.stock.receive("wick", "100 each", lot="D-1")
    purchase = shop.purchasing.order("mill", lines=[PurchaseLine("wax", "10 kg")])
    anna = confirmed(shop, "Anna", "10 each")
    clock.tick(timedelta(hours=1))
    shop.purchasing.reschedule(purchase, expected="2026-03-12 08:00")

    told = str(shop.orders.timeline(anna, language="de"))
    assert "Unser Lieferant bringt wax nun am 12. März 2026." in told
    assert "wurde bei unserem Lieferanten bestellt" not in told


def test_another_language_is_refused_with_those_there_are():
    shop, _ = candle_shop()
    with pytest.raises(KrafteError) as refusal:
        shop.orders.timeline(order(shop, "Anna", "1 each"), language="fr")
    assert refusal.value.code == "invalid_input"
