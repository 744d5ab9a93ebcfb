"""Planning: the whole order book at once, and what comes out of it: what to make and to buy by when, for whom, and what goes wrong.

A plan is a proposal: nothing is written before somebody accepts it. Demands are placed in the order of the queue (priority, then need
date, then who came first), each as `krafte_core.planner` says. What exists already, runs and purchases, stays where it is; what it
should rather do is said in messages.

The plan keeps plain rows and turns them into amounts and instants only when it is asked, because there may be hundreds of thousands.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

import attrs

from krafte_core.allocation import PURCHASE, RUN, Incoming, Rank
from krafte_core.board import Board
from krafte_core.charges import unknown, worth
from krafte_core.coverage import NEVER
from krafte_core.errors import KrafteError, Unknown
from krafte_core.interchange import Interchange, Turn
from krafte_core.items import Item
from krafte_core.lotsizing import Window, together, windows
from krafte_core.operations import Operation
from krafte_core.pegging import Need, Peg, pegs
from krafte_core.placing import done_at
from krafte_core.planner import Buy, Make, PlannedPart, Planner
from krafte_core.portions import UNPLANNED, Chain, Portion
from krafte_core.promise import Step
from krafte_core.quantities import Quantity
from krafte_core.recipes import Formula, Line
from krafte_core.roles import target
from krafte_core.rows import Rows
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
    one piece only; what comes after `latest` is not wanted any more; `together` holds all needs of the paper for one date. `of` is the
    line of a run that takes lots by their content, or substitutes: `steps` are told as the line is written.
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
    of: Line | None = None


@attrs.frozen
class Delivery:
    """When a need of the plan is met, and how late that is; `chain` says what it waits for where it is late.

    Where it is not met, `problem` says what is in the way, and `code` is the code of the error that it would be.
    """

    ref: str
    line: str
    item: str
    amount: Quantity
    due: datetime | None
    at: datetime | None
    chain: tuple[Step, ...] = ()
    problem: str = ""
    code: str = ""

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
    `not planned` for the reason that the text gives. `substitute` tells what is taken instead of what the recipe wants, `passed over`
    which lot serves no line and why. `code` is the code of the error that stands behind a need that cannot be met.
    """

    kind: str
    paper: str
    item: str
    now: datetime | None
    wanted: datetime | None
    text: str
    code: str = ""

    def __str__(self) -> str:
        """The sentence."""
        return f"{self.kind}: {self.paper} ({self.item}), {self.text}"


class Outcome(NamedTuple):
    """When a demand is met (`NEVER`: not in full), the chain it waits for, what is in the way, and its parts where it has several.

    `takes` is what it takes, where that depends on the lots that are there; `code` the code of the error that is in the way.
    """

    at: float
    chain: Chain
    problem: str = ""
    parts: tuple[PlannedPart, ...] = ()
    takes: tuple[Portion, ...] = ()
    code: str = ""


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
    brought = {one.code for maker in planner.board.makers() for one, _ in maker.besides}  # which their products may bring
    queue = sorted(demands, key=lambda one: (one.kind != "run", one.rank[0], one.due, one.rank, one.item in brought, one.line))
    outcomes = Rows(Outcome, [])
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
            outcomes.bare.extend(map(tuple, _special(planner, number, queue[number:skip])))
        else:
            outcomes.bare.append(tuple(_plain(planner, number, demand, turns)))
        planner.settle()
        if progress is not None and not (number + 1) % REPORT:
            progress(number + 1, len(queue))
    for turn in turns.run() if how.taking == "borrow" else ():
        outcomes.bare[turn.number] = tuple(Outcome(turn.at, turn.chain))
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
        if demand.of is not None:
            return _outcome(planner, *planner.plan_line(demand.of, source, demand.steps, demand.due))
        at, chain = planner.plan(source, demand.steps, demand.due, demand.lasts)
    except UNPLANNED as problem:
        planner.undo(mark)
        return _refused(problem)
    if demand.kind != "run" and (at > demand.due or demand.due < source.fence):
        turns.placed(Turn(number, demand.rank[0], source, demand.steps, demand.due, demand.lasts, at, chain))
    return _outcome(planner, at, chain)


