"""Every error of the library: one tree, a stable `code` per class, the facts as fields.

::

    KrafteError
    ├── InvalidInput            invalid_input         a value of the wrong shape
    │   ├── TooFarBack          too_far_back          into a closed period, or beyond the host's limit
    │   ├── UnreadableText      unreadable_text       a text that the grammar does not know
    │   ├── TextTooLong         text_too_long
    │   ├── FloatRefused        float_refused         a binary float where exactness is wanted
    │   ├── OutOfRange          out_of_range          NaN, infinity, or more than 64 bits of steps
    │   ├── NotPositive         not_positive          zero or less where something must move
    │   ├── NotWholeSteps       not_whole_steps       finer than the item's smallest step
    │   ├── UnknownUnit         unknown_unit
    │   ├── UnitMismatch        unit_mismatch         no bridge between two units
    │   ├── UnknownCurrency     unknown_currency
    │   ├── CurrencyMismatch    currency_mismatch     two currencies in one sum
    │   ├── NaiveDatetime       naive_datetime        a datetime without a zone
    │   └── RoundsToNothing     rounds_to_nothing     a recipe line that the step cannot hold
    ├── Unknown                 unknown               no such item, lot, paper, ...
    ├── AlreadyExists           already_exists
    ├── Immutable               immutable             a unit or step changed after use
    ├── RecipeCycle             recipe_cycle
    ├── Unsolvable              recipe_unsolvable     lines of a recipe that conflict, or too little is said
    ├── NotAllowed              not_allowed           a step that the paper's table does not have
    ├── Short                   short                 an intention beyond what is free
    ├── TooMuch                 too_much              a fact beyond what the books hold
    ├── BeyondTolerance         beyond_tolerance      a use that its item allows only with a reason
    ├── LotNotUsable            lot_not_usable        a lot asked for by name
    ├── LotUnknown              lot_unknown           several lots may be meant
    ├── NoSource                no_source             neither recipe nor supplier
    ├── BeyondHorizon           beyond_horizon        outside the days a calendar was compiled for
    ├── NeverFits               never_fits            a job longer than every opening
    ├── ClockWentBack           clock_went_back
    ├── StaleVersion            stale_version         the paper has changed since it was read
    ├── KeyReused               key_reused            one idempotency key, two contents
    ├── Conflict                conflict              other writers won every retry
    ├── EntryRefused            entry_refused         one of many commands that go together
    ├── BrokenLaw               broken_law            `verify()` found books that do not add up
    ├── StoreFailed             store_failed          the disk, the file, the server or the connection
    ├── WrongSchema             wrong_schema          tables of another version, or of another program
    ├── WireError               unreadable_wire       a document that is not wire form
    │   └── UnknownVersion      unknown_version       wire form of a newer library
    └── ChannelError            channel_error         what a sales channel sent or answered cannot be used
        ├── BadSignature        bad_signature         a forged or altered webhook
        ├── Replayed            replayed              a webhook from outside the time window
        ├── WrongAccount        wrong_account         a message for another shop
        ├── BadPayload          bad_payload           every problem of a payload, each with its path
        └── ChannelRefused      channel_refused       the channel's server refuses for good

Codes and fields are promised to stay, sentences are not. Errors are values: two with the same class and fields are equal,
and they survive `pickle` and `copy`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import attrs

from krafte_core.wording import TOLD, listed, same, sentence, shown, told

if TYPE_CHECKING:
    from datetime import datetime


class KrafteError(Exception):
    """The root of the tree: catch this to catch everything that the library raises on purpose.

    >>> KrafteError.code
    'krafte_error'
    """

    code: ClassVar[str] = "krafte_error"

    def __eq__(self, other: object) -> bool:
        """Errors are values: same class, same fields."""
        if type(self) is not type(other) or not isinstance(other, KrafteError):
            return False
        return len(self.args) == len(other.args) and all(map(same, self.args, other.args))

    def __hash__(self) -> int:
        """Agrees with `==` and never fails, whatever a field holds."""
        return hash((type(self), *(field for field in self.args if isinstance(field, str))))

    def __repr__(self) -> str:
        """The class and its fields, each cut to a readable length."""
        return f"{type(self).__name__}({', '.join(map(shown, self.args))})"

    def add_note(self, note: str, /) -> None:
        """Notes may be added although the fields are frozen (older releases of attrs refuse it)."""
        if not isinstance(note, str):
            raise TypeError(f"a note is text, not {type(note).__name__}")
        self.__dict__.setdefault("__notes__", []).append(note)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle and copy rebuild from the fields: a frozen instance refuses the default way. Notes come along."""
        notes = self.__dict__.get("__notes__")
        return (_again, (type(self), self.args, tuple(notes))) if notes else (type(self), self.args)


