"""GS1 keys: check digits, identifiers as URN and as Digital Link, texts for labels, unit codes; what a scanner read.

An identifier is read from either form and written as Digital Link. Turning a Digital Link back into a URN needs the length of the
company prefix, which no rule tells; so URNs are read and not written.

>>> read_identifier("urn:epc:class:lgtin:4012345.011111.4444").link
'https://id.gs1.org/01/04012345111118/10/4444'
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlsplit

import attrs

from krafte_core.errors import InvalidInput
from krafte_core.quantities import plain

HOME = "https://id.gs1.org"
CSET_82 = re.compile(r"[A-Za-z0-9!\"%&'()*+,\-./_:;<=>?]{1,20}")
KEYS: Mapping[str, tuple[str, int]] = {"01": ("GTIN", 14), "00": ("SSCC", 18), "414": ("GLN", 13), "417": ("GLN", 13)}
"""The primary keys that are read: AI, name, digits."""
QUALIFIERS: Mapping[str, tuple[str, ...]] = {"01": ("22", "10", "21"), "00": (), "414": ("254",), "417": ()}
"""What may stand behind a key, in the order in which it is written."""
_NAMES = {"gtin": "01", "sscc": "00", "gln": "414", "party": "417", "cpv": "22", "lot": "10", "ser": "21", "glnx": "254"}
UNIT_CODES: Mapping[str, str] = {
    "kg": "KGM", "g": "GRM", "mg": "MGM", "t": "TNE", "lb": "LBR", "oz": "ONZ", "L": "LTR", "mL": "MLT", "cL": "CLT", "dL": "DLT",
    "hL": "HLT", "m": "MTR", "cm": "CMT", "mm": "MMT", "m**2": "MTK", "each": "H87",
}  # fmt: skip
"""UN/CEFACT Recommendation 20 codes of the everyday units."""
UNITS_OF_CODES: Mapping[str, str] = {code: unit for unit, code in UNIT_CODES.items()} | {"EA": "each", "C62": "each"}


def check_digit(digits: str) -> str:
    """The last digit of a GS1 key: weights 3 and 1 from the right, what is missing to the next ten.

    >>> check_digit("401234511111")
    '8'
    """
    total = sum(int(digit) * (3 if n % 2 == 0 else 1) for n, digit in enumerate(reversed(digits)))
    return str(-total % 10)


def _key(value: object, name: str, length: int, shorter: tuple[int, ...] = ()) -> str:
    if not isinstance(value, str) or not value.isascii() or not value.isdigit() or len(value) not in (length, *shorter):
        raise InvalidInput(name, value, f"{', '.join(map(str, (*shorter, length)))} digits")
    if check_digit(value[:-1]) != value[-1]:
        raise InvalidInput(name, value, f"a check digit of {check_digit(value[:-1])}")
    return value.zfill(length)


def gtin(value: object) -> str:
    """A GTIN of 8, 12, 13 or 14 digits, as 14.

    Raises:
        InvalidInput: (`invalid_input`) other text, or a wrong check digit.

    >>> gtin("4012345111118")
    '04012345111118'
    """
    return _key(value, "gtin", 14, (8, 12, 13))


def gln(value: object) -> str:
    """A GLN of 13 digits: a place or a party. Raises as `gtin`.

    >>> gln("4012345000054")
    '4012345000054'
    """
    return _key(value, "gln", 13)


def sscc(value: object) -> str:
    """An SSCC of 18 digits: a pallet or a parcel. Raises as `gtin`.

    >>> sscc("340123453111111115")
    '340123453111111115'
    """
    return _key(value, "sscc", 18)


def lot_code(value: object) -> str:
    """A lot as it may stand in a GS1 key: 1 to 20 characters of set 82.

    Raises:
        InvalidInput: (`invalid_input`) longer, or with characters that no scanner would give back.

    >>> lot_code("PB-2026-11-001")
    'PB-2026-11-001'
    """
    if not isinstance(value, str) or not CSET_82.fullmatch(value):
        raise InvalidInput("lot", value, "1 to 20 letters, digits or signs of GS1 character set 82")
    return value


@attrs.frozen
class Identifier:
    """A GS1 identifier: its key (an AI such as `01`) and value, qualifiers (lot, serial number), attributes that are no identity."""

    key: str
    value: str
    qualifiers: tuple[tuple[str, str], ...] = ()
    attributes: tuple[tuple[str, str], ...] = ()

    @property
    def lot(self) -> str | None:
        """The lot (AI 10), where it has one; a GTIN without is a class of goods, never a lot."""
        return dict(self.qualifiers).get("10")

    @property
    def serial(self) -> str | None:
        """The serial number (AI 21), where it has one."""
        return dict(self.qualifiers).get("21")

    @property
    def link(self) -> str:
        """The canonical Digital Link, attributes left out."""
        path = "".join(f"/{ai}/{quote(value, safe='')}" for ai, value in self.qualifiers)
        return f"{HOME}/{self.key}/{self.value}{path}"


def identifier(
    key: str, value: str, qualifiers: Mapping[str, str] | None = None, attributes: Mapping[str, str] | None = None
) -> Identifier:
    """An identifier from its parts, checked, its qualifiers in their order.

    Raises:
        InvalidInput: (`invalid_input`) a key that is not read, wrong digits, or a qualifier that the key does not have.

    >>> identifier("01", "4012345111118", {"10": "4444"}).lot
    '4444'
    """
    if key not in KEYS:
        raise InvalidInput("key", key, "one of " + ", ".join(KEYS))
    name, length = KEYS[key]
    given = qualifiers or {}
    unknown = [ai for ai in given if ai not in QUALIFIERS[key]]
    if unknown:
        raise InvalidInput("qualifier", unknown[0], f"one of {', '.join(QUALIFIERS[key]) or 'none'} behind {name}")
    for ai, text in given.items():
        lot_code(text) if ai != "254" else None
    ordered = tuple((ai, given[ai]) for ai in QUALIFIERS[key] if ai in given)
    return Identifier(
        key, _key(value, name.lower(), length, (8, 12, 13) if key == "01" else ()), ordered, tuple((attributes or {}).items())
    )


def read_identifier(text: str) -> Identifier | None:
    """The identifier that a URN or a Digital Link tells, or None where it is neither: other URIs are names of their own.

    Raises:
        InvalidInput: (`invalid_input`) a GS1 identifier that is wrong: digits, check digit, lot.

    >>> read_identifier("https://example.com/gtin/09780345418913/lot/7?17=261231").lot
    '7'
    >>> read_identifier("https://example.com/orders/7") is None
    True
    """
    if text.startswith("urn:epc:"):
        return _from_urn(text)
    split = urlsplit(text)
    if split.scheme not in ("http", "https") or not split.netloc:
        return None
    steps = [unquote(step) for step in split.path.strip("/").split("/")]
    names = [_NAMES.get(step, step) for step in steps]
    start = next((n for n in range(len(names) - 2, -1, -1) if _is_key(names[n], steps[n + 1]) and not (len(names) - n) % 2), None)
    if start is None:
        return None
    pairs = dict(zip(names[start + 2 :: 2], steps[start + 3 :: 2], strict=True))
    if any(ai not in QUALIFIERS[names[start]] for ai in pairs):
        return None
    return identifier(names[start], steps[start + 1], pairs, dict(parse_qsl(split.query)))


def _is_key(name: str, value: str) -> bool:
    lengths = {"01": (8, 12, 13, 14)}.get(name, (KEYS[name][1],) if name in KEYS else ())
    return value.isdigit() and len(value) in lengths


def _from_urn(text: str) -> Identifier | None:
    parts = text.split(":", 4)
    if len(parts) < 5:
        return None
    kind, scheme, body = parts[2], parts[3], parts[4]
    fields = [unquote(field) for field in body.split(".", 2)]
    if scheme in ("sgtin", "lgtin") and len(fields) == 3:
        prefix, item, last = fields
        value = f"{item[:1]}{prefix}{item[1:]}"
        ai = {"lgtin": "10", "sgtin": "21"}[scheme]
        return identifier("01", value + check_digit(_digits(value)), {} if kind == "idpat" and last == "*" else {ai: last})
    if scheme == "sscc" and len(fields) == 2:
        value = f"{fields[1][:1]}{fields[0]}{fields[1][1:]}"
        return identifier("00", value + check_digit(_digits(value)))
    if scheme in ("sgln", "pgln") and len(fields) >= 2:
        value = f"{fields[0]}{fields[1]}"
        extension = {} if len(fields) < 3 or fields[2] == "0" else {"254": fields[2]}
        return identifier("414" if scheme == "sgln" else "417", value + check_digit(_digits(value)), extension)
    return None


def _digits(text: str) -> str:
    if not text.isascii() or not text.isdigit():
        raise InvalidInput("urn", text, "digits")
    return text


def label(gtin_: str, lot: str, *, expires: date | None = None, net_kg: Decimal | None = None) -> str:
    """The element string of a label, with AIs in brackets, for a library that draws codes: GTIN, use-by day, net weight, lot last.

    Raises:
        InvalidInput: (`invalid_input`) what `gtin` and `lot_code` refuse, or a weight that has no place in AI 310n.

    >>> label("4012345111118", "S-1", expires=date(2026, 12, 31))
    '(01)04012345111118(17)261231(10)S-1'
    """
    day = f"(17){expires:%y%m%d}" if expires else ""
    weight = ""
    if net_kg is not None:
        text = plain(net_kg)
        places = len(text.partition(".")[2])
        digits = text.replace(".", "")
        if net_kg <= 0 or places > 5 or len(digits) > 6:
            raise InvalidInput("net_kg", text, "a weight with at most 6 digits, of them 5 behind the point")
        weight = f"(310{places}){digits.zfill(6)}"
    return f"(01){gtin(gtin_)}{day}{weight}(10){lot_code(lot)}"


@attrs.frozen
class Scanned:
    """What a scanner read: the GTIN, the lot, the last day, the net weight in kilograms, and the SSCC; what was not there is None."""

    gtin: str | None
    lot: str | None
    expires: date | None
    net_kg: Decimal | None
    sscc: str | None


def scanned(text: str) -> Scanned:
    """A scanned barcode, read by the library `biip` (extra `labels`).

    Raises:
        InvalidInput: (`invalid_input`) no GS1 message; what biip says is in it.

    >>> scanned("010401234511111810S-1").lot
    'S-1'
    """
    import biip  # noqa: PLC0415 - an extra

    try:
        read: Any = biip.parse(text)
    except biip.ParseError as problem:
        raise InvalidInput("barcode", text, f"a GS1 barcode ({problem})") from problem
    goods, pallet = read.gtin, read.sscc
    bare = text in (goods.value if goods else None, pallet.value if pallet else None)  # such digits may look like a message, too
    elements = read.gs1_message.element_strings if read.gs1_message and not bare else ()
    wrong = [problem for element in elements for problem in (element.gtin_error, element.sscc_error, element.gln_error) if problem]
    if wrong or not (goods or pallet or elements):
        raise InvalidInput("barcode", text, "a GS1 barcode" + "".join(f" ({problem})" for problem in wrong))
    found = {element.ai.ai: element for element in elements}
    return Scanned(
        gtin=goods.as_gtin_14() if goods else None,
        lot=found["10"].value if "10" in found else None,
        expires=next((found[ai].date for ai in ("17", "15") if ai in found), None),
        net_kg=next((element.decimal for ai, element in found.items() if ai.startswith("310")), None),
        sscc=pallet.value if pallet else None,
    )
