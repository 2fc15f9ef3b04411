"""Images with classes: from scikit-learn, Debian's Fashion-MNIST, or any folder of IDX files."""

import gzip
import importlib.util
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..typing import Floats, Index

Labels = NDArray[np.int64]

FASHION = Path("/usr/share/datasets/fashion-mnist")
"""Where Debian's package dataset-fashion-mnist puts its files."""

TEST, VALIDATION = 0.25, 0.15
"""Fraction of all images that test, where a set comes without a test part; of the rest that validates."""

MOST_BYTES = 2**31
"""Of one IDX file, unpacked."""


class DataError(OSError):
    """A data set is not here, or is damaged; the message says which package brings it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """Images before they are split.

    Attributes
    ----------
    name, source : str
    x : ndarray of shape (images, height * width)
        0 to 1.
    y : ndarray of shape (images,)
        Classes, from 0.
    shape : tuple of int
        Height and width.
    tested : int
        How many of the last images are a test part of their own; 0: there is none.
    """

    name: str
    source: str
    x: Floats
    y: Labels
    shape: tuple[int, int]
    tested: int = 0

    @property
    def classes(self) -> int:
        """Number of classes."""
        return int(self.y.max()) + 1

    def split(self, seed: int) -> tuple[Index, Index, Index]:
        """Return places of images that train, validate and test, of every class alike.

        A published test part stays as it is.
        """
        if self.tested:
            rest, test = np.split(np.arange(len(self.y)), [len(self.y) - self.tested])
            validation, train = share_of(self.y, rest, 0.1, stream(seed, 0))
            return train, validation, test
        test, rest = share_of(self.y, np.arange(len(self.y)), TEST, stream(seed, 0))
        validation, train = share_of(self.y, rest, VALIDATION, stream(seed, 1))
        return train, validation, test


def stream(seed: int, *key: int) -> np.random.Generator:
    """Return the random stream of a part of a data set."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))


def share_of(y: Labels, places: Index, share: float, random: np.random.Generator) -> tuple[Index, Index]:
    """Return a fraction of the samples at some places, of every class alike, and the rest; in their order."""
    chosen = np.zeros(len(places), bool)
    for label in np.unique(y[places]):
        of_label = random.permutation(np.flatnonzero(y[places] == label))
        chosen[of_label[: round(share * len(of_label))]] = True
    return places[chosen], places[~chosen]


def pool(name: str) -> Pool:
    """Return the images of "digits", "fashion", or of a folder of IDX files.

    Raises
    ------
    DataError
        The package or folder that brings them is not here, or a file is damaged.
    """
    if name == "digits":
        return _digits()
    if name == "fashion":
        if not FASHION.is_dir():
            raise DataError(
                f"the task fashion needs Debian's package dataset-fashion-mnist ({FASHION} is not there): "
                "apt-get install dataset-fashion-mnist"
            )
        return folder(FASHION, "fashion", "Fashion-MNIST, Xiao et al., arXiv:1708.07747")
    return folder(Path(name))


def _digits() -> Pool:
    if importlib.util.find_spec("sklearn") is None:
        raise DataError("the task digits needs scikit-learn: pip install '.[fit]' in the clone")
    from sklearn.datasets import load_digits  # scikit-learn, an extra

    digits = load_digits()
    x, y = np.asarray(digits.data, float) / 16.0, np.asarray(digits.target, np.int64)
    return Pool(
        name="digits", source="UCI optical digits, test part, as in scikit-learn", x=x, y=y, shape=(8, 8)
    )


def folder(path: Path, name: str = "", source: str = "") -> Pool:
    """Return the images of a folder of IDX files, as those of MNIST are: packed by gzip or not.

    ``*images*idx3*`` beside ``*labels*idx1*``, each with "train" in its name, and where there is a test part
    with "t10k" or "test".

    Raises
    ------
    DataError
        The folder holds no training part, a file is damaged, or images and labels do not fit.
    """
    if not path.is_dir():
        raise DataError(f"there is no folder {path} of IDX files")
    x, y = _part(path, ("train",))
    tested = 0
    if any(_named(path, ("t10k", "test"), part) for part in ("images", "labels")):
        test_images, labels = _part(path, ("t10k", "test"))
        if test_images.shape[1:] != x.shape[1:]:
            raise DataError(
                f"{path} has images of {x.shape[1:]} for training and {test_images.shape[1:]} for tests"
            )
        tested, x, y = len(test_images), np.concatenate([x, test_images]), np.concatenate([y, labels])
    if len(np.unique(y)) < 2:
        raise DataError(f"{path} must hold images of at least two classes")
    # Single precision: 70,000 images of 28 x 28 are 220 MB.
    flat: Any = x.reshape(len(x), -1).astype(np.float32) / np.float32(255.0)
    return Pool(
        name=name or path.name, source=source or f"IDX files of {path.name}", x=flat, y=y.astype(np.int64),
        shape=(x.shape[1], x.shape[2]), tested=tested,
    )  # fmt: skip


def _named(path: Path, kinds: tuple[str, ...], what: str) -> list[Path]:
    return sorted(
        file for file in path.iterdir()
        if what in file.name and "idx" in file.name and any(kind in file.name for kind in kinds)
    )  # fmt: skip


def _part(path: Path, kinds: tuple[str, ...]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return images and labels of a part of a folder."""
    arrays = []
    for part, axes in (("images", 3), ("labels", 1)):
        files = _named(path, kinds, part)
        if len(files) != 1:
            raise DataError(f"{path} must hold one file *{kinds[0]}*{part}*idx{axes}*, got {len(files)}")
        arrays.append(idx(files[0], axes))
    images, labels = arrays
    if len(images) != len(labels) or not len(images):
        raise DataError(f"{path} has {len(images)} images and {len(labels)} labels of {kinds[0]}")
    return images, labels


def idx(path: Path, axes: int) -> NDArray[np.uint8]:
    """Return the bytes of an IDX file, packed by gzip or not.

    Raises
    ------
    DataError
        It cannot be read, is too large, or is no whole IDX file of bytes with so many axes.
    """
    try:
        with path.open("rb") as file:
            is_packed = file.read(2) == b"\x1f\x8b"
        with gzip.open(path) if is_packed else path.open("rb") as opened:
            raw = opened.read(MOST_BYTES + 1)
    except (OSError, EOFError, ValueError) as error:
        raise DataError(f"{path} cannot be read: {error}") from None
    shape = [int.from_bytes(raw[4 + 4 * k : 8 + 4 * k], "big") for k in range(axes)]
    size = 1
    for length in shape:
        size *= length  # whole numbers of any size: a damaged header must not run over
    if raw[:4] != bytes([0, 0, 8, axes]) or len(raw) != 4 + 4 * axes + size:
        raise DataError(f"{path} is no whole IDX file of bytes with {axes} axes")
    return np.frombuffer(raw, np.uint8, offset=4 + 4 * axes).reshape(shape)
