"""Values whose parts are known to be right, made in a fifth of the time.

A frozen attrs value pays for every field when it is made: each is set through a call that goes around the class's own refusal. Where
the library makes values of parts that it has just worked out, in the middle of every command, a straight constructor fills an open
twin of the class, field by field, and closes it: the same fields, the same class, the same value.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

import attrs

Parts = ParamSpec("Parts")
Value = TypeVar("Value")


def straight(kind: Callable[Parts, Value]) -> Callable[Parts, Value]:
    """A constructor of a frozen attrs class that converts and checks nothing.

    >>> @attrs.frozen
    ... class Pair:
    ...     left: int
    ...     right: int = attrs.field(default=0, converter=int)
    >>> pair = straight(Pair)
    >>> pair(1), pair(1) == Pair(1), type(pair(1)) is Pair
    (Pair(left=1, right=0), True, True)
    """
    cls: Any = kind
    fields = sorted(attrs.fields(cls), key=lambda field: field.kw_only)
    refusals = {"__setattr__": object.__setattr__, "__delattr__": object.__delattr__}
    scope: dict[str, Any] = {"new": object.__new__, "kind": cls, "twin": type(cls.__name__, (cls,), {"__slots__": (), **refusals})}
    parts, lines = [], []
    for field in fields:
        if field.kw_only and "*" not in parts:
            parts.append("*")
        made = isinstance(field.default, attrs.Factory)  # type: ignore[arg-type]
        scope[f"_{field.name}"] = field.default.factory if made else field.default
        parts.append(field.name if field.default is attrs.NOTHING else f"{field.name}={'None' if made else '_' + field.name}")
        value = f"_{field.name}() if {field.name} is None else {field.name}" if made else field.name
        lines.append(f"    self.{field.name} = {value}\n")
    code = f"def made({', '.join(parts)}):\n    self = new(twin)\n{''.join(lines)}    self.__class__ = kind\n    return self\n"
    exec(code, scope)  # noqa: S102 - as attrs itself writes its constructors
    made_straight: Callable[Parts, Value] = scope["made"]
    return made_straight
