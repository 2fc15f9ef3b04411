"""What members report stays in their records, and is told by `frenkel status --log`."""

import logging
import threading
import warnings

import farm_tools
import pytest
import synthetic_members

from frenkel.cli import main as cli
from frenkel.data import content
from frenkel.mpi_runs import child, farm, runs, session, shards

SAYS = {"1": ["first\n words"], "2": ["of two"], "3": [f"line {number}" for number in range(150)]}
FAULTS = {"2": "raise", "4": "kill", "5": "segfault"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return a folder of six members, some of which say something or fail."""
    made = tmp_path_factory.mktemp("logs") / "out.nc.run"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", farm_tools.environment()["PYTHONPATH"])
        job = synthetic_members.job(made, 6, {"says": SAYS | {"4": ["its last"]}, "faults": FAULTS})
        with farm.serial() as workers:
            assert session.execute(job, workers).failed == [2, 4, 5]
    return made


def told(capsys, folder, *words):
    assert cli.main(["status", str(folder), "--log", *words]) == 0
    return capsys.readouterr().out.splitlines()


def test_each_member_has_its_own_lines(folder, capsys):
    head, line = told(capsys, folder, "--member", "1")
    assert head.startswith("member 1: ok, ") and line.endswith(" s WARNING: first words")
    (head,) = told(capsys, folder, "--member", "0")
    assert head.startswith("member 0: ok, ")
    assert told(capsys, folder, "--member", "6") == ["member 6 has no record yet"]


def test_failures_are_told_with_what_was_said_before(folder, capsys):
    head, line, *trace = told(capsys, folder, "--member", "2")
    assert "an error was raised" in head and "ValueError: made to fail" in head
    assert "of two" in line and any("in run" in text for text in trace)
    head, *printed = told(capsys, folder, "--member", "4")
    # Its own words alone, although the process had run others before.
    assert "its process ended: signal SIGKILL" in head and printed == ["    WARNING: its last"]
    assert "Segmentation fault" in "".join(told(capsys, folder, "--member", "5"))


def test_the_number_of_lines_is_limited_and_this_is_said(folder, capsys):
    lines = told(capsys, folder, "--member", "3")[1:]
    assert [line.rpartition(": ")[2] for line in lines] == [
        *(f"line {number}" for number in range(child.LOG_LINES)),
        f"{150 - child.LOG_LINES} more lines were not kept",
    ]


def test_without_a_number_those_that_said_something_are_told(folder, capsys):
    heads = [line for line in told(capsys, folder.with_suffix("")) if line.startswith("member")]
    assert [int(line.split()[1].rstrip(":")) for line in heads] == [1, 2, 3, 4, 5]


def test_where_nothing_was_said_this_is_told(tmp_path, capsys):
    job = synthetic_members.job(tmp_path / "run", 1, {"job": {"isolated": False}})
    with farm.serial() as workers:
        session.execute(job, workers)
    assert told(capsys, tmp_path / "run") == ["no member has reported anything"]
    assert cli.main(["status", str(tmp_path / "none.nc"), "--log"]) == 1
    assert "there is no run of" in capsys.readouterr().err


def test_what_is_said_changes_no_result(folder, tmp_path):
    contents = []
    for name, says in (("quiet", {}), ("loud", SAYS)):
        job = synthetic_members.job(tmp_path / name, 4, {"says": says, "job": {"isolated": False}})
        with farm.serial() as workers:
            session.execute(job, workers)
        contents.append(synthetic_members.merged(tmp_path / name, 4))
    assert contents[0] == contents[1] == content.of_file(tmp_path / "loud.nc")


def test_the_words_of_other_threads_and_of_later_are_not_its_own():
    logger = logging.getLogger("frenkel.test")
    with child.listening() as log:
        thread = threading.Thread(target=lambda: logger.warning("theirs"))
        thread.start()
        thread.join()
        logger.warning("mine")
    logger.warning("later")
    assert [words for _, _, words in log.lines] == ["mine"]


def test_warnings_of_python_are_kept(tmp_path, monkeypatch):
    """In processes of members, where they are captured."""
    monkeypatch.setenv("PYTHONPATH", farm_tools.environment()["PYTHONPATH"])
    job = synthetic_members.job(tmp_path / "run", 1, {"warns": "divided by zero"})
    with farm.serial() as workers:
        session.execute(job, workers)
    located = runs.survey([tmp_path / "run"])
    with located.paths[0].open("rb") as stream:
        stream.seek(located.offset[0])
        log = shards.frame_head(stream.read(located.length[0]))[2]["log"]
    assert log[0][1] == "WARNING" and "UserWarning: divided by zero" in log[0][2]
    assert warnings.showwarning is not logging._showwarning
