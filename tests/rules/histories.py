"""Random histories of a workshop, consistent by construction: what every store and every search must tell alike."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from krafte_core.items import Item
from krafte_core.ledger import Key, Ledger
from krafte_core.stock import Move, Posting, inside

DAY = datetime(2026, 11, 23, 8, tzinfo=UTC)
CODES = ("a", "b", "c")
SIZES = st.integers(1, 12)
ITEMS = {code: Item(code, unit="kg", step="1 kg") for code in CODES}


class History:
    """Draws a ledger in which nothing is moved that is not there; every method is something that happens in a workshop."""

    def __init__(self, draw: st.DrawFn):
        self.draw = draw
        self.stock: Counter[Key] = Counter()
        self.sold: Counter[Key] = Counter()
        self.issued: Counter[tuple[str, Key]] = Counter()
        self.outputs: dict[str, list[Key]] = {}
        self.postings: list[Posting] = []

    def post(self, kind: str, paper: str, key: Key, steps: int, *way: str) -> None:
        source, target = way
        at = DAY + timedelta(hours=self.draw(st.integers(0, 3)) + len(self.postings))
        self.postings.append(Posting(kind, paper, at, at, (Move(*key, steps, source, target),)))
        self.stock[key] += steps * (inside(target) - inside(source))

    def fresh(self) -> Key:
        return self.draw(st.sampled_from(CODES)), str(len(self.postings))

    def some(self) -> Iterator[tuple[Key, int]]:
        """A part of a lot that is there, if any is."""
        if there := sorted(key for key in self.stock if self.stock[key] > 0):
            key = self.draw(st.sampled_from(there))
            yield key, self.draw(st.integers(1, self.stock[key]))

    def bring(self, kind: str, source: str) -> None:
        self.post(kind, "", self.fresh(), self.draw(SIZES), source, "stock")

    def take(self, kind: str, target: str) -> None:
        for key, steps in self.some():
            self.post(kind, f"{kind}-{self.draw(st.integers(1, 2))}", key, steps, "stock", target)
            self.sold[key] += steps * (target == "customer")

    def run(self) -> None:
        """A part of a new run or of one that is open: it uses lots and makes new ones or adds to its own."""
        number = self.draw(st.sampled_from([*self.outputs, f"B-{len(self.postings)}"]))
        for _ in range(self.draw(st.integers(1, 3))):
            for key, steps in self.some():
                self.post("issue", number, key, steps, "stock", "production")
                self.issued[number, key] += steps
        made = self.outputs.setdefault(number, [])
        for _ in range(self.draw(st.integers(0, 2))):
            made.append(self.draw(st.sampled_from([*made, self.fresh()])))
            self.post("complete", number, made[-1], self.draw(SIZES), "production", "stock")

    def give_back(self) -> None:
        for number, key in sorted(pair for pair in self.issued if pair[1] not in self.outputs[pair[0]]):
            if steps := self.draw(st.integers(0, self.issued[number, key])):
                self.issued[number, key] -= steps
                self.post("give_back", number, key, steps, "production", "stock")

    def come_back(self) -> None:
        for key in sorted(key for key in self.sold if self.sold[key]):
            self.post("return", "ship-1", key, 1, "customer", "stock")
            self.sold[key] -= 1

    def count_up(self) -> None:
        for key, steps in self.some():
            self.post("count", "", key, steps, "count", "stock")


EVENTS: dict[str, Callable[[History], None]] = {
    "receive": lambda story: story.bring("receipt", "supplier"),
    "run": History.run,
    "run on": History.run,
    "run again": History.run,
    "give back": History.give_back,
    "find": lambda story: story.bring("find", "found"),
    "ship": lambda story: story.take("ship", "customer"),
    "return": History.come_back,
    "scrap": lambda story: story.take("scrap", "scrap"),
    "sample": lambda story: story.take("sample", "sample"),
    "send back": lambda story: story.take("send_back", "supplier"),
    "count down": lambda story: story.take("count", "count"),
    "count up": History.count_up,
}


@st.composite
def ledgers(draw: st.DrawFn) -> Ledger:
    """A random history, consistent by construction."""
    story = History(draw)
    for name in ["receive", "receive", *draw(st.lists(st.sampled_from([*EVENTS]), max_size=15))]:
        EVENTS[name](story)
    return Ledger(story.postings)
