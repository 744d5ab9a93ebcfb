"""Webhooks: the shared vectors, and every way to forge, replay or break one."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from krafte_core.channels import (
    BadPayload,
    BadSignature,
    ChannelError,
    Replayed,
    WrongAccount,
    bigcommerce,
    ebay,
    etsy,
    shopify,
    woocommerce,
)
from krafte_core.channels.signing import check_hmac, check_standard, headers_of, standard_key
from krafte_core.errors import InvalidInput
from krafte_core.incoming import Notice
from tests.support import needs_shared

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ORDER = {"id": 7, "updated_at": "2026-11-23T09:15:00+01:00", "currency": "EUR", "line_items": [{"id": 1, "quantity": 2, "sku": "A"}]}


def vectors():
    return json.loads(needs_shared("channels", "webhook_vectors.json").read_text(encoding="utf-8"))


def ebay_vectors():
    return json.loads(needs_shared("channels", "ebay", "signed_notifications.json").read_text(encoding="utf-8"))["vectors"]


def signed(body: bytes, secret: str = "s", **headers: str) -> dict[str, str]:
    signature = base64.b64encode(hmac.digest(secret.encode(), body, hashlib.sha256)).decode()
    return {"X-Shopify-Hmac-Sha256": signature, "X-Shopify-Topic": "orders/updated", **headers}


def test_every_shared_vector_is_judged_as_it_was_written_down():
    judged = {}
    for vector in vectors():
        if vector.get("kind") == "endpoint_challenge":
            answer = ebay.Channel("me").challenge(
                vector["challenge_code"], token=vector["verification_token"], endpoint=vector["endpoint"]
            )
            assert answer == vector["expect"]
            continue
        body, headers, secret = vector["body"].encode(), headers_of(vector["headers"]), vector["secret"]
        at = datetime.fromtimestamp(vector.get("now", 0), UTC)
        try:
            if vector["channel"] in {"shopify", "woocommerce"}:
                name = {"shopify": "x-shopify-hmac-sha256", "woocommerce": "x-wc-webhook-signature"}[vector["channel"]]
                check_hmac(vector["channel"], body, headers.get(name), [secret])
            else:
                key = standard_key(secret) if vector["channel"] == "etsy" else secret.encode()
                check_standard(vector["channel"], body, headers, [key], at)
            judged[vector["id"]] = True
        except (BadSignature, Replayed):
            judged[vector["id"]] = False

    assert judged == {vector["id"]: vector["valid"] for vector in vectors() if "valid" in vector}


@pytest.mark.parametrize("vector", range(5))
def test_notifications_of_ebay_are_checked_by_their_public_key(vector):
    row = ebay_vectors()[vector]
    channel, body = ebay.Channel("me"), row["body"].encode()

    if row["valid"]:
        notice = channel.read_webhook(body, row["headers"], public_key=row["public_key"]["key"])
        assert notice.topic in {"MARKETPLACE_ACCOUNT_DELETION", "TEST_TOPIC"}
    else:
        with pytest.raises(BadSignature):
            channel.read_webhook(body, row["headers"], public_key=row["public_key"]["key"])


def test_thin_webhooks_ask_for_a_fetch():
    rows = {vector["id"]: vector for vector in vectors()}
    told = rows["etsy-ok"], rows["bigcommerce-ok"]
    at = datetime.fromtimestamp(1767225660, UTC)
    first = etsy.Channel("12345678", secret=told[0]["secret"]).read_webhook(told[0]["body"].encode(), told[0]["headers"], now=at)
    second = bigcommerce.Channel("abcde", secret=told[1]["secret"]).read_webhook(told[1]["body"].encode(), told[1]["headers"], now=at)

    assert (first.kind, first.order_id, first.topic) == ("fetch", "3000000001", "order.paid")
    assert (second.kind, second.order_id, second.event_id) == ("fetch", "173331", "3f9ea420af83450d7ef9f78b08c8af25b2213637")
    assert etsy.Channel("12345678").fetch(first.order_id).path.endswith("/receipts/3000000001")


def test_the_old_and_the_new_secret_are_good_while_a_secret_is_changed():
    body = json.dumps(ORDER).encode()
    channel = shopify.Channel("seife.example", secret=["new", "old"])

    assert channel.read_webhook(body, signed(body, "old")).order_id == "7"
    assert channel.read_webhook(body, signed(body, "new")).order_id == "7"
    with pytest.raises(BadSignature):
        channel.read_webhook(body, signed(body, "older"))


def test_a_forged_body_is_not_even_parsed():
    with pytest.raises(BadSignature):
        shopify.Channel("seife.example", secret="s").read_webhook(b"[" * 1_000_000, signed(b""))


def test_text_instead_of_bytes_is_refused():
    with pytest.raises(ChannelError):
        shopify.Channel("seife.example", secret="s").read_webhook(json.dumps(ORDER), {})


def test_an_order_for_another_account_is_refused():
    body = json.dumps(ORDER).encode()
    with pytest.raises(WrongAccount) as caught:
        shopify.Channel("seife.example", secret="s").read_webhook(body, signed(body, **{"X-Shopify-Shop-Domain": "other.example"}))
    assert caught.value.given == "other.example"


def test_a_channel_without_secret_reads_no_webhook():
    with pytest.raises(ChannelError):
        shopify.Channel("seife.example").read_webhook(b"{}", signed(b"{}"))
    with pytest.raises(InvalidInput):
        shopify.Channel("seife.example", secret=["a", ""])


@pytest.mark.parametrize("off", [timedelta(minutes=6), timedelta(minutes=-6)])
def test_a_recording_is_refused(off):
    row = next(vector for vector in vectors() if vector["id"] == "bigcommerce-ok")
    at = datetime.fromtimestamp(1767225600, UTC) + off
    with pytest.raises(Replayed):
        bigcommerce.Channel("abcde", secret=row["secret"]).read_webhook(row["body"].encode(), row["headers"], now=at)


def test_the_ping_of_a_new_webhook_makes_nothing():
    notice = woocommerce.Channel("https://shop.example", secret="s").read_webhook(b"webhook_id=4", {})

    assert isinstance(notice, Notice)
    assert notice.kind == "ping"


def test_a_secret_with_entities_is_decoded_as_the_shop_does():
    body = b'{"id": 5}'
    signature = base64.b64encode(hmac.digest(b"a&b", body, hashlib.sha256)).decode()
    notice = woocommerce.Channel("https://s.example", secret="a&amp;b").read_webhook(body, {"X-WC-Webhook-Signature": signature})

    assert (notice.kind, notice.order_id) == ("deleted", "5")


def test_a_refund_of_the_webhook_names_its_order():
    refund = {"id": 1, "order_id": 7, "refund_line_items": [{"line_item_id": 3, "quantity": 1}], "transactions": []}
    body = json.dumps(refund).encode()
    notice = shopify.Channel("s.example", secret="s").read_webhook(body, signed(body, **{"X-Shopify-Topic": "refunds/create"}))

    assert (notice.kind, notice.order_id, [line for line, _ in notice.refunds[0].lines]) == ("fetch", "7", ["3"])


@given(st.binary(max_size=60), st.dictionaries(st.text(max_size=12), st.text(max_size=40), max_size=3))
def test_whatever_comes_in_only_coded_errors_come_out(body, headers):
    channels = (shopify.Channel("a", secret="s"), woocommerce.Channel("a", secret="s"))
    for channel in channels:
        name = "X-Shopify-Hmac-Sha256" if channel.name == "shopify" else "X-WC-Webhook-Signature"
        good = base64.b64encode(hmac.digest(b"s", body, hashlib.sha256)).decode()
        for given_headers in (headers, {**headers, name: good}):
            with contextlib.suppress(ChannelError):
                channel.read_webhook(body, given_headers)
    for other in (etsy.Channel("a", secret="whsec_YWJj"), bigcommerce.Channel("a", secret="s")):
        with pytest.raises((BadSignature, Replayed, BadPayload)):
            other.read_webhook(body, {**headers, "webhook-signature": "v1,abc"}, now=NOW)
    with pytest.raises(BadSignature):
        ebay.Channel("a").read_webhook(body, headers, public_key="none")
