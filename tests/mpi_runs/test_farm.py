"""The farm: every engine gives the same result, faults cost one member, stops are orderly."""

import math
import os
import signal
import sys
import time
from types import SimpleNamespace

import farm_tools
import pytest
import synthetic_members

from frenkel.data import stopping
from frenkel.mpi_runs import child, farm, runs, session, shards
from frenkel.mpi_runs.order import Order

NUMBER = 30


@pytest.fixture
def here(monkeypatch):
    """Let child processes find the made-up members."""
    monkeypatch.setenv("PYTHONPATH", farm_tools.environment()["PYTHONPATH"])
    yield


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    code, said, found, errors = farm_tools.run("serial", tmp_path_factory.mktemp("r") / "run", NUMBER)
    assert (code, said["ran"], said["left"]) == (0, NUMBER, 0), errors
    return found


@pytest.mark.parametrize("ranks", [1, 2, 3, 5])
def test_any_number_of_ranks_gives_the_same_content(tmp_path, reference, ranks):
    farm_tools.needs_mpi()
    code, said, found, errors = farm_tools.run("mpi", tmp_path / "run", NUMBER, ranks=ranks)
    assert (code, said["ran"]) == (0, NUMBER), errors
    assert found == reference
    used = {path.name.split(".")[2] for path in (tmp_path / "run").glob("*.shard")}
    assert 1 <= len(used) <= ranks


def test_the_pool_gives_the_same_content(tmp_path, reference):
    assert farm_tools.run("pool", tmp_path / "run", NUMBER, {"workers": 3})[2] == reference


def test_without_isolation_the_content_is_the_same(tmp_path, reference):
    settings = {"job": {"isolated": False}}
    assert farm_tools.run("serial", tmp_path / "run", NUMBER, settings)[2] == reference


def test_dask_gives_the_same_content(tmp_path, reference):
    code, _, found, errors = farm_tools.run("dask", tmp_path / "run", NUMBER, {"workers": 2})
    assert (code, found) == (0, reference), errors


def test_dask_runs_a_member_once_on_as_many_workers_as_there_are(monkeypatch):
    """Members are not pure, and one that kills its worker is not tried again: the farm counts attempts."""
    calls = []

    class Client:
        def __init__(self, *address, **local):
            calls.append((address, local.get("n_workers")))

        def __enter__(self):
            return self

        def __exit__(self, *_):
            calls.append("closed")

        def get_executor(self, **options):
            return options

        def nthreads(self):
            return {"a": 2, "b": 1}

        def run(self, function):
            calls.append(function)

    monkeypatch.setitem(sys.modules, "distributed", SimpleNamespace(Client=Client))
    with farm.dask(3) as workers:
        assert workers == [({"pure": False, "retries": 0}, 3)]
    with farm.dask(address="tcp://here:1"):
        pass
    stop = farm.worker.close_all
    assert calls == [((), 3), stop, "closed", (("tcp://here:1",), None), stop, "closed"]


