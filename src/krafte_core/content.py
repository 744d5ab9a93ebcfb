"""Content: how much of a source is in everything that was made of it.

Content is told in the source's own steps: the amount of the source that *went into* a lot. It is worked out by two rules.

- A lot is mixed perfectly: whoever took a tenth of it took a tenth of its content. What a count found more thins it.
- A run hands on all that went into it: nothing of the source leaves with the process loss (water that boils off), unless the loss of
  its product is said to be of everything alike (dough on the bench). Its outputs share by their mass, unless a by-product is said to
  take a part of its own; where
  one of them declares none, by the amounts of one item or of one dimension (litres, metres; pieces of different items are not
  compared); otherwise nobody knows, and the outputs and what became of them are *unmeasured*.

So no mass is needed on the way in, nor for a run with a single lot. Ratios are exact; one whose denominator outgrows `PRECISION`
bits is rounded half-even to that many binary places, because thousands of batches in a row would otherwise cost hours.
Loops (rework within parts of one run) are solved as a system of linear equations. Bounds need no ratios: they are sums and differences
of masses, counted in a part of the source's step in which every item's mass is a whole number.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from math import ceil, lcm
from typing import NamedTuple

import attrs

from krafte_core.balances import OUTS, totals
from krafte_core.errors import InvalidInput
from krafte_core.items import Item, one_of
from krafte_core.ledger import Entry, Key
from krafte_core.trace import Reach, known

PRECISION = 256
_NOTHING = Fraction(0)


Name = Key | str
_Part = tuple[int, int] | None
_Into = Mapping[Name, Sequence[tuple[Name, _Part]]]
_Range = tuple[int, int]


@attrs.frozen
class Mixing:
    """How much of a source is in every lot and run after it, in exact steps of the source's item.

    Attributes:
        of: the source's item; `total` are all steps of the source lots of that item.
        amounts: per lot and run what went into it in all; None where nobody knows.
        ranges: per lot and run the least and the most that is possible without mixing: whole lots hand on what they hold, of a
            part of a lot only that its mass limits its content (where nothing evaporated on the way).
        sizes: all steps that each lot ever had.
    """

    of: str
    total: int
    amounts: Mapping[Name, Fraction | None]
    ranges: Mapping[Name, tuple[Fraction, Fraction]]
    sizes: Mapping[Key, int]


@attrs.frozen
class Assumed:
    """What is known of runs better than by mass.

    Args:
        splits: per by-product the part of a run's content that goes into it, whatever its mass (whey takes little of the fat).
        alike: products whose process loss is of everything alike, the source included; the loss of all others has nothing of it.

    >>> Assumed(splits={"whey": Fraction(1, 10)}).splits["whey"]
    Fraction(1, 10)
    """

    splits: Mapping[str, Fraction] = attrs.field(factory=dict)
    alike: frozenset[str] = frozenset()


class _Web(NamedTuple):
    """What the calculation looks at: sources, sizes of lots, inputs and outputs of runs, shares of outputs, masses.

    Masses count in the `scale`-th part of a step of the source.
    """

    pure: frozenset[Key]
    sizes: dict[Key, int]
    ins: dict[str, dict[Key, int]]
    outs: dict[str, dict[Key, int]]
    into: dict[Name, list[tuple[Name, _Part]]]  # which part of whom, as numerator and denominator
    weights: dict[str, int | None]  # per item: what one of its steps weighs
    losses: dict[str, int | None]  # per run: what went in and not out
    total: int
    scale: int


def mixing(found: Reach, items: Mapping[str, Item], of: str, assumed: Assumed | None = None) -> Mixing:
    """How much of the source lots of the item `of` is in everything that a forward search found.

    Args:
        found: what `reach` returned for `forward`, with its moves.
        items: at least those of `found.items`.
        of: the item of the sources that are meant.
        assumed: what is known of runs better than by mass; default nothing.

    Raises:
        InvalidInput: (`invalid_input`) a search in the other direction; splits of a run's by-products that are more than all.
        Unknown: (`unknown`) an item that `items` lacks.

    >>> from krafte_core.trace import reach
    >>> mixing(reach(lambda lots, runs: (), [("oil", "O-1")], "forward"), {"oil": Item("oil", unit="kg")}, "oil").total
    0
    """
    one_of(found.direction, ("forward",), "direction")
    given = assumed or Assumed()
    for item, part in given.splits.items():
        if not 0 <= part <= 1:
            raise InvalidInput(f"splits[{item!r}]", str(part), "a part between 0 and 1")
    web = _web(found, items, of, given)
    front, core, back = _order([*found.lots, *found.runs], web.into)
    amounts: dict[Name, Fraction | None] = {key: Fraction(web.sizes[key]) for key in web.pure}
    for node in front:
        if node not in web.pure:
            amounts[node] = _inflow(web.into[node], amounts)
    amounts |= _loops(core, web.into, amounts)
    for node in back:
        amounts[node] = _inflow(web.into[node], amounts)
    ranges = _ranges(web, [*front, *core, *back], frozenset(core), amounts)
    told = {name: (Fraction(least, web.scale), Fraction(most, web.scale)) for name, (least, most) in ranges.items()}
    return Mixing(of, web.total // web.scale, amounts, told, web.sizes)


def _web(found: Reach, items: Mapping[str, Item], of: str, assumed: Assumed) -> _Web:
    pure = frozenset(key for key in found.sources if not isinstance(key, str) and key[0] == of)
    sizes = {key: _size(found.moves.get(key, ())) for key in found.lots}
    ins = {run: {key: steps for key, steps in nets.items() if steps > 0} for run, nets in found.nets.items()}
    outs = {run: {key: -steps for key, steps in nets.items() if steps < 0} for run, nets in found.nets.items()}
    into: dict[Name, list[tuple[Name, _Part]]] = {key: [] for key in found.lots}
    for run in found.runs:
        into[run] = [(key, (steps, sizes[key])) for key, steps in ins[run].items() if key in sizes]
        kept = _kept(ins[run], outs[run], items, assumed.alike)
        for key, share in _split(outs[run], items, assumed.splits).items():
            if key not in pure:
                into[key].append((run, None if share is None or kept is None else (share[0] * kept[0], share[1] * kept[1])))

    one = known("item", of, items).mass(1)
    masses = {item: known("item", item, items).mass(1) for item in found.items}
    ratios = {item: mass / one if mass is not None and one is not None else None for item, mass in masses.items()}
    scale = lcm(*(ratio.denominator for ratio in ratios.values() if ratio is not None))
    weights = {item: None if ratio is None else int(ratio * scale) for item, ratio in ratios.items()}
    losses = {run: _loss(weights, ins[run], outs[run]) for run in found.runs}
    return _Web(pure, sizes, ins, outs, into, weights, losses, scale * sum(sizes[key] for key in pure), scale)


def _loss(weights: Mapping[str, int | None], ins: Mapping[Key, int], outs: Mapping[Key, int]) -> int | None:
    """What went into a run and not out of it, or None where an item declares no mass."""
    loss = 0
    for sign, lots in ((1, ins), (-1, outs)):
        for (item, _), steps in lots.items():
            weight = weights[item]
            if weight is None:
                return None
            loss += sign * steps * weight
    return loss


def _size(entries: Iterable[Entry]) -> int:
    """All steps that a lot ever had: where they went and where they are; returns and reversals do not count twice."""
    sums = totals(entries)
    sinks = [sums["shipped"] - sums["returned"], *(sums[name] for name in OUTS if name != "shipped")]
    return sum(steps for steps in sinks if steps > 0)


def _kept(ins: Mapping[Key, int], outs: Mapping[Key, int], items: Mapping[str, Item], alike: frozenset[str]) -> _Part:
    """Which part of a run's content is handed on: all, or, where the loss is of everything alike, by mass; None: nobody knows."""
    if not any(item in alike for item, _ in outs):
        return 1, 1
    before, after = ([known("item", item, items).mass(steps) for (item, _), steps in lots.items()] for lots in (ins, outs))
    into, out = (None if None in masses else sum(mass for mass in masses if mass is not None) for masses in (before, after))
    if not into or out is None:
        return None
    return min(Fraction(1), Fraction(out) / into).as_integer_ratio()


