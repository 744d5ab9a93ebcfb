"""Reading orders of all six channels against `json.loads` of the same bytes: the budget is 10 times.

    python -m benchmarks channels [--orders 10000]

The orders are made here, in the shape and with the fields that the channels really send; some of the lines are matched to goods.
Each side reads all of them, the best of some rounds. `ratio` is over all channels together, `by_channel` tells them apart, and
`floor_us` and `own_us` are per order.
"""

from __future__ import annotations

import argparse
import gc
import json
import time
from collections.abc import Callable, Sequence
from typing import Any

ROUNDS = 5
AT = "2026-11-23T09:15:00+01:00"
ADDRESS = {
    "first_name": "Anna",
    "last_name": "Kundin",
    "company": None,
    "address1": "Musterweg 12",
    "address2": "",
    "city": "Graz",
    "zip": "8010",
    "province": None,
    "province_code": None,
    "country": "Austria",
    "country_code": "AT",
    "phone": "+43 1 23456",
    "name": "Anna Kundin",
    "latitude": 47.07,
    "longitude": 15.43,
}


def money(amount: str) -> dict[str, Any]:
    """A pair of amounts as Shopify sends it with nearly every field."""
    row = {"amount": amount, "currency_code": "EUR"}
    return {"shop_money": row, "presentment_money": row}


def shopify(number: int) -> dict[str, Any]:
    """A webhook of REST shape with three lines."""
    lines = [
        {
            "id": 10_000 + 10 * number + place,
            "variant_id": 45_000 + place,
            "product_id": 80_000 + place,
            "sku": f"SOAP-{place}",
            "title": "Lavendelseife",
            "variant_title": "100 g",
            "quantity": 3,
            "current_quantity": 3,
            "fulfillable_quantity": 3,
            "price": "6.50",
            "price_set": money("6.50"),
            "requires_shipping": True,
            "gift_card": False,
            "taxable": True,
            "grams": 100,
            "vendor": "Seife",
            "fulfillment_service": "manual",
            "fulfillment_status": None,
            "name": "Lavendelseife - 100 g",
            "properties": [{"name": "Gravur", "value": "Für Mama"}],
            "total_discount": "0.00",
            "total_discount_set": money("0.00"),
            "discount_allocations": [{"amount": "1.25", "amount_set": money("1.25"), "discount_application_index": 0}],
            "tax_lines": [{"title": "USt", "price": "3.25", "price_set": money("3.25"), "rate": 0.2}],
            "duties": [],
        }
        for place in range(3)
    ]
    return {
        "id": 820_982_911_946_000_000 + number,
        "admin_graphql_api_id": f"gid://shopify/Order/{number}",
        "name": f"#{number}",
        "order_number": number,
        "created_at": AT,
        "processed_at": AT,
        "updated_at": AT,
        "cancelled_at": None,
        "currency": "EUR",
        "presentment_currency": "EUR",
        "taxes_included": True,
        "test": False,
        "financial_status": "paid",
        "fulfillment_status": None,
        "note": "Bitte klingeln",
        "note_attributes": [],
        "email": "anna@example.org",
        "total_discounts": "3.75",
        "total_tax": "9.75",
        "total_price": "20.65",
        "total_price_set": money("20.65"),
        "current_total_price": "20.65",
        "subtotal_price": "15.75",
        "subtotal_price_set": money("15.75"),
        "total_shipping_price_set": money("4.90"),
        "total_tip_received": "0.00",
        "shipping_address": ADDRESS,
        "billing_address": ADDRESS,
        "customer": {"id": 7, "email": "anna@example.org", "default_address": ADDRESS},
        "shipping_lines": [{"id": 1, "title": "Paket", "price": "4.90", "price_set": money("4.90"), "tax_lines": []}],
        "refunds": [],
        "fulfillments": [],
        "line_items": lines,
        "tax_lines": [{"price": "9.75", "price_set": money("9.75"), "rate": 0.2}],
        "client_details": {"browser_ip": "192.0.2.1", "user_agent": "Mozilla/5.0 (X11; Linux x86_64)", "session_hash": None},
    }


