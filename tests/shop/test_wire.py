"""The wire form: one JSON form of every public value, both ways (law 13), and nothing else is taken for it."""

from __future__ import annotations

import enum
import inspect
import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from importlib import import_module
from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import krafte_core.wire
from krafte_core import (
    Address,
    BatchSize,
    CustomerOrder,
    Ingredient,
    Item,
    Lot,
    Money,
    Operation,
    OrderLine,
    OrderStatus,
    Place,
    Quantity,
    Recipe,
    qty,
)
from krafte_core.coverage import Purchase
from krafte_core.desks.confirming import Confirmed
from krafte_core.errors import FloatRefused, KrafteError, NotAllowed, Short, Unknown, UnknownVersion, WireError
from krafte_core.events import Event, OrderPlaced
from krafte_core.stock import Posting
from krafte_core.store import Changes, Leased, Stored
from krafte_core.testing import a_delivery, a_workshop, an_order
from krafte_core.testing.strategies import values
from krafte_core.wire import MAX_DEPTH, SPEC_VERSION, TYPES, dumps, from_wire, loads, to_wire
from krafte_core.wire._codecs import codec
from krafte_core.wire._vocabulary import OPEN
from tests.support import modules

DAY = datetime(2026, 11, 23, 7, tzinfo=UTC)
WRONG: Any = 5
LOT = Lot("lye", "NA-1", received_at=DAY)

NOT_VALUES = {
    "delivery.Subscription": "holds the handler of a host",
    "allocation.Incoming": "a row of the search: its time may be never",
    "channels.polling.Page": "what one answer holds, before it is read",
    "desks.choosing.Leaving": "a choice on its way into a shipment line",
    "desks.completion.Said": "the arguments of a command",
    "desks.tracing.Decision": "a row of an iteration: an entry of the diary with its lots, which travel",
    "desks.tracing.Document": "a row of an iteration: postings, lots and a shipment, which travel",
    "stock.Sought": "a question to a reader",
    "asking.Found": "lives as long as one question",
    "asking.Want": "a row of a question",
    "board.Buying": "a row of the board",
    "board.Work": "a row of the board: it holds the free time of a work center",
    "justintime.Latest": "lives as long as one question",
    "supplying.Ordered": "dates of an offer; `promise.ToBuy` is the value",
    "placing.Placed": "an operation in time while it is placed; `coverage.Booking` is what stays of it",
    "placing.Stage": "a row of placing",
    "placing.Way": "a row of placing: it holds the free time of work centers",
    "lot_histories.Closing": "read from the diary, which travels",
    "lot_histories.LotHistory": "added up by `verify` and gone with it",
    "lot_histories.Moved": "a move with its posting, which travels",
    "planner.Buy": "a row of a plan; `plan.PlannedBuy` is the value",
    "planner.Loan": "a row of a plan; `promise.Borrowed` is the value",
    "interchange.Exchange": "a row of planning",
    "interchange.Turn": "a row of planning",
    "lotsizing.Window": "a row of planning",
    "planner.PlannedPart": "a row of a plan; `plan.Delivery` is the value",
    "planner.Make": "a row of a plan; `plan.PlannedMake` is the value",
    "pegging.Pegged": "holds the rows of a plan",
    "rows.Rows": "holds the rows of a plan",
    "demands.Asked": "how a plan was asked for; it lives as long as the plan",
    "planning.Case": "what a plan is made of; it travels by pickle between processes",
    "demands.Demand": "a row of a plan: its time may be never",
    "demands.Keep": "a wish in whole steps; it lives as long as the plan",
    "proposals.Proposals": "holds its plan; its rows travel",
    "demands.Outcome": "a row of a plan: its time may be never",
    "coverage.Task": "a node of the search",
    "charges.Asking": "how a search is asked",
    "charges.Choice": "how a node of the search differs from the plain one",
    "coverage.Batch": "a node of the search",
    "coverage.Purchase": "a node of the search",
    "coverage.Cover": "a node of the search",
    "coverage.Extra": "a node of the search",
    "portions.Portion": "a row of the planner",
    "stock.Rule": "holds the functions of a picking rule, which goes by its name",
    "timelines.Timeline": "compiled from a calendar, which travels",
    "times.WallClock": "compiled from a time zone, which goes by its name",
    "solving.Part": "a line while its recipe is solved",
    "units.Unit": "goes by its name",
    "work.Now": "lives as long as one command",
}
"""Public classes that are no values, with the reason."""
NO_VALUES_IN = ("testing", "stores", "exports")
"""Modules that hold helpers and adapters."""


