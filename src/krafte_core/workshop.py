"""The front door: one workshop, with a desk for every paper and every question."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.metadata import entry_points
from types import TracebackType
from typing import Generic, Self, TypeVar

import attrs

from krafte_core.catalogue import Catalogue
from krafte_core.desks.orders import OrderDesk
from krafte_core.desks.planning import PlanningDesk
from krafte_core.desks.production import ProductionDesk
from krafte_core.desks.purchasing import PurchasingDesk
from krafte_core.desks.shipping import ShippingDesk
from krafte_core.desks.stock import StockDesk
from krafte_core.desks.trace import TraceDesk
from krafte_core.differences import Difference, differences, kinds_of, table, undo
from krafte_core.errors import AlreadyExists, BrokenLaw, Immutable, InvalidInput, Unknown
from krafte_core.events import Event
from krafte_core.fork import ForkStore
from krafte_core.items import Item
from krafte_core.laws import findings
from krafte_core.office import Office, SystemClock, combined
from krafte_core.stock import PLACES, Place
from krafte_core.store import KINDS, CatalogueValue, Changes, Clock, Store
from krafte_core.work import Work

STORES = "krafte_core.stores"
"""The entry-point group in which stores are found by the scheme of their URL."""
BATCH = 100
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


@attrs.frozen
class Delivery:
    """What `deliver_events` did for one subscriber: how many events, and the error that stopped it, if one did."""

    subscriber: str
    delivered: int
    failed: Exception | None


class Workshop:
    """A maker's workshop: orders, production, stock, purchasing, shipping, trace and planning over one store.

    Args:
        store: where the books live.
        clock: what time it is; default the computer's clock.
        zone: the workshop's time zone; default that of the clock if it has one, else UTC.
        by: who signs, where a command does not say.

    >>> shop = Workshop.in_memory()
    >>> shop.register(Item("lye", unit="kg"))
    >>> lot = shop.stock.receive("lye", "5 kg", lot="NA-1")
    >>> str(shop.stock.level("lye").available)
    '5 kg'
    """

    def __init__(
        self, store: Store, *, clock: Clock | None = None, zone: str | None = None, by: str = "", draft: bool = False
    ) -> None:
        """Over a store; `draft` marks the numbers of a fork."""
        used = clock or SystemClock()
        self._store = store
        self._office = Office(store, used, zone or getattr(used, "zone", None) or "UTC", by, draft=draft)
        self._handlers: dict[str, Callable[[Event], object]] = {}
        self.orders = OrderDesk(self._office)
        self.production = ProductionDesk(self._office)
        self.stock = StockDesk(self._office)
        self.purchasing = PurchasingDesk(self._office)
        self.shipping = ShippingDesk(self._office)
        self.trace = TraceDesk(self._office)
        self.planning = PlanningDesk(self._office)

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
        """Register items, recipes, work centers, suppliers, shipping methods and places, all of them or none.

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
                    raise InvalidInput("value", value, "an item, recipe, work center, supplier, shipping method or place")
                name = (kind, value.code)
                if name in rows or value.code in {place.code for place in PLACES if isinstance(value, Place)}:
                    raise AlreadyExists(*name)
                rows[name] = value
                if isinstance(value, Item):
                    _keeps_its_unit(work, value)
            before = {(KINDS[type(value)], value.code): value for value in work.reader.catalogue()}
            Catalogue([*(before | rows).values()], zone=self._office.zone)
            work.changes.catalogue.update((name, value) for name, value in rows.items() if before.get(name) != value)

        self._office.run(decide, key=key, content=("register", values), by=by)

    # what if ----------------------------------------------------------------------------------------------------------

    def fork(self) -> Workshop:
        """A workshop of its own over this moment: try anything; nothing comes back, numbers say `draft`, events reach nobody."""
        return self._over(self._forked())

    def _forked(self) -> ForkStore:
        moment = getattr(self._store, "snapshot", None)
        if moment is None:
            raise InvalidInput("store", type(self._store).__name__, "a store that can keep a moment (`snapshot`)")
        return ForkStore(moment())

    def _over(self, store: ForkStore) -> Workshop:
        office = self._office
        return Workshop(store, clock=office.clock, zone=office.zone, by=office.by, draft=True)

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
        trial = self._over(store)
        answer = command(trial)
        changes, before = combined(store.committed), store.before
        return Preview(answer, changes, differences(before, changes, trial.catalogue), undo(changes, kinds_of(before, changes)))

    # events -----------------------------------------------------------------------------------------------------------

    def subscribe(self, name: str, handler: Callable[[Event], object], *, since: str) -> None:
        """Hear events under a name: from `"now"` on or from the `"beginning"`; a name that is known goes on where it was.

        Raises:
            InvalidInput: (`invalid_input`) since when?
        """
        self._store.outbox.subscribe(name, since)
        self._handlers[name] = handler

    def deliver_events(self, *, limit: int | None = None) -> Sequence[Delivery]:
        """Hand waiting events to their subscribers, each at least once and in order per document.

        A handler that raises stops its own subscriber: the event comes again next time, nobody else is held up, and the error is in
        the answer.
        """
        return [self._deliver(name, handler, limit) for name, handler in self._handlers.items()]

    def _deliver(self, name: str, handler: Callable[[Event], object], limit: int | None) -> Delivery:
        outbox, done = self._store.outbox, 0
        while limit is None or done < limit:
            leased = outbox.lease(name, min(BATCH, BATCH if limit is None else limit - done), self._office.now().at)
            if not leased:
                break
            for place, row in enumerate(leased):
                try:
                    handler(row.event)
                except Exception as problem:  # noqa: BLE001 - whatever a host's handler raises is its answer, not ours
                    outbox.give_back(name, [left.id for left in leased[place:]])
                    return Delivery(name, done, problem)
                outbox.settle(name, [row.id])
                done += 1
        return Delivery(name, done, None)

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
