"""The board: what is late, short, blocked or ready, why, and what to do next. Part of the order desk."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date

import attrs

from krafte_core.allocation import PURCHASE, RUN, rank
from krafte_core.desks.lateness import Late, late, promised_of
from krafte_core.desks.needs import OrderNeeds, open_quote, promise_for
from krafte_core.desks.sentences import LANGUAGES
from krafte_core.diary import Entry
from krafte_core.holds import Hold, holds
from krafte_core.items import one_of
from krafte_core.netting import drop_expired_quotes
from krafte_core.office import Office
from krafte_core.orders import CustomerOrder, Stages
from krafte_core.production import NOT_BEGUN
from krafte_core.progress import Progress
from krafte_core.tables import aligned
from krafte_core.work import Work

KINDS = ("held", "late", "short", "blocked", "ready", "ready in part", "making", "planned", "expected", "new")
"""What can be said of an open order, the most urgent first."""
_TEXTS: Mapping[str, Mapping[str, str]] = {
    "en": {
        **{kind: kind for kind in KINDS},
        "head": "order|customer|what|requested|promised|expected|reason|next",
        "is late": "expected {expected}, due {due}",
        "never": "nobody can tell when",
        "lacks": "{amount} {item} missing",
        "part": "{ready} of {ordered} {item}",
        "at work": "{run} is at work",
        "complete": "materials of {run} are reserved",
        "waits": "{item} from {paper}",
        "quoted": "held by {quote} until {until}",
        "unconfirmed": "not confirmed",
        "do confirm": "confirm",
        "do release": "decide: release or cancel",
        "do buy": "buy {item}",
        "do make": "confirm again: {item} can be made",
        "do decide": "decide about the lot, or swap",
        "do ship": "ship",
        "do finish": "complete {run}",
        "do start": "start {run}",
        "do receive": "receive {paper}",
    },
    "de": {
        "held": "angehalten", "late": "verspätet", "short": "Fehlmenge", "blocked": "gesperrt", "ready": "versandbereit",
        "ready in part": "teilweise bereit", "making": "in Herstellung", "planned": "geplant", "expected": "Ware erwartet",
        "new": "neu",
        "head": "Auftrag|Kunde|was|Wunsch|zugesagt|erwartet|Grund|nächster Schritt",
        "is late": "erwartet {expected}, fällig {due}",
        "never": "niemand kann sagen, wann",
        "lacks": "{amount} {item} fehlen",
        "part": "{ready} von {ordered} {item}",
        "at work": "{run} läuft",
        "complete": "Material für {run} ist reserviert",
        "waits": "{item} aus {paper}",
        "quoted": "angeboten mit {quote} bis {until}",
        "unconfirmed": "nicht bestätigt",
        "do confirm": "bestätigen",
        "do release": "entscheiden: freigeben oder stornieren",
        "do buy": "{item} kaufen",
        "do make": "erneut bestätigen: {item} kann hergestellt werden",
        "do decide": "über die Charge entscheiden oder tauschen",
        "do ship": "versenden",
        "do finish": "{run} abschließen",
        "do start": "{run} beginnen",
        "do receive": "{paper} annehmen",
    },
}  # fmt: skip


@attrs.frozen
class BoardRow:
    """One open order: what it is (`KINDS`), its three dates, why, and what to do next."""

    order: str
    customer: str
    kind: str
    requested: date | None
    promised: date | None
    expected: date | None
    reason: str
    action: str


@attrs.frozen
class Board:
    """The open orders, the most urgent first; printed, it is a table in its language."""

    rows: tuple[BoardRow, ...]
    language: str = "en"

    def __str__(self) -> str:
        """The table."""
        text = _TEXTS[self.language]
        cells = [(row.order, row.customer, text[row.kind], *_days(row), row.reason, row.action) for row in self.rows]
        return "\n".join(aligned(text["head"].split("|"), cells))


def _days(row: BoardRow) -> tuple[str, ...]:
    return tuple(str(day or "") for day in (row.requested, row.promised, row.expected))


class OrderBoard:
    """What `shop.orders` tells about all open orders."""

    _office: Office

    def late(self) -> tuple[Late, ...]:
        """The open orders that are expected later than promised or, without a promise, than requested; and those without any date."""
        with self._office.look() as work:
            orders = open_orders(work)
            numbers = [order.number for order in orders]
            return late(work, numbers)

    def board(self, *, language: str = "en") -> Board:
        """What is late, short, blocked and ready, with the reason and the next thing to do; the most urgent first.

        Args:
            language: of reasons, actions and the printed table: `"en"` or `"de"`.

        Raises:
            InvalidInput: (`invalid_input`) another language.

        >>> from krafte_core import Item, OrderLine, Workshop
        >>> shop = Workshop.in_memory()
        >>> shop.register(Item("soap", unit="each"))
        >>> order = shop.orders.place(customer="Anna", lines=[OrderLine("soap", "2 each")])
        >>> [(row.kind, row.action) for row in shop.orders.board().rows]
        [('new', 'confirm')]
        """
        one_of(language, LANGUAGES, "language")
        with self._office.look() as work:
            orders = open_orders(work)
            progress = Progress(work, orders)
            diaries = work.reader.diary([order.number for order in orders])
            rows = [_row(work, order, progress, diaries[order.number], _TEXTS[language]) for order in orders]
            urgency = {
                order.number: rank(order.priority, row.promised or order.requested, order.placed_at, order.number)
                for order, row in zip(orders, rows, strict=True)
            }
            rows.sort(key=lambda row: (KINDS.index(row.kind), urgency[row.order]))
            return Board(tuple(rows), language)


def open_orders(work: Work) -> list[CustomerOrder]:
    """The orders of which something is not shipped yet, in the order of their numbers; whatever the history holds."""
    items = [*work.catalogue.items]
    drop_expired_quotes(work, items)
    found = {row.paper.number: row for rows in work.reader.open_papers("order", items).values() for row in rows}
    work.known(found.values())
    return sorted((row.paper for row in found.values()), key=lambda order: (len(order.number), order.number))


def _row(work: Work, order: CustomerOrder, progress: Progress, entries: Sequence[Entry], text: Mapping[str, str]) -> BoardRow:
    needs = OrderNeeds(work, order)
    arrival = promise_for(work, needs, frozenset()).arrival
    expected = None if arrival is None else work.day(arrival.timestamp())
    promised = promised_of(entries)
    stopped = holds(entries)
    kind, reason, action = _what(work, order, needs, progress, text) if not stopped else _held(stopped, text)
    due = promised or order.requested
    if due is not None and (expected is None or expected > due):
        words = text["never"] if expected is None else text["is late"].format(expected=expected, due=due)
        kind, reason = "held" if stopped else "late", f"{words}; {reason}"
    return BoardRow(order.number, order.customer, kind, order.requested, promised, expected, reason, action)


def _held(found: Iterable[Hold], text: Mapping[str, str]) -> tuple[str, str, str]:
    """What stops an order comes before everything else."""
    return "held", "; ".join(hold.reason for hold in found), text["do release"]


def _what(work: Work, order: CustomerOrder, needs: OrderNeeds, progress: Progress, text: Mapping[str, str]) -> tuple[str, str, str]:
    """What can be said of an order, why, and what to do."""
    stages = progress.of(order)
    if needs.state == "placed":
        quote = open_quote(work, order)
        held = text["quoted"].format(quote=quote.number, until=work.day(quote.until.timestamp())) if quote else text["unconfirmed"]
        return "new", held, text["do confirm"]
    if any(row.blocked for row in stages):
        return (
            "blocked",
            "; ".join(dict.fromkeys(reason for row in stages if row.blocked for reason in row.reasons)),
            text["do decide"],
        )
    ready, still = sum(row.ready for row in stages), [row for row in stages if row.shipped + row.delivered < row.ordered]
    if ready and all(row.ready + row.shipped + row.delivered == row.ordered for row in still):
        return "ready", _amounts(work, order, stages, text), text["do ship"]
    lacks = _lacking(work, needs)
    if lacks:
        words = [text["lacks"].format(amount=work.item(item).quantity(steps), item=item) for item, steps in lacks.items()]
        makes = next((item for item in lacks if item in work.catalogue.formulas), None)
        action = text["do make"].format(item=makes) if makes else text["do buy"].format(item=", ".join(lacks))
        return "short", "; ".join(words), action
    if ready and order.delivery == "partial":
        return "ready in part", _amounts(work, order, stages, text), text["do ship"]
    return _on_the_way(needs, progress, text)


def _on_the_way(needs: OrderNeeds, progress: Progress, text: Mapping[str, str]) -> tuple[str, str, str]:
    """What is at work, could begin, or must come first."""
    at_work = [run.number for run, state, _ in needs.runs if state == "started"]
    if at_work:
        return "making", text["at work"].format(run=at_work[0]), text["do finish"].format(run=at_work[0])
    whole = [
        run.number
        for run, state, links in needs.runs
        if state in NOT_BEGUN and progress.complete(run.number) and not any(link.source == RUN for link in links)
    ]
    if whole:
        return "planned", text["complete"].format(run=whole[-1]), text["do start"].format(run=whole[-1])
    links = [*needs.links, *(link for _, _, links in needs.runs for link in links)]
    first = next((link for link in links if link.source == PURCHASE), None)
    if first is None:
        return "making", "", ""  # what was made waits for its release
    return "expected", text["waits"].format(item=first.item, paper=first.ref), text["do receive"].format(paper=first.ref)


def _lacking(work: Work, needs: OrderNeeds) -> dict[str, int]:
    """Steps per item that nothing covers: of the order itself and of the runs behind it."""
    sums: dict[str, int] = {}
    for need, steps in needs.lines:
        if steps:
            sums[need.item] = sums.get(need.item, 0) + steps
    for one in needs.inputs:
        sums[one.item] = sums.get(one.item, 0) + one.steps
    return sums


def _amounts(work: Work, order: CustomerOrder, stages: Sequence[Stages], text: Mapping[str, str]) -> str:
    rows = [(work.item(line.item), row) for line, row in zip(order.lines, stages, strict=True) if row.ready]
    return "; ".join(
        text["part"].format(ready=item.quantity(row.ready), ordered=item.quantity(row.ordered), item=item.code) for item, row in rows
    )


def table_rows(work: Work, progress: Progress, order: CustomerOrder, entries: Sequence[Entry]) -> Iterable[Sequence[str]]:
    """The lines of an order in `shop.orders.table`."""
    stages = progress.of(order)
    word = progress.status(order).value
    for place, (line, row) in enumerate(zip(order.lines, stages, strict=True)):
        ready = str(work.item(line.item).quantity(row.ready)) if row.ready else ""
        first = (order.number, order.customer) if not place else ("", "")
        last = (str(order.requested or ""), str(promised_of(entries) or ""), word) if not place else ("", "", "")
        yield (*first, line.item, str(line.amount), ready, *last)