def classes():
    """Every public class that is made of fields, as 'module.Class'."""
    for name in modules():
        home = name.removeprefix("krafte_core").removeprefix(".")
        if home.split(".")[0] in NO_VALUES_IN or "._" in name:
            continue
        module = import_module(name)
        for own, kind in vars(module).items():
            made_of_fields = inspect.isclass(kind) and (
                attrs.has(kind) or issubclass(kind, enum.Enum) or (issubclass(kind, tuple) and hasattr(kind, "_fields"))
            )
            if made_of_fields and kind.__module__ == name and not own.startswith("_"):
                yield f"{home}.{own}", kind


def class_of(name):
    """The class of this name on the wire."""
    home, own = TYPES[name]
    return getattr(import_module(home), own)


def typed(value):
    """The value with the type of everything in it, because 1 == True and a list may equal a subclass of it."""
    if attrs.has(type(value)) and not isinstance(value, Quantity):
        return type(value), [typed(getattr(value, one.name)) for one in attrs.fields(type(value)) if one.init]
    if isinstance(value, tuple | list):
        return type(value), [*map(typed, value)]
    if isinstance(value, Mapping):
        return dict, [(typed(key), typed(value[key])) for key in sorted(value, key=repr)]
    return type(value), value


def error_of(call, *arguments):
    """The error that the call raises."""
    with pytest.raises(WireError) as caught:
        call(*arguments)
    assert len(str(caught.value)) < 1000
    return caught.value


# ------------------------------------------------------------------------------------------------------- the vocabulary


def test_every_public_class_is_on_the_wire_or_is_no_value_for_a_reason():
    """A new class: add it to wire/_vocabulary.py (and the line to the changelog's *Spec*), or here with its reason."""
    carried = {f"{home.removeprefix('krafte_core.')}.{own}" for home, own in TYPES.values()}
    public = {name for name, _ in classes()}

    assert public - carried - NOT_VALUES.keys() == set()
    assert (carried | NOT_VALUES.keys()) - public == set(), "these do not exist (any more)"
    assert carried & NOT_VALUES.keys() == set()


def test_classes_with_heirs_say_which_one_they_are():
    carried = [class_of(name) for name in TYPES]
    with_heirs = {kind.__name__ for kind in carried if any(other is not kind and issubclass(other, kind) for other in carried)}

    assert with_heirs - {"InvalidInput", "WireError", "ChannelError"} == OPEN  # errors say it anyway


# ---------------------------------------------------------------------------------------------------------------- law 13


