"""Every shared payload yields the facts that were written down for it by hand."""

from __future__ import annotations

import json
from decimal import Decimal

import attrs
import pytest

from krafte_core.channels import BadPayload
from krafte_core.channels._shopify_write import read_outcome
from krafte_core.channels.calls import Answer
from krafte_core.incoming import picture
from krafte_core.intake import NOTHING, decide
from tests.support import needs_shared

needs_shared("channels")

from tests.outside.channels.facts import CHANNELS, EXPECTED, cases, differences, line_value, message_of, payload, same  # noqa: E402

ORDERS = [case for channel in CHANNELS for case in cases(channel, "order", "order_head")]
MUST_ASK = "shopify-gql-two-currencies"
"""Its line has neither id nor quantity: to be refused, never to be guessed."""


@pytest.mark.parametrize("case", [case for case in ORDERS if case["id"] != MUST_ASK], ids=lambda case: case["id"])
def test_an_order_has_every_fact(case):
    facts = {name: value for name, value in case["facts"].items() if name != "next_cursor"}

    assert differences(message_of(case), facts) == []


def test_a_line_without_id_and_quantity_is_refused_with_both_paths():
    case = next(case for case in ORDERS if case["id"] == MUST_ASK)

    with pytest.raises(BadPayload) as caught:
        message_of(case)

    assert [problem.path for problem in caught.value.problems] == ["$.lineItems.nodes[0].id", "$.lineItems.nodes[0].quantity"]


@pytest.mark.parametrize("case", cases("shopify", "refunds"), ids=lambda case: case["id"])
def test_refunds_name_the_lines_of_the_order_and_the_money_that_moved(case):
    found = CHANNELS["shopify"].read_refunds(payload(case["file"]))

    for refund, told in zip(found, case["facts"]["refunds"], strict=True):
        assert same(refund.refund_id, told["refund_id"])
        assert same(refund.at, told["at"])
        assert same(refund.money, told["money"])
        assert refund.lines == tuple((row["line_id"], Decimal(row["quantity"])) for row in told["lines"])


def test_an_answer_of_200_with_user_errors_is_a_refusal():
    case = cases("shopify", "fulfilment_answers")[0]
    told = json.loads(payload(case["file"]))
    outcomes = {name: read_outcome("x", Answer(200, (), json.dumps(row["response"]))) for name, row in told.items()}

    assert {name: row.accepted for name, row in outcomes.items()} == {name: row["ok"] for name, row in case["facts"].items()}
    refusals = {name: row["message"] for name, row in case["facts"].items() if not row["ok"]}
    assert {name: row.text for name, row in outcomes.items() if not row.accepted} == refusals


def test_a_notification_asks_for_a_fetch_and_has_no_order_in_it():
    case = cases("amazon", "event")[0]
    notice, facts = CHANNELS["amazon"].read_notification(payload(case["file"])), case["facts"]
    extra = dict(notice.extra)

    assert (notice.kind, notice.event_id, notice.order_id, notice.hold) == ("fetch", facts["event_id"], facts["order_id"], True)
    assert extra["change"] == facts["change"]
    assert extra["order_status"] == facts["order_status"]
    assert same(notice.at, facts["changed_at"])
    assert all(same(line_value(line, name), value) for line, told in zip(notice.lines, facts["lines"], strict=True)
               for name, value in told.items())  # fmt: skip


def test_products_shipments_and_addresses_of_a_store_come_in_calls_of_their_own():
    channel = CHANNELS["bigcommerce"]
    products = cases("bigcommerce", "lines")[0]
    lines = channel.read_lines(payload(products["file"]))
    shipments = cases("bigcommerce", "shipments")[0]
    sent = channel.read_shipments(payload(shipments["file"]))
    places = cases("bigcommerce", "addresses")[0]
    addresses = channel.read_addresses(payload(places["file"]))

    wrong = [(line.line_id, name) for line, told in zip(lines, products["facts"]["lines"], strict=True)
             for name, value in told.items() if not same(line_value(line, name), value)]  # fmt: skip
    assert wrong == []
    told = shipments["facts"]["shipments"]
    assert [(one.sent_id, one.address_id, one.tracking, one.carrier) for one in sent] == [
        (row["shipment_id"], row["address_id"], row["tracking"], row["carrier"]) for row in told
    ]
    assert [[[line, str(count)] for line, count in one.lines] for one in sent] == [row["lines"] for row in told]
    assert all(same(one.at, row["at"]) for one, row in zip(sent, told, strict=True))
    assert [(name, place.country) for name, place in addresses] == [(row[0], row[1]) for row in places["facts"]["addresses"]]


# ----------------------------------------------------------------------------------------------------------- sequences


def _delivered(name):
    sequence = next(row for row in EXPECTED["sequences"] if row["id"] == name)
    channel = CHANNELS[sequence["channel"]]
    stored, steps = None, []
    for path in sequence["deliver"]:
        intake = decide(stored, channel.read_order(payload(path)))
        steps.append(intake)
        stored = intake.imported
    return steps


def test_an_older_snapshot_after_a_newer_one_changes_nothing():
    first, second = _delivered("shopify-older-after-newer")

    assert second.action == NOTHING
    assert second.imported == first.imported
    assert second.imported.known.version.isoformat() == "2024-04-02T14:04:02+00:00"


def test_the_same_webhook_twice_is_one_order():
    first, second = _delivered("shopify-duplicate")

    assert [change.kind for change in first.changes] == ["new"]
    assert (second.action, second.changes, second.imported) == (NOTHING, (), first.imported)


def test_a_cancellation_takes_the_open_quantity_away():
    before, after = (step.imported.known for step in _delivered("shopify-cancel-gql"))

    assert [str(line.open) for line in before.lines] == ["2"]
    assert [str(line.open) for line in after.lines] == ["0"]
    assert after.cancelled


def test_a_completed_order_has_no_open_demand():
    steps = _delivered("woo-processing-then-completed")

    assert len({step.imported.number for step in steps}) == 1
    assert [str(line.open) for line in steps[-1].imported.known.lines] == ["0", "0"]
    assert [line.gone for line in steps[-1].imported.known.lines] == [Decimal(2), Decimal(1)]


def test_mapped_lines_of_a_cancelled_order_end_in_a_cancellation():
    channel = CHANNELS["amazon"]
    case = next(case for case in cases("amazon", "order") if case["id"] == "amazon-own-26-partial")
    message = message_of(case)
    mapped = attrs.evolve(message, lines=tuple(attrs.evolve(line, goods=channel.matching.goods(line)) for line in message.lines))

    assert decide(None, mapped).action == "wait"  # nothing is mapped in this channel
    assert len(decide(None, mapped).unmatched) == 2
    assert picture(decide(None, mapped).imported.messages) == mapped
