"""Polling as a state machine without network: requests out, answers in, and a state that can be stored between any two of them.

::

    poll = channel.first_poll(since)            # or the stored state of the last time
    while poll.request is not None:
        step = channel.next_poll(poll, answer)  # the host has sent poll.request
        ...                                     # store step.messages, then step.poll
        poll = step.poll                        # step.wait: so many seconds first

What was stored twice does no harm, because messages are idempotent; what was not stored comes again, because the watermark is in the
state and the state is stored after the messages. Polls overlap, and versions that the last poll has seen are dropped.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar

import attrs

from krafte_core.channels.calls import OVERLOADED, Answer, Request, backoff
from krafte_core.channels.reading import bad, loaded
from krafte_core.errors import BadPayload, ChannelRefused
from krafte_core.incoming import OrderMessage, Problem
from krafte_core.times import instant

OVERLAP = timedelta(minutes=10)
"""How far a poll reaches back behind the newest order of the last one: clocks differ, and indexes lag."""
MOST_TRIES = 12
MOST_PARTS = 200
"""Answers that one order may take."""
_ZERO = Decimal(0)
_SINGLE = "order itself"


@attrs.frozen
class Part:
    """A further call that belongs to an order of a page."""

    name: str
    request: Request


@attrs.frozen
class Page:
    """What a page has: its rows, and the cursor of the next one; or how long to wait."""

    rows: Sequence[Any] = ()
    cursor: str = ""
    wait: Decimal | None = None


@attrs.frozen(kw_only=True)
class Awaited:
    """An order of a page whose other parts are being fetched: its row and the parts that came, as JSON."""

    row: str
    todo: tuple[Part, ...] = ()
    parts: tuple[tuple[str, str], ...] = ()


@attrs.frozen(kw_only=True)
class Poll:
    """Where a poll stands. It has a wire form, so it can be stored.

    Args:
        since: what was asked for; the next poll begins at `newest` minus the overlap.
        newest: the newest version among the orders handed out so far.
        request: what to ask next; None: the poll is over, and `again` begins the next.
        cursor: the page after this one.
        awaiting: orders of this page whose parts are still to come.
        seen: ids and versions within the overlap.
        tries: answers in a row that said "later".
    """

    channel: str
    account: str
    since: datetime
    newest: datetime | None = None
    request: Request | None = None
    cursor: str = ""
    awaiting: tuple[Awaited, ...] = ()
    seen: tuple[tuple[str, datetime], ...] = ()
    tries: int = 0

    @property
    def done(self) -> bool:
        """Whether this poll is over."""
        return self.request is None


@attrs.frozen(kw_only=True)
class Polled:
    """What one answer brought: orders, orders that cannot be read, how long to wait, and where the poll stands now."""

    poll: Poll
    messages: tuple[OrderMessage, ...] = ()
    refused: tuple[BadPayload, ...] = ()
    wait: Decimal = _ZERO


class Poller:
    """Polling for a channel; the channel says what to ask and where the cursor is."""

    name: ClassVar[str]
    account: str

    def first_poll(self, since: datetime | str) -> Poll:
        """The very first poll: all orders that changed since an instant.

        Raises:
            NaiveDatetime, UnreadableText, ...: as `krafte_core.times.instant`.
        """
        at = instant(since)
        return Poll(channel=self.name, account=self.account, since=at, request=self._list(at, ""))

    def again(self, poll: Poll) -> Poll:
        """The next poll after one that is done (or was given up): from its newest order on, minus the overlap."""
        if poll.newest is None:
            return attrs.evolve(poll, request=self._list(poll.since, ""), cursor="", awaiting=(), tries=0)
        since = max(poll.newest - OVERLAP, poll.since)
        seen = tuple((name, version) for name, version in poll.seen if version >= since)
        return Poll(
            channel=poll.channel, account=poll.account, since=since, newest=poll.newest, request=self._list(since, ""), seen=seen
        )  # fmt: skip

    def read_again(self, order_ids: Iterable[str], *, since: datetime | str) -> Poll:
        """A poll that reads single orders, one after the other: those that are still open here, now and then.

        The lists of some channels miss what matters: Etsy's cancellations, eBay's wishes to cancel. What has gone there is left out.
        Its state is not the one that lists go on from.

        Args:
            order_ids: as the channel names them (`message.order_id`).
            since: any instant; it is kept as the poll's own.
        """
        todo = [Awaited(row="", todo=(Part(_SINGLE, self.fetch(name)),)) for name in dict.fromkeys(order_ids)]  # type: ignore[attr-defined]
        first = todo[0].todo[0].request if todo else None
        return Poll(channel=self.name, account=self.account, since=instant(since), request=first, awaiting=tuple(todo))

    def next_poll(self, poll: Poll, answer: Answer | None, *, now: datetime | None = None) -> Polled:
        """Take an answer in.

        Args:
            poll: where the poll stands.
            answer: the answer to `poll.request`; None for a time-out or a lost connection.
            now: when it was asked; stands in for the version of orders that have none.

        Raises:
            ChannelRefused: (`channel_refused`) the server will not answer, however often it is asked. BadPayload: (`bad_payload`) no
                page at all. The poll stands where it stood.
        """
        if poll.request is None:
            return Polled(poll=poll)
        if answer is None or answer.status in OVERLOADED:
            return self._later(poll, backoff(poll.tries) if answer is None else answer.wait(poll.tries))
        if not answer.ok:
            if poll.awaiting and answer.status in {404, 410}:
                return self._skipped(poll)
            raise ChannelRefused(self.name, f"status {answer.status} {answer.body[:200]}", f"an answer to {poll.request.target[:200]}")
        if poll.awaiting:
            return self._part(poll, answer, now)
        page = self._page(poll.request, answer)
        if page.wait is not None:
            return self._later(poll, page.wait)
        awaiting: list[Awaited] = []
        ready: list[Any] = []
        refused: list[BadPayload] = []
        for row in page.rows:
            try:
                todo = self._parts(row)
            except BadPayload as problem:
                refused.append(problem)
                continue
            if todo:
                awaiting.append(Awaited(row=_stored(row), todo=todo))
            else:
                ready.append(row)
        moved = attrs.evolve(poll, cursor=page.cursor, awaiting=tuple(awaiting), tries=0)
        return self._handed(moved, [(row, {}) for row in ready], refused, now)

    def _part(self, poll: Poll, answer: Answer, now: datetime | None) -> Polled:
        """The answer is a part of the first order that waits."""
        wait = self._throttled(answer)
        if wait is not None:
            return self._later(poll, wait)
        first, *others = poll.awaiting
        part, *todo = first.todo
        moved = attrs.evolve(poll, awaiting=tuple(others), tries=0)
        try:
            if part.name == _SINGLE:
                first = attrs.evolve(first, row=answer.body)
                todo = [*self._parts(_alone(loaded(self.name, answer.body))), *todo]
            else:
                todo = [*self._further(part, answer), *todo]
            if len(first.parts) >= MOST_PARTS:
                raise bad(self.name, "an order", [Problem(f"$.{part.name}", f"{MOST_PARTS} answers", "an order that comes to an end")])
            kept = () if part.name == _SINGLE else ((part.name, answer.body or "[]"),)
            first = attrs.evolve(first, todo=tuple(todo), parts=(*first.parts, *kept))
            if todo:
                return Polled(poll=attrs.evolve(poll, awaiting=(first, *others), tries=0, request=todo[0].request))
            rows = [(first.row, self._gathered(first.parts))]
        except BadPayload as problem:
            return self._handed(moved, [], [problem], now)
        return self._handed(moved, rows, [], now)

    def _gathered(self, parts: Sequence[tuple[str, str]]) -> Mapping[str, Any]:
        """The parts of an order by name; those that came in several pages are put together."""
        pages: dict[str, list[Any]] = {}
        for name, body in parts:
            pages.setdefault(name, []).append(loaded(self.name, body))
        return {name: found[0] if len(found) == 1 else self._joined(name, found) for name, found in pages.items()}

    def _skipped(self, poll: Poll) -> Polled:
        """An order that went away while its parts were fetched."""
        return self._handed(attrs.evolve(poll, awaiting=poll.awaiting[1:], tries=0), [], [], None)

    def _later(self, poll: Poll, wait: Decimal) -> Polled:
        if poll.tries >= MOST_TRIES:
            raise ChannelRefused(self.name, f"{poll.tries} times no answer", "an answer; try the stored poll again another time")
        return Polled(poll=attrs.evolve(poll, tries=poll.tries + 1), wait=max(wait, _ZERO))

    def _handed(
        self, poll: Poll, rows: Sequence[tuple[Any, Mapping[str, Any]]], refused: list[BadPayload], now: datetime | None
    ) -> Polled:
        """Orders that are complete are handed out, except versions that were handed out before."""
        messages = []
        seen = dict.fromkeys(poll.seen)
        newest = poll.newest
        for row, parts in rows:
            try:
                message = self.read_order(row, asked_at=now, **parts)  # type: ignore[attr-defined]
            except BadPayload as problem:
                refused.append(problem)
                continue
            if message.version is not None:
                mark = (message.order_id, message.version)
                if mark in seen:
                    continue
                seen[mark] = None
                newest = message.version if newest is None else max(newest, message.version)
            messages.append(message)
        moved = attrs.evolve(poll, newest=newest, seen=tuple(seen))
        return Polled(poll=attrs.evolve(moved, **self._ahead(moved)), messages=tuple(messages), refused=tuple(refused))

    def _ahead(self, poll: Poll) -> dict[str, Any]:
        """What is asked next: the parts of an order that waits, else the next page, else nothing."""
        if poll.awaiting:
            return {"request": poll.awaiting[0].todo[0].request}
        if poll.cursor:
            return {"request": self._list(poll.since, poll.cursor), "cursor": ""}
        return {"request": None}

    def _list(self, since: datetime, cursor: str) -> Request:
        raise NotImplementedError

    def _page(self, request: Request, answer: Answer) -> Page:
        raise NotImplementedError

    def _parts(self, row: Any) -> tuple[Part, ...]:
        return ()

    def _further(self, part: Part, answer: Answer) -> Sequence[Part]:
        """What must be asked besides, by what this part said: its own next page has its own name."""
        return ()

    def _joined(self, name: str, pages: Sequence[Any]) -> Any:
        """The pages of one part as one."""
        return [row for page in pages if isinstance(page, list) for row in page]

    def _throttled(self, answer: Answer) -> Decimal | None:
        """Seconds to wait, where the channel says so in an answer that looks good."""
        return None


def _alone(data: Any) -> Any:
    """The order within the answer to a single read."""
    for name in ("payload", "order"):
        if isinstance(data, Mapping) and isinstance(data.get(name), Mapping):
            return data[name]
    return data


class _Exact(json.JSONEncoder):
    """Decimals are printed as the numbers that they were."""

    def default(self, value: Any) -> Any:
        """A Decimal as text: the reader takes both."""
        return str(value) if isinstance(value, Decimal) else super().default(value)


def _stored(row: Any) -> str:
    return json.dumps(row, cls=_Exact, ensure_ascii=False, separators=(",", ":"))


def next_page(part: Part) -> Part:
    """The same part, one page further.

    >>> next_page(Part("refunds", Request("GET", "/refunds", query=(("page", "1"),)))).request.target
    '/refunds?page=2'
    """
    query = tuple((name, str(int(value) + 1) if name == "page" else value) for name, value in part.request.query)
    return Part(part.name, attrs.evolve(part.request, query=query))
