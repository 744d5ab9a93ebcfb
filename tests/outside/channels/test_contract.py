"""The contract of a channel holds for all of ours, and a channel that breaks a promise fails."""

# ruff: noqa: RUF012 - the data of a suite

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from decimal import Decimal

import pytest

from krafte_core.channels import amazon, bigcommerce, ebay, etsy, shopify, woocommerce
from krafte_core.channels.calls import Answer
from krafte_core.channels.writing import Parcel
from krafte_core.incoming import OrderMessage
from krafte_core.testing import ChannelContract
from krafte_core.testing.channel_contract import Webhook
from krafte_core.times import instant

AT = instant("2026-11-23T12:00Z")
PARCEL = Parcel(order_id="7", lines=(("1", Decimal(2)),), tracking="JD1", carrier="DHL", shipped_at=AT)


def signed(header, body, **more):
    return Webhook(body, {header: base64.b64encode(hmac.digest(b"s", body, hashlib.sha256)).decode(), **more})


def standard(body, key):
    told = b"msg_1.1767225600." + body
    signature = "v1," + base64.b64encode(hmac.digest(key, told, hashlib.sha256)).decode()
    headers = {"webhook-id": "msg_1", "webhook-timestamp": "1767225600", "webhook-signature": signature}
    return Webhook(body, headers, {"now": instant("2026-01-01T00:01Z")})


def body_of(data, **more):
    return json.dumps({**data, **more}).encode()


SHOPIFY = {"id": 7, "updated_at": "2026-11-23T09:15:00+01:00", "currency": "EUR", "total_price": "13.00",
           "line_items": [{"id": 1, "sku": "S1", "quantity": 2, "current_quantity": 2, "price": "6.50"}]}  # fmt: skip


class TestShopify(ChannelContract):
    orders = {
        "placed": body_of(SHOPIFY),
        "cancelled": body_of(SHOPIFY, updated_at="2026-11-24T00:00:00Z", cancelled_at="2026-11-24T00:00:00Z"),
    }
    facts = {
        "placed": {"order_id": "7", "currency": "EUR", "total": Decimal(13), "lines": [{"line_id": "1", "open": Decimal(2)}]},
        "cancelled": {"cancelled": True, "lines": [{"open": Decimal(0)}]},
    }
    webhooks = [signed("X-Shopify-Hmac-Sha256", body_of(SHOPIFY), **{"X-Shopify-Topic": "orders/create"})]
    pages = [
        Answer(200, {"Link": '<https://x/o.json?page_info=b>; rel="next"'}, body_of({"orders": [SHOPIFY]})),
        Answer(200, {}, b'{"orders": []}'),
    ]
    parcel = PARCEL
    answers = [
        Answer(200, {}, body_of({"fulfillment_orders": [
            {"id": 5, "status": "open", "assigned_location_id": 1,
             "line_items": [{"id": 6, "line_item_id": 1, "fulfillable_quantity": 2}]}]})),
        Answer(201, {}, b'{"fulfillment": {"id": 9}}'),
    ]  # fmt: skip

    def make_channel(self):
        return shopify.Channel("s.example", secret="s", api="rest")


ETSY = {"receipt_id": 7, "status": "paid", "is_paid": True, "updated_timestamp": 1_772_000_000,
        "transactions": [{"transaction_id": 1, "quantity": 2,
                          "price": {"amount": 650, "divisor": 100, "currency_code": "EUR"}}]}  # fmt: skip


class TestEtsy(ChannelContract):
    orders = {"paid": body_of(ETSY), "shipped": body_of(ETSY, is_shipped=True, updated_timestamp=1_772_000_001)}
    facts = {
        "paid": {"order_id": "7", "lines": [{"unit_price": Decimal("6.5"), "open": Decimal(2)}]},
        "shipped": {"lines": [{"open": 0}]},
    }
    webhooks = [standard(body_of({"event_type": "order.paid", "resource_url": "https://x/receipts/7", "shop_id": "1"}), b"abc")]
    pages = [Answer(200, {}, body_of({"count": 1, "results": [ETSY]}))]
    parcel = PARCEL
    answers = [Answer(200, {}, b"{}")]

    def make_channel(self):
        return etsy.Channel("1", secret="whsec_YWJj")


AMAZON = {"orderId": "7", "lastUpdatedTime": "2026-11-23T08:00:00Z", "fulfillment": {"fulfillmentStatus": "UNSHIPPED"},
          "orderItems": [{"orderItemId": "1", "quantityOrdered": 2,
                          "fulfillment": {"quantityFulfilled": 0, "quantityUnfulfilled": 2}}]}  # fmt: skip