def _again(kind: type[KrafteError], fields: tuple[Any, ...], notes: tuple[str, ...]) -> KrafteError:
    made = kind(*fields)
    for note in notes:
        made.add_note(note)
    return made


error = attrs.frozen(eq=False, slots=False, repr=False)


@error
class InvalidInput(KrafteError):
    """A value of the wrong shape: which field, what was given, what is wanted.

    >>> str(InvalidInput("amount", None, "an amount such as '2.5 kg'"))
    "amount: got None, expected an amount such as '2.5 kg'"
    """

    code: ClassVar[str] = "invalid_input"
    field: str
    given: Any
    expected: str

    def __str__(self) -> str:
        """The sentence."""
        return f"{self.field}: got {shown(self.given)}, expected {self.expected}"


@error
class TooFarBack(InvalidInput):
    """An entry dated into a closed period, or further back than the host allows; `expected` names the limit."""

    code: ClassVar[str] = "too_far_back"


@error
class UnreadableText(InvalidInput):
    """A text that the small grammar does not know; `expected` shows the right spelling."""

    code: ClassVar[str] = "unreadable_text"


@error
class TextTooLong(InvalidInput):
    """A text beyond the limit; `given` holds only its beginning."""

    code: ClassVar[str] = "text_too_long"


@error
class FloatRefused(InvalidInput):
    """A binary float: 0.1 is not a tenth. `expected` shows the same amount spelled exactly."""

    code: ClassVar[str] = "float_refused"


@error
class OutOfRange(InvalidInput):
    """NaN, infinity, or an amount that needs more than 64 bits of steps."""

    code: ClassVar[str] = "out_of_range"


@error
class NotPositive(InvalidInput):
    """Zero or less where something must move."""

    code: ClassVar[str] = "not_positive"


@error
class NotWholeSteps(InvalidInput):
    """An amount finer than the item's smallest step; never rounded for you, the two nearest valid amounts are given."""

    code: ClassVar[str] = "not_whole_steps"
    item: str
    below: Any
    above: Any

    def __str__(self) -> str:
        """The sentence."""
        nearest = f"{told(self.below)} and {told(self.above)}"
        return f"{self.field}: {told(self.given)} is no whole step of {told(self.item)}; nearest are {nearest}"


@error
class UnknownUnit(InvalidInput):
    """A unit that neither the library nor the item knows."""

    code: ClassVar[str] = "unknown_unit"
    choices: tuple[str, ...] = ()

    def __str__(self) -> str:
        """The sentence."""
        hint = f"; did you mean {listed(self.choices)}?" if self.choices else ""
        return f"{self.field}: no unit {shown(self.given)}{hint}"


@error
class UnitMismatch(InvalidInput):
    """Two units without a bridge: `missing` names what the item would need (`density`, a pack, ...)."""

    code: ClassVar[str] = "unit_mismatch"
    wanted: str
    missing: str

    def __str__(self) -> str:
        """The sentence."""
        return f"{self.field}: {shown(self.given)} cannot be told in {told(self.wanted)}; {told(self.missing)}"


@error
class UnknownCurrency(InvalidInput):
    """A currency code that ISO 4217 does not list."""

    code: ClassVar[str] = "unknown_currency"


@error
class CurrencyMismatch(InvalidInput):
    """Two currencies in one sum or comparison; converting is the host's decision."""

    code: ClassVar[str] = "currency_mismatch"


@error
class NaiveDatetime(InvalidInput):
    """A `datetime` without a zone: nobody can know which instant it means."""

    code: ClassVar[str] = "naive_datetime"


