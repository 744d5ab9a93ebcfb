"""Which goods of ours a sold line means: by SKU, by the channel's own product names, by chosen options. Never by guessing.

A line that nothing fits, or that two rows fit equally well with different goods, stays unmatched: it is kept and shown, and it blocks
nothing. `Matching.dry_run` says beforehand what would happen.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import attrs

from krafte_core.errors import InvalidInput, NotPositive
from krafte_core.incoming import Goods, MessageLine, OrderMessage, Pairs
from krafte_core.items import code
from krafte_core.quantities import split


def _goods(given: Any) -> tuple[Goods, ...]:
    """Goods from an item's code, a mapping of codes and amounts, or themselves."""
    if isinstance(given, str):
        return (Goods(given),)
    if isinstance(given, Goods):
        return (given,)
    rows = [Goods(item, amount) for item, amount in given.items()] if isinstance(given, Mapping) else list(given or ())
    if not all(isinstance(row, Goods) for row in rows):
        raise InvalidInput("goods", given, "an item's code, a mapping of codes and amounts, or Goods")
    return tuple(rows)


@attrs.frozen
class Match:
    """Lines with this SKU, this product name and these options (those that are given) mean these goods.

    >>> Match({"soap-lavender": "1 each", "soap-rose": "1 each"}, key=("listing_id", "15")).goods[1].item
    'soap-rose'
    """

    goods: tuple[Goods, ...] = attrs.field(converter=_goods)
    sku: str | None = attrs.field(default=None, kw_only=True)
    key: tuple[str, str] | None = attrs.field(default=None, kw_only=True)
    options: Pairs = attrs.field(default=(), kw_only=True)

    @property
    def weight(self) -> int:
        """How much it asks for: what asks for more goes first."""
        return (self.sku is not None) + (self.key is not None) + len(self.options)

    def fits(self, line: MessageLine) -> bool:
        """Whether the line has all that is asked for."""
        return (
            (self.sku is None or line.sku == self.sku)
            and (self.key is None or self.key in line.keys)
            and all(option in line.options for option in self.options)
        )


@attrs.frozen
class Finding:
    """What a dry run says of one kind of line: how often it came, and what it would become (`""`: nothing fits, or several do)."""

    sku: str
    title: str
    keys: Pairs
    options: Pairs
    lines: int
    goods: tuple[Goods, ...]


class Matching:
    """All rows of a host's mapping.

    Args:
        skus: goods by SKU.
        matches: rows that ask for more or for something else.

    >>> matching = Matching({"SOAP-6": {"soap-bar": "6 each"}})
    >>> [goods.amount for goods in matching.goods(MessageLine(line_id="1", quantity=1, sku="SOAP-6"))]
    ['6 each']
    """

    def __init__(self, skus: Mapping[str, Any] | None = None, matches: Iterable[Match] = ()) -> None:
        """Indexed by SKU and by product name."""
        rows = [Match(goods, sku=sku) for sku, goods in (skus or {}).items()] + list(matches)
        for row in rows:
            if not isinstance(row, Match) or not row.weight or not row.goods or len({one.item for one in row.goods}) < len(row.goods):
                raise InvalidInput("matches", row, "a Match that asks for something and has goods, each item once")
            for one in row.goods:
                code(one.item, "item")
                if split(one.amount, "amount")[0] <= 0:
                    raise NotPositive("amount", one.amount, "more than nothing of an item for one sold unit")
        self._by: dict[Any, list[Match]] = {}
        for row in rows:
            self._by.setdefault(row.sku if row.sku is not None else row.key, []).append(row)

    def goods(self, line: MessageLine) -> tuple[Goods, ...]:
        """The goods of a line; nothing where no row fits, or several fit equally well and disagree."""
        by = self._by
        found = [row for row in by.get(line.sku, ()) if row.fits(line)] if line.sku is not None else []
        for key in (*line.keys, None):
            found += [row for row in by.get(key, ()) if row.fits(line)]
        if not found:
            return ()
        most = max(row.weight for row in found)
        best = {row.goods for row in found if row.weight == most}
        return best.pop() if len(best) == 1 else ()

    def applied(self, message: OrderMessage) -> OrderMessage:
        """The message with goods on its lines, as the mapping is today."""
        lines = message.lines
        if not lines:
            return message
        new = tuple(line if (goods := self.goods(line)) == line.goods else attrs.evolve(line, goods=goods) for line in lines)
        return message if all(map(_is, new, lines)) else attrs.evolve(message, lines=new)

    def dry_run(self, messages: Iterable[OrderMessage]) -> tuple[Finding, ...]:
        """What would become of the lines of these messages, each kind once, the unmatched first."""
        counts: dict[tuple[Any, ...], int] = {}
        for message in messages:
            for line in message.lines:
                if line.demanding:
                    kind = (line.sku or "", line.title, line.keys, line.options, self.goods(line))
                    counts[kind] = counts.get(kind, 0) + 1
        rows = [Finding(sku, title, keys, options, count, goods) for (sku, title, keys, options, goods), count in counts.items()]
        return tuple(sorted(rows, key=lambda row: (bool(row.goods), row.sku, row.title)))


def _is(one: object, other: object) -> bool:
    return one is other