@pytest.mark.parametrize("name", TYPES)
def test_what_is_written_is_read_again_equal_and_of_the_same_types(name):
    @settings(max_examples=max(3, settings().max_examples // 5))  # there are many classes
    @given(values(class_of(name)))
    def law(value):
        document = to_wire(value)
        text = dumps(value)

        assert from_wire(document) == value == loads(text)
        assert typed(from_wire(document)) == typed(loads(text)) == typed(value)
        assert json.loads(text) == json.loads(json.dumps(document)) == document
        assert dumps(loads(text)) == text

    law()


PLAIN = [
    None, True, 1, 0, "", "Grüße\n\0\ud800", -(2**63), 10**400, Decimal("2.50"), Decimal("1E+3"), Decimal("-0.000"), Fraction(-1, 3),
    DAY, DAY + timedelta(microseconds=1), date(1, 1, 1), datetime.max.replace(tzinfo=UTC), qty("2.5 kg"), qty("1 troy_ounce"),
    OrderStatus.READY_TO_SHIP, (), (1, "a", (None, LOT)), [1, [2]], {}, {"a": 1, "b": LOT}, {("oil", "O-1"): [qty("1 kg")], 2: ()},
    set(), {1, "a"}, frozenset({("a", 1), ("b", 2)}), Money(Decimal("-0.00135"), "EUR"), Address("A"),
]  # fmt: skip


@pytest.mark.parametrize("value", PLAIN, ids=[f"{place} {type(value).__name__}" for place, value in enumerate(PLAIN)])
def test_plain_values_and_containers_are_carried_too(value):
    assert typed(from_wire(to_wire(value))) == typed(value) == typed(loads(dumps(value)))


def test_instants_of_other_zones_become_utc():
    local = datetime(2026, 11, 23, 8, tzinfo=timezone(timedelta(hours=1)))

    assert to_wire(local)["value"] == "2026-11-23T07:00:00+00:00"
    assert from_wire(to_wire(local)) == local


def test_texts_and_numbers_of_the_hosts_own_types_become_plain():
    class Customer(enum.StrEnum):
        ANNA = "Anna"

    class Size(enum.IntEnum):
        BIG = 3

    assert typed(from_wire(to_wire((Customer.ANNA, Size.BIG)))) == typed(("Anna", 3))
    assert type(to_wire(Lot(Customer.ANNA, "L", received_at=DAY))["value"]["item"]) is str


def test_whatever_a_desk_answers_can_be_kept_for_a_repeated_command():
    shop = a_workshop()
    order = an_order(shop, amount="110 each", shipping="parcel", requested="2026-12-24")
    answers = [order, shop.orders.check(order), shop.orders.promise(order), shop.orders.confirm(order)]
    first, second = shop.production.covering(order)
    answers += [shop.production.start(first), shop.production.complete(first, made="98 each", lot="S-1")]
    answers += [shop.stock.hold("soap-bar", lot="S-1", reason="smell"), shop.stock.release("soap-bar", lot="S-1")]
    answers += [shop.stock.count("lye", "4 kg", lot="NA-1"), shop.stock.level("lye"), shop.production.cancel(second)]
    answers += [
        shop.shipping.ship(order),
        a_delivery(shop),
        shop.trace.recall("olive-oil", "OO-1"),
        shop.trace.back("soap-bar", "S-1"),
    ]
    answers += [shop.trace.balance("lye", "NA-1"), shop.orders.status(order), shop.orders.cancel(an_order(shop))]
    answers += [shop.preview(lambda trial: trial.stock.receive("lye", "5 kg")), shop.trace.mass_balance(first)]

    for answer in answers:
        kept = loads(dumps(Stored("fingerprint", answer)))
        assert kept == Stored("fingerprint", answer)
        assert typed(kept.result) == typed(answer)


@pytest.mark.parametrize(
    "error",
    [Unknown("item", "oil", ("olive-oil",)), NotAllowed("CO-1", "new", "ship", ("confirm",)), WireError("$", None, "an object")],
)
def test_errors_are_carried_as_values(error):
    assert from_wire(to_wire(error)) == error


def test_an_error_about_something_without_a_wire_form_keeps_its_text():
    assert from_wire(to_wire(FloatRefused("amount", 0.1, "'0.1 kg'"))) == FloatRefused("amount", "0.1", "'0.1 kg'")


def test_a_refusal_keeps_its_shortages():
    shop = a_workshop(stocked=False)
    with pytest.raises(Short) as caught:
        shop.orders.confirm(an_order(shop), when_short="refuse")

    assert from_wire(to_wire(caught.value)) == caught.value


# ----------------------------------------------------------------------------------------------------------- the bytes

ORDER = CustomerOrder(
    "CO-2026-11-001",
    "Käthe Bäcker",
    (
        OrderLine("soap-bar", qty("240 each"), price="3.2 EUR", ref="1", given="20 dozen", steps=240, attributes={"gift": True}),
        OrderLine("oil", qty("2.50 kg"), ref="2", note="in glass", given="2.5 kg", steps=2_500_000),
    ),
    placed_at=DAY,
    requested=date(2026, 12, 24),
    ship_to=Address("K. Bäcker", city="Ulm"),
)
_TERMS = '"pack":"1","parts":[],"per":"",'
ORDER_TEXT = (
    '{"krafte":"1.0","type":"CustomerOrder","value":{"attributes":[],"customer":"K\\u00e4the B\\u00e4cker","delivery":"partial",'
    '"discount":null,"lines":['
    '{"amount":{"type":"Quantity","value":"240 each"},"attributes":[["gift",true]],"discount":null,"given":"20 dozen",'
    '"item":"soap-bar","note":"","over":null,' + _TERMS + '"price":"3.20 EUR","ref":"1","sample":false,"steps":240,'
    '"tax":null,"under":null},'
    '{"amount":{"type":"Quantity","value":"2.5 kg"},"attributes":[],"discount":null,"given":"2.5 kg","item":"oil","note":"in glass",'
    '"over":null,' + _TERMS + '"price":null,"ref":"2","sample":false,"steps":2500000,"tax":null,"under":null}],'
    '"notes":"","number":"CO-2026-11-001","placed_at":"2026-11-23T07:00:00+00:00","priority":0,"requested":"2026-12-24",'
    '"ship_to":{"city":"Ulm","country":"","email":"","name":"K. B\\u00e4cker","phone":"","postcode":"","region":"","street":""},'
    '"shipping":null,"shipping_price":null,"source":"","tax":null,"tax_included":false,"version":1}}'
)
RECIPE = Recipe(
    "salsa",
    makes="10 jar",
    ingredients=[Ingredient("tomato", "6 kg", loss="10 %"), Ingredient("lid", "10 each", follows="output", from_stock=True)],
    operations=[
        Operation("cook", at="kettle", setup="10 min", run="1 h 30 min", pausable=True),
        Operation("rest", wait="3 working days"),
    ],
    batch=BatchSize(min="10 jar", max="50 jar"),
    process_yield=Fraction(19, 20),
    code="salsa-2026",
)
RECIPE_DOCUMENT = {
    "krafte": "1.0",
    "type": "Recipe",
    "value": {
        "item": "salsa",
        "makes": "10 jar",
        "ingredients": [
            {"item": "tomato", "amount": "6 kg", "loss": "1/10"},
            {"item": "lid", "amount": "10 each", "follows": "output", "from_stock": True},
        ],
        "operations": [
            {
                "name": "cook",
                "at": "kettle",
                "setup": {"count": 600, "kind": "working time"},
                "run": {"count": 5400, "kind": "working time"},
                "pausable": True,
            },
            {
                "name": "rest",
                "wait": {"count": 3, "kind": "working days"},
            },
        ],
        "batch": {"min": "10 jar", "max": "50 jar"},
        "process_yield": "19/20",
        "code": "salsa-2026",
    },
}


def test_a_recipe_that_was_written_with_all_its_fields_is_read():
    """As the first form had them; and an unknown one is refused."""
    line = {"loss": "0", "overage": "0", "follows": "charge", "from_stock": False, "note": ""}
    rest = {"name": "rest", "at": None, "setup": None, "run": None, "per": "amount", "wait": {"count": 60, "kind": "elapsed"},
            "pausable": False}  # fmt: skip
    old = {"item": "salsa", "makes": "1 jar", "ingredients": [{"item": "lid", "amount": "1 each", **line}], "operations": [rest],
           "lead_time": None, "batch": None, "process_yield": "1", "calendar": None, "code": "salsa", "attributes": []}  # fmt: skip
    document = {"krafte": "1.0", "type": "Recipe", "value": old}
    operations = [Operation("rest", wait="1 min")]
    assert from_wire(document) == Recipe("salsa", makes="1 jar", ingredients=[Ingredient("lid", "1 each")], operations=operations)
    with pytest.raises(WireError):
        from_wire(document | {"value": old | {"colour": "red"}})


def test_the_form_of_an_order_stays_as_it_is():
    assert dumps(ORDER) == ORDER_TEXT
    assert loads(ORDER_TEXT) == ORDER


def test_the_form_of_a_recipe_stays_as_it_is():
    assert to_wire(RECIPE) == RECIPE_DOCUMENT
    assert from_wire(RECIPE_DOCUMENT) == RECIPE


def test_events_go_by_their_class_wherever_any_event_may_stand():
    event = OrderPlaced(DAY, "CO-1", "Anna")
    plain = {"at": "2026-11-23T07:00:00+00:00", "document": "CO-1", "customer": "Anna"}

    assert to_wire(event) == {"krafte": "1.0", "type": "OrderPlaced", "value": plain}
    assert from_wire(to_wire(Event(DAY, "CO-1"))) == Event(DAY, "CO-1")
    assert to_wire(Leased(7, event))["value"]["event"] == {"type": "OrderPlaced", "value": plain}


def test_the_order_in_which_a_mapping_or_set_was_filled_does_not_show():
    one, other = {"b": 1, "a": (1,), ("x", 1): 2}, {("x", 1): 2, "a": (1,), "b": 1}
    program = "from krafte_core.wire import dumps; print(dumps(({'b': 1, 'a': 2}, frozenset({'x', 'y', 'z', ('k', 1)}))))"
    seeds = [
        subprocess.run([sys.executable, "-c", program], env={"PYTHONHASHSEED": seed}, capture_output=True, check=True).stdout
        for seed in ("1", "2")
    ]

    assert dumps(one) == dumps(other)
    assert seeds[0] == seeds[1]


# ------------------------------------------------------------------------------------------------------------ refusals


def changed(path, value=None, *, drop=False, document=ORDER_TEXT):
    """The document with another value at this path, or without it."""
    whole = json.loads(document)
    place = whole
    for step in path[:-1]:
        place = place[step]
    if drop:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return whole


LINE = ("value", "lines", 1)


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        (("value", "customer"), 5, "$.value.customer"),
        (("value", "customer"), None, "$.value.customer"),
        (("value", "priority"), "high", "$.value.priority"),
        (("value", "priority"), True, "$.value.priority"),
        (("value", "priority"), 1.0, "$.value.priority"),
        (("value", "lines"), {}, "$.value.lines"),
        (("value", "lines"), None, "$.value.lines"),
        ((*LINE,), [], "$.value.lines[1]"),
        ((*LINE, "steps"), "5", "$.value.lines[1].steps"),
        ((*LINE, "item"), " oil", "$.value.lines[1]"),
        ((*LINE, "amount"), 2.5, "$.value.lines[1].amount"),
        ((*LINE, "amount"), ["2.5 kg"], "$.value.lines[1].amount"),
        ((*LINE, "amount"), {"type": "Quantity"}, "$.value.lines[1].amount"),
        ((*LINE, "amount"), {"type": "Quantity", "value": "2,5 kg"}, "$.value.lines[1].amount.value"),
        ((*LINE, "amount"), {"type": "Quantity", "value": "2.5 parsnip"}, "$.value.lines[1].amount.value"),
        ((*LINE, "amount"), {"type": "Quantity", "value": 2}, "$.value.lines[1].amount.value"),
        ((*LINE, "amount"), {"type": "quantities.Quantity", "value": "2.5 kg"}, "$.value.lines[1].amount.type"),
        ((*LINE, "amount"), {"type": ["Quantity"], "value": "2.5 kg"}, "$.value.lines[1].amount.type"),
        ((*LINE, "price"), "3.20 XXX", "$.value.lines[1].price"),
        ((*LINE, "attributes"), [["a", 1, 2]], "$.value.lines[1].attributes[0]"),
        ((*LINE, "attributes"), [["a", 0.5]], "$.value.lines[1].attributes[0][1]"),
        ((*LINE, "attributes"), [["a", {"type": "tuple", "value": []}]], "$.value.lines[1]"),
        (("value", "placed_at"), "2026-11-23T07:00:00", "$.value.placed_at"),
        (("value", "placed_at"), "2026-11-23T08:00:00+01:00", "$.value.placed_at"),
        (("value", "placed_at"), "2026-02-30T07:00:00+00:00", "$.value.placed_at"),
        (("value", "requested"), "24.12.2026", "$.value.requested"),
        (("value", "requested"), "20261224", "$.value.requested"),
        (("value", "colour"), "red", "$.value.colour"),
        (("value", "ship_to"), {"name": "A", "what a name": 1}, "$.value.ship_to['what a name']"),
        (("type",), "Order", "$.type"),
        (("type",), "Lot", "$.value.item"),
        (("type",), None, "$.type"),
        (("value",), None, "$.value"),
    ],
)
def test_what_does_not_fit_is_told_with_its_path(path, value, told):
    error = error_of(from_wire, changed(path, value))

    assert error.path == told
    assert error.code == "unreadable_wire"
    assert error_of(loads, json.dumps(changed(path, value))) == error


