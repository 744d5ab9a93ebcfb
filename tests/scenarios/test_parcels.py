"""Parcels: packed by lot, weighed from their items, followed on their way, delivered once."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from krafte_core import Item, OrderLine, Workshop, qty
from krafte_core.errors import InvalidInput, NotAllowed, TooMuch, Unknown
from krafte_core.events import OrderDelivered
from krafte_core.exports.news import message_of, whereabouts
from krafte_core.packing import Box, packed, weight_of
from krafte_core.shipping import ShipmentLine
from krafte_core.tracking import KINDS, TrackingEvent, arrived, journey
from tests.scenarios.day import candle_shop, confirmed

ITEMS = (
    Item("soap", unit="each", packs={"each": "95.5 g"}),
    Item("salt", unit="g"),
    Item("oil", unit="L", density="0.915 kg/L"),
    Item("card", unit="each"),
    Item("carton", unit="each", packs={"each": "120 g"}),
)


def shipped(lines=(("soap", "5 each"), ("salt", "250 g")), **told):
    """An order that has left, the soap from two lots."""
    shop = Workshop.in_memory()
    shop.register(*ITEMS)
    for lot, amount in (("S-1", "3 each"), ("S-2", "9 each")):
        shop.stock.receive("soap", amount, lot=lot)
    for item in ("salt", "oil", "card"):
        shop.stock.receive(item, "900 g" if item == "salt" else "9 L" if item == "oil" else "9 each", lot="T-1")
    order = shop.orders.place(customer="Anna", lines=[OrderLine(*line) for line in lines])
    shop.orders.confirm(order)
    return shop, order, shop.shipping.ship(order, carrier="Post", **({"tracking": "JD1"} | told))


def contents(package):
    return [(line.item, line.lot, str(line.amount)) for line in package.lines]


def test_one_box_holds_everything_and_weighs_what_its_items_and_its_carton_weigh():
    shop, _, shipment = shipped()
    (package,) = shop.shipping.pack(shipment, [Box(packaging={"carton": "1 each"})]).packages

    assert contents(package) == [("soap", "S-1", "3 each"), ("soap", "S-2", "2 each"), ("salt", "T-1", "250 g")]
    assert str(package.weight) == "0.848 kg"  # 5 x 95.5 g + 250 g + 120 g = 847.5 g, rounded up once
    assert shop.shipping.get(shipment).packages == (package,)


def test_several_boxes_hold_each_lot_exactly_once():
    shop, _, shipment = shipped()
    boxes = [Box({"soap": "4 each"}, tracking="JD1"), Box(tracking="JD2", weight="1.2 kg")]
    first, second = shop.shipping.pack(shipment, boxes).packages

    assert contents(first) == [("soap", "S-1", "3 each"), ("soap", "S-2", "1 each")]
    assert contents(second) == [("soap", "S-2", "1 each"), ("salt", "T-1", "250 g")]
    assert (str(second.weight), shop.shipping.get(shipment).numbers) == ("1.2 kg", ("JD1", "JD2"))
    again = shop.shipping.pack(shipment, [Box({"soap S-2": "2 each"}), Box()])
    assert contents(again.packages[0]) == [("soap", "S-2", "2 each")]


@pytest.mark.parametrize(
    ("boxes", "error"),
    [
        ([Box({"soap": "5 each"})], InvalidInput),
        ([Box({"soap": "6 each"}), Box()], TooMuch),
        ([Box(), Box()], InvalidInput),
        ([Box({"soap": "5 each", "salt": "250 g"}), Box()], InvalidInput),
        ([Box({"candle": "1 each"}), Box()], InvalidInput),
        ([Box(packaging={"cartoon": "1 each"})], Unknown),
    ],
    ids=["salt in no box", "too much", "two for the rest", "an empty box", "what did not leave", "an unknown carton"],
)
def test_boxes_that_do_not_hold_exactly_what_left_are_refused(boxes, error):
    shop, _, shipment = shipped()
    with pytest.raises(error):
        shop.shipping.pack(shipment, boxes)
    assert shop.shipping.get(shipment).packages == ()


def test_items_that_do_not_say_what_they_weigh_are_named_all_of_them():
    shop, _, shipment = shipped([("card", "2 each"), ("soap", "1 each")])
    with pytest.raises(InvalidInput) as caught:
        shop.shipping.pack(shipment)
    assert caught.value.given == "card"
    assert shop.shipping.pack(shipment, weigh=False).packages[0].weight is None
    assert str(shop.shipping.pack(shipment, [Box(weight="105 g")]).packages[0].weight) == "105 g"


def test_a_litre_weighs_by_its_density():
    assert weight_of([("oil", ITEMS[2].steps("2 L"))], {"oil": ITEMS[2]}) == qty("1.83 kg")


def cut(data, steps):
    """Cut points of a whole into boxes."""
    points = sorted(data.draw(st.sets(st.integers(1, steps - 1), max_size=4))) if steps > 1 else []
    return [after - before for before, after in itertools.pairwise([0, *points, steps])]


@given(st.lists(st.integers(1, 50), min_size=1, max_size=4), st.data())
def test_boxes_add_up_to_what_left_to_the_step_and_to_its_lots(lots, data):
    item = ITEMS[0]
    lines = [ShipmentLine("CO-1", "1", "soap", f"S-{at}", item.quantity(steps), steps) for at, steps in enumerate(lots)]
    sizes = cut(data, sum(lots))
    boxes = [Box({"soap": f"{steps} each"}) for steps in sizes]
    packages = packed(lines, boxes, {"soap": item})

    sums: dict[str, int] = {}
    for package in packages:
        for line in package.lines:
            sums[line.lot] = sums.get(line.lot, 0) + line.steps
    assert sums == {line.lot: line.steps for line in lines}
    assert [sum(line.steps for line in package.lines) for package in packages] == sizes


# -------------------------------------------------------------------------------------------------------------- on its way

WAY = [
    TrackingEvent("JD1", "ACC", "2026-11-23T16:00Z", kind="collected", place="Graz"),
    TrackingEvent("JD1", "X9", "2026-11-23T20:00Z"),
    TrackingEvent("JD1", "OUT", "2026-11-24T07:00Z", kind="out for delivery"),
    TrackingEvent("JD1", "DEL", "2026-11-24T09:30Z", kind="delivered", text="in the hallway"),
]


def test_the_last_event_delivers_the_order_and_the_customer_is_told_once():
    shop, order, shipment = shipped()
    heard = []
    shop.subscribe("news", heard.append, since="now")
    on_the_way = shop.shipping.track(shipment, WAY[:3])
    there = shop.shipping.track(shipment, WAY)
    again = shop.shipping.track(shipment, WAY)
    shop.deliver_events()

    assert (on_the_way.state, on_the_way.unknown, on_the_way.orders) == ("shipped", ("X9",), ())
    assert (there.state, [event.code for event in there.new], there.orders) == ("delivered", ["DEL"], (order.number,))
    assert (again.state, again.new, again.events) == ("delivered", (), ())
    assert shop.orders.status(order).value == "delivered"
    assert [event.code for event in shop.shipping.journey(shipment)] == ["ACC", "X9", "OUT", "DEL"]
    delivered = [event for event in heard if isinstance(event, OrderDelivered)]
    assert [message_of(event).kind for event in delivered] == ["delivered"]
    shop.verify()


def test_events_in_any_order_and_number_end_in_the_same_journey():
    ends = set()
    for some in itertools.permutations(WAY):
        shop, order, shipment = shipped()
        for event in (*some, some[0]):
            shop.shipping.track(shipment, [event])
        ends.add((shop.shipping.journey(shipment), shop.orders.status(order)))
    assert len(ends) == 1


def test_a_shipment_has_arrived_when_its_last_parcel_has():
    shop, order, shipment = shipped()
    shop.shipping.pack(shipment, [Box({"soap": "4 each"}, tracking="JD1"), Box(tracking="JD2")])
    first = shop.shipping.track(shipment, WAY)
    last = shop.shipping.track(shipment, [TrackingEvent("JD2", "DEL", "2026-11-25T09:30Z", kind="delivered")])

    assert (first.state, last.state) == ("shipped", "delivered")
    assert shop.orders.history(order)
    with pytest.raises(NotAllowed):
        shop.shipping.pack(shipment)


def test_a_parcel_that_comes_back_is_not_delivered_and_is_named():
    shop, order, shipment = shipped()
    back = TrackingEvent("JD1", "RET", "2026-11-28T09:30Z", kind="returned")
    done = shop.shipping.track(shipment, [*WAY[:3], back])

    assert (done.state, done.returned) == ("shipped", ("JD1",))
    assert shop.orders.status(order).value == "shipped"


def test_events_of_another_parcel_are_refused():
    shop, _, shipment = shipped()
    with pytest.raises(InvalidInput) as caught:
        shop.shipping.track(shipment, [TrackingEvent("JD7", "DEL", "2026-11-25T09:30Z")])
    assert caught.value.given == "JD7"
    other, _, unnumbered = shipped(tracking="")
    with pytest.raises(InvalidInput):
        other.shipping.track(unnumbered, WAY)
    for wrong in ({"kind": "teleported"}, {"text": "\x00"}):
        with pytest.raises(InvalidInput):
            TrackingEvent("JD1", "A", "2026-11-25T09:30Z", **wrong)


def test_the_page_for_customers_shows_the_way_of_each_parcel_and_nothing_of_the_workshop():
    shop, order, shipment = shipped()
    shop.shipping.pack(shipment, [Box({"soap": "4 each"}, tracking="JD1"), Box(tracking="JD2")])
    shop.orders.hold(order, reason="secret of the workshop")
    shop.shipping.track(shipment, WAY[:3])
    found = whereabouts(shop, order, language="de")

    assert (found.words, [parcel.tracking for parcel in found.parcels]) == ("versandt", ["JD1", "JD2"])
    assert [(words, place) for _, words, place in found.parcels[0].events] == [("abgeholt", "Graz"), ("in Zustellung", "")]
    assert not any(word in repr(found) for word in ("secret", "S-1", "S-2", "T-1", "X9"))
    with pytest.raises(InvalidInput):
        whereabouts(shop, order, language="fr")


def test_an_order_that_is_not_there_yet_says_what_was_promised_and_what_is_expected():
    shop, _ = candle_shop()
    anna = confirmed(shop, "Anna", "5 each")
    found = whereabouts(shop, anna)

    assert (found.words, found.parcels) == ("waiting for material", ())
    assert found.promised == found.expected == shop.orders.promise(anna).date


def test_the_shipments_of_an_order_are_found():
    shop, order, shipment = shipped()

    assert shop.shipping.of(order) == (shipment,)


events = st.builds(
    TrackingEvent, st.sampled_from(["JD1", "JD2"]), st.sampled_from("AB"),
    st.sampled_from(["2026-11-24T09:00Z", "2026-11-25T09:00Z"]), kind=st.sampled_from(["", *KINDS]),
)  # fmt: skip


@given(st.lists(events, max_size=8), st.randoms())
def test_a_journey_does_not_depend_on_the_order_in_which_it_is_told(rows, chance):
    shuffled = [*rows, *rows[:2]]
    chance.shuffle(shuffled)
    whole = [event for event in rows if [one.identity for one in rows].count(event.identity) == 1]

    assert arrived(journey(rows), ["JD1", "JD2"]) == arrived(journey(rows), ["JD2", "JD1"])
    if len(whole) == len(rows):
        assert journey(shuffled) == journey(rows)
