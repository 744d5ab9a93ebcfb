"""Reports: a recall as one HTML file that opens from a disk, without a program, a network or a font from elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from fractions import Fraction
from html import escape

from krafte_core.audit import Exercise
from krafte_core.quantities import decimal_of, plain
from krafte_core.recall import Recall
from krafte_core.trace import whence

STYLE = """
:root { color-scheme: light; --ink: #22211e; --faint: #6f6a5e; --line: #d9d4c7; --paper: #fbfaf6; --strong: #b3261e; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 15px/1.5 Georgia, 'Times New Roman', serif; }
main { max-width: 74rem; margin: 0 auto; padding: 2rem 1.5rem 4rem; }
h1 { font-size: 1.7rem; margin: 0 0 .2rem; } h2 { font-size: 1.1rem; margin: 2.2rem 0 .5rem; }
p.facts { color: var(--faint); margin: 0 0 1rem; }
ul.figures { display: flex; flex-wrap: wrap; gap: .8rem; padding: 0; margin: 1.2rem 0; list-style: none; }
ul.figures li { border: 1px solid var(--line); background: #fff; padding: .6rem 1rem; min-width: 7rem; }
ul.figures b { display: block; font-size: 1.5rem; line-height: 1.2; } ul.figures span { color: var(--faint); font-size: .85rem; }
div.wide { overflow-x: auto; border: 1px solid var(--line); background: #fff; }
table { border-collapse: collapse; width: 100%; background: #fff; font: 13px/1.4 Helvetica, Arial, sans-serif; }
th, td { text-align: left; padding: .35rem .6rem; border-bottom: 1px solid var(--line); vertical-align: top; }
th { font-weight: 600; color: var(--faint); } td.number, th.number { text-align: right; white-space: nowrap; }
td.code { white-space: nowrap; }
td.fill { border-bottom: 1px dotted var(--faint); min-width: 6rem; } p.none { color: var(--faint); font-style: italic; margin: 0; }
p.note { color: var(--faint); font-size: .85rem; margin: .3rem 0 0; }
div.wide > svg { display: block; max-width: 100%; min-width: var(--least); height: auto; }
@media print { div.wide > svg { min-width: 0; } }
@media print { body { background: #fff; } main { padding: 0; } h2 { break-after: avoid; } tr { break-inside: avoid; } }
"""
SMALLEST = 0.6
NUMBERS = frozenset(("amount", "content", "least", "most", "part", "returned", "unaccounted"))
CODES = frozenset(("lot", "shipment", "shipped", "paper", "order line", "since", "good until", "on"))
"""Columns that nobody wants to read in two lines."""


def recall_html(answer: Recall, made_at: datetime, *, title: str = "", protocol: Exercise | None = None) -> str:
    """The recall as one page: figures, whom to tell with fields to fill in, where everything is, contents, balances, the drawing.

    Args:
        answer: the recall.
        made_at: when the report was made.
        title: the heading; default "Recall of" and the lots.
        protocol: of an exercise, where it was one.

    An empty part says so: auditors rely on it.

    >>> page = recall_html(Recall((), (), (), (), (), (), (), (), (), (), (), (), ()), datetime(2026, 1, 1))
    >>> page.startswith("<!doctype html>"), "src=" in page
    (True, False)
    """
    names = ", ".join(f"{lot.item} {lot.code}" for lot in answer.source)
    sources = ", ".join(f"{lot.item} {lot.code} ({whence(lot)})" for lot in answer.source)
    heading = title or f"Recall of {names}"
    facts = f"Recalled: {sources or 'nothing'}. Made {made_at.isoformat(timespec='minutes')}."
    parts = [f"<h1>{escape(heading)}</h1><p class='facts'>{escape(facts)}</p>", _figures(answer)]
    if protocol is not None:
        parts.append(_part("Exercise", (), [], f"<pre>{escape(str(protocol))}</pre>"))
    parts += _whom(answer)
    parts.append(_lots(answer))
    parts += _where(answer)
    parts += _what(answer)
    picture = answer.svg()
    least = float(picture.partition(' width="')[2].partition('"')[0]) * SMALLEST  # smaller than this nobody can read it
    note = "<p class='note'>From left to right; recalled and finished lots are marked.</p>"
    drawing = f"<div class='wide' style='--least: {least:g}px'>{picture}</div>{note}"
    parts.append(_part("How it went", (), [], drawing))
    return (
        f"<!doctype html><html lang='en'><head><meta charset='utf-8'><meta name='viewport' content='width=device-width'>"
        f"<title>{escape(heading)}</title><style>{STYLE}</style></head><body><main>{''.join(parts)}</main></body></html>"
    )


def _figures(answer: Recall) -> str:
    customers = len([one for one in answer.customers if one])
    figures = [
        (len(answer.lots), "lots affected"), (len(answer.finished_lots), "finished lots"), (len(answer.runs), "runs"),
        (customers, "customers"), (len(answer.stocks), "places in the house"), (len(answer.open_orders), "open order lines"),
        (len(answer.undecided) + len(answer.unmeasured), "undecided"),
    ]  # fmt: skip
    return f"<ul class='figures'>{''.join(f'<li><b>{number}</b><span>{text}</span></li>' for number, text in figures)}</ul>"


def _whom(answer: Recall) -> list[str]:
    rows: list[Sequence[object]] = []
    for row in answer.consignees:
        address = row.address
        where = (
            ", ".join(filter(None, (address.street, f"{address.postcode} {address.city}".strip(), address.country))) if address else ""
        )
        reach = " ".join(filter(None, (address.phone, address.email))) if address else ""
        who = row.customer or "(unknown customer)"
        rows.append((who, where, reach, row.shipment, row.at.date(), row.item, row.lot, row.amount, row.returned, None, None, None))
    header = (
        "customer",
        "address",
        "reached by",
        "shipment",
        "shipped",
        "item",
        "lot",
        "amount",
        "returned",
        "told on",
        "how",
        "answer",
    )
    orders = [(row.line, row.customer, row.item, row.lot, row.amount) for row in answer.open_orders]
    return [
        _part("Whom to tell", header, rows),
        _part("Open orders that wait for these lots", ("order line", "customer", "item", "lot", "amount"), orders),
    ]


def _lots(answer: Recall) -> str:
    """All affected lots: where they came from, and whether they may still be used."""
    rows = [(lot.item, lot.code, whence(lot), lot.received_at.date(), lot.expires or "", lot.disposition) for lot in answer.lots]
    return _part("Lots affected", ("item", "lot", "came from", "since", "good until", "decided"), rows)


def _where(answer: Recall) -> list[str]:
    stocks = [(row.item, row.lot, row.place, row.amount) for row in answer.stocks]
    scrapped = [(*key, amount) for key, amount in answer.scrapped.items()]
    returned = [(row.customer, row.shipment, row.item, row.lot, row.amount, row.at.date()) for row in answer.returns]
    lost = [(*key, amount) for key, amount in answer.unaccounted.items()]
    return [
        _part("In the house", ("item", "lot", "place", "amount"), stocks),
        _part("Returned", ("customer", "paper", "item", "lot", "amount", "on"), returned),
        _part("Scrapped", ("item", "lot", "amount"), scrapped),
        _part("Unaccounted", ("item", "lot", "unaccounted"), lost),
    ]


def _what(answer: Recall) -> list[str]:
    header = ("item", "lot", "source", "content", "least", "most", "part")
    tables = []
    for title, contents in (("How much is in it", answer.contents), ("Traces below the threshold", answer.traces)):
        rows = [
            (row.item, row.lot, row.of, "unknown" if row.amount is None else row.amount, row.least, row.most, _share(row.fraction))
            for row in contents
        ]
        tables.append(_part(title, header, rows))
    doubts = [(row.item, row.lot, ", ".join(" ".join(key) for key in row.candidates)) for row in answer.undecided]
    return [
        *tables,
        _part("Undecided: may be part of an affected lot", ("item", "lot", "may be"), doubts),
        _part("Unmeasured: an item on the way declares no mass", ("item", "lot"), answer.unmeasured),
        _part("Balances", ("item", "lot", "what came = where it is"), [(row.item, row.lot, str(row)) for row in answer.balances]),
    ]


def _share(fraction: Fraction | None) -> str:
    """A fraction by mass: in percent from a tenth of a percent on, else in parts per million; "<1" where it is less than one.

    To the nearest in the last place; what is not quite all is never shown as all.
    """
    if fraction is None:
        return "unknown"
    if fraction >= Fraction(1, 1000):
        percent = round(fraction * 10_000)
        shown = decimal_of(Fraction(min(percent, 9_999) if fraction < 1 else percent, 100))
        return f"{plain(shown)} %"
    part = round(fraction * 1_000_000)
    return "<1 ppm" if not part and fraction else f"{part:,} ppm"


def _part(title: str, header: Sequence[str], rows: Iterable[Sequence[object]], inside: str = "") -> str:
    """A heading and a table; an empty one says none, and cells of None are to be filled in."""
    lines = [*rows]
    if inside:
        return f"<h2>{escape(title)}</h2>{inside}"
    if not lines:
        return f"<h2>{escape(title)}</h2><p class='none'>none</p>"
    kinds = [" class='number'" if name in NUMBERS else " class='code'" if name in CODES else "" for name in header]
    head = "".join(f"<th{kind}>{escape(name)}</th>" for name, kind in zip(header, kinds, strict=True))
    body = "".join(
        "<tr>"
        + "".join(
            "<td class='fill'></td>" if cell is None else f"<td{kind}>{escape(str(cell))}</td>"
            for cell, kind in zip(row, kinds, strict=True)
        )
        + "</tr>"
        for row in lines
    )
    return f"<h2>{escape(title)}</h2><div class='wide'><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
