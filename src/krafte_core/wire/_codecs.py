"""One codec per type, made from its annotations when it is first met: values that say their type, containers, classes."""

from __future__ import annotations

import enum
import json
import types
import typing
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from functools import cache
from importlib import import_module
from itertools import repeat
from operator import attrgetter
from typing import Any

import attrs

from krafte_core.errors import InvalidInput, KrafteError
from krafte_core.wire._scalars import NOTHING, REFUSALS, SCALARS, Codec, Misfit, as_text, as_whole, spelled
from krafte_core.wire._vocabulary import NAMES, OPEN, SPARSE, TYPES
from krafte_core.wording import shown

MAX_DEPTH = 32
canonical = json.JSONEncoder(sort_keys=True, separators=(",", ":"), allow_nan=False).encode
Step = Callable[[Any, int], Any]

# ----------------------------------------------------------------------------------------- values that say their type

_BUILT_IN: dict[str, Any] = {
    "Decimal": Decimal, "Fraction": Fraction, "datetime": datetime, "date": date,
    "tuple": tuple[Any, ...], "list": list[Any], "dict": dict[Any, Any], "set": set[Any], "frozenset": frozenset[Any],
}  # fmt: skip
_BUILT_IN_NAMES = {typing.get_origin(kind) or kind: name for name, kind in _BUILT_IN.items()}


_known: dict[str, Codec] = {}
_names: dict[type, str] = {}  # both grow with the vocabulary only, not with what documents bring


def _tagged(name: str) -> Codec | None:
    """How the type of this name on the wire is written and read, if it is in the vocabulary."""
    if name in _BUILT_IN:
        found = codec(_BUILT_IN[name])
    elif name in TYPES:
        home, own = TYPES[name]
        found = codec(getattr(import_module(home), own), itself=True)
    else:
        return None
    _known[name] = found
    return found


def _name_of(kind: type) -> str | None:
    name = _BUILT_IN_NAMES.get(kind) or NAMES.get((kind.__module__, kind.__qualname__))
    if name is not None:
        _names[kind] = name
    return name


def write_any(value: Any, depth: int) -> Any:
    """A value of any type of the vocabulary: plain if it is plain, else with its type."""
    kind = type(value)
    if kind is str or value is None or kind is int or kind is bool:
        return value
    name = _names.get(kind) or _name_of(kind)
    known = None if name is None else _known.get(name) or _tagged(name)
    if known is None:
        if isinstance(value, str | int):
            return as_text(value, depth) if isinstance(value, str) else as_whole(value, depth)
        raise Misfit(value, "a value of the library, text, or a whole number")
    return {"type": name, "value": deeper(known.write, value, depth)}


def read_any(data: Any, depth: int) -> Any:
    """A plain value, or one that says its type."""
    kind = type(data)
    if kind is str or data is None or kind is int or kind is bool:
        return data
    if kind is not dict or data.keys() != {"type", "value"}:
        raise Misfit(data, "text, a whole number, true, false, null, or an object with `type` and `value`")
    name = data["type"]
    known = (_known.get(name) or _tagged(name)) if type(name) is str else None
    if known is None:
        raise Misfit(name, "the name of a known type", "type")
    return deeper(known.read, data["value"], depth)


def deeper(step: Step, value: Any, depth: int) -> Any:
    """One typed value further in, unless that is too deep."""
    if depth >= MAX_DEPTH:
        raise Misfit(value, f"at most {MAX_DEPTH} typed values within one another", "value")
    try:
        return step(value, depth + 1)
    except Misfit as problem:
        problem.path.append("value")
        raise


def _write_shown(value: Any, depth: int) -> Any:
    """What an error holds may be anything; what has no wire form goes as the text that its sentence shows."""
    try:
        return write_any(value, depth)
    except Misfit:
        return shown(value)


_ANY = Codec(write_any, read_any)
_SHOWN = Codec(_write_shown, read_any)


def _only(kinds: tuple[type, ...]) -> Codec:
    """One of several types; the value says which."""

    def check(value: Any) -> Any:
        if not isinstance(value, kinds):
            raise Misfit(value, "a value of type " + " or ".join(kind.__name__ for kind in kinds))
        return value

    return Codec(lambda value, depth: write_any(check(value), depth), lambda data, depth: check(read_any(data, depth)))


# --------------------------------------------------------------------------------------------------------- containers


def _optional(inner: Codec) -> Codec:
    write, read = inner

    def write_it(value: Any, depth: int) -> Any:
        return None if value is None else write(value, depth)

    def read_it(data: Any, depth: int) -> Any:
        return None if data is None else read(data, depth)

    return Codec(write_it, read_it)