@pytest.mark.parametrize("path", [("value", "customer"), ("value", "placed_at"), (*LINE, "amount"), (*LINE, "item")])
def test_a_missing_field_is_told_with_its_path(path):
    error = error_of(from_wire, changed(path, drop=True))

    assert error.path == "$." + ".".join(map(str, path)).replace(".1.", "[1].")
    assert error.given == "nothing"


@pytest.mark.parametrize("path", [("value", "notes"), (*LINE, "note")])
def test_a_missing_field_with_a_default_is_what_an_older_version_did_not_know(path):
    assert isinstance(from_wire(changed(path, drop=True)), CustomerOrder)


def test_what_a_class_refuses_is_told_at_its_field():
    item = to_wire(Item("jar", unit="each"))
    item["value"]["pick"] = "nearest"
    wrong = to_wire(Place("shelf"))
    wrong["value"]["code"] = "customer"

    assert error_of(from_wire, item).path == "$.value.pick"
    assert isinstance(error_of(from_wire, wrong).__cause__, KrafteError)


@pytest.mark.parametrize(
    "document",
    [None, [], "text", 5, {}, {"krafte": "1.0"}, {"value": 1}, {"krafte": "1.0", "value": {}}, {"krafte": "1.0", "type": "Lot"},
     {"krafte": "1.0", "value": 1, "more": 2}, {"krafte": "1.0", "value": []}, {"krafte": "1.0", "value": 0.5}],
)  # fmt: skip
def test_other_documents_are_refused(document):
    assert error_of(from_wire, document).path.startswith("$")