def _outcome(planner: Planner, at: float, chain: Chain, takes: Sequence[Portion] = ()) -> Outcome:
    return Outcome(at, chain, takes=tuple(takes)) if at < NEVER else Outcome(NEVER, chain, nobody(planner, chain), code="no_source")


def _refused(problem: KrafteError) -> Outcome:
    return Outcome(NEVER, (), str(problem), code=problem.code)


def nobody(planner: Planner, chain: Chain) -> str:
    """Who cannot be had, and where else it comes from."""
    item = chain[-1][1]
    if planner.board.source(item).versions:
        return f"no recipe of {item} is for such an amount"
    makers = [one.recipe.recipe.code for one in planner.board.makers() if any(coming.item == item for _, coming in one.besides)]
    besides = f"; it only comes out besides, of {', '.join(makers)}: plan that by hand" if makers else ""
    return f"nobody makes or sells {item}{besides}"


def _refill(planner: Planner, keep: Keep) -> tuple[int, int, str]:
    """What is left of an item that is kept in stock: before it is filled up, and after, and what was in the way."""
    source = planner.board.source(keep.item)
    before, mark, problem = source.total, planner.mark(), ""
    try:
        planner.refill(source, keep.minimum, keep.target)
    except UNPLANNED as refusal:
        planner.undo(mark)
        problem = str(refusal)
    planner.settle()
    return before, source.total, problem


def _periods(queue: Sequence[Demand], cover: Mapping[str, int]) -> Mapping[int, Window]:
    return windows([(number, one.item, one.steps, one.due) for number, one in enumerate(queue) if one.due < NEVER], cover)


def _ahead(planner: Planner, window: Window) -> None:
    mark = planner.mark()
    try:
        planner.ahead(planner.board.source(window.item), window.steps, window.at)
    except UNPLANNED:
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
        except UNPLANNED as problem:
            outcome = _refused(problem)
        if outcome.at == NEVER and not outcome.parts:
            planner.undo(mark)
        found.append(outcome)
    return found


def _one(planner: Planner, demand: Demand) -> Outcome:
    source = planner.board.source(demand.item)
    mark = planner.mark()
    at, chain = planner.plan(source, demand.steps, demand.due, demand.lasts)
    if at <= demand.due or (at <= demand.latest and at < NEVER and not demand.least):
        return Outcome(at, chain)
    why = nobody(planner, chain) if at == NEVER else f"it would be there on {moment(int(at)):%Y-%m-%d %H:%M}"
    planner.undo(mark)
    code = "no_source" if at == NEVER else ""
    if not demand.least:
        return Outcome(NEVER, (), f"{why}, and nobody wants it any more then", code=code)
    parts, left = planner.plan_parts(source, demand.steps, demand.due, demand.lasts, demand.least, demand.latest)
    if left:
        lacks = planner.board.situation.item(demand.item).quantity(left)
        return Outcome(NEVER, (), f"{lacks} of {demand.item} are missing: {why}", tuple(parts), code=code)
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
        outcomes: Rows[Outcome],
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
        self.versions: Mapping[str, Formula] = {one.version: one.recipe for one in board.others()}
        self.on_hand = {one.code: one.on_hand for one in sources}
        self.supplies: Mapping[str, Sequence[Incoming]] = {one.code: one.supplies for one in sources if one.supplies}
        self.demands = tuple(demands)
        self.outcomes = outcomes
        self.makes = Rows(Make, [*planner.makes.bare])
        self.pegs, idle = pegs(board, _needs(self.demands, self.outcomes), self.makes, planner.buys)
        """Which supply serves which need, as plain rows; `pegging` tells them."""
        self.buys = _without(planner, idle) if idle else Rows(Buy, [*planner.buys.bare])
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
            outcome.code,
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

    def made_by(self, make: Make) -> Formula:
        """The formula of a batch."""
        return self.versions[make.version] if make.version else self.formulas[make.item]

    def work_of(self, make: Make) -> Iterator[tuple[Operation, int, int, int]]:
        """The operations of a batch as they are done: where, from when, until when, and the end of the wait."""
        for operation, (_, at, start, worked, end) in zip(self.made_by(make).recipe.operations, make.tasks, strict=False):
            yield operation if at is None else done_at(operation, at), start, worked, end

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


