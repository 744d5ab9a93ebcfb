"""The plan: what to make and to buy by when, for whom, and what goes wrong.

It keeps plain rows and turns them into amounts and instants only when it is asked, because there may be hundreds of thousands.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime

import attrs

from krafte_core.allocation import PURCHASE, RUN, Incoming
from krafte_core.charges import unknown, worth
from krafte_core.coverage import NEVER
from krafte_core.demands import KEPT, Asked, Demand, Outcome
from krafte_core.errors import Unknown
from krafte_core.items import Item
from krafte_core.operations import Operation
from krafte_core.pegging import Need, Peg, pegs
from krafte_core.placing import done_at
from krafte_core.planner import Buy, Make, Planner
from krafte_core.portions import Chain, Portion
from krafte_core.promise import Step
from krafte_core.quantities import Quantity
from krafte_core.recipes import Formula, Line
from krafte_core.roles import target
from krafte_core.rows import Rows
from krafte_core.tables import aligned, html
from krafte_core.times import DAY, moment, on_the_clock


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
    for item, (_, _, problem) in plan.left.items():
        if problem:
            yield Message("not planned", "stock", item, None, None, problem)
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
