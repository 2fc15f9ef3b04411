"""What a file declares is compared with its size before values are read; what was written opens."""

import struct

import bombs
import netCDF4
import numpy as np
import pytest
import xarray as xr

from frenkel.cli.main import main
from frenkel.data import content, matlab_elements, netcdf, sizes, store
from frenkel.data.measured.reading import read_table
from frenkel.data.measured.table import TableError


@pytest.fixture(autouse=True)
def no_values(monkeypatch):
    """Fail a test in which values of 2^26 bytes and more are asked for: the check comes first."""
    blocks = content._blocks

    def watched(variable, size):
        assert np.prod(variable.shape, dtype=float) * 8 <= 2**27
        return blocks(variable, size)

    monkeypatch.setattr(content, "_blocks", watched)


@pytest.mark.parametrize(
    "command", ["hash a.nc", "show a.nc", "fit a.nc -o a.card.json", "rtn a.nc", "again a.nc"]
)
@pytest.mark.parametrize("how", [{}, {"packed": False}, {"written": 5}, {"dtype": "i1"}, {"dtype": str}])
def test_values_that_were_never_written_are_not_read(tmp_path, monkeypatch, capsys, command, how):
    """A file of kilobytes that declares 2^33 values."""
    monkeypatch.chdir(tmp_path)
    bombs.netcdf("a.nc", 2**33, **how)
    assert (tmp_path / "a.nc").stat().st_size < 100_000
    assert main(command.split()) == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "declares" in said and "1032" in said


@pytest.mark.parametrize("chunks", [None, {}])
def test_no_way_to_open_a_file_goes_round_it(tmp_path, chunks):
    bombs.netcdf(tmp_path / "a.nc", 2**33)
    with pytest.raises(
        sizes.SizeError, match=r"a.nc cannot be read: it declares 68719476736 bytes \(most in current\)"
    ):
        netcdf.lazy(tmp_path / "a.nc", chunks)
    with pytest.raises(sizes.SizeError):
        netcdf.direct(tmp_path / "a.nc", "r")


def test_the_ratio_is_that_of_deflate(tmp_path):
    """Zeros, which pack as nothing else does, open; one value more than could have been written does not."""
    path = tmp_path / "a.nc"
    bombs.netcdf(path, 2**24, written=2**24)
    ratio = 2**27 / path.stat().st_size
    assert 0.9 * sizes.RATIO < ratio < sizes.RATIO
    with netcdf.direct(path, "r") as file, netcdf.lazy(path) as data:
        assert file["current"].size == data["current"].size == 2**24
    size = path.stat().st_size
    sizes.check(sizes.RATIO * size, size, "x")
    with pytest.raises(sizes.SizeError):
        sizes.check(sizes.RATIO * size + 1, size, "x")


