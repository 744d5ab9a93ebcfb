"""Recall: what is affected, how much of the source is in it, where it is now, who has it, and what nobody knows.

Everything is read off one forward search. The answer is a value: rows in a fixed order, so two answers can be compared.

>>> from datetime import datetime
>>> from krafte_core import ledger as books, trace
>>> from krafte_core.stock import Move, Posting
>>> day, kg = datetime(2026, 1, 1), 1_000_000
>>> rows = [Move("pepper", "P", 2 * kg, "supplier", "stock"), Move("pepper", "P", 2 * kg, "line:B-1", "production")]
>>> rows += [Move("mix", "M", 10 * kg, "production", "stock")]
>>> ledger = books.Ledger([Posting("complete", "B-1", day, day, (row,)) for row in rows])
>>> items = {code: Item(code, unit="kg") for code in ("pepper", "mix")}
>>> lots = {key: Lot(*key, received_at=day) for key in (("pepper", "P"), ("mix", "M"))}
>>> found = trace.with_moves(trace.reach(ledger.uses, [("pepper", "P")], "forward"), ledger.postings)
>>> answer = recall(found, items, lots, is_finished=lambda item: item.code == "mix")
>>> str(answer.on_hand["mix", "M"]), str(answer.content("mix", "M")), str(answer.fraction("mix", "M"))
('10 kg', '2 kg', '1/5')
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from fractions import Fraction
from math import ceil, floor
from types import SimpleNamespace
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import attrs

from krafte_core.addresses import Address
from krafte_core.balances import Balance, balance_of
from krafte_core.content import Assumed, Mixing, mixing
from krafte_core.errors import InvalidInput, Unknown
from krafte_core.items import Item
from krafte_core.ledger import Entry, Key, flows
from krafte_core.quantities import Quantity, plain
from krafte_core.stock import LINE, Lot, inside
from krafte_core.trace import Edge, Reach, columns, edges_of, graph_of, known, lot_node, order_of, picture

if TYPE_CHECKING:
    from krafte_core.trace import Graph

_K = TypeVar("_K")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
CONSIGNEE_HEADER = (
    "customer", "name", "street", "postcode", "city", "region", "country", "email", "phone", "shipment", "shipped at", "item", "lot",
    "amount", "unit", "returned", "notified at", "notified how", "answered", "corrected",
)  # fmt: skip
HEADER = ("what", "item", "lot", "amount", "unit", "place", "paper", "customer", "at", "content", "least", "most")


class Shipped(NamedTuple):
    """An amount of a lot that went to a customer, or came back from one; `customer` is "" where nobody knows."""

    shipment: str
    customer: str
    item: str
    lot: str
    amount: Quantity
    at: datetime
    line: str


class Standing(NamedTuple):
    """An amount of a lot at a place in the house."""

    item: str
    lot: str
    place: str
    amount: Quantity


class Consignee(NamedTuple):
    """Who got which amount of an affected lot, and how to reach him; `returned` is what came back."""

    customer: str
    shipment: str
    item: str
    lot: str
    amount: Quantity
    returned: Quantity
    at: datetime
    address: Address | None


class OpenLine(NamedTuple):
    """An order line that is to be served from a lot."""

    line: str
    customer: str
    item: str
    lot: str
    amount: Quantity


class Undecided(NamedTuple):
    """A lot of which nobody knows what it is (a return or a find without its code), with the affected lots it may be part of."""

    item: str
    lot: str
    candidates: tuple[Key, ...]


class Content(NamedTuple):
    """How much of the source item `of` went into a whole lot (all that it ever had).

    `amount` is rounded half-even to the source item's step, `least` down, `most` up; `amount` is None where nobody knows.
    `fraction` is kilograms of the source per kilogram of the lot, None where one of them declares no mass.
    """

    of: str
    item: str
    lot: str
    amount: Quantity | None
    least: Quantity
    most: Quantity
    fraction: Fraction | None


@attrs.frozen
class Recall:
    """The answer to "this lot is bad: what now?".

    Attributes:
        source: the recalled lots.
        lots: all affected lots, the recalled ones included, sorted; `finished_lots` those of finished items.
        runs: the runs between them.
        shipments: what went out (less what was taken back at once); `returns` what customers sent back.
        stocks: what stands where, lines included.
        balances: of each affected lot (law 1).
        contents: of each affected lot, per source item.
        open_orders: order lines that wait for affected lots.
        undecided: lots that may be part of affected ones, nobody knows; an empty tuple says that there are none.
        unmeasured: affected lots whose content nobody knows, because an item on the way declares no mass.
        edges: the links, as in a `Genealogy`.
        traces: contents whose fraction is below the threshold that was asked for; these lots are affected all the same.
        consignees: who must be told, with the amounts and the address that the shipment had.
    """

    source: tuple[Lot, ...]
    lots: tuple[Lot, ...]
    finished_lots: tuple[Lot, ...]
    runs: tuple[str, ...]
    shipments: tuple[Shipped, ...]
    returns: tuple[Shipped, ...]
    stocks: tuple[Standing, ...]
    balances: tuple[Balance, ...]
    contents: tuple[Content, ...]
    open_orders: tuple[OpenLine, ...]
    undecided: tuple[Undecided, ...]
    unmeasured: tuple[Key, ...]
    edges: tuple[Edge, ...]
    traces: tuple[Content, ...] = ()
    consignees: tuple[Consignee, ...] = ()

    @property
    def customers(self) -> tuple[str, ...]:
        """Who got something, sorted; "" stands for a shipment whose customer nobody knows."""
        return tuple(sorted({row.customer for row in self.shipments}))

    def shipped_to(self, customer: str) -> dict[str, Quantity]:
        """What a customer got of each item, whatever came back later; nothing for who got nothing."""
        return _sums((row.item, row.amount) for row in self.shipments if row.customer == customer)

    @property
    def on_hand(self) -> dict[Key, Quantity]:
        """What is still in the house per (item, lot), lines and quarantine included; zeros are left out."""
        return _sums(((row.item, row.lot), row.amount) for row in self.stocks)

    @property
    def places(self) -> dict[tuple[str, str, str], Quantity]:
        """The same per (item, lot, place)."""
        return {(row.item, row.lot, row.place): row.amount for row in self.stocks}

    @property
    def in_process(self) -> dict[Key, Quantity]:
        """The part of it that lies on the lines of runs."""
        return _sums(((row.item, row.lot), row.amount) for row in self.stocks if row.place.startswith(LINE))

    @property
    def scrapped(self) -> dict[Key, Quantity]:
        """What was thrown away per (item, lot)."""
        return {(row.item, row.lot): row.scrapped for row in self.balances if not row.scrapped.is_zero}

    @property
    def returned(self) -> dict[Key, Quantity]:
        """What customers sent back per (item, lot)."""
        return {(row.item, row.lot): row.returned for row in self.balances if not row.returned.is_zero}

    @property
    def unaccounted(self) -> dict[Key, Quantity]:
        """What neither the ledger nor the shelf explains per (item, lot)."""
        return {(row.item, row.lot): row.unaccounted for row in self.balances if not row.unaccounted.is_zero}

    def balance(self, item: str, lot: str) -> Balance:
        """Where everything of an affected lot is.

        Raises:
            Unknown: (`unknown`) the lot is not affected.
        """
        return self._row(self.balances, item, lot)

    def content(self, item: str, lot: str, of: str | None = None) -> Quantity | None:
        """How much of the source went into the whole lot, all mixed perfectly; None where nobody knows.

        Args:
            item: the lot's item.
            lot: its code.
            of: the source item; needed only where lots of several items are recalled.

        Raises:
            Unknown: (`unknown`) the lot is not affected: a mistyped code is no empty answer.
            InvalidInput: (`invalid_input`) several source items and none named.
        """
        return self._content(item, lot, of).amount

    def fraction(self, item: str, lot: str, of: str | None = None) -> Fraction | None:
        """Kilograms of the source per kilogram of the lot, exactly; arguments and errors as in `content`."""
        return self._content(item, lot, of).fraction

    def bounds(self, item: str, lot: str, of: str | None = None) -> tuple[Quantity, Quantity]:
        """The least and the most of the source that can be in the lot without any mixing; as in `content`."""
        found = self._content(item, lot, of)
        return found.least, found.most

    def _content(self, item: str, lot: str, of: str | None) -> Content:
        contents = (*self.contents, *self.traces)
        items = sorted({row.of for row in contents})
        if of not in items and (of is not None or len(items) != 1):
            raise InvalidInput("of", of, "one of the recalled items: " + ", ".join(items))
        return self._row([row for row in contents if row.of == (of or items[0])], item, lot)

    def _row(self, rows: Iterable[_Row], item: str, lot: str) -> _Row:
        for row in rows:
            if (row.item, row.lot) == (item, lot):
                return row
        raise Unknown("affected lot", f"{item} {lot}", tuple(row.code for row in self.lots if row.item == item))

    @property
    def graph(self) -> Graph:
        """The links as a `networkx.DiGraph`: receipt -> lot -> run -> lot -> shipment, each edge with `steps` and `amount`."""
        return graph_of([*(lot_node((lot.item, lot.code)) for lot in self.lots), *(("run", run) for run in self.runs)], self.edges)

    def svg(self) -> str:
        """The links as a drawing in layers; the recalled lots and all affected finished lots are highlighted."""
        return picture(
            self.edges, dict.fromkeys(lot_node((lot.item, lot.code)) for lot in (*self.source, *self.finished_lots)), "recall"
        )

    def _repr_svg_(self) -> str:
        """For notebooks."""
        return self.svg()

    def __str__(self) -> str:
        """The answer as a page for whoever must act on it; an empty part says `none`."""
        names = ", ".join(f"{lot.item} {lot.code}" for lot in self.source)
        head = f"Recall of {names}: lots {len(self.lots)}, runs {len(self.runs)}, finished lots {len(self.finished_lots)}"
        parts = [
            ("Content (all mixed perfectly), least and most possible", [_content_row(row) for row in self.contents]),
            ("Traces below the threshold", [_content_row(row) for row in self.traces]),
            ("In the house", self.stocks),
            ("Shipped", [_shipped_row(row) for row in self.shipments]),
            ("Returned", [_shipped_row(row) for row in self.returns]),
            ("Scrapped", [(*key, amount) for key, amount in self.scrapped.items()]),
            (
                "Orders that wait for these lots",
                [(row.line, row.customer, row.item, row.lot, row.amount) for row in self.open_orders],
            ),
            ("Undecided", [(row.item, row.lot, "may be", _names(row.candidates)) for row in self.undecided]),
            ("Unmeasured (an item declares no mass)", self.unmeasured),
            ("Balance", [(row.item, row.lot, row) for row in self.balances]),
        ]
        if not self.traces:  # no threshold was asked for, or nothing is below it
            del parts[1]
        return "\n".join([head, *(f"{title}:\n{columns(rows, '  ')}" if rows else f"{title}: none" for title, rows in parts)])

    def consignees_csv(self) -> str:
        """Who must be told, one row per shipment and lot, with empty cells for what was done: when, how, what was answered.

        Cells that would start a formula are treated as in `to_csv`.
        """
        rows = []
        for row in self.consignees:
            address = row.address or Address("")
            amounts = (plain(row.amount.value), row.amount.unit, plain(row.returned.value))
            rows.append(
                (row.customer, *attrs.astuple(address), row.shipment, row.at.isoformat(), row.item, row.lot, *amounts, *[""] * 4)
            )
        return comma_separated((CONSIGNEE_HEADER, *rows))

    def to_csv(self) -> str:
        """Everything as comma-separated values with a header; `what` says what a row tells.

        A cell that a spreadsheet would take for a formula (it starts with = + - @, tab or carriage return) gets an apostrophe in
        front (OWASP, CSV injection).
        """
        return comma_separated((HEADER, *self._cells()))

    def _cells(self) -> Iterator[Sequence[str]]:
        for c in (*self.contents, *self.traces):
            of = (f"content of {c.of}", c.item, c.lot, "", c.least.unit, "", "", "", "")
            yield (*of, "" if c.amount is None else plain(c.amount.value), plain(c.least.value), plain(c.most.value))
        for at in self.stocks:
            yield _cell("on hand", at.item, at.lot, at.amount, place=at.place)
        for what, rows in (("shipped", self.shipments), ("returned", self.returns)):
            for row in rows:
                yield _cell(what, row.item, row.lot, row.amount, paper=row.shipment, customer=row.customer, at=row.at.isoformat())
        for (item, lot), amount in self.scrapped.items():
            yield _cell("scrapped", item, lot, amount)
        for line in self.open_orders:
            yield _cell("open order", line.item, line.lot, line.amount, paper=line.line, customer=line.customer)
        for doubt in self.undecided:
            yield _cell("undecided", doubt.item, doubt.lot, None, paper=_names(doubt.candidates))


_Row = TypeVar("_Row", Balance, Content)


def harmless(cell: str) -> str:
    """The cell as a spreadsheet must not read it otherwise: one that would start a formula gets an apostrophe in front.

    >>> harmless("=1+1"), harmless("O-1")
    ("'=1+1", 'O-1')
    """
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


def comma_separated(rows: Iterable[Sequence[str]]) -> str:
    r"""Rows as comma-separated values; no cell starts a formula.

    >>> comma_separated([("lot", "amount"), ("@1", "5")])
    "lot,amount\r\n'@1,5\r\n"
    """
    lines: list[str] = []
    writer = csv.writer(SimpleNamespace(write=lines.append))
    for row in rows:
        writer.writerow([harmless(cell) for cell in row])
    return "".join(lines)


def _sums(rows: Iterable[tuple[_K, Quantity]]) -> dict[_K, Quantity]:
    sums: dict[_K, Quantity] = {}
    for key, amount in rows:
        sums[key] = sums[key] + amount if key in sums else amount
    return sums


def _names(keys: Iterable[Key]) -> str:
    return ", ".join(" ".join(key) for key in keys)


def _content_row(row: Content) -> tuple[object, ...]:
    return row.item, row.lot, "unknown" if row.amount is None else row.amount, f"{row.least} to {row.most}", f"of {row.of}"


def _shipped_row(row: Shipped) -> tuple[object, ...]:
    return row.customer or "(unknown customer)", row.shipment, row.item, row.lot, row.amount, row.at.date()


def _cell(what: str, item: str, lot: str, amount: Quantity | None, **more: str) -> tuple[str, ...]:
    cells = {"what": what, "item": item, "lot": lot} | more
    if amount is not None:
        cells |= {"amount": plain(amount.value), "unit": amount.unit}
    return tuple(cells.get(name, "") for name in HEADER)


def recall(
    found: Reach,
    items: Mapping[str, Item],
    lots: Mapping[Key, Lot],
    *,
    is_finished: Callable[[Item], bool],
    customers: Mapping[str, str] | None = None,
    open_orders: Iterable[OpenLine] = (),
    doubtful: Mapping[Key, Collection[Key]] | None = None,
    threshold: Fraction | None = None,
    addresses: Mapping[str, Address] | None = None,
    standing: Mapping[Key, int] | None = None,
    assumed: Assumed | None = None,
) -> Recall:
    """The recall that a forward search from the bad lots adds up to.

    Args:
        found: what `reach` returned for `forward`.
        items: at least those of `found.items`.
        lots: at least those of `found.lots`.
        is_finished: whether an item is sold, so that its lots are listed as finished.
        customers: who stands behind the papers of `found.papers`: an order's number is tried first, then the shipment's.
        open_orders: order lines with the lots that are allocated to them; those of other lots are left out.
        doubtful: lots of which nobody knows what they are, with the lots that they may be part of.
        threshold: a mass fraction; contents below it go to `traces`, those that nobody knows never do.
        addresses: where shipments went, by their number.
        standing: steps on hand that another book claims per lot; a difference is unaccounted.
        assumed: splits of by-products and losses of everything alike, for the contents.

    Raises:
        Unknown: (`unknown`) an item or lot is missing; also for a mistyped source.
        InvalidInput: (`invalid_input`) a search in the other direction.
    """
    keys = sorted(found.lots)
    rows = {key: known("lot", key, lots) for key in keys}
    kinds = {item: known("item", item, items) for item, _ in keys}
    sources = [key for key in found.sources if not isinstance(key, str)]
    contents = [
        row for of in sorted({item for item, _ in sources}) for row in _contents(mixing(found, items, of, assumed), keys, items)
    ]
    shipments, returns = _shipments(found, kinds, customers or {})
    below = {row for row in contents if threshold is not None and _is_trace(row, threshold)}
    there = standing or {}
    return Recall(
        source=tuple(rows[key] for key in sources),
        lots=tuple(rows.values()),
        finished_lots=tuple(rows[key] for key in keys if is_finished(kinds[key[0]])),
        runs=tuple(sorted(found.runs)),
        shipments=shipments,
        returns=returns,
        stocks=tuple(row for key in keys for row in _standings(key, found.moves[key], kinds[key[0]])),
        balances=tuple(balance_of(kinds[key[0]], key, found.moves[key], there.get(key)) for key in keys),
        contents=tuple(row for row in contents if row not in below),
        open_orders=tuple(sorted((line for line in open_orders if (line.item, line.lot) in rows), key=lambda line: line[:4])),
        undecided=tuple(_undecided(rows, doubtful or {})),
        unmeasured=tuple(sorted({(row.item, row.lot) for row in contents if row.amount is None})),
        edges=edges_of(found, items),
        traces=tuple(row for row in contents if row in below),
        consignees=tuple(_consignees(shipments, returns, addresses or {})),
    )


def _is_trace(row: Content, threshold: Fraction) -> bool:
    """Whether so little of the source is in the lot, by perfect mixing, that it goes to the second list; never where nobody knows."""
    return row.fraction is not None and row.fraction < threshold


def _consignees(shipments: Iterable[Shipped], returns: Iterable[Shipped], addresses: Mapping[str, Address]) -> Iterator[Consignee]:
    sent = [*shipments]
    came = _came_back(sent, returns)
    gone = _sums(((row.customer, row.shipment, row.item, row.lot), row.amount) for row in sent)
    first: dict[tuple[str, str, str, str], datetime] = {}
    for row in sent:
        key = (row.customer, row.shipment, row.item, row.lot)
        first[key] = min(first.get(key, row.at), row.at)
    for key, amount in sorted(gone.items(), key=lambda one: one[0]):
        back = came.get(key[1:], amount - amount)
        yield Consignee(*key, amount, back, first[key], addresses.get(key[1]))


def _came_back(shipments: Sequence[Shipped], returns: Iterable[Shipped]) -> dict[tuple[str, str, str], Quantity]:
    """Per shipment, item and lot what came back: a return names the shipment, or the order, whose shipments it lessens in turn."""
    numbers = {row.shipment for row in shipments}
    came: dict[tuple[str, str, str], Quantity] = {}
    by_order: dict[tuple[str, str, str], Quantity] = {}
    for row in returns:
        named = row.shipment in numbers
        pool, name = (came, row.shipment) if named else (by_order, order_of(row.line) or row.shipment)
        key = (name, row.item, row.lot)
        pool[key] = pool[key] + row.amount if key in pool else row.amount
    for row in sorted(shipments, key=lambda one: one.at):
        left = by_order.get((order_of(row.line), row.item, row.lot))
        if left is not None:
            back = min(left, row.amount)
            by_order[order_of(row.line), row.item, row.lot] = left - back
            key = (row.shipment, row.item, row.lot)
            came[key] = came[key] + back if key in came else back
    return came


def _undecided(affected: Mapping[Key, Lot], doubtful: Mapping[Key, Collection[Key]]) -> Iterator[Undecided]:
    for key, candidates in sorted(doubtful.items()):
        possible = tuple(sorted(other for other in candidates if other in affected))
        if possible and key not in affected:
            yield Undecided(*key, possible)


def _contents(mixed: Mixing, keys: Iterable[Key], items: Mapping[str, Item]) -> Iterator[Content]:
    source = items[mixed.of]
    one = source.mass(1)
    for key in keys:
        amount, (least, most) = mixed.amounts[key], mixed.ranges[key]
        mass = items[key[0]].mass(mixed.sizes[key])
        fraction = amount * one / mass if amount is not None and one is not None and mass else None
        shown = None if amount is None else source.quantity(round(amount))
        yield Content(mixed.of, *key, shown, source.quantity(floor(least)), source.quantity(ceil(most)), fraction)


def _standings(key: Key, entries: Iterable[Entry], item: Item) -> Iterator[Standing]:
    sums: dict[str, int] = {}
    for _, move in entries:
        for place, steps in ((move.source, -move.steps), (move.target, move.steps)):
            if inside(place):
                sums[place] = sums.get(place, 0) + steps
    for place, steps in sorted(sums.items()):
        if steps:
            yield Standing(*key, place, item.quantity(steps))


def _shipments(
    found: Reach, items: Mapping[str, Item], customers: Mapping[str, str]
) -> tuple[tuple[Shipped, ...], tuple[Shipped, ...]]:
    """Per shipment, order line and lot what went out and what came back, each dated by its first move."""
    sums: dict[tuple[str, str, str, str, str], int] = {}
    first: dict[tuple[str, str, str, str, str], datetime] = {}
    for key in sorted(found.moves):
        for posting, move in found.moves[key]:
            for name, sign in flows(posting, move):
                if name in ("shipped", "returned"):
                    row = (name, posting.paper, *key, move.line)
                    sums[row] = sums.get(row, 0) + sign * move.steps
                    first[row] = min(first.get(row, posting.happened_at), posting.happened_at)
    out: dict[str, list[Shipped]] = {"shipped": [], "returned": []}
    for (name, paper, item, lot, line), steps in sorted(sums.items()):
        if steps:
            who = customers.get(order_of(line), customers.get(paper, ""))
            out[name].append(Shipped(paper, who, item, lot, items[item].quantity(steps), first[name, paper, item, lot, line], line))
    return tuple(out["shipped"]), tuple(out["returned"])