SPELLINGS: dict[str, list[Any]] = {
    "Fraction": ["2/6", "1/0", "0.5", "+1", "1/3 ", 1],
    "Decimal": ["NaN", "1e5", " 1", "١", "1" * 1001, ".5"],
    "Quantity": ["1  kg", "1kg", "1 kg ", "Infinity kg", "1 KG"],
    "Money": ["1 eur", "1"],
    "UnroundedMoney": ["1/3", "1/3 XXX"],
    "date": ["2026-11-23T00:00:00", "23.11.2026"],
    "datetime": ["2026-11-23", "2026-11-23T07:00:00Z", "2026-11-23 07:00:00+00:00"],
    "OrderStatus": ["lost", 1],
    "set": [[1, 1], [{"type": "list", "value": []}], {}],
    "dict": [[["a", 1], ["a", 2]], {"a": 1}, [[{"type": "list", "value": []}, 1]]],
    "Duration": [{"count": 5, "kind": "lunch"}, {"count": -5}, "5 h"],
}


@pytest.mark.parametrize(("kind", "written"), [(kind, written) for kind, all_wrong in SPELLINGS.items() for written in all_wrong])
def test_there_is_one_spelling_only(kind, written):
    assert error_of(from_wire, {"krafte": "1.0", "type": kind, "value": written}).path.startswith("$.value")


