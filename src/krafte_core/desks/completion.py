"""Reporting and completing a run: what was really used, what came out, who gets it, and who loses what did not come."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

import attrs

from krafte_core.allocation import LOT, RUN
from krafte_core.backdating import date_step, emptied, fit_in
from krafte_core.charges import drawn
from krafte_core.charging import Batched
from krafte_core.declarations import good_until
from krafte_core.desks.describing import Attributes, Told, added, all_named, as_lot, of_output
from krafte_core.desks.handling import Taking, homeward
from krafte_core.desks.operating import OPERATE, refuse_beyond
from krafte_core.diary import Entry, allow
from krafte_core.errors import AlreadyExists, BeyondTolerance, InvalidInput, NotAllowed
from krafte_core.events import Event, ProductionCompleted, ProductionReported, UseDeviated
from krafte_core.items import Item, code
from krafte_core.netting import Displaced, drop_expired_quotes, hand_over, open_inputs
from krafte_core.potency import dense
from krafte_core.production import PRODUCTION_STEPS, ProductionOrder, between
from krafte_core.quantities import Quantity
from krafte_core.recipes import Line
from krafte_core.roles import target
from krafte_core.stock import PRODUCTION, SCRAP, STOCK, Lot, Move, Stocked, line_of
from krafte_core.straight import straight
from krafte_core.work import Work, arrived

_new = tuple.__new__  # half the cost of a NamedTuple's own constructor, in loops that run for every lot
Used = Mapping[str, Any]
"""Per item an amount, or amounts per lot; empty means nothing."""
ByProducts = Mapping[str, Any]
"""Per item an amount, or amounts per lot."""
_NOTHING: Mapping[str, str] = {}
AT_WORK = ("start", "issue", "give_back", "scrap", "report", OPERATE, "reverse a part")
"""What is written down of a run at work: it does not end before that."""


@attrs.frozen
class Deviation:
    """Planned and used of one material (or planned and made of the product); `limit` is the one of its tolerance that was passed."""

    item: str
    planned: Quantity
    used: Quantity
    limit: Quantity | None = None

    @property
    def under(self) -> bool:
        """Less was used than planned."""
        return self.used < self.planned

    @property
    def over(self) -> bool:
        """More was used than planned."""
        return self.used > self.planned

    @property
    def beyond(self) -> bool:
        """The difference is larger than the item's tolerance."""
        return self.limit is not None


@attrs.frozen
class Completed:
    """What `complete` (or `report`) did: the lots, the amounts, who got the output, who lost, and where use differed from the plan.

    `lost` is what was planned and neither made nor scrapped; while the run goes on nothing is lost. `output` says, once the run is
    over, whether what was made differs from what was planned; `outputs` the same of what came out besides.
    """

    production: str
    item: str
    lot: Lot | None
    made: Quantity
    scrapped: Quantity
    lost: Quantity
    deviations: Mapping[str, Deviation]
    displaced: tuple[Displaced, ...]
    events: tuple[Event, ...]
    by_products: tuple[Lot, ...] = ()
    output: Deviation | None = None
    outputs: Mapping[str, Deviation] = attrs.field(factory=dict)


_lot, _completed = straight(Lot), straight(Completed)
_ended, _reported = straight(ProductionCompleted), straight(ProductionReported)


class Said(NamedTuple):
    """What the maker said about a part of a run, or its end."""

    made: Any
    scrapped: Any
    used: Used
    lot: str | None
    expires: date | None
    to: str
    by_products: ByProducts
    into: str | None
    reason: str
    at: datetime | None
    attributes: Told


@attrs.define
class _OnLine:
    """What of a lot lies on the run's line, and is not used yet."""

    lot: Lot
    steps: int


