"""Planning: the whole order book at once, and what comes out of it: what to make and to buy by when, for whom, and what goes wrong.

A plan is a proposal: nothing is written before somebody accepts it. Demands are placed in the order of the queue (priority, then need
date, then who came first), each as `krafte_core.planner` says. What exists already, runs and purchases, stays where it is; what it
should rather do is said in messages.

The plan keeps plain rows and turns them into amounts and instants only when it is asked, because there may be hundreds of thousands.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from operator import itemgetter
from typing import Any, NamedTuple

import attrs

from krafte_core.allocation import PURCHASE, RUN, Incoming, Rank
from krafte_core.board import Board
from krafte_core.coverage import NEVER
from krafte_core.errors import BeyondHorizon, NeverFits, Unknown
from krafte_core.interchange import Interchange, Turn
from krafte_core.items import Item
from krafte_core.lotsizing import Window, together, windows
from krafte_core.planner import Buy, Chain, PlannedPart, Planner
from krafte_core.promise import Step
from krafte_core.quantities import Quantity
from krafte_core.recipes import Formula
from krafte_core.snapshot import SituationSnapshot
from krafte_core.tables import aligned, html
from krafte_core.times import DAY, moment, on_the_clock

Progress = Callable[[int, int], object]
"""Called with how many demands are planned and how many there are; what it raises ends the planning."""
REPORT = 1000
"""Progress is told after so many demands."""


class Demand(NamedTuple):
    """A need to be planned: whose, which line, how much of what, by when it must be ready, its place in the queue.

    `due` is in epoch seconds, `NEVER` for no date. Lots must be good until `lasts`. `kind` is `"order"`, `"run"` (an input that a run
    still lacks), `"stock"` (make to stock) or what the host calls it. `least` is the smallest part in which it may be met, 0 for in
    one piece only; what comes after `latest` is not wanted any more; `together` holds all needs of the paper for one date.
    """

    ref: str
    line: str
    item: str
    steps: int
    due: float
    rank: Rank
    kind: str = "order"
    lasts: float = 0
    least: int = 0
    latest: float = NEVER
    together: bool = False


@attrs.frozen
class Delivery:
    """When a need of the plan is met, and how late that is; `chain` says what it waits for where it is late."""

    ref: str
    line: str
    item: str
    amount: Quantity
    due: datetime | None
    at: datetime | None
    chain: tuple[Step, ...] = ()
    problem: str = ""

    @property
    def late(self) -> int:
        """Seconds after the due date."""
        return max(0, round((self.at - self.due).total_seconds())) if self.at and self.due else 0


@attrs.frozen
class PlannedMake:
    """A batch to be made: `ref` names it within the plan, `reason` is the need that it was planned for."""

    ref: str
    item: str
    amount: Quantity
    start: datetime
    end: datetime
    reason: str


@attrs.frozen
class PlannedBuy:
    """Something to be bought: when to order it, and when it will be here."""

    ref: str
    item: str
    supplier: str
    amount: Quantity
    order_by: datetime
    at: datetime
    reason: str


@attrs.frozen
class Message:
    """What somebody should look at.

    `expedite`, `delay` or `cancel` a supply that exists; a need is `late`, has `no source` (nobody makes or sells something), or is
    `not planned` for the reason that the text gives.
    """

    kind: str
    paper: str
    item: str
    now: datetime | None
    wanted: datetime | None
    text: str

    def __str__(self) -> str:
        """The sentence."""
        return f"{self.kind}: {self.paper} ({self.item}), {self.text}"


class Peg(NamedTuple):
    """So many steps of a supply serve a need; a supply is `"stock"`, an existing paper, or a `ref` of the plan, and so is a need.

    `source` is the kind of the supply: `stock`, `run`, `purchase`, `make`, `buy`; `line` the line of the need.
    """

    item: str
    steps: int
    source: str
    supply: str
    supply_line: str
    at: int
    need: str
    line: str
    needed_at: int


class Outcome(NamedTuple):
    """When a demand is met (`NEVER`: not in full), the chain it waits for, what is in the way, and its parts where it has several."""

    at: float
    chain: Chain
    problem: str
    parts: tuple[PlannedPart, ...] = ()


NOBODY = "nobody makes or sells"
KEPT = -2
"""The `reason` of what is made or bought to keep an item in stock."""


class Keep(NamedTuple):
    """So much of an item is to be in stock: below `minimum` steps it is filled up to `target`."""

    item: str
    minimum: int
    target: int


class Asked(NamedTuple):
    """How a plan was asked for: asked so again over the same books, it is the same."""

    orders: str = "open"
    taking: str = "borrow"
    also: tuple[Demand, ...] = ()
    ready_by: tuple[tuple[str, int], ...] = ()
    keep: tuple[Keep, ...] = ()
    parts: tuple[tuple[str, str], ...] = ()
    latest: tuple[tuple[str, int], ...] = ()
    cover: tuple[tuple[str, int], ...] = ()


def plan_all(planner: Planner, demands: Iterable[Demand], progress: Progress | None = None, asked: Asked | None = None) -> Plan:
    """Plan demands in the order of the queue.

    Args:
        planner: on a board; what it has planned already stays.
        demands: in any order.
        progress: told now and then how far it is; to cancel, let it raise.
    """
    queue = sorted(demands, key=lambda one: (one.kind != "run", one.rank[0], one.due, one.rank, one.line))
    outcomes: list[Outcome] = []
    turns, how = Interchange(planner), asked or Asked(taking=planner.taking)
    ahead = _periods(queue, dict(how.cover)) if how.cover else {}
    skip = 0
    for number, demand in enumerate(queue):
        if number < skip:
            continue
        planner.reason = number
        if number in ahead:
            _ahead(planner, ahead[number])
        if demand.together or demand.least or demand.latest < NEVER:
            skip = number + 1
            while demand.together and skip < len(queue) and queue[skip].together and queue[skip].ref == demand.ref:
                skip += 1
            outcomes += _special(planner, number, queue[number:skip])
        else:
            outcomes.append(_plain(planner, number, demand, turns))
        planner.settle()
        if progress is not None and not (number + 1) % REPORT:
            progress(number + 1, len(queue))
    for turn in turns.run() if how.taking == "borrow" else ():
        outcomes[turn.number] = Outcome(turn.at, turn.chain, "")
    if how.cover:
        together(planner, dict(how.cover))
    planner.reason, left = KEPT, {}
    for one in how.keep:
        left[one.item] = _refill(planner, one)
    if progress is not None:
        progress(len(queue), len(queue))
    return Plan(planner, queue, outcomes, how, left)


def _plain(planner: Planner, number: int, demand: Demand, turns: Interchange) -> Outcome:
    """A need that is met in one piece, whenever that may be."""
    mark, source = planner.mark(), planner.board.source(demand.item)
    try:
        at, chain = planner.plan(source, demand.steps, demand.due, demand.lasts)
    except (BeyondHorizon, NeverFits) as problem:
        planner.undo(mark)
        return Outcome(NEVER, (), str(problem))
    if demand.kind != "run" and (at > demand.due or demand.due < source.fence):
        turns.placed(Turn(number, demand.rank[0], source, demand.steps, demand.due, demand.lasts, at, chain))
    return Outcome(at, chain, "" if at < NEVER else f"{NOBODY} {chain[-1][1]}")


def _refill(planner: Planner, keep: Keep) -> tuple[int, int, str]:
    """What is left of an item that is kept in stock: before it is filled up, and after, and what was in the way."""
    source = planner.board.source(keep.item)
    before, mark, problem = source.stock.total, planner.mark(), ""
    try:
        planner.refill(source, keep.minimum, keep.target)
    except (BeyondHorizon, NeverFits) as refusal:
        planner.undo(mark)
        problem = str(refusal)
    planner.settle()
    return before, source.stock.total, problem


def _periods(queue: Sequence[Demand], cover: Mapping[str, int]) -> Mapping[int, Window]:
    return windows([(number, one.item, one.steps, one.due) for number, one in enumerate(queue) if one.due < NEVER], cover)


def _ahead(planner: Planner, window: Window) -> None:
    mark = planner.mark()
    try:
        planner.ahead(planner.board.source(window.item), window.steps, window.at)
    except (BeyondHorizon, NeverFits):
        planner.undo(mark)  # each need says it for itself


def _special(planner: Planner, number: int, demands: Sequence[Demand]) -> list[Outcome]:
    """Needs that may be met in parts, that are not wanted any more after a moment, or all of one paper on one date."""
    mark = planner.mark()
    found = _each(planner, number, demands, None)
    if len(demands) > 1 and (last := max([one.at for one in found])) < NEVER and any(one.at < last for one in found):
        planner.undo(mark)
        found = _each(planner, number, demands, last)
    return found


def _each(planner: Planner, number: int, demands: Sequence[Demand], on: float | None) -> list[Outcome]:
    found = []
    for place, demand in enumerate(demands):
        planner.reason = number + place
        mark = planner.mark()
        try:
            outcome = _one(planner, demand if on is None else demand._replace(due=on))
        except (BeyondHorizon, NeverFits) as problem:
            outcome = Outcome(NEVER, (), str(problem))
        if outcome.at == NEVER and not outcome.parts:
            planner.undo(mark)
        found.append(outcome)
    return found


def _one(planner: Planner, demand: Demand) -> Outcome:
    source = planner.board.source(demand.item)
    mark = planner.mark()
    at, chain = planner.plan(source, demand.steps, demand.due, demand.lasts)
    if at <= demand.due or (at <= demand.latest and at < NEVER and not demand.least):
        return Outcome(at, chain, "")
    why = f"{NOBODY} {chain[-1][1]}" if at == NEVER else f"it would be there on {moment(int(at)):%Y-%m-%d %H:%M}"
    planner.undo(mark)
    if not demand.least:
        return Outcome(NEVER, (), f"{why}, and nobody wants it any more then")
    parts, left = planner.plan_parts(source, demand.steps, demand.due, demand.lasts, demand.least, demand.latest)
    if left:
        lacks = planner.board.situation.item(demand.item).quantity(left)
        return Outcome(NEVER, (), f"{lacks} of {demand.item} are missing: {why}", tuple(parts))
    return Outcome(parts[-1].at, parts[-1].chain, "", tuple(parts))


class Case(NamedTuple):
    """All that a plan is made of, as plain values: it can be planned here or in another process, with the same result."""

    snapshot: SituationSnapshot
    demands: tuple[Demand, ...]
    asked: Asked


def plan_case(case: Case, progress: Progress | None = None) -> Plan:
    """Plan a case."""
    board = Board(case.snapshot)
    for code in case.snapshot.codes:
        board.source(code)
    return plan_all(Planner(board, taking=case.asked.taking), case.demands, progress, case.asked)


class Plan:
    """What was planned, as rows; every view of it is made when it is asked for."""

    def __init__(
        self,
        planner: Planner,
        demands: Sequence[Demand],
        outcomes: Sequence[Outcome],
        asked: Asked,
        left: Mapping[str, tuple[int, int, str]] | None = None,
    ) -> None:
        """The rows as they are now; the planner stays, so that more can be asked on top of them.

        `left` says per item that is kept in stock what all demands leave of what is there and comes:
        before it is filled up, and after, and what was in the way.
        """
        self.planner = planner
        self.asked = asked
        self.left = left or {}
        board, sources = planner.board, planner.board.sources()
        self.now = board.now
        self.items: Mapping[str, Item] = {one.code: board.situation.item(one.code) for one in sources}
        self.formulas: Mapping[str, Formula] = {one.code: one.formula for one in sources if one.formula is not None}
        self.on_hand = {one.code: one.stock.on_hand for one in sources}
        self.lost = {one.code: sum(lot.left for lot in one.lots) for one in sources if one.lots}
        self.supplies: Mapping[str, Sequence[Incoming]] = {one.code: one.supplies for one in sources if one.supplies}
        self.demands = tuple(demands)
        self.outcomes = tuple(outcomes)
        self.makes = tuple(planner.makes)
        self.buys = tuple(planner.buys)
        self.pegs = pegs_of(self)
        """Which supply serves which need, as plain rows; `pegging` tells them."""
        self.buys = _without_idle(planner, self.pegs)
        self._users: dict[tuple[str, int], str] | None = None

    # needs ------------------------------------------------------------------------------------------------------------

    def deliveries(self, ref: str | None = None) -> tuple[Delivery, ...]:
        """When the needs are met, of one paper or of all."""
        rows = zip(self.demands, self.outcomes, strict=True)
        wanted = [row for row in rows if ref is None or row[0].ref == ref]
        return tuple(one for demand, outcome in wanted for one in self._deliveries(demand, outcome))

    def late(self) -> tuple[Delivery, ...]:
        """Those that come after their due date, or never."""
        rows = zip(self.demands, self.outcomes, strict=True)
        found = [row for row in rows if row[1].at > row[0].due or row[1].at == NEVER]
        every = [(demand.due, one) for demand, outcome in found for one in self._deliveries(demand, outcome)]
        return tuple(one for due, one in every if one.at is None or one.at.timestamp() > due)

    def _deliveries(self, demand: Demand, outcome: Outcome) -> Iterator[Delivery]:
        """One, or one for each part and one for what is never there."""
        if not outcome.parts:
            yield self._delivery(demand, outcome)
            return
        for part in outcome.parts:
            yield self._delivery(demand._replace(steps=part.steps), Outcome(part.at, part.chain, ""))
        left = demand.steps - sum([part.steps for part in outcome.parts])
        if left:
            yield self._delivery(demand._replace(steps=left), outcome._replace(at=NEVER))

    def _delivery(self, demand: Demand, outcome: Outcome) -> Delivery:
        chain = outcome.chain if outcome.at < NEVER else ()
        return Delivery(
            demand.ref,
            demand.line,
            demand.item,
            self.items[demand.item].quantity(demand.steps),
            _moment(demand.due),
            _moment(outcome.at),
            steps_of(chain),
            outcome.problem,
        )

    # proposals --------------------------------------------------------------------------------------------------------

    def to_make(self, ref: str | None = None) -> tuple[PlannedMake, ...]:
        """What to make, for one paper or for all."""
        return tuple(
            PlannedMake(one.ref, one.item, self.items[one.item].quantity(one.steps), moment(one.start), moment(one.end), who)
            for one in self.makes
            if (who := self._who(one.reason)) is not None and ref in (None, who)
        )

    def to_buy(self, ref: str | None = None) -> tuple[PlannedBuy, ...]:
        """What to buy, for one paper or for all."""
        return tuple(
            PlannedBuy(
                one.ref, one.item, one.supplier, self.items[one.item].quantity(one.steps), moment(one.order_at), moment(one.at), who
            )
            for one in self.buys
            if (who := self._who(one.reason)) is not None and ref in (None, who)
        )

    def _who(self, reason: int) -> str:
        return self.demands[reason].ref if reason >= 0 else "stock"

    @property
    def proposes_nothing(self) -> bool:
        """Whether nothing new must be made or bought."""
        return not self.makes and not self.buys

    def same_as(self, other: Plan) -> bool:
        """Whether the other plan says the same."""
        mine, theirs = ((one.now, one.demands, one.outcomes, one.makes, one.buys, one.on_hand, one.supplies) for one in (self, other))
        return mine == theirs

    # who gets what ----------------------------------------------------------------------------------------------------

    def pegging(self, ref: str | None = None) -> tuple[Peg, ...]:
        """Which supply serves which need, of one paper (as supply or need) or of all: what was there first goes first."""
        return tuple(Peg(*row) for row in self.pegs if ref is None or ref in (row[3], row[6]))

    def counts_on(self, item: str, at: int) -> str:
        """Who of the plan uses the item at a moment: a paper, or a batch by its `ref`; empty for nobody."""
        if self._users is None:
            self._users = {}
            for row in self.pegs:
                self._users.setdefault((row[0], row[8]), row[6])
        return self._users.get((item, at), "")

    # what to look at --------------------------------------------------------------------------------------------------

    def messages(self, tolerance: int = DAY) -> tuple[Message, ...]:
        """What goes wrong, and which supply that exists should come sooner, later or not at all.

        Args:
            tolerance: seconds that a supply may be early without a message.
        """
        return tuple(messages_of(self, tolerance))

    @property
    def zone(self) -> str:
        """The shop's time zone: what is printed shows the clock on its wall."""
        return self.planner.board.situation.zone

    def explain(self, ref: str, zone: str | None = None) -> str:
        """Why the needs of a paper are met when they are, in the shop's time zone or another.

        Raises:
            Unknown: (`unknown`) the plan has no need of this paper.
        """
        rows = self.deliveries(ref)
        if not rows:
            raise Unknown("paper in the plan", ref)
        lines, place = [], zone or self.zone
        for row in rows:
            when = on_the_clock(row.at, place) if row.at else f"no date: {row.problem}"
            late = f", {row.late / DAY:.1f} days late" if row.late else ""
            lines += [f"{row.ref}/{row.line} {row.amount} of {row.item}: {when}{late}", *("  " + one.told(place) for one in row.chain)]
        return "\n".join(lines)

    def table(self) -> str:
        """The plan at a glance: every batch by its start, by the clock of the shop."""
        return "\n".join(aligned(*self._cells()))

    def _repr_html_(self) -> str:
        """The same for a notebook."""
        head, cells = self._cells()
        return html(str(self), head, cells)

    def _cells(self) -> tuple[Sequence[str], Sequence[Sequence[str]]]:
        rows = sorted(self.to_make(), key=lambda one: (one.start, one.ref))
        return ("make", "item", "amount", "start", "end", "for"), [
            (one.ref, one.item, str(one.amount), on_the_clock(one.start, self.zone), on_the_clock(one.end, self.zone), one.reason)
            for one in rows
        ]

    def __str__(self) -> str:
        """One line: how much there is of everything."""
        late = self.late()
        return f"{len(self.demands)} needs, {len(late)} late; {len(self.makes)} batches to make, {len(self.buys)} purchases"