def _each(rows: Iterable[Any], steps: Iterable[Step], depth: int) -> list[Any]:
    done: list[Any] = []
    add = done.append
    try:
        for row, step in zip(rows, steps, strict=False):
            add(step(row, depth))
    except Misfit as problem:
        problem.path.append(len(done))
        raise
    return done


def _gathered(kind: Any, rows: Sequence[Any], data: Any) -> Any:
    """The rows as a set, tuple, list or dict that has all of them."""
    try:
        done = kind(rows)
    except TypeError as problem:
        raise Misfit(data, f"members that can stand in a {kind.__name__}") from problem
    if len(done) != len(rows):
        raise Misfit(data, "every member once")
    return done


def _many(kind: Any, inner: Codec) -> Codec:
    """A tuple or list of any length; a set, in the order of its members' texts."""
    write, read = inner

    def write_it(value: Any, depth: int) -> list[Any]:
        if type(value) is not kind:
            raise Misfit(value, f"a {kind.__name__}")
        if not value:
            return []
        done = _each(value, repeat(write), depth)
        return sorted(done, key=canonical) if kind in (set, frozenset) else done

    def read_it(data: Any, depth: int) -> Any:
        if type(data) is not list:
            raise Misfit(data, "a list")
        return _gathered(kind, _each(data, repeat(read), depth), data)

    return Codec(write_it, read_it)


def _fixed(inner: tuple[Codec, ...]) -> Codec:
    """A tuple of these types."""
    writers, readers = [one.write for one in inner], [one.read for one in inner]

    def write_it(value: Any, depth: int) -> list[Any]:
        if not isinstance(value, tuple) or len(value) != len(writers):
            raise Misfit(value, f"a tuple of {len(writers)}")
        return _each(value, writers, depth)

    def read_it(data: Any, depth: int) -> Any:
        if type(data) is not list or len(data) != len(readers):
            raise Misfit(data, f"a list of {len(readers)}")
        return tuple(_each(data, readers, depth))

    return Codec(write_it, read_it)


def _by_name(inner: Codec) -> Codec:
    """A mapping of texts as an object."""

    def each(rows: Mapping[Any, Any], step: Step, depth: int) -> dict[str, Any]:
        done, name = {}, ""
        try:
            for name, value in rows.items():
                done[as_text(name, depth)] = step(value, depth)
        except Misfit as problem:
            problem.path.append(str(name))
            raise
        return done

    def write_it(value: Any, depth: int) -> Any:
        if not isinstance(value, Mapping):
            raise Misfit(value, "a mapping")
        return each(value, inner.write, depth)

    def read_it(data: Any, depth: int) -> Any:
        if type(data) is not dict:
            raise Misfit(data, "an object")
        return each(data, inner.read, depth)

    return Codec(write_it, read_it)


def _in_pairs(key: Codec, inner: Codec) -> Codec:
    """Another mapping as pairs, in the order of their texts."""
    pairs = _many(tuple, _fixed((key, inner)))

    def write_it(value: Any, depth: int) -> Any:
        if not isinstance(value, Mapping):
            raise Misfit(value, "a mapping")
        return sorted(pairs.write(tuple(value.items()), depth), key=canonical)

    return Codec(write_it, lambda data, depth: _gathered(dict, pairs.read(data, depth), data))


# ------------------------------------------------------------------------------------------------------------ classes


class _Field(typing.NamedTuple):
    name: str
    argument: str
    codec: Codec
    required: bool


def _fields(kind: Any) -> list[_Field]:
    """What a class is made of: the arguments of its constructor."""
    hints = typing.get_type_hints(kind, localns={"datetime": datetime})
    if issubclass(kind, tuple):
        return [_Field(name, name, codec(hints[name]), name not in kind._field_defaults) for name in kind._fields]
    found = []
    for one in attrs.fields(kind):
        hint = hints[one.name]
        own = _SHOWN if hint is Any and issubclass(kind, KrafteError) else codec(hint) if one.init else _ANY
        found.append(_Field(one.name, one.alias, own, one.default is attrs.NOTHING) if one.init else None)
    return [one for one in found if one]


def _defaults(kind: Any) -> dict[str, Any]:
    """The defaults that are values, by the name of their field."""
    plain = [one for one in attrs.fields(kind) if one.default is not attrs.NOTHING and not isinstance(one.default, attrs.Factory)]  # type: ignore[arg-type]
    return {one.name: one.default for one in plain}


