"""What runs on a worker: the members of its run, until it is to stop; stopped ones are not written."""

import time

import pytest
import synthetic_members

from frenkel.data import stopping
from frenkel.mpi_runs import runs, session, shards, worker


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(stopping, "FILE_INTERVAL", 0.0)
    yield
    worker.close_all()


def plan(folder, **settings):
    """Write the plan of a run; return what :func:`worker.work` takes of it."""
    folder.mkdir(exist_ok=True)
    options = {"isolated": False, **settings.pop("job", {})}
    file, run_id = runs.write_plan(
        folder, "all", session._plan(synthetic_members.job(folder, 9, settings | {"job": options}))
    )
    return str(file), run_id


def written(folder):
    return [one for path in folder.glob("all.*.shard") for one in shards.scan(path).member.tolist()]


def test_members_are_written_and_receipts_come_back(tmp_path):
    report = worker.work(*plan(tmp_path, faults={"4": "raise"}), [3, 4])
    assert [(one.member, one.status) for one in report.receipts] == [(3, shards.OK), (4, shards.FAILED)]
    assert report.receipts[1].error == "ValueError: made to fail" and written(tmp_path) == [3, 4]
    (path,) = tmp_path.glob("all.*.shard")
    assert sum(one.bytes for one in report.receipts) == shards.scan(path).length.sum()


def test_a_worker_that_is_to_stop_runs_nothing_more(tmp_path):
    made = plan(tmp_path)
    stopping.own_file(tmp_path, "all").touch()
    report = worker.work(*made, [1, 2])
    assert [one.status for one in report.receipts] == [shards.STOPPED] * 2 and written(tmp_path) == []
    assert {one.error for one in report.receipts} == {"another process of the run"}


def test_a_member_that_stops_when_asked_is_not_written(tmp_path):
    made = plan(tmp_path, polite=True, job={"deadline": time.monotonic() + 0.1})
    report = worker.work(*made, [1])
    assert [(one.status, one.error) for one in report.receipts] == [(shards.STOPPED, "the time limit")]
    (path,) = tmp_path.glob("all.*.shard")
    found = shards.scan(path)
    assert len(found.member) == 0 and len(found.faults) == 0


def test_a_worker_goes_over_to_the_run_that_calls_it(tmp_path):
    """The processes of a dask cluster, or of an executor of the user, live through many runs."""
    for name in ("a", "b"):
        worker.work(*plan(tmp_path / name), [0])
    assert written(tmp_path / "a") == written(tmp_path / "b") == [0]
