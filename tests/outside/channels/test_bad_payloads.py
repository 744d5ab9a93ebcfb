"""Payloads that are forged, broken, huge, deep, half empty or wrongly typed: coded errors with every path, and never anything else."""

from __future__ import annotations

import contextlib
import copy
import json
from decimal import Decimal, localcontext

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from krafte_core.channels import BadPayload, ChannelError, shopify
from krafte_core.channels.reading import MAX_BODY, loaded
from krafte_core.intake import decide
from krafte_core.wire import dumps, loads
from tests.support import needs_shared

needs_shared("channels")

from tests.outside.channels.facts import CHANNELS, cases, payload  # noqa: E402

SHOP = shopify.Channel("seife.example", skus={"A": "soap"})
ORDER = {"id": 7, "updated_at": "2026-11-23T09:15:00+01:00", "currency": "EUR", "line_items": [{"id": 1, "quantity": 2, "sku": "A"}]}

PAYLOADS = [
    (case["channel"], json.loads(payload(case["file"]), parse_float=Decimal))
    for name in CHANNELS
    for case in cases(name, "order", "lines", "shipments")
]
WRONG = st.sampled_from(
    [None, "", "x", "1e999", 10**400, -1, 1.5, True, [], {}, [[]], [None], "NaN", "<b>", "=1+1", "2026-02-30", "\0"]
)


def places(data, path=()):
    """Every place in a payload."""
    rows = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, value in rows:
        yield (*path, key)
        yield from places(value, (*path, key))


PLACES = [list(places(data)) for _, data in PAYLOADS]


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, len(PAYLOADS) - 1), st.lists(st.tuples(st.integers(0, 10**6), WRONG | st.just("DROP")), min_size=1, max_size=4))
def test_a_payload_with_anything_anywhere_raises_coded_errors_or_can_be_taken_in(which, changes):
    name, original = PAYLOADS[which]
    data = copy.deepcopy(original)
    for place, value in changes:
        path = PLACES[which][place % len(PLACES[which])]
        try:
            *way, last = path
            holder = data
            for key in way:
                holder = holder[key]
            if value == "DROP":
                del holder[last]
            else:
                holder[last] = value
        except (KeyError, IndexError, TypeError):
            continue  # an earlier change took the place away
    try:
        message = CHANNELS[name].read_order(data)
    except ChannelError:
        return  # anything else fails the test
    assert loads(dumps(message)) == message
    decide(None, message)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.floats(allow_nan=False),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["id", "order", "orders", "data", "line_items", "x"]), inner)
    ),
    max_leaves=12,
)


@given(st.sampled_from(sorted(CHANNELS)), json_values)
def test_any_json_at_all_raises_coded_errors_only(name, data):
    for read in (CHANNELS[name].read_order, CHANNELS[name].read_orders):
        with contextlib.suppress(BadPayload):
            read(json.dumps(data))


def problems_of(data):
    with pytest.raises(BadPayload) as caught:
        SHOP.read_order(data)
    return [problem.path for problem in caught.value.problems]


def test_every_problem_is_reported_in_one_go():
    data = {"id": None, "currency": "EURO", "total_price": "1e999", "updated_at": "yesterday",
            "line_items": [{"quantity": -1}, {"id": 2, "quantity": "two", "price": {}}, 5]}  # fmt: skip

    assert set(problems_of(data)) >= {
        "$.id", "$.currency", "$.total_price", "$.updated_at", "$.line_items[0].id", "$.line_items[0].quantity",
        "$.line_items[1].quantity", "$.line_items[1].price", "$.line_items[2]",
    }  # fmt: skip


@pytest.mark.parametrize("name", ["../orders", "7?x=1", "7#", "7 8", "7\\\\8"])
def test_an_id_that_would_change_the_path_of_a_request_is_refused(name):
    assert problems_of({**ORDER, "id": name}) == ["$"]
    assert SHOP.fetch(name).path.count("/") == SHOP.fetch("7").path.count("/")


def test_two_lines_with_one_id_cannot_be_told_apart():
    assert problems_of({**ORDER, "line_items": ORDER["line_items"] * 2}) == ["$.line_items[1]"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff",
        b"{",
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"9" * 5_000,
        b"NaN",
        b'{"a": Infinity}',
        b'"\\ud800"',
        b'{"a": "\\u0000"}',
    ],
    ids=["empty", "no UTF-8", "cut off", "deep lists", "deep objects", "a long number", "NaN", "infinity", "half a pair", "NUL"],
)
def test_what_is_no_json_that_can_be_stored_is_refused(body):
    with pytest.raises(BadPayload):
        SHOP.read_order(body)


def test_a_huge_body_is_refused_before_it_is_read():
    with pytest.raises(BadPayload, match="bytes"):
        loaded("shop", b" " * (MAX_BODY + 1))


def test_html_and_formulas_are_kept_as_data():
    line = {"id": 1, "quantity": 1, "title": "<script>alert(1)</script>", "sku": "=HYPERLINK(1)"}
    (row,) = SHOP.read_order({**ORDER, "line_items": [line]}).lines

    assert (row.title, row.sku) == ("<script>alert(1)</script>", "=HYPERLINK(1)")


def test_money_is_exact_whatever_the_context_of_the_host():
    line = {"id": 1, "quantity": 1, "price": "12345.67", "tax_lines": [{"price": "0.01"}, {"price": "99999.98"}]}
    with localcontext() as context:
        context.prec = 3
        (row,) = SHOP.read_order({**ORDER, "line_items": [line]}).lines

    assert (row.unit_price, row.tax) == (Decimal("12345.67"), Decimal("99999.99"))


def test_a_number_of_json_keeps_its_digits():
    body = json.dumps({**ORDER, "total_price": 195.66}).encode()

    assert SHOP.read_order(body).total == Decimal("195.66")


def test_totals_that_do_not_add_up_are_kept_and_said():
    case = next(case for case in cases("woocommerce", "order") if case["id"] == "woo-fractional")
    message = CHANNELS["woocommerce"].read_order(payload(case["file"]))

    assert [problem.path for problem in message.warnings] == ["$.total"]
    assert message.total == Decimal("31.20")