class _Record:
    """A class as an object with all its fields. Reading goes through its constructor, so what it refuses is refused."""

    def __init__(self, kind: Any) -> None:
        fields = _fields(kind)
        self.kind = kind
        self.names = {one.name for one in fields}
        self.defaults = _defaults(kind) if kind.__name__ in SPARSE else {}
        nothing = object()  # no field holds this
        self.writers = [(one.name, one.codec.write, self.defaults.get(one.name, nothing)) for one in fields]
        self.readers = [(one.name, one.argument, one.codec.read, one.required) for one in fields]

    def write(self, value: Any, depth: int) -> dict[str, Any]:
        if type(value) is not self.kind:
            raise Misfit(value, f"a value of type {self.kind.__name__}")
        done, name = {}, ""
        try:
            for name, write, default in self.writers:
                field = getattr(value, name)
                kind = type(field)
                if field is default or (kind is type(default) and field == default):
                    continue
                done[name] = field if kind is str and write is as_text else write(field, depth)
        except Misfit as problem:
            problem.path.append(name)
            raise
        return done

    def read(self, data: Any, depth: int) -> Any:
        if type(data) is not dict:
            raise Misfit(data, f"an object with the fields of {self.kind.__name__}")
        given, name = {}, ""
        try:
            for name, argument, read, required in self.readers:
                if name in data:
                    given[argument] = read(data[name], depth)
                elif required:
                    read(NOTHING, depth)
        except Misfit as problem:
            problem.path.append(name)
            raise
        if len(given) != len(data):
            name = next(one for one in data if one not in self.names)
            raise Misfit(data[name], f"only fields of {self.kind.__name__}", str(name))
        try:
            return self.kind(**given)
        except REFUSALS as problem:
            raise self._refused(problem, data) from problem

    def _refused(self, problem: Exception, data: Any) -> Misfit:
        """What the constructor said, at the field that it named."""
        if not isinstance(problem, InvalidInput):
            return Misfit(data, f"what {self.kind.__name__} takes ({shown(str(problem))})")
        return Misfit(problem.given, problem.expected, *({problem.field} & self.names))


# ------------------------------------------------------------------------------------------------- one codec per type


@cache
def codec(kind: Any, *, itself: bool = False) -> Codec:
    """How a value of this type (a class or an annotation) is written and read. With `itself` a class is meant without its heirs.

    Raises:
        TypeError: the type has no wire form (a float, a function, a class that is no value).

    >>> codec(tuple[int, ...]).write((1, 2), 0)
    [1, 2]
    """
    if kind in SCALARS:
        return SCALARS[kind]
    if kind is Any or isinstance(kind, typing.TypeVar):
        return _ANY
    if isinstance(kind, typing.NewType):
        return codec(kind.__supertype__)
    if typing.get_origin(kind) is not None:
        return _generic(typing.get_origin(kind), typing.get_args(kind))
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return spelled(kind, f"one of {', '.join(repr(one.value) for one in kind)}", attrgetter("value"), kind)
    if isinstance(kind, type) and (kind.__name__ in OPEN or issubclass(kind, Exception)) and not itself:
        return _only((kind,))
    if isinstance(kind, type) and (attrs.has(kind) or hasattr(kind, "_field_defaults")):
        made = _Record(kind)
        return Codec(made.write, made.read)
    raise TypeError(f"no wire form for {kind!r}")


def _generic(origin: Any, arguments: tuple[Any, ...]) -> Codec:
    if origin in (typing.Union, types.UnionType):
        kinds = [one for one in arguments if one is not type(None)]
        inner = codec(kinds[0]) if len(kinds) == 1 else _only(tuple(typing.get_origin(one) or one for one in kinds))
        return inner if len(kinds) == len(arguments) else _optional(inner)
    if origin is typing.Literal:
        among = {str(one): one for one in arguments}
        return spelled(str, f"one of {', '.join(map(repr, arguments))}", among.__getitem__, among.__getitem__)
    if origin is tuple and arguments[-1:] != (...,):
        return _fixed(tuple(map(codec, arguments)))
    if origin in (tuple, list, set, frozenset):
        return _many(origin, codec(arguments[0]))
    if origin in (dict, Mapping):
        key, inner = arguments
        return _by_name(codec(inner)) if key is str else _in_pairs(codec(key), codec(inner))
    if origin is Sequence:
        return _only((tuple, list))
    raise TypeError(f"no wire form for {origin!r}")
