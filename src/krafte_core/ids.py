"""The names that things go by: lines found by name, document numbers.

>>> number("PB", "2026-11", 1), number("PB", "2026-11", 1000)
('PB-2026-11-001', 'PB-2026-11-1000')
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeVar

from krafte_core.errors import InvalidInput


class _Named(Protocol):
    @property
    def ref(self) -> str: ...

    @property
    def item(self) -> str: ...


Row = TypeVar("Row", bound=_Named)


def named(rows: Sequence[Row], name: str, many: str) -> Row:
    """The line (or need) of this ref, or the only one of this item.

    Raises:
        InvalidInput: (`invalid_input`) none or several; the refs are given.

    >>> from krafte_core.orders import OrderNeed
    >>> named([OrderNeed("1", "1", "soap", 6), OrderNeed("2", "2", "rope", 1)], "rope", "needs").ref
    '2'
    """
    found = [row for row in rows if row.ref == name] or [row for row in rows if row.item == name]
    if len(found) != 1:
        raise InvalidInput("line", name, f"one of the {many} " + ", ".join(f"{row.ref} ({row.item})" for row in rows))
    return found[0]


def number(series: str, period: str, count: int) -> str:
    """A document number: series, period and a counter of at least three digits that grows past 999.

    Counters are compared as integers, never as text, so 1000 follows 999.

    >>> number("CO", "2026-11", 12)
    'CO-2026-11-012'
    """
    return f"{series}-{period}-{count:03d}"
