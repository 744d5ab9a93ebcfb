"""What a command changes, row by row, as a value: papers, stock, promises, time of work centers, lots, decisions, events."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import attrs

from krafte_core.allocation import LOT
from krafte_core.catalogue import Catalogue
from krafte_core.coverage import Booking
from krafte_core.store import KINDS, Changes, Reader
from krafte_core.tables import aligned
from krafte_core.times import moment
from krafte_core.undoing import hints
from krafte_core.work import STEPS


@attrs.frozen
class Difference:
    """One thing that a command changes.

    Args:
        kind: `order`, `quote`, `production`, `purchase`, `shipment`, `catalogue`, `lot`, `stock`, `promise`, `time` or `step`.
        name: which paper, lot and place, need and supply.
        field: which part of it.
        before, after: the values; None where there is none. Amounts are quantities.
    """

    kind: str
    name: str
    field: str
    before: Any
    after: Any


def table(rows: tuple[Difference, ...]) -> str:
    """The differences as lines of a text table.

    >>> print(table((Difference("stock", "lye NA-1 in stock", "on hand", None, "5 kg"),)))
    what                       field  before  after
    stock lye NA-1 in stock  on hand           5 kg
    """
    cells = [(f"{row.kind} {row.name}", row.field, _told(row.before), _told(row.after)) for row in rows]
    return "\n".join(aligned(("what", "field", "before", "after"), cells))


def _told(value: Any) -> str:
    text = "" if value is None else str(value)
    return text if len(text) <= 60 else text[:57] + "..."


def differences(before: Reader, changes: Changes, catalogue: Catalogue) -> tuple[Difference, ...]:
    """What the changes change, compared with what a reader showed before."""
    return (
        *_papers(before, changes),
        *_catalogue(before, changes),
        *_lots(before, changes),
        *_stock(before, changes, catalogue),
        *_promises(before, changes, catalogue),
        *_time(before, changes),
        *(Difference("step", entry.document, entry.step, None, entry.reason or None) for entry in changes.diary),
    )


def undo(changes: Changes, kinds: Mapping[str, str]) -> tuple[str, ...]:
    """The commands that would take back what the changes did; `kinds` are those of the papers that existed before."""
    known = {**kinds, **{number: KINDS[type(paper)] for number, paper in changes.papers.items()}}
    steps = [(known.get(entry.document, "lot"), entry.step) for entry in changes.diary]
    steps += [("ledger", row.kind) for row in changes.postings if not row.paper or row.paper not in known]
    return hints(steps)


def kinds_of(before: Reader, changes: Changes) -> dict[str, str]:
    """The kinds of the papers in the diary that were there before."""
    filed = before.papers(dict.fromkeys(entry.document for entry in changes.diary))
    return {number: KINDS[type(row.paper)] for number, row in filed.items() if type(row.paper) in STEPS}


def _fields(kind: str, name: str, old: Any, new: Any) -> Iterator[Difference]:
    for field in attrs.fields(type(new)):
        if field.init and field.name not in ("version", "revision"):
            was, now = (None if one is None else getattr(one, field.name) for one in (old, new))
            if was != now and not (old is None and now in (None, "", (), 0)):
                yield Difference(kind, name, field.name, was, now)


def _papers(before: Reader, changes: Changes) -> Iterator[Difference]:
    known = before.papers(changes.papers)
    for number, paper in changes.papers.items():
        yield from _fields(KINDS[type(paper)], number, known[number].paper if number in known else None, paper)


def _catalogue(before: Reader, changes: Changes) -> Iterator[Difference]:
    known = {(KINDS[type(value)], value.code): value for value in before.catalogue()} if changes.catalogue else {}
    for (kind, code), value in changes.catalogue.items():
        yield Difference("catalogue", f"{kind} {code}", "", known.get((kind, code)), value)


def _lots(before: Reader, changes: Changes) -> Iterator[Difference]:
    known = before.lots(changes.lots)
    for key, lot in changes.lots.items():
        yield from _fields("lot", f"{lot.item} {lot.code}", known.get(key), lot)


def _stock(before: Reader, changes: Changes, catalogue: Catalogue) -> Iterator[Difference]:
    standing = before.standing(dict.fromkeys((item, lot) for item, lot, _ in changes.balances))
    for (item, lot, place), deltas in changes.balances.items():
        row = next((one for one in standing[item, lot] if one.place == place), None)
        quantity = catalogue.item(item).quantity
        for field, was, change in zip(("on hand", "allocated"), (row.on_hand, row.allocated) if row else (0, 0), deltas, strict=True):
            if change:
                yield Difference("stock", f"{item} {lot} in {place}", field, quantity(was), quantity(was + change))


def _promises(before: Reader, changes: Changes, catalogue: Catalogue) -> Iterator[Difference]:
    known = {link[:6]: link for links in before.links({key[0]: None for key in changes.allocations}).values() for link in links}
    for key, link in changes.allocations.items():
        old = known.get(key)
        demand, line, source, item, ref, place = key
        where = f"{ref} in {place}" if source == LOT else ref
        was, now = (None if one is None else catalogue.item(item).quantity(one.takes) for one in (old, link))
        if was != now:
            yield Difference("promise", f"{demand}/{line} from {item} {where}", "amount", was, now)
        if old is not None and link is not None and old.firmness != link.firmness:
            yield Difference("promise", f"{demand}/{line} from {item} {where}", "firmness", old.firmness, link.firmness)


def _time(before: Reader, changes: Changes) -> Iterator[Difference]:
    booked = before.booked_for({paper: None for paper, _ in changes.bookings})
    known = {(row.paper, row.operation): row for rows in booked.values() for row in rows}
    for key, booking in changes.bookings.items():
        old = known.get(key)
        either = booking or old
        if either is not None and old != booking:
            yield Difference("time", f"{either.work_center} for {key[0]} {key[1]}", "booked", _span(old), _span(booking))


def _span(booking: Booking | None) -> str | None:
    return None if booking is None else f"{moment(booking.start).isoformat()} to {moment(booking.end).isoformat()}"