class TestAmazon(ChannelContract):
    orders = {"unshipped": body_of(AMAZON), "cancelled": body_of(AMAZON, fulfillment={"fulfillmentStatus": "CANCELLED"})}
    facts = {"unshipped": {"order_id": "7", "lines": [{"open": Decimal(2)}]}, "cancelled": {"cancelled": True}}
    pages = [Answer(200, {}, body_of({"orders": [AMAZON], "pagination": {"nextToken": "x"}})), Answer(200, {}, b'{"orders": []}')]
    parcel = PARCEL
    answers = [Answer(204)]

    def make_channel(self):
        return amazon.Channel("M")


EBAY = {"orderId": "7", "lastModifiedDate": "2026-11-23T08:00:00.000Z", "orderFulfillmentStatus": "NOT_STARTED",
        "lineItems": [{"lineItemId": "1", "quantity": 2, "lineItemFulfillmentStatus": "NOT_STARTED"}]}  # fmt: skip


class TestEbay(ChannelContract):
    orders = {"open": body_of(EBAY), "cancelled": body_of(EBAY, cancelStatus={"cancelState": "CANCELED"})}
    facts = {"open": {"lines": [{"open": Decimal(2)}]}, "cancelled": {"cancelled": True, "lines": [{"open": Decimal(0)}]}}
    pages = [Answer(200, {}, body_of({"orders": [EBAY], "total": 1, "limit": 200, "offset": 0}))]
    parcel = PARCEL
    answers = [Answer(201, {"Location": "https://x/shipping_fulfillment/JD1"})]

    def make_channel(self):
        return ebay.Channel("me")


WOO = {"id": 7, "status": "processing", "currency": "EUR", "date_modified_gmt": "2026-11-23T08:00:00",
       "line_items": [{"id": 1, "quantity": 2, "subtotal": "13.00", "total": "13.00"}]}  # fmt: skip


class TestWooCommerce(ChannelContract):
    orders = {"processing": body_of(WOO), "completed": body_of(WOO, status="completed", date_modified_gmt="2026-11-23T09:00:00")}
    facts = {
        "processing": {"lines": [{"open": Decimal(2), "unit_price": Decimal("6.5")}]},
        "completed": {"lines": [{"open": Decimal(0)}]},
    }
    webhooks = [signed("X-WC-Webhook-Signature", body_of(WOO))]
    pages = [Answer(200, {"X-WP-TotalPages": "1"}, json.dumps([WOO]))]
    parcel = PARCEL
    answers = [Answer(201, {}, b'{"id": 1}')]

    def make_channel(self):
        return woocommerce.Channel("https://s.example", secret="s")


BIG = {"id": 7, "status_id": 11, "date_modified": "Wed, 01 Apr 2026 06:15:00 +0000", "currency_code": "EUR"}
PRODUCTS = [{"id": 1, "quantity": 2, "sku": "S1", "order_address_id": 51}]


class TestBigCommerce(ChannelContract):
    orders = {"open": body_of({"order": BIG, "products": PRODUCTS}), "head": body_of(BIG)}
    facts = {"open": {"order_id": "7", "lines": [{"open": Decimal(2)}]}, "head": {"missing": ("products",)}}
    webhooks = [standard(body_of({"producer": "stores/abcde", "data": {"type": "order", "id": 7}, "hash": "h"}), b"s")]
    pages = [Answer(200, {}, json.dumps([BIG])), Answer(200, {}, json.dumps(PRODUCTS)), Answer(200, {}, b"[]")]
    parcel = PARCEL
    answers = [Answer(200, {}, json.dumps(PRODUCTS)), Answer(201, {}, b'{"id": 5}')]

    def make_channel(self):
        return bigcommerce.Channel("abcde", secret="s")


# -------------------------------------------------------------------------------------------------- who breaks a promise


class Forgetful(shopify.Channel):
    """Does not look at signatures, and falls over what is missing."""

    def read_webhook(self, body, headers):
        return self.read_order(body)

    def read_order(self, body, **more):
        data = json.loads(body) if isinstance(body, bytes | str) else body
        return OrderMessage(channel=self.name, account=self.account, order_id=str(data["id"]))


class Broken(TestShopify):
    __test__ = False

    def make_channel(self):
        return Forgetful("s.example", secret="s", api="rest")


@pytest.mark.parametrize(
    "promise",
    [
        "test_every_order_has_its_facts",
        "test_a_damaged_payload_raises_coded_errors_only",
        "test_a_webhook_that_was_altered_or_is_not_signed_is_refused",
        "test_what_is_no_json_raises_coded_errors_only",
    ],
)
def test_a_channel_that_breaks_a_promise_is_found_out(promise):
    with pytest.raises((AssertionError, KeyError, TypeError, ValueError, pytest.fail.Exception)):
        getattr(Broken(), promise)()