def _split(made: Mapping[Key, int], items: Mapping[str, Item], splits: Mapping[str, Fraction]) -> dict[Key, _Part]:
    """The shares of a run's outputs: by-products with a part of their own first, the rest among the others."""
    own = {key: splits[key[0]] for key in made if key[0] in splits}
    if not own or len(made) == 1:
        return _shares(made, items)
    shares: dict[Key, _Part] = {}
    for item in {item for item, _ in own}:  # several lots of one by-product share its part by their amounts
        amounts = {key: steps for key, steps in made.items() if key[0] == item}
        total = sum(amounts.values())
        shares |= {key: (splits[item] * Fraction(steps, total)).as_integer_ratio() for key, steps in amounts.items()}
    left = 1 - sum({key[0]: part for key, part in own.items()}.values(), Fraction(0))
    others = {key: steps for key, steps in made.items() if key not in own}
    if left < 0 or (left and not others):
        raise InvalidInput(
            "splits", {item: str(splits[item]) for item, _ in own}, "parts that make one whole, or leave a rest for others"
        )
    for key, share in _shares(others, items).items():
        shares[key] = None if share is None else (share[0] * left.numerator, share[1] * left.denominator)
    return shares


def _shares(made: Mapping[Key, int], items: Mapping[str, Item]) -> dict[Key, _Part]:
    """Which part of a run's content each of its outputs holds: by mass, else by one item's or one dimension's amounts."""
    if len(made) == 1:
        return dict.fromkeys(made, (1, 1))
    codes = {item for item, _ in made}
    rows = {key: known("item", key[0], items) for key in made}
    sizes: dict[Key, Fraction | None] = {key: rows[key].mass(steps) for key, steps in made.items()}
    if None in sizes.values():
        dimensions = {item.dimension for item in rows.values()}
        if len(codes) == 1:
            sizes = {key: Fraction(steps) for key, steps in made.items()}
        elif len(dimensions) == 1 and dimensions != {"count"}:
            sizes = {key: rows[key].quantity(steps).exact for key, steps in made.items()}
        else:
            return dict.fromkeys(made)
    total = sum(size for size in sizes.values() if size is not None)
    return {key: None if size is None else (size / total).as_integer_ratio() for key, size in sizes.items()}


