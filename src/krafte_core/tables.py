"""Tables for eyes: the same rows as aligned text and as HTML, for terminals and notebooks."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape


def aligned(head: Iterable[str], rows: Iterable[Iterable[str]]) -> list[str]:
    r"""The rows as lines of a text table; the first column to the left, the others to the right.

    >>> print("\n".join(aligned(("item", "amount"), [("lye", "5 kg")])))
    item  amount
    lye     5 kg
    """
    table = [[*map(str, head)], *([*map(str, row)] for row in rows)]
    widths = [max(len(row[n]) for row in table) for n in range(len(table[0]))]
    lines = []
    for first, *rest in table:
        cells = [first.ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(rest, widths[1:], strict=True))]
        lines.append("  ".join(cells).rstrip())
    return lines


def text(title: str, head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A title above a text table.

    >>> print(text("Brine", ("item", "amount"), [("salt", "1 kg")]))
    Brine
    item  amount
    salt    1 kg
    """
    return "\n".join([title, *aligned(head, rows)])


def html(title: str, head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """The same table for a notebook; whatever people wrote is escaped.

    >>> html("a < b", ("item",), [("salt",)])
    '<table><caption>a &lt; b</caption><thead><tr><th>item</th></tr></thead><tbody><tr><td>salt</td></tr></tbody></table>'
    """
    top = "".join(f"<th>{escape(str(cell))}</th>" for cell in head)
    body = "".join("<tr>" + "".join(_cell(n, str(cell)) for n, cell in enumerate(row)) + "</tr>" for row in rows)
    return f"<table><caption>{escape(title)}</caption><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>"


def _cell(column: int, cell: str) -> str:
    return f'<td style="text-align: right">{escape(cell)}</td>' if column else f"<td>{escape(cell)}</td>"
