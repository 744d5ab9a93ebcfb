"""Each channel end to end against a fake of its server, through a real HTTP client: every order once, every shipment once.

The fakes lose answers after they have acted, answer too late, refuse for a while, show orders twice and out of order.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import attrs
import httpx
import pytest

from krafte_core import Item, Workshop, qty
from krafte_core.channels import amazon, bigcommerce, ebay, etsy, shopify, woocommerce
from krafte_core.channels.calls import Answer, Request
from krafte_core.intake import PLACE, Imported, decide, line_ref
from krafte_core.shipping import Shipment, ShipmentLine
from krafte_core.tracking import TrackingEvent
from krafte_core.wire import dumps, loads
from tests.outside.channels import fakes

SKUS = {"S1": "soap", "S2": "salt"}
ORDERS = 12
CASES: dict[str, Any] = {
    "shopify": (shopify.Channel("s.example", skus=SKUS), fakes.Shopify),
    "etsy": (etsy.Channel("1", skus=SKUS), fakes.Etsy),
    "amazon": (amazon.Channel("M", skus=SKUS), fakes.Amazon),
    "shopify rest": (shopify.Channel("s.example", api="rest", skus=SKUS), fakes.ShopifyRest),
    "amazon v0": (amazon.Channel("M", api="v0", skus=SKUS), fakes.AmazonV0),
    "ebay": (ebay.Channel("me", skus=SKUS), fakes.Ebay),
    "woocommerce": (woocommerce.Channel("https://s.example", skus=SKUS), fakes.Woo),
    "bigcommerce": (bigcommerce.Channel("abcde", skus=SKUS), fakes.Big),
}


def asked(client: httpx.Client, request: Request) -> Answer | None:
    """The answer of a real server, or None where none came."""
    try:
        found = client.request(request.method, request.target, headers=dict(request.headers), content=request.content)
    except httpx.TransportError:
        return None
    return Answer(found.status_code, dict(found.headers), found.content)


def polled(client, channel, poll, store, placed):
    """Poll to the end, storing messages before the state, as a host does."""
    while not poll.done:
        step = channel.next_poll(poll, asked(client, poll.request), now=datetime(2026, 11, 23, tzinfo=UTC))
        assert step.refused == ()
        for message in step.messages:
            intake = decide(store.get(message.identity), message)
            if intake.action == PLACE:
                placed.append(message.order_id)
                store[message.identity] = attrs.evolve(intake.imported, order=f"CO-{message.order_id}")
            else:
                store[message.identity] = intake.imported
        poll = loads(dumps(step.poll))  # the host may stop here and go on tomorrow
    return channel.again(poll)


def told(client, channel, shipment, order=None):
    """Tell the channel, storing the plan before each request."""
    plan = channel.plan_fulfillment(shipment, order=order)
    while (request := plan.next_request()) is not None:
        plan = loads(dumps(plan.intending()))
        answer = asked(client, request)
        plan = plan.timed_out() if answer is None else plan.answered(answer)
    return plan


def shipment_of(imported: Imported, tracking: str) -> Shipment:
    known = imported.known
    lines = tuple(
        ShipmentLine(imported.order, line_ref(known.order_id, line.line_id), line.goods[0].item, "L1", qty(f"{line.quantity} each"), 1)
        for line in known.lines
    )
    at = datetime(2026, 11, 23, 12, tzinfo=UTC)
    return Shipment(f"SH-{known.order_id}", "Anna", lines, shipped_at=at, carrier="DHL", tracking=tracking)


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("name", CASES)
def test_every_order_is_imported_once_and_every_shipment_told_once(name, seed):
    channel, kind = CASES[name]
    fake = kind(ORDERS, seed)
    store: dict[str, Imported] = {}
    placed: list[str] = []
    with fakes.Server(fake) as url, httpx.Client(base_url=url, timeout=fakes.SLOW / 2) as client:
        poll = polled(client, channel, channel.first_poll(fakes.START), store, placed)
        polled(client, channel, poll, store, placed)  # overlaps with the first
        plans = [told(client, channel, shipment_of(one, f"JD{one.known.order_id}")) for one in store.values()]

    assert sorted(placed) == sorted(fake.orders)
    assert {
        one.known.order_id: {line.line_id: int(line.quantity) for line in one.known.lines} for one in store.values()
    } == fake.orders
    assert [row.text for plan in plans for row in plan.refused] == []
    told_amounts: dict[str, dict[str, int]] = {}
    for order, lines in fake.sent:
        for line, count in lines:
            told_amounts.setdefault(order, {})[line] = told_amounts.get(order, {}).get(line, 0) + count
    assert told_amounts == fake.orders
    assert {"lost", "busy", "limit", "slow"} <= set(fake.seen), "a run without faults proves nothing"


@pytest.mark.parametrize("name", ["shopify", "ebay", "woocommerce", "bigcommerce"])
def test_a_parcel_without_number_is_told_once_as_well(name):
    channel, kind = CASES[name]
    fake = kind(ORDERS, 3)
    store: dict[str, Imported] = {}
    with fakes.Server(fake) as url, httpx.Client(base_url=url, timeout=fakes.SLOW / 2) as client:
        polled(client, channel, channel.first_poll(fakes.START), store, [])
        plans = [told(client, channel, shipment_of(one, "")) for one in store.values()]

    assert [row.text for plan in plans for row in plan.refused] == []
    assert sum(count for _, lines in fake.sent for _, count in lines) == sum(sum(lines.values()) for lines in fake.orders.values())


@pytest.mark.parametrize("name", CASES)
def test_from_the_shop_through_the_workshop_and_back(name):
    """Orders come in through `import_from`, are confirmed, packed and shipped, and the channel hears of each parcel once."""
    channel, kind = CASES[name]
    fake = kind(ORDERS, 5)
    shop = Workshop.in_memory()
    shop.register(Item("soap", unit="each", packs={"each": "95 g"}), Item("salt", unit="each", packs={"each": "1 kg"}))
    for item in ("soap", "salt"):
        shop.stock.receive(item, "1000 each", lot="L-1")
    with fakes.Server(fake) as url, httpx.Client(base_url=url, timeout=fakes.SLOW / 2) as client:
        poll = imported(client, channel, channel.first_poll(fakes.START), shop)
        for order in shop.orders.find():
            shop.orders.confirm(order, when_short="refuse")
            shipment = shop.shipping.pack(shop.shipping.ship(order, carrier="DHL", tracking=f"JD{order.number}"))
            known = shop.orders.imported(order.source).known
            assert told(client, channel, shipment, known).refused == ()
            there = [TrackingEvent(number, "OK", "2026-11-25T09:00Z", kind="delivered") for number in shipment.numbers]
            shop.shipping.track(shipment, there)
        imported(client, channel, poll, shop)

    sums: dict[str, dict[str, int]] = {}
    for order, lines in fake.sent:
        for line, count in lines:
            sums.setdefault(order, {})[line] = sums.get(order, {}).get(line, 0) + count
    assert sums == fake.orders
    assert len(shop.orders.find()) == len(shop.orders.imports()) == ORDERS
    assert {shop.orders.status(order).value for order in shop.orders.find()} == {"delivered"}
    shop.verify()


def imported(client, channel, poll, shop):
    """Poll to the end and take everything in."""
    while not poll.done:
        step = channel.next_poll(poll, asked(client, poll.request), now=datetime(2026, 11, 23, tzinfo=UTC))
        assert step.refused == ()
        for message in step.messages:
            shop.orders.import_from(message)
        poll = loads(dumps(step.poll))
    return channel.again(poll)


def test_purchase_orders_of_a_vendor_are_read_once_and_acknowledged():
    channel, fake = amazon.Channel("M", api="vendor", party="P", skus=SKUS), fakes.Vendor(ORDERS, 7)
    store: dict[str, Imported] = {}
    placed: list[str] = []
    with fakes.Server(fake) as url, httpx.Client(base_url=url, timeout=fakes.SLOW / 2) as client:
        polled(client, channel, channel.first_poll(fakes.START), store, placed)
        for one in store.values():
            plan = channel.plan_acknowledgement(one.known, at=datetime(2026, 11, 23, tzinfo=UTC))
            while (request := plan.next_request()) is not None:
                answer = asked(client, request)
                plan = plan.timed_out() if answer is None else plan.answered(answer)
            assert plan.refused == ()

    assert sorted(placed) == sorted(fake.orders)
    assert {order for order, _ in fake.packages} == {*fake.orders}
