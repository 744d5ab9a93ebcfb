"""Labels for parcels: SSCC-18 and other GS1 facts as a GS1-128 bar code, as SVG, PDF or ZPL.

The bars come from `pystrich`, `biip` checks the facts, the PDF comes from `fpdf2` (extra `labels`).

>>> sscc("0340434", 161094042)
'003404341610940427'
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from html import escape

import attrs

from krafte_core.addresses import Address
from krafte_core.errors import InvalidInput, OutOfRange
from krafte_core.exports.gs1 import check_digit
from krafte_core.exports.gs1 import sscc as check_sscc
from krafte_core.exports.papers import amount_in, use_font
from krafte_core.quantities import Quantity
from krafte_core.shipping import Package

WIDTH, HEIGHT = 105, 148
"""Millimetres of a label, A6."""
MOST_LINES = 5
_ENDS = frozenset({"10", "37"})
"""Facts that may be shorter than they can be: a mark stands behind them where another follows."""


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
    def codes(self) -> tuple[Code, ...]:
        """The bar codes: the number of the parcel alone and at the bottom, as GS1's logistic label has it; the other facts above it.

        >>> [code.human for code in Label("003404341610940427", Address("A"), Address("B"), lot="L-1").codes]
        ['(00)003404341610940427', '(10)L-1']
        """
        first, *others = self.fields
        codes = (Code((first,), 102, 32, 140),)
        return (*codes, Code(tuple(others), 76, 14, 95)) if others else codes


@attrs.frozen
class Code:
    """One bar code of a label: its facts, where it begins, how high it is, and where its text stands; in millimetres."""

    fields: tuple[tuple[str, str], ...]
    top: int
    height: int
    under: int

    @property
    def human(self) -> str:
        """The facts as they stand under the bars."""
        return "".join(f"({identifier}){value}" for identifier, value in self.fields)

    @property
    def size(self) -> float:
        """How large that text is."""
        return fitting(self.human, 4.0, WIDTH - 16)


def bars(label: Label) -> tuple[str, ...]:
    """The modules of each GS1-128 bar code, 1 for a bar and 0 for a space.

    Raises:
        InvalidInput: (`invalid_input`) an SSCC with another check digit, or facts that a code cannot hold.
    """
    from biip import BiipException  # noqa: PLC0415 - an extra
    from biip.gs1_messages import GS1Message  # noqa: PLC0415
    from pystrich.code128 import Code128Encoder  # noqa: PLC0415
    from pystrich.code128.data import Code128Data  # noqa: PLC0415
    from pystrich.exceptions import PyStrichError  # noqa: PLC0415
    from pystrich.gs1 import GS1Fixed, GS1Variable  # noqa: PLC0415

    found = []
    for code in label.codes:
        try:
            check_sscc(label.sscc)
            GS1Message.parse_hri(code.human)
            made = [(GS1Variable if identifier in _ENDS else GS1Fixed)(identifier, value) for identifier, value in code.fields]
            found.append(str(Code128Encoder(Code128Data.gs1(*made)).bars))
        except (BiipException, PyStrichError, InvalidInput, ValueError) as problem:
            raise InvalidInput("label", code.human, "an SSCC with its check digit, and facts as GS1 allows them") from problem
    return tuple(found)


def svg(label: Label) -> str:
    """The label as SVG; everything is escaped.

    Raises:
        InvalidInput: (`invalid_input`) as `bars`.
    """
    drawn = []
    for code, pattern in zip(label.codes, bars(label), strict=True):
        module = (WIDTH - 20) / len(pattern)
        drawn += [
            f'<rect x="{10 + at * module:.4f}" y="{code.top}" width="{width * module:.4f}" height="{code.height}"/>'
            for at, width in _runs(pattern)
        ]
        where = f'<text x="{WIDTH / 2}" y="{code.under}" font-size="{code.size:.3f}" text-anchor="middle">'
        drawn.append(f"{where}{escape(code.human)}</text>")
    texts = [f'<text x="8" y="{y}" font-size="{size:.3f}">{escape(text)}</text>' for y, size, text in _texts(label)]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}mm" height="{HEIGHT}mm" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'font-family="sans-serif"><rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>{"".join(texts)}{"".join(drawn)}</svg>'
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
    patterns = bars(label)
    try:
        for y, size, text in _texts(label):
            page.set_font(name, size=size * 2.83)
            page.text(8, y, text)
        for code, pattern in zip(label.codes, patterns, strict=True):
            module = (WIDTH - 20) / len(pattern)
            for at, width in _runs(pattern):
                page.rect(10 + at * module, code.top, width * module, code.height, style="F")
            page.set_font(name, size=code.size * 2.83)
            page.text((WIDTH - page.get_string_width(code.human)) / 2, code.under, code.human)
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
    fields = [
        f"^FO{8 * dots},{round((y - size) * dots)}^A0N,{round(size * dots)}^FH\\^FD{_hex(text)}^FS" for y, size, text in _texts(label)
    ]
    for code, pattern in zip(label.codes, bars(label), strict=True):  # what is refused there must not be printed here
        module = (WIDTH - 20) * dots // len(pattern)
        if not module:
            raise InvalidInput("dots", dots, f"a finer printer: the code has {len(pattern)} modules")
        fields += [
            f"^FO{10 * dots},{code.top * dots}^BY{module},3^BCN,{code.height * dots},N,N,N,N^FD{_zpl_code(code.fields)}^FS",
            f"^FO{10 * dots},{round((code.under - code.size) * dots)}^A0N,{round(code.size * dots)}^FH\\^FD{_hex(code.human)}^FS",
        ]
    return "\n".join(["^XA", "^CI28", f"^PW{WIDTH * dots}", f"^LL{HEIGHT * dots}", *fields, "^XZ"])


def _zpl_code(fields: Sequence[tuple[str, str]]) -> str:
    """The facts for the printer's Code 128: pairs of digits in set C, the rest in set B; FNC1 first, and behind what may end early.

    >>> _zpl_code([("00", "003404341610940427"), ("10", "L-1")])
    '>;>80000340434161094042710>6L-1'
    """
    said, pairs = ">;>8", True
    for at, (identifier, value) in enumerate(fields):
        text = identifier + value + ("\x1d" if identifier in _ENDS and at < len(fields) - 1 else "")
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


def parcel_label(
    package: Package,
    sender: Address,
    receiver: Address,
    *,
    names: Mapping[str, str] | None = None,
    carrier: str = "",
    language: str = "en",
) -> Label:
    """The label of a packed parcel: its contents and weight in words; its lot, where all of it is of one, in the bar code.

    Raises:
        InvalidInput: (`invalid_input`) the package has no SSCC.
    """
    if not package.sscc:
        raise InvalidInput("sscc", package.sscc, "a package with its number: Box(sscc=sscc(prefix, serial))")
    sums: dict[str, Quantity] = {}
    for line in package.lines:
        sums[line.item] = sums[line.item] + line.amount if line.item in sums else line.amount
    rows = [f"{amount_in(amount, language)} {(names or {}).get(item, item)}" for item, amount in sums.items()]
    if package.weight is not None:
        rows.append(amount_in(package.weight.to("kg"), language))
    lots = {(line.item, line.lot) for line in package.lines}
    lot = next(iter(lots))[1] if len(lots) == 1 else ""
    return Label(package.sscc, sender, receiver, tuple(rows), carrier, package.tracking, lot=lot)


def _texts(label: Label) -> Sequence[tuple[float, float, str]]:
    """What is written where: height on the label, size, text."""

    def lines(address: Address) -> list[str]:
        place = f"{address.postcode} {address.city}".strip()
        return [part for part in (address.name, address.street, place, f"{address.region} {address.country}".strip()) if part]

    def block(address: Address, top: float, step: float, size: float) -> list[tuple[float, float, str]]:
        """The lines of an address, all of one size."""
        told = lines(address)
        small = min([fitting(text, size, WIDTH - 16) for text in told], default=size)
        return [(top + step * at, small, text) for at, text in enumerate(told)]

    rows = block(label.sender, 8, 3.6, 3.0) + block(label.receiver, 28, 6.4, 5.5)
    told = [*label.lines[:MOST_LINES], *([f"... {len(label.lines) - MOST_LINES}"] if len(label.lines) > MOST_LINES else [])]
    rows += [(54 + 3.0 * at, 2.6, text) for at, text in enumerate(told)]
    last = " ".join(part for part in (label.carrier, label.tracking) if part)
    rows += [(73, 3.4, last)] if last else []
    return [(y, fitting(text, size, WIDTH - 16), text) for y, size, text in rows]


def fitting(text: str, size: float, room: float) -> float:
    """The size at which a text fits into so many millimetres, at most the given one; reckoned with a wide sans serif.

    >>> fitting("8010 Graz", 5.5, 89), round(fitting("W" * 40, 5.5, 89), 2)
    (5.5, 2.18)
    """
    wide = sum(1.02 if letter in "MWmw@%" else 0.8 if letter.isupper() or not letter.isascii() else 0.65 for letter in text)
    return size if wide * size <= room else room / wide
