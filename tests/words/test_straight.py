"""Straight constructors: the same values as by the class, and nothing that could be told apart afterwards."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from krafte_core import events
from krafte_core.availability import Availability
from krafte_core.coverage import Batch, Cover
from krafte_core.desks.completion import Completed
from krafte_core.desks.confirming import Confirmed
from krafte_core.orders import CustomerOrder, OrderLine
from krafte_core.production import ProductionOrder
from krafte_core.shipping import Shipment, ShipmentLine
from krafte_core.stock import Lot
from krafte_core.store import Changes
from krafte_core.straight import straight
from krafte_core.testing.strategies import values

PAPERS: list[Any] = [CustomerOrder, Shipment, ShipmentLine, Lot, Availability, Confirmed, Completed]
KINDS = PAPERS + events.Event.__subclasses__()
MAKERS = {kind: straight(kind) for kind in KINDS}


def parts(value: Any) -> tuple[list[Any], dict[str, Any]]:
    """The arguments that make the value."""
    fields = attrs.fields(type(value))
    positional = [getattr(value, field.name) for field in fields if not field.kw_only]
    return positional, {field.name: getattr(value, field.name) for field in fields if field.kw_only}


@given(st.sampled_from(KINDS).flatmap(values))
def test_a_value_made_straight_is_the_one_that_its_class_makes(value):
    positional, named = parts(value)
    made = MAKERS[type(value)](*positional, **named)

    assert made == value
    assert type(made) is type(value)
    assert repr(made) == repr(value)
    assert pickle.loads(pickle.dumps(made)) == copy.copy(made) == value
    for field in attrs.fields(type(value)):
        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            setattr(made, field.name, None)
        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            delattr(made, field.name)
    assert made == value


def test_what_is_not_said_is_as_the_class_has_it():
    assert straight(OrderLine)("soap", "2 each") == OrderLine("soap", "2 each")
    assert straight(Cover)("oil", 5, 0.0).taken == ()
    with pytest.raises(TypeError, match="planned_at"):
        straight(ProductionOrder)("PB-1", "soap", None, 1, None, ())


def test_open_values_begin_with_tables_of_their_own():
    made: list[Any] = [straight(Changes)() for _ in range(2)]

    assert made[0] == made[1] == Changes()
    made[0].closed.add("CO-1")
    made[0].papers["CO-1"] = made[0].diary.append("placed")
    assert made[1] == Changes()
    batches: list[Any] = [straight(Batch)(None, 1, 1) for _ in range(2)]
    assert batches[0].inputs is not batches[1].inputs


def test_what_the_class_converts_comes_as_it_is():
    line = straight(OrderLine)("soap", "2 each", attributes={"colour": "red"})

    assert line.attributes == {"colour": "red"}
