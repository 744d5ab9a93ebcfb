"""The operations of a run: what comes good out of each, as it is reported while the run goes on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import attrs

from krafte_core.backdating import business_time, date_step
from krafte_core.charging import formula_of
from krafte_core.diary import Entry
from krafte_core.errors import InvalidInput, TooMuch, Unknown
from krafte_core.events import Event
from krafte_core.items import Item, note
from krafte_core.office import Office
from krafte_core.production import ProductionOrder
from krafte_core.wording import told
from krafte_core.work import Work, number_of
from krafte_core.yields import OperationYield, operation_yields

OPERATE = "operate"
AGAIN = "report that one anew if it was more"


@attrs.frozen
class Operated:
    """What `operate` wrote down: every operation of the run as it is now known."""

    production: str
    operations: tuple[OperationYield, ...]
    events: tuple[Event, ...]


class RunOperations:
    """The part of `shop.production` that knows the operations of a run."""

    _office: Office

    def operate(
        self,
        production: ProductionOrder | str,
        operation: str,
        *,
        good: Any,
        reason: str = "",
        happened_at: datetime | str | None = None,
        key: str | None = None,
        by: str | None = None,
    ) -> Operated:
        """Write down how much has come good out of an operation so far; the next one can bring no more than that.

        Told again, the new amount counts instead of the old one: more was done, or the first was wrong. Lots and stock change only
        with `report` and `complete`, which bring no more than the last operation did.

        Undone by: `shop.production.operate` (with the amount before).

        Args:
            production: a started run.
            operation: its name in the recipe. good: in any unit of the product, zero or more.
            reason: what was lost, and why. happened_at: when it was done; default now.

        Raises:
            TooMuch: (`too_much`) more than the operation before it brought, or less than the one after it did.
            Unknown: (`unknown`) run or operation. NotAllowed: (`not_allowed`) not started, or over. InvalidInput: an amount.

        >>> from krafte_core import Item, Operation, Recipe, Workshop
        >>> shop = Workshop.in_memory()
        >>> work = [Operation("pour", wait="1 h"), Operation("trim", wait="1 h")]
        >>> shop.register(Item("candle", unit="each"), Recipe("candle", makes="1 each", operations=work))
        >>> run = shop.production.plan("candle", "2 each").production
        >>> _ = shop.production.start(run)
        >>> [str(one.lost) for one in shop.production.operate(run, "pour", good="1 each").operations]
        ['1 each', '0 each']
        """
        name, at = number_of(production), business_time(happened_at, self._office.zone)

        def decide(work: Work) -> Operated:
            run: ProductionOrder = work.paper(ProductionOrder, name)
            item, names = work.item(run.item), [one.name for one in run.recipe.operations]
            if operation not in names:
                raise Unknown("operation", operation, tuple(names))
            steps = item.steps(good, "good")
            if steps < 0:
                raise InvalidInput("good", told(good), "zero or more")
            entries = work.reader.diary((name,))[name]
            before = reported(entries, item)
            when = date_step(work, name, at, [entry for entry in entries if entry.step in ("start", OPERATE)])
            details = (("operation", operation), ("good", str(item.quantity(steps))), *when)
            work.step(run, work.state(run, entries), OPERATE, reason=reason, details=details)
            _refuse_more(item, names, {**before, operation: steps})
            return Operated(name, operation_yields(formula_of(work, run), run.steps, {**before, operation: steps}), work.told())

        content = ("operate", name, operation, told(good), note(reason, "reason"), at)
        return self._office.run(decide, key=key, content=content, by=by)

    def operations(self, production: ProductionOrder | str) -> tuple[OperationYield, ...]:
        """What each operation of a run should bring and did, what was lost there, and how much less than planned is good so far.

        Raises:
            Unknown: (`unknown`) no such run.
        """
        with self._office.look() as work:
            run: ProductionOrder = work.paper(ProductionOrder, production)
            good = reported(work.reader.diary((run.number,))[run.number], work.item(run.item))
            return operation_yields(formula_of(work, run), run.steps, good)


def reported(entries: Iterable[Entry], item: Item) -> dict[str, int]:
    """Steps that were last reported good per operation."""
    rows = [dict(entry.details) for entry in entries if entry.step == OPERATE]
    return {row["operation"]: item.steps(row["good"]) for row in rows}


def refuse_beyond(run: ProductionOrder, entries: Iterable[Entry], item: Item, made: int) -> None:
    """Nothing comes out of a run that did not come out of its last operation.

    Raises:
        TooMuch: (`too_much`) with what it brought.
    """
    last = run.recipe.operations[-1].name
    most = reported(entries, item).get(last)
    if most is not None and made > most:
        raise TooMuch(f"made in {run.number}, of which {last} brought", item.quantity(made), item.quantity(most), AGAIN)


def _refuse_more(item: Item, names: Iterable[str], good: Mapping[str, int]) -> None:
    """No operation brings more than the last one before it of which something was reported."""
    before, most = "", 0
    for name in names:
        if name in good:
            if before and good[name] > most:
                raise TooMuch(f"good of {name} after {before}", item.quantity(good[name]), item.quantity(most), AGAIN)
            before, most = name, good[name]