def _order(nodes: Sequence[Name], into: _Into) -> tuple[list[Name], list[Name], list[Name]]:
    """The nodes in an order in which each comes after all it depends on: before the loops, the loops, after the loops."""
    onward: dict[Name, list[Name]] = {node: [] for node in nodes}
    for node in nodes:
        for source, _ in into[node]:
            onward[source].append(node)
    front = _peel(nodes, {node: len(into[node]) for node in nodes}, onward)
    done = set(front)
    rest = [node for node in nodes if node not in done]
    behind = {node: [source for source, _ in into[node]] for node in rest}
    back = _peel(rest, {node: len(onward[node]) for node in rest}, behind)
    done.update(back)
    return front, [node for node in rest if node not in done], back[::-1]


def _peel(nodes: Sequence[Name], waits: dict[Name, int], onward: Mapping[Name, Sequence[Name]]) -> list[Name]:
    """Kahn's topological order (CACM 1962) of what no loop holds back."""
    order = [node for node in nodes if not waits[node]]
    for node in order:  # grows while it is read
        for other in onward[node]:
            if other in waits:
                waits[other] -= 1
                if not waits[other]:
                    order.append(other)
    return order


def _inflow(parts: Iterable[tuple[Name, _Part]], amounts: Mapping[Name, Fraction | None]) -> Fraction | None:
    """The parts added up; numerators and denominators by themselves, because reducing once costs less than at every step."""
    above, below = 0, 1
    for source, part in parts:
        amount = amounts[source]
        if amount is None or (amount and part is None):
            return None
        if amount and part is not None:
            over, under = amount.numerator * part[0], amount.denominator * part[1]
            above, below = (above + over, below) if under == below else (above * under + over * below, below * under)
    return rounded(Fraction(above, below)) if above else _NOTHING


def rounded(ratio: Fraction) -> Fraction:
    """The ratio, or its nearest binary fraction (half-even) where its denominator has more than `PRECISION` bits.

    >>> rounded(Fraction(1, 3))
    Fraction(1, 3)
    """
    if ratio.denominator.bit_length() <= PRECISION:
        return ratio
    return Fraction(round(ratio * (1 << PRECISION)), 1 << PRECISION)


