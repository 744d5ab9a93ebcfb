"""The front door: one workshop, with a desk for every paper and every question."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from importlib.metadata import entry_points
from pathlib import Path
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

import attrs

from krafte_core import archive
from krafte_core.catalogue import Catalogue
from krafte_core.delivery import Delivery, Subscription
from krafte_core.desks.bulk import BulkDesk
from krafte_core.desks.orders import OrderDesk
from krafte_core.desks.planning import PlanningDesk
from krafte_core.desks.production import ProductionDesk
from krafte_core.desks.purchasing import PurchasingDesk
from krafte_core.desks.shipping import ShippingDesk
from krafte_core.desks.stock import StockDesk
from krafte_core.desks.trace import TraceDesk
from krafte_core.differences import Difference, differences, kinds_of, table, undo
from krafte_core.errors import AlreadyExists, BrokenLaw, Immutable, InvalidInput, Unknown
from krafte_core.fork import ForkStore
from krafte_core.items import Item
from krafte_core.laws import findings
from krafte_core.office import Office, SystemClock, combined
from krafte_core.stock import PLACES, Place
from krafte_core.store import KINDS, CatalogueValue, Changes, Clock, DeadLetter, Store
from krafte_core.work import Work

_NAMES = tuple(name for kind, name in KINDS.items() if not hasattr(kind, "number"))
STORES = "krafte_core.stores"
"""The entry-point group in which stores are found by the scheme of their URL."""
Answer = TypeVar("Answer")


@attrs.frozen
class Preview(Generic[Answer]):
    """What a command would answer and what it would change; nothing was stored and no number was taken.

    Attributes:
        answer: what the command returned.
        changes: the rows that it would store.
        differences: the same, each row beside what it is now.
        undo: the commands that would take it back afterwards, the last step first.
    """

    answer: Answer
    changes: Changes
    differences: tuple[Difference, ...] = ()
    undo: tuple[str, ...] = ()

    def __str__(self) -> str:
        """A table of the differences."""
        return table(self.differences)


class Workshop:
    """A maker's workshop: orders, production, stock, purchasing, shipping, trace and planning over one store.

    Args:
        store: where the books live.
        clock: what time it is; default the computer's clock.
        zone: the workshop's time zone; default that of the clock if it has one, else UTC.
        by: who signs, where a command does not say.
        back_dating: how far back entries may be dated; default as far as the books are open (`shop.stock.close_period`).

    >>> shop = Workshop.in_memory()
    >>> shop.register(Item("lye", unit="kg"))
    >>> lot = shop.stock.receive("lye", "5 kg", lot="NA-1")
    >>> str(shop.stock.level("lye").available)
    '5 kg'
    """

    def __init__(
        self,
        store: Store,
        *,
        clock: Clock | None = None,
        zone: str | None = None,
        by: str = "",
        draft: bool = False,
        back_dating: timedelta | None = None,
    ) -> None:
        """Over a store; `draft` marks the numbers of a fork."""
        used = clock or SystemClock()
        self._store = store
        self._office = Office(store, used, zone or getattr(used, "zone", None) or "UTC", by, draft=draft)
        if back_dating is not None and (not isinstance(back_dating, timedelta) or back_dating < timedelta(0)):
            raise InvalidInput("back_dating", back_dating, "a `timedelta` of zero or more")
        self._office.back_limit = back_dating
        self._handlers: dict[str, Subscription] = {}
        self.orders = OrderDesk(self._office)
        self.production = ProductionDesk(self._office)
        self.stock = StockDesk(self._office)
        self.purchasing = PurchasingDesk(self._office)
        self.shipping = ShippingDesk(self._office)
        self.trace = TraceDesk(self._office)
        self.planning = PlanningDesk(self._office)
        self.bulk = BulkDesk(self._office)

    @classmethod
    def open(cls, url: str, *, clock: Clock | None = None, zone: str | None = None, by: str = "") -> Self:
        """The workshop at a URL; the scheme names the store (`memory:`), found among the entry points `krafte_core.stores`.

        Raises:
            Unknown: (`unknown`) no installed package brings a store for the scheme; those that exist are given.

        >>> Workshop.open("memory:").orders.table().split()[0]
        'order'
        """
        if not isinstance(url, str):
            raise InvalidInput("url", url, "a URL such as 'memory:'")
        scheme = url.partition(":")[0].partition("+")[0]
        found = {point.name: point for point in entry_points(group=STORES)}
        if scheme not in found:
            raise Unknown("store", scheme, tuple(sorted(found)))
        return cls(found[scheme].load()(url), clock=clock, zone=zone, by=by)

    @classmethod
    def in_memory(cls, *, clock: Clock | None = None, zone: str | None = None, by: str = "") -> Self:
        """A workshop that lives as long as the process: for notebooks and tests."""
        return cls.open("memory:", clock=clock, zone=zone, by=by)

    def __enter__(self) -> Self:
        """For `with`: closes the store at the end."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Close the store."""
        self.close()

    def close(self) -> None:
        """Let go of the store's files and connections."""
        self._store.close()

    # the catalogue ----------------------------------------------------------------------------------------------------

    @property
    def catalogue(self) -> Catalogue:
        """Everything that is registered."""
        with self._office.look() as work:
            return work.catalogue

    def register(self, *values: CatalogueValue, key: str | None = None, by: str | None = None) -> None:
        """Register items, recipes, work centers, suppliers, shipping methods, places, price lists and customers, all or none.

        They may name each other in any order. Registering a code again replaces what it was; an item that is used keeps its unit and
        step.

        Raises:
            Immutable: (`immutable`) another unit or step for an item that is used.
            Unknown: (`unknown`), RecipeCycle: (`recipe_cycle`), RoundsToNothing: (`rounds_to_nothing`), UnitMismatch:
            (`unit_mismatch`), AlreadyExists: (`already_exists`) the same code twice in one call.
        """

        def decide(work: Work) -> None:
            rows: dict[tuple[str, str], CatalogueValue] = {}
            for value in values:
                kind = KINDS.get(type(value))
                if kind is None or hasattr(value, "number"):
                    raise InvalidInput("value", value, "a value of the catalogue: " + ", ".join(_NAMES))
                name = (kind, value.code)
                if name in rows or value.code in {place.code for place in PLACES if isinstance(value, Place)}:
                    raise AlreadyExists(*name)
                rows[name] = value
                if isinstance(value, Item):
                    _keeps_its_unit(work, value)
            before = {(KINDS[type(value)], value.code): value for value in work.reader.catalogue()}
            Catalogue([*(before | rows).values()], zone=self._office.zone)
            work.changes.catalogue.update((name, value) for name, value in rows.items() if before.get(name) != value)
            if work.changes.catalogue:
                work.touch("catalogue")  # what two register at once must fit together

        self._office.run(decide, key=key, content=("register", values), by=by)

    # what if ----------------------------------------------------------------------------------------------------------

    def fork(self) -> Workshop:
        """A workshop of its own over this moment: try anything; nothing comes back, numbers say `draft`, events reach nobody.

        On a database it holds a connection until it is closed (`with shop.fork() as trial:`) or forgotten, or the workshop is closed.
        """
        return self._over(self._forked())

    def _forked(self) -> ForkStore:
        moment = getattr(self._store, "snapshot", None)
        if moment is None:
            raise InvalidInput("store", type(self._store).__name__, "a store that can keep a moment (`snapshot`)")
        return ForkStore(moment())

    def _over(self, store: ForkStore) -> Workshop:
        office = self._office
        return Workshop(store, clock=office.clock, zone=office.zone, by=office.by, draft=True, back_dating=office.back_limit)

    def preview(self, command: Callable[[Workshop], Answer]) -> Preview[Answer]:
        """What a command would answer and change: it runs on a fork that is thrown away.

        >>> shop = Workshop.in_memory()
        >>> shop.register(Item("lye", unit="kg"))
        >>> would = shop.preview(lambda trial: trial.stock.receive("lye", "5 kg", lot="NA-1"))
        >>> [(row.name, str(row.after)) for row in would.differences if row.kind == "stock"]
        [('lye NA-1 in stock', '5 kg')]
        >>> str(shop.stock.level("lye").on_hand), would.undo
        ('0 kg', ('shop.purchasing.send_back, shop.stock.scrap',))
        """
        store = self._forked()
        with self._over(store) as trial:
            answer = command(trial)
            changes, before = combined(store.committed), store.before
            return Preview(answer, changes, differences(before, changes, trial.catalogue), undo(changes, kinds_of(before, changes)))

    # events -----------------------------------------------------------------------------------------------------------

    def subscribe(self, name: str, handler: Callable[[Any], object], *, since: str, batch: int | None = None, tries: int = 10) -> None:
        """Hear events under a name: from `"now"` on or from the `"beginning"`; a name that is known goes on where it was.

        Args:
            name: whose box it is; it outlives the program, where the store does.
            handler: called with one event; with a `batch` called with a list of up to so many, which are settled at once.
            since: what a new name hears first.
            batch: how many events the handler wants at a time.
            tries: after how many failures an event becomes a dead letter, where the store has such.

        Raises:
            InvalidInput: (`invalid_input`) since when?
        """
        for field, number in (("batch", batch), ("tries", tries)):
            if number is not None and (type(number) is not int or number < 1):
                raise InvalidInput(field, number, "1 or more")
        self._store.outbox.subscribe(name, since)
        self._handlers[name] = Subscription(name, handler, batch, tries)

    def deliver_events(self, *, limit: int | None = None) -> Sequence[Delivery]:
        """Hand waiting events to their subscribers, each at least once and in order per document.

        A handler that raises stops its own subscriber: the event comes again next time, nobody else is held up, and the error is in
        the answer. What failed as often as its subscriber wished is put aside (`dead_letters`).
        """
        return [one.deliver(self._store.outbox, lambda: self._office.now().at, limit) for one in [*self._handlers.values()]]

    def dead_letters(self, name: str) -> Sequence[DeadLetter]:
        """The events that a subscriber failed to handle again and again, with the last problem of each; oldest first."""
        found: Sequence[DeadLetter] = self._letters().dead(name)
        return found

    def revive(self, name: str, letters: Sequence[DeadLetter]) -> None:
        """Dead letters come again, in their old places: the reason is gone."""
        self._letters().revive(name, [letter.id for letter in letters])

    def _letters(self) -> Any:
        if not hasattr(self._store.outbox, "dead"):
            raise InvalidInput("store", type(self._store).__name__, "a store whose outbox has dead letters (`DeadLetters`)")
        return self._store.outbox

    # the laws ---------------------------------------------------------------------------------------------------------

    def verify(self) -> None:
        """Check every law of the books against every row.

        Raises:
            BrokenLaw: (`broken_law`) one finding per broken row.
        """
        with self._office.look() as work:
            found = tuple(findings(work))
        if found:
            raise BrokenLaw(found)

    def rebuild(self) -> int:
        """Put what is only copied right from the ledger, the links and the diary; how many rows.

        Copied are balance rows, dispositions of lots, and what a store keeps besides: the genealogy in whole numbers.

        Raises:
            BrokenLaw: (`broken_law`) the books themselves do not add up: see `verify`.
        """
        mend = getattr(self._store, "mend", None)
        return self._office.run(archive.rebuild) + (mend() if mend is not None else 0)

    # the whole workshop -------------------------------------------------------------------------------------------------

    def export_to(self, path: str | Path) -> int:
        """Write the books of this moment to a file, as lines of JSON in wire form; how many lines. The same books give the same bytes.

        What waits in the outbox is not in it: it is delivered from here.
        """
        with self._office.look() as work:
            return archive.write(work.reader, Path(path))

    def import_from(self, path: str | Path) -> int:
        """Read an export into this workshop, which must be empty; how many rows. Nobody hears of what is read.

        The file is read once and checked before anything is written. An import that is killed leaves a part: begin again with an empty
        workshop.

        Raises:
            AlreadyExists: (`already_exists`) there is something in this workshop.
            WireError: (`unreadable_wire`) not an export, or one that was cut off.
        """
        return archive.restore(self._store, Path(path))

    def erase_customer(self, customer: str, *, by: str | None = None) -> str:
        """Take what tells who a customer was out of papers, events and stored results: name, addresses, notes, attributes, tracking.

        Amounts, lots, dates and traces stay. What people wrote as a reason stays, too: no names belong there.

        Returns:
            The name that stands for the customer from now on.

        Raises:
            Unknown: (`unknown`) no paper is theirs. InvalidInput: (`invalid_input`) a store that cannot do it (`redact`).
        """
        if not hasattr(self._store, "redact"):
            raise InvalidInput("store", type(self._store).__name__, "a store that can take data out of events and results (`redact`)")

        def decide(work: Work) -> str:
            name = f"erased {work.number('ERASED')}"
            if not archive.erase(work, customer, name):
                raise Unknown("customer", customer)
            return name

        name = self._office.run(decide, by=by)
        self._store.redact(lambda value: archive.erased(value, customer, name))
        return name


def _keeps_its_unit(work: Work, item: Item) -> None:
    """Amounts in the books are steps of the item: once there are any, neither unit nor step may change, nor may it become a kit."""
    before = work.catalogue.items.get(item.code)
    if before is None or (before.unit, before.smallest, not before.kit) == (item.unit, item.smallest, not item.kit):
        return
    used = work.reader.has_lots(item.code) or any(
        work.reader.open_papers(kind, [item.code]) for kind in ("order", "production", "purchase")
    )
    if used:
        field, now, wanted = next(
            row for row in (("unit", before.unit, item.unit), ("step", before.smallest, item.smallest), ("kit", before.kit, item.kit))
            if row[1] != row[2]
        )  # fmt: skip
        raise Immutable("item", item.code, field, str(now), str(wanted))
