"""What goods and news go out: the shared request bodies, and what plans do about time-outs, limits and refusals."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from urllib.parse import parse_qsl

import attrs
import pytest

from krafte_core import Item, qty
from krafte_core.channels import ChannelError, _shopify_write, amazon, bigcommerce, ebay, etsy, shopify, woocommerce
from krafte_core.channels._amazon_write import acknowledgement
from krafte_core.channels.calls import Answer
from krafte_core.channels.writing import OnSale, Parcel, Plan
from krafte_core.errors import InvalidInput
from krafte_core.incoming import Goods, MessageLine, OrderMessage
from krafte_core.intake import line_ref
from krafte_core.shipping import Shipment, ShipmentLine
from krafte_core.wire import dumps, loads
from tests.support import needs_shared

AT = datetime(2026, 10, 2, 14, tzinfo=UTC)
ONE = Decimal(1)


def requests():
    rows = json.loads(needs_shared("channels", "EXPECTED.json").read_text(encoding="utf-8"))["fulfilment_requests"]
    return {row["id"]: row for row in rows}


def parcel(given, **more):
    lines = tuple((row[0], Decimal(row[1])) for row in given.get("lines", ()) if given.get("lines") != "all")
    told = {
        "tracking": given.get("tracking", ""),
        "carrier": given.get("carrier_name", given.get("carrier", "")),
        "url": given.get("url", ""),
    }
    if given.get("shipped_at"):
        told["shipped_at"] = datetime.fromisoformat(given["shipped_at"])
    return Parcel(order_id=given.get("order_id", "1"), lines=lines, **told, **more)


def same_request(request, expected):
    assert (request.method, request.path) == (expected["method"], expected["path"])
    if "body" in expected:
        assert json.loads(request.body) == expected["body"]


def told(plan):
    """The whole way of a plan that is answered well, by what it asks."""
    return json.loads(plan.next_request().body)


# ----------------------------------------------------------------------------------------------------- the shared bodies


def test_shopify_by_rest_as_written_down():
    rows = requests()
    part, whole, track = rows["shopify-rest-part"], rows["shopify-rest-whole"], rows["shopify-rest-update-tracking"]
    given = part["given"]
    lines = [(line, int(count)) for line, count in given["lines"]]

    box = parcel({**given, "lines": []}, notify=False)
    made = _shopify_write.rest_create("2024-04", [(given["fulfillment_order_id"], lines)], box, message=given["message"])
    same_request(made, part["expect"])
    all_of_it = _shopify_write.rest_create("2024-04", [(whole["given"]["fulfillment_order_id"], None)], parcel({}))
    same_request(all_of_it, whole["expect"])
    same_request(_shopify_write.rest_tracking("2024-04", track["given"]["fulfillment_id"], parcel(track["given"])), track["expect"])


def test_shopify_by_graphql_has_the_variables_of_the_recording():
    data = json.loads(needs_shared("channels", "shopify", "gql_fulfillment_create_cases.json").read_text(encoding="utf-8"))
    wanted = data["validMultiGroup"]["variables"]
    info, groups = wanted["fulfillment"]["trackingInfo"], wanted["fulfillment"]["lineItemsByFulfillmentOrder"]
    box = Parcel(order_id="1", lines=(), tracking=info["number"], url=info["url"], carrier=info["company"], notify=False)
    rows = [
        (group["fulfillmentOrderId"], [(line["id"], line["quantity"]) for line in group["fulfillmentOrderLineItems"]])
        for group in groups
    ]
    made = _shopify_write.graphql_create("2026-04", rows, box, message=wanted["message"])

    assert (made.method, made.path) == ("POST", requests()["shopify-gql-two-groups"]["expect"]["path"])
    assert json.loads(made.body)["variables"] == wanted


def test_etsy_is_told_in_a_form_under_a_listed_carrier():
    row = requests()["etsy-tracking"]
    given, expected = row["given"], row["expect"]
    plan = etsy.Channel(given["shop_id"]).plan_fulfillment(
        Parcel(order_id=given["receipt_id"], lines=(), tracking=given["tracking"], carrier="DHL", note=given["note"])
    )
    request = plan.next_request()

    same_request(request, {key: expected[key] for key in ("method", "path")})
    assert dict(request.headers) == expected["headers"]
    assert dict(parse_qsl(request.body)) == expected["form"]


def test_a_carrier_that_etsy_does_not_list_is_refused_or_mapped():
    box = Parcel(order_id="3", lines=(), tracking="X1", carrier="Uncle Bob")
    with pytest.raises(ChannelError, match="Uncle Bob"):
        etsy.Channel("1").plan_fulfillment(box)
    mapped = etsy.Channel("1", carriers={"Uncle Bob": "other"}).plan_fulfillment(box)
    assert "carrier_name=other" in mapped.next_request().body


def test_amazon_gets_a_confirmation_per_package():
    row = requests()["amazon-confirm"]
    given = row["given"]
    options = (("carrier_code", given["carrier_code"]), ("method", given["method"]), ("ship_from", given["ship_from"]),
               ("transparency_codes", f"{given['lines'][0][0]}={given['lines'][0][2][0]}"))  # fmt: skip
    channel = amazon.Channel(given["marketplace"])
    plan = channel.plan_fulfillment(parcel(given, options=options))
    second = channel.plan_fulfillment(parcel(given, options=options, package=2))

    same_request(plan.next_request(), row["expect"])
    assert told(second)["packageDetail"]["packageReferenceId"] == "2"
    assert isinstance(told(second)["packageDetail"]["orderItems"], list)
    assert plan.answered(Answer(204)).outcomes[0].text == "package 1"


def test_a_vendor_acknowledges():
    row = requests()["amazon-vendor-ack"]
    given = row["given"]
    items = [{"product": given["item"], "quantity": given["quantity"], "cost": given["cost"], "code": given["code"]}]
    request = acknowledgement(given["po"], party=given["seller"], at=datetime.fromisoformat(given["at"]), items=items)

    same_request(request, row["expect"])
    with pytest.raises(ChannelError):
        acknowledgement("1", party="x", at=AT, items=[{**items[0], "code": "Perhaps"}])


def test_a_vendor_says_how_much_of_each_line_is_accepted_and_stores_the_plan():
    body = json.loads(
        needs_shared("channels", "amazon", "vendor_purchase_orders.json").read_text(encoding="utf-8"), parse_float=Decimal
    )
    channel = amazon.Channel("M", api="vendor", party="999US")
    order = channel.read_orders(body)[0]
    plan = channel.plan_acknowledgement(order, {"2": "Backordered", "3": {"Accepted": 10, "Rejected": 3}}, at=AT)
    (said,) = told(plan)["acknowledgements"]

    assert (said["purchaseOrderNumber"], said["sellingParty"], len(said["items"])) == ("2JK3S9VC", {"partyId": "999US"}, 3)
    assert [
        [(row["acknowledgementCode"], row["acknowledgedQuantity"]["amount"]) for row in item["itemAcknowledgements"]]
        for item in said["items"]
    ] == [[("Accepted", 1)], [("Backordered", 2)], [("Accepted", 10), ("Rejected", 3)]]
    again = loads(dumps(plan.intending())).timed_out()
    assert again.next_request() == plan.next_request()  # the same answer may be given twice
    assert again.answered(Answer(202)).outcomes[0].accepted
    for wrong in ({"3": {"Accepted": 10}}, {"3": "Perhaps"}):
        with pytest.raises(ChannelError):
            channel.plan_acknowledgement(order, wrong, at=AT)
    with pytest.raises(InvalidInput):
        channel.plan_acknowledgement(order, {"9": "Accepted"}, at=AT)
    with pytest.raises(ChannelError):
        channel.plan_fulfillment(Parcel(order_id="2JK3S9VC", lines=(("1", ONE),), carrier="UPS", tracking="1Z", shipped_at=AT))


def test_ebay_gets_number_and_carrier_together_or_neither():
    row = requests()["ebay-ship"]
    channel = ebay.Channel("me")
    plan = channel.plan_fulfillment(parcel(row["given"]))
    bare = channel.plan_fulfillment(attrs.evolve(parcel(row["given"]), tracking="", carrier="DHL"))

    same_request(plan.next_request(), row["expect"])
    done = plan.answered(
        Answer(201, {"Location": "https://api/sell/fulfillment/v1/order/1/shipping_fulfillment/00340434161094000003"})
    )
    assert done.outcomes[0].text == "00340434161094000003"
    assert bare.next_request().method == "GET"  # without a number nothing would be found again: what is there is read first
    assert told(bare.answered(Answer(200, (), '{"fulfillments": []}'))).keys() == {"lineItems", "shippedDate"}


def test_blanks_of_a_number_are_cleaned_and_other_letters_refused():
    box = parcel({"lines": [["1", "1"]], "tracking": "JD 0146-0000 01", "carrier": "DHL"})
    assert told(ebay.Channel("me").plan_fulfillment(box))["trackingNumber"] == "JD0146000001"
    with pytest.raises(ChannelError):
        ebay.Channel("me").plan_fulfillment(attrs.evolve(box, tracking="JD§1"))


def test_woocommerce_in_its_three_ways():
    rows = requests()
    whole, core, tracked = (rows[f"woo-{name}"] for name in ("complete", "core-fulfilment", "extension-tracking"))
    made = {
        way: woocommerce.Channel("https://s.example", fulfillment=way).plan_fulfillment(parcel(row["given"])).next_request()
        for way, row in (("status", whole), ("core", core), ("tracking", tracked))
        if way == "status" or row["given"].get("tracking")
    }

    same_request(made["status"], whole["expect"])
    same_request(made["core"], core["expect"])
    body, wanted = json.loads(made["core"].body), core["expect"]["body_contains"]
    assert body["is_fulfilled"] is wanted["is_fulfilled"]
    assert [[row["key"], row["value"]] for row in body["meta_data"]] == wanted["meta_data"]
    same_request(made["tracking"], tracked["expect"])
    assert json.loads(made["tracking"].body).items() >= tracked["expect"]["body_contains"].items()


def test_bigcommerce_gets_one_call_for_each_address():
    row = requests()["bc-ship"]
    given = row["given"]
    plan = bigcommerce.Channel("abcde").plan_fulfillment(parcel(given, note=given["comments"]))
    products = [{"id": 188, "order_address_id": 127, "quantity": 1}]
    assert plan.next_request().path == "/v2/orders/225/products"
    sent = plan.answered(Answer(200, (), json.dumps(products)))
    same_request(sent.next_request(), row["expect"])

    data = json.loads(needs_shared("channels", "bigcommerce", "own_bundle_301_partial.json").read_text(encoding="utf-8"))
    both = bigcommerce.Channel("abcde").plan_fulfillment(Parcel(order_id="301", lines=()))
    both = both.answered(Answer(200, (), json.dumps(data["products"])))
    bodies = [json.loads(call.request.body) for call in both.calls]
    assert [(body["order_address_id"], body["items"]) for body in bodies] == [
        (51, [{"order_product_id": 501, "quantity": 1}]),
        (52, [{"order_product_id": 502, "quantity": 2}]),
    ]


def parts(*rows):
    """Fulfilment orders as Shopify's GraphQL shows them: id, place, and (row, line, remaining)."""
    nodes = [
        {"id": name, "status": "OPEN", "assignedLocation": {"location": {"id": place}},
         "lineItems": {"nodes": [{"id": row, "totalQuantity": 9, "remainingQuantity": left, "lineItem": {"id": line}}
                                 for row, line, left in lines]}}
        for name, place, lines in rows
    ]  # fmt: skip
    return Answer(200, (), json.dumps({"data": {"order": {"id": "gid://shopify/Order/1", "fulfillmentOrders": {"nodes": nodes}}}}))


