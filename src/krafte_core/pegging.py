"""Pegging: which supply of a plan serves which need, item by item in the order of time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from operator import itemgetter
from typing import Any, NamedTuple

from krafte_core.board import Board, Source
from krafte_core.planner import Buy, Make
from krafte_core.rows import Rows

Need = tuple[str, int, int, str, str]
"""A need that is met: item, when, steps, the paper and its line."""
Supplies = dict[str, list[tuple[int, int, int, str, str, str]]]


class Peg(NamedTuple):
    """So many steps of a supply serve a need; a supply is `"stock"`, an existing paper, or a `ref` of the plan, and so is a need.

    `source` is the kind of the supply: `stock`, `run`, `purchase`, `make`, `buy`; `line` the line of the need.
    """

    item: str
    steps: int
    source: str
    supply: str
    supply_line: str
    at: int
    need: str
    line: str
    needed_at: int


class Pegged(NamedTuple):
    """The pegs, as plain rows with the fields of `Peg`; and the purchases of the plan that serve nobody."""

    pegs: list[tuple[Any, ...]]
    idle: set[str]


def pegs(board: Board, wanted: Iterable[Need], makes: Rows[Make], buys: Rows[Buy]) -> Pegged:
    """Match supplies and needs of every item in the order of time.

    Args:
        board: with what there is, and how everything is made.
        wanted: the needs that are met.
        makes, buys: what is planned; makes need what goes into them, too.
    """
    supplies = _there(board)
    needs: dict[str, list[tuple[int, int, str, str]]] = {item: [] for item in supplies}
    for item, at, steps, ref, name in wanted:
        needs[item].append((at, steps, ref, name))
    makers = {(one.version, one.code): one for one in board.makers()}
    bringing = {key: one for key, one in makers.items() if one.besides}
    lines = {
        key: [(line, line.ref, needs[line.item], line.numerator, line.denominator) for line in one.recipe.lines]
        for key, one in makers.items()
    }
    for make in makes.bare:
        ref, item, steps, start, end, _, _, version, takes = make
        if not version or not makers[version, item].recipe.recipe.apart:
            supplies[item].append((end, 2, steps, "make", ref, ""))
        if bringing and (version, item) in bringing:
            _bring(supplies, bringing[version, item], steps, end, ref)
        if takes:
            for name, code, took, _ in takes:
                needs[code].append((start, took, ref, name))
            continue
        for line, name, into, numerator, denominator in lines[version, item]:
            need = -(-steps * numerator // denominator) if line.rule is None else line.requirement(steps)
            into.append((start, need, ref, name))
    for ref, item, _, _, steps, _, at, _ in buys.bare:
        supplies[item].append((at, 3, steps, "buy", ref, ""))
    found: list[tuple[Any, ...]] = []
    idle: set[str] = set()
    for item, rows in needs.items():
        left = iter(sorted(supplies[item], key=_first_two))
        if rows:
            _match(found, item, left, sorted(rows, key=_first))
        idle.update([supply for _, _, _, source, supply, _ in left if source == "buy"])
    return Pegged(found, idle)


def _there(board: Board) -> Supplies:
    """What is there and used, and what comes."""
    supplies: Supplies = {}
    for one in board.sources():
        left = one.on_hand - sum([lot.left for lot in one.lots])
        rows = supplies[one.code] = [(board.now, 0, left, "stock", "stock", "")] if left > 0 else []
        rows += [(max(int(row.at), board.now), 1, row.free, row.source, row.ref, row.line) for row in one.supplies]
    return supplies


def _bring(supplies: Mapping[str, list[tuple[int, int, int, str, str, str]]], maker: Source, steps: int, end: int, ref: str) -> None:
    for one, coming in maker.besides:
        came = coming.expected(steps)
        if came:
            supplies[one.code].append((end, 2, came, "make", ref, ""))


_first, _first_two = itemgetter(0), itemgetter(0, 1)


def _match(
    found: list[tuple[Any, ...]],
    item: str,
    rows: Iterator[tuple[int, int, int, str, str, str]],
    needs: Iterable[tuple[int, int, str, str]],
) -> None:
    """Take supplies from the rows for as long as somebody needs them."""
    add = found.append
    left, at, source, supply, line = 0, 0, "", "", ""
    for when, steps, need, need_line in needs:
        while steps:  # the loop that runs for every peg
            if not left:
                row = next(rows, None)
                if row is None:
                    return
                at, _, left, source, supply, line = row
            took = min(steps, left)
            add((item, took, source, supply, line, at, need, need_line, when))
            left -= took
            steps -= took  # noqa: PLW2901