@pytest.mark.parametrize(
    ("value", "path"),
    [
        (0.5, "$"),
        (object(), "$"),
        (print, "$"),
        (a_workshop, "$"),
        (b"bytes", "$"),
        (Decimal("NaN"), "$.value"),
        (Decimal("1E+9999"), "$.value"),
        (datetime(2026, 1, 1), "$.value"),  # noqa: DTZ001 - the point of it
        (Lot("lye", "NA-1", received_at=datetime(2026, 1, 1)), "$.value.received_at"),  # noqa: DTZ001
        (Lot("lye", WRONG, received_at=DAY), "$.value.code"),
        (Lot("lye", "NA-1", received_at=DAY, expires=DAY), "$.value.expires"),
        (Stored("f", (1, {"a": 0.5})), "$.value.result.value[1].value[0][1]"),
        (Posting("receipt", "", DAY, DAY, (WRONG,)), "$.value.moves[0]"),
        (Purchase("oil", WRONG, WRONG, 1, 1, 0.5), "$"),
        (Leased(7, WRONG), "$.value.event"),
        (Confirmed("CO-1", None, WRONG, (), ()), "$.value.productions"),
        (Confirmed("CO-1", None, ("PB-1", WRONG), (), ()), "$.value.productions[1]"),
        (Changes(stamps=WRONG), "$.value.stamps"),
        (Changes(stamps={"CO-1": 0.5}), "$.value.stamps['CO-1']"),  # type: ignore[dict-item]
        (Changes(stamps={WRONG: 1}), "$.value.stamps['5']"),
        (Changes(balances=WRONG), "$.value.balances"),
        (Changes(lot_guards={WRONG: 1}), "$.value.lot_guards[0][0]"),
    ],
)
def test_what_has_no_wire_form_is_refused_before_it_is_stored(value, path):
    assert error_of(to_wire, value).path == path
    assert error_of(dumps, value).path == path