ACCEPTED = Answer(
    200, (), json.dumps({"data": {"fulfillmentCreate": {"fulfillment": {"id": "gid://shopify/Fulfillment/9"}, "userErrors": []}}})
)
TWO_PLACES = parts(("f1", "A", [("r1", "1", 2)]), ("f2", "B", [("r2", "2", 1)]))


def test_goods_at_two_locations_need_two_calls_and_never_one():
    plan = shopify.Channel("s.example").plan_fulfillment(Parcel(order_id="1", lines=(("1", Decimal(2)), ("2", ONE)), tracking="X"))
    plan = plan.answered(TWO_PLACES)

    assert [call.key for call in plan.calls] == ["A", "B"]
    while not plan.done:
        plan = plan.answered(ACCEPTED)
    assert [row.accepted for row in plan.outcomes] == [True, True]


# ----------------------------------------------------------------------------------------------- time-outs and restarts


def test_after_a_time_out_the_channel_is_read_before_anything_is_sent_again():
    plan = shopify.Channel("s.example").plan_fulfillment(Parcel(order_id="1", lines=(("1", Decimal(2)), ("2", ONE))))
    plan = plan.answered(TWO_PLACES).timed_out()
    assert "fulfillmentOrders" in plan.next_request().body
    arrived = plan.answered(parts(("f1", "A", [("r1", "1", 0)]), ("f2", "B", [("r2", "2", 1)])))
    lost = plan.answered(TWO_PLACES)

    assert [call.key for call in arrived.calls] == ["B"]
    assert arrived.outcomes[0].accepted
    assert [call.key for call in lost.calls] == ["A", "B"]


