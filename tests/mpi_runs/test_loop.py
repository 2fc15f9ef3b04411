"""The loop that keeps the workers supplied, with made-up workers: errors, lost workers, work put back."""

from concurrent.futures import CancelledError, Executor, Future
from concurrent.futures.process import BrokenProcessPool

import pytest

from frenkel.data import stopping
from frenkel.mpi_runs import farm, shards, status
from frenkel.mpi_runs.order import Order
from frenkel.mpi_runs.worker import Receipt, Report


class MadeUp(Executor):
    """Answers at once: ``answer(members)`` returns receipts or raises."""

    def __init__(self, answer):
        self.answer, self.tasks = answer, []

    def submit(self, fn, plan_file, run_id, members):
        assert (fn, plan_file, run_id) == (farm.worker.work, "plan", "run")
        self.tasks.append(members)
        future = Future()
        try:
            future.set_result(Report("w", self.answer(members), 0.1 * len(members)))
        except Exception as error:
            future.set_exception(error)
        return future


class Distant(Executor):
    """Never answers; its tasks can be taken back while they have not begun."""

    def __init__(self):
        self.futures = []

    def submit(self, fn, plan_file, run_id, members):
        self.futures.append(Future())
        return self.futures[-1]


class Near(Distant, farm.Serial):
    """The same in this process."""


def fine(members):
    return [Receipt(member, shards.OK, 0.1) for member in members]


def play(folder, executor, number=6, stop=None):
    """Run members; return their order, the stop and the reports. A loop that gets nowhere fails."""
    order, stop, reports, ticks = Order(range(number), 1), stop or stop_of(folder), [], []

    def tick(running):
        ticks.append(running)
        assert len(ticks) < 200

    farm.run([(executor, 1)], order, "plan", "run", stop, finished=reports.append, tick=tick)
    return order, stop, reports


def stop_of(folder):
    return stopping.Stop(folder, "all", None, 1.0)


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(farm, "TICK", 0.01)


def test_every_member_is_handed_out_once(tmp_path):
    executor = MadeUp(fine)
    order, stop, reports = play(tmp_path, executor, 50)
    assert sorted(member for task in executor.tasks for member in task) == list(range(50))
    assert order.left == 0 and not stop.wanted() and len(reports) == len(executor.tasks)


def test_a_worker_that_cannot_write_stops_the_run_and_its_error_is_told(tmp_path):
    def full(members):
        if 2 in members:
            raise shards.ShardError(28, "the disk is full")
        return fine(members)

    executor, stop = MadeUp(full), stop_of(tmp_path)
    with pytest.raises(shards.ShardError, match="the disk is full"):
        play(tmp_path, executor, stop=stop)
    assert stop.reason == "an error of a worker: the disk is full"
    assert stopping.own_file(tmp_path, "all").exists() and not (tmp_path / "stop").exists()
    assert sum(2 in task for task in executor.tasks) == 1


def test_a_member_that_loses_its_worker_three_times_ends_the_run(tmp_path):
    def lost(members):
        if 3 in members:
            raise BrokenProcessPool("a worker is gone")
        return fine(members)

    executor = MadeUp(lost)
    with pytest.raises(BrokenProcessPool):
        play(tmp_path, executor)
    assert sum(3 in task for task in executor.tasks) == farm.TRIES == 3


def test_a_worker_that_is_lost_once_costs_nothing(tmp_path):
    lost = []

    def once(members):
        if 3 in members and not lost:
            lost.append(members)
            raise BrokenProcessPool("a worker is gone")
        return fine(members)

    order, stop, reports = play(tmp_path, MadeUp(once))
    done = sorted(receipt.member for report in reports for receipt in report.receipts)
    assert done == list(range(6)) and order.left == 0 and not stop.wanted()


def test_members_of_a_task_that_an_engine_cancels_are_put_back(tmp_path):
    tried = []

    def cancelled(members):
        tried.append(members)
        if len(tried) < 6:  # more often than a worker may be lost
            raise CancelledError
        return fine(members)

    order, stop, _ = play(tmp_path, MadeUp(cancelled), 1)
    assert tried == [[0]] * 6 and not stop.wanted() and order.left == 0


@pytest.mark.parametrize("why", ["the file stop", ""])
def test_a_worker_that_was_told_to_stop_stops_the_run_and_says_why(tmp_path, why):
    told = MadeUp(lambda members: [Receipt(one, shards.STOPPED, 0.0, error=why) for one in members])
    order, stop, _ = play(tmp_path, told)
    assert stop.reason == (why or "a worker was asked to") and order.left == 6


@pytest.mark.parametrize(("kind", "ahead"), [(Distant, farm.AHEAD), (Near, 1)])
def test_a_stop_takes_back_what_has_not_begun_and_counts_it(tmp_path, kind, ahead):
    """Distant workers have one task ahead, so that none waits for the manager; those of this process not."""
    executor, order, stop, seen = kind(), Order(range(9), 2), stop_of(tmp_path), []

    def tick(running):
        seen.append((running, order.left))
        stop.now("x")

    farm.run([(executor, 2)], order, "plan", "run", stop, finished=lambda one: 0, tick=tick)
    assert seen[0] == (2 * ahead, 9 - 2 * ahead)
    assert order.left == 9 and sorted(order.next()[0] for _ in range(9)) == list(range(9))
    assert stopping.own_file(tmp_path, "all").exists()


def test_what_is_put_back_counts_again():
    order = Order(range(4), 1, lambda member: (0, 1.0 + member))
    assert order.next() == [3]
    order.learn(3, 8.0)
    assert (order.left, order.seconds_left()) == (3, 2.0 * (1 + 2 + 3))
    order.again(3)
    assert (order.left, order.seconds_left()) == (4, 2.0 * (1 + 2 + 3 + 4))
    assert [order.next() for _ in range(5)] == [[3], [2], [1], [0], []]
    assert (order.left, order.seconds_left()) == (0, 0.0)


def test_the_status_counts_what_is_reported():
    order, one = Order(range(10), 2), status.Status(10, before=4, workers=4)
    order.next(), order.next()
    order.learn(0, 2.0)
    receipts = [
        Receipt(0, shards.OK, 2.0, peak=7.0, bytes=100),
        Receipt(1, shards.FAILED, 1.0, peak=5.0, error="E", bytes=10),
        Receipt(2, shards.STOPPED, 0.0, peak=99.0, bytes=1000),
    ]
    one.take(Report("a", receipts, busy=3.0), order)
    one.take(Report("b", [], busy=1.0), order)
    assert (one.done, one.failed, one.written, one.peak) == (1, 1, 110, 7.0)
    assert one.last_error == "member 1: E"
    assert one.left == 8 * 2.0 and one.rest() == 4.0
    assert one.balance() == (3.0 + 1.0) / (4 * 3.0)  # two of them had nothing to do
    said = one.document()
    assert (said["done"], said["before"], said["failed"], said["total"]) == (5, 4, 1, 10)
