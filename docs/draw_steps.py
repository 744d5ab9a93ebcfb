"""Draw the step tables: writes `docs/steps.md` from the tables in the code. Run it after a table has changed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from krafte_core.diary import LOT_STEPS, Steps, drawn, ends
from krafte_core.orders import ORDER_STEPS, QUOTE_STEPS, STATUS_WORDS, OrderStatus
from krafte_core.production import PRODUCTION_STEPS
from krafte_core.purchasing import PURCHASE_STEPS
from krafte_core.shipping import SHIPMENT_STEPS

PAGE = Path(__file__).with_name("steps.md")


class Chapter(NamedTuple):
    """One table: its title, what to know about it, where it begins, and who takes each step."""

    title: str
    about: str
    table: Steps
    start: str
    takes: Mapping[str, str]


CHAPTERS = (
    Chapter(
        "Customer orders",
        "An order may be confirmed again and again: each time it covers what is open by then. Whether it has arrived is written on\n"
        "its shipments, so an order that is served in full stays confirmed here.",
        ORDER_STEPS,
        "",
        {
            "place": "`shop.orders.place`",
            "confirm": "`shop.orders.confirm`",
            "change": "`shop.orders.change`",
            "split": "`shop.orders.split`",
            "absorb": "`shop.orders.merge`, for the order that takes others in",
            "merge": "`shop.orders.merge`, for those that it takes in",
            "allocate": "`shop.orders.allocate`",
            "free": "`shop.orders.free`",
            "swap": "`shop.orders.swap`",
            "pick": "`shop.orders.pick`",
            "unpick": "`shop.orders.unpick`",
            "hold": "`shop.orders.hold`, an import, and terms that are not met",
            "release": "`shop.orders.release`",
            "close": "`shop.orders.close`",
            "reopen": "`shop.orders.reopen`",
            "ship": "`shop.shipping.ship`",
            "return": "`shop.shipping.receive_return`",
            "cancel": "`shop.orders.cancel`",
        },
    ),
    Chapter(
        "Quotes",
        "A quote that has run out holds nothing any more. The next command that touches what it held writes `expire`.",
        QUOTE_STEPS,
        "",
        {
            "quote": "`shop.orders.quote`",
            "accept": "`shop.orders.confirm`",
            "withdraw": "`shop.orders.withdraw`, `shop.orders.cancel`",
            "expire": "whichever command comes next",
        },
    ),
    Chapter(
        "Productions",
        "A run begins as proposed if it belongs to a quote, else as planned.",
        PRODUCTION_STEPS,
        "",
        {
            "propose": "`shop.orders.quote`",
            "plan": "`shop.orders.confirm`, `shop.production.plan`, `shop.production.plan_for`, `shop.production.make`",
            "withdraw": "the end of its quote",
            "change": "`shop.production.change`, `shop.production.merge`",
            "split": "`shop.production.split`",
            "merge": "`shop.production.merge`, for the runs that go into another",
            "reschedule": "`shop.production.reschedule`",
            "allocate": "`shop.production.allocate`",
            "free": "`shop.production.free`",
            "release": "`shop.production.release`",
            "replan": "`shop.production.replan`",
            "start": "`shop.production.start`, `shop.production.make`",
            "issue": "`shop.production.issue`",
            "give_back": "`shop.production.give_back`",
            "scrap": "`shop.production.scrap`",
            "report": "`shop.production.report`",
            "operate": "`shop.production.operate`",
            "complete": "`shop.production.complete`, `shop.production.make`",
            "stop": "`shop.production.stop`",
            "use": "`shop.production.use`",
            "reverse a part": "`shop.production.reverse` with a part of the output",
            "reverse": "`shop.production.reverse`",
            "close": "`shop.production.close`",
            "reopen": "`shop.production.reopen`",
            "cancel": "`shop.production.cancel`",
        },
    ),
    Chapter(
        "Purchases",
        "Receiving the last open amount closes the paper.",
        PURCHASE_STEPS,
        "",
        {
            "order": "`shop.purchasing.order`",
            "receive": "`shop.purchasing.receive`",
            "change": "`shop.purchasing.change`, `shop.purchasing.cancel` of a line",
            "reschedule": "`shop.purchasing.reschedule`",
            "close": "`shop.purchasing.receive`",
            "cancel": "`shop.purchasing.cancel`",
        },
    ),
    Chapter(
        "Shipments",
        "A shipment leaves and arrives.",
        SHIPMENT_STEPS,
        "",
        {
            "ship": "`shop.shipping.ship`",
            "pack": "`shop.shipping.pack`",
            "track": "`shop.shipping.track`",
            "deliver": "`shop.shipping.deliver`, or `shop.shipping.track` once every parcel has arrived",
        },
    ),
    Chapter(
        "Lots",
        'A lot begins as released. If its item is registered with `release="by decision"`, its first step is to wait.',
        LOT_STEPS,
        "released",
        {
            "wait": "whatever brought it in",
            "release": "`shop.stock.release`",
            "hold": "`shop.stock.hold`",
            "reject": "`shop.stock.reject`",
            "extend": "`shop.stock.extend`",
            "declare": "`shop.stock.declare`",
        },
    ),
)

HEAD = """\
# Steps

Which step may follow which is a table in the module of each paper. A step that the table does not have is refused with `not_allowed`,
and the error lists the steps that are possible. This page is drawn from the tables (`python docs/draw_steps.py`), and a test keeps it
fresh.

GitHub shows the drawings as pictures. As text, a line reads `state --> next state: step`, and `[*]` is the beginning.
"""

STATUS = """\
## What a customer sees

The status of an order is not a step. It is computed, and the first line of this table that applies is the answer.

| `OrderStatus` | English | German |
| --- | --- | --- |
"""


def chapter(one: Chapter) -> str:
    """A chapter of the page: the drawing, and who takes which step."""
    begins = f"\n    [*] --> {one.start}" if one.start else ""
    head, _, arrows = drawn(one.table).partition("\n")
    steps = dict.fromkeys(step for steps in one.table.values() for step in steps)
    rows = "\n".join(f"| {step} | {one.takes[step]} |" for step in steps)
    *others, last = (f"*{state}*" for state in one.table if state in ends(one.table))
    end = f"{', '.join(others)} or {last}" if others else last
    return (
        f"## {one.title}\n\n{one.about}\nIt ends as {end}.\n\n```mermaid\n{head}{begins}\n{arrows}\n```\n\n"
        f"| step | taken by |\n| --- | --- |\n{rows}\n"
    )


def page() -> str:
    """The whole page."""
    words = (f"| `{one.name}` | {STATUS_WORDS['en'][one]} | {STATUS_WORDS['de'][one]} |" for one in OrderStatus)
    return "\n".join([HEAD, *map(chapter, CHAPTERS), STATUS + "\n".join(words) + "\n"])


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
