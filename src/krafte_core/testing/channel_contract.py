"""The contract of a sales channel: a suite for pytest that proves a host's own channel as ours are proven.

A host that sells where we do not writes a class with `read_order`, and as far as its channel has them `read_webhook`, polling and
`plan_fulfillment`, best on `krafte_core.channels.base.Reading`, `polling.Poller` and `writing.Writer`; and gives data::

    class TestMyMarket(ChannelContract):
        orders = {"two lines": b'{"id": 7, ...}', "the same, cancelled": b'{"id": 7, ...}'}
        facts = {"two lines": {"order_id": "7", "currency": "EUR", "lines": [{"line_id": "1", "quantity": Decimal(2)}]}}
        webhooks = [Webhook(body, {"X-Signature": "..."})]
        pages = [Answer(200, {}, b'{"orders": [...]}')]
        parcel = Parcel(order_id="7", lines=(("1", Decimal(2)),), tracking="JD1", carrier="DHL")
        answers = [Answer(201)]

        def make_channel(self):
            return MyMarket("my-account", secret="...")

Every test has its promise as docstring. What is not given is skipped, and the skip says so.
"""

from __future__ import annotations

import pytest

# Before it is imported, so that a failed promise shows what was compared, as in a test of the host's own.
pytest.register_assert_rewrite("krafte_core.testing._channel")

# ruff: noqa: E402 - see above
from krafte_core.testing._channel import AskingChannel, ReadingChannel, Webhook


class ChannelContract(ReadingChannel, AskingChannel):
    """Every promise of a channel, as a test; a host's subclass gives the data.

    - `orders`: payloads of single orders, by names of your own; `facts`: what some of them must yield.
    - `webhooks`: genuine ones. `pages`: the answers to a whole poll, one after the other.
    - `parcel` and `answers`: something to be told, and what the channel answers to each request.

    >>> ChannelContract.webhooks
    ()
    """


__all__ = ["ChannelContract", "Webhook"]
