"""Rows: very many rows of one kind, kept as bare tuples and told by name.

A named tuple stays in the sight of the garbage collector for as long as it lives, and each full collection walks over all of them; a
bare tuple of plain values does not. A plan of fifty thousand orders has hundreds of thousands of rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, TypeVar, overload

import attrs

Row = TypeVar("Row", bound="tuple[Any, ...]")


@attrs.frozen(hash=False)
class Rows(Sequence[Row]):
    """A sequence of named tuples of one kind, made when they are asked for; equal to another one of the same rows, and to no list.

    >>> from typing import NamedTuple
    >>> class Jar(NamedTuple):
    ...     name: str
    ...     grams: int
    >>> jars = Rows(Jar, [("small", 50), ("large", 250)])
    >>> jars[1].grams, [jar.name for jar in jars], jars.bare[0]
    (250, ['small', 'large'], ('small', 50))
    """

    kind: type[Row]
    bare: list[Any]

    def __len__(self) -> int:
        """How many there are."""
        return len(self.bare)

    def __iter__(self) -> Iterator[Row]:
        """Each by name."""
        return map(self.kind._make, self.bare)  # type: ignore[attr-defined]

    @overload
    def __getitem__(self, place: int) -> Row: ...

    @overload
    def __getitem__(self, place: slice) -> list[Row]: ...

    def __getitem__(self, place: int | slice) -> Row | list[Row]:
        """One by name, or several."""
        named: Any = self.kind._make  # type: ignore[attr-defined]
        return [*map(named, self.bare[place])] if isinstance(place, slice) else named(self.bare[place])
