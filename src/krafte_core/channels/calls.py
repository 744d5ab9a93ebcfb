"""Requests and answers as values: the library says what to ask and reads what was answered; the host owns the network.

A `Request` has no host and no token: the caller puts its own base URL and authentication before it.

>>> Request("GET", "/orders", query=(("page", "2"), ("since", "a b"))).target
'/orders?page=2&since=a+b'
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import quote, urlencode

import attrs

from krafte_core.channels.reading import loaded

JSON = (("content-type", "application/json"),)
FORM = (("content-type", "application/x-www-form-urlencoded"),)
OVERLOADED = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Answers after which asking again later makes sense."""
LONGEST_WAIT = 3_600


@attrs.frozen
class Request:
    """What to ask: method, path, query, headers and body."""

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = attrs.field(default=(), kw_only=True)
    headers: tuple[tuple[str, str], ...] = attrs.field(default=(), kw_only=True)
    body: str | None = attrs.field(default=None, kw_only=True)

    @property
    def target(self) -> str:
        """Path and query."""
        return f"{self.path}?{urlencode(self.query)}" if self.query else self.path

    @property
    def content(self) -> bytes | None:
        """The body as bytes."""
        return None if self.body is None else self.body.encode()


def _lower(given: Mapping[str, str] | tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    rows = given.items() if isinstance(given, Mapping) else given
    return tuple((str(name).lower(), str(value)) for name, value in rows)


def _text(given: bytes | str) -> str:
    return given if isinstance(given, str) else bytes(given).decode("utf-8", "replace")


@attrs.frozen
class Answer:
    """What was answered: status, headers and body.

    >>> Answer(200, {"X-Total": "3"}, b"{}").header("x-total")
    '3'
    """

    status: int
    headers: tuple[tuple[str, str], ...] = attrs.field(default=(), converter=_lower)
    body: str = attrs.field(default="", converter=_text)

    def header(self, name: str) -> str:
        """The first header of this name, or empty."""
        return next((value for key, value in self.headers if key == name), "")

    @property
    def ok(self) -> bool:
        """Whether the status is one of success."""
        return 200 <= self.status < 300

    def data(self, channel: str) -> Any:
        """The body's data.

        Raises:
            BadPayload: (`bad_payload`) no JSON.
        """
        return loaded(channel, self.body)

    def wait(self, tries: int = 0) -> Decimal:
        """Seconds to wait before asking again: what the server says, else longer each time."""
        for name, unit in (("retry-after", 1), ("x-rate-limit-time-reset-ms", 1000)):
            try:
                told = Decimal(self.header(name)) / unit
            except InvalidOperation:
                continue
            if told.is_finite() and told >= 0:
                return min(told, Decimal(LONGEST_WAIT))
        return backoff(tries)


def backoff(tries: int) -> Decimal:
    """Seconds to wait after so many tries: 1, 2, 4 ... up to 15 minutes.

    >>> [str(backoff(tries)) for tries in (0, 3, 99)]
    ['1', '8', '900']
    """
    return Decimal(min(2 ** min(tries, 12), 900))


def posted(path: str, body: Any, *, method: str = "POST", headers: tuple[tuple[str, str], ...] = ()) -> Request:
    """A request with a body of JSON."""
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"), default=_number)
    return Request(method, path, headers=JSON + headers, body=text)


def _number(value: Any) -> Any:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else str(value)
    raise TypeError(f"{type(value).__name__} in a body")


def in_path(name: str) -> str:
    """A name as a part of a path: nothing in it can end the part.

    >>> in_path("18-07223-32423"), in_path("../x?y")
    ('18-07223-32423', '..%2Fx%3Fy')
    """
    return quote(name, safe="*")


def stamp(at: datetime) -> str:
    """An instant in UTC with milliseconds, as several channels write it.

    >>> from krafte_core.times import instant
    >>> stamp(instant("2022-02-11T01:00Z"))
    '2022-02-11T01:00:00.000Z'
    """
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"