def etsy(number: int) -> dict[str, Any]:
    """A receipt with two lines."""

    def cents(amount: int) -> dict[str, Any]:
        return {"amount": amount, "divisor": 100, "currency_code": "EUR"}

    lines = [
        {
            "transaction_id": 40 * number + place,
            "title": "Soap bar &amp; dish",
            "description": "Hand made.",
            "seller_user_id": 7,
            "buyer_user_id": 8,
            "create_timestamp": 1_772_000_000,
            "created_timestamp": 1_772_000_000,
            "paid_timestamp": 1_772_000_014,
            "shipped_timestamp": None,
            "quantity": 2,
            "listing_image_id": 9,
            "receipt_id": number,
            "is_digital": False,
            "file_data": "",
            "listing_id": 15 + place,
            "sku": f"SOAP-{place}",
            "product_id": 17 + place,
            "transaction_type": "listing",
            "price": cents(850),
            "shipping_cost": cents(0),
            "variations": [
                {"property_id": 200, "formatted_name": "Color", "formatted_value": "Black"},
                {"property_id": 54, "formatted_name": "Personalization", "formatted_value": "A.B"},
            ],
            "product_data": [],
            "expected_ship_date": 1_772_345_600,
            "buyer_coupon": 1.1,
            "shop_coupon": 1.1,
        }
        for place in range(2)
    ]
    return {
        "receipt_id": number,
        "receipt_type": 0,
        "seller_user_id": 7,
        "seller_email": "s@example.org",
        "buyer_user_id": 8,
        "buyer_email": "b@example.org",
        "name": "Anna Kundin",
        "first_line": "Musterweg 1",
        "second_line": None,
        "city": "Graz",
        "state": "",
        "zip": "8010",
        "status": "Paid",
        "formatted_address": "Anna Kundin\nMusterweg 1\nGraz",
        "country_iso": "AT",
        "payment_method": "cc",
        "message_from_buyer": "",
        "is_shipped": False,
        "is_paid": True,
        "created_timestamp": 1_772_000_000,
        "updated_timestamp": 1_772_000_000 + number,
        "is_gift": False,
        "gift_message": "",
        "grandtotal": cents(3400),
        "subtotal": cents(3400),
        "total_price": cents(3400),
        "total_shipping_cost": cents(0),
        "total_tax_cost": cents(0),
        "total_vat_cost": cents(0),
        "discount_amt": cents(0),
        "gift_wrap_price": cents(0),
        "shipments": [],
        "transactions": lines,
        "refunds": [],
    }


def amazon(number: int) -> dict[str, Any]:
    """An order of 2026-01-01 with two items."""

    def euro(amount: str) -> dict[str, str]:
        return {"amount": amount, "currencyCode": "EUR"}

    items = [
        {
            "orderItemId": f"9{number:012d}{place}",
            "quantityOrdered": 2,
            "product": {
                "asin": f"B0TEST000{place}",
                "title": "Lavendelseife 100 g",
                "sellerSku": f"SOAP-{place}",
                "condition": {"conditionType": "NEW", "conditionSubtype": "NEW"},
                "price": {"unitPrice": euro("6.50")},
            },
            "proceeds": {
                "proceedsTotal": euro("13.00"),
                "breakdowns": [{"type": "ITEM", "subtotal": euro("13.00")}, {"type": "TAX", "subtotal": euro("2.08")}],
            },
            "fulfillment": {"quantityFulfilled": 0, "quantityUnfulfilled": 2},
        }
        for place in range(2)
    ]
    where = {"name": "Anna Kundin", "addressLine1": "Musterweg 1", "city": "Leipzig", "postalCode": "04109", "countryCode": "DE"}
    return {
        "orderId": f"306-{number:07d}-0000001",
        "createdTime": "2026-10-24T22:15:03Z",
        "lastUpdatedTime": "2026-10-27T07:45:00Z",
        "salesChannel": {"channelName": "AMAZON", "marketplaceId": "A1PA6795UKMFR9", "marketplaceName": "Amazon.de"},
        "buyer": {"buyerName": "Anna Kundin", "buyerEmail": "x@marketplace.example"},
        "recipient": {"deliveryAddress": where},
        "proceeds": {"grandTotal": euro("30.16")},
        "orderItems": items,
        "packages": [],
        "fulfillment": {
            "fulfillmentStatus": "UNSHIPPED",
            "fulfilledBy": "MERCHANT",
            "fulfillmentServiceLevel": "STANDARD",
            "shipByWindow": {"earliestDateTime": "2026-10-25T23:00:00Z", "latestDateTime": "2026-10-28T22:59:59Z"},
            "deliverByWindow": {"earliestDateTime": "2026-10-29T23:00:00Z", "latestDateTime": "2026-11-02T22:59:59Z"},
        },
    }