@pytest.mark.parametrize(
    ("field", "written", "path"),
    [
        ("stamps", [], "$.value.stamps"),
        ("stamps", {"CO-1": "1"}, "$.value.stamps['CO-1']"),
        ("lot_guards", {}, "$.value.lot_guards"),
        ("lot_guards", [[["oil"], 1]], "$.value.lot_guards[0][0]"),
        ("lot_guards", [[["oil", "O-1"], 1], [["oil", "O-1"], 2]], "$.value.lot_guards"),
        ("closed", ["CO-1", "CO-1"], "$.value.closed"),
        ("events", [{"type": "Place", "value": {"code": "shelf"}}], "$.value.events[0]"),
        ("papers", {"CO-1": {"type": "Place", "value": {"code": "shelf"}}}, "$.value.papers['CO-1']"),
    ],
)
def test_mappings_and_choices_are_checked_when_read(field, written, path):
    assert error_of(from_wire, {"krafte": "1.0", "type": "Changes", "value": {field: written}}).path == path


@pytest.mark.parametrize("kind", [float, "Lot", object, Callable[[], int]], ids=str)
def test_a_class_with_such_a_field_could_never_be_carried(kind):
    with pytest.raises(TypeError, match="no wire form"):
        codec(kind)


def test_no_document_can_import_anything():
    before = set(sys.modules)
    for name in ("os.system", "antigravity", "krafte_core.workshop:Workshop", "Workshop", "__import__", "builtins.eval", ""):
        assert error_of(from_wire, {"krafte": "1.0", "type": name, "value": {}}).path == "$.type"

    assert set(sys.modules) == before


# ------------------------------------------------------------------------------------------------------------ versions


@pytest.mark.parametrize("version", ["1.1", "2.0", "1.10", "999999.0"])
def test_newer_versions_are_refused(version):
    error = error_of(from_wire, {"krafte": version, "type": "Hologram", "value": {}})

    assert isinstance(error, UnknownVersion)
    assert (error.path, error.given, error.code) == ("$.krafte", version, "unknown_version")


@pytest.mark.parametrize(
    "version", [None, 1, 1.0, "", "1", "1.0.0", "01.0", "1.00", "v1.0", "0.9", "١.0", "1." + "9" * 5000], ids=repr
)
def test_what_is_no_version_is_refused(version):
    error = error_of(from_wire, {"krafte": version, "value": 1})

    assert (type(error), error.path) == (WireError, "$.krafte")


@pytest.mark.parametrize("later", ["1.1", "1.12", "2.0"])
def test_a_later_library_reads_what_this_one_wrote(monkeypatch, later):
    documents = [to_wire(ORDER), changed(("value", "source"), drop=True)]
    monkeypatch.setattr(krafte_core.wire, "SPEC_VERSION", later)

    assert [from_wire(document) for document in documents] == [ORDER, ORDER]
    assert to_wire(ORDER)["krafte"] == later


# -------------------------------------------------------------------------------------------------------------- bounds


def nested(depth):
    """A tuple in a tuple in a tuple."""
    value: tuple[Any, ...] = ()
    for _ in range(depth - 1):
        value = (value,)
    return value


