"""Causes: what several complaints have in common, what else shares a cause with one, and how far a recall of a lot would reach."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction

import attrs

from krafte_core.errors import InvalidInput
from krafte_core.ledger import Key
from krafte_core.trace import Genealogy, Reach, columns

Name = Key | str


@attrs.frozen
class Cause:
    """What several complaints may come from: a lot (`item` and `name`) or a run (`item` empty), and which of them it explains."""

    item: str
    name: str
    explains: tuple[Key, ...]
    share: Fraction


@attrs.frozen
class Siblings:
    """What shares a cause with a lot: the lot, the lots and runs `via` which the others were found, and everything after these.

    The set that was used is a part of the answer: all source lots give the widest scope, one suspected lot a narrow one.
    """

    item: str
    lot: str
    via: tuple[Name, ...]
    genealogy: Genealogy

    def __str__(self) -> str:
        """The set that was used, then the links."""
        used = ", ".join(name if isinstance(name, str) else " ".join(name) for name in self.via)
        return f"siblings of {self.item} {self.lot} via {used}\n{self.genealogy}"


@attrs.frozen
class Dispersion:
    """How far a recall of a lot would reach: how many lots, finished lots and customers it would touch."""

    item: str
    lot: str
    lots: int
    finished: int
    customers: int


def common_causes(found: Reach) -> tuple[Cause, ...]:
    """What the sources of a search back have in common: lots and runs, those that explain most complaints first, then by name.

    Only what explains at least two of them (or the only one there is). One search for all; which source a node belongs to is handed up
    link by link until nothing changes, so loops end.

    Raises:
        InvalidInput: (`invalid_input`) a search in the other direction, or from runs.

    >>> from krafte_core.trace import reach
    >>> common_causes(reach(lambda lots, runs: (), [("soap", "S-1")], "back"))
    ()
    """
    complaints = [source for source in found.sources if not isinstance(source, str)]
    if found.direction != "back" or len(complaints) < len(found.sources):
        raise InvalidInput("found", found.direction, "a search back from lots")
    behind: dict[Name, list[Name]] = {key: [] for key in found.lots}
    for run, nets in found.nets.items():
        behind[run] = [key for key, steps in nets.items() if steps > 0]
        for key, steps in nets.items():
            if steps < 0 and key in behind:
                behind[key].append(run)
    marks: dict[Name, int] = dict.fromkeys(behind, 0)
    for n, key in enumerate(complaints):
        marks[key] |= 1 << n
    queue: list[Name] = [*complaints]
    while queue:
        node = queue.pop()
        for other in behind[node]:
            if marks[node] | marks[other] != marks[other]:
                marks[other] |= marks[node]
                queue.append(other)
    least = min(2, len(complaints))
    rows = []
    for name, mark in marks.items():
        explained = tuple(key for n, key in enumerate(complaints) if mark >> n & 1)
        if len(explained) >= least and name not in complaints:
            item, code = ("", name) if isinstance(name, str) else name
            rows.append(Cause(item, code, explained, Fraction(len(explained), len(complaints))))
    return tuple(sorted(rows, key=lambda row: (-len(row.explains), row.item, row.name)))


def source_lots(found: Reach) -> tuple[Key, ...]:
    """The lots of a search back that no run of it made: where everything came from.

    >>> from krafte_core.trace import reach
    >>> source_lots(reach(lambda lots, runs: (), [("soap", "S-1")], "back"))
    (('soap', 'S-1'),)
    """
    made = {key for nets in found.nets.values() for key, steps in nets.items() if steps < 0}
    return tuple(key for key in found.lots if key not in made)


def dispersion(
    lots: Iterable[Key],
    scope: Callable[[Key], Reach],
    is_finished: Callable[[str], bool],
    customers: Callable[[Iterable[Key]], Mapping[Key, Iterable[str]]],
) -> tuple[Dispersion, ...]:
    """How far a recall of each of these lots would reach, the farthest first.

    Args:
        lots: those that are looked at, each by a search of its own.
        scope: the search forward from a lot.
        is_finished: whether an item is sold.
        customers: who got anything of these lots.

    >>> from krafte_core.trace import reach
    >>> alone = lambda key: reach(lambda lots, runs: (), [key], "forward")
    >>> dispersion([("oil", "O-1")], alone, lambda item: False, lambda lots: {})
    (Dispersion(item='oil', lot='O-1', lots=1, finished=0, customers=0),)
    """
    found = {key: scope(key).lots for key in dict.fromkeys(lots)}
    who = customers(sorted({key for reached in found.values() for key in reached}))
    rows = [
        Dispersion(
            *key,
            len(reached),
            sum(is_finished(item) for item, _ in reached),
            len({one for other in reached for one in who.get(other, ())}),
        )
        for key, reached in found.items()
    ]
    return tuple(sorted(rows, key=lambda row: (-row.finished, -row.lots, row.item, row.lot)))


def dispersion_table(rows: Iterable[Dispersion]) -> str:
    """The figures as text.

    >>> print(dispersion_table([Dispersion("oil", "O-1", 3, 1, 2)]))
    item  lot  lots  finished  customers
    oil   O-1  3     1         2
    """
    return columns([("item", "lot", "lots", "finished", "customers"), *(attrs.astuple(row) for row in rows)])
