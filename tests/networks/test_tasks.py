"""Data of tasks: splits, generators with closed forms, files that are missing or damaged."""

import gzip

import numpy as np
import pytest

from frenkel.networks import tasks


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
    monkeypatch.setattr(tasks, "FASHION", tmp_path / "nowhere")
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


def test_a_damaged_image_file_is_refused(tmp_path):
    whole = bytes([0, 0, 8, 1]) + (3).to_bytes(4, "big") + b"abc"
    file = tmp_path / "x.gz"
    file.write_bytes(gzip.compress(whole))
    assert bytes(tasks._idx(file, 1)) == b"abc"
    for bad in (gzip.compress(whole[:-1]), gzip.compress(b"\0\0\1\1" + whole[4:]), b"not gzip"):
        file.write_bytes(bad)
        with pytest.raises(tasks.DataError, match="x.gz"):
            tasks._idx(file, 1)


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
    with pytest.raises(ValueError, match="short < least"):
        tasks.intervals(3, short=20, least=10)