@pytest.mark.parametrize(
    ("channel", "there", "not_there"),
    [
        (etsy.Channel("1"), {"shipments": [{"tracking_code": "X1"}]}, {"shipments": []}),
        (ebay.Channel("1"), {"fulfillments": [{"shipmentTrackingNumber": "X1"}]}, {"fulfillments": []}),
        (woocommerce.Channel("1"), [{"id": 1, "meta_data": [{"key": "_tracking_number", "value": "X1"}]}], []),
        (woocommerce.Channel("1", fulfillment="tracking"), [{"tracking_id": "1", "tracking_number": "X1"}], []),
    ],
    ids=["etsy", "ebay", "woo", "woo-tracking"],
)
def test_a_call_that_arrived_although_no_answer_came_is_found_again(channel, there, not_there):
    plan = channel.plan_fulfillment(Parcel(order_id="1", lines=(("5", ONE),), carrier="dhl", tracking="X1", shipped_at=AT)).timed_out()

    assert plan.next_request().method == "GET"
    assert plan.answered(Answer(200, (), json.dumps(there))).done
    again = plan.answered(Answer(200, (), json.dumps(not_there)))
    assert (again.stage, again.next_request().method) == ("send", "POST")


def test_a_parcel_without_number_is_told_from_the_one_before_it():
    """Two parcels of the same goods without number: after a time-out the first must not be taken for the second."""
    before = {"fulfillments": [{"fulfillmentId": "999", "lineItems": [{"lineItemId": "5", "quantity": 1}]}]}
    plan = ebay.Channel("1").plan_fulfillment(Parcel(order_id="1", lines=(("5", ONE),), shipped_at=AT))
    plan = plan.answered(Answer(200, (), json.dumps(before))).timed_out()

    assert plan.answered(Answer(200, (), json.dumps(before))).stage == "send"
    assert plan.answered(Answer(200, (), json.dumps({"fulfillments": before["fulfillments"] * 2}))).done


