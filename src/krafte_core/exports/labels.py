"""Labels for parcels: SSCC-18 and other GS1 facts as a GS1-128 bar code, as SVG, PDF or ZPL.

The bars come from `pystrich`, `biip` checks the facts, the PDF comes from `fpdf2` (extra `labels`).

>>> sscc("0340434", 161094042)
'003404341610940427'
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from html import escape
from typing import Any

import attrs

from krafte_core.addresses import Address
from krafte_core.errors import InvalidInput, OutOfRange
from krafte_core.exports.gs1 import check_digit
from krafte_core.exports.gs1 import sscc as check_sscc
from krafte_core.exports.papers import use_font

WIDTH, HEIGHT = 105, 148
"""Millimetres of a label, A6."""
MOST_LINES = 12


def sscc(prefix: str, serial: int, extension: int = 0) -> str:
    """The number of a parcel or pallet: extension digit, company prefix, serial number and check digit, 18 digits in all.

    Args:
        prefix: the GS1 company prefix, 4 to 12 digits, as given by GS1.
        serial: counts parcels; it must fit into the digits that are left.

    Raises:
        InvalidInput: (`invalid_input`) a prefix that is none. OutOfRange: (`out_of_range`) all numbers are used up.
    """
    if not isinstance(prefix, str) or not (prefix.isascii() and prefix.isdigit() and 4 <= len(prefix) <= 12):
        raise InvalidInput("prefix", prefix, "a company prefix of GS1, 4 to 12 digits")
    digits = 16 - len(prefix)
    if isinstance(serial, bool) or not isinstance(serial, int) or not 0 <= serial < 10**digits or extension not in range(10):
        raise OutOfRange("serial", serial, f"a whole number of at most {digits} digits, and one extension digit")
    body = f"{extension}{prefix}{serial:0{digits}d}"
    return f"{body}{check_digit(body)}"


@attrs.frozen
class Label:
    """What stands on a parcel: from whom, to whom, what is in it, and its number.

    Args:
        sscc: 18 digits, checked.
        lines: what is in it, as text.
        lot, expires, count: further GS1 facts that go into the bar code: AI 10, 17 and 37.
    """

    sscc: str
    sender: Address
    receiver: Address
    lines: tuple[str, ...] = ()
    carrier: str = ""
    tracking: str = ""
    lot: str = attrs.field(default="", kw_only=True)
    expires: date | None = attrs.field(default=None, kw_only=True)
    count: int = attrs.field(default=0, kw_only=True)

    @property
    def fields(self) -> tuple[tuple[str, str], ...]:
        """The GS1 facts by their application identifiers.

        >>> Label("003404341610940427", Address("A"), Address("B"), expires=date(2027, 1, 31)).fields
        (('00', '003404341610940427'), ('17', '270131'))
        """
        told = (
            ("00", self.sscc),
            ("17", f"{self.expires:%y%m%d}" if self.expires else ""),
            ("37", str(self.count or "")),
            ("10", self.lot),
        )
        return tuple((identifier, value) for identifier, value in told if value)

    @property
    def human(self) -> str:
        """The facts as they stand under the bars."""
        return "".join(f"({identifier}){value}" for identifier, value in self.fields)


def bars(label: Label) -> str:
    """The modules of the GS1-128 bar code, 1 for a bar and 0 for a space.

    Raises:
        InvalidInput: (`invalid_input`) an SSCC with another check digit, or facts that the code cannot hold.
    """
    from biip import BiipException  # noqa: PLC0415 - an extra
    from biip.gs1_messages import GS1Message  # noqa: PLC0415
    from pystrich.code128 import Code128Encoder  # noqa: PLC0415
    from pystrich.code128.data import Code128Data  # noqa: PLC0415
    from pystrich.exceptions import PyStrichError  # noqa: PLC0415
    from pystrich.gs1 import GS1Fixed, GS1Variable  # noqa: PLC0415

    try:
        check_sscc(label.sscc)
        GS1Message.parse_hri(label.human)
        made = [(GS1Variable if identifier in {"10", "37"} else GS1Fixed)(identifier, value) for identifier, value in label.fields]
        return str(Code128Encoder(Code128Data.gs1(*made)).bars)
    except (BiipException, PyStrichError, InvalidInput, ValueError) as problem:
        raise InvalidInput("label", label.human, "an SSCC with its check digit, and facts as GS1 allows them") from problem


def svg(label: Label) -> str:
    """The label as SVG; everything is escaped.

    Raises:
        InvalidInput: (`invalid_input`) as `bars`.
    """
    pattern = bars(label)
    module = (WIDTH - 20) / len(pattern)
    rects = "".join(
        f'<rect x="{10 + at * module:.4f}" y="98" width="{width * module:.4f}" height="36"/>' for at, width in _runs(pattern)
    )
    texts = [f'<text x="8" y="{y}" font-size="{size}">{escape(text)}</text>' for y, size, text in _texts(label)]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}mm" height="{HEIGHT}mm" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'font-family="sans-serif"><rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>{"".join(texts)}{rects}'
        f'<text x="{WIDTH / 2}" y="140" font-size="4" text-anchor="middle">{escape(label.human)}</text></svg>'
    )


def pdf(label: Label, *, font: str | None = None) -> bytes:
    """The label as PDF.

    Raises:
        InvalidInput: (`invalid_input`) as `bars`; letters that the font does not have.
    """
    from fpdf import FPDF, FPDFException  # noqa: PLC0415 - an extra

    page = FPDF(unit="mm", format=(WIDTH, HEIGHT))
    page.set_auto_page_break(auto=False)
    page.add_page()
    name = use_font(page, font)
    pattern = bars(label)
    module = (WIDTH - 20) / len(pattern)
    try:
        for y, size, text in _texts(label):
            page.set_font(name, size=size * 2.83)
            page.text(8, y, text)
        for at, width in _runs(pattern):
            page.rect(10 + at * module, 98, width * module, 36, style="F")
        page.set_font(name, size=11)
        page.text((WIDTH - page.get_string_width(label.human)) / 2, 140, label.human)
    except (FPDFException, UnicodeError) as problem:
        raise InvalidInput("font", font, "a TrueType font that has all letters of the label") from problem
    return bytes(page.output())


def zpl(label: Label, *, dots: int = 8) -> str:
    """The label for printers that speak ZPL; `dots` are per millimetre: 8 (203 dpi), 12 (300 dpi) or 24 (600 dpi).

    The printer makes the bars itself, from the facts with FNC1 where GS1 wants it.

    Raises:
        InvalidInput: (`invalid_input`) as `bars`; another resolution.
    """
    if dots not in {8, 12, 24}:
        raise InvalidInput("dots", dots, "8, 12 or 24")
    pattern = bars(label)  # what is refused there must not be printed here
    fields = [
        f"^FO{8 * dots},{round((y - size) * dots)}^A0N,{round(size * dots)}^FH\\^FD{_hex(text)}^FS" for y, size, text in _texts(label)
    ]
    module = (WIDTH - 20) * dots // len(pattern)
    if not module:
        raise InvalidInput("dots", dots, f"a finer printer: the code has {len(pattern)} modules")
    code = f"^FO{10 * dots},{98 * dots}^BY{module},3^BCN,{36 * dots},N,N,N,N^FD{_zpl_code(label)}^FS"
    human = f"^FO{10 * dots},{136 * dots}^A0N,{4 * dots}^FH\\^FD{_hex(label.human)}^FS"
    return "\n".join(["^XA", "^CI28", f"^PW{WIDTH * dots}", f"^LL{HEIGHT * dots}", *fields, code, human, "^XZ"])


def _zpl_code(label: Label) -> str:
    """The facts for the printer's Code 128: pairs of digits in set C, the rest in set B; FNC1 first, and behind what may end early.

    >>> _zpl_code(Label("003404341610940427", Address("A"), Address("B"), lot="L-1"))
    '>;>80000340434161094042710>6L-1'
    """
    said, pairs = ">;>8", True
    for at, (identifier, value) in enumerate(label.fields):
        text = identifier + value + ("\x1d" if identifier in {"10", "37"} and at < len(label.fields) - 1 else "")
        place = 0
        while place < len(text):
            if text[place] == "\x1d":
                said += ">8"
                place += 1
            elif len(run := text[place : place + (2 if pairs else 4)]) == (2 if pairs else 4) and run.isdigit():
                said += ("" if pairs else ">5") + text[place : place + 2]
                pairs, place = True, place + 2
            else:
                said += (">6" if pairs else "") + (">0" if text[place] == ">" else text[place])
                pairs, place = False, place + 1
    return said


def _hex(text: str) -> str:
    """Text for ZPL: what would be a command, and what is not ASCII, by its bytes."""
    return "".join(
        letter if letter.isascii() and letter.isprintable() and letter not in "^~\\_" else _bytes(letter) for letter in text
    )


def _bytes(letter: str) -> str:
    return "".join(f"\\{byte:02X}" for byte in letter.encode())


def _runs(pattern: str) -> Sequence[tuple[int, int]]:
    """Begin and width of each bar, in modules."""
    found, at = [], 0
    while at < len(pattern):
        width = 1
        while at + width < len(pattern) and pattern[at + width] == pattern[at]:
            width += 1
        if pattern[at] == "1":
            found.append((at, width))
        at += width
    return found


def _texts(label: Label) -> Sequence[tuple[float, float, str]]:
    """What is written where: height on the label, size, text."""

    def lines(address: Address) -> list[str]:
        place = f"{address.postcode} {address.city}".strip()
        return [part for part in (address.name, address.street, place, f"{address.region} {address.country}".strip()) if part]

    rows: list[tuple[float, float, str]] = [(8 + 3.6 * at, 3.0, text) for at, text in enumerate(lines(label.sender))]
    rows += [(30 + 6.4 * at, 5.5, text) for at, text in enumerate(lines(label.receiver))]
    told = [*label.lines[:MOST_LINES], *([f"... {len(label.lines) - MOST_LINES}"] if len(label.lines) > MOST_LINES else [])]
    rows += [(60 + 2.8 * at, 2.6, text) for at, text in enumerate(told)]
    last: Any = " ".join(part for part in (label.carrier, label.tracking) if part)
    return [*rows, (96, 3.4, last)] if last else rows
