"""Lot sizing by period: one batch, or one purchase, for all that is needed within some days.

Other sizes are rules of the recipe (`BatchSize`: exactly, min, max, multiple) and of the offer (minimum, multiple); without any rule a
batch is made for each need (lot for lot). Period cover looks ahead: the first need of a period is planned together with the others
that fall into it, and purchases of one supplier that would come within a period come with the first of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from krafte_core.planner import Buy, Planner


class Window(NamedTuple):
    """So many steps of an item are needed in a period that begins at a moment."""

    item: str
    steps: int
    at: int


def windows(needs: Iterable[tuple[int, str, int, float]], cover: Mapping[str, int]) -> Mapping[int, Window]:
    """The periods of each item, by the number of the need that is planned first.

    Args:
        needs: (number in the queue, item, steps, due), those with a date.
        cover: per item the seconds of a period.

    >>> windows([(0, "soap", 5, 100), (1, "soap", 7, 150), (2, "soap", 1, 170)], {"soap": 60})
    {0: Window(item='soap', steps=12, at=100), 2: Window(item='soap', steps=1, at=170)}
    """
    found: dict[int, Window] = {}
    for item, seconds in cover.items():
        rows = sorted((due, number, steps) for number, code, steps, due in needs if code == item)
        while rows:
            since = rows[0][0]
            here = [row for row in rows if row[0] < since + seconds] or rows[:1]
            found[min(number for _, number, _ in here)] = Window(item, sum(steps for _, _, steps in here), int(since))
            rows = rows[len(here) :]
    return found


def together(planner: Planner, cover: Mapping[str, int]) -> None:
    """Purchases of one item from one supplier within a period come with the first of them; what comes sooner is never too late."""
    firsts: dict[tuple[str, str], int] = {}
    buys: list[Buy] = []
    for buy in sorted(planner.buys, key=lambda one: one.at):
        key = buy.item, buy.supplier
        place = firsts.get(key)
        if place is not None and buy.at < buys[place].at + cover.get(buy.item, 0):
            first = buys[place]
            buys[place] = first._replace(needed=first.needed + buy.needed, steps=first.steps + buy.steps)
            stock = planner.board.source(buy.item).stock
            stock.put(first.at, buy.steps)
            stock.take(buy.at, buy.steps)
        else:
            firsts[key] = len(buys)
            buys.append(buy)
    planner.buys.bare[:] = [(f"buy-{number}", *buy[1:]) for number, buy in enumerate(buys, 1)]