def _loops(core: Sequence[Name], into: _Into, amounts: Mapping[Name, Fraction | None]) -> dict[Name, Fraction | None]:
    """Each amount is a sum of parts of others: linear equations, solved exactly by elimination.

    Nobody knows where a share is unknown, or where all that ever was in a loop went round and nothing left it.
    """
    inside_of = set(core)
    constants: dict[Name, Fraction] = {}
    rows: dict[Name, dict[Name, Fraction]] = {}
    for node in core:
        constant = _inflow([part for part in into[node] if part[0] not in inside_of], amounts)
        own_parts = [(source, part) for source, part in into[node] if source in inside_of]
        if constant is None or any(part is None for _, part in own_parts):
            return dict.fromkeys(core)
        constants[node], rows[node] = constant, {source: Fraction(*part) for source, part in own_parts if part is not None}
    for node in core:
        own = 1 - rows[node].pop(node, Fraction(0))
        if not own:
            return dict.fromkeys(core)
        constants[node] /= own
        rows[node] = {source: weight / own for source, weight in rows[node].items()}
        for other in core:
            weight = rows[other].pop(node, None)
            if weight is not None:
                constants[other] += weight * constants[node]
                for source, part in rows[node].items():
                    rows[other][source] = rows[other].get(source, Fraction(0)) + weight * part
    return {node: rounded(constants[node]) for node in core}


def _ranges(web: _Web, order: Sequence[Name], core: frozenset[Name], amounts: Mapping[Name, Fraction | None]) -> dict[Name, _Range]:
    """The least and most possible content of each node, and on the way whether its content can weigh more than itself."""
    ranges: dict[Name, _Range] = {}
    looped = (amounts[node] for node in core)
    cap = max(
        [web.total, *(ceil(amount * web.scale) for amount in looped if amount)]
    )  # in a loop the same material counts at each pass
    tight: set[Name] = set()
    for node in order:
        if node in core:
            ranges[node] = 0, cap
            continue
        if isinstance(node, str):
            parts = [_used(web, key, node, ranges, tight) for key, _ in web.into[node] if not isinstance(key, str)]
        elif node in web.pure:
            parts = [(web.sizes[node] * web.scale, web.sizes[node] * web.scale)]
        else:
            parts = [_handed_on(web, run, node, ranges, tight) for run, _ in web.into[node] if isinstance(run, str)]
        least, most = sum([pair[0] for pair in parts]), sum([pair[1] for pair in parts])
        ranges[node] = least, max(least, min(most, cap))
        if _is_tight(web, node, tight):
            tight.add(node)
    return ranges


def _is_tight(web: _Web, node: Name, tight: set[Name]) -> bool:
    """Whether a part of the node surely holds no more of the source than its own mass: nothing evaporated on the way to it."""
    if any(source not in tight for source, _ in web.into[node]):
        return False
    if not isinstance(node, str):
        return web.weights[node[0]] is not None
    loss = web.losses[node]
    return loss is not None and loss <= 0


def _weight(web: _Web, key: Key, steps: int) -> int:
    """What these steps of the lot weigh; its item has a mass."""
    return steps * (web.weights[key[0]] or 0)


def _used(web: _Web, key: Key, run: str, ranges: Mapping[Name, _Range], tight: set[Name]) -> _Range:
    """What the part of the lot that a run used can hold."""
    steps, size = web.ins[run][key], web.sizes[key]
    least, most = ranges[key]
    if key in web.pure:
        return steps * web.scale, steps * web.scale
    if steps == size:
        return least, most
    if key not in tight:
        return 0, most
    return max(0, least - _weight(web, key, size - steps)), min(most, _weight(web, key, steps))


def _handed_on(web: _Web, run: str, key: Key, ranges: Mapping[Name, _Range], tight: set[Name]) -> _Range:
    """What one output of a run can hold: at least what fits neither into the loss nor into the other outputs."""
    least, most = ranges[run]
    loss = web.losses[run]
    if loss is None or (loss > 0 and any(source not in tight for source, _ in web.into[run])):
        least = 0
    elif loss > 0:
        least = max(0, least - loss)
    if len(web.outs[run]) == 1:
        return least, most
    if run not in tight:
        return 0, most
    others = sum(_weight(web, other, steps) for other, steps in web.outs[run].items() if other != key)
    return max(0, least - others), min(most, _weight(web, key, web.outs[run][key]))