def steps_of(chain: Chain) -> tuple[Step, ...]:
    """The spans of a chain as steps, each waiting for the one before it.

    >>> [step.kind for step in steps_of((("purchase", "lye", 0, 60), ("operation", "mix", 60, 90)))]
    ['purchase', 'operation']
    """
    found: list[Step] = []
    for kind, name, start, end in chain:
        if end > start:
            found.append(Step(kind, name, moment(int(start)), moment(int(end)), found[-1].name if found else ""))
    return tuple(found)


def _moment(at: float) -> datetime | None:
    return None if at == NEVER else moment(int(at))


def pegs_of(plan: Plan) -> list[tuple[Any, ...]]:
    """Match supplies and needs of every item in the order of time; plain rows with the fields of `Peg`."""
    now = plan.now
    supplies: dict[str, list[tuple[int, int, int, str, str, str]]] = {}
    for item, steps in plan.on_hand.items():
        left = steps - plan.lost.get(item, 0)
        supplies[item] = [(now, 0, left, "stock", "stock", "")] if left > 0 else []
    for item, coming in plan.supplies.items():
        supplies[item] += [(max(int(row.at), now), 1, row.free, row.source, row.ref, row.line) for row in coming]
    needs: dict[str, list[tuple[int, int, str, str]]] = {item: [] for item in supplies}
    for demand, outcome in zip(plan.demands, plan.outcomes, strict=True):
        if outcome.parts:
            needs[demand.item] += [(int(part.at), part.steps, demand.ref, demand.line) for part in outcome.parts]
        elif outcome.at < NEVER and demand.steps > 0:
            needs[demand.item].append((int(outcome.at), demand.steps, demand.ref, demand.line))
    lines = {
        item: [(line, line.ref, needs[line.item], line.numerator, line.denominator) for line in formula.lines]
        for item, formula in plan.formulas.items()
    }
    for ref, item, steps, start, end, _, _ in plan.makes:
        supplies[item].append((end, 2, steps, "make", ref, ""))
        for line, name, wanted, numerator, denominator in lines[item]:
            need = -(-steps * numerator // denominator) if line.rule is None else line.requirement(steps)
            wanted.append((start, need, ref, name))
    for ref, item, _, _, steps, _, at, _ in plan.buys:
        supplies[item].append((at, 3, steps, "buy", ref, ""))
    found: list[tuple[Any, ...]] = []
    for item, wanted in needs.items():
        if wanted:
            _match(found, item, sorted(supplies[item], key=_first_two), sorted(wanted, key=_first))
    return found


def _without_idle(planner: Planner, pegs: Iterable[tuple[Any, ...]]) -> tuple[Buy, ...]:
    """The purchases that serve somebody: what others brought too much was enough for those that the rest was planned for."""
    filled = {buy.item for buy in planner.buys if buy.reason == KEPT}  # what is filled up counted on all of them
    used = {row[3] for row in pegs if row[2] == "buy"} | {buy.ref for buy in planner.buys if buy.item in filled}
    for buy in planner.buys:
        if buy.ref not in used:
            planner.board.source(buy.item).stock.take(buy.at, buy.steps)
    return tuple(buy for buy in planner.buys if buy.ref in used)


_first, _first_two = itemgetter(0), itemgetter(0, 1)


def _match(
    found: list[tuple[Any, ...]],
    item: str,
    supplies: Iterable[tuple[int, int, int, str, str, str]],
    needs: Iterable[tuple[int, int, str, str]],
) -> None:
    rows, add = iter(supplies), found.append
    left, at, source, supply, line = 0, 0, "", "", ""
    for when, steps, need, need_line in needs:
        while steps:  # the loop that runs for every peg
            if not left:
                row = next(rows, None)
                if row is None:
                    return
                at, _, left, source, supply, line = row
            took = min(steps, left)
            add((item, took, source, supply, line, at, need, need_line, when))
            left -= took
            steps -= took  # noqa: PLW2901


def messages_of(plan: Plan, tolerance: int) -> Iterator[Message]:
    """See `Plan.messages`."""
    wanted: dict[tuple[str, str, str], int] = {}
    for one in plan.pegging():
        if one.source in (RUN, PURCHASE):
            wanted.setdefault((one.supply, one.item, one.supply_line), one.needed_at)
    waited = _waited_for(plan)
    kept = {one.item for one in plan.asked.keep}
    for item, rows in plan.supplies.items():
        for row in rows:
            now, first = moment(int(row.at)), wanted.get((row.ref, item, row.line))
            sooner = waited.get((item, max(int(row.at), plan.now)))
            if sooner is not None:
                yield Message("expedite", row.ref, item, now, moment(sooner[0]), f"{sooner[1]} waits for it")
            elif first is None and row.free == row.open and item not in kept:
                yield Message("cancel", row.ref, item, now, None, "nobody needs it")
            elif first is not None and first - row.at > tolerance:
                yield Message("delay", row.ref, item, now, moment(first), "it is needed later")
    for delivery in plan.late():
        kind = "late" if delivery.at else "no source" if NOBODY in delivery.problem else "not planned"
        last = delivery.chain[-1] if delivery.chain else None
        waits = f"waits for {last.kind} {last.name}" if last else delivery.problem
        first_step = delivery.chain[0] if delivery.chain else None
        text = f"{waits}, first of all for {first_step.kind} {first_step.name}" if first_step and first_step is not last else waits
        yield Message(kind, delivery.ref, delivery.item, delivery.at, delivery.due, text)


def _waited_for(plan: Plan) -> Mapping[tuple[str, int], tuple[int, str]]:
    """Per supply on its way (item, when) the due date of the first late need that waits for it."""
    found: dict[tuple[str, int], tuple[int, str]] = {}
    for demand, outcome in zip(plan.demands, plan.outcomes, strict=True):
        if NEVER > outcome.at > demand.due and outcome.chain and outcome.chain[0][0] == "supply":
            _, item, _, end = outcome.chain[0]
            found.setdefault((item, int(end)), (int(demand.due), demand.ref))
    return found
