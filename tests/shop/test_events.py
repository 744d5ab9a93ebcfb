"""Events reach their subscribers: at least once, in order per document, nobody in the way of another."""

from __future__ import annotations

import pytest

from krafte_core import Item, OrderLine, Workshop
from krafte_core.errors import InvalidInput
from krafte_core.events import LotReceived, OrderConfirmed, OrderPlaced
from krafte_core.store import LEASE
from krafte_core.stores.memory import MemoryStore
from krafte_core.testing import FakeClock


class Bench:
    """A store, a clock, and as many workshops over them as a test wants."""

    def __init__(self):
        self.store, self.clock = MemoryStore(), FakeClock("2026-11-23 08:00")
        self.shop = self.workshop()
        self.shop.register(Item("candle", unit="each"))

    def workshop(self):
        return Workshop(self.store, clock=self.clock)

    def place(self, count=1):
        return [self.shop.orders.place(customer=f"{n}", lines=[OrderLine("candle", "1 each")]).number for n in range(count)]


@pytest.fixture
def bench():
    return Bench()


class Handler:
    """Hears events; raises at those of some documents, as often as it is told to."""

    def __init__(self, **fails):
        self.fails, self.heard, self.tried = {name.replace("_", "-"): often for name, often in fails.items()}, [], []

    def __call__(self, event):
        self.tried.append(event)
        if self.fails.get(event.document, 0):
            self.fails[event.document] -= 1
            raise RuntimeError(event.document)
        self.heard.append(event)

    @property
    def documents(self):
        return [event.document for event in self.heard]


def test_a_subscriber_hears_from_now_or_from_the_beginning(bench):
    early, late = Handler(), Handler()
    first = bench.place()
    bench.shop.subscribe("early", early, since="beginning")
    bench.shop.subscribe("late", late, since="now")
    second = bench.place()
    bench.shop.deliver_events()

    assert (early.documents, late.documents) == (first + second, second)


def test_since_when_must_be_said(bench):
    with pytest.raises(InvalidInput):
        bench.shop.subscribe("box", print, since="tomorrow")
    with pytest.raises(TypeError):
        bench.shop.subscribe("box", print)


def test_events_are_delivered_once_where_nothing_fails(bench):
    handler = Handler()
    bench.shop.subscribe("box", handler, since="now")
    numbers = bench.place(250)  # more than one lease holds

    assert [row.delivered for row in bench.shop.deliver_events()] == [250]
    assert [row.delivered for row in bench.shop.deliver_events()] == [0]
    assert handler.documents == numbers


def test_events_of_one_command_come_in_its_order(bench):
    handler = Handler()
    bench.shop.subscribe("box", handler, since="now")
    bench.shop.stock.receive("candle", "5 each", lot="C-1")
    (number,) = bench.place()
    bench.shop.orders.confirm(number)
    bench.shop.deliver_events()

    kinds = [type(event) for event in handler.heard if event.document == number]
    assert kinds[:2] == [OrderPlaced, OrderConfirmed]
    assert isinstance(handler.heard[0], LotReceived)


def test_a_refused_command_tells_nobody(bench):
    handler = Handler()
    bench.shop.subscribe("box", handler, since="now")
    with pytest.raises(InvalidInput):
        bench.shop.orders.place(customer="x", lines=[])
    bench.shop.deliver_events()

    assert handler.heard == []


def test_a_repeated_command_tells_once(bench):
    handler = Handler()
    bench.shop.subscribe("box", handler, since="now")
    for _ in range(2):
        bench.shop.stock.receive("candle", "5 each", lot="C-1", key="delivery")
    bench.shop.deliver_events()

    assert len(handler.heard) == 1


def test_a_failing_subscriber_blocks_nobody_and_hears_it_again(bench):
    failing, healthy = Handler(CO_2026_11_002=2), Handler()
    bench.shop.subscribe("failing", failing, since="now")
    bench.shop.subscribe("healthy", healthy, since="now")
    numbers = bench.place(3)
    first, second = bench.shop.deliver_events()

    assert (first.delivered, type(first.failed), second.delivered, second.failed) == (1, RuntimeError, 3, None)
    assert healthy.documents == numbers
    assert bench.shop.deliver_events()[0].failed is not None
    assert bench.shop.deliver_events()[0].delivered == 2
    assert failing.documents == numbers
    assert [event.document for event in failing.tried].count(numbers[1]) == 3


def test_later_events_of_a_document_wait_for_the_one_that_failed(bench):
    (number,) = bench.place()
    handler = Handler(**{number.replace("-", "_"): 1})
    bench.shop.subscribe("box", handler, since="beginning")
    bench.shop.orders.confirm(number)
    bench.shop.deliver_events()
    bench.shop.deliver_events()

    told = [type(event) for event in handler.heard if event.document == number]
    assert told[:2] == [OrderPlaced, OrderConfirmed]


def test_a_limit_leaves_the_rest_for_the_next_time(bench):
    handler = Handler()
    bench.shop.subscribe("box", handler, since="now")
    numbers = bench.place(5)

    assert [bench.shop.deliver_events(limit=limit)[0].delivered for limit in (2, 0, 100)] == [2, 0, 3]
    assert handler.documents == numbers


def test_another_workshop_over_the_same_store_goes_on_where_the_first_was(bench):
    numbers, first, second = bench.place(2), Handler(), Handler()
    bench.shop.subscribe("mailer", first, since="beginning")
    bench.shop.deliver_events(limit=1)
    restarted = bench.workshop()
    restarted.subscribe("mailer", second, since="beginning")
    restarted.deliver_events()

    assert (first.documents, second.documents) == (numbers[:1], numbers[1:])
    assert bench.shop.deliver_events()[0].delivered == 0


def test_two_workshops_deliver_one_box_between_them(bench):
    heard, other = [], bench.workshop()

    def slow(event):
        heard.append(event.document)
        if len(heard) == 1:  # meanwhile the other worker comes by: what is out is not handed out again
            other.deliver_events()

    bench.shop.subscribe("box", slow, since="now")
    other.subscribe("box", slow, since="now")
    numbers = bench.place(3)
    bench.shop.deliver_events()

    assert heard == numbers


def test_events_of_a_worker_that_died_come_again(bench):
    handler = Handler()
    bench.shop.subscribe("box", handler, since="now")
    numbers = bench.place(2)
    bench.store.outbox.lease("box", 10, bench.clock.now())  # and never seen again

    assert bench.shop.deliver_events()[0].delivered == 0
    bench.clock.tick(LEASE)
    assert bench.shop.deliver_events()[0].delivered == 2
    assert handler.documents == numbers


def test_a_handler_may_run_commands(bench):
    bench.shop.stock.receive("candle", "5 each", lot="C-1")
    confirmed = []

    def confirm(event):
        if isinstance(event, OrderPlaced):
            confirmed.append(bench.shop.orders.confirm(event.document).order)

    bench.shop.subscribe("clerk", confirm, since="now")
    numbers = bench.place(2)
    bench.shop.deliver_events()

    assert confirmed == numbers
    bench.shop.verify()