def test_values_are_nested_as_deep_as_the_limit_and_no_deeper():
    assert loads(dumps(nested(MAX_DEPTH))) == nested(MAX_DEPTH)
    assert error_of(to_wire, nested(MAX_DEPTH + 1)).expected.startswith("at most")

    document = to_wire(nested(MAX_DEPTH))
    deeper = {"krafte": "1.0", "type": "tuple", "value": [{"type": document["type"], "value": document["value"]}]}
    assert error_of(from_wire, deeper).expected.startswith("at most")


def test_a_list_that_holds_itself_is_refused():
    loop: list = []
    loop.append(loop)

    assert error_of(to_wire, loop).expected.startswith("at most")


@pytest.mark.parametrize(
    "text",
    ["[" * 100_000, '{"krafte":"1.0","value":' + "[" * 500 + "]" * 500 + "}", '{"a":' * 100_000,
     '{"krafte":"1.0","type":"tuple","value":' + '[{"type":"tuple","value":' * 200 + "[]" + "}]" * 200 + "}"],
    ids=["lists", "closed lists", "objects", "tuples"],
)  # fmt: skip
def test_deep_documents_are_refused(text):
    assert error_of(loads, text).path.startswith("$")


def test_long_documents_are_refused_unread(monkeypatch):
    monkeypatch.setattr(krafte_core.wire, "MAX_TEXT", 100)

    assert error_of(loads, " " * 101).expected == "at most 100 characters"


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("", "$"),
        ("{", "$"),
        ("nothing", "$"),
        ('{"krafte":"1.0","value":1} x', "$"),
        ('{"krafte":"1.0","value":NaN}', "$.value"),
        ('{"krafte":"1.0","value":-Infinity}', "$.value"),
        ('{"krafte":"1.0","value":1e999}', "$.value"),
        ('{"krafte":"1.0","value":' + "9" * 5000 + "}", "$"),
        ('{"krafte":"1.0","krafte":"1.0","value":1}', "$"),
        ('{"krafte":"1.0","type":"Place","value":{"code":"a","code":"b"}}', "$.value"),
        (
            '{"krafte":"1.0","type":"Stored","value":{"fingerprint":"","result":{"type":"list","type":"set","value":[]}}}',
            "$.value.result",
        ),
    ],
)
def test_text_that_is_no_document_is_refused(text, path):
    assert error_of(loads, text).path == path


@pytest.mark.parametrize("text", [None, b"{}", 5, {}])
def test_only_text_is_loaded(text):
    assert error_of(loads, text).path == "$"


def test_numbers_that_python_would_not_print_are_refused():
    assert error_of(dumps, 10**5000).path == "$.value"


def test_a_large_object_with_a_name_twice_costs_no_more_than_its_size():
    names = ",".join(f'"{n}":1' for n in range(200_000))

    assert error_of(loads, '{"krafte":"1.0","value":1,' + names + ',"199999":2}').given == "the name '199999' twice"


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["1/2", "2.5 kg", "3 EUR", "each", "kg"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["type", "value", "a", "code", "unit"]), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(st.sampled_from([*TYPES, "tuple", "dict", "set", "x"]), json_values)
def test_whatever_comes_in_only_wire_errors_come_out(name, value):
    try:
        made = from_wire({"krafte": SPEC_VERSION, "type": name, "value": value})
    except WireError:
        return
    assert from_wire(to_wire(made)) == made


def places_in(value, path=()):
    """The path of every value in a document."""
    yield path
    rows = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, inner in rows:
        yield from places_in(inner, (*path, step))


@given(st.data())
def test_a_document_with_one_wrong_place_gives_a_wire_error_or_another_value(data):
    text = data.draw(
        st.sampled_from([ORDER_TEXT, json.dumps(RECIPE_DOCUMENT), dumps(Item("egg", unit="each", packs={"each": "58 g"}))])
    )
    path = data.draw(st.sampled_from([path for path in places_in(json.loads(text)) if path]))
    document = changed(path, data.draw(json_values), document=text)
    try:
        made = from_wire(document)
    except WireError:
        return
    assert from_wire(to_wire(made)) == made