def ebay(number: int) -> dict[str, Any]:
    """An order with two lines in a converted currency."""

    def dollar(amount: str) -> dict[str, str]:
        return {"value": "10.63", "currency": "USD", "convertedFromValue": amount, "convertedFromCurrency": "EUR"}

    lines = [
        {
            "lineItemId": f"1{number:09d}{place}",
            "legacyItemId": f"11{place}",
            "legacyVariationId": f"41{place}",
            "sku": f"SOAP-{place}",
            "title": "Rosenseife",
            "lineItemCost": dollar("19.90"),
            "quantity": 2,
            "soldFormat": "FIXED_PRICE",
            "listingMarketplaceId": "EBAY_DE",
            "purchaseMarketplaceId": "EBAY_DE",
            "lineItemFulfillmentStatus": "NOT_STARTED",
            "total": dollar("19.90"),
            "deliveryCost": {"shippingCost": dollar("0.0")},
            "appliedPromotions": [],
            "taxes": [],
            "variationAspects": [{"name": "Duft", "value": "Rose"}],
            "lineItemFulfillmentInstructions": {
                "minEstimatedDeliveryDate": "2026-10-05T22:00:00.000Z",
                "guaranteedDelivery": False,
                "maxEstimatedDeliveryDate": "2026-10-07T22:00:00.000Z",
                "shipByDate": "2026-10-02T21:59:59.000Z",
            },
        }
        for place in range(2)
    ]
    to = {
        "fullName": "Anna Kundin",
        "contactAddress": {"addressLine1": "Musterweg 1", "city": "Berlin", "postalCode": "10115", "countryCode": "DE"},
        "primaryPhone": {},
    }
    return {
        "orderId": f"12-{number:05d}-00001",
        "legacyOrderId": f"{number}-0",
        "creationDate": "2026-09-30T22:30:00.000Z",
        "lastModifiedDate": "2026-10-02T08:00:00.000Z",
        "orderFulfillmentStatus": "NOT_STARTED",
        "orderPaymentStatus": "PAID",
        "sellerId": "me",
        "buyer": {"username": "anna", "taxAddress": {"postalCode": "10115", "countryCode": "DE"}},
        "pricingSummary": {"priceSubtotal": dollar("39.80"), "deliveryCost": dollar("4.99"), "total": dollar("44.79")},
        "cancelStatus": {"cancelState": "NONE_REQUESTED", "cancelRequests": []},
        "fulfillmentHrefs": [],
        "lineItems": lines,
        "paymentSummary": {
            "totalDueSeller": dollar("40.00"),
            "refunds": [],
            "payments": [{"paymentMethod": "EBAY", "amount": dollar("40.00"), "paymentStatus": "PAID"}],
        },
        "salesRecordReference": str(number),
        "fulfillmentStartInstructions": [
            {
                "fulfillmentInstructionsType": "SHIP_TO",
                "maxEstimatedDeliveryDate": "2026-10-07T22:00:00.000Z",
                "ebaySupportedFulfillment": False,
                "shippingStep": {"shipTo": to, "shippingCarrierCode": "DHL"},
            }
        ],
    }


def woocommerce(number: int) -> dict[str, Any]:
    """An order with two lines."""
    where = {
        "first_name": "Anna",
        "last_name": "Kundin",
        "company": "",
        "address_1": "Musterweg 1",
        "address_2": "",
        "city": "Graz",
        "state": "",
        "postcode": "8010",
        "country": "AT",
    }
    lines = [
        {
            "id": 10 * number + place,
            "name": "Lavendelseife",
            "product_id": 93 + place,
            "variation_id": 0,
            "quantity": 2,
            "tax_class": "",
            "subtotal": "12.00",
            "subtotal_tax": "2.40",
            "total": "12.00",
            "total_tax": "2.40",
            "taxes": [{"id": 75, "total": "2.4"}],
            "meta_data": [{"id": 1, "key": "pa_color", "value": "black"}],
            "sku": f"SOAP-{place}",
            "price": 6,
        }
        for place in range(2)
    ]
    return {
        "id": number,
        "parent_id": 0,
        "number": str(number),
        "order_key": "wc_order_x",
        "created_via": "checkout",
        "version": "10.1.0",
        "status": "processing",
        "currency": "EUR",
        "date_created": "2026-03-22T16:28:02",
        "date_created_gmt": "2026-03-22T15:28:02",
        "date_modified": "2026-03-22T16:28:08",
        "date_modified_gmt": "2026-03-22T15:28:08",
        "discount_total": "0.00",
        "discount_tax": "0.00",
        "shipping_total": "4.90",
        "shipping_tax": "0.00",
        "cart_tax": "4.80",
        "total": "33.70",
        "total_tax": "4.80",
        "prices_include_tax": False,
        "customer_id": 7,
        "customer_note": "",
        "billing": {**where, "email": "a@b.example"},
        "shipping": where,
        "payment_method": "stripe",
        "payment_method_title": "Credit card",
        "transaction_id": "",
        "meta_data": [],
        "line_items": lines,
        "tax_lines": [],
        "shipping_lines": [{"id": 3, "method_title": "Paket", "total": "4.90", "meta_data": []}],
        "fee_lines": [],
        "coupon_lines": [],
        "refunds": [],
    }


