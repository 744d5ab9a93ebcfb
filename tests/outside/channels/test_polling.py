"""Polling: cursors, limits, back-off and overlap; a state that can be stored between any two answers."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from krafte_core.channels import BadPayload, ChannelRefused, amazon, bigcommerce, ebay, etsy, shopify, woocommerce
from krafte_core.channels.calls import Answer
from krafte_core.channels.polling import OVERLAP, Poll
from krafte_core.channels.writing import Parcel
from krafte_core.wire import dumps, loads
from tests.support import needs_shared

SINCE = datetime(2026, 11, 1, tzinfo=UTC)
NEWEST = datetime(2026, 11, 23, 8, tzinfo=UTC)


def expected(name):
    rows = json.loads(needs_shared("channels", "EXPECTED.json").read_text(encoding="utf-8"))["polling"]
    return next(row for row in rows if row["id"] == name)["given"]


def receipt(number, minutes=0):
    row = {"transaction_id": number, "quantity": 1, "sku": "A"}
    changed = int((NEWEST + timedelta(minutes=minutes)).timestamp())
    return {"receipt_id": number, "status": "Paid", "is_paid": True, "updated_timestamp": changed, "transactions": [row]}


def page(*receipts, count=None):
    return Answer(200, (), json.dumps({"count": len(receipts) if count is None else count, "results": receipts}))


def queried(poll):
    return dict(poll.request.query)


def test_a_link_to_the_next_page_is_followed_and_only_limit_goes_with_it():
    channel = shopify.Channel("s.example", api="rest", version="2024-04")
    poll = channel.first_poll(SINCE)
    assert queried(poll)["updated_at_min"] == "2026-11-01T00:00:00Z"
    step = channel.next_poll(poll, Answer(200, expected("shopify-link-next")["headers"], '{"orders": []}'))
    last = channel.next_poll(step.poll, Answer(200, expected("shopify-link-last")["headers"], '{"orders": []}'))

    assert queried(step.poll) == {"limit": "250", "page_info": "eyJuZXh0IjoxfQ"}
    assert last.poll.done


def test_a_throttled_query_waits_until_the_bucket_holds_what_it_costs():
    given = expected("shopify-gql-throttled")
    channel = shopify.Channel("s.example")
    poll = channel.first_poll(SINCE)
    step = channel.next_poll(poll, Answer(given["status"], (), json.dumps(given["body"])))

    assert step.wait == Decimal(1)
    assert step.poll.request == poll.request


def test_pages_by_number_count_up_to_the_last():
    channel = woocommerce.Channel("https://s.example")
    answer = Answer(200, expected("woo-pages")["headers"], "[]")
    second = channel.next_poll(channel.first_poll(SINCE), answer).poll
    third = channel.next_poll(second, answer).poll

    assert (queried(second)["page"], queried(third)["page"]) == ("2", "3")
    assert queried(second)["modified_after"] == "2026-11-01T00:00:00"
    assert channel.next_poll(third, answer).poll.done


def test_an_empty_answer_is_no_error_and_a_limit_is_waited_for():
    channel = bigcommerce.Channel("abcde")
    poll = channel.first_poll(SINCE)
    limited = channel.next_poll(poll, Answer(429, expected("bc-429")["headers"]))

    assert channel.next_poll(poll, Answer(204)).poll.done
    assert (limited.wait, limited.poll.request) == (Decimal(15), poll.request)


def test_offsets_grow_until_everything_was_seen():
    shop, market = etsy.Channel("1"), ebay.Channel("me")
    assert queried(shop.next_poll(shop.first_poll(SINCE), page(*[receipt(1)], count=101)).poll)["offset"] == "100"
    given = expected("ebay-next")["body"]
    assert (
        queried(market.next_poll(market.first_poll(SINCE), Answer(200, (), json.dumps({**given, "orders": []}))).poll)["offset"]
        == "100"
    )


def test_the_next_token_is_carried_on():
    channel = amazon.Channel("ATVPDKIKX0DER", api="v0")
    body = needs_shared("channels", "amazon", "v0_list_pending_page.json").read_text(encoding="utf-8")
    step = channel.next_poll(channel.first_poll(SINCE), Answer(200, (), body))

    assert queried(step.poll)["NextToken"] == "2YgYW55IGNhcm5hbCBwbGVhc3VyZS4"
    assert [(message.importable, message.missing) for message in step.messages] == [(False, ("items",))]


def test_the_next_poll_overlaps_and_drops_what_was_seen():
    channel = etsy.Channel("1")
    done = channel.next_poll(channel.first_poll(SINCE), page(receipt(1), receipt(2, 5))).poll
    assert done.newest == NEWEST + timedelta(minutes=5)
    poll = channel.again(loads(dumps(done)))
    step = channel.next_poll(poll, page(receipt(1), receipt(2, 5), receipt(1, 6), receipt(3, 4)))

    assert poll.since == done.newest - OVERLAP
    assert [(message.order_id, message.version) for message in step.messages] == [
        ("1", NEWEST + timedelta(minutes=6)),
        ("3", NEWEST + timedelta(minutes=4)),
    ]


def test_the_watermark_stays_where_the_last_stored_order_was():
    channel = etsy.Channel("1")
    poll = channel.first_poll(SINCE)
    assert channel.again(channel.next_poll(poll, page()).poll).since == SINCE
    given_up = channel.next_poll(poll, page(receipt(1), count=500)).poll  # the next page never came

    assert channel.again(given_up).since == NEWEST - OVERLAP


def test_a_broken_order_hides_no_other_of_its_page():
    channel = etsy.Channel("1")
    broken = {**receipt(2), "transactions": [{"quantity": "many"}]}
    step = channel.next_poll(channel.first_poll(SINCE), page(receipt(1), broken, receipt(3)))

    assert [message.order_id for message in step.messages] == ["1", "3"]
    assert [problem.path for problem in step.refused[0].problems] == ["$.transactions[0].quantity", "$.transactions[0].transaction_id"]


def test_parts_of_an_order_are_fetched_before_it_is_handed_out():
    channel = bigcommerce.Channel("abcde")
    order = {"id": 5, "status_id": 11, "date_modified": "Wed, 01 Apr 2026 06:15:00 +0000", "currency_code": "EUR"}
    step = channel.next_poll(channel.first_poll(SINCE), Answer(200, (), json.dumps([order, {**order, "id": 6}])))
    asked = []
    messages = []
    while not step.poll.done:
        asked.append(step.poll.request.path)
        part = [{"id": 1, "quantity": 2}] if "products" in step.poll.request.path else []
        step = channel.next_poll(loads(dumps(step.poll)), Answer(200, (), json.dumps(part)))
        messages += step.messages

    assert asked == [f"/v2/orders/{number}/{part}" for number in (5, 6) for part in ("products", "shipping_addresses")]
    assert [(message.order_id, str(message.lines[0].open), message.missing) for message in messages] == [
        ("5", "2", ()),
        ("6", "2", ()),
    ]


def test_an_order_that_went_away_meanwhile_is_left_out():
    channel = woocommerce.Channel("https://s.example")
    order = {"id": 5, "status": "processing", "currency": "EUR", "line_items": [{"id": 1, "quantity": 1}], "refunds": [{"id": 9}]}
    step = channel.next_poll(channel.first_poll(SINCE), Answer(200, (), json.dumps([order])))
    gone = channel.next_poll(step.poll, Answer(404))

    assert gone.poll.done
    assert gone.messages == ()


@pytest.mark.parametrize("answer", [None, Answer(500), Answer(503), Answer(429)], ids=["time-out", "500", "503", "429"])
def test_what_passes_is_asked_again_each_time_later(answer):
    channel = etsy.Channel("1")
    poll = channel.first_poll(SINCE)
    waits = []
    for _ in range(4):
        step = channel.next_poll(poll, answer)
        waits.append(int(step.wait))
        assert step.poll.request == poll.request
        poll = step.poll

    assert waits == [1, 2, 4, 8]
    assert [message.order_id for message in channel.next_poll(poll, page(receipt(1))).messages] == ["1"]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 301])
def test_what_does_not_pass_is_said(status):
    channel = etsy.Channel("1")
    with pytest.raises(ChannelRefused):
        channel.next_poll(channel.first_poll(SINCE), Answer(status, (), "no"))


def test_a_page_that_is_none_is_a_coded_error_and_the_poll_stays():
    channel = etsy.Channel("1")
    poll = channel.first_poll(SINCE)
    for body in ("<html>", "[]", '{"results": 5}', "", "5"):
        with pytest.raises(BadPayload):
            channel.next_poll(poll, Answer(200, (), body))


def test_the_state_of_a_poll_has_a_wire_form():
    poll = amazon.Channel("M").first_poll(SINCE)
    assert isinstance(loads(dumps(poll)), Poll)


# ------------------------------------------------------------------------------------------------- pages within an order


def connection(rows, cursor, most):
    more = {"hasNextPage": cursor + most < len(rows), "endCursor": str(cursor + most)}
    return {"pageInfo": more, "nodes": rows[cursor : cursor + most]}


class Inner:
    """An order of 250 lines in three fulfilment orders, whose connections come a few rows at a time."""

    order_id = "gid://shopify/Order/7"

    def __init__(self, most):
        self.most = most
        self.lines = [
            {"id": f"gid://shopify/LineItem/{at}", "quantity": 2, "currentQuantity": 2, "sku": f"S{at}"} for at in range(250)
        ]
        self.asked = []

    def rows(self, part, cursor):
        return connection(
            [{"id": f"gid://shopify/Row/{at}", "totalQuantity": 2, "remainingQuantity": 1, "lineItem": {"id": self.lines[at]["id"]}}
             for at in range(250) if at % 3 == part], cursor, self.most,
        )  # fmt: skip

    def parts(self, cursor):
        place = {"location": {"id": "gid://shopify/Location/1"}}
        return connection(
            [{"id": f"gid://shopify/FulfillmentOrder/{part}", "status": "OPEN", "assignedLocation": place,
              "lineItems": self.rows(part, 0)} for part in range(3)], cursor, 2,
        )  # fmt: skip

    def order(self):
        return {"id": self.order_id, "updatedAt": "2026-11-23T08:00:00Z", "lineItems": connection(self.lines, 0, self.most),
                "fulfillmentOrders": self.parts(0)}  # fmt: skip

    def answer(self, request):
        asked = json.loads(request.body)
        told = asked["variables"]
        self.asked.append(told.get("id", ""))
        if "query" in told:
            return Answer(200, (), json.dumps({"data": {"orders": {"pageInfo": {"hasNextPage": False}, "nodes": [self.order()]}}}))
        if "cursor" not in told:
            return Answer(200, (), json.dumps({"data": {"order": self.order()}}))
        at = int(told["cursor"])
        if "FulfillmentOrder/" in told["id"]:
            node = {"lineItems": self.rows(int(told["id"][-1]), at)}
        elif "id lineItems(" in asked["query"]:
            node = {"lineItems": connection(self.lines, at, self.most)}
        else:
            node = {"fulfillmentOrders": self.parts(at)}
        return Answer(200, (), json.dumps({"data": {"node": {"id": told["id"], **node}}}))


@pytest.mark.parametrize("most", [7, 40, 100])
def test_lines_beyond_the_first_page_of_an_order_are_fetched_before_it_is_handed_out(most):
    channel, server = shopify.Channel("s.example"), Inner(most)
    poll, messages = channel.first_poll(SINCE), []
    while not poll.done:
        step = channel.next_poll(loads(dumps(poll)), server.answer(poll.request))
        assert step.refused == ()
        messages += step.messages
        poll = step.poll

    (message,) = messages
    assert [line.line_id for line in message.lines] == [str(at) for at in range(250)]
    assert {(line.wanted, line.open) for line in message.lines} == {(Decimal(2), Decimal(1))}


def test_a_shipment_of_a_line_beyond_the_first_page_finds_its_place():
    channel, server = shopify.Channel("s.example"), Inner(40)
    plan = channel.plan_fulfillment(Parcel(order_id="7", lines=(("2", Decimal(1)), ("249", Decimal(1)))))
    while plan.stage == "read":
        plan = loads(dumps(plan)).answered(server.answer(plan.next_request()))

    assert plan.refused == ()
    assert sorted(row for call in plan.calls for row, _ in call.lines) == ["2", "249"]


@pytest.mark.parametrize("body", ["{}", '{"data": {"node": null}}', '{"errors": [{"message": "no"}]}', "<html>"])
def test_a_further_page_that_is_none_refuses_its_order_and_hides_no_other(body):
    channel, server = shopify.Channel("s.example"), Inner(100)
    first = channel.next_poll(channel.first_poll(SINCE), server.answer(channel.first_poll(SINCE).request))
    step = channel.next_poll(first.poll, Answer(200, (), body))

    assert (len(step.refused), step.messages, step.poll.done) == (1, (), True)


def test_a_further_page_that_is_throttled_is_waited_for():
    channel, server = shopify.Channel("s.example"), Inner(100)
    first = channel.next_poll(channel.first_poll(SINCE), server.answer(channel.first_poll(SINCE).request))
    given = expected("shopify-gql-throttled")
    step = channel.next_poll(first.poll, Answer(given["status"], (), json.dumps(given["body"])))

    assert (step.wait, step.poll.request, step.refused) == (Decimal(1), first.poll.request, ())


def test_pages_that_never_end_are_given_up():
    channel = shopify.Channel("s.example")
    endless = connection([{"id": "gid://shopify/LineItem/1", "quantity": 1}] * 2, 0, 1)
    order = {"id": Inner.order_id, "updatedAt": "2026-11-23T08:00:00Z", "lineItems": endless}
    listed = {"data": {"orders": {"pageInfo": {"hasNextPage": False}, "nodes": [order]}}}
    poll = channel.next_poll(channel.first_poll(SINCE), Answer(200, (), json.dumps(listed))).poll
    node = Answer(200, (), json.dumps({"data": {"node": {"id": Inner.order_id, "lineItems": endless}}}))
    for _ in range(300):
        step = channel.next_poll(poll, node)
        poll = step.poll
        if poll.done:
            break

    assert len(step.refused) == 1


@pytest.mark.parametrize(
    ("channel", "order", "pages", "headers", "expected_lines"),
    [
        (
            bigcommerce.Channel("abcde"),
            {"id": 5, "status_id": 11, "date_modified": "Wed, 01 Apr 2026 06:15:00 +0000", "currency_code": "EUR"},
            [[{"id": at, "quantity": 1} for at in range(1, 251)], [{"id": 251, "quantity": 1}], []], [{}, {}, {}], 251,
        ),
        (
            amazon.Channel("ATVPDKIKX0DER", api="v0"),
            {"AmazonOrderId": "1-2-3", "OrderStatus": "Unshipped", "LastUpdateDate": "2026-11-01T00:00:00Z"},
            [
                {"payload": {"OrderItems": [{"OrderItemId": "1", "QuantityOrdered": 1}], "NextToken": "n"}},
                {"payload": {"OrderItems": [{"OrderItemId": "2", "QuantityOrdered": 1}]}},
                {"payload": {}},
            ],
            [{}, {}, {}], 2,
        ),
    ],
    ids=["bigcommerce", "amazon v0"],
)  # fmt: skip
def test_parts_in_several_pages_are_put_together(channel, order, pages, headers, expected_lines):
    first = [order] if channel.name == "bigcommerce" else {"payload": {"Orders": [order]}}
    step = channel.next_poll(channel.first_poll(SINCE), Answer(200, (), json.dumps(first)))
    messages = []
    for page_, head in zip(pages, headers, strict=True):
        step = channel.next_poll(loads(dumps(step.poll)), Answer(200, head, json.dumps(page_)))
        messages += step.messages

    assert step.refused == ()
    assert len(messages[0].lines) == expected_lines


def test_refunds_of_a_shop_in_several_pages_are_put_together():
    channel = woocommerce.Channel("https://s.example")
    order = {"id": 5, "status": "processing", "currency": "EUR", "line_items": [{"id": 1, "quantity": 9}], "refunds": [{"id": 9}]}
    refund = {"id": 9, "line_items": [{"id": 2, "quantity": -1, "meta_data": [{"key": "_refunded_item_id", "value": "1"}]}]}
    step = channel.next_poll(channel.first_poll(SINCE), Answer(200, (), json.dumps([order])))
    step = channel.next_poll(step.poll, Answer(200, {"X-WP-TotalPages": "2"}, json.dumps([refund])))
    step = channel.next_poll(step.poll, Answer(200, {"X-WP-TotalPages": "2"}, json.dumps([{**refund, "id": 10}])))

    assert [str(line.removed) for line in step.messages[0].lines] == ["2"]


# ----------------------------------------------------------------------------------------------------- single orders again


def test_open_orders_are_read_again_one_by_one_because_lists_miss_their_cancellation():
    """etsy/open-api#604: a cancelled receipt may never come in a list again."""
    channel = etsy.Channel("1")
    poll, messages = channel.read_again(["1", "2", "3", "1"], since=SINCE), []
    answers = {"1": receipt(1), "3": {**receipt(3, 5), "status": "Canceled"}}
    while not poll.done:
        name = poll.request.path.rpartition("/")[2]
        found = Answer(200, (), json.dumps(answers[name])) if name in answers else Answer(404)
        step = channel.next_poll(loads(dumps(poll)), found)
        assert step.refused == ()
        messages += step.messages
        poll = step.poll

    assert [(message.order_id, message.cancelled) for message in messages] == [("1", False), ("3", True)]
    assert channel.read_again([], since=SINCE).done


