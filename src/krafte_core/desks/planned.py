"""The production desk before a run begins: plan, plan for orders, resize, split, merge, move, release, cover again, cancel."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from krafte_core.allocation import displaced
from krafte_core.desks.handling import Stepped, stepping
from krafte_core.desks.replanning import (
    Planned,
    Replanned,
    changing,
    covering_again,
    merging,
    planning,
    planning_for,
    rescheduling,
    splitting,
)
from krafte_core.errors import InvalidInput
from krafte_core.events import ProductionCancelled
from krafte_core.items import code, note, one_of
from krafte_core.netting import Displaced, demand_ranks, drop_expired_quotes, lose, release_runs
from krafte_core.office import Office
from krafte_core.orders import CustomerOrder
from krafte_core.production import ProductionOrder
from krafte_core.times import instant
from krafte_core.wording import told
from krafte_core.work import Work, number_of

WHEN_SHORT = ("wait", "refuse")


class PlannedRuns:
    """The part of `shop.production` that deals with runs before they begin."""

    def __init__(self, office: Office) -> None:
        """At this office."""
        self._office = office

    def plan(
        self,
        item: str,
        amount: Any,
        *,
        at: str | None = None,
        recipe: str | None = None,
        when_short: str = "wait",
        key: str | None = None,
        by: str | None = None,
    ) -> Planned:
        """Plan one run of an item for stock, and reserve its materials; lower levels are planned with it.

        Of several versions it takes the one for the day and the amount; the run keeps its own copy.

        Undone by: `shop.production.cancel`.

        Args:
            item: what is made; `amount`: how much.
            at: the place of the partner who makes it. He takes materials that stand at his place (`shop.stock.transfer` brings them
                there) and no time of our work centers.
            recipe: which recipe, by its name; needed to take an item apart: `amount` is then how much of it.
            when_short: `"wait"` reserves what there is; `"refuse"` plans nothing where something is missing.

        Raises:
            NoSource: (`no_source`) the item has no recipe. Short: (`short`) with `when_short="refuse"`.
            InvalidInput: an amount that is none, or not a whole step; no version fits the day and the amount, with the reasons.
            Unknown: (`unknown`) item, recipe or place.

        >>> from krafte_core import Ingredient, Item, Recipe, Workshop
        >>> shop = Workshop.in_memory()
        >>> shop.register(Item("oil", unit="kg"), Item("soap", unit="each"),
        ...               Recipe("soap", makes="1 each", ingredients=[Ingredient("oil", "0.1 kg")]))
        >>> print(shop.production.plan("soap", "20 each").shortages[0])
        oil: 2 kg missing (needed 2 kg, available 0 kg)
        """
        one_of(when_short, WHEN_SHORT, "when_short")
        decide = planning(item, amount, when_short, at=at, recipe=recipe)
        return self._office.run(decide, key=key, content=("plan", item, told(amount), when_short, at, recipe), by=by)

    def plan_for(
        self,
        orders: Sequence[CustomerOrder | str],
        *,
        item: str | None = None,
        when_short: str = "wait",
        key: str | None = None,
        by: str | None = None,
    ) -> ProductionOrder:
        """Confirm several orders together, with one run for what must be made of an item; it is linked to every one of them.

        Stock and supply on its way are used first, for the most urgent order first. What else the orders need is covered as `confirm`
        does. `shop.orders.covered_by` tells which orders a run is for, `covering` tells the way back.

        Undone by: `shop.production.cancel` (the run; the orders stay confirmed and are open again).

        Args:
            orders: one or more.
            item: whose run is meant, where the orders need several things that must be made.
            when_short: `"wait"` reserves what there is; `"refuse"` confirms nothing where something is missing.

        Raises:
            InvalidInput: (`invalid_input`) nothing is to be made, or more than fits into one batch, or which item?
            Short: (`short`) with `when_short="refuse"`. NotAllowed: (`not_allowed`) an order is cancelled.
            Unknown: (`unknown`) no such order.

        >>> from krafte_core import Item, OrderLine, Recipe, Workshop
        >>> shop = Workshop.in_memory()
        >>> shop.register(Item("soap", unit="each"), Recipe("soap", makes="1 each"))
        >>> two = [shop.orders.place(customer=name, lines=[OrderLine("soap", "5 each")]) for name in ("Anna", "Ben")]
        >>> str(shop.production.plan_for(two).planned)
        '10 each'
        """
        one_of(when_short, WHEN_SHORT, "when_short")
        names = _numbers(orders, "orders")
        return self._office.run(
            planning_for(names, item, when_short), key=key, content=("plan_for", tuple(names), item, when_short), by=by
        )

    def change(
        self, production: ProductionOrder | str, amount: Any, *, reason: str = "", key: str | None = None, by: str | None = None
    ) -> Replanned:
        """Give a planned run another size. Its materials follow, and whoever counted on output that does not come is named.

        Undone by: `shop.production.change` (to the size before).

        Raises:
            NotAllowed: (`not_allowed`) it is released, has begun or is over. InvalidInput: an amount.
            Unknown: (`unknown`) no such run.

        >>> from krafte_core import Item, Recipe, Workshop
        >>> shop = Workshop.in_memory()
        >>> shop.register(Item("soap", unit="each"), Recipe("soap", makes="1 each"))
        >>> run = shop.production.plan("soap", "20 each").production
        >>> str(shop.production.change(run, "25 each").production.planned)
        '25 each'
        """
        name = number_of(production)
        decide = changing(name, amount, note(reason, "reason"))
        return self._office.run(decide, key=key, content=("change", name, told(amount), reason), by=by)

    def split(self, production: ProductionOrder | str, amounts: Any, *, key: str | None = None, by: str | None = None) -> Replanned:
        """Take parts out of a planned run: new runs of these amounts; the rest stays. They add up to what was planned, to the step.

        Materials follow in order; those who count on the output get it from the run itself first, the most urgent first.

        Undone by: `shop.production.merge`.

        Args:
            production: a planned run.
            amounts: one amount or a list of them, together less than the run.

        Raises:
            NotAllowed: (`not_allowed`) it is released, has begun or is over. InvalidInput: the amounts.
            Unknown: (`unknown`) no such run.

        >>> from krafte_core import Item, Recipe, Workshop
        >>> shop = Workshop.in_memory()
        >>> shop.register(Item("soap", unit="each"), Recipe("soap", makes="1 each"))
        >>> run = shop.production.plan("soap", "20 each").production
        >>> [str(part.planned) for part in shop.production.split(run, ["5 each", "5 each"]).productions]
        ['10 each', '5 each', '5 each']
        """
        name = number_of(production)
        content = tuple(told(amount) for amount in amounts) if isinstance(amounts, list | tuple) else told(amounts)
        return self._office.run(splitting(name, amounts), key=key, content=("split", name, content), by=by)

    def merge(
        self,
        production: ProductionOrder | str,
        others: Sequence[ProductionOrder | str],
        *,
        key: str | None = None,
        by: str | None = None,
    ) -> Replanned:
        """Put other planned runs of the same item and recipe into this one: their amounts, materials and demands come with them.

        Undone by: `shop.production.split`.

        Raises:
            NotAllowed: (`not_allowed`) one is released, has begun or is over. InvalidInput: another item, recipe or place.
            Unknown: (`unknown`) no such run.
        """
        name, names = number_of(production), _numbers(others, "others")
        return self._office.run(merging(name, names), key=key, content=("merge", name, tuple(names)), by=by)

    def reschedule(
        self,
        production: ProductionOrder | str,
        start: datetime | str,
        *,
        reason: str = "",
        key: str | None = None,
        by: str | None = None,
    ) -> Replanned:
        """Move a run that has not begun: not before this instant, then in the first gap of its work centers.

        Runs that wait for it move with it if they must. The orders that will be late because of it are returned.

        Undone by: `shop.production.reschedule` (to the time before).

        Raises:
            NotAllowed: (`not_allowed`) it has begun, or is over. InvalidInput: an instant that has passed.
            BeyondHorizon: (`beyond_horizon`), NeverFits: (`never_fits`). Unknown: (`unknown`) no such run.
        """
        name, at = number_of(production), instant(start, self._office.zone)
        decide = rescheduling(name, at, note(reason, "reason"))
        return self._office.run(decide, key=key, content=("reschedule", name, at, reason), by=by)

    def cover(
        self, production: ProductionOrder | str, *, when_short: str = "wait", key: str | None = None, by: str | None = None
    ) -> Replanned:
        """Net again what a run still lacks, for when stock came or was found; `issue` brings it to the line of one that has begun.

        What lies on its line counts, a substitute for something else does not.

        Undone by: nothing needs to be; what is reserved is free again when the run ends.

        Raises:
            NotAllowed: (`not_allowed`) it is over. Short: (`short`) with `when_short="refuse"`. Unknown: (`unknown`) no such run.
        """
        one_of(when_short, WHEN_SHORT, "when_short")
        name = number_of(production)
        return self._office.run(covering_again(name, when_short), key=key, content=("cover", name, when_short), by=by)

    def release(
        self, production: ProductionOrder | str, *, reason: str = "", key: str | None = None, by: str | None = None
    ) -> Stepped:
        """Decide that a planned run shall be made as it is: from now on it keeps its size.

        Undone by: `shop.production.replan`.

        Raises:
            NotAllowed: (`not_allowed`) it is not planned. Unknown: (`unknown`) no such run.
        """
        return self._step("release", production, reason, key, by)

    def replan(self, production: ProductionOrder | str, *, reason: str = "", key: str | None = None, by: str | None = None) -> Stepped:
        """Take the release of a run back: it is only planned again, and may change.

        Undone by: `shop.production.release`.

        Raises:
            NotAllowed: (`not_allowed`) it is not released. Unknown: (`unknown`) no such run.
        """
        return self._step("replan", production, reason, key, by)

    def _step(self, step: str, production: ProductionOrder | str, reason: str, key: str | None, by: str | None) -> Stepped:
        name = number_of(production)
        return self._office.run(stepping(name, step, note(reason, "reason")), key=key, content=(step, name, reason), by=by)

    def cancel(
        self, production: ProductionOrder | str, *, reason: str = "", key: str | None = None, by: str | None = None
    ) -> tuple[Displaced, ...]:
        """Cancel a run that has not begun: its materials are free, the demands that it covered are open again and named.

        Undone by: `shop.production.plan`, or `shop.orders.confirm` for the orders.

        Raises:
            NotAllowed: (`not_allowed`) it has begun, or is over. Unknown: (`unknown`) no such run.
        """
        name = number_of(production)

        def decide(work: Work) -> tuple[Displaced, ...]:
            run = work.paper(ProductionOrder, name)
            drop_expired_quotes(work, run.items)
            release_runs(work, [run], "cancel", reason)
            claims = work.reader.claims(run.supplies)
            links = [link for supply in run.supplies for link in claims[supply]]
            work.tell(ProductionCancelled(work.at, name, run.item))
            ranks = demand_ranks(work, links)
            everything = sum(link.takes for link in links)
            return lose(work, displaced(links, everything, lambda link: ranks[link.demand]), reason or "production cancelled")

        return self._office.run(decide, key=key, content=("cancel", name, note(reason, "reason")), by=by)


def _numbers(papers: Any, field: str) -> list[str]:
    if isinstance(papers, str) or not isinstance(papers, Sequence):
        raise InvalidInput(field, papers, "a list of papers or of their numbers")
    return [code(number_of(paper), field) for paper in papers]
