"""The ports: what the library asks of a store, and what it gives it. A host brings its own by implementing three small Protocols.

A command reads through a `Reader`, decides, and hands a `Changes` to `Store.commit`, which stores all of it or raises `Conflict`.

What a store must keep, and the suite `krafte_core.testing.StoreContract` proves:

- `commit` is atomic. It first checks the guards: every stamp in `stamps` is still the one that was read, every lot in `lot_guards` has
  the revision that was read, the key is unused. Then it applies; a balance that would become negative, or allocated beyond what is
  on hand, is a failed guard like the others. A failed guard raises `Conflict` and leaves everything as it was.
- A reader sees one moment, whatever is committed meanwhile.
- Rows come back in the order in which they were written: a changed row keeps its place, one that went away and came back is new.
  Some have an order of their own: `lots_of` that which was asked for, what stands somewhere by item, lot and place, claims by demand,
  line and place, the bookings of a work center by start. Texts are ordered as Python orders them. Where a method says so, any order
  will do.
- Who asks for several keys gets a mapping in the order of asking: with a sequence for each, where a sequence is the answer, be it
  empty; else with those that exist.
- A number is never given twice, also not by two processes at the same time.
- An event is in the outbox exactly when its command is in the books.

A store inside a transaction of the host has an attribute `tries` of 1: there a failed guard is the host's to handle, at once.

A store with many writers may have a method `queue_up()`: it waits until no other loser of several tries is trying, and gives something
with a `close()` that lets the next one in. And it may have a method `deciding()`: a `reading()` for a command, whose moment may begin
as late as with the first question after that for the catalogue's revision; it raises `Conflict` if the catalogue has moved by then.

A store that keeps results and events for long may have a method `redact(rewrite)`, which replaces each by what the function makes of
it: personal data can be taken out of them.

A reader that can go through the genealogy run by run may have a method `runs()`, which gives every run with what went in and came out
(`ledger.Gross`), streamed; without it the ledger is read as a whole where all runs are asked for.

A reader that asks over a line has a method `may_find(sources, direction, as_of)` (`ledger.Ahead`): questions about times are then as
many statements however deep they lead; without it they go level by level.

A reader that can stream its moves lot by lot, each lot's as they happened, has a method `moves_in_time()`, which gives
`lot_histories.Moved`; `verify` needs it to go through a long history in little memory.

A store that keeps copies of the ledger besides the balances (the genealogy, say) has a reader with a method `astray()`, which gives a
sentence for every row that is not what the ledger says, streamed, for `verify`; and itself a method `mend()`, which makes such rows
anew, and says how many they were, for `rebuild`.

A store that can keep a moment beyond its `with` has a method `snapshot()`, which gives a `fork.Moment`; without it the workshop has
neither `fork` nor `preview`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Any, NamedTuple, Protocol

import attrs

from krafte_core.allocation import Allocation
from krafte_core.coverage import Booking
from krafte_core.diary import Entry
from krafte_core.events import Event
from krafte_core.intake import Imported
from krafte_core.items import Item
from krafte_core.ledger import Index, Use
from krafte_core.orders import CustomerOrder, Quote
from krafte_core.prices import Customer, PriceList
from krafte_core.production import ProductionOrder
from krafte_core.purchasing import PurchaseOrder
from krafte_core.recipes import Recipe
from krafte_core.resources import ShippingMethod, Supplier, WorkCenter
from krafte_core.shipping import Shipment
from krafte_core.stock import Lot, Place, Posting, Sought, Stocked

Paper = CustomerOrder | Quote | ProductionOrder | PurchaseOrder | Shipment | Imported
CatalogueValue = Item | Recipe | WorkCenter | Supplier | ShippingMethod | Place | PriceList | Customer
LotKey = tuple[str, str]
"""Item and lot code."""
BalanceKey = tuple[str, str, str]
"""Item, lot code and place."""
AllocationKey = tuple[str, str, str, str, str, str]
SupplyKey = tuple[str, str, str]
"""("lot", item, lot) or ("run" or "purchase", item, number)."""

KINDS: Mapping[type, str] = {
    CustomerOrder: "order",
    Quote: "quote",
    ProductionOrder: "production",
    PurchaseOrder: "purchase",
    Shipment: "shipment",
    Imported: "import",
    Item: "item",
    Recipe: "recipe",
    WorkCenter: "work center",
    Supplier: "supplier",
    ShippingMethod: "shipping method",
    Place: "place",
    PriceList: "price list",
    Customer: "customer",
}
"""The name of every kind of paper and catalogue value, as readers are asked for it."""


class Filed(NamedTuple):
    """A paper as it is filed, with its stamp: a counter that every command moves which changes the paper, its links or its state."""

    paper: Any
    stamp: int


class Stored(NamedTuple):
    """The remembered result of a command with an idempotency key, and the fingerprint of the command's content."""

    fingerprint: str
    result: Any