def test_a_plan_can_be_stored_between_any_two_steps():
    plan = shopify.Channel("s.example").plan_fulfillment(Parcel(order_id="1", lines=(("1", ONE),)))
    for answer in (parts(("f1", "A", [("r1", "1", 1)])), None, parts(("f1", "A", [("r1", "1", 1)])), ACCEPTED):
        again = loads(dumps(plan))
        assert isinstance(again, Plan)
        assert again == plan
        assert again.next_request() == plan.next_request()
        plan = again.intending()
        plan = plan.timed_out() if answer is None else plan.answered(answer)

    assert plan.done
    assert [row.accepted for row in plan.outcomes] == [True]


def test_a_process_that_died_while_sending_looks_first():
    plan = etsy.Channel("1").plan_fulfillment(Parcel(order_id="1", lines=(), carrier="dhl", tracking="X1"))
    stored = loads(dumps(plan.intending()))

    assert stored.resumed().next_request().method == "GET"
    assert plan.resumed().next_request().method == "POST"


def test_a_limit_is_waited_for():
    plan = etsy.Channel("1").plan_fulfillment(Parcel(order_id="1", lines=(), carrier="dhl", tracking="X1"))
    later = plan.answered(Answer(429, {"Retry-After": "7"}))

    assert (str(later.wait), later.next_request()) == ("7", plan.next_request())
    cost = {"requestedQueryCost": 120, "throttleStatus": {"currentlyAvailable": 20, "restoreRate": 100.0}}
    throttled = {"errors": [{"extensions": {"code": "THROTTLED"}}], "extensions": {"cost": cost}}
    reading = shopify.Channel("s.example").plan_fulfillment(Parcel(order_id="1", lines=()))
    assert reading.answered(Answer(200, (), json.dumps(throttled))).wait == 1


