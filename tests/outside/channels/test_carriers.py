"""Carriers: labels are bought once whatever the net does, and what a carrier says wrongly is told with its path."""

from __future__ import annotations

import base64
import json
import runpy
from datetime import date
from decimal import Decimal

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from krafte_core import Address, qty
from krafte_core.channels.calls import Answer
from krafte_core.channels.carriers import Buying, CarrierLabel, Consignment, Rate, cheapest, check_codes
from krafte_core.errors import BadPayload, ChannelError, InvalidInput
from krafte_core.money import money
from krafte_core.shipping import Package
from krafte_core.wire import dumps, loads
from tests.support import ROOT

AlpenPost = runpy.run_path(str(ROOT / "examples" / "own_carrier.py"))["AlpenPost"]
CARRIER = AlpenPost()
WISH = Consignment(
    reference="SH-1/1", package=Package((), weight=qty("1.26 kg")), sender=Address("S"), receiver=Address("A"), service="next"
)
ZPL = base64.b64encode(b"^XA^XZ").decode()
SOLD = {"reference": "SH-1/1", "tracking": "AP1", "label": ZPL, "amount": "7.90", "currency": "EUR"}
BOUGHT = Answer(201, {}, json.dumps(SOLD))
EVENTS = {"tracking": "AP1", "events": [{"code": "OK", "time": "2026-11-25T09:12:00+01:00", "note": "hall"}]}


class Post:
    """A server that sells labels, and whose answers may be lost."""

    def __init__(self):
        self.sold = []

    def answer(self, request, fault):
        if fault in {"busy", "limit"}:
            return Answer(503 if fault == "busy" else 429, {"Retry-After": "1"}, b"")
        if request.method == "POST":
            self.sold.append(json.loads(request.body)["reference"])
            found = BOUGHT
        else:
            found = BOUGHT if self.sold else Answer(404, {}, b"")
        return {"lost": None, "gateway": Answer(502, {}, b"<html>"), "half": Answer(200, {}, found.body[:20])}.get(fault, found)


FAULTS = st.lists(st.sampled_from(["", "", "busy", "limit", "lost", "gateway", "half", "crash"]), max_size=10)


@given(FAULTS)
def test_a_label_is_bought_exactly_once_whatever_gets_lost(faults):
    post, buying, plan = Post(), Buying.of(CARRIER, WISH), iter(faults)
    while (request := buying.next_request(CARRIER)) is not None:
        stored = dumps(buying.intending())
        fault = next(plan, "")
        answer = post.answer(request, fault)
        if fault == "crash":  # the answer came, and the process died before it was stored
            buying = loads(stored).resumed()
            continue
        try:
            buying = buying.timed_out() if answer is None else buying.answered(CARRIER, answer)
        except BadPayload:
            continue  # half an answer to a question: asked again

    assert buying.problem == ""
    assert buying.label.tracking == "AP1"
    assert post.sold == ["SH-1/1"]


def test_a_refusal_is_told_and_nothing_is_asked_again():
    done = Buying.of(CARRIER, WISH).answered(CARRIER, Answer(422, {}, b"no such postcode"))

    assert (done.done, done.problem, done.label) == (True, "status 422 no such postcode", None)
    assert done.next_request(CARRIER) is None


def test_a_carrier_that_never_answers_is_given_up_with_words():
    buying = Buying.of(CARRIER, WISH)
    for _ in range(40):
        buying = buying.timed_out()
        if buying.done:
            break
    assert (buying.done, buying.problem) == (True, "no answer")
    busy = Buying.of(CARRIER, WISH)
    while not busy.done:
        busy = busy.answered(CARRIER, Answer(429, {"Retry-After": "7"}, b""))
        assert busy.done or busy.wait == 7
    assert busy.problem == "the carrier is overloaded"


@pytest.mark.parametrize(
    "change", [{"reference": " "}, {"service": ""}, {"package": Package(())}, {"package": Package((), weight=qty("0 kg"))}]
)
def test_a_consignment_that_nobody_could_find_or_price_is_refused(change):
    with pytest.raises(InvalidInput):
        Buying.of(CARRIER, attrs.evolve(WISH, **change))


