"""The names that things go by: one type per kind, so that a type checker stops mix-ups; document numbers.

>>> number("PB", "2026-11", 1), number("PB", "2026-11", 1000)
('PB-2026-11-001', 'PB-2026-11-1000')
"""

from __future__ import annotations

from typing import NewType

ItemCode = NewType("ItemCode", str)
LotCode = NewType("LotCode", str)
PlaceCode = NewType("PlaceCode", str)
PaperNumber = NewType("PaperNumber", str)
LineRef = NewType("LineRef", str)


def number(series: str, period: str, count: int) -> str:
    """A document number: series, period and a counter of at least three digits that grows past 999.

    Counters are compared as integers, never as text, so 1000 follows 999.

    >>> number("CO", "2026-11", 12)
    'CO-2026-11-012'
    """
    return f"{series}-{period}-{count:03d}"
