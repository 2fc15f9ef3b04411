"""Small files that declare, or unpack to, far more than they have, and structures within structures."""

import gzip
import io
import struct
import zipfile
import zlib

import netCDF4
import numpy as np


def netcdf(path, size, *, packed=True, written=0, dtype="f8", kind="device", attrs=()):
    """Write a result with one variable of ``size`` values, of which the first are written."""
    with netCDF4.Dataset(path, "w") as file:
        file.setncatts({"frenkel_kind": kind, "frenkel_schema": np.int32(1), **dict(attrs)})
        file.createDimension("sample", size)
        how = (
            {"zlib": True, "complevel": 9, "chunksizes": (min(size, 2**20),)}
            if packed and dtype is not str
            else {}
        )
        variable = file.createVariable("current", dtype, ("sample",), **how)
        if written:
            variable[:written] = np.zeros(written)


def matlab(depth=0, zeros=0):
    """Return a MATLAB file of version 7: a number, or zeros, in cells within each other."""
    number = max(zeros, 1)
    body = struct.pack("<IIIIII", 14, 48 + 8 * number, 6, 8, 6, 0) + struct.pack("<IIii", 5, 8, number, 1)
    body += struct.pack("<IIII", 1, 0, 9, 8 * number) + bytes(8 * number)
    size, heads = len(body), []
    for _ in range(depth):
        heads.append(struct.pack("<IIIIIIIIiiII", 14, 40 + size, 6, 8, 1, 0, 5, 8, 1, 1, 1, 0))
        size += 48
    packed = zlib.compress(b"".join(reversed(heads)) + body, 9)
    return b"MATLAB 5.0 MAT-file".ljust(124) + b"\x00\x01IM" + struct.pack("<II", 15, len(packed)) + packed


def table(rows):
    """Return a table in gzip whose rows are all the same."""
    return gzip.compress(b"voltage (V),current (A)\n" + b"1,2\n" * rows)


def book(cells=("A1",), blanks=0):
    """Return a spreadsheet with numbers in some cells, and blanks after them in its sheet."""
    import openpyxl

    new, old = io.BytesIO(), io.BytesIO()
    made = openpyxl.Workbook()
    for number, cell in enumerate(cells):
        made.active[cell] = number
    made.save(old)
    with zipfile.ZipFile(old) as source, zipfile.ZipFile(new, "w", zipfile.ZIP_DEFLATED) as target:
        for entry in source.infolist():
            sheet = entry.filename.startswith("xl/worksheets/")
            target.writestr(entry.filename, source.read(entry) + b" " * (blanks if sheet else 0))
    return new.getvalue()


def checkpoint(content):
    """Return a checkpoint with an array of zeros that is packed."""
    new = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(content)) as source,
        zipfile.ZipFile(new, "w", zipfile.ZIP_DEFLATED) as target,
    ):
        for entry in source.infolist():
            target.writestr(entry.filename, source.read(entry))
        target.writestr("array999.npy", bytes(2**24))
    return new.getvalue()