@attrs.define
class Changes:
    """What a decision wants to be stored, together with the guards under which it is right.

    A builder while the command decides; a store only reads it.
    """

    papers: dict[str, Paper] = attrs.field(factory=dict)
    """New and changed; each has its stamp in `stamps`."""
    lots: dict[LotKey, Lot] = attrs.field(factory=dict)
    balances: dict[BalanceKey, tuple[int, int]] = attrs.field(factory=dict)
    """Differences: steps on hand, steps allocated. A row with nothing on hand is gone."""
    allocations: dict[AllocationKey, Allocation | None] = attrs.field(factory=dict)
    """New and changed; None takes one away, if it is there."""
    bookings: dict[tuple[str, str], Booking | None] = attrs.field(factory=dict)
    """By paper and operation; new and changed; None takes one away, if it is there."""
    postings: list[Posting] = attrs.field(factory=list)
    diary: list[Entry] = attrs.field(factory=list)
    events: list[Event] = attrs.field(factory=list)
    catalogue: dict[tuple[str, str], CatalogueValue] = attrs.field(factory=dict)
    stamps: dict[str, int] = attrs.field(factory=dict)
    """Guard and change in one: the stamp that was read (0 for a new paper, or a work center without bookings); commit moves it."""
    lot_guards: dict[LotKey, int] = attrs.field(factory=dict)
    """Lot revisions that were read (0: there was no such lot)."""
    closed: set[str] = attrs.field(factory=set)
    """Papers whose state is now one after which nothing more is open: they leave the index of open papers."""
    opened: set[str] = attrs.field(factory=set)
    """Papers that were closed and are open again, under the items that they name now: they are back in the index."""
    key: str | None = None
    stored: Stored | None = None

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to store.

        >>> Changes().is_empty
        True
        """
        return not (self.papers or self.lots or self.balances or self.allocations or self.bookings or self.postings
                    or self.diary or self.events or self.catalogue or self.stored)  # fmt: skip


class Reader(Protocol):
    """One moment of the books. Every method takes all its keys at once; none adds anything up, so that overlays can merge."""

    def revision(self) -> int | None:
        """A counter that moves with every commit, where the store has one at hand; None: whoever asks must not remember anything."""

    def catalogue_revision(self) -> int:
        """A counter that moves whenever the catalogue changes."""

    def catalogue(self) -> Collection[CatalogueValue]:
        """Items, recipes, resources and places, in the order in which they were first registered."""

    def papers(self, numbers: Iterable[str]) -> Mapping[str, Filed]:
        """The papers of these numbers that exist."""

    def find(self, kind: str, *, after: str = "", limit: int = 100, **criteria: Any) -> Sequence[Paper]:
        """A page of papers of a kind, in the order of first writing, after the given number; criteria compare fields of the paper."""

    def open_papers(self, kind: str, items: Iterable[str]) -> Mapping[str, Sequence[Filed]]:
        """Per item that has any the papers of a kind (no shipments) that name it now and are not closed, in any order."""

    def open_orders(self, customer: str) -> Sequence[CustomerOrder]:
        """The orders of a customer that are not closed, in any order."""

    def stamps(self, names: Iterable[str]) -> Mapping[str, int]:
        """The stamps of papers or work centers; 0 where there is none yet."""

    def lots(self, keys: Iterable[LotKey]) -> Mapping[LotKey, Lot]:
        """The lots of these keys that exist."""

    def has_lots(self, item: str) -> bool:
        """Whether there ever was a lot of the item."""

    def lots_of(self, item: str, order: str) -> Iterator[Stocked]:
        """What is free of an item, in the order `expiry` or `age` (`stock.ORDERS`), read only as far as it is iterated.

        What lies on a run's line (a place that begins with `stock.LINE`) is that run's, and not free.
        """

    def stocked(self, items: Iterable[str]) -> Mapping[str, Sequence[Stocked]]:
        """Per item everything on hand, allocated or not, at every place in the house."""

    def standing(self, lots: Iterable[LotKey]) -> Mapping[LotKey, Sequence[Stocked]]:
        """Per lot where it stands in the house."""

    def at_place(self, place: str) -> Sequence[Stocked]:
        """Everything on hand at one place."""

    def links(self, papers: Iterable[str]) -> Mapping[str, Sequence[Allocation]]:
        """Per paper the allocations that cover its needs."""

    def claims(self, supplies: Iterable[SupplyKey]) -> Mapping[SupplyKey, Sequence[Allocation]]:
        """Per supply the allocations that draw on it."""

    def bookings(self, work_centers: Iterable[str], since: int) -> Mapping[str, Sequence[Booking]]:
        """Per work center the bookings that end after this instant (epoch seconds), by start."""

    def booked_for(self, papers: Iterable[str]) -> Mapping[str, Sequence[Booking]]:
        """Per paper its bookings."""

    def postings(
        self, *, lots: Collection[LotKey] = (), papers: Collection[str] = (), since: datetime | None = None
    ) -> Sequence[Posting]:
        """The postings that move any of these lots, are because of any of these papers, or serve a need of them; in order.

        With `since` only those that happened then or later: a back-dated entry looks at what comes after it, not at all history.
        """

    def sought(self, lots: Sought) -> Iterator[Lot]:
        """The lots that meet the criteria, in any order, streamed."""

    def moved(self, since: datetime | None, until: datetime | None, *, together: bool = False) -> Iterator[Posting]:
        """Every posting of the papers that moved in a time (both ends included), and those without a paper of that time; streamed.

        In order; `together`: those of one paper side by side, papers in the order of their first posting.
        """

    def uses(self, *, lots: Collection[LotKey] = (), runs: Collection[str] = ()) -> Iterable[Use]:
        """What these lots were used for and how they were made, and all uses and outputs of these runs: each row once, in any order.

        One level of a trace. A store may add up rows of one run and lot that happened at the same time.
        """

    def genealogy(self) -> Index | None:
        """The whole genealogy in whole numbers, where the store keeps it so; None: a trace goes level by level (`uses`)."""

    def diary(self, documents: Iterable[str]) -> Mapping[str, Sequence[Entry]]:
        """Per document its entries, in order."""

    def decided(self, since: datetime | None, until: datetime | None) -> Iterator[Entry]:
        """The entries of the diary about lots in a time (both ends included), in order, streamed."""

    def result(self, key: str) -> Stored | None:
        """What a command with this key gave, if there was one."""

    def rows(self, table: str) -> Iterator[Any]:
        """Every row of a table (`TABLES`), for `verify`, export and whole-graph questions; streamed.

        Stocked, allocations, bookings and results come in any order, but those of one paper in that of writing. A result is a pair of
        its key and what was stored.
        """


TABLES = ("catalogue", "papers", "lots", "stocked", "allocations", "bookings", "postings", "diary", "results")
"""What `Reader.rows` can be asked for."""


LEASE = timedelta(minutes=10)
"""How long a lease lasts: what was neither settled nor given back by then comes again, because its worker may have died."""


class Leased(NamedTuple):
    """An event on its way to a subscriber; `id` settles it."""

    id: int
    event: Event


class Outbox(Protocol):
    """Events wait here, written with the command that they tell of, until every subscriber has had them.

    Every subscriber has a box of its own. Events of one document are handed out in order: while one of them is leased, the later ones
    wait, and those of other documents go on.
    """

    def subscribe(self, name: str, since: str) -> None:
        """Open a subscriber's box: from `"now"` on or from the `"beginning"`; a box that exists stays as it is.

        Raises:
            InvalidInput: (`invalid_input`) since when?
        """

    def lease(self, name: str, limit: int, now: datetime) -> Sequence[Leased]:
        """The next events of a box that nobody else is handling, oldest first; from `now` they are out for the time of a `LEASE`.

        Raises:
            Unknown: (`unknown`) nobody subscribed under this name.
        """

    def settle(self, name: str, ids: Iterable[int]) -> None:
        """These were handled and do not come again, also if the lease has run out meanwhile."""

    def give_back(self, name: str, ids: Iterable[int]) -> None:
        """These were not handled and come again, in their old place."""


class DeadLetter(NamedTuple):
    """An event that a subscriber could not handle: how often it was tried, and what went wrong the last time."""

    id: int
    event: Event
    tries: int
    problem: str


class DeadLetters(Protocol):
    """What an outbox may have besides: an event that fails again and again is put aside and holds up nobody; a person looks at it.

    An outbox without it hands the event out for ever.
    """

    def failed(self, name: str, id: int, problem: str) -> int:
        """This event was not handled and comes again, in its old place; how often that has been so. `id` as leased."""

    def bury(self, name: str, id: int) -> None:
        """Put an event aside; the later ones of its document go on."""

    def dead(self, name: str) -> Sequence[DeadLetter]:
        """What was put aside, oldest first."""

    def revive(self, name: str, ids: Iterable[int]) -> None:
        """These come again, in their old places."""


class Store(Protocol):
    """Where the books live."""

    @property
    def outbox(self) -> Outbox:
        """The store's outbox."""

    def reading(self) -> AbstractContextManager[Reader]:
        """One moment of the books, for the length of a `with`."""

    def commit(self, changes: Changes) -> None:
        """Store all of it, or raise `Conflict` and store nothing.

        Raises:
            Conflict: (`conflict`) a guard failed.
        """

    def take_numbers(self, series: str, count: int) -> int:
        """The first of `count` counters of a series that nobody had before; counters start at 1 and may leave gaps."""

    def close(self) -> None:
        """Let go of files and connections."""


class Clock(Protocol):
    """What time it is; the library never asks the system by itself."""

    def now(self) -> datetime:
        """The present instant, aware."""
