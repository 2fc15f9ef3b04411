"""Limits of what a file declares, by its size: checked before values are read.

A few kilobytes may declare any number of values. What no compression reaches was never written.
"""

RATIO = 1032
"""Most bytes that deflate unpacks from one: a code of two bits repeats 258 bytes.

Deflate is the compression of netCDF, Excel, gzip and MATLAB.
"""

FREE = 2**26
"""Bytes that any file may declare, so that a small one may have values that were not written."""

LARGEST = 2**28
"""Most bytes of a table of a laboratory, unpacked."""

TABLE_RATIO, TABLE_FREE = 100, 2**22
"""The same for a table in gzip, Excel or MATLAB.

Numbers that an instrument measured pack 3 to 20 to 1. A table takes some 100 times its bytes of memory while
it is read: 4 MiB take 0.5 GiB and some seconds.
"""

REFERENCE = 16
"""Bytes of HDF5 by which an array holds a text, beside its letters."""


class SizeError(OSError):
    """A file declares more than it can hold; the message is one sentence without the name of the file."""


def largest_table(size: int) -> int:
    """Return how many bytes a packed table of ``size`` bytes may unpack to."""
    return min(max(TABLE_RATIO * size, TABLE_FREE), LARGEST)


def check(declared: int, size: int, what: str) -> None:
    """Raise :class:`SizeError` where a file declares more than it can hold.

    Parameters
    ----------
    declared : int
        Bytes of all values, unpacked.
    size : int
        Bytes of the file.
    what : str
        Name of what declares most.
    """
    most = max(RATIO * size, FREE)
    if declared > most:
        raise SizeError(
            f"it declares {declared} bytes (most in {what}), and a file of {size} bytes can hold at most "
            f"{most}, since deflate packs at most {RATIO} to 1"
        )
