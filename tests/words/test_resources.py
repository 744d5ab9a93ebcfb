"""Resources: work centers, suppliers and their offers, shipping methods."""

from __future__ import annotations

import copy
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from krafte_core.calendars import Calendar
from krafte_core.durations import duration
from krafte_core.errors import InvalidInput, KrafteError, NotPositive, UnitMismatch
from krafte_core.items import Item
from krafte_core.money import money
from krafte_core.quantities import qty
from krafte_core.resources import Offer, ShippingMethod, Supplier, WorkCenter

WAX = Item("wax", unit="kg", step="1 g")
OFFER = Offer("wax", lead_time="4 days")


def test_a_work_center_without_hours_is_always_open():
    assert WorkCenter("kettle").opening().always_open
    assert WorkCenter("kettle", hours="Mon-Fri 08:00-16:00").opening().hours == "Mon-Fri 08:00-16:00"


def test_a_calendar_and_hours_are_one_too_many():
    calendar = Calendar("shifts", "Mon-Fri 08:00-16:00")
    assert WorkCenter("kettle", calendar=calendar).opening() is calendar
    with pytest.raises(InvalidInput):
        WorkCenter("kettle", hours="24/7", calendar=calendar)


@pytest.mark.parametrize("capacity", [0, -1, 1.0, True, "1", None])
def test_capacity_is_a_whole_number_of_jobs(capacity):
    with pytest.raises(NotPositive):
        WorkCenter("kettle", capacity=capacity)


@pytest.mark.parametrize("hours", ["Mo-Fr 8-16", "", "Mon-Fri 08:00-25:00", "x" * 10_000_000, 5], ids=range(5))
def test_hours_that_nobody_can_read_are_told_at_once(hours):
    with pytest.raises(InvalidInput):
        WorkCenter("kettle", hours=hours)


@pytest.mark.parametrize("zone", ["Mars/Olympus", "", "../etc/passwd", "x" * 10_000_000], ids=range(4))
def test_a_zone_that_nobody_knows_is_told_at_once(zone):
    with pytest.raises(KrafteError):
        WorkCenter("kettle", hours="Mon 08:00-16:00", zone=zone)


@given(st.integers(1, 10**6), st.integers(0, 10**6), st.integers(1, 10**5))
def test_an_order_is_the_least_that_the_supplier_sells_and_enough(needed, minimum, multiple):
    offer = Offer("wax", lead_time="1 day", minimum=f"{minimum} g" if minimum else None, multiple=f"{multiple} g")
    ordered = offer.order_size(WAX, needed)
    assert ordered >= max(needed, minimum)
    assert ordered % multiple == 0
    assert ordered - multiple < max(needed, minimum)


def test_a_lot_of_125_in_hundreds_is_200():
    """frepple supplier/2/3: at least 125 and in hundreds; 90 are missing, 200 are ordered, and they cover 190."""
    offer = Offer("wax", lead_time="21 days", minimum="125 g", multiple="100 g")
    assert offer.order_size(WAX, 90) == offer.order_size(WAX, 190) == 200
    assert offer.order_size(WAX, 201) == 300


def test_without_minimum_and_multiple_exactly_what_is_needed_is_ordered():
    assert OFFER.order_size(WAX, 12_345) == 12_345


def test_an_offer_speaks_any_unit_of_its_item():
    case = Item("jar", unit="each", packs={"case": 12})
    assert Offer("jar", lead_time="1 day", minimum="3 case", multiple=qty("1 dozen")).order_size(case, 1) == 36
    with pytest.raises(UnitMismatch):
        Offer("wax", lead_time="1 day", minimum="3 L").order_size(WAX, 1)


@pytest.mark.parametrize("bad", ["0 kg", "-1 kg", "x", "1" * 10_000_000, "0.5 g"], ids=range(5))
@pytest.mark.parametrize("field", ["minimum", "multiple"])
def test_a_minimum_and_a_multiple_are_positive_amounts(field, bad):
    with pytest.raises(InvalidInput):
        Offer("wax", lead_time="1 day", **{field: bad}).order_size(WAX, 1)


@pytest.mark.parametrize("bad", [5, 2.5, ["5 kg"]], ids=range(3))
def test_a_minimum_is_told_with_its_unit(bad):
    """Lesson 17."""
    with pytest.raises(InvalidInput):
        Offer("wax", lead_time="1 day", minimum=bad)


@pytest.mark.parametrize("time", ["5 working hours", "8 h working time"])
def test_nobody_works_on_a_lead_time_or_a_transit(time):
    """Lesson 68: they are elapsed time or working days; working hours would be of nobody."""
    for attempt in (lambda: Offer("wax", lead_time=time), lambda: ShippingMethod("parcel", transit=time)):
        with pytest.raises(InvalidInput):
            attempt()


@pytest.mark.parametrize(
    ("text", "kind"), [("4 days", "elapsed"), ("6 h", "elapsed"), ("3 working days", "working days"), ("0 days", "elapsed")]
)
def test_a_lead_time_says_which_time_it_is(text, kind):
    """Lesson 68."""
    assert Offer("wax", lead_time=text).lead_time.kind == ShippingMethod("parcel", transit=text).transit.kind == kind


@pytest.mark.parametrize("bad", ["soon", "-1 day", 4, 1.5, None, "1 month", "9" * 10_000_000, "200 years"], ids=range(8))
def test_a_lead_time_is_a_duration(bad):
    with pytest.raises(InvalidInput):
        Offer("wax", lead_time=bad)


@pytest.mark.parametrize("bad", ["wax", [OFFER, "wax"], 5, [None]], ids=range(4))
def test_offers_are_offers(bad):
    with pytest.raises(InvalidInput):
        Supplier("Lang", offers=bad)


@pytest.mark.parametrize(
    "kind",
    [
        lambda **more: WorkCenter("x", **more),
        lambda **more: Supplier("x", **more),
        lambda **more: ShippingMethod("x", transit="1 day", **more),
    ],
    ids=range(3),
)
def test_a_calendar_is_a_calendar_and_not_its_text(kind):
    with pytest.raises(InvalidInput):
        kind(calendar="Mon-Fri 08:00-16:00")


def test_resources_survive_pickle_and_copies():
    for one in (
        WorkCenter("kettle", hours="Mon-Fri 08:00-16:00", capacity=2, attributes={"floor": 1}),
        Supplier("Lang", offers=[Offer("wax", lead_time="4 days", minimum="5 kg", price="3.20 EUR")]),
        ShippingMethod("parcel", transit="2 working days", calendar=Calendar("post", "Mon-Sat 08:00-18:00")),
    ):
        assert pickle.loads(pickle.dumps(one)) == copy.deepcopy(one) == one
        assert hash(copy.copy(one)) == hash(one)
    assert Offer("wax", lead_time=duration("4 days"), price=money("3.20 EUR")) == Offer("wax", lead_time="96 h", price="3.20 EUR")