@error
class RoundsToNothing(InvalidInput):
    """A recipe line that the item's step cannot hold within 0.1 %; `given` is the exact amount, `expected` the step."""

    code: ClassVar[str] = "rounds_to_nothing"


@error
class Unknown(KrafteError):
    """Nothing of this kind has this name; the nearest names are given."""

    code: ClassVar[str] = "unknown"
    kind: str
    name: Any
    choices: tuple[str, ...] = ()

    def __str__(self) -> str:
        """The sentence."""
        known = f"; known: {listed(self.choices)}" if self.choices else ""
        return f"no {self.kind} {shown(self.name)}{known}"


@error
class AlreadyExists(KrafteError):
    """The name is taken."""

    code: ClassVar[str] = "already_exists"
    kind: str
    name: Any

    def __str__(self) -> str:
        """The sentence."""
        return f"{self.kind} {shown(self.name)} exists already"


@error
class Immutable(KrafteError):
    """What may not change once it is used (an item's unit or step): what it is, what was wanted."""

    code: ClassVar[str] = "immutable"
    kind: str
    name: str
    field: str
    current: Any
    wanted: Any

    def __str__(self) -> str:
        """The sentence."""
        change = f"{self.field} is {told(self.current)} and cannot become {told(self.wanted)} any more"
        return f"{self.kind} {shown(self.name)}: {change}"


@error
class RecipeCycle(KrafteError):
    """A product that needs itself: `cycle` is the way round, first and last item the same."""

    code: ClassVar[str] = "recipe_cycle"
    cycle: tuple[str, ...]

    def __str__(self) -> str:
        """The sentence."""
        way = self.cycle if len(self.cycle) <= 12 else (*self.cycle[:6], f"({len(self.cycle) - 12} more)", *self.cycle[-6:])
        circle = " <- ".join(map(told, way))
        return f"recipes need each other in a circle: {circle}; take one of these lines out, or let it be `from_stock`"


@error
class Unsolvable(KrafteError):
    """A recipe whose lines do not go together: which lines, what is wrong, by how much, and what would mend it."""

    code: ClassVar[str] = "recipe_unsolvable"
    recipe: str
    lines: tuple[str, ...]
    problem: str
    by: str
    fix: str

    def __str__(self) -> str:
        """The sentence."""
        how_much = f": {told(self.by)}" if self.by else ""
        return f"recipe {shown(self.recipe)}: {told(self.problem)}{how_much} ({listed(self.lines)}); {told(self.fix)}"


@error
class NotAllowed(KrafteError):
    """A step that the paper's table does not have here; `allowed` lists the steps that it has."""

    code: ClassVar[str] = "not_allowed"
    paper: str
    state: str
    step: str
    allowed: tuple[str, ...] = ()

    def __str__(self) -> str:
        """The sentence."""
        choices = f"possible: {listed(self.allowed)}" if self.allowed else "nothing more is possible"
        return f"{told(self.paper)} is {told(self.state)}: cannot {told(self.step)}; {choices}"


@error
class Short(KrafteError):
    """An intention beyond what is free: per item what was needed, what is available and what is missing."""

    code: ClassVar[str] = "short"
    shortages: tuple[Any, ...]
    next_date: Any = None

    def __str__(self) -> str:
        """The sentence."""
        when = f"; possible by {told(self.next_date)}" if self.next_date else ""
        return "; ".join(map(sentence, self.shortages)) + when


@error
class TooMuch(KrafteError):
    """A fact beyond what the books hold: what was given, what is there; `offer` says how to put it right."""

    code: ClassVar[str] = "too_much"
    what: str
    given: Any
    there: Any
    offer: str = ""

    def __str__(self) -> str:
        """The sentence."""
        offer = f"; {self.offer}" if self.offer else ""
        return f"{told(self.what)}: {told(self.given)} is more than the {told(self.there)} there{offer}"


