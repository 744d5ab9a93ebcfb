"""Audit: what a trace cannot decide, searched for before anybody asks, and the exercise that shows how complete a trace is.

An empty list of gaps is a statement that auditors rely on, so nothing is left out of it in silence.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from fractions import Fraction
from typing import NamedTuple

import attrs

from krafte_core.items import Item
from krafte_core.ledger import Gross, Key
from krafte_core.quantities import Quantity, decimal_of, plain
from krafte_core.recall import Recall
from krafte_core.stock import Lot
from krafte_core.trace import Genealogy, columns, known


class Gap(NamedTuple):
    """Something that a trace cannot decide: what it is, and the lot or run that it is about."""

    what: str
    item: str
    name: str


def gaps(runs: Iterable[tuple[str, Gross]], items: Mapping[str, Item], lots: Iterable[Lot]) -> tuple[Gap, ...]:
    """What is missing in the books, sorted; runs and lots are looked at one after the other, and not kept.

    - *run without inputs*, *run without output* (that has neither been told of as a total loss nor given everything back)
    - *lot in its own making*: a run used and made it, so that amounts in it cannot be told apart
    - *receipt without supplier*, *find*, *return of an unknown lot*: where it came from nobody knows
    - *item without mass*: of a run with several outputs or inputs whose amounts cannot be compared

    Args:
        runs: every run with what went in and came out per lot.
        items: at least those of the runs.
        lots: every lot.

    >>> gaps([("B-1", {("soap", "S-1"): (0, 5)})], {"soap": Item("soap", unit="kg")}, [])
    (Gap(what='run without inputs', item='', name='B-1'),)
    """
    found = {gap for run, rows in runs for gap in _of_run(run, rows, items)}
    return tuple(sorted(found | {*_of_lots(lots)}))


def _of_run(run: str, rows: Gross, items: Mapping[str, Item]) -> Iterator[Gap]:
    used = [key for key, (into, out) in rows.items() if into > out]
    made = [key for key, (into, out) in rows.items() if out > into]
    if made and not used:
        yield Gap("run without inputs", "", run)
    if used and not made:
        yield Gap("run without output", "", run)
    for key in made:
        if rows[key][0]:
            yield Gap("lot in its own making", *key)
    if len(made) > 1 or len({item for item, _ in used}) > 1:
        for item in {item for item, _ in (*used, *made)}:
            if known("item", item, items).mass(1) is None:
                yield Gap("item without mass", item, "")


def _of_lots(lots: Iterable[Lot]) -> Iterator[Gap]:
    for lot in lots:
        if lot.origin == "receipt" and not lot.supplier:
            yield Gap("receipt without supplier", lot.item, lot.code)
        elif lot.origin in ("find", "return"):
            yield Gap("find" if lot.origin == "find" else "return of an unknown lot", lot.item, lot.code)


class Found(NamedTuple):
    """How much of a lot the exercise found: all that it ever had, what was found, and the part in percent (None: it had nothing)."""

    item: str
    lot: str
    had: Quantity
    found: Quantity
    percent: Fraction | None


@attrs.frozen
class Exercise:
    """The protocol of a mock recall: what was asked, when it began and ended, and how much was found in each direction.

    Forward: of every affected lot, what is in the house, used on, scrapped, sampled, sent back, or shipped to a customer whose name is
    known. Back: of every lot behind the source, whether its origin is known. `missing` says what was not found.
    """

    source: tuple[Key, ...]
    started: datetime
    ended: datetime
    forward: tuple[Found, ...]
    back: Fraction | None
    origins: tuple[Key, ...]
    missing: tuple[Gap, ...]
    by: str

    @property
    def took(self) -> timedelta:
        """How long it lasted."""
        return self.ended - self.started

    @property
    def percent(self) -> Fraction | None:
        """How much was found forward: the mean over all affected lots, in percent; None where there is none."""
        rows = [row.percent for row in self.forward if row.percent is not None]
        return sum(rows, Fraction(0)) / len(rows) if rows else None

    def __str__(self) -> str:
        """The protocol as a page."""
        names = ", ".join(" ".join(key) for key in self.source)
        head = [
            f"Mock recall of {names}" + (f", by {self.by}" if self.by else ""),
            f"started {self.started.isoformat()}, ended {self.ended.isoformat()}",
            f"found forward {_percent(self.percent)}, origins found {_percent(self.back)} of {len(self.origins)} lots",
        ]
        rows = [("item", "lot", "had", "found", "percent"), *((*row[:4], _percent(row.percent)) for row in self.forward)]
        missing = "not found:\n" + columns(self.missing, "  ") if self.missing else "not found: none"
        return "\n".join([*head, columns(rows, "  "), missing])


def _percent(part: Fraction | None) -> str:
    return "-" if part is None else f"{plain(decimal_of(round(part, 2)))} %"


def exercise(
    answer: Recall, behind: Genealogy, started: datetime, ended: datetime, *, by: str = "", origin: Callable[[Lot], bool] | None = None
) -> Exercise:
    """The protocol of a recall that was made as an exercise.

    Args:
        answer: the recall of the lots; `behind` what went into them.
        started, ended: when.
        by: who made it.
        origin: whether a lot's origin is known; default a run, or a named supplier.

    >>> from krafte_core.trace import genealogy, reach
    >>> day = datetime(2026, 1, 1)
    >>> nothing = Recall((), (), (), (), (), (), (), (), (), (), (), (), ())
    >>> exercise(nothing, genealogy(reach(lambda lots, runs: (), ["B-1"], "back"), {}, {}), day, day).percent is None
    True
    """
    is_known = origin or (lambda lot: lot.origin in ("run", "conversion") or bool(lot.supplier))
    forward = tuple(_found(answer, row.item, row.lot) for row in answer.balances)
    lots = tuple({(lot.item, lot.code): lot for lot in (*behind.lots, *answer.source)}.values())
    unknown = [lot for lot in lots if not is_known(lot)]
    missing = [Gap("origin unknown", lot.item, lot.code) for lot in unknown]
    missing += [Gap("not all found", row.item, row.lot) for row in forward if row.percent is not None and row.percent < 100]
    missing += [Gap("undecided", row.item, row.lot) for row in answer.undecided]
    back = Fraction(100 * (len(lots) - len(unknown)), len(lots)) if lots else None
    return Exercise(
        tuple((lot.item, lot.code) for lot in answer.source), started, ended, forward, back,
        tuple((lot.item, lot.code) for lot in lots), tuple(sorted(missing)), by,
    )  # fmt: skip


def _found(answer: Recall, item: str, lot: str) -> Found:
    row = answer.balance(item, lot)
    had = row.received + row.made + row.found
    lost = [ship.amount for ship in answer.shipments if (ship.item, ship.lot) == (item, lot) and not ship.customer]
    short = row.unaccounted if row.unaccounted.value > 0 else -row.unaccounted
    found = had - short - (sum(lost[1:], lost[0]) if lost else short - short)
    return Found(item, lot, had, found, None if had.is_zero else 100 * found.exact / had.exact)
