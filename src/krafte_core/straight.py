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
_EMPTY: dict[Any, str] = {dict: "{}", list: "[]"}


def straight(kind: Callable[Parts, Value]) -> Callable[Parts, Value]:
    """A constructor of an attrs class that converts and checks nothing; written out and compiled, as attrs does it itself.

    What a class that is not frozen fills by a factory is no argument: it begins empty, and is filled afterwards.

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
    scope: dict[str, Any] = {"NEW": object.__new__, "KIND": cls, "TWIN": cls}
    closed = cls.__setattr__ is not object.__setattr__
    if closed:
        plain = {"__slots__": (), "__setattr__": object.__setattr__, "__delattr__": object.__delattr__}
        scope["TWIN"] = type(cls.__name__, (cls,), plain)
    parts, lines = [], []
    for field in fields:
        if field.kw_only and "*" not in parts:
            parts.append("*")
        name, default, value = field.name, field.default, field.name
        if isinstance(default, attrs.Factory):  # type: ignore[arg-type]
            scope[f"_{name}"] = default.factory
            value = _EMPTY.get(default.factory, f"_{name}()")
            if closed:
                parts.append(f"{name}=None")
                value = f"{value} if {name} is None else {name}"
        else:
            scope[f"_{name}"] = default
            parts.append(name if default is attrs.NOTHING else f"{name}=None" if default is None else f"{name}=_{name}")
        lines.append(f"    self.{name} = {value}")
    ending = ["    self.__class__ = KIND"] if closed else []
    exec("\n".join([f"def made({', '.join(parts)}):", "    self = NEW(TWIN)", *lines, *ending, "    return self"]), scope)  # noqa: S102
    made_straight: Callable[Parts, Value] = scope["made"]
    return made_straight
