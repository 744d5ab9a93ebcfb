"""What SQLite and PostgreSQL say differently: how many keys are asked for at once, and how many rows are written at once."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import count
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

    def cursors(self, connection: Any) -> Callable[[], Any]:
        """What makes cursors of a connection of the driver."""
        made: Callable[[], Any] = connection.cursor
        return made


class Sqlite(_Dialect):
    """One file: many keys go as a JSON array, rows one by one in one call of the driver."""

    name = "sqlite"
    many = "IN (SELECT value FROM json_each(?))"
    among, found = "IN (", ")"
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
    among, found = "= ANY(ARRAY(", "))"  # looked up one by one, whatever the planner thinks of the table
    pairs = "IN (SELECT * FROM unnest(?::text[], ?::text[]))"
    triples = "IN (SELECT * FROM unnest(?::text[], ?::text[], ?::text[]))"
    by_document = by_lot = by_place = ""

    def sql(self, statement: str) -> str:
        """The statement as the driver wants it: its values are numbered."""
        numbers = count(1)
        return re.sub(r"\?", lambda _: f"${next(numbers)}", statement)

    def keys(self, keys: Sequence[Any]) -> tuple[Any, ...]:
        """Any number of keys as parameters."""
        return (array(keys),) if isinstance(keys[0], str) else tuple([array(column) for column in zip(*keys, strict=True)])

    def cursors(self, connection: Any) -> Callable[[], Any]:
        """Cursors that send a statement as it is: the others look for placeholders in a long one every time."""
        from psycopg import RawCursor  # noqa: PLC0415 - only who has a server needs it

        return partial(RawCursor, connection)


def array(column: Sequence[Any]) -> str:
    r"""Texts, whole numbers or truth values as PostgreSQL reads an array.

    The driver would look at every value, and make another statement of another size of numbers.

    >>> print(array(['a "b"', None]), array([1, None]), array([True, False]))
    {"a \"b\"",NULL} {1,NULL} {t,f}
    """
    return "{" + ",".join(["NULL" if value is None else _WRITTEN[type(value)](value) for value in column]) + "}"


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


_WRITTEN: dict[type, Callable[[Any], str]] = {str: _quoted, int: str, bool: lambda value: "t" if value else "f"}

Dialect = Sqlite | Postgres
DIALECTS: dict[str, type[Sqlite] | type[Postgres]] = {"sqlite": Sqlite, "postgresql": Postgres}
