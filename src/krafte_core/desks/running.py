"""The production desk once a run has begun: start, bring and give back materials, report, complete, correct, take back, close."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

import attrs

from krafte_core.allocation import LOT, Allocation
from krafte_core.availability import shortage
from krafte_core.backdating import business_time, date_step, fit_in
from krafte_core.charging import Charge, follow
from krafte_core.desks.completion import ByProducts, Completed, Completion, Said, Used, stop
from krafte_core.desks.describing import described
from krafte_core.desks.handling import Handled, Stepped, giving_back, issuing, places_for, scrapping, stepping, using
from krafte_core.desks.holding import refuse_stopped
from krafte_core.desks.replanning import choose, planning
from krafte_core.desks.reversing import Reversal, Reversed
from krafte_core.diary import allow
from krafte_core.errors import AlreadyExists, InvalidInput, Short
from krafte_core.events import Event, ProductionStarted
from krafte_core.items import code, note, one_of
from krafte_core.office import Office
from krafte_core.production import PRODUCTION_STEPS, ProductionOrder
from krafte_core.stock import STOCK, Move, line_of, unusable
from krafte_core.straight import straight
from krafte_core.times import day
from krafte_core.wording import told
from krafte_core.work import Work, number_of


@attrs.frozen
class Started:
    """What `start` did: the moves that brought the lots to the line, in whole steps."""

    production: str
    moves: tuple[Move, ...]
    events: tuple[Event, ...]


_started, _told = straight(Started), straight(ProductionStarted)


class BegunRuns:
    """The part of `shop.production` that deals with runs at work and afterwards."""

    def __init__(self, office: Office) -> None:
        """At this office."""
        self._office = office

    def start(
        self,
        production: ProductionOrder | str,
        *,
        when_short: str = "refuse",
        happened_at: datetime | str | None = None,
        key: str | None = None,
        by: str | None = None,
    ) -> Started:
        """Put the reserved lots on the run's line: in process, on hand, but available to nobody else.

        Undone by: `shop.production.stop`.

        Args:
            production: the run.
            when_short: `"refuse"` where a need is not covered by lots; `"start"` begins with what there is.
            happened_at: when it began; default now. Dated back, its lots must have been there then and ever since, and no others are
                chosen by their content or as substitutes than those that are reserved (`cover` does that).

        Raises:
            Short: (`short`) a material is missing. LotNotUsable: (`lot_not_usable`) a reserved lot was held or has expired.
            TooMuch: (`too_much`) dated back, and a lot was not there then.
            NotAllowed: (`not_allowed`) it has begun, or is over. Unknown: (`unknown`) no such run.
        """
        one_of(when_short, ("refuse", "start"), "when_short")
        name = number_of(production)
        at = business_time(happened_at, self._office.zone)
        return self._office.run(starting(name, when_short, at), key=key, content=("start", name, when_short, at), by=by)

    # materials on the line --------------------------------------------------------------------------------------------

    def issue(
        self,
        production: ProductionOrder | str,
        item: str,
        amount: Any,
        *,
        lot: str | None = None,
        place: str | None = None,
        instead_of: str | None = None,
        reason: str = "",
        rework: bool = False,
        force: bool = False,
        happened_at: datetime | str | None = None,
        key: str | None = None,
        by: str | None = None,
    ) -> Handled:
        """Bring material to the line of a run at work: more of what it needs, something additional, a substitute, a lot to rework.

        The run's own reservation is taken first, then what is free. What was brought by hand and stays on the line counts as used when
        the run is completed, unless `used` says otherwise.

        Undone by: `shop.production.give_back`.

        Args:
            production: a started run.
            item: what is brought, by its code or by the line of the recipe.
            amount: how much.
            lot: which lot; default by the item's picking rule. `place`: where from.
            instead_of: the material that it stands in for; needs a `reason`, as does an item that the recipe does not have.
            rework: allows a named lot that may not be used otherwise (rejected, held, expired), for the `reason` given.
            force: takes what was promised to others; they are named.
            happened_at: when; default now. Dated back, only what was there then and ever since is taken.

        Raises:
            Short: (`short`) more than is free. LotNotUsable: (`lot_not_usable`) the lot is held, or was made by this very run.
            TooMuch: (`too_much`) more than there is at all, with `force`. InvalidInput: no reason, or no lot where one is needed.
            NotAllowed: (`not_allowed`) not started, or over. Unknown: (`unknown`) run, item, lot or place.
        """
        name, at = number_of(production), business_time(happened_at, self._office.zone)
        content = ("issue", name, item, told(amount), lot, place, instead_of, note(reason, "reason"), rework, force, at)
        decide = issuing(
            name, item, amount, lot=lot, place=place, instead_of=instead_of, reason=reason, rework=rework, force=force, at=at
        )  # fmt: skip
        return self._office.run(decide, key=key, content=content, by=by)

    def give_back(
        self,
        production: ProductionOrder | str,
        item: str,
        amount: Any,
        *,
        lot: str | None = None,
        to: str | None = None,
        reason: str = "",
        happened_at: datetime | str | None = None,
        key: str | None = None,
        by: str | None = None,
    ) -> Handled:
        """Take material from the line of a run at work back to the shelf: a drum that was weighed back. It is free there.

        What then stays on the line of it counts as used when the run is completed, unless `used` says otherwise.

        Undone by: `shop.production.issue`.

        Args:
            production: a started run.
            item, lot: what; the lot is needed where several lie there.
            amount: at most what lies there.
            to: the place; default where it came from.
            happened_at: when; default now.

        Raises:
            TooMuch: (`too_much`) more than lies there. InvalidInput: which lot? NotAllowed: (`not_allowed`) not started, or over.
            Unknown: (`unknown`) run, item, lot or place.
        """
        name, at = number_of(production), business_time(happened_at, self._office.zone)
        content = ("give_back", name, item, told(amount), lot, to, note(reason, "reason"), at)
        return self._office.run(giving_back(name, item, amount, lot=lot, to=to, reason=reason, at=at), key=key, content=content, by=by)

    def scrap(
        self,
        production: ProductionOrder | str,
        item: str,
        amount: Any,
        *,
        reason: str,
        lot: str | None = None,
        happened_at: datetime | str | None = None,
        key: str | None = None,
        by: str | None = None,
    ) -> Handled:
        """Material on the line of a run is spoiled: it is scrapped there, because of this run; for output there is `shop.stock.scrap`.

        Undone by: `shop.stock.count` on the line, if it was not spoiled after all.

        Raises:
            TooMuch: (`too_much`) more than lies there. InvalidInput: no reason; which lot?
            NotAllowed: (`not_allowed`) not started, or over. Unknown: (`unknown`) run, item or lot.
        """
        name, at = number_of(production), business_time(happened_at, self._office.zone)
        content = ("scrap", name, item, told(amount), lot, note(reason, "reason"), at)
        return self._office.run(scrapping(name, item, amount, lot=lot, reason=reason, at=at), key=key, content=content, by=by)

    # output -----------------------------------------------------------------------------------------------------------

    def report(
        self,
        production: ProductionOrder | str,
        *,
        made: Any,
        scrapped: Any = None,
        used: Used | None = None,
        lot: str | None = None,
        expires: date | str | None = None,
        to: str = STOCK,
        by_products: ByProducts | None = None,
        attributes: Mapping[str, Any] | None = None,
        into: ProductionOrder | str | None = None,
        reason: str = "",
        happened_at: datetime | str | None = None,
        key: str | None = None,
        by: str | None = None,
    ) -> Completed:
        """A part of a run is made, and the run goes on. Any number of reports and the completion add up to what one would be.

        The part is a lot of its own (the run's number with `-1`, `-2`, ...), or adds to the run's own lot of the code that is given.
        Those who count on the run get it, the most urgent first. See `complete` for everything else.

        Undone by: `shop.production.reverse` with the amount.

        Raises:
            What `complete` raises.
        """
        at = business_time(happened_at, self._office.zone)
        said = _said(made, scrapped, used, lot, expires, to, by_products, into, reason, at, attributes)
        name = number_of(production)
        return self._office.run(
            Completion(name, said, ends=False).decide, key=key, content=lambda: _content("report", name, said), by=by
        )

    def complete(
        self,
        production: ProductionOrder | str,
        *,
        made: Any,
        scrapped: Any = None,
        used: Used | None = None,
        lot: str | None = None,
        expires: date | str | None = None,
        to: str = STOCK,
        by_products: ByProducts | None = None,
        attributes: Mapping[str, Any] | None = None,
        into: ProductionOrder | str | None = None,
        reason: str = "",
        happened_at: datetime | str | None = None,
        key: str | None = None,
        by: str | None = None,
    ) -> Completed:
        """End a run: add the finished lot, use the materials, give back the rest, and hand the output to those it was made for.

        Undone by: `shop.production.reverse`.

        Args:
            production: a started run.
            made: good output, zero or more; `scrapped`: output that is scrapped at once. What was planned and neither made nor
                scrapped is lost.
            used: per item what was really used, `{"tomato": "131.5 kg"}` or per lot `{"spice-mix": {"MIX-1": "3 kg"}}`; an empty
                entry means nothing; items not named are used as planned, at most what is on the line. Of what was issued or given
                back by hand, what stays on the line is used.
            lot: the finished lot's code; default the run's number.
            expires: its last day.
            to: the place it goes to.
            by_products: other items that came out, each into a lot of its own: `{"glycerine": "2 kg"}` (of the finished lot's code)
                or `{"glycerine": {"G-1": "2 kg"}}`. What the recipe has besides and is not named came as the recipe says for what
                was made; an empty entry means nothing. Where the recipe takes an item apart, `made` is how much of it was.
            attributes: of the finished lot, as at receipt: its measured content (`{"potency": "35 %"}`), its density, the host's own.
                Of what came out besides under its item: `{"whey": {"potency": "0.8 %"}}`, or lot by lot.
            into: a run at work that this one was made for: as much as it still needs goes straight to its line.
            reason: why use or output differ from the plan; a strict item needs one beyond its tolerance.
            happened_at: when it was done; default now. Dated back, what was used must have been there then and ever since.

        Raises:
            AlreadyExists: (`already_exists`) the item has a lot of this code. TooMuch: (`too_much`) more used than there is.
            BeyondTolerance: (`beyond_tolerance`) a strict item, and no reason.
            InvalidInput: an amount, or a material the run does not have.
            NotAllowed: (`not_allowed`) not started, or over. Unknown: (`unknown`) run, item, lot or place.
        """
        at = business_time(happened_at, self._office.zone)
        said = _said(made, scrapped, used, lot, expires, to, by_products, into, reason, at, attributes)
        name = number_of(production)
        return self._office.run(Completion(name, said).decide, key=key, content=lambda: _content("complete", name, said), by=by)

    def make(
        self,
        item: str,
        amount: Any,
        *,
        used: Used | None = None,
        lot: str | None = None,
        expires: date | str | None = None,
        to: str = STOCK,
        by_products: ByProducts | None = None,
        attributes: Mapping[str, Any] | None = None,
        recipe: str | None = None,
        reason: str = "",
        happened_at: datetime | str | None = None,
        key: str | None = None,
        by: str | None = None,
    ) -> Completed:
        """Plan, start and complete a run in one command: for what was made just now, or when `happened_at` says.

        Undone by: `shop.production.reverse`.

        Raises:
            Short: (`short`) a material is missing; and what `plan`, `start` and `complete` raise. Nothing is half done.
        """
        at = business_time(happened_at, self._office.zone)
        said = _said(amount, None, used, lot, expires, to, by_products, None, reason, at, attributes)

        def decide(work: Work) -> Completed:
            work.catalogue.place(to)
            if lot is not None and work.reader.lots([(item, code(lot, "lot"))]):
                raise AlreadyExists(f"lot of {item}", lot)  # before a number is taken
            made(work.trial())  # a refusal comes before a number is taken
            return made(work)

        def made(work: Work) -> Completed:
            plan = planning(item, amount, "refuse", levels=False, recipe=recipe)(work)
            work.settle()
            starting(plan.production.number, "refuse", at)(work)
            work.settle()
            return Completion(plan.production.number, said).decide(work)

        return self._office.run(decide, key=key, content=lambda: (*_content("make", item, said), recipe), by=by)

    def stop(
        self,
        production: ProductionOrder | str,
        *,
        reason: str = "",
        happened_at: datetime | str | None = None,
        key: str | None = None,
        by: str | None = None,
    ) -> Completed:
        """End a run with what it has made so far: nothing more is used, its line goes back to the shelf, who waited for more is named.

        Undone by: `shop.production.plan` (a new run for the rest).

        Args:
            production: a started run.
            reason: why.
            happened_at: when; default now. Dated back, it did not end before what was done at it.

        Raises:
            NotAllowed: (`not_allowed`) not started, or over. Unknown: (`unknown`) no such run. InvalidInput: the time.
        """
        name, why, at = number_of(production), note(reason, "reason"), business_time(happened_at, self._office.zone)
        return self._office.run(lambda work: stop(work, name, why, at), key=key, content=("stop", name, why, at), by=by)

    # corrections ------------------------------------------------------------------------------------------------------

    def use(
        self,
        production: ProductionOrder | str,
        item: str,
        amount: Any,
        *,
        reason: str,
        lot: str | None = None,
        place: str | None = None,
        happened_at: datetime | str | None = None,
        key: str | None = None,
        by: str | None = None,
    ) -> Handled:
        """Write down a use that was forgotten, or happened after the run was done: sugar that was added after tasting.

        It does not matter where the output is by now; the trace of its lots knows of it. A fact: promises to others shrink.

        Undone by: `shop.production.reverse` (with the output that it went into).

        Args:
            production: a run that is done.
            item: any; it need not be in the recipe.
            lot: which lot; default by the item's picking rule. `place`: where from.
            reason: why only now.
            happened_at: when it was used; default now.

        Raises:
            TooMuch: (`too_much`) more than there is. LotNotUsable: (`lot_not_usable`) a lot that this very run made.
            InvalidInput: no reason. NotAllowed: (`not_allowed`) not done, or closed. Unknown: (`unknown`) run, item, lot or place.
        """
        name, at = number_of(production), business_time(happened_at, self._office.zone)
        content = ("use", name, item, told(amount), lot, place, note(reason, "reason"), at)
        return self._office.run(using(name, item, amount, lot=lot, place=place, reason=reason, at=at), key=key, content=content, by=by)

    def reverse(
        self,
        production: ProductionOrder | str,
        amount: Any = None,
        *,
        lot: str | None = None,
        force: bool = False,
        reason: str = "",
        happened_at: datetime | str | None = None,
        key: str | None = None,
        by: str | None = None,
    ) -> Reversed:
        """Take back what a run made, wholly or in part: every lot that went in goes back to where it came from.

        The ledger says what went in, not the recipe. A part of the output takes the same part of every input with it; whoever takes
        back all of it gets back all of them, also those of what was scrapped or lost.

        Undone by: `shop.production.plan` (a new run makes it again).

        Args:
            production: a run that is done, or at work (which ends it, if all is taken back).
            amount: good output, at most what is still there; default all of it.
            lot: of this lot only; default the latest first.
            force: takes output that was promised to others; they are named.
            reason: why.
            happened_at: when it was taken back; default now. Dated back, the output must have been there then and ever since.

        Raises:
            TooMuch: (`too_much`) more than was made, or than is left of the lot. Short: (`short`) it is promised to others.
            NotAllowed: (`not_allowed`) not begun, closed, or reversed already. Unknown: (`unknown`) no such run.
            InvalidInput: (`invalid_input`) a time before what is taken back.
        """
        name, at = number_of(production), business_time(happened_at, self._office.zone)
        content = ("reverse", name, told(amount), lot, force, note(reason, "reason"), at)
        decide = Reversal(name, amount, lot, reason, force=force, at=at).decide
        return self._office.run(decide, key=key, content=content, by=by)

    def close(self, production: ProductionOrder | str, *, reason: str = "", key: str | None = None, by: str | None = None) -> Stepped:
        """Close the file of a run that is done: nothing is corrected any more.

        Undone by: `shop.production.reopen`.

        Raises:
            NotAllowed: (`not_allowed`) it is not done. Unknown: (`unknown`) no such run.
        """
        name = number_of(production)
        return self._office.run(stepping(name, "close", note(reason, "reason")), key=key, content=("close", name, reason), by=by)

    def reopen(self, production: ProductionOrder | str, *, reason: str = "", key: str | None = None, by: str | None = None) -> Stepped:
        """Open the file of a closed run again, for a correction.

        Undone by: `shop.production.close`.

        Raises:
            NotAllowed: (`not_allowed`) it is not closed. Unknown: (`unknown`) no such run.
        """
        name = number_of(production)
        return self._office.run(stepping(name, "reopen", note(reason, "reason")), key=key, content=("reopen", name, reason), by=by)


def _said(
    made: Any, scrapped: Any, used: Used | None, lot: str | None, expires: date | str | None, to: str,
    by_products: ByProducts | None, into: ProductionOrder | str | None, reason: str, at: datetime | None,
    attributes: Mapping[str, Any] | None,
) -> Said:  # fmt: skip
    return Said(
        made,
        scrapped,
        _mapping(used, "used"),
        lot,
        None if expires is None else day(expires),
        to,
        _mapping(by_products, "by_products"),
        None if into is None else number_of(into),
        note(reason, "reason"),
        at,
        described(attributes),
    )


def _content(command: str, name: str, said: Said) -> tuple[object, ...]:
    """What was said, as the key remembers it."""
    amounts = told(said.made), told(said.scrapped), _asked(said.used), _asked(said.by_products)
    own = tuple(said.attributes.items())
    return (command, name, *amounts, said.lot, said.expires, said.to, said.into, said.reason, said.at, own)


def _mapping(given: Mapping[str, Any] | None, field: str) -> Mapping[str, Any]:
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise InvalidInput(field, given, "an amount, or amounts per lot, for every item")
    return given


def _asked(amounts: Mapping[str, Any]) -> object:
    """Amounts per item, or per item and lot, as the key remembers them."""
    return tuple(
        (told(name), tuple((told(lot), told(one)) for lot, one in given.items()) if isinstance(given, Mapping) else told(given))
        for name, given in amounts.items()
    )


def starting(name: str, when_short: str, at: datetime | None = None) -> Callable[[Work], Started]:
    """The decision behind `shop.production.start`."""

    def decide(work: Work) -> Started:
        run = work.paper(ProductionOrder, name)
        if run.by_choice:
            run = _chosen_again(work, run, at)
        work.step(run, work.state(run), "start", details=date_step(work, name, at))
        refuse_stopped(work, run, "start")
        links = work.reader.links((name,))[name]
        reserved = [link for link in links if link.source == LOT]
        lots = work.reader.lots([(link.item, link.ref) for link in reserved])
        if when_short == "refuse":
            _refuse_short(work, run, reserved)
        today, usable = work.day_then, places_for(work, run)
        for _, _, _, item, lot_code, place, _, _, _ in reserved:
            lot = lots[item, lot_code]
            if lot.disposition != "released" or place not in usable or (lot.expires is not None and lot.expires < today):
                raise work.refuse_lot(item, lot_code, unusable(lot, today) or f"in {place}")
        moves = work.fulfil("start", name, reserved, lots, line_of(name))  # what lies on the run's own line is nobody else's
        if at is not None:
            fit_in(work)
        work.tell(_told(work.at, name, run.item))
        return _started(name, moves, tuple(work.changes.events))

    return decide


def _chosen_again(work: Work, run: ProductionOrder, at: datetime | None) -> ProductionOrder:
    """What depends on the lots that are there is chosen from those of now, as far as it is open: by content, or a substitute.

    Dated back, nothing new is chosen: what lies there now need not have been there then.
    """
    allow(PRODUCTION_STEPS, run.number, work.state(run), "start")
    if at is None:
        choose(work, [run.number])
    else:
        follow(work, run)
    return work.paper(ProductionOrder, run.number)  # type: ignore[no-any-return]


def _refuse_short(work: Work, run: ProductionOrder, reserved: Sequence[Allocation]) -> None:
    """Refuse what the reserved lots do not cover."""
    steps = run.steps
    if run.by_choice:
        open_ = Charge(work, run, reserved).open(0)
        covered = {line.ref: line.requirement(steps) - open_[line.ref] for line in run.lines}
    else:
        covered = {}
        for link in reserved:
            covered[link.line] = covered.get(link.line, 0) + link.covers
    short = [line for line in run.lines if covered.get(line.ref, 0) < line.requirement(steps)]
    if short:
        raise Short(tuple([shortage(line.item, line.scale, line.requirement(steps), covered.get(line.ref, 0)) for line in short]))
