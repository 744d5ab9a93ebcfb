"""Tables for spreadsheets, as CSV and XLSX (extra `sheets`): whole, or row by row into files, so that memory does not grow with them.

No cell starts a formula: in CSV it gets an apostrophe in front, in XLSX texts are stored as texts.

>>> print(Sheet("lots", ("lot", "amount"), (("=1+1", Decimal("2.50")),)).to_csv().splitlines()[1])
'=1+1,2.5
"""

from __future__ import annotations

import io
from collections.abc import Iterable
from contextlib import ExitStack
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Protocol, Self

import attrs

from krafte_core.errors import InvalidInput
from krafte_core.quantities import Quantity, plain
from krafte_core.recall import comma_separated

Cell = str | Decimal | Quantity | date | datetime | None
Row = tuple[Cell, ...]
MAX_CELL = 32_767
"""More characters than this no spreadsheet takes."""
MAX_ROWS = 1_048_576
"""More rows than this no XLSX sheet takes, its header included."""


@attrs.frozen
class Sheet:
    """A table: its name, its columns, its rows; one value per cell, amounts and units in columns of their own."""

    name: str
    header: tuple[str, ...]
    rows: tuple[Row, ...]

    def to_csv(self) -> str:
        """As comma-separated values; a cell that would start a formula gets an apostrophe in front."""
        return comma_separated([self.header, *(tuple(map(_text, row)) for row in self.rows)])


class Sheets(Protocol):
    """Where rows go, one by one: `Kept` in memory, `CsvFolder` and `XlsxFile` on a disk."""

    def begin(self, name: str, header: tuple[str, ...]) -> None:
        """A new sheet; several may be open."""

    def write(self, name: str, row: Row) -> None:
        """The next row of a sheet."""


class Kept:
    """Sheets in memory.

    >>> kept = Kept()
    >>> kept.begin("lots", ("lot",))
    >>> kept.write("lots", ("O-1",))
    >>> kept["lots"].rows
    (('O-1',),)
    """

    def __init__(self) -> None:
        """None yet."""
        self._pages: dict[str, tuple[tuple[str, ...], list[Row]]] = {}

    def begin(self, name: str, header: tuple[str, ...]) -> None:
        """See `Sheets`."""
        self._pages[name] = (header, [])

    def write(self, name: str, row: Row) -> None:
        """See `Sheets`."""
        self._pages[name][1].append(row)

    def __getitem__(self, name: str) -> Sheet:
        """The sheet of a name, as far as it is written."""
        header, rows = self._pages[name]
        return Sheet(name, header, tuple(rows))


class CsvFolder:
    """CSV files in a folder, one per sheet, named after it; for `with`, after which they are whole, or after an error not there.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with CsvFolder(folder) as files:
    ...         files.begin("lots", ("lot",))
    ...         files.write("lots", ("=O-1",))
    ...     Path(folder, "lots.csv").read_text(encoding="utf-8").splitlines()
    ['lot', "'=O-1"]
    """

    def __init__(self, folder: str | Path) -> None:
        """Into this folder, which must exist."""
        self._folder = Path(folder)
        self._files: dict[str, IO[str]] = {}
        self._open = ExitStack()

    def __enter__(self) -> Self:
        """Nothing to do before the first sheet."""
        return self

    def begin(self, name: str, header: tuple[str, ...]) -> None:
        """See `Sheets`."""
        beside = (self._folder / f"{name}.csv.part").open("w", encoding="utf-8", newline="")
        self._files[name] = self._open.enter_context(beside)
        self.write(name, header)

    def write(self, name: str, row: Row) -> None:
        """See `Sheets`."""
        self._files[name].write(comma_separated([tuple(map(_text, row))]))

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Put the files in their places, or take them away."""
        self._open.close()
        for name in self._files:
            beside = self._folder / f"{name}.csv.part"
            if kind is None:
                beside.replace(self._folder / f"{name}.csv")
            else:
                beside.unlink()


class XlsxFile:
    """One XLSX file, by openpyxl (extra `sheets`), which lays rows aside on the disk; for `with`, after which it is written.

    Raises:
        InvalidInput: (`invalid_input`) a text that no spreadsheet takes (control characters, or more than 32,767 characters), or more
            rows than one takes.

    >>> with XlsxFile(io.BytesIO()) as file:
    ...     file.begin("lots", ("lot",))
    ...     file.write("lots", ("=1+1",))
    """

    def __init__(self, target: str | Path | IO[bytes]) -> None:
        """Into a file, or whatever bytes can be written to."""
        from openpyxl import Workbook  # noqa: PLC0415 - an extra
        from openpyxl.cell import WriteOnlyCell  # noqa: PLC0415
        from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE  # noqa: PLC0415

        self._target, self._cell, self._illegal = target, WriteOnlyCell, ILLEGAL_CHARACTERS_RE
        self._book = Workbook(write_only=True)
        self._pages: dict[str, Any] = {}
        self._count: dict[str, int] = {}

    def __enter__(self) -> Self:
        """Nothing to do before the first sheet."""
        return self

    def begin(self, name: str, header: tuple[str, ...]) -> None:
        """See `Sheets`."""
        self._pages[name], self._count[name] = self._book.create_sheet(name[:31]), 0
        self.write(name, header)

    def write(self, name: str, row: Row) -> None:
        """See `Sheets`."""
        self._count[name] += 1
        if self._count[name] > MAX_ROWS:
            raise InvalidInput(name, f"row {self._count[name]}", f"at most {MAX_ROWS} rows in a sheet: CSV takes any number")
        page = self._pages[name]
        page.append([self._written(name, page, value) for value in row])

    def _written(self, name: str, page: Any, value: Cell) -> Any:
        if isinstance(value, Decimal):
            return self._cell(page, value)  # type: ignore[arg-type]
        text = _text(value)
        if len(text) > MAX_CELL or self._illegal.search(text):
            raise InvalidInput(name, text, f"at most {MAX_CELL} characters in a cell, and no control characters")
        cell: Any = self._cell(page, text)
        cell.data_type = "s"
        return cell

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Write the file, or drop what was laid aside."""
        if kind is None:
            self._book.save(self._target)
        else:
            for page in self._pages.values():
                page.close()


def workbook(sheets: Iterable[Sheet]) -> bytes:
    """The sheets as one XLSX file; see `XlsxFile`.

    >>> workbook([Sheet("lots", ("lot",), (("=1+1",),))])[:2]
    b'PK'
    """
    out = io.BytesIO()
    with XlsxFile(out) as file:
        for sheet in sheets:
            file.begin(sheet.name, sheet.header)
            for row in sheet.rows:
                file.write(sheet.name, row)
    return out.getvalue()


def _text(cell: Cell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, Decimal):
        return plain(cell)
    return cell.isoformat() if isinstance(cell, date) else str(cell)