class Completion:
    """The decision behind `shop.production.complete`, and with `ends=False` behind `report`."""

    def __init__(self, name: str, said: Said, *, ends: bool = True) -> None:
        self.name = name
        self.said = said
        self.ends = ends
        self.used: Used = said.used
        self.displaced: tuple[Displaced, ...] = ()
        self.lost: tuple[Displaced, ...] = ()
        """Who lost what did not come out besides."""
        self.differing: dict[str, Deviation] = {}
        self.when: tuple[tuple[str, str], ...] = ()
        self.named: set[tuple[str, str]] = set()
        """Of whom something was said that came out."""

    def decide(self, work: Work) -> Completed:
        """Use, output, and what it did to others."""
        run: ProductionOrder = work.paper(ProductionOrder, self.name)
        drop_expired_quotes(work, run.items)
        if run.outputs and run.recipe.apart:
            return self._taken_apart(work, run)
        said, item, self.displaced = self.said, work.item(run.item), ()
        self.lost, self.differing, self.named = (), {}, set()
        entries = work.reader.diary((self.name,))[self.name]
        when = self.when = _dated(work, self.name, said.at, entries, ends=self.ends)
        work.step(run, work.state(run, entries), "complete" if self.ends else "report", reason=said.reason, details=when)
        came = dense(item, said.attributes.get(("", ""), ())) if said.attributes else item
        made, scrapped = _not_negative(came, said.made), 0 if said.scrapped is None else _not_negative(came, said.scrapped)
        steps = [entry.step for entry in entries]
        before = arrived(work, [run]).get((self.name, run.item), 0) if "report" in steps else 0
        if OPERATE in steps:
            refuse_beyond(run, entries, item, before + made + scrapped)
        lost = max(0, run.steps - before - made - scrapped) if self.ends else 0
        self.used = said.used
        extras = _handled(entries) if "issue" in steps or "give_back" in steps else {}
        deviations = self._consume(work, run, before, made + scrapped, lost, extras)
        output = self._output_differs(work, item, run.steps, before, made)
        lot_code = self._lot_code(steps.count("report"))
        lot = self._output(work, run, item, lot_code, made, scrapped) if made + scrapped else None
        others = self._besides(work, run, lot_code, before, made + scrapped) if run.outputs or said.by_products else ()
        if said.attributes:
            all_named(said.attributes, self.named, others if lot is None else (lot, *others))
        coming = 0 if self.ends else max(0, run.steps - before - made - scrapped)
        free = made - self._into_parent(work, run, lot, made)
        if when:
            today = fit_in(work)
            free = 0 if lot is None else min(free, max(0, today.get((run.item, lot.code, said.to), 0)))
        displaced = self.displaced + hand_over(
            work, (RUN, run.item, self.name), "", lot, said.to, free, coming, f"{self.name} made less"
        )
        self._free_time(work)
        happened = _ended if self.ends else _reported
        work.tell(happened(work.at, self.name, run.item, lot.code if lot else "", item.quantity(made)))
        return _completed(
            self.name, run.item, lot, item.quantity(made), item.quantity(scrapped), item.quantity(lost),
            deviations, displaced + self.lost, work.told(), others, output, self.differing,
        )  # fmt: skip

    def _taken_apart(self, work: Work, run: ProductionOrder) -> Completed:
        """The end (or a part) of a run without a main product: so much of its item was taken apart, and this came of it."""
        said, item = self.said, work.item(run.item)
        self.displaced, self.lost, self.differing, self.named = (), (), {}, set()
        for field in ("scrapped", "into"):
            if getattr(said, field) is not None:
                raise InvalidInput(field, str(getattr(said, field)), f"nothing: {run.item} is taken apart; scrap its outputs")
        if run.item in said.used:
            raise InvalidInput("used", run.item, "how much was taken apart told as `made`")
        entries = work.reader.diary((self.name,))[self.name]
        self.when = _dated(work, self.name, said.at, entries, ends=self.ends)
        work.step(run, work.state(run, entries), "complete" if self.ends else "report", reason=said.reason, details=self.when)
        made = _not_negative(item, said.made)
        steps = [entry.step for entry in entries]
        before = arrived(work, [run]).get((self.name, run.item), 0) if "report" in steps else 0
        if OPERATE in steps:
            refuse_beyond(run, entries, item, before + made)
        self.used = {**said.used, run.item: item.quantity(made)}
        extras = _handled(entries) if "issue" in steps or "give_back" in steps else {}
        deviations = self._consume(work, run, before, made, 0, extras)
        lot_code = self._lot_code(steps.count("report"))
        others = self._besides(work, run, lot_code, before, made)
        all_named(said.attributes, self.named, others)
        self._free_time(work)
        happened = ProductionCompleted if self.ends else ProductionReported
        work.tell(happened(work.at, self.name, run.item, "", item.quantity(made)))
        nothing, output = item.quantity(0), self._output_differs(work, item, run.steps, before, made)
        return Completed(
            self.name, run.item, None, item.quantity(made), nothing, nothing,
            deviations, self.displaced + self.lost, work.told(), others, output, self.differing,
        )  # fmt: skip

    def _lot_code(self, parts: int) -> str:
        """As was said; else the run's number, with how many parts there are, where there are several."""
        if self.said.lot is not None:
            return self.said.lot
        return f"{self.name}-{parts + 1}" if parts or not self.ends else self.name

    def _free_time(self, work: Work) -> None:
        """Done sooner than planned: the time is free again."""
        for booking in work.reader.booked_for((self.name,))[self.name] if self.ends else ():
            if booking.end > work.now:
                work.unbook(booking)

    # materials --------------------------------------------------------------------------------------------------------

    def _consume(
        self, work: Work, run: ProductionOrder, before: int, output: int, lost: int, extras: Mapping[str, str]
    ) -> dict[str, Deviation]:
        """Use what was given or planned, give the rest of the line back at the end, and say where the two differ."""
        line = line_of(self.name)
        for link in work.reader.links((self.name,))[self.name] if self.ends else ():
            work.unlink(link)  # what never came to the line is not needed any more
        there: dict[str, list[Stocked]] = {}
        for row in work.reader.at_place(line):
            there.setdefault(row.lot.item, []).append(row)
        charge = Batched(work, run, ()) if run.by_choice else None
        chosen, stands = self._chosen(work, charge, run, before, output, lost) if charge else (None, _NOTHING)
        if self.used:
            _known_materials(run, self.used, {**extras, **stands})
        elif not extras and self.ends and charge is None:
            everything = self._everything(run, there, before, output, lost)
            if everything is not None:
                work.post("use", self.name, everything)
                return {}
        on_line = {name: [_OnLine(row.lot, row.on_hand) for row in rows] for name, rows in there.items()}
        if extras and self.ends:
            self.used = {**self._what_stays(work, run, extras, on_line), **self.used}
        moves: list[Move] = []
        deviations = {}
        spent: dict[str, int] = {}
        for need, ref, planned in self._lines(work, run, {**extras, **stands}, chosen, before, output, lost):
            rows, known = on_line.get(need.item, ()), need not in run.lines
            came, left = _draw(need, self._wanted(work, run, need, planned, rows, spent), rows, line, f"{self.name}/{ref}")
            if left:
                work.post("use", self.name, moves + came, reason=self.said.reason)
                work.settle()  # so that what this run gave up, and what it has drawn, is seen
                moves, came = [], came + self._from_house(work, run, need, ref, left, sum([move.steps for move in came]))
            else:
                moves += came
            used = sum([move.steps for move in came])
            if used != planned:
                deviations[need.ref] = self._deviation(work, work.item(need.item), planned, used, known=known)
        work.post("use", self.name, moves, reason=self.said.reason)
        if self.ends:
            left_over = [row._replace(on_hand=one.steps) for row, one in _beside(there, on_line) if one.steps]
            work.post("give_back", self.name, homeward(work, self.name, left_over) if left_over else ())
        return deviations

    def _lines(
        self, work: Work, run: ProductionOrder, refs: Mapping[str, str], chosen: Mapping[str, int] | None,
        before: int, output: int, lost: int,
    ) -> Iterator[tuple[Line, str, int]]:  # fmt: skip
        """The lines of the recipe with what is planned, and what else is on the run's line with the line that it serves."""
        for need in run.lines:
            planned = between(need, before, before + output + (lost if need.follows == "charge" else 0))
            yield need, need.ref, planned if chosen is None else chosen.get(need.ref, 0)
        own = {need.item for need in run.lines}
        for name, ref in refs.items():
            if name not in own:
                yield Line(name, name, work.item(name).scale, 0, 1), ref, 0 if chosen is None else chosen.get(name, 0)

    def _chosen(
        self, work: Work, charge: Batched, run: ProductionOrder, before: int, output: int, lost: int
    ) -> tuple[Mapping[str, int], dict[str, str]]:
        """What is planned for this part where that depends on the lots on the line, and the line that each substitute serves."""
        given: dict[str, int] = {}
        for need in run.lines:
            name = self._said_for(need)
            if target(need) is not None and name in self.used:
                said, item = self.used[name], work.item(need.item)
                amounts = said.items() if isinstance(said, Mapping) else [] if _nothing(said) else [(None, said)]
                given[need.ref] = sum([as_lot(work, item, lot, one).steps(one, f"used[{name!r}]") for lot, one in amounts])
        return charge.planned(before, before + output, before + output + lost, given)

    def _everything(
        self, run: ProductionOrder, there: Mapping[str, Sequence[Stocked]], before: int, output: int, lost: int
    ) -> list[Move] | None:
        """What nearly always happens: as much as planned of every material lies on the line, and all of it was used. Else None."""
        if len(there) != len(run.lines):
            return None
        moves: list[Move] = []
        whole = output + lost
        for need in run.lines:
            made = whole if need.follows == "charge" else output
            left = between(need, before, before + made) if before or not made else need.planned(made)
            ref = f"{self.name}/{need.ref}"
            rows = there.get(need.item, ())
            for lot, place, steps, _ in rows:
                moves.append(_new(Move, (need.item, lot.code, steps, place, PRODUCTION, ref)))
                left -= steps
            if left or not rows:
                return None
        return moves

    def _what_stays(
        self, work: Work, run: ProductionOrder, extras: Mapping[str, str], on_line: Mapping[str, Sequence[_OnLine]]
    ) -> dict[str, Any]:
        """Of a material that was issued or given back by hand, what stays on the line was used."""
        stays: dict[str, Any] = {}
        for name in extras:
            refs = {need.ref for need in run.lines if need.item == name}
            if not refs & self.used.keys():
                stays[name] = work.item(name).quantity(sum(row.steps for row in on_line.get(name, ())))
        return stays

    def _wanted(
        self, work: Work, run: ProductionOrder, need: Line, planned: int, rows: Sequence[_OnLine], spent: dict[str, int]
    ) -> int | Mapping[str, int]:
        """Steps to use, in all or per lot: given = that; empty = nothing; omitted = as planned, at most what is on the line.

        An item that several lines need is given once for all of them: each takes what was planned, the last the rest.
        """
        name = self._said_for(need)
        if name not in self.used:
            return min(planned, sum([row.steps for row in rows]))
        given, item = self.used[name], work.item(need.item)
        if isinstance(given, Mapping):
            first = name not in spent
            spent[name] = 0
            lots = given.items() if first else ()
            return {
                code(lot, "lot"): as_lot(work, item, lot, amount).positive(amount, f"used[{name!r}][{lot!r}]") for lot, amount in lots
            }
        left = (0 if _nothing(given) else _not_negative(item, given)) - spent.get(name, 0)
        last = [one.ref for one in run.lines if self._said_for(one) == name][-1:] or [need.ref]
        steps = left if need.ref == last[0] else min(planned, left)
        spent[name] = spent.get(name, 0) + steps
        return steps

    def _said_for(self, need: Line) -> str:
        """The name under which the use of this line may be given."""
        return need.ref if need.ref in self.used else need.item

    def _from_house(
        self, work: Work, run: ProductionOrder, need: Line, ref: str, left: Mapping[str | None, int], drawn: int
    ) -> list[Move]:
        """Use of what was not brought to the line. It happened: free lots first, then promises to others shrink in release order."""
        drop_expired_quotes(work, (need.item,))
        moves: list[Move] = []
        for lot, steps in left.items():
            taking = Taking(work, run, work.item(need.item), lot=lot, fact=True)
            moves += taking.moves(ref, steps, PRODUCTION, drawn)
            self.displaced += taking.displaced
        work.post("use", self.name, moves, reason=self.said.reason)
        return moves

    # what differs -----------------------------------------------------------------------------------------------------

    def _deviation(self, work: Work, item: Item, planned: int, used: int, *, known: bool = False) -> Deviation:
        """The difference, and the limit that it passes; `known` differences were explained before.

        Raises:
            BeyondTolerance: (`beyond_tolerance`) the item is strict, and no reason was given.
        """
        allowed = item.tolerance if item.tolerance is not None else None if item.consumption == "flexible" else 0
        quantity, limit = item.quantity, None
        if allowed is not None and not known:
            low, high = math.ceil(planned * (1 - min(1, allowed))), math.floor(planned * (1 + allowed))
            limit = None if low <= used <= high else quantity(low if used < low else high)
        if limit is not None and item.consumption == "strict" and not self.said.reason:
            raise BeyondTolerance(item.code, quantity(planned), quantity(used), limit)
        if limit is not None and item.consumption != "flexible":
            work.tell(UseDeviated(work.at, self.name, item.code, quantity(planned), quantity(used), self.said.reason))
        return Deviation(item.code, quantity(planned), quantity(used), limit)

    def _output_differs(self, work: Work, item: Item, planned: int, before: int, made: int) -> Deviation | None:
        """Whether all that was made, less what was scrapped of it, is what was planned; told when the run is over."""
        if not self.ends:
            return None
        if before:
            before -= sum(
                move.steps
                for posting in work.reader.postings(papers=[self.name])
                for move in posting.moves
                if posting.kind == "scrap" and posting.paper == self.name and move.item == item.code and move.line == ""
            )
        return None if before + made == planned else self._deviation(work, item, planned, before + made)

    # output -----------------------------------------------------------------------------------------------------------

    def _output(self, work: Work, run: ProductionOrder, item: Item, lot_code: str, made: int, scrapped: int) -> Lot:
        """The lot that came out; what is scrapped enters it and is scrapped from it."""
        name, to = code(lot_code, "lot"), self.said.to
        work.catalogue.place(to)
        before = work.changes.lots.get((item.code, name)) or work.reader.lots([(item.code, name)]).get((item.code, name))
        if before is not None and before.paper != self.name:
            raise AlreadyExists(f"lot of {item.code}", name)
        own = self._said_of(item.code, name, product=item.code == run.item) if self.said.attributes else ()
        lot = before or _lot(
            item.code,
            name,
            origin="run",
            paper=self.name,
            received_at=work.happened,
            expires=self.said.expires or self._good_until(work, run, item.code),
            disposition="waiting" if item.release == "by decision" else "released",
            attributes=own,
        )
        if before is None:
            work.new_lot(lot)
        else:
            added(lot, own)
            work.guard(lot)
        work.post("make", self.name, [Move(item.code, name, made + scrapped, PRODUCTION, to)])
        if scrapped:
            work.post("scrap", self.name, [Move(item.code, name, scrapped, to, SCRAP)], reason=self.said.reason)
        return lot

    def _said_of(self, item: str, lot: str, *, product: bool) -> Attributes:
        key, own = of_output(self.said.attributes, item, lot, product=product)
        self.named |= {key} if key is not None else set()
        return own

    def _good_until(self, work: Work, run: ProductionOrder, item: str) -> date | None:
        """Until when what came out is good, as the recipe says: its shelf life, and no longer than what went in where that counts."""
        recipe = run.recipe
        if recipe.shelf_life is None and recipe.expiry == "process" and not recipe.outputs:
            return None
        life = recipe.shelf_life if item == run.item or recipe.apart else None
        life = next((one.shelf_life for one in recipe.outputs if one.item == item and one.shelf_life is not None), life)
        if recipe.expiry == "process":
            return None if life is None else good_until(work.day_then, life).until
        postings = [posting for changes in work.everything() for posting in changes.postings if posting.kind == "use"]
        keys = dict.fromkeys([(move.item, move.lot) for posting in postings for move in posting.moves])
        lots = work.reader.lots(keys)
        return good_until(work.day_then, life, [(lot.code, lot.expires) for lot in lots.values()]).until

    def _besides(self, work: Work, run: ProductionOrder, lot_code: str, before: int, output: int) -> tuple[Lot, ...]:
        """What else came out, each item into lots of its own: as was said, else as the recipe says for what was made.

        Those who count on it get it, and who loses what did not come is named.
        """
        given: dict[str, Any] = {**self.said.by_products}
        for one in run.outputs:
            if one.item not in given:
                came = one.expected(before + output) - one.expected(before)
                given[one.item] = one.scale.quantity(came) if came else None
        earlier = arrived(work, [run]) if run.outputs and (before or self.ends) else {}
        lots: list[Lot] = []
        for name, amount in given.items():
            item = work.item(name)
            if name == run.item:
                raise InvalidInput("by_products", name, "items other than the product itself")
            own, field = any(one.item == name for one in run.outputs), f"by_products[{name!r}]"
            amounts = amount if isinstance(amount, Mapping) else {} if own and _nothing(amount) else {lot_code: amount}
            read = _not_negative if own else Item.positive
            told = self.said.attributes
            rows = [(lot, read(dense(item, of_output(told, name, lot, product=False)[1]), one, field)) for lot, one in amounts.items()]
            left = came = sum([steps for _, steps in rows])
            made = [(self._output(work, run, item, lot, steps, 0), steps) for lot, steps in rows if steps]
            lots += [one for one, _ in made]
            if own:
                total = earlier.get((self.name, name), 0) + came
                coming = 0 if self.ends else max(0, run.brings(name) - total)
                came_in: list[tuple[Lot | None, int]] = [*made] or [(None, 0)]
                today = fit_in(work) if self.when else None
                for lot, steps in came_in:
                    left -= steps
                    if today is not None and lot is not None:
                        steps = min(steps, max(0, today.get((name, lot.code, self.said.to), 0)))  # noqa: PLW2901
                    supply, why = (RUN, name, self.name), f"{self.name} made less"
                    self.lost += hand_over(work, supply, "", lot, self.said.to, steps, left + coming, why)
                    if left:
                        work.settle()
                if self.ends and total != run.brings(name):
                    self.differing[name] = self._deviation(work, item, run.brings(name), total)
        return tuple(lots)

    def _into_parent(self, work: Work, run: ProductionOrder, lot: Lot | None, made: int) -> int:
        """Output that goes straight to the line of the run that it was made for: as much as that one still needs."""
        if self.said.into is None:
            return 0
        parent: ProductionOrder = work.paper(ProductionOrder, self.said.into)
        now, item = work.state(parent), work.item(run.item)
        if now != "started":
            raise NotAllowed(parent.number, now, f"take in {run.item}", ("start",))
        if item.release == "by decision":
            raise work.refuse_lot(run.item, lot.code if lot else self.name, "waits for release")
        links = work.reader.links((parent.number,))[parent.number]
        mine = [link for link in links if link.source == RUN and link.ref == self.name]
        others = [link for link in links if link not in mine and link.item == run.item and link.source != LOT]
        lacking = [need for need in open_inputs(work, parent, others, begun=True) if need.item == run.item]
        if not lacking:
            raise InvalidInput("into", parent.number, f"a run that still needs {run.item}")
        if lot is None:
            return 0  # nothing came out
        moves, left, covered = [], made, dict[str, int]()
        for need in lacking:
            ((took, covers),) = drawn(parent.need(need.line).of, need.steps, [(lot, left)], there=True)
            if took:
                ref = f"{parent.number}/{need.line}"
                moves.append(Move(run.item, lot.code, took, self.said.to, line_of(parent.number), ref))
                left, covered[need.line] = left - took, covers
        for link in mine:  # which counts at target content
            came = min(covered.get(link.line, 0), link.covers)
            if came:
                covered[link.line] -= came
                work.unlink(link, -(-came * link.takes // link.covers), came)
        work.touch(parent.number)
        work.post("issue", parent.number, moves)
        work.settle()
        return made - left


def _dated(work: Work, name: str, at: datetime | None, entries: Iterable[Entry], *, ends: bool) -> tuple[tuple[str, str], ...]:
    """What the diary keeps of when a part was made, not before the start; or of when the run ended, not before what was done at it."""
    if at is None:
        return ()
    when = date_step(work, name, at, [entry for entry in entries if entry.step in (AT_WORK if ends else ("start",))])
    if ends:
        emptied(work, name, at)
    return when


def stop(work: Work, name: str, reason: str, at: datetime | None) -> Completed:
    """End a run with what it has made: nothing more is used, what lies on the line goes back, who waited for more is named."""
    run: ProductionOrder = work.paper(ProductionOrder, name)
    drop_expired_quotes(work, run.items)
    entries = work.reader.diary((name,))[name]
    now = work.state(run, entries)
    allow(PRODUCTION_STEPS, name, now, "stop")
    when = _dated(work, name, at, entries, ends=True)
    work.step(run, now, "stop", reason=reason, details=when)
    item = work.item(run.item)
    came = max(0, arrived(work, [run]).get((name, run.item), 0))
    displaced = abandon(work, run, reason or f"{name} was stopped")
    if when:
        fit_in(work)
    work.tell(ProductionCompleted(work.at, name, run.item, "", item.quantity(0)))
    nothing, left = item.quantity(0), item.quantity(max(0, run.steps - came))
    return Completed(name, run.item, None, nothing, nothing, left, {}, displaced, work.told())


def abandon(work: Work, run: ProductionOrder, reason: str) -> tuple[Displaced, ...]:
    """A run that has begun goes no further: what it had is free again, and who counted on its output is named."""
    name = run.number
    for link in work.reader.links((name,))[name]:
        work.unlink(link)
    for booking in work.reader.booked_for((name,))[name]:
        if booking.end > work.now:
            work.unbook(booking)
    work.post("give_back", name, homeward(work, name, work.reader.at_place(line_of(name))), reason=reason)
    return tuple([one for supply in run.supplies for one in hand_over(work, supply, "", None, STOCK, 0, 0, reason)])


def _handled(entries: Iterable[Entry]) -> dict[str, str]:
    """The items that were issued or given back by hand, each with the line that it serves."""
    found: dict[str, str] = {}
    for entry in entries:
        if entry.step in ("issue", "give_back"):
            details = dict(entry.details)
            found.setdefault(details["item"], details["line"])
    return found


def _beside(there: Mapping[str, Sequence[Stocked]], on_line: Mapping[str, Sequence[_OnLine]]) -> Iterable[tuple[Stocked, _OnLine]]:
    for name, rows in there.items():
        yield from zip(rows, on_line[name], strict=True)


def _nothing(given: Any) -> bool:
    """An empty entry: none of it."""
    return given is None or (isinstance(given, str | list | tuple) and not given)


def _not_negative(item: Item, amount: Any, field: str = "amount") -> int:
    steps = item.steps(amount, field)
    if steps < 0:
        raise InvalidInput(field, str(amount), "zero or more")
    return steps


def _known_materials(run: ProductionOrder, used: Used, extras: Iterable[str]) -> None:
    names = {name for line in run.lines for name in (line.ref, line.item)} | {*extras}
    for name in used:
        if name not in names:
            choices = [*(line.ref for line in run.lines), *extras]
            raise InvalidInput("used", name, f"one of {', '.join(dict.fromkeys(choices))}; issue what the recipe does not have")


def _draw(
    need: Line, wanted: int | Mapping[str, int], rows: Sequence[_OnLine], line: str, ref: str
) -> tuple[list[Move], Mapping[str | None, int]]:
    """Moves that use so much from the line, and per lot (None: any) what the line does not have."""
    if isinstance(wanted, int):
        moves, left = _off_line(need, rows, wanted, line, ref)
        return moves, {None: left} if left else {}
    used: list[Move] = []
    beyond: dict[str | None, int] = {}
    for name, steps in wanted.items():
        moves, left = _off_line(need, [row for row in rows if row.lot.code == name], steps, line, ref)
        used += moves
        if left:
            beyond[name] = left
    return used, beyond


def _off_line(need: Line, rows: Iterable[_OnLine], left: int, line: str, ref: str) -> tuple[list[Move], int]:
    moves = []
    for row in rows:
        took = min(row.steps, left)
        if took:
            moves.append(Move(need.item, row.lot.code, took, line, PRODUCTION, ref))
            row.steps -= took
            left -= took
    return moves, left