def test_a_missing_engine_names_a_command(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(farm.FarmError, match=r'no dask here: pip install "\.\[dask\]" in the clone'):
        with farm.dask(2):
            pass


def test_parts_merged_give_the_same_content(tmp_path, reference, here):
    job = synthetic_members.job
    for part in (1, 2, 3):
        mine = session.Job(
            **{
                **{name: getattr(job(tmp_path / "run", NUMBER), name) for name in session.Job.__slots__},
                "members": range(NUMBER)[part - 1 :: 3],
                "part": f"{part}-of-3",
            }
        )
        with farm.pool(2) as workers:
            assert session.execute(mine, workers).code == session.DONE
    assert synthetic_members.merged(tmp_path / "run", NUMBER) == reference


def test_a_fault_costs_one_member(tmp_path, here):
    """A raise, three signals and a hang; the failures say what happened and where."""
    faults = {"3": "raise", "5": "kill", "7": "segfault", "9": "hang", "10": "real-time"}
    job = synthetic_members.job(tmp_path / "run", 12, {"faults": faults, "job": {"limit": 1.5}})
    with farm.pool(2) as workers:
        done = session.execute(job, workers)
    assert (done.code, done.failed, done.left) == (session.FAILED, [3, 5, 7, 9, 10], 0)
    found = runs.survey([job.folder])
    located = found.best([3, 5, 7, 9, 10])
    assert located.status.tolist() == [shards.FAILED, *[shards.DIED] * 2, shards.TIMEOUT, shards.DIED]
    heads = [head_of(located, number) for number in range(5)]
    assert heads[0]["error"] == "ValueError: made to fail" and "in run" in heads[0]["traceback"]
    assert "SIGKILL" in heads[1]["error"] and "SIGSEGV" in heads[2]["error"]
    assert heads[4]["error"] == "its process ended: signal 40"  # a real-time signal has no name
    assert "Segmentation fault" in heads[2]["traceback"]
    assert all(head["state"] == {"step": 1} for head in heads)


def head_of(located, number):
    with located.paths[located.shard[number]].open("rb") as stream:
        stream.seek(located.offset[number])
        return shards.frame_head(stream.read(located.length[number]))[2]


def test_failed_members_run_again_three_times_in_all(tmp_path, here):
    job = synthetic_members.job(tmp_path / "run", 3, {"faults": {"1": "raise"}})
    ran = []
    for _ in range(4):
        with farm.serial() as workers:
            ran.append(session.execute(job, workers).ran)
    assert ran == [3, 1, 1, 0]


def test_a_run_that_prepares_wrongly_fails_its_members(tmp_path, here):
    job = synthetic_members.job(tmp_path / "run", 2)
    wrong = session.Job(
        **{name: getattr(job, name) for name in session.Job.__slots__} | {"function": "no:thing"}
    )
    with farm.serial() as workers:
        done = session.execute(wrong, workers)
    assert done.failed == [0, 1]
    assert "ModuleNotFoundError" in head_of(runs.survey([job.folder]).best([0]), 0)["error"]


@pytest.mark.parametrize(
    ("engine", "number"),
    [("serial", signal.SIGTERM), ("pool", signal.SIGUSR1), ("pool", signal.SIGINT), ("mpi", signal.SIGTERM)],
)
def test_a_signal_stops_in_good_order(tmp_path, engine, number):
    if engine == "mpi":
        farm_tools.needs_mpi()
    settings = {"nap": 0.05, "workers": 2}
    process = farm_tools.start(engine, tmp_path / "run", 200, settings, ranks=2 if engine == "mpi" else None)
    wait_for(lambda: records(tmp_path / "run") >= 3)
    process.send_signal(number)
    begin = time.monotonic()
    code, said, found, errors = farm_tools.finish(process)
    assert (code, found) == (session.STOPPED, None), errors
    assert time.monotonic() - begin < 5
    assert said["left"] > 0 and said["ran"] + said["left"] == 200
    assert not runs.survey([tmp_path / "run"]).faults
    assert not list((tmp_path / "run").glob("*.lock"))


def test_the_time_limit_stops(tmp_path, here):
    job = synthetic_members.job(
        tmp_path / "run", 500, {"nap": 0.02, "job": {"deadline": time.monotonic() + 1.0}}
    )
    with farm.pool(2) as workers:
        done = session.execute(job, workers)
    assert (done.code, done.reason) == (session.STOPPED, "the time limit") and 0 < done.ran < 500


def test_a_long_member_is_killed_after_the_grace_and_runs_again(tmp_path, here):
    options = {"deadline": time.monotonic() + 1.5, "grace": 0.3}
    job = synthetic_members.job(tmp_path / "run", 1, {"nap": 60, "job": options})
    begin = time.monotonic()
    with farm.serial() as workers:
        done = session.execute(job, workers)
    assert (done.code, done.left, done.failed) == (session.STOPPED, 1, [])
    assert time.monotonic() - begin < 10


@pytest.mark.parametrize("isolated", [True, False])
def test_a_member_that_is_asked_to_stop_is_not_a_failure(tmp_path, here, isolated):
    options = {"deadline": time.monotonic() + 1.5, "grace": 60.0, "isolated": isolated}
    job = synthetic_members.job(tmp_path / "run", 1, {"polite": True, "job": options})
    begin = time.monotonic()
    with farm.serial() as workers:
        done = session.execute(job, workers)
    assert (done.code, done.left, done.failed) == (session.STOPPED, 1, [])
    assert time.monotonic() - begin < 10 and not records(tmp_path / "run")


def test_the_longest_go_first_and_what_is_learnt_counts():
    costs = [(0, 1.0), (0, 5.0), (1, 2.0), (1, 3.0), (1, 2.0)]
    order = Order(range(5), workers=1, cost=costs.__getitem__)
    assert order.next() == [1]
    order.learn(1, 5.0)
    assert order.next() == [3]
    order.learn(3, 300.0)  # the second group is slow: a hundred times its estimate
    assert order.next() == [2]
    assert math.isclose(order.seconds_left(), 200.0 + 1.0)
    order.again(2)
    assert [order.next(), order.next(), order.next(), order.next()] == [[2], [4], [0], []]


def test_short_members_are_chunked_but_not_at_the_end():
    order = Order(range(1000), workers=4)
    assert len(order.next()) == 1
    order.learn(0, 1e-3)
    sizes = []
    while chunk := order.next():
        sizes.append(len(chunk))
    assert sum(sizes) == 999 and max(sizes) == 62 and sizes[-10:] == [1] * 10


def test_long_members_are_not_chunked():
    order = Order(range(100), workers=4)
    order.next()
    order.learn(0, 10.0)
    assert len(order.next()) == 1


def test_processes_that_each_think_they_are_alone_are_refused(monkeypatch):
    monkeypatch.setenv("OMPI_COMM_WORLD_SIZE", "4")
    monkeypatch.delenv("PMI_SIZE", raising=False)
    with pytest.raises(farm.FarmError, match="each would do all the work"):
        farm.choose("pool")
    assert farm.choose(None) == "mpi"
    pytest.importorskip("mpi4py")
    code, _, _, errors = finish_with(monkeypatch)
    assert code != 0 and "a launcher started 4 processes" in errors and "--mpi=pmi2" in errors


def finish_with(monkeypatch):
    monkeypatch.setattr(farm_tools, "environment", lambda: dict(os.environ))
    return farm_tools.run("mpi", "/nowhere", 1)


def test_without_mpi_one_sentence_says_what_to_install(monkeypatch):
    for error in (ImportError("x"), RuntimeError("cannot load MPI library")):

        class Missing:
            def find_spec(self, name, path=None, target=None, error=error):
                if name == "mpi4py":
                    raise error

        monkeypatch.setattr("sys.meta_path", [Missing()])
        monkeypatch.delitem(__import__("sys").modules, "mpi4py", raising=False)
        with pytest.raises(farm.FarmError, match=r'pip install "\.\[mpi\]" in the clone'), farm.mpi():
            raise AssertionError


def test_the_environment_of_children_knows_no_launcher(tmp_path, here, monkeypatch):
    monkeypatch.setenv("PMI_RANK", "1")
    monkeypatch.setenv("SLURM_PROCID", "1")
    for name in child.THREADS:
        monkeypatch.setenv(name, "7")
    plan = {"function": "synthetic_members:prepare", "settings": {}, "limit": None}
    file, _ = runs.write_plan(tmp_path, "all", plan)
    one = child.Child(file, None, stopping.Stop(tmp_path, "all", None, 1.0))
    one.run(0)
    names = open(f"/proc/{one.process.pid}/environ").read().split("\0")
    one.close()
    assert not [name for name in names if name.startswith(("PMI", "SLURM"))]
    assert [f"{name}=1" in names for name in child.THREADS] == [True] * 4


def test_a_child_dies_with_its_parent(tmp_path):
    process = farm_tools.start("serial", tmp_path / "run", 1, {"nap": 60})
    children = []
    wait_for(lambda: children.extend(descendants(process.pid)) or children)
    process.kill()
    process.wait()
    wait_for(lambda: not any(os.path.exists(f"/proc/{one}") for one in children))
    process.stdout.close(), process.stderr.close()


def descendants(pid):
    try:
        return [int(one) for one in open(f"/proc/{pid}/task/{pid}/children").read().split()]
    except OSError:
        return []


def records(folder):
    return sum(len(shards.scan(path).member) for path in folder.glob("*.shard"))


def wait_for(condition, limit=20.0):
    end = time.monotonic() + limit
    while not condition():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.02)
