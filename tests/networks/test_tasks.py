"""Data of tasks: splits, generators with closed forms, files that are missing or damaged."""

import gzip

import numpy as np
import pytest

from frenkel.networks import images, tasks


def test_digits_are_split_by_class_and_by_seed():
    task, other = tasks.load("digits", 0), tasks.load("digits", 1)
    assert [len(part) for part in (task.train, task.validation, task.test)] == [1146, 201, 450]
    assert task.train.x.min() == 0.0 and task.train.x.max() == 1.0
    assert not np.array_equal(task.test.x, other.test.x)
    rows = {row.tobytes() for part in (task.train, task.validation, task.test) for row in part.x}
    assert len(rows) >= 1795  # no sample is in two parts; two pairs of images may be equal


def test_intervals_hold_what_they_promise():
    part = tasks.intervals(300, seed=4)
    assert np.array_equal(part.x.sum(axis=2), np.full((300, 4), 2.0))
    for x, y in zip(part.x, part.y, strict=True):
        gaps = [np.ptp(np.flatnonzero(channel)) for channel in x]
        assert gaps[y] <= 5 and min(np.delete(gaps, y)) >= 15


def test_mackey_glass_has_its_fixed_point():
    """Where 0.2 x/(1 + x^10) = 0.1 x, at x = 1, nothing moves; from 1.2 with a short delay it goes there."""
    assert tasks.mackey_glass(50, delay=1.0) == pytest.approx(np.ones(50), abs=1e-6)


def test_mackey_glass_converges_with_the_step():
    """The mean of neighbours makes it second order: errors of 0.1 and 0.05 against 0.025 are as 5 to 1."""
    coarse, middle, fine = (
        tasks.mackey_glass(3, step=step, every=round(1.0 / step), delay=8.0) for step in (0.1, 0.05, 0.025)
    )
    assert np.abs(coarse - fine).max() / np.abs(middle - fine).max() == pytest.approx(5.0, rel=0.1)


@pytest.mark.parametrize("name", ["gunpoint", "italy", "fashion"])
def test_a_missing_package_is_named(name, monkeypatch, tmp_path):
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    monkeypatch.setattr(images, "FASHION", tmp_path / "nowhere")
    with pytest.raises(tasks.DataError, match="aeon" if name != "fashion" else "dataset-fashion-mnist"):
        tasks.load(name)
    with pytest.raises(tasks.DataError, match="reservoirpy"):
        tasks.series("laser")


def test_series_files_are_read(tmp_path):
    file = tmp_path / "a_TRAIN.ts"
    file.write_text("#words: with colons\n@classLabel true 1 2\n@data\n1.0,2.0,3.0:1\n4.0,5.0,6.5:2\n")
    x, y = tasks._ts(file)
    assert x.shape == (2, 1, 3) and x[1, 0, 2] == 6.5 and y == ["1", "2"]
    file.write_text("@data\n1.0,2.0:1\n1.0:2\n")
    with pytest.raises(tasks.DataError, match="one length"):
        tasks._ts(file)


def idx(values):
    """Return bytes as an IDX file holds them."""
    values = np.asarray(values, np.uint8)
    sizes = b"".join(size.to_bytes(4, "big") for size in values.shape)
    return bytes([0, 0, 8, values.ndim]) + sizes + values.tobytes()


def write_idx(folder, kind, count, seed=0, packed=True):
    """Write made-up images of 5 x 4 with three classes; the first pixel of each is its class."""
    y = np.arange(count) % 3
    x = np.random.default_rng(seed).integers(256, size=(count, 5, 4))
    x[:, 0, 0] = y
    for what, values in (("images-idx3", x), ("labels-idx1", y)):
        raw = idx(values)
        name = f"{kind}-{what}-ubyte" + (".gz" if packed else "")
        (folder / name).write_bytes(gzip.compress(raw) if packed else raw)


def test_a_damaged_image_file_is_refused(tmp_path):
    whole = idx(list(b"abc"))
    file = tmp_path / "x.gz"
    for packed in (gzip.compress(whole), whole):
        file.write_bytes(packed)
        assert bytes(images.idx(file, 1)) == b"abc"
    huge = whole[:4] + b"\xff" * 4
    for bad in (gzip.compress(whole[:-1]), gzip.compress(b"\0\0\1\1" + whole[4:]), b"not gzip", b"", huge,
                gzip.compress(whole)[:-4]):  # fmt: skip
        file.write_bytes(bad)
        with pytest.raises(images.DataError, match="x.gz"):
            images.idx(file, 1)


@pytest.mark.parametrize("packed", [True, False])
def test_a_folder_of_images_is_split_and_keeps_its_test_part(packed, tmp_path):
    write_idx(tmp_path, "train", 60, packed=packed)
    alone = images.pool(str(tmp_path))
    assert alone.tested == 0 and alone.shape == (5, 4) and alone.classes == 3
    assert [len(part) for part in alone.split(0)] == [39, 6, 15]
    write_idx(tmp_path, "t10k", 30, 1, packed=packed)
    task = tasks.load(str(tmp_path), 3)
    assert [len(part) for part in (task.train, task.validation, task.test)] == [54, 6, 30]
    for part in (task.train, task.validation, task.test):
        np.testing.assert_array_equal(np.round(255.0 * part.x[:, 0]), part.y)
        assert len(set(np.bincount(part.y))) == 1  # of every class alike
    assert not np.array_equal(task.train.y, tasks.load(str(tmp_path), 4).train.y) or not np.array_equal(
        task.train.x, tasks.load(str(tmp_path), 4).train.x
    )


def test_folders_that_hold_no_images_are_refused(tmp_path):
    def refused(message):
        with pytest.raises(images.DataError, match=message):
            images.pool(str(tmp_path))

    refused(r"must hold one file \*train\*images\*idx3\*, got 0")
    write_idx(tmp_path, "train", 9)
    (tmp_path / "train-labels-idx1-ubyte.gz").write_bytes(gzip.compress(idx([0, 1])))
    refused("9 images and 2 labels")
    write_idx(tmp_path, "train", 9)
    (tmp_path / "t10k-images-idx3-ubyte").write_bytes(idx(np.zeros((2, 3, 3))))
    refused(r"one file \*t10k\*labels\*idx1\*, got 0")
    (tmp_path / "t10k-labels-idx1-ubyte").write_bytes(idx([0, 1]))
    refused("5, 4.* for training and .*3, 3.* for tests")
    with pytest.raises(images.DataError, match="no folder .*nowhere"):
        images.pool(str(tmp_path / "nowhere"))


def test_order_matters_in_intervals_only():
    """A static task in the clothes of a temporal one, its class in the number of spikes, gains nothing."""
    timed = tasks.intervals(150, 3)
    counted = tasks.Part(timed.x.copy(), timed.y)
    counted.x[np.arange(150), counted.y, 0] += 1.0

    def gain(part):
        task = tasks.Task(
            name="made", source="", classes=4, temporal=True, train=part, validation=part, test=part
        )
        return tasks.temporal_need(task, kernels=100)["gain"]

    assert gain(counted) < 0.1 < gain(timed)
    with pytest.raises(ValueError, match="no steps"):
        tasks.temporal_need(tasks.load("digits"))


def test_unknown_names():
    with pytest.raises(ValueError, match="digits"):
        tasks.load("mnist")
    with pytest.raises(ValueError, match="mackey-glass"):
        tasks.series("lorenz")
