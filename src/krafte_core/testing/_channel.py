"""The promises of a channel, as tests over the data that a host's subclass gives."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import permutations
from typing import Any

import attrs
import pytest

from krafte_core.channels.calls import Answer, Request
from krafte_core.errors import BadSignature, KrafteError
from krafte_core.incoming import Notice, OrderMessage
from krafte_core.intake import NOTHING, Imported, decide
from krafte_core.wire import dumps, loads

WRONG: Sequence[Any] = (None, "", "x", -1, "1e999", 10**400, True, [], {}, [None])
MOST_DAMAGES = 400
MOST_PERMUTED = 4


@attrs.frozen
class Webhook:
    """A webhook as it came: the raw body, its headers, and what `read_webhook` wants besides (`now`, `public_key`)."""

    body: bytes
    headers: Mapping[str, str]
    more: Mapping[str, Any] = attrs.field(factory=dict)


class ReadingChannel:
    """What comes in."""

    orders: Mapping[str, bytes] = {}
    facts: Mapping[str, Mapping[str, Any]] = {}
    webhooks: Sequence[Webhook] = ()

    def make_channel(self) -> Any:
        """The channel that is to be proven."""
        raise NotImplementedError("say which channel: def make_channel(self): return MyChannel(...)")

    def test_there_is_something_to_prove(self) -> None:
        """Without payloads nothing would be tested."""
        assert self.orders, "give `orders`: payloads of single orders by names of your own"

    def test_every_order_has_its_facts(self) -> None:
        """Each payload yields what was written down for it: fields of the message, and for `lines` fields of each line."""
        assert set(self.facts) <= set(self.orders)
        for name, facts in self.facts.items():
            message = self._read(name)
            lines = facts.get("lines", ())
            assert {key: getattr(message, key) for key in facts if key != "lines"} == {k: v for k, v in facts.items() if k != "lines"}
            if "lines" in facts:
                assert [{key: getattr(line, key) for key in told} for line, told in zip(message.lines, lines, strict=True)] == [*lines]

    def test_a_message_says_whose_it_is(self) -> None:
        """Channel, account and order id make its identity."""
        channel = self.make_channel()
        for name in self.orders:
            message = self._read(name)
            assert (message.channel, message.account) == (channel.name, channel.account)
            assert message.order_id

    def test_reading_is_a_function_of_the_payload(self) -> None:
        """The same bytes are the same message, which has a wire form and no binary float anywhere."""
        for name in self.orders:
            message = self._read(name)
            assert self._read(name) == message
            assert loads(dumps(message)) == message

    def test_any_order_of_messages_ends_in_the_same_state(self) -> None:
        """However often and in whatever order the messages of one order come, the same is known in the end."""
        by_order: dict[str, list[OrderMessage]] = {}
        for name in self.orders:
            message = self._read(name)
            by_order.setdefault(message.identity, []).append(message)
        for messages in by_order.values():
            ends = set()
            for some in permutations(messages[:MOST_PERMUTED]):
                stored = _taken_in([*some, *some])
                ends.add(dumps(stored.messages))
                assert decide(stored, some[-1]).action == NOTHING
            assert len(ends) == 1

    def test_a_damaged_payload_raises_coded_errors_only(self) -> None:
        """Whatever is missing or of the wrong type: a coded error, or a message that can be stored."""
        channel = self.make_channel()
        tried = 0
        for name in self.orders:
            data = json.loads(self.orders[name], parse_float=Decimal)
            for path in _places(data):
                if tried > MOST_DAMAGES:
                    return
                tried += 1
                for damaged in _damaged(data, path, WRONG[tried % len(WRONG)]):
                    try:
                        message = channel.read_order(damaged)
                    except KrafteError:
                        continue
                    assert loads(dumps(message)) == message, f"damaged at {path}"

    def test_what_is_no_json_raises_coded_errors_only(self) -> None:
        """Empty, cut off, too deep, no UTF-8."""
        channel = self.make_channel()
        for body in (b"", b"{", b"\xff", b"[" * 100_000, b'{"a":' * 100_000, b"9" * 5_000, b"NaN", b"5", b"[]"):
            with pytest.raises(KrafteError):
                channel.read_order(body)

    def test_a_webhook_is_read(self) -> None:
        """Each one is an order, or a notice that names one."""
        self._need_webhooks()
        for webhook in self.webhooks:
            found = self.make_channel().read_webhook(webhook.body, webhook.headers, **webhook.more)
            assert isinstance(found, OrderMessage | Notice)

    def test_a_webhook_that_was_altered_or_is_not_signed_is_refused(self) -> None:
        """One more byte, another signature, none: nothing of it is read."""
        self._need_webhooks()
        channel = self.make_channel()
        for webhook in self.webhooks:
            for body, headers in (
                (webhook.body + b" ", webhook.headers),
                (webhook.body, {}),
                (webhook.body, {key: value[::-1] for key, value in webhook.headers.items()}),
            ):
                with pytest.raises(BadSignature):
                    channel.read_webhook(body, headers, **webhook.more)
            with pytest.raises(KrafteError):
                channel.read_webhook(webhook.body.decode(), webhook.headers, **webhook.more)

    def _need_webhooks(self) -> None:
        if not self.webhooks:
            pytest.skip("no `webhooks` are given")

    def _read(self, name: str) -> OrderMessage:
        found: OrderMessage = self.make_channel().read_order(self.orders[name])
        return found


class AskingChannel:
    """What is asked and told."""

    pages: Sequence[Answer] = ()
    parcel: Any = None
    answers: Sequence[Answer] = ()

    def make_channel(self) -> Any:
        """The channel that is to be proven."""
        raise NotImplementedError

    def test_a_poll_ends_and_can_be_stored_between_any_two_answers(self) -> None:
        """The answers of `pages` are taken in one after the other, each time from a state that was stored and read again."""
        channel, poll = self._poll()
        found = []
        for answer in self.pages:
            assert isinstance(poll.request, Request), "the poll ended before its last page"
            step = channel.next_poll(loads(dumps(poll)), answer)
            found += step.messages
            poll = step.poll
        assert poll.done, "the poll wants more pages than were given"
        again = channel.again(poll)
        for answer in self.pages:
            step = channel.next_poll(again, answer)
            assert not [message for message in step.messages if message.version is not None], "what was seen comes again"
            again = step.poll
        assert found, "the pages have no orders"

    def test_what_passes_is_waited_for(self) -> None:
        """A time-out, a limit, a server that is busy: the same request again, each time later."""
        channel, poll = self._poll()
        for answer in (None, Answer(429), Answer(503)):
            first = channel.next_poll(poll, answer)
            second = channel.next_poll(first.poll, answer)
            assert first.poll.request == second.poll.request == poll.request
            assert 0 < first.wait <= second.wait

    def test_a_page_that_is_none_is_a_coded_error(self) -> None:
        """A page of HTML, an error, a number."""
        channel, poll = self._poll()
        for answer in (Answer(200, (), "<html>"), Answer(200, (), "5"), Answer(401), Answer(404)):
            with pytest.raises(KrafteError):
                channel.next_poll(poll, answer)

    def test_a_plan_ends_and_can_be_stored_between_any_two_answers(self) -> None:
        """The `parcel` is told by way of `answers`."""
        plan = self._plan()
        for answer in self.answers:
            assert isinstance(plan.next_request(), Request)
            plan = loads(dumps(plan)).intending().answered(answer)
        assert plan.done
        assert plan.refused == ()

    def test_a_call_without_answer_is_never_sent_again_unseen(self) -> None:
        """After a time-out of a call that changes something, the next request reads, unless the channel protects against twice."""
        plan = self._plan()
        for answer in self.answers:
            if plan.stage == "send":
                after = plan.intending().timed_out()
                request = after.next_request()
                assert request is not None
                assert after.stage == "check" or request == plan.next_request()
            plan = plan.answered(answer)

    def test_a_plan_without_answers_ends_as_well(self) -> None:
        """A server that never answers ends in a refusal, not in an endless loop."""
        plan = self._plan()
        for _ in range(100):
            plan = plan if plan.done else plan.timed_out()
        assert plan.done
        assert plan.refused

    def _poll(self) -> tuple[Any, Any]:
        if not self.pages:
            pytest.skip("no `pages` are given")
        channel = self.make_channel()
        return channel, channel.first_poll("2020-01-01T00:00Z")

    def _plan(self) -> Any:
        if self.parcel is None:
            pytest.skip("no `parcel` is given")
        return self.make_channel().plan_fulfillment(self.parcel)


def _taken_in(messages: Sequence[OrderMessage]) -> Imported:
    stored: Imported | None = None
    for message in messages:
        stored = decide(stored, message).imported
    assert stored is not None
    return stored


def _places(data: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    rows = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, value in rows:
        yield (*path, key)
        yield from _places(value, (*path, key))


def _damaged(data: Any, path: tuple[Any, ...], wrong: Any) -> Iterator[Any]:
    """The data without the thing at this place, and with something wrong there."""
    for drop in (True, False):
        made = copy.deepcopy(data)
        holder = made
        for key in path[:-1]:
            holder = holder[key]
        if drop:
            del holder[path[-1]]
        else:
            holder[path[-1]] = wrong
        yield made