def test_a_label_of_one_carrier_is_not_asked_of_another():
    with pytest.raises(ChannelError):
        Buying.of(CARRIER, WISH).next_request(AlpenPost(name="Talpost"))


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"label": "@@"}, "$.label"),
        ({"label": base64.b64encode(b"<html>").decode()}, "$.label"),
        ({"label": None}, "$.label"),
        ({"tracking": ""}, "$.tracking"),
        ({"amount": "1e999"}, "$.amount"),
        ({"amount": -1}, "$.amount"),
        ({"currency": "XXY"}, "$.currency"),
        ({"currency": None}, "$.currency"),
    ],
)
def test_a_label_that_cannot_be_read_says_where(change, path):
    with pytest.raises(BadPayload) as caught:
        CARRIER.read_label(Answer(200, {}, json.dumps(SOLD | change)))
    assert [problem.path for problem in caught.value.problems] == [path]


def test_every_problem_of_rates_and_events_is_told_at_once():
    rates = {"rates": [{"service": "", "amount": "x", "currency": "EUR"}, {"service": "a", "amount": "1", "currency": "?"}, 5]}
    with pytest.raises(BadPayload) as caught:
        CARRIER.read_rates(Answer(200, {}, json.dumps(rates)))
    assert {problem.path for problem in caught.value.problems} >= {
        "$.rates[0].amount", "$.rates[0].service", "$.rates[1].currency", "$.rates[2]",
    }  # fmt: skip
    events = {"tracking": "AP1", "events": [{"code": "OK"}, {"code": "OK", "time": "yesterday"}, {"code": "OK", "time": "2026-11-25"}]}
    with pytest.raises(BadPayload) as caught:
        CARRIER.read_tracking(json.dumps(events))
    assert [problem.path for problem in caught.value.problems] == [f"$.events[{place}].time" for place in range(3)]


def test_what_a_code_means_stands_in_a_table_and_an_unknown_one_means_nothing():
    (known,) = CARRIER.read_tracking(EVENTS)
    row = {"code": "Q7", "time": "2026-11-25T09:12:00+01:00"}
    (other,) = CARRIER.read_tracking({"tracking": "AP1", "events": [row]})

    assert (known.kind, known.text, other.kind, other.code) == ("delivered", "hall", "", "Q7")
    assert check_codes(CARRIER.codes) == CARRIER.codes
    with pytest.raises(InvalidInput):
        check_codes({"OK": "arrived"})


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["tracking", "events", "code", "time", "rates", "label", "amount", "currency", "service", "x"]), inner),
    max_leaves=10,
)  # fmt: skip


@given(json_values)
def test_any_json_at_all_raises_coded_errors_only(data):
    body = json.dumps(data)
    for read in (CARRIER.read_rates, CARRIER.read_label):
        try:
            read(Answer(200, {}, body))
        except BadPayload:
            continue
    try:
        CARRIER.read_tracking(body)
    except (BadPayload, InvalidInput):
        return


def test_the_cheapest_rate_that_is_there_in_time_is_found():
    rates = [Rate(service="eco", price=money("4 EUR")), Rate(service="next", price=money("9 EUR"), arrives=date(2026, 11, 25))]
    assert cheapest(rates).service == "eco"
    assert cheapest(rates, by=date(2026, 11, 26)).service == "next"
    assert cheapest(rates, by=date(2026, 11, 24)) is None
    with pytest.raises(InvalidInput):
        cheapest([rates[0], attrs.evolve(rates[1], price=attrs.evolve(rates[1].price, currency="CHF"))])


def test_a_label_has_its_bytes_and_its_price_exactly():
    label = CARRIER.read_label(BOUGHT)

    assert label == CarrierLabel(reference="SH-1/1", tracking="AP1", format="zpl", data=ZPL, price=label.price)
    assert (label.content, label.price.amount) == (b"^XA^XZ", Decimal("7.90"))
