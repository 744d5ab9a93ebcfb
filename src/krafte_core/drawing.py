"""Drawing: a graph in layers as SVG text, without any program of the system and without a library.

The layout is Sugiyama's in its plain form: every box in the column after all that lead to it, long arrows bent around the boxes
between, crossings lessened by sorting each column by the middle of its neighbours a few times. The drawing holds nothing that a
browser would load from elsewhere.

>>> svg = drawn([Box(("O-1",), ("olive oil", "O-1")), Box(("B-1",), ("B-1",), "run")], [Arrow(("O-1",), ("B-1",), "8 kg")])
>>> svg.startswith("<svg"), "8 kg" in svg
(True, True)
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from html import escape
from itertools import pairwise
from typing import Any, NamedTuple

WIDTH, LINE, GAP, ALONG = 168, 16, 14, 118
SWEEPS = 6
LONGEST = 24
COLOURS = {
    "lot": ("#f4f1e8", "#8a7f5c"),
    "run": ("#e3edf5", "#4f7a9b"),
    "receipt": ("#e7f2e4", "#5d8a52"),
    "return": ("#e7f2e4", "#5d8a52"),
    "find": ("#e7f2e4", "#5d8a52"),
    "shipment": ("#f6e6e3", "#a8604f"),
    "send back": ("#f6e6e3", "#a8604f"),
    "scrap": ("#ececec", "#7d7d7d"),
    "sample": ("#ececec", "#7d7d7d"),
    "count": ("#ececec", "#7d7d7d"),
}
STRONG = "#b3261e"


class Box(NamedTuple):
    """A node: its name, the lines of text in it, and its kind (a name of `COLOURS`)."""

    name: tuple[str, ...]
    lines: tuple[str, ...]
    kind: str = "lot"


class Arrow(NamedTuple):
    """A link between two boxes, and what stands on it."""

    source: tuple[str, ...]
    target: tuple[str, ...]
    label: str = ""


class _Spot(NamedTuple):
    """Where something is drawn: the left edge and the middle, and how high it is."""

    x: float
    y: float
    height: float


def drawn(boxes: Sequence[Box], arrows: Sequence[Arrow], *, strong: Collection[Hashable] = (), title: str = "") -> str:
    """The graph as SVG; `strong` boxes, and the arrows between them, are highlighted.

    Arrows between names that are no boxes are left out; loops are drawn as arrows that lead back.

    >>> drawn([], [])[:4]
    '<svg'
    """
    known = {box.name: box for box in boxes}
    links = [arrow for arrow in arrows if arrow.source in known and arrow.target in known and arrow.source != arrow.target]
    column = _columns([*known], links)
    ways = {arrow: _way(arrow, column, n) for n, arrow in enumerate(links)}
    order = _sorted_columns([*known], column, [*ways.values()])
    spots = _spots(order, known)
    right = max((spot.x for spot in spots.values()), default=0) + WIDTH + 20
    low = max((spot.y + spot.height / 2 for spot in spots.values()), default=0) + 20
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {right:g} {low:g}" width="{right:g}" height="{low:g}" '
        f'font-family="Helvetica, Arial, sans-serif" font-size="12" role="img"><title>{escape(title)}</title>'
        f'<rect width="100%" height="100%" fill="#ffffff"/>'
    ]
    leaving = Counter(arrow.source for arrow in links)
    for arrow, way in ways.items():
        both = arrow.source in strong and arrow.target in strong
        parts.append(_curve(arrow, [spots[name] for name in way], both, late=leaving[arrow.source] > 1))
    parts += [_box(box, spots[box.name], box.name in strong) for box in known.values()]
    return "".join([*parts, "</svg>"])


def _columns(names: Sequence[Hashable], links: Sequence[Arrow]) -> dict[Hashable, int]:
    """Each name one column after the last that leads to it; where a loop holds everything back, the first name goes on."""
    onward: dict[Hashable, list[Hashable]] = {name: [] for name in names}
    waits = dict.fromkeys(names, 0)
    for arrow in links:
        onward[arrow.source].append(arrow.target)
        waits[arrow.target] += 1
    column: dict[Hashable, int] = dict.fromkeys(names, 0)
    ready, left = [name for name in names if not waits[name]], dict.fromkeys(names)
    while left:
        if not ready:
            ready.append(next(iter(left)))
        name = ready.pop()
        if name not in left:
            continue
        del left[name]
        for other in onward[name]:
            if other in left:
                column[other] = max(column[other], column[name] + 1)
                waits[other] -= 1
                if not waits[other]:
                    ready.append(other)
    led_to = {arrow.target for arrow in links}
    for name in (name for name in names if onward[name] and name not in led_to):  # what begins stands just before what it leads to
        column[name] = max(0, min(column[other] for other in onward[name]) - 1)
    return column


def _way(arrow: Arrow, column: Mapping[Hashable, int], number: int) -> list[Hashable]:
    """The boxes and bends that an arrow passes: one bend in every column between its ends."""
    first, last = column[arrow.source], column[arrow.target]
    step = 1 if last >= first else -1
    return [arrow.source, *(("bend", number, at) for at in range(first + step, last, step)), arrow.target]


def _sorted_columns(
    names: Sequence[Hashable], column: Mapping[Hashable, int], ways: Sequence[Sequence[Hashable]]
) -> list[list[Hashable]]:
    """What stands in each column from top to bottom, with few crossings."""
    rows: list[list[Hashable]] = [[] for _ in range(max(column.values(), default=-1) + 1)]
    for name in names:
        rows[column[name]].append(name)
    near: dict[Hashable, list[Hashable]] = {name: [] for name in names}
    for way in ways:
        for bend in way[1:-1]:
            rows[bend[2]].append(bend)  # type: ignore[index]
        for one, other in pairwise(way):
            near.setdefault(one, []).append(other)
            near.setdefault(other, []).append(one)
    place = {name: n for row in rows for n, name in enumerate(row)}
    for sweep in range(SWEEPS):
        for row in rows if sweep % 2 == 0 else reversed(rows):
            middle = {name: sum(place[other] for other in near[name]) / len(near[name]) if near[name] else place[name] for name in row}
            row.sort(key=lambda name: middle[name])  # the sort is stable
            place.update((name, n) for n, name in enumerate(row))
    return rows


def _spots(rows: Iterable[Sequence[Hashable]], known: Mapping[Any, Box]) -> dict[Hashable, _Spot]:
    spots: dict[Hashable, _Spot] = {}
    stacks = []
    for n, row in enumerate(rows):
        heights = [len(known[name].lines) * LINE + 12 if name in known else 10 for name in row]
        stacks.append((20 + n * (WIDTH + ALONG), row, heights, sum(heights) + GAP * (len(row) - 1)))
    tallest = max((total for *_, total in stacks), default=0)
    for x, row, heights, total in stacks:
        y = 20 + (tallest - total) / 2
        for name, height in zip(row, heights, strict=True):
            spots[name] = _Spot(x, y + height / 2, height)
            y += height + GAP
    return spots


def _on(start: tuple[float, float], end: tuple[float, float], t: float) -> tuple[float, float]:
    """The point at `t` of the curve between two points: a cubic one whose middle points lie half-way across."""
    near = (1 - t) ** 3 + 3 * (1 - t) ** 2 * t
    across = (1 - t) ** 3 * start[0] + 3 * (1 - t) * t * (start[0] + end[0]) / 2 + t**3 * end[0]
    return round(across, 1), round(near * start[1] + (1 - near) * end[1], 1)


def _curve(arrow: Arrow, spots: Sequence[_Spot], strong: bool, late: bool) -> str:
    """A line through the bends, with its label where it leaves, or (`late`) where it arrives."""
    colour, wide = (STRONG, 2) if strong else ("#9a9a9a", 1)
    back = spots[-1].x <= spots[0].x
    points = [(spots[0].x + (0 if back else WIDTH), spots[0].y)]
    for spot in spots[1:-1]:
        points += [(spot.x + (WIDTH if back else 0), spot.y), (spot.x + (0 if back else WIDTH), spot.y)]
    points.append((spots[-1].x + (WIDTH if back else 0), spots[-1].y))
    path = f"M{points[0][0]:g},{points[0][1]:g}"
    for (x1, y1), (x2, y2) in pairwise(points):
        middle = (x1 + x2) / 2
        path += f" C{middle:g},{y1:g} {middle:g},{y2:g} {x2:g},{y2:g}"
    (x1, y1), (x2, y2), turn = points[-2], points[-1], 8 if back else -8
    head = f"M{x2:g},{y2:g} l{turn:g},-4 l0,8 z"
    text = ""
    if arrow.label:
        ends, t = (points[-2:], 0.7) if late else (points[:2], 0.3)
        x, y = _on(ends[0], ends[1], t)
        text = (
            f'<text x="{x:g}" y="{y - 4:g}" text-anchor="middle" font-size="10" fill="{STRONG if strong else "#555555"}" '
            f'stroke="#ffffff" stroke-width="3" paint-order="stroke">{escape(_short(arrow.label))}</text>'
        )
    return f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="{wide}"/><path d="{head}" fill="{colour}"/>{text}'


def _box(box: Box, spot: _Spot, strong: bool) -> str:
    fill, edge = COLOURS.get(box.kind, COLOURS["lot"])
    top = spot.y - spot.height / 2
    colour, wide, round_ = (STRONG if strong else edge), (2 if strong else 1), (14 if box.kind == "run" else 4)
    shape = (
        f'<rect x="{spot.x:g}" y="{top:g}" width="{WIDTH}" height="{spot.height:g}" rx="{round_}" fill="{fill}" '
        f'stroke="{colour}" stroke-width="{wide}"/>'
    )
    bold = ' font-weight="bold"'
    lines = [
        f'<text x="{spot.x + WIDTH / 2:g}" y="{top + 18 + n * LINE:g}" text-anchor="middle" fill="#222222"'
        f"{bold if n == 0 else ''}><title>{escape(line)}</title>{escape(_short(line))}</text>"
        for n, line in enumerate(box.lines)
    ]
    return shape + "".join(lines)


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