def bigcommerce(number: int) -> dict[str, Any]:
    """An order with its products and its address."""
    products = [
        {
            "id": 10 * number + place,
            "order_id": number,
            "product_id": 77 + place,
            "variant_id": 14,
            "order_address_id": 51,
            "name": "Lavender soap",
            "sku": f"SOAP-{place}",
            "type": "physical",
            "base_price": "8.5000",
            "price_ex_tax": "7.0833",
            "price_inc_tax": "8.5000",
            "price_tax": "1.4167",
            "base_total": "17.0000",
            "total_ex_tax": "14.1666",
            "total_inc_tax": "17.0000",
            "total_tax": "2.8334",
            "weight": "0.1000",
            "quantity": 2,
            "is_refunded": False,
            "quantity_refunded": 0,
            "quantity_shipped": 0,
            "parent_order_product_id": None,
            "is_bundled_product": False,
            "applied_discounts": [],
            "cost_price_inc_tax": "0.0000",
            "product_options": [{"id": 1, "display_name": "Engraving", "display_value": "Für Oma"}],
        }
        for place in range(2)
    ]
    order = {
        "id": number,
        "customer_id": 11,
        "date_created": "Sun, 29 Mar 2026 00:30:00 +0000",
        "date_modified": "Wed, 01 Apr 2026 06:15:00 +0000",
        "status_id": 11,
        "status": "Awaiting Fulfillment",
        "subtotal_inc_tax": "34.0000",
        "base_shipping_cost": "6.9000",
        "discount_amount": "0.0000",
        "coupon_discount": "0.0000",
        "total_tax": "6.8000",
        "total_inc_tax": "40.9000",
        "refunded_amount": "0.0000",
        "is_tax_inclusive_pricing": True,
        "currency_code": "EUR",
        "default_currency_code": "EUR",
        "currency_exchange_rate": "1.0000000000",
        "order_is_digital": False,
        "payment_method": "Cash",
        "customer_message": "",
        "billing_address": {"first_name": "Anna", "last_name": "Kundin", "country_iso2": "AT", "email": "anna@example.org"},
    }
    place = {
        "id": 51,
        "order_id": number,
        "first_name": "Anna",
        "last_name": "Kundin",
        "street_1": "Musterweg 1",
        "city": "Graz",
        "zip": "8010",
        "country_iso2": "AT",
        "items_total": 4,
        "items_shipped": 0,
    }
    return {"order": order, "products": products, "shipping_addresses": [place]}


MAKERS: dict[str, Callable[[int], dict[str, Any]]] = {
    "shopify": shopify,
    "etsy": etsy,
    "amazon": amazon,
    "ebay": ebay,
    "woocommerce": woocommerce,
    "bigcommerce": bigcommerce,
}


def best(read: Callable[[bytes], Any], bodies: Sequence[bytes]) -> float:
    """CPU seconds for all bodies, the best of some rounds."""
    spent = []
    for _ in range(ROUNDS):
        gc.collect()
        start = time.process_time()
        for body in bodies:
            read(body)
        spent.append(time.process_time() - start)
    return min(spent)


def main(argv: list[str]) -> dict[str, Any]:
    """Read all orders on both sides."""
    from importlib import import_module

    parser = argparse.ArgumentParser(prog="channels")
    parser.add_argument("--orders", type=int, default=10_000)
    orders = parser.parse_args(argv).orders
    own, floor = {}, {}
    for name, make in MAKERS.items():
        count = max(orders // len(MAKERS), 1)
        bodies = [json.dumps(make(number), ensure_ascii=False).encode() for number in range(1_000, 1_000 + count)]
        channel = import_module(f"krafte_core.channels.{name}").Channel("account", skus={"SOAP-0": "soap"})
        message = channel.read_order(bodies[0])
        if not message.demands or not message.lines or not message.lines[0].goods:
            raise SystemExit(f"{name}: the order is not what it should be")
        own[name] = best(channel.read_order, bodies) / count * 1e6
        floor[name] = best(json.loads, bodies) / count * 1e6
    total = sum(own.values()) / sum(floor.values())
    return {
        "ratio": round(total, 2),
        "by_channel": {name: round(own[name] / floor[name], 2) for name in MAKERS},
        "own_us": {name: round(us, 1) for name, us in own.items()},
        "floor_us": {name: round(us, 1) for name, us in floor.items()},
    }
