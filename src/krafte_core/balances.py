"""Balances: whether everything of a lot is accounted for, and what a run lost.

Law 1: for each lot, received + made + found + returned by customers is on hand + used + shipped + returned to suppliers +
scrapped + sampled + count loss.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from fractions import Fraction
from typing import Any

import attrs

from krafte_core.items import Item
from krafte_core.ledger import Entry, Key, flows
from krafte_core.quantities import Quantity, decimal_of, quantity
from krafte_core.stock import LINE, PRODUCTION, Posting, inside
from krafte_core.trace import known, net

INS = ("received", "made", "found", "returned")
OUTS = ("on_hand", "used", "shipped", "supplier_returned", "scrapped", "sampled", "count_loss")


@attrs.frozen
class Balance:
    """Law 1 for one lot: `received + made + found + returned` is everything else, to the step; amounts in the item's unit.

    `in_process` is the part of `on_hand` on the lines. `count_loss` is below zero where counting found more. What the ledger
    cannot explain is `unaccounted`, shown and never spread.
    """

    item: str
    lot: str
    received: Quantity
    made: Quantity
    found: Quantity
    returned: Quantity
    on_hand: Quantity
    in_process: Quantity
    used: Quantity
    shipped: Quantity
    supplier_returned: Quantity
    scrapped: Quantity
    sampled: Quantity
    count_loss: Quantity
    unaccounted: Quantity

    def __str__(self) -> str:
        """One sentence: what came in = where it is; zeros are left out."""
        names = [field.name for field in attrs.fields(Balance)][2:]
        texts = {name: f"{name.replace('_', ' ')} {amount}" for name in names if not (amount := getattr(self, name)).is_zero}
        ins = [texts[name] for name in INS if name in texts]
        outs = [texts[name] for name in OUTS if name in texts]
        return f"{' + '.join(ins) or 'nothing'} = {' + '.join(outs) or 'nothing'}; unaccounted {self.unaccounted}"


def totals(entries: Iterable[Entry]) -> dict[str, int]:
    """The moves of one lot summed under each name of `Balance` but `unaccounted`; net of reversals and of what runs gave back.

    >>> totals(())["used"]
    0
    """
    sums = dict.fromkeys((*INS, *OUTS, "in_process"), 0)
    runs: dict[str, int] = {}
    for posting, move in entries:
        for name, sign in flows(posting, move):
            sums[name] += sign * move.steps
        for place, steps in ((move.source, -move.steps), (move.target, move.steps)):
            if place == PRODUCTION:
                runs[posting.paper] = runs.get(posting.paper, 0) + steps
            elif inside(place):
                sums["on_hand"] += steps
                sums["in_process"] += steps if place.startswith(LINE) else 0
    sums["used"] = sum(steps for steps in runs.values() if steps > 0)
    sums["made"] = -sum(steps for steps in runs.values() if steps < 0)
    return sums


def balance(item: Item, key: Key, postings: Iterable[Posting], *, on_hand: int | None = None) -> Balance:
    """Where everything of a lot is (law 1).

    Args:
        item: the lot's item.
        key: item and code of the lot.
        postings: all that move it; other lots in them do not count.
        on_hand: steps that another book (a stored balance, a look at the shelf) claims; default what the ledger adds up to. A
            difference is `unaccounted`.

    >>> from datetime import datetime
    >>> from krafte_core.stock import Move
    >>> day = datetime(2026, 1, 1)
    >>> came = Posting("receipt", "", day, day, (Move("oil", "O-1", 5_000_000, "supplier", "stock"),))
    >>> print(balance(Item("oil", unit="kg"), ("oil", "O-1"), [came]))
    received 5 kg = on hand 5 kg; unaccounted 0 kg
    >>> print(balance(Item("oil", unit="kg"), ("oil", "O-1"), [came], on_hand=4_000_000).unaccounted)
    1 kg
    """
    return balance_of(item, key, [Entry(posting, move) for posting in postings for move in posting.moves if move[:2] == key], on_hand)


def balance_of(item: Item, key: Key, entries: Iterable[Entry], on_hand: int | None = None) -> Balance:
    """The same from the lot's own moves.

    >>> balance_of(Item("oil", unit="kg"), ("oil", "O-1"), ()).unaccounted
    Quantity('0 kg')
    """
    sums = totals(entries)
    if on_hand is not None:
        sums["on_hand"] = on_hand
    sums["unaccounted"] = sum(sums[name] for name in INS) - sum(sums[name] for name in OUTS)
    amounts: dict[str, Any] = {name: item.quantity(steps) for name, steps in sums.items()}
    return Balance(*key, **amounts)


@attrs.frozen
class PeriodBalance:
    """Law 1 for all lots of an item (of one owner, where asked for) in a time: what was there, what came, what went, what is there.

    `opening + received + made + found + returned` is `used + shipped + supplier_returned + scrapped + sampled + count_loss + closing`,
    to the step. `since` is the first instant that counts, `until` the first that does not; `unaccounted` is what the shelf lacks.
    """

    item: str
    owner: str | None
    since: datetime | None
    until: datetime | None
    opening: Quantity
    received: Quantity
    made: Quantity
    found: Quantity
    returned: Quantity
    used: Quantity
    shipped: Quantity
    supplier_returned: Quantity
    scrapped: Quantity
    sampled: Quantity
    count_loss: Quantity
    closing: Quantity
    unaccounted: Quantity

    def __str__(self) -> str:
        """One sentence: what there was and what came = what went and what there is; zeros are left out."""
        names = ("opening", *INS, *(name for name in OUTS if name != "on_hand"), "closing")
        texts = {name: f"{name.replace('_', ' ')} {amount}" for name in names if not (amount := getattr(self, name)).is_zero}
        ins = [texts.pop(name) for name in ("opening", *INS) if name in texts]
        return f"{' + '.join(ins) or 'nothing'} = {' + '.join(texts.values()) or 'nothing'}; unaccounted {self.unaccounted}"


def period_balance(
    item: Item,
    moves: Iterable[Iterable[Entry]],
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    owner: str | None = None,
    on_hand: int | None = None,
) -> PeriodBalance:
    """What was there of an item, what came, what went and what is there.

    Args:
        item: the item.
        moves: of each of its lots that count all moves; gone through once, lot by lot.
        since, until: from the first instant to before the second; default from the beginning, and to the end.
        owner: whose lots these are; told in the answer.
        on_hand: steps that the shelf holds now, where the time lasts until now; a difference is unaccounted.

    >>> print(period_balance(Item("oil", unit="kg"), ()))
    nothing = nothing; unaccounted 0 kg
    """
    sums = dict.fromkeys((*INS, *OUTS, "opening"), 0)
    for entries in moves:
        rows = [entry for entry in entries if until is None or entry.posting.happened_at < until]
        before = [entry for entry in rows if since is not None and entry.posting.happened_at < since]
        now, then = totals(rows), totals(before)
        for name in (*INS, *OUTS):
            sums[name] += now[name] - (then[name] if name != "on_hand" else 0)
        sums["opening"] += then["on_hand"]
    booked = sums.pop("on_hand")
    closing = booked if on_hand is None else on_hand
    sums["unaccounted"] = (
        sums["opening"] + sum(sums[name] for name in INS) - sum(sums[name] for name in OUTS if name != "on_hand") - closing
    )
    amounts: dict[str, Any] = {name: item.quantity(steps) for name, steps in {**sums, "closing": closing}.items()}
    return PeriodBalance(item.code, owner, since, until, **amounts)


@attrs.frozen
class MassBalance:
    """The mass of a run in kilograms, rounded half-even to the milligram: what went in is what came out and the loss.

    A gain (water that nobody booked) is a negative loss. `unmeasured` are the items of the run that declare no mass: they are in
    neither sum, so with any of them the loss is not the whole.
    """

    run: str
    mass_in: Quantity
    mass_out: Quantity
    loss: Quantity
    unmeasured: tuple[str, ...]


def mass_balance(run: str, postings: Iterable[Posting], items: Mapping[str, Item]) -> MassBalance:
    """What went into a run, what came out of it, and what was lost in the process; scrapped output came out first.

    Args:
        run: its number.
        postings: all that have it as their paper; others do not count.
        items: at least those that the run used and made.

    Raises:
        Unknown: (`unknown`) an item that `items` lacks.

    >>> mass_balance("B-1", (), {}).loss
    Quantity('0 kg')
    """
    sums = {True: Fraction(0), False: Fraction(0)}
    unmeasured = set()
    for (item, _), steps in net(postings, run).items():
        mass = known("item", item, items).mass(abs(steps))
        if mass is None:
            unmeasured.add(item)
        else:
            sums[steps > 0] += mass
    ins, outs, loss = (quantity(decimal_of(round(kg, 6)), "kg") for kg in (sums[True], sums[False], sums[True] - sums[False]))
    return MassBalance(run, ins, outs, loss, tuple(sorted(unmeasured)))
