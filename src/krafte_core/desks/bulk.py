"""Many commands as one: the same commands in the same words, decided one after the other, stored in one transaction or not at all."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

import attrs

from krafte_core.desks.orders import OrderDesk
from krafte_core.desks.production import ProductionDesk
from krafte_core.desks.purchasing import PurchasingDesk
from krafte_core.desks.shipping import ShippingDesk
from krafte_core.desks.stock import StockDesk
from krafte_core.errors import Conflict, EntryRefused, InvalidInput, KrafteError
from krafte_core.fork import ForkStore
from krafte_core.office import Office, combined
from krafte_core.remembered import Remembered
from krafte_core.store import Changes
from krafte_core.work import Work, number_of

Answer = TypeVar("Answer")
TAKES: Mapping[str, str] = {"receive": "L", "place": "CO", "ship": "SH"}
"""The series of which every entry takes one number."""
ABOUT_PAPERS, ABOUT = ("confirm", "start", "complete", "ship"), ("order", "orders", "production")
"""The commands that name papers, and how their arguments are called."""


class Desks:
    """The desks of a workshop, as the commands of a bulk see them: what an earlier one did is there for the later ones."""

    def __init__(self, office: Office) -> None:
        """At this office."""
        self.orders = OrderDesk(office)
        self.production = ProductionDesk(office)
        self.stock = StockDesk(office)
        self.purchasing = PurchasingDesk(office)
        self.shipping = ShippingDesk(office)


class BulkDesk:
    """`shop.bulk`.

    An entry is a mapping of the single command's arguments, or its first argument alone; what is given by name besides holds for all.

    >>> from krafte_core import Item, OrderLine, Workshop
    >>> shop = Workshop.in_memory()
    >>> shop.register(Item("soap", unit="each"))
    >>> lots = shop.bulk.receive([{"item": "soap", "amount": "5 each", "lot": f"S-{n}"} for n in (1, 2)])
    >>> orders = shop.bulk.place([{"customer": name, "lines": [OrderLine("soap", "4 each")]} for name in ("Anna", "Ben")])
    >>> confirmed = shop.bulk.confirm(orders, when_short="refuse")
    >>> [shipment.customer for shipment in shop.bulk.ship(orders)]
    ['Anna', 'Ben']
    """

    def __init__(self, office: Office) -> None:
        """At this office."""
        self._office = office

    def receive(self, entries: Sequence[Any], *, key: str | None = None, by: str | None = None, **same: Any) -> tuple[Any, ...]:
        """Deliveries become lots: `shop.stock.receive` for each.

        Raises:
            EntryRefused: (`entry_refused`) what the single command raises, with the entry; nothing was stored.
        """
        return self._each("receive", lambda desks: desks.stock.receive, entries, same, key, by)

    def place(self, entries: Sequence[Any], *, key: str | None = None, by: str | None = None, **same: Any) -> tuple[Any, ...]:
        """Write down what customers want: `shop.orders.place` for each.

        Raises:
            EntryRefused: (`entry_refused`) what the single command raises, with the entry; nothing was stored.
        """
        return self._each("place", lambda desks: desks.orders.place, entries, same, key, by)

    def confirm(self, entries: Sequence[Any], *, key: str | None = None, by: str | None = None, **same: Any) -> tuple[Any, ...]:
        """Cover orders, the first ones first: `shop.orders.confirm` for each.

        Raises:
            EntryRefused: (`entry_refused`) what the single command raises, with the entry; nothing was stored.
        """
        return self._each("confirm", lambda desks: desks.orders.confirm, entries, same, key, by)

    def start(self, entries: Sequence[Any], *, key: str | None = None, by: str | None = None, **same: Any) -> tuple[Any, ...]:
        """Put the lots of runs on their lines: `shop.production.start` for each.

        Raises:
            EntryRefused: (`entry_refused`) what the single command raises, with the entry; nothing was stored.
        """
        return self._each("start", lambda desks: desks.production.start, entries, same, key, by)

    def complete(self, entries: Sequence[Any], *, key: str | None = None, by: str | None = None, **same: Any) -> tuple[Any, ...]:
        """End runs: `shop.production.complete` for each.

        Raises:
            EntryRefused: (`entry_refused`) what the single command raises, with the entry; nothing was stored.
        """
        return self._each("complete", lambda desks: desks.production.complete, entries, same, key, by)

    def ship(self, entries: Sequence[Any], *, key: str | None = None, by: str | None = None, **same: Any) -> tuple[Any, ...]:
        """Send orders, each in a shipment of its own: `shop.shipping.ship` for each.

        Raises:
            EntryRefused: (`entry_refused`) what the single command raises, with the entry; nothing was stored.
        """
        return self._each("ship", lambda desks: desks.shipping.ship, entries, same, key, by)

    def run(
        self,
        commands: Sequence[Callable[[Desks], Answer]],
        *,
        key: str | None = None,
        content: Sequence[Any] = (),
        by: str | None = None,
    ) -> tuple[Answer, ...]:
        """Any commands as one: each is called with the desks, and may be called again if another writer was faster.

        Args:
            commands: functions of the desks; each may use what the earlier ones answered and did.
            key: the host's idempotency key of the whole; with it, `content` says what was asked for, in plain values.

        Raises:
            EntryRefused: (`entry_refused`) what a command raises, with its place; nothing was stored.

        >>> from krafte_core import Item, Workshop
        >>> shop = Workshop.in_memory()
        >>> shop.register(Item("lye", unit="kg"))
        >>> both = [lambda to: to.stock.receive("lye", "5 kg", lot="N"), lambda to: to.stock.hold("lye", lot="N", reason="look")]
        >>> lot, decided = shop.bulk.run(both)
        >>> str(shop.stock.level("lye").blocked)
        '5 kg'
        """
        if key is not None and not content:
            raise InvalidInput("content", content, "what the key's commands were asked to do")
        return self._run([("command", command) for command in commands], key, ("bulk", *content), by, _Expected())

    def _each(
        self,
        name: str,
        of: Callable[[Desks], Callable[..., Any]],
        entries: Sequence[Any],
        same: Mapping[str, Any],
        key: str | None,
        by: str | None,
    ) -> tuple[Any, ...]:
        given = [_arguments(entry, same) for entry in entries]
        told = tuple((first, tuple(sorted(named.items(), key=lambda row: row[0]))) for first, named in given)
        commands = [(name, _command(name, of, first, named)) for first, named in given]
        return self._run(commands, key, ("bulk", name, told), by, _expected(name, given))

    def _run(
        self, commands: Sequence[Any], key: str | None, content: Sequence[Any], by: str | None, expected: _Expected
    ) -> tuple[Any, ...]:
        def decide(work: Work) -> tuple[Any, ...]:
            store = _Sheet(work, expected.counters)
            store.expect(expected.papers)
            desks = Desks(_office(self._office, store, work))
            answers = tuple([_entry(place, name, command, desks) for place, (name, command) in enumerate(commands, 1)])
            work.changes = combined(store.committed)
            return answers

        return self._office.run(decide, key=key, content=content, by=by)


@attrs.frozen
class _Expected:
    """What the entries say beforehand: the papers that they are about, and how many numbers of a series they will take."""

    papers: tuple[str, ...] = ()
    counters: Mapping[str, int] = attrs.field(factory=dict)


@attrs.frozen
class _Stopped:
    """A clock that stands at the instant of the whole."""

    at: datetime

    def now(self) -> datetime:
        return self.at


class _Sheet(ForkStore):
    """What the commands have changed so far, over the moment of the whole; numbers are real ones."""

    tries = 1

    def __init__(self, work: Work, expected: Mapping[str, int]) -> None:
        self.reader: Any = Remembered(work.reader)
        self._counter = work.counter
        self._expected = {**expected}
        super().__init__(self)

    def expect(self, numbers: Sequence[str]) -> None:
        """Papers that the commands are about."""
        self.reader.expect(numbers)

    def take_numbers(self, series: str, count: int) -> int:
        """Of a series that every entry takes one of, the first takes all."""
        return self._counter(series, self._expected.pop(series.partition("-")[0], 1))

    def commit(self, changes: Changes) -> None:
        if changes.key is not None:
            raise InvalidInput("key", changes.key, "a key of the whole, not of a part")
        self.reader.expect_changes(changes)
        super().commit(changes)


def _office(office: Office, store: _Sheet, work: Work) -> Office:
    sheet = Office(store, _Stopped(work.at), office.zone, work.by, draft=office.draft)
    sheet.begin_with(work.catalogue)
    sheet.back_limit = office.back_limit
    return sheet


def _arguments(entry: Any, same: Mapping[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The first argument, if it is given alone, and the others by name."""
    if isinstance(entry, Mapping):
        return (), {**same, **{name: _number(value) for name, value in entry.items()}}
    return (_number(entry),), {**same}