def _needs(demands: Iterable[Demand], outcomes: Iterable[Outcome]) -> Iterator[Need]:
    for demand, outcome in zip(demands, outcomes, strict=True):
        if outcome.parts:
            yield from [(demand.item, int(part.at), part.steps, demand.ref, demand.line) for part in outcome.parts]
        elif outcome.takes:
            yield from [(one.item, int(outcome.at), one.takes, demand.ref, demand.line) for one in outcome.takes if one.takes]
        elif outcome.at < NEVER and demand.steps > 0:
            yield demand.item, int(outcome.at), demand.steps, demand.ref, demand.line


def _without(planner: Planner, idle: set[str]) -> Rows[Buy]:
    """The purchases that serve somebody: what others brought too much was enough for those that the rest was planned for."""
    rows = planner.buys.bare
    filled = {item for _, item, *_, reason in rows if reason == KEPT}  # what is filled up counted on all of them
    unused = {ref for ref, item, *_ in rows if ref in idle and item not in filled}
    for ref, item, _, _, steps, _, at, _ in rows:
        if ref in unused:
            planner.board.source(item).stock.take(at, steps)
    return Rows(Buy, [row for row in rows if row[0] not in unused])


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
        kind = "late" if delivery.at else "no source" if delivery.code == "no_source" else "not planned"
        last = delivery.chain[-1] if delivery.chain else None
        waits = f"waits for {last.kind} {last.name}" if last else delivery.problem
        first_step = delivery.chain[0] if delivery.chain else None
        text = f"{waits}, first of all for {first_step.kind} {first_step.name}" if first_step and first_step is not last else waits
        yield Message(kind, delivery.ref, delivery.item, delivery.at, delivery.due, text, delivery.code)
    yield from _choices(plan)


def _choices(plan: Plan) -> Iterator[Message]:
    """What is taken instead of what a recipe wants; and lots that serve no line, with the reason."""
    active: list[tuple[str, Line]] = []
    for ref, at, takes, lines in _by_choice(plan):
        active += [(ref, line) for line in lines]
        items = {line.ref: line for line in lines}
        for one in takes:
            line = items[one.line]
            if one.item != line.item and one.takes:
                amount, stands = plan.items[one.item].quantity(one.takes), line.scale.quantity(one.covers)
                text = f"{amount} of {one.item} instead of {stands} of {line.item}, which is not there in time"
                yield Message("substitute", ref, one.item, _moment(at), None, text)
    lacking = {
        outcome.chain[-1][1]: demand.ref
        for demand, outcome in zip(plan.demands, plan.outcomes, strict=True)
        if outcome.code and outcome.chain
    }
    if lacking:
        every = [line for maker in plan.planner.board.makers() if maker.choice for line in maker.recipe.lines]
        active += [(lacking[line.item], line) for line in every if line.item in lacking]
    yield from _passed_over(plan, active)


def _by_choice(plan: Plan) -> Iterator[tuple[str, float, Sequence[Portion], Sequence[Line]]]:
    for make in plan.makes:
        if make.takes:
            yield make.ref, make.start, make.takes, plan.made_by(make).lines
    for demand, outcome in zip(plan.demands, plan.outcomes, strict=True):
        if demand.of is not None:
            yield demand.ref, outcome.at, outcome.takes, (demand.of,)


def _passed_over(plan: Plan, active: Iterable[tuple[str, Line]]) -> Iterator[Message]:
    seen = set[tuple[str, str, str | None]]()
    for ref, line in active:
        for row in plan.planner.board.source(line.item).lots if target(line) is not None else ():
            name = line.item, row.lot.code, target(line)
            if worth(line, row.lot) is None and name not in seen:
                seen.add(name)
                yield Message("passed over", ref, line.item, None, None, f"lot {row.lot.code}: {unknown(line, row.lot)}")


def _waited_for(plan: Plan) -> Mapping[tuple[str, int], tuple[int, str]]:
    """Per supply on its way (item, when) the due date of the first late need that waits for it."""
    found: dict[tuple[str, int], tuple[int, str]] = {}
    for demand, outcome in zip(plan.demands, plan.outcomes, strict=True):
        if NEVER > outcome.at > demand.due and outcome.chain and outcome.chain[0][0] == "supply":
            _, item, _, end = outcome.chain[0]
            found.setdefault((item, int(end)), (int(demand.due), demand.ref))
    return found