def test_more_than_the_channel_has_open_is_not_sent():
    plan = shopify.Channel("s.example").plan_fulfillment(Parcel(order_id="1", lines=(("1", Decimal(3)),))).answered(TWO_PLACES)

    assert plan.done
    assert plan.refused[0].text == "not open at the channel: 1 of line 1"


def test_a_channel_that_never_answers_ends_the_plan_with_a_refusal():
    plan = etsy.Channel("1").plan_fulfillment(Parcel(order_id="1", lines=(), carrier="dhl", tracking="X1"))
    for _ in range(50):
        plan = plan.timed_out() if not plan.done else plan

    assert plan.done
    assert plan.refused


# ------------------------------------------------------------------------------------------------------- our shipments


def shipment(*rows):
    lines = tuple(ShipmentLine("CO-1", ref, item, "L1", qty(amount), 1) for ref, item, amount in rows)
    return Shipment("SH-1", "Anna", lines, shipped_at=AT, carrier="DHL", tracking="X1")


def test_a_shipment_says_itself_which_order_of_the_channel_it_serves():
    plan = ebay.Channel("me").plan_fulfillment(
        shipment((line_ref("12-0", "5"), "soap", "2 each"), (line_ref("12-0", "5"), "soap", "1 each"))
    )

    assert plan.next_request().path == "/sell/fulfillment/v1/order/12-0/shipping_fulfillment"
    assert told(plan)["lineItems"] == [{"lineItemId": "5", "quantity": 3}]


def test_a_shipment_of_two_orders_needs_two_plans():
    both = shipment((line_ref("1", "5"), "soap", "2 each"), (line_ref("2", "6"), "soap", "1 each"))
    with pytest.raises(InvalidInput):
        ebay.Channel("me").plan_fulfillment(both)


def test_a_bundle_is_shipped_as_far_as_all_of_it_is_there():
    goods = (Goods("soap", "2 each"), Goods("salt", "1 each"))
    line = MessageLine(line_id="5", quantity=Decimal(3), open=Decimal(3), goods=goods)
    order = OrderMessage(channel="ebay", account="me", order_id="1", lines=(line,))
    sent = shipment((line_ref("1", "5"), "soap", "6 each"), (line_ref("1", "5", 1), "salt", "2 each"))

    assert told(ebay.Channel("me").plan_fulfillment(sent, order=order))["lineItems"] == [{"lineItemId": "5", "quantity": 2}]


