"""The production desk: runs from the plan to the last correction, and which orders they are for."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import attrs

from krafte_core.allocation import LOT, RUN
from krafte_core.desks.costs import RunCosts
from krafte_core.desks.formulas import RecipeQuestions
from krafte_core.desks.operating import RunOperations
from krafte_core.desks.planned import PlannedRuns
from krafte_core.desks.reserving import ReservedMaterials
from krafte_core.desks.running import BegunRuns
from krafte_core.desks.sheets import RunSheets
from krafte_core.diary import Entry
from krafte_core.orders import CustomerOrder
from krafte_core.production import ProductionOrder
from krafte_core.stock import Move
from krafte_core.tables import aligned
from krafte_core.times import time_zone
from krafte_core.work import Work


@attrs.frozen
class Part:
    """What was reported together: the moves of the materials and of the output, in whole steps.

    A use that was written down later stands alone, without output.
    """

    used: tuple[Move, ...]
    made: tuple[Move, ...]


class ProductionDesk(PlannedRuns, ReservedMaterials, BegunRuns, RunOperations, RunSheets, RunCosts, RecipeQuestions):
    """`shop.production`."""

    def covering(self, order: CustomerOrder | str, *, open_only: bool = False) -> tuple[ProductionOrder, ...]:
        """The runs that cover an order: by links, and, unless `open_only`, those whose lots are allocated to it or were shipped.

        Raises:
            Unknown: (`unknown`) no such order.
        """
        with self._office.look() as work:
            name = work.paper(CustomerOrder, order).number
            links = work.reader.links((name,))[name]
            numbers = [link.ref for link in links if link.source == RUN]
            if not open_only:
                lots = {(link.item, link.ref) for link in links if link.source == LOT}
                lots |= {(move.item, move.lot) for posting in work.reader.postings(papers=[name]) for move in posting.moves}
                numbers += sorted(lot.paper for lot in work.reader.lots(lots).values() if lot.origin == "run")
            filed = work.reader.papers(dict.fromkeys(numbers))
            return tuple(filed[number].paper for number in dict.fromkeys(numbers) if number in filed)

    def get(self, production: ProductionOrder | str) -> ProductionOrder:
        """The run as it is now.

        Raises:
            Unknown: (`unknown`) no such run.
        """
        with self._office.look() as work:
            run: ProductionOrder = work.paper(ProductionOrder, production)
            return run

    def status(self, production: ProductionOrder | str) -> str:
        """The run's state: proposed, planned, released, started, done, closed, cancelled or reversed.

        Raises:
            Unknown: (`unknown`) no such run.
        """
        with self._office.look() as work:
            return work.state(work.paper(ProductionOrder, production))

    def history(self, production: ProductionOrder | str) -> tuple[Entry, ...]:
        """The diary of a run: its steps, when, by whom and why.

        Raises:
            Unknown: (`unknown`) no such run.
        """
        with self._office.look() as work:
            number = work.paper(ProductionOrder, production).number
            return tuple(work.reader.diary((number,))[number])

    def parts(self, production: ProductionOrder | str) -> tuple[Part, ...]:
        """What was used for which lot of a run that was reported in parts; what was taken back since is not deducted.

        Raises:
            Unknown: (`unknown`) no such run.
        """
        with self._office.look() as work:
            number = work.paper(ProductionOrder, production).number
            parts: list[tuple[list[Move], list[Move]]] = []
            for posting in work.reader.postings(papers=[number]):
                if posting.paper == number and posting.kind in ("use", "make"):
                    if not parts or (posting.kind == "use" and parts[-1][1]):
                        parts.append(([], []))
                    parts[-1][posting.kind == "make"].extend(posting.moves)
            return tuple(Part(tuple(used), tuple(made)) for used, made in parts)

    def find(self, *, item: str | None = None, after: str = "", limit: int = 100) -> tuple[ProductionOrder, ...]:
        """A page of runs in the order of writing, after the given number."""
        criteria = {} if item is None else {"item": item}
        with self._office.look() as work:
            return tuple(work.reader.find("production", after=after, limit=limit, **criteria))  # type: ignore[arg-type]

    def table(self, *, item: str | None = None, after: str = "", limit: int = 100) -> str:
        """The runs at a glance: number, item, planned amount, from when to when, state."""
        criteria = {} if item is None else {"item": item}
        with self._office.look() as work:
            runs: Sequence[Any] = work.reader.find("production", after=after, limit=limit, **criteria)
            work.reader.diary(run.number for run in runs)
            rows = [
                (run.number, run.item, str(run.planned), _time(work, run.planned_start), _time(work, run.planned_end), work.state(run))
                for run in runs
            ]
            return "\n".join(aligned(("production", "item", "planned", "start", "end", "state"), rows))


def _time(work: Work, at: datetime | None) -> str:
    return f"{at.astimezone(time_zone(work.catalogue.zone)):%Y-%m-%d %H:%M}" if at else ""
