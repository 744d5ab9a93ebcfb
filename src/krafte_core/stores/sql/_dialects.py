"""What SQLite and PostgreSQL say differently: how many keys are asked for at once, and how many rows are written at once."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any


def readable(keys: Iterable[Any]) -> list[Any]:
    """The keys that a database can hold: a text with NUL or half a surrogate is in none, so there is nothing to ask.

    >>> readable(["CO-1", "CO" + chr(0)])
    ['CO-1']
    """
    return [key for key in keys if _holds(key)]


def _holds(key: Any) -> bool:
    texts = (key,) if isinstance(key, str) else key
    try:
        return not any("\0" in text or (not text.isascii() and not text.encode()) for text in texts)
    except UnicodeEncodeError:
        return False


class Sqlite:
    """One file: keys go as a JSON array, rows one by one in one call of the driver."""

    name = "sqlite"
    many = "IN (SELECT value FROM json_each(?))"
    pairs = "IN (SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]') FROM json_each(?))"
    triples = "IN (SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]'), json_extract(value, '$[2]') FROM json_each(?))"
    begin_reading: Sequence[str] = ("BEGIN",)

    def sql(self, statement: str) -> str:
        """The statement as the driver wants it."""
        return statement

    def keys(self, keys: Sequence[Any]) -> tuple[Any, ...]:
        """The keys as parameters of `many`, `pairs` or `triples`."""
        return (json.dumps(keys),)


class Postgres:
    """A server: keys and rows go as arrays, so a statement takes any number of them."""

    name = "postgresql"
    many = "= ANY(?::text[])"
    pairs = "IN (SELECT * FROM unnest(?::text[], ?::text[]))"
    triples = "IN (SELECT * FROM unnest(?::text[], ?::text[], ?::text[]))"
    begin_reading: Sequence[str] = ("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",)

    def sql(self, statement: str) -> str:
        """The statement as the driver wants it."""
        return statement.replace("%", "%%").replace("?", "%s")

    def keys(self, keys: Sequence[Any]) -> tuple[Any, ...]:
        """The keys as parameters of `many`, `pairs` or `triples`."""
        return ([*keys],) if isinstance(keys[0], str) else tuple([list(column) for column in zip(*keys, strict=True)])


Dialect = Sqlite | Postgres
DIALECTS: dict[str, type[Sqlite] | type[Postgres]] = {"sqlite": Sqlite, "postgresql": Postgres}