def test_a_bundle_that_leaves_in_two_parcels_is_told_with_the_second():
    goods = (Goods("soap", "2 each"), Goods("salt", "1 each"))
    order = OrderMessage(
        channel="ebay", account="me", order_id="1", lines=(MessageLine(line_id="5", quantity=Decimal(2), goods=goods),)
    )
    soap = shipment((line_ref("1", "5"), "soap", "4 each"))
    salt = shipment((line_ref("1", "5", 1), "salt", "2 each"))
    channel = ebay.Channel("me")

    assert channel.plan_fulfillment(soap, order=order).done
    second = channel.plan_fulfillment(salt, order=order, earlier=[soap])
    assert told(second)["lineItems"] == [{"lineItemId": "5", "quantity": 2}]


def test_packs_of_an_item_are_counted_by_the_item():
    goods = (Goods("soap", "1 case"),)
    order = OrderMessage(
        channel="ebay", account="me", order_id="1", lines=(MessageLine(line_id="5", quantity=Decimal(2), goods=goods),)
    )
    soap = Item("soap", unit="each", packs={"case": 12})
    plan = ebay.Channel("me").plan_fulfillment(shipment((line_ref("1", "5"), "soap", "24 each")), order=order, items={"soap": soap})

    assert told(plan)["lineItems"] == [{"lineItemId": "5", "quantity": 2}]


def test_more_than_is_open_is_refused_with_the_amount():
    line = MessageLine(line_id="5", quantity=Decimal(3), open=ONE)
    order = OrderMessage(channel="ebay", account="me", order_id="1", lines=(line,))
    with pytest.raises(InvalidInput, match="at most 1"):
        ebay.Channel("me").plan_fulfillment(shipment((line_ref("1", "5"), "soap", "2 each")), order=order)


# ---------------------------------------------------------------------------------------------------------- other news


def test_another_tracking_number_a_cancellation_and_stock_levels_are_told_where_the_channel_has_a_call():
    rest = shopify.Channel("s.example", api="rest", version="2024-04")
    row = requests()["shopify-rest-update-tracking"]
    moved = rest.plan_tracking("1", row["given"]["fulfillment_id"], tracking=row["given"]["tracking"], carrier=row["given"]["carrier"])
    same_request(moved.next_request(), row["expect"])
    assert moved.answered(Answer(200, (), '{"fulfillment": {"id": 5}}')).outcomes[0].accepted

    assert told(woocommerce.Channel("w").plan_cancellation("7")) == {"status": "cancelled"}
    assert told(bigcommerce.Channel("b").plan_cancellation("7")) == {"status_id": 5}
    offer = OnSale(key=(("sku", "SOAP"), ("product_id", "9"), ("location_id", "1"), ("inventory_item_id", "3")), quantity=4)
    plans = {
        channel.name: channel.plan_stock([offer]).next_request()
        for channel in (rest, woocommerce.Channel("w"), bigcommerce.Channel("b"), ebay.Channel("e"), amazon.Channel("M", party="S"))
    }
    assert {name: request.method for name, request in plans.items()} == {
        "shopify": "POST", "woocommerce": "PUT", "bigcommerce": "PUT", "ebay": "POST", "amazon": "PATCH",
    }  # fmt: skip
    assert all(":4" in request.body for request in plans.values())


def test_what_a_channel_has_no_call_for_is_said():
    with pytest.raises(ChannelError):
        etsy.Channel("1").plan_stock([OnSale(key=(("sku", "A"),), quantity=1)])
    with pytest.raises(ChannelError):
        amazon.Channel("M").plan_cancellation("1")
    with pytest.raises(ChannelError):
        ebay.Channel("e").plan_stock([OnSale(key=(), quantity=1)])


def test_a_value_that_is_set_may_be_sent_again_after_a_time_out():
    plan = ebay.Channel("e").plan_stock([OnSale(key=(("sku", f"S{number}"),), quantity=number) for number in range(30)])

    assert len(plan.calls) == 2
    assert plan.timed_out().next_request() == plan.next_request()
