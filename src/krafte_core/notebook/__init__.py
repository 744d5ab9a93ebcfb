"""For notebooks (extra `notebook`): data frames of a plan, and charts that draw on an `ax` of yours or on one of their own.

pandas and matplotlib are loaded by the function that needs them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from krafte_core import views
from krafte_core.plan import Plan
from krafte_core.promise import Promise
from krafte_core.times import time_zone

COLOURS = ("#4c72b0", "#dd8452", "#55a868", "#c44e52", "#8172b3", "#937860", "#da8bc3", "#8c8c8c", "#ccb974", "#64b5cd")


def load_frame(plan: Plan, work_centers: Sequence[str], days: int = 28) -> Any:
    """How busy work centers are, as a data frame: `work_center`, `day`, `open_h`, `booked_h`, `percent`."""
    import pandas as pd  # noqa: PLC0415

    rows = [
        (one.work_center, pd.Timestamp(one.day), one.open / 3600, one.booked / 3600, one.percent)
        for code in work_centers
        for one in views.load(plan, code, days)
    ]
    return pd.DataFrame(rows, columns=["work_center", "day", "open_h", "booked_h", "percent"])


def stock_frame(plan: Plan, items: Sequence[str]) -> Any:
    """How much of items will be there, as a data frame: `item`, `at`, `amount` (a number), `unit`."""
    import pandas as pd  # noqa: PLC0415

    rows = [(one.item, one.at, float(one.amount.value), one.amount.unit) for item in items for one in views.stock(plan, item)]
    return pd.DataFrame(rows, columns=["item", "at", "amount", "unit"])


def _axes(ax: Any, height: float) -> Any:
    if ax is not None:
        return ax
    from matplotlib.figure import Figure  # noqa: PLC0415 - no pyplot: nothing global is left behind

    return Figure(figsize=(9, height), layout="constrained").add_subplot()


def _dated(axes: Any, zone: str) -> None:
    """Days along the axis, as short as can be, by the clock of the zone."""
    from matplotlib import dates  # noqa: PLC0415

    untyped: Any = dates
    place = time_zone(zone)
    ticks = untyped.AutoDateLocator(tz=place, maxticks=9)
    axes.xaxis_date(place)
    axes.xaxis.set_major_locator(ticks)
    axes.xaxis.set_major_formatter(untyped.ConciseDateFormatter(ticks, tz=place))


def gantt_chart(what: Plan | Promise, ax: Any = None) -> Any:
    """A Gantt chart: a plan's work by work center, coloured by item, or a promise's chain step by step; returns the `Axes`."""
    from matplotlib import dates  # noqa: PLC0415

    date2num: Any = dates.date2num  # it has no types of its own
    rows = views.bars(what)
    names = [*dict.fromkeys(row[0] for row in rows)]
    axes = _axes(ax, 1.2 + 0.35 * len(names))
    kinds = [*dict.fromkeys(label.partition(" (")[0] for _, label, _, _ in rows)]
    for kind_number, kind in enumerate(kinds):
        spans = [
            (names.index(name), float(date2num(start)), float(date2num(end)))
            for name, label, start, end in rows
            if label.partition(" (")[0] == kind
        ]
        axes.barh(
            [row for row, _, _ in spans],
            [end - start for _, start, end in spans],
            left=[start for _, start, _ in spans],
            height=0.6,
            color=COLOURS[kind_number % len(COLOURS)],
            edgecolor=COLOURS[kind_number % len(COLOURS)],  # an hour is to be seen beside a month
            linewidth=0.8,
            label=kind,
        )
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()
    _dated(axes, what.zone)
    axes.grid(visible=True, axis="x", alpha=0.3)
    if 1 < len(kinds) <= len(COLOURS):
        axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)
    return axes


def load_chart(plan: Plan, work_center: str, days: int = 28, ax: Any = None) -> Any:
    """Booked and open hours of a work center, day by day; returns the `Axes`."""
    rows = views.load(plan, work_center, days)
    axes = _axes(ax, 3.2)
    axes.bar([one.day for one in rows], [one.open / 3600 for one in rows], width=0.9, color="#dddddd", label="open")
    axes.bar([one.day for one in rows], [one.booked / 3600 for one in rows], width=0.7, color=COLOURS[0], label="booked")
    axes.set_ylabel("hours")
    axes.set_title(work_center)
    _dated(axes, "UTC")
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)
    return axes


def stock_chart(plan: Plan, item: str, ax: Any = None) -> Any:
    """How much of an item will be there, as a line with steps; returns the `Axes`."""
    rows = views.stock(plan, item)
    axes = _axes(ax, 3.2)
    end = max([one.end for one in plan.to_make()] + [rows[-1].at])
    times, amounts = [*(one.at for one in rows), end], [*(float(one.amount.value) for one in rows), float(rows[-1].amount.value)]
    axes.step(times, amounts, where="post", color=COLOURS[0])
    axes.fill_between(times, amounts, step="post", alpha=0.2, color=COLOURS[0])
    axes.set_ylabel(rows[0].amount.unit)
    axes.set_ylim(bottom=0)
    axes.set_title(item)
    _dated(axes, plan.zone)
    axes.grid(visible=True, alpha=0.3)
    return axes