def _expected(name: str, given: Sequence[tuple[tuple[Any, ...], dict[str, Any]]]) -> _Expected:
    named = [value for first, rest in given for value in (*first, *(rest[field] for field in ABOUT if field in rest))]
    papers = [one for value in named for one in (value if isinstance(value, tuple) else (value,)) if isinstance(one, str)]
    taken = sum(name != "receive" or rest.get("lot") is None for _, rest in given)
    return _Expected(tuple(papers) if name in ABOUT_PAPERS else (), {TAKES[name]: taken} if name in TAKES else {})


def _number(value: Any) -> Any:
    """A paper means its number."""
    if isinstance(value, list | tuple):
        return tuple(map(_number, value))
    return number_of(value) if hasattr(value, "number") else value


def _command(
    name: str, of: Callable[[Desks], Callable[..., Any]], first: tuple[Any, ...], named: dict[str, Any]
) -> Callable[[Desks], Any]:
    def command(desks: Desks) -> Any:
        single = of(desks)
        try:
            inspect.signature(single).bind(*first, **named)
        except TypeError as problem:
            raise InvalidInput("entry", (*first, *named), f"the arguments of {name} ({problem})") from problem
        return single(*first, **named)

    return command


def _entry(place: int, name: str, command: Callable[[Desks], Any], desks: Desks) -> Any:
    try:
        return command(desks)
    except Conflict:
        raise
    except KrafteError as problem:
        raise EntryRefused(place, name, problem) from problem