def test_a_single_order_is_read_with_all_its_parts():
    channel = bigcommerce.Channel("abcde")
    order = {"id": 5, "status_id": 11, "date_modified": "Wed, 01 Apr 2026 06:15:00 +0000", "currency_code": "EUR"}
    poll, asked = channel.read_again(["5"], since=SINCE), []
    while not poll.done:
        asked.append(poll.request.path)
        body = order if poll.request.path.endswith("/5") else [{"id": 1, "quantity": 2}] if "products" in poll.request.path else []
        step = channel.next_poll(poll, Answer(200, (), json.dumps(body)))
        poll = step.poll

    assert asked == ["/v2/orders/5", "/v2/orders/5/products", "/v2/orders/5/shipping_addresses"]
    assert [str(line.open) for line in step.messages[0].lines] == ["2"]


def test_a_single_order_that_cannot_be_read_hides_no_other_and_one_that_is_busy_is_waited_for():
    channel = amazon.Channel("M", api="v0")
    poll = channel.read_again(["1-1-1", "2-2-2"], since=SINCE)
    busy = channel.next_poll(poll, Answer(429, {"Retry-After": "3"}))
    broken = channel.next_poll(busy.poll, Answer(200, (), "<html>"))

    assert (busy.wait, busy.poll.request) == (Decimal(3), poll.request)
    assert (len(broken.refused), broken.poll.request.path) == (1, "/orders/v0/orders/2-2-2")