@error
class BeyondTolerance(KrafteError):
    """A use (or an output) that differs from the plan by more than its item allows without a reason: the limit that was passed."""

    code: ClassVar[str] = "beyond_tolerance"
    item: str
    planned: Any
    given: Any
    limit: Any

    def __str__(self) -> str:
        """The sentence."""
        how = f"{told(self.given)} where {told(self.planned)} was planned, the limit is {told(self.limit)}"
        return f"{told(self.item)}: {how}; say the reason, and it is written down"


@error
class LotNotUsable(KrafteError):
    """A lot asked for by name that may not be used: the reason, and the lots that may."""

    code: ClassVar[str] = "lot_not_usable"
    item: str
    lot: str
    reason: str
    choices: tuple[str, ...] = ()

    def __str__(self) -> str:
        """The sentence."""
        choices = f"; usable: {listed(self.choices)}" if self.choices else ""
        return f"lot {shown(self.lot)} of {told(self.item)}: {told(self.reason)}{choices}"


@error
class LotUnknown(KrafteError):
    """Several lots may be meant: the item, and the lots that it may be."""

    code: ClassVar[str] = "lot_unknown"
    item: str
    choices: tuple[str, ...]

    def __str__(self) -> str:
        """The sentence."""
        return f"which lot of {told(self.item)}? {listed(self.choices)}; or say that it is unknown (unknown_lot=True)"


@error
class NoSource(KrafteError):
    """Nobody makes it and nobody sells it: the items without recipe and supplier, with the way down to each."""

    code: ClassVar[str] = "no_source"
    items: tuple[str, ...]

    def __str__(self) -> str:
        """The sentence."""
        return f"neither a recipe nor a supplier for {listed(self.items)}"


@error
class BeyondHorizon(KrafteError):
    """An instant outside the days that a calendar was compiled for; never a guess beyond them."""

    code: ClassVar[str] = "beyond_horizon"
    calendar: str
    wanted: datetime | None
    first: datetime
    last: datetime

    def __str__(self) -> str:
        """The sentence."""
        return f"calendar {shown(self.calendar)} knows {self.first:%Y-%m-%d} to {self.last:%Y-%m-%d}, not {self.wanted or 'later'}"


@error
class NeverFits(KrafteError):
    """A job that may not pause and is longer than every opening; or one that must follow another (`after`) sooner than it ever can.

    `longest` is the longest opening; for a job that must follow, `needed` is how long it may be waited for and `shortest` how long it
    must be waited for at the least, as far as one figure says it.
    """

    code: ClassVar[str] = "never_fits"
    calendar: str
    needed: str
    longest: str = ""
    operation: str = ""
    after: str = ""
    shortest: str = ""

    def __str__(self) -> str:
        """The sentence."""
        if self.after:
            least = f"; it waits {told(self.shortest)} at the least" if self.shortest else ""
            head = f"{shown(self.operation)} never begins within {told(self.needed)} after {shown(self.after)}"
            return f"{head}, by the hours of {shown(self.calendar)}{least}; let it keep longer, or change the hours"
        if self.longest in ("", "0 h"):
            return f"{told(self.needed)} never fit into {shown(self.calendar)}: it is never open"
        longest = f"its longest opening has {told(self.longest)}"
        return f"{told(self.needed)} never fit into {shown(self.calendar)}: {longest}; make the job pausable"


@error
class ClockWentBack(KrafteError):
    """The clock shows an earlier time than at the last command; the books are written in order."""

    code: ClassVar[str] = "clock_went_back"
    now: datetime
    last: datetime

    def __str__(self) -> str:
        """The sentence."""
        return f"the clock went back from {self.last} to {self.now}"


@error
class StaleVersion(KrafteError):
    """The paper has changed since the caller read it."""

    code: ClassVar[str] = "stale_version"
    paper: str
    given: int
    current: int

    def __str__(self) -> str:
        """The sentence."""
        return f"{told(self.paper)} is at version {told(self.current)}, not {told(self.given)}: read it again"


@error
class KeyReused(KrafteError):
    """One idempotency key with two contents; the first content stands."""

    code: ClassVar[str] = "key_reused"
    key: str

    def __str__(self) -> str:
        """The sentence."""
        return f"key {shown(self.key)} was used before for another command"


