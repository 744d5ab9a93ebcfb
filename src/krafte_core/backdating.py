"""Entries in business time: what happened earlier is checked against everything since, and counts stay what they were.

An entry may be dated back. Then no lot that it moves may have been negative at any place since (law 2). A count is an absolute mark:
an entry dated before it changes what the count found missing, so its difference is derived again, and what is there today stays as
it was counted.

Nothing may be dated into a closed period, or further back than the host allows. Closing writes down what stood where at its end, so
a lot's level is summed up from there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from krafte_core.diary import Entry, lot_document
from krafte_core.errors import InvalidInput, TooFarBack, TooMuch
from krafte_core.history import RECOUNT, Since, least, levels
from krafte_core.lot_histories import BOOKS, closing_balances, closings
from krafte_core.stock import COUNT, Move, inside, line_of
from krafte_core.store import BalanceKey
from krafte_core.times import instant
from krafte_core.work import Work


def business_time(given: datetime | str | None, zone: str) -> datetime | None:
    """When it happened; None for now.

    Raises:
        NaiveDatetime: (`naive_datetime`) a datetime without a zone. InvalidInput: (`invalid_input`) no instant.

    >>> business_time("2026-05-04 08:00", "Europe/Berlin").isoformat()
    '2026-05-04T06:00:00+00:00'
    """
    return None if given is None else instant(given, zone)


def enter(
    work: Work, kind: str, paper: str, moves: Iterable[Move], *, at: datetime | None = None, reason: str = ""
) -> Mapping[BalanceKey, int]:
    """Post moves as of an instant.

    Returns:
        By how many steps what is there today differs from before, per lot and place of the house.

    Raises:
        InvalidInput: (`invalid_input`) an instant that is still to come, or before the lot was there.
        TooFarBack: (`too_far_back`) in a closed period, or beyond the host's limit.
        TooMuch: (`too_much`) more than was there then or at any time since.
    """
    rows = [*moves]
    date_back(work, at)
    work.post(kind, paper, rows, reason=reason)
    return _today(work, differences(rows))


def date_back(work: Work, at: datetime | None) -> None:
    """What the command posts from here on happened then; None: now.

    Raises:
        InvalidInput: (`invalid_input`) an instant that is still to come. TooFarBack: (`too_far_back`) see `allowed`.
    """
    if at is not None:
        if at > work.at:
            raise InvalidInput("happened_at", str(at), f"now ({work.at}) or earlier")
        allowed(work, at)
        work.happened = at


def date_step(work: Work, run: str, at: datetime | None, entries: Iterable[Entry] = ()) -> tuple[tuple[str, str], ...]:
    """Date what a run's command says; the details that its step gets in the diary.

    Args:
        entries: the steps of the run that it cannot have come before.

    Raises:
        InvalidInput: (`invalid_input`) an instant that is still to come, or before one of those steps.
    """
    if at is None:
        return ()
    date_back(work, at)
    last = max(entries, key=lambda entry: entry.happened, default=None)
    if last is not None and at < last.happened:
        raise InvalidInput("happened_at", str(at), f"not before {last.happened}, the {last.step} of {run}")
    return happened(at)


def happened(at: datetime | None) -> tuple[tuple[str, str], ...]:
    """The details of a step in the diary that say when it happened; none for now."""
    return () if at is None else (("happened_at", at.isoformat()),)


def emptied(work: Work, run: str, at: datetime | None) -> None:
    """Refuse that a run ended before something that still lies on its line was counted there.

    Raises:
        InvalidInput: (`invalid_input`) with when it was counted.
    """
    if at is None:
        return
    for row in work.reader.at_place(line_of(run)):
        item, lot = row.lot.item, row.lot.code
        counted = next_mark(work, (item, lot, row.place), at)
        if counted is not None:
            raise InvalidInput("happened_at", str(at), f"not before {counted}, when {item} {lot} was counted for {run}")


def fit_in(work: Work) -> Mapping[BalanceKey, int]:
    """Check all that the command has posted against the time since it happened, as `enter` does with a single entry.

    Returns:
        By how many steps what is there today differs from before, per lot and place of the house.

    Raises:
        InvalidInput: (`invalid_input`) before a lot was there. TooMuch: (`too_much`) more than was there then or at any time since.
    """
    posted = (posting for part in work.everything() for posting in part.postings)
    return _today(work, differences(move for posting in posted for move in posting.moves))


def _today(work: Work, changed: Mapping[BalanceKey, int]) -> Mapping[BalanceKey, int]:
    if work.happened == work.at:
        return changed
    return {key: _fitted(work, key, steps, work.happened) for key, steps in changed.items()}


def differences(moves: Iterable[Move]) -> dict[BalanceKey, int]:
    """By how many steps the moves change what stands where in the house; what only passes through is left out.

    >>> differences([Move("lye", "N", 5, "supplier", "stock"), Move("lye", "N", 2, "stock", "scrap")])
    {('lye', 'N', 'stock'): 3}
    """
    sums: dict[BalanceKey, int] = {}
    for item, lot, steps, source, target, _ in moves:
        for place, change in ((source, -steps), (target, steps)):
            if inside(place):
                sums[item, lot, place] = sums.get((item, lot, place), 0) + change
    return {key: steps for key, steps in sums.items() if steps}


def closed_until(work: Work) -> datetime | None:
    """The instant before which nothing may happen any more; None where no period was closed."""
    found = closings(work.reader.diary((BOOKS,))[BOOKS])
    return found[-1].until if found else None


def allowed(work: Work, at: datetime) -> None:
    """Refuse what is dated too far back; two that meet a closing under way are decided again.

    Raises:
        TooFarBack: (`too_far_back`) with the limit.
    """
    if at >= work.at:
        return
    closed = closed_until(work)
    if closed is not None and at < closed:
        raise TooFarBack("happened_at", str(at), f"not before {closed}: until then the books are closed")
    if work.back_limit is not None and at < work.at - work.back_limit:
        raise TooFarBack("happened_at", str(at), f"not before {work.at - work.back_limit}: the limit is {work.back_limit}")
    work.touch(BOOKS)


def timeline(work: Work, key: BalanceKey) -> list[Since]:
    """What stood of a lot at a place, over time, with what this command has posted; from the last closing on, where there is one."""
    closed, lot = closed_until(work), key[:2]
    if closed is None:
        return [*levels([*work.reader.postings(lots=[lot]), *work.changes.postings], *key)]
    document = lot_document(*lot)
    opening = closing_balances(work.reader.diary((document,))[document], closed).get(key[2], 0)
    later = [*work.reader.postings(lots=[lot], since=closed), *work.changes.postings]
    return [Since(closed, opening), *levels(later, *key, opening)]


def could_take(work: Work, key: BalanceKey, at: datetime) -> int:
    """How much could have been taken of a lot at a place then, so that it was never negative since."""
    return max(0, least(timeline(work, key), at, next_mark(work, key, at)).steps)


def mark(work: Work, key: BalanceKey, at: datetime, counted: str) -> None:
    """Write down that the lot was counted at this place, also where nothing was missing."""
    allowed(work, at)
    item, lot, place = key
    work.note(lot_document(item, lot), "count", details=(("place", place), ("counted", counted), ("at", at.isoformat())))


def next_mark(work: Work, key: BalanceKey, at: datetime) -> datetime | None:
    """When the lot was next counted at this place after an instant, if it was."""
    document = lot_document(*key[:2])
    notes = [dict(entry.details) for entry in work.reader.diary((document,))[document] if entry.step == "count"]
    times = (datetime.fromisoformat(note["at"]) for note in notes if note["place"] == key[2])
    return min((one for one in times if one > at), default=None)


def _fitted(work: Work, key: BalanceKey, change: int, at: datetime) -> int:
    """Check the time since, derive the next count again, and return what is left of the change today."""
    item, lot, place = key
    counted = next_mark(work, key, at)
    born = work.lot(item, lot).received_at
    if change > 0 and at < born:
        raise InvalidInput("happened_at", str(at), f"not before {born}, when lot {lot} of {item} came")
    if change < 0:
        fewest = least(timeline(work, key), at, counted)
        if fewest.steps < 0:
            quantity = work.item(item).quantity
            what = f"lot {lot} of {item} in {place} at {fewest.at.isoformat()}"
            raise TooMuch(what, quantity(-change), quantity(fewest.steps - change), "date it later, or count the lot first")
    if counted is None:
        return change
    source, target = (place, COUNT) if change > 0 else (COUNT, place)
    work.post(
        RECOUNT, "", [Move(item, lot, abs(change), source, target)], happened_at=counted, reason="an entry dated before the count"
    )
    return 0
