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
    return [key for key in keys if (_holds(key) if isinstance(key, str) else all(map(_holds, key)))]


def _holds(text: str) -> bool:
    try:
        return "\0" not in text and (text.isascii() or bool(text.encode()))
    except UnicodeEncodeError:
        return False


class _Dialect:
    """How keys are asked for: one is compared, which is the rule, and which every database answers by its index; many go together."""

    def __init__(self) -> None:
        """No statement seen yet."""
        self._single: dict[str, str] = {}

    def asked(self, statement: str, keys: Sequence[Any]) -> tuple[str, tuple[Any, ...]]:
        """A statement with `{many}`, `{pairs}` or `{triples}`, and the keys as its parameters."""
        if len(keys) != 1:
            return statement, self.keys(keys)
        single = self._single.get(statement)
        if single is None:
            single = statement.replace("{many}", "= ?").replace("{pairs}", "= (?, ?)").replace("{triples}", "= (?, ?, ?)")
            self._single[statement] = single
        key = keys[0]
        return single, (key,) if isinstance(key, str) else tuple(key)

    def keys(self, keys: Sequence[Any]) -> tuple[Any, ...]:
        """Any number of keys as parameters."""
        raise NotImplementedError


class Sqlite(_Dialect):
    """One file: many keys go as a JSON array, rows one by one in one call of the driver."""

    name = "sqlite"
    many = "IN (SELECT value FROM json_each(?))"
    pairs = "IN (SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]') FROM json_each(?))"
    triples = "IN (SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]'), json_extract(value, '$[2]') FROM json_each(?))"
    by_document = "INDEXED BY {prefix}diary_document"
    by_lot = "INDEXED BY {prefix}moves_lot"
    by_place = "INDEXED BY {prefix}stocked_place"

    def sql(self, statement: str) -> str:
        """The statement as the driver wants it."""
        return statement

    def keys(self, keys: Sequence[Any]) -> tuple[Any, ...]:
        """Any number of keys as parameters."""
        return (json.dumps(keys),)


class Postgres(_Dialect):
    """A server: keys and rows go as arrays, so a statement takes any number of them."""

    name = "postgresql"
    many = "= ANY(?::text[])"
    pairs = "IN (SELECT * FROM unnest(?::text[], ?::text[]))"
    triples = "IN (SELECT * FROM unnest(?::text[], ?::text[], ?::text[]))"
    by_document = by_lot = by_place = ""

    def sql(self, statement: str) -> str:
        """The statement as the driver wants it."""
        return statement.replace("%", "%%").replace("?", "%s")

    def keys(self, keys: Sequence[Any]) -> tuple[Any, ...]:
        """Any number of keys as parameters."""
        return ([*keys],) if isinstance(keys[0], str) else tuple([list(column) for column in zip(*keys, strict=True)])


Dialect = Sqlite | Postgres
DIALECTS: dict[str, type[Sqlite] | type[Postgres]] = {"sqlite": Sqlite, "postgresql": Postgres}
