"""Demands: what a plan is asked for, and how each need is met. Plain rows, of which there may be very many."""

from __future__ import annotations

from typing import NamedTuple

from krafte_core.allocation import Rank
from krafte_core.coverage import NEVER
from krafte_core.planner import PlannedPart
from krafte_core.portions import Chain, Portion
from krafte_core.recipes import Line


class Demand(NamedTuple):
    """A need to be planned: whose, which line, how much of what, by when it must be ready, its place in the queue.

    `due` is in epoch seconds, `NEVER` for no date. Lots must be good until `lasts`. `kind` is `"order"`, `"run"` (an input that a run
    still lacks), `"stock"` (make to stock) or what the host calls it. `least` is the smallest part in which it may be met, 0 for in
    one piece only; what comes after `latest` is not wanted any more; `together` holds all needs of the paper for one date. `of` is the
    line of a run that takes lots by their content, or substitutes: `steps` are told as the line is written.
    """

    ref: str
    line: str
    item: str
    steps: int
    due: float
    rank: Rank
    kind: str = "order"
    lasts: float = 0
    least: int = 0
    latest: float = NEVER
    together: bool = False
    of: Line | None = None


class Outcome(NamedTuple):
    """When a demand is met (`NEVER`: not in full), the chain it waits for, what is in the way, and its parts where it has several.

    `takes` is what it takes, where that depends on the lots that are there; `code` the code of the error that is in the way.
    """

    at: float
    chain: Chain
    problem: str = ""
    parts: tuple[PlannedPart, ...] = ()
    takes: tuple[Portion, ...] = ()
    code: str = ""


KEPT = -2
"""The `reason` of what is made or bought to keep an item in stock."""


class Keep(NamedTuple):
    """So much of an item is to be in stock: below `minimum` steps it is filled up to `target`."""

    item: str
    minimum: int
    target: int


class Asked(NamedTuple):
    """How a plan was asked for: asked so again over the same books, it is the same."""

    orders: str = "open"
    taking: str = "borrow"
    also: tuple[Demand, ...] = ()
    ready_by: tuple[tuple[str, int], ...] = ()
    keep: tuple[Keep, ...] = ()
    parts: tuple[tuple[str, str], ...] = ()
    latest: tuple[tuple[str, int], ...] = ()
    cover: tuple[tuple[str, int], ...] = ()
