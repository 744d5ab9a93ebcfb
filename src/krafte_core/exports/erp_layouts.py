"""What goes where in the import files of other systems: one table for writing and reading, and what a host must say besides."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from types import MappingProxyType
from typing import Any

import attrs

from krafte_core.errors import InvalidInput
from krafte_core.items import one_of

SAP, NETSUITE, CENTRAL = SYSTEMS = ("sap business one", "netsuite", "business central")
KINDS = ("items", "recipes", "stock", "orders")
DATES = {SAP: "%Y%m%d", NETSUITE: "%m/%d/%Y", CENTRAL: "%Y-%m-%d"}
BATCH = "BATCH"
"""The unit of a production BOM in Business Central: what one batch of the recipe makes."""


@attrs.frozen
class Column:
    """A column of a file: their name, our field or a fixed text, whether it must be filled, and how long it may be."""

    theirs: str
    ours: str = ""
    fixed: str = ""
    needed: bool = False
    limit: int = 0


@attrs.frozen
class SheetLayout:
    """One file: its name, what one row is (`head`, `line`, `batch` or `unit`), and its columns."""

    name: str
    rows: str
    columns: tuple[Column, ...]


def _columns(text: str) -> tuple[Column, ...]:
    """`Theirs=ours`, `!` where it must be filled, `<20` the longest text, `Theirs:=fixed`; one in each part between semicolons."""
    found = []
    for part in text.split(";"):
        name, _, ours = part.strip().partition("=")
        limit = ours.partition("<")[2]
        ours = ours.partition("<")[0]
        if name.endswith(":"):
            found.append(Column(name[:-1], fixed=ours))
        else:
            found.append(Column(name, ours.rstrip("!"), needed=ours.endswith("!"), limit=int(limit or 0)))
    return tuple(found)


def _layout(*sheets: tuple[str, str, str]) -> tuple[SheetLayout, ...]:
    return tuple(SheetLayout(name, rows, _columns(columns)) for name, rows, columns in sheets)


LAYOUTS: Mapping[str, Mapping[str, tuple[SheetLayout, ...]]] = MappingProxyType({
    SAP: {
        "items": _layout(("OITM - Items", "head", "ItemCode=code!<50; ItemName=name<100; InventoryUOM=unit!<100")),
        "recipes": _layout(
            ("OITT - ProductTrees", "head", "TreeCode=item!<50; TreeType:=iProductionTree; Quantity=makes!"),
            ("ITT1 - ProductTrees_Lines", "line",
             "ParentKey=item!<50; LineNum:=; ItemCode=ingredient!<50; Quantity=amount!; IssueMethod:=im_Manual"),
        ),
        "stock": _layout(
            ("OIGN - Documents", "document", "DocNum=document!; DocDate=date!; Comments=comment<254"),
            ("IGN1 - Document_Lines", "line",
             "ParentKey=document!; LineNum:=; ItemCode=item!<50; Quantity=amount!; WarehouseCode=place!<8"),
            ("BTNT - BatchNumbers", "batch",
             "ParentKey=document!; DocLineNum=line!; BatchNumber=lot!<36; Quantity=amount!; ExpiryDate=expires; BaseLineNumber=line!"),
        ),
        "orders": _layout(
            ("ORDR - Documents", "head",
             "DocNum=key!; CardCode=customer!<15; DocDate=placed!; DocDueDate=requested; NumAtCard=order!<100; "
             "DocCurrency=currency<3"),
            ("RDR1 - Document_Lines", "line",
             "ParentKey=key!; LineNum:=; ItemCode=item!<50; Quantity=amount!; UnitPrice=price; Currency=currency<3; "
             "FreeText=note<100"),
        ),
    },
    NETSUITE: {
        "items": _layout(
            ("Items", "head", "External ID=code!<60; Item Name/Number=code!<60; Display Name=name<60; Primary Stock Unit=unit!"),
        ),
        "recipes": _layout(
            ("Assemblies", "line",
             "External ID=item!<60; Item Name/Number=item!<60; Member Item=ingredient!<60; Member Quantity=each!"),
        ),
        "stock": _layout(
            ("Inventory adjustments", "line",
             "External ID=document!; Date=date!; Adjustment Account=account!; Location=place!; Item=item!<60; Units=unit; "
             "Adjust Qty. By=amount!; Serial/Lot Number=lot<100; Expiration Date=expires"),
        ),
        "orders": _layout(
            ("Sales orders", "line",
             "External ID=order!<60; Customer=customer!<83; Date=placed!; Ship Date=requested; PO #=order<45; Currency=currency; "
             "Item=item!<60; Quantity=amount!; Units=unit; Rate=price; Description=note<999"),
        ),
    },
    CENTRAL: {
        "items": _layout(("Item", "head", "No.=code!<20; Description=name<100; Base Unit of Measure=unit!<10; Type:=Inventory")),
        "recipes": _layout(
            ("Item Unit of Measure", "unit", "Item No.=item!<20; Code:=BATCH; Qty. per Unit of Measure=makes!"),
            ("Production BOM Header", "head",
             "No.=recipe!<20; Description=item<100; Unit of Measure Code:=BATCH; Status:=Under Development"),
            ("Production BOM Line", "line",
             "Production BOM No.=recipe!<20; Line No.=number!; Type:=Item; No.=ingredient!<20; Quantity per=amount!; "
             "Unit of Measure Code=unit!<10; Scrap %=scrap"),
        ),
        "stock": _layout(
            ("Item Journal Line", "line",
             "Journal Template Name=template!<10; Journal Batch Name=batch!<10; Line No.=number!; Posting Date=date!; "
             "Entry Type:=Positive Adjmt.; Item No.=item!<20; Location Code=place<10; Quantity=amount!; "
             "Unit of Measure Code=unit!<10; Lot No.=lot<50; Expiration Date=expires"),
        ),
        "orders": _layout(
            ("Sales Header", "head",
             "Document Type:=Order; No.=order!<20; Sell-to Customer No.=customer!<20; Order Date=placed!; "
             "Requested Delivery Date=requested; External Document No.=order<35; Currency Code=currency<10"),
            ("Sales Line", "line",
             "Document Type:=Order; Document No.=order!<20; Line No.=number!; Type:=Item; No.=item!<20; Quantity=amount!; "
             "Unit of Measure Code=unit!<10; Unit Price=price; Description 2=note<50"),
        ),
    },
})  # fmt: skip
"""Per system and kind the files, in the order in which they are imported."""
KEYS: Mapping[str, Mapping[str, str]] = {
    "recipes": {SAP: "item", NETSUITE: "item", CENTRAL: "recipe"},
    "orders": {SAP: "key", NETSUITE: "order", CENTRAL: "order"},
}
"""Per kind and system the field by which lines belong to their head."""


def _texts(given: Any) -> tuple[tuple[str, str], ...]:
    rows = given.items() if isinstance(given, Mapping) else given
    return tuple((str(ours), str(theirs)) for ours, theirs in rows)


@attrs.frozen
class Dialect:
    """What must be said about a system before files for it can be written or read.

    Args:
        system: `"sap business one"`, `"netsuite"` or `"business central"`.
        units: their words for our units (`{"each": "PCS"}`); one that is not named is the same there.
        places: their warehouses or locations for our places.
        fixed: what our books do not know: `date` (a day) for stock, NetSuite's `account`, Business Central's `template` and `batch`.
        dates: how they write a day, as for `strftime`; default `YYYYMMDD`, `MM/DD/YYYY` (as set up there) and ISO.

    Raises:
        InvalidInput: (`invalid_input`) another system; two of our units or places with one word there.
    """

    system: str
    units: tuple[tuple[str, str], ...] = attrs.field(default=(), kw_only=True, converter=_texts)
    places: tuple[tuple[str, str], ...] = attrs.field(default=(), kw_only=True, converter=_texts)
    fixed: tuple[tuple[str, str], ...] = attrs.field(default=(), kw_only=True, converter=_texts)
    dates: str = attrs.field(default="", kw_only=True)

    def __attrs_post_init__(self) -> None:
        """A word there means one thing here."""
        one_of(self.system, SYSTEMS, "system")
        for field in ("units", "places"):
            words = [theirs for _, theirs in getattr(self, field)]
            if len(set(words)) < len(words):
                raise InvalidInput(field, ", ".join(words), "a word of its own for each of ours")

    def day(self, given: date | None) -> str:
        """A day as they write it."""
        return "" if given is None else given.strftime(self.dates or DATES[self.system])

    def read_day(self, text: str) -> date | None:
        """A day as they wrote it.

        Raises:
            InvalidInput: (`invalid_input`) no such day.
        """
        if not text:
            return None
        style = self.dates or DATES[self.system]
        try:
            return datetime.strptime(text, style).date()  # noqa: DTZ007 - a day has no zone
        except ValueError as problem:
            raise InvalidInput("date", text, f"a day such as {date(2026, 11, 23).strftime(style)}") from problem


@attrs.frozen
class ErpFile:
    """One file: the name of the table that it is for, and its text."""

    name: str
    text: str


def heads(system: str) -> int:
    """How many rows of names stand above the rows of a file.

    >>> heads(SAP), heads(NETSUITE)
    (2, 1)
    """
    return 2 if system == SAP else 1