def test_a_small_file_may_have_values_that_were_not_written(tmp_path):
    bombs.netcdf(tmp_path / "a.nc", sizes.FREE // 8)
    assert content.of_file(tmp_path / "a.nc")
    bombs.netcdf(tmp_path / "b.nc", sizes.FREE // 8 + 1)
    with pytest.raises(sizes.SizeError):
        content.of_file(tmp_path / "b.nc")


def test_integers_with_a_scale_count_as_they_were_written(tmp_path):
    """In memory they are fractions of eight bytes."""
    path = tmp_path / "a.nc"
    values = xr.Dataset({"x": ("n", np.zeros(2**26))})
    values.to_netcdf(
        path,
        encoding={"x": {"dtype": "i1", "scale_factor": 0.1, "_FillValue": -1, "zlib": True, "complevel": 9}},
    )
    assert 2**29 > sizes.RATIO * path.stat().st_size
    with netcdf.lazy(path) as data:
        assert data["x"].dtype.itemsize > 1


def test_letters_are_at_most_the_bytes_of_the_file(tmp_path, monkeypatch):
    """Many entries of an array may refer to one text; a library that writes such files is not at hand."""
    path = tmp_path / "a.nc"
    with netCDF4.Dataset(path, "w") as file:
        file.createDimension("n", 3)
        file.createVariable("x", str, ("n",))[:] = np.array(["a" * 400] * 3, object)
    assert content.of_file(path)
    monkeypatch.setattr(content, "_blocks", lambda variable, size: [np.array(["a" * size, "b"], object)])
    with pytest.raises(sizes.SizeError, match="more letters than the file has bytes"):
        content.of_file(path)


def test_texts_come_in_pieces_that_fit(tmp_path):
    path = tmp_path / "a.nc"
    with netCDF4.Dataset(path, "w") as file:
        file.createDimension("n", 1000)
        file.createVariable("x", str, ("n",))[:] = np.array([f"{k}" * 1000 for k in range(1000)], object)
    with netCDF4.Dataset(path) as file:
        pieces = list(content._blocks(file["x"], path.stat().st_size))
    assert max(map(len, pieces)) == 16 and sum(map(len, pieces)) == 1000


# ------------------------------------------------------------------------------ tables


@pytest.mark.parametrize(
    ("name", "made", "words"),
    [
        ("a.csv.gz", lambda: bombs.table(2**24), "must have at most [0-9]+ bytes unpacked"),
        ("a.csv.gz", lambda: bombs.table(2**24)[:-9], "must have at most [0-9]+ bytes unpacked"),
        ("a.xlsx", lambda: bombs.book(blanks=2**24), "must have at most [0-9]+ bytes unpacked, it has"),
        ("a.xlsx", lambda: bombs.book(["A1", "XFD1048576"]), "as many cells, with empty .*: got 17179869184"),
        ("a.xlsx", lambda: bombs.book(["A1", "XFD1", "A1048576"]), "got 17179869184"),
        ("a.mat", lambda: bombs.matlab(zeros=2**22), "unpacks to more than 100 times its bytes"),
        ("a.mat", lambda: bombs.matlab(depth=33), "at most 32 structures within each other"),
        ("a.mat", lambda: bombs.matlab(depth=60_000), "at most 32 structures within each other"),
    ],
)  # fmt: skip
def test_tables_that_unpack_to_more_than_they_are_worth_are_refused(tmp_path, name, made, words):
    path = tmp_path / name
    path.write_bytes(made())
    assert path.stat().st_size < 200_000
    with pytest.raises(TableError, match=words):
        read_table(path)


def test_packed_tables_of_numbers_open(tmp_path):
    """A ratio of 30, more than numbers of a laboratory reach, is allowed."""
    (tmp_path / "a.csv.gz").write_bytes(bombs.table(30_000))
    size = (tmp_path / "a.csv.gz").stat().st_size
    assert 4 * 30_000 > 30 * size and len(read_table(tmp_path / "a.csv.gz").rows) == 30_000
    (tmp_path / "a.xlsx").write_bytes(bombs.book([f"{c}{k}" for k in range(1, 400) for c in "ABC"]))
    assert len(read_table(tmp_path / "a.xlsx").rows) == 399
    (tmp_path / "a.mat").write_bytes(bombs.matlab(depth=8))
    with pytest.raises(TableError, match="holds no array of numbers"):  # as cells have no names
        read_table(tmp_path / "a.mat")
    (tmp_path / "b.mat").write_bytes(bombs.matlab(zeros=1000))
    assert len(read_table(tmp_path / "b.mat").rows) == 1000


@pytest.mark.parametrize("size", [10, 10**6, 10**9])
def test_how_large_a_table_may_be(size):
    most = sizes.largest_table(size)
    assert most == {10: 2**22, 10**6: 10**8, 10**9: 2**28}[size]


# ------------------------------------------------------------------------------ structures and checkpoints


@pytest.mark.parametrize("name", ["provenance", "periphery"])
def test_deep_attributes_are_damaged_ones(tmp_path, capsys, name):
    import earlier

    path = tmp_path / "a.nc"
    path.write_bytes((earlier.today() / "array.nc").read_bytes())
    with netCDF4.Dataset(path, "r+") as file:
        file.setncattr(name, "[" * 100_000)
        file.delncattr("content_hash")
    assert main(["show", str(path)]) == 1
    said = capsys.readouterr().err
    assert "internal error" not in said and said.count("\n") == 1


def test_a_checkpoint_is_not_packed(tmp_path):
    path = store.save_checkpoint({"a": np.zeros(10)}, tmp_path / "a.checkpoint")
    assert store.load_checkpoint(path)["a"].shape == (10,)
    path.write_bytes(bombs.checkpoint(path.read_bytes()))
    with pytest.raises(store.StoreError, match="it declares 1[0-9]+ bytes, the file has [0-9]+"):
        store.load_checkpoint(path)


def test_an_attribute_that_the_library_cannot_read_is_an_error_of_the_file(tmp_path, monkeypatch):
    """netCDF4 raises AttributeError for it, which is no fault of a program."""

    def damaged(*_, **__):
        raise AttributeError("NetCDF: Can't open HDF5 attribute")

    (tmp_path / "x.nc").touch()
    monkeypatch.setattr(xr, "open_dataset", damaged)
    monkeypatch.setattr(xr.backends, "NetCDF4DataStore", lambda *_, **__: None)
    with pytest.raises(OSError, match=r"x\.nc cannot be read: NetCDF: Can't open HDF5 attribute"):
        netcdf.lazy(tmp_path / "x.nc")


def test_a_size_that_a_matlab_file_declares_counts_before_it_is_read():
    """A million times a million numbers in 200 bytes: refused by what it declares, not by what is missing."""
    side = 10**6
    body = struct.pack("<IIII", 6, 8, 6, 0) + struct.pack("<IIii", 5, 8, side, side)
    body += struct.pack("<IIII", 1, 0, 9, 8) + bytes(8)
    head = b"MATLAB 5.0 MAT-file".ljust(124) + b"\x00\x01IM"
    data = head + struct.pack("<II", 14, len(body)) + body
    with pytest.raises(ValueError, match="at most 5000 bytes in arrays, it declares 8000000000000"):
        matlab_elements.load(data, 5000)