@error
class Conflict(KrafteError):
    """Another writer changed what this command had read; raised after the last retry, nothing was stored."""

    code: ClassVar[str] = "conflict"
    what: str
    tries: int = 1

    def __str__(self) -> str:
        """The sentence."""
        return f"{told(self.what)} changed while the command was decided ({told(self.tries)} tries); try again"


@error
class EntryRefused(KrafteError):
    """One of many commands that were to be stored together was refused, so none was: which (counted from 1), and why."""

    code: ClassVar[str] = "entry_refused"
    entry: int
    command: str
    problem: Any

    def __str__(self) -> str:
        """The sentence."""
        return f"entry {self.entry} ({self.command}) was refused: {told(self.problem)}"


@error
class BrokenLaw(KrafteError):
    """`verify()` found books that do not add up: one line per finding."""

    code: ClassVar[str] = "broken_law"
    findings: tuple[str, ...]

    def __str__(self) -> str:
        """The sentence."""
        more = f" and {len(self.findings) - 8} more" if len(self.findings) > 8 else ""
        return f"{len(self.findings)} broken: " + "; ".join(map(sentence, self.findings[:8])) + more


@error
class StoreFailed(KrafteError):
    """The database could not do its work: a full disk, a file that may only be read, a server that went away.

    Nothing is half stored. Where the connection was `lost` while a command was being stored, it may have been stored or not: the
    same command with the same key finds out, and does it at most once.
    """

    code: ClassVar[str] = "store_failed"
    doing: str
    problem: str
    lost: bool = False

    def __str__(self) -> str:
        """The sentence."""
        lost = "; the connection was lost, repeat the command with its key" if self.lost else ""
        return f"the store could not {told(self.doing)}: {told(self.problem)}{lost}"


@error
class WrongSchema(KrafteError):
    """The tables in the database are not those that this version of the library knows; nothing was touched."""

    code: ClassVar[str] = "wrong_schema"
    found: str
    expected: str
    remedy: str

    def __str__(self) -> str:
        """The sentence."""
        return f"the database has {told(self.found)}, this library needs {told(self.expected)}: {told(self.remedy)}"


@error
class WireError(KrafteError):
    """A document that is not wire form: where (a path), what was found, what was expected."""

    code: ClassVar[str] = "unreadable_wire"
    path: str
    given: Any
    expected: str

    def __str__(self) -> str:
        """The sentence."""
        return f"{self.path}: got {shown(self.given)}, expected {self.expected}"


@error
class UnknownVersion(WireError):
    """Wire form of a newer library: refused rather than half understood."""

    code: ClassVar[str] = "unknown_version"


@error
class ChannelError(KrafteError):
    """What a sales channel sent or answered cannot be used: which channel, what came, what is expected."""

    code: ClassVar[str] = "channel_error"
    channel: str
    given: Any
    expected: str

    def __str__(self) -> str:
        """The sentence."""
        return f"{told(self.channel)}: got {shown(self.given)}, expected {self.expected}"


@error
class BadSignature(ChannelError):
    """A webhook that nobody with the secret has signed; nothing of it was read."""

    code: ClassVar[str] = "bad_signature"


@error
class Replayed(ChannelError):
    """A webhook whose signed time lies outside the window: a recording may have been sent again."""

    code: ClassVar[str] = "replayed"


@error
class WrongAccount(ChannelError):
    """A message for another shop than the one that reads it."""

    code: ClassVar[str] = "wrong_account"


@error
class BadPayload(ChannelError):
    """A payload that cannot be understood: `problems` has all of them, each with its path; nothing was imported."""

    code: ClassVar[str] = "bad_payload"
    problems: tuple[Any, ...]

    def __str__(self) -> str:
        """The sentence."""
        more = f" and {len(self.problems) - 8} more" if len(self.problems) > 8 else ""
        return f"{told(self.channel)}: {len(self.problems)} problems in {shown(self.given)}: {_problems(self.problems)}{more}"


@error
class ChannelRefused(ChannelError):
    """The channel's server refuses, and asking again would not help: no access, no such order, an invalid request."""

    code: ClassVar[str] = "channel_refused"


def _problems(rows: Sequence[object]) -> str:
    return "; ".join(sentence(row)[: TOLD // 2] for row in rows[:8])
