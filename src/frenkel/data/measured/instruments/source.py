"""A file of measurements before anything is known of it: its bytes as text, lines or sheets.

An instrument looks at a :class:`Source`, and returns a :class:`Recording` if it knows its signature.
"""

import gzip
import io
import re
import zipfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from ....typing import Index
from ...sizes import LARGEST, largest_table

if TYPE_CHECKING:
    import pandas

READERS = {".xlsx": "openpyxl", ".xls": "python-calamine", ".ods": "odfpy"}
"""Endings of spreadsheets; pandas reads each with a package of its own."""

ENGINES = {".xlsx": "openpyxl", ".xls": "calamine", ".ods": "odf"}
"""Names of these packages for pandas."""

BOOKS = (b"PK", b"\xd0\xcf\x11\xe0")
"""First bytes of Excel's files and OpenDocument's, new and old."""

NETCDF = (b"\x89HDF", b"CDF\x01", b"CDF\x02", b"CDF\x05")
"""First bytes of netCDF, new and old: what results, ensembles and measured files are."""

UTF_16 = (b"\xff\xfe", b"\xfe\xff")
"""Marks at the begin of a text in UTF-16."""

PROGRAMS = (b"\x93NUMPY", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")
"""First bytes of numpy's files and pickles, which may hold code."""


class TableError(ValueError):
    """A file holds no table that could be read; the message is one sentence for the user."""


class Source:
    """A file, unpacked.

    Parameters
    ----------
    path : Path
        It may be in gzip (.gz).

    Raises
    ------
    TableError
        It cannot be unpacked, is empty, or has more bytes than :func:`.sizes.largest_table` allows.
    """

    def __init__(self, path: Path) -> None:
        self.name = path.name
        packed = path.suffix.lower() == ".gz"
        self.most = largest_table(path.stat().st_size)
        """Most bytes of what is packed in it."""
        most = self.most if packed else LARGEST
        self.suffix = (path.with_suffix("") if packed else path).suffix.lower()
        try:
            with gzip.open(path, "rb") if packed else path.open("rb") as stream:
                self.data = stream.read(most + 1)
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise TableError(f"{self.name} cannot be unpacked: {error}") from None
        if len(self.data) > most:
            size_note = f" unpacked, since its {path.stat().st_size} are packed" if packed else ""
            raise TableError(f"{self.name} must have at most {most} bytes{size_note}")
        if not self.data.strip():
            raise TableError(f"{self.name} holds no data")

    @property
    def is_binary(self) -> bool:
        """Whether the bytes are no text."""
        has_zeros = not self.data.startswith(UTF_16) and b"\x00" in self.data[:4096]
        return self.suffix in READERS or has_zeros

    @cached_property
    def decoded(self) -> tuple[str, str]:
        """Text and its encoding.

        Raises
        ------
        TableError
            The bytes are no text; the message says what they are.
        """
        if self.data.startswith(NETCDF):
            raise TableError(
                f"{self.name} is netCDF, no table of measurements: frenkel show and frenkel plot read "
                "results and ensembles, xarray.open_dataset any"
            )
        if self.data.startswith(PROGRAMS):
            raise TableError(
                f"{self.name} is a file of numpy or a pickle, which may run code when it is read: write it "
                "as text, with numpy.savetxt or pandas.DataFrame.to_csv"
            )
        encoding = "utf-16" if self.data.startswith(UTF_16) else "utf-8-sig"
        try:
            if not self.is_binary:
                return self.data.decode(encoding).lstrip("\ufeff"), encoding.removesuffix("-sig")
        except UnicodeDecodeError:
            pass
        if any(byte < 9 for byte in self.data[:4096]):
            raise TableError(f"{self.name} must be text or Excel, it holds bytes that are neither")
        return self.data.decode("latin-1"), "latin-1"

    @cached_property
    def lines(self) -> list[str]:
        """Lines of text; none of a file that is no text."""
        return [] if self.is_binary else self.decoded[0].splitlines()

    @cached_property
    def sheets(self) -> "dict[str, pandas.DataFrame]":
        """Cells of each sheet of a spreadsheet, without names of columns; none of another file.

        Raises
        ------
        TableError
            The package that reads it is missing, or the file is damaged.
        """
        if self.suffix not in READERS:
            return {}
        import pandas  # pandas, and only workbooks need it

        self._check_size()
        try:
            return pandas.read_excel(  # type: ignore[no-any-return, unused-ignore]
                io.BytesIO(self.data), sheet_name=None, header=None, dtype=object, engine=ENGINES[self.suffix]
            )
        except ImportError:
            reader = READERS[self.suffix]
            raise TableError(f"{self.name} is Excel, which needs {reader}: pip install {reader}") from None
        except Exception as error:  # whatever its engines make of a damaged file
            if not self.data.startswith(BOOKS):
                raise TableError(
                    f"{self.name} holds no Excel, as its name says: give text another ending, such as .csv"
                ) from None
            raise TableError(f"{self.name} cannot be read as Excel: {error}") from None

    def _check_size(self) -> None:
        """Refuse a book that unpacks to more than it may, or most of whose cells are empty.

        Its engine lays out the whole rectangle from the first to the last cell.
        """
        if not self.data.startswith(b"PK"):
            return
        try:
            with zipfile.ZipFile(io.BytesIO(self.data)) as book:
                size = sum(entry.file_size for entry in book.infolist())
                if size > self.most:
                    words = f"must have at most {self.most} bytes unpacked, it has {size}"
                    raise TableError(f"{self.name} {words}")
                for entry in book.infolist():
                    if re.fullmatch(r"xl/worksheets/[^/]+\.xml", entry.filename):
                        self._check_cells(book.read(entry))
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError):
            return  # the message of its engine says more

    def _check_cells(self, sheet: bytes) -> None:
        rows = [int(number) for number in re.findall(rb"<row\b[^>]{0,200}?\br=[\"'](\d{1,9})[\"']", sheet)]
        cells = re.findall(rb"<c\b[^>]{0,200}?\br=[\"']([A-Z]{1,3})(\d{1,9})[\"']", sheet)
        rows += [int(number) for _, number in cells]
        columns = [_column(name) for name in {name for name, _ in cells}]
        number = max(rows, default=0) * max(columns, default=0)
        # A cell with a number has at least 20 bytes, so this lets 19 of 20 be empty.
        if number > len(sheet):
            raise TableError(
                f"{self.name} must have at most as many cells, with empty ones, as its sheet has bytes, "
                f"{len(sheet)}: got {number}"
            )


def _column(name: bytes) -> int:
    """Return the number of a column by its letters, from 1."""
    number = 0
    for letter in name:
        number = 26 * number + letter - 64
    return number


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """What an instrument recorded.

    Parameters
    ----------
    frame : pandas.DataFrame
        Columns of numbers or text, rows in the order of measurement.
    quantities : mapping
        Of each column its quantity (a key of :data:`frenkel.data.measured.quantities.QUANTITIES`);
        "": not read; a column that is not in it is guessed from its name.
    units : mapping
        Of a column the unit as the instrument names it.
    block : (rows,) int, optional
        Number of the sweep, from 0, of each row.
    constants : mapping
        Quantities that no column holds, as a mapping file writes them, such as {"area": "0.01 mm2"}.
    notes : tuple of str
        What was taken for granted.
    """

    frame: "pandas.DataFrame"
    quantities: Mapping[str, str] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    block: Index | None = None
    constants: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Instrument:
    """An instrument, or the program of one.

    Parameters
    ----------
    name : str
        For messages.
    recognises : callable
        Whether a source has its signature.
    parse : callable
        Reading of a source that has it. A ValueError is shown after the name of the file.
    """

    name: str
    recognises: Callable[[Source], bool]
    parse: Callable[[Source], Recording]
