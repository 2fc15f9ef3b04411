"""The file of an ensemble is what its logs say, whatever happened between them, and damage is told."""

import shutil
import sys

import earlier
import netCDF4
import numpy as np
import pytest

from frenkel.cli import main as cli
from frenkel.configuration import reader
from frenkel.data import content, forms
from frenkel.experiment import ensemble, ensemble_file, members
from frenkel.mpi_runs import farm, index, runs, session, shards

WHOLE = earlier.today() / "ensemble.nc"
TINY = """
seed = 5
material = "HfO2-volatile"
[device]
thickness = "1.6 nm"
width = "1.6 nm"
[ensemble]
keep = "summary"
members = 4
[[phase]]
kind = "form"
amplitude = "4 V"
rate = "10 MV/s"
fall_rate = "1 GV/s"
compliance = "5 uA"
to_compliance = true
samples = 10
"""


@pytest.fixture
def file(tmp_path):
    (tmp_path / "tiny.toml").write_text(TINY)
    return tmp_path / "x.nc"


def whole(file, number=4):
    return ensemble.plain(reader.read(file.with_name("tiny.toml")), number, file.parent)


def run(file, number=4, **options):
    """Run as the command does; return how it ended and what became of the file."""
    with farm.serial() as workers:
        return ensemble.run(whole(file, number), file, workers, isolated=False, **options)


def run_without_merging(file, number=4, **options):
    """Play a kill after the last member and before the file is renamed."""
    with farm.serial() as workers:
        return session.execute(ensemble.job(whole(file, number), file, isolated=False, **options), workers)


def command(file, *words):
    here = ["run", str(file.with_name("tiny.toml")), "-o", str(file), "-q", "--engine", "serial"]
    return cli.main([*here, "--no-isolation", *words])


def status(file):
    with netCDF4.Dataset(file) as found:
        return found["status"][...].tolist()


def test_members_that_finished_before_the_kill_are_merged(file, capsys):
    _, first = run(file, 2)
    assert run_without_merging(file).ran == 2
    assert command(file) == 0
    said = capsys.readouterr().out
    assert f"wrote {file} again" in said and "nothing was left to run" not in said
    assert status(file) == [0] * 4 and content.of_file(file) != first.content
    assert command(file) == 0 and "is complete: nothing was left to run" in capsys.readouterr().out


def test_a_member_that_succeeded_before_the_kill_is_merged(file, monkeypatch):
    collect = members.collect

    def fail(device, *others):
        if device.member == 1:
            raise ValueError("made to fail")
        return collect(device, *others)

    monkeypatch.setattr(members, "collect", fail)
    done, _ = run(file)
    assert done.failed == [1] and status(file) == [0, 1, 0, 0]
    monkeypatch.undo()
    assert run_without_merging(file).failed == []
    done, found = run(file)
    assert (done.ran, done.code) == (0, session.DONE) and "held others" in found.why
    assert status(file) == [0] * 4


def test_fewer_members_are_a_file_of_fewer(file):
    _, six = run(file, 4)
    _, two = run(file, 2)
    assert two.why and status(file) == [0, 0] and content.of_file(file) == two.content != six.content
    _, again = run(file, 4)
    assert again.why and again.content == six.content
    assert run(file, 4)[1] == ensemble.Merged(six.content, "")


@pytest.mark.parametrize("damage", ["value", "cut", "bytes", "gone", "old"])
def test_a_file_that_is_not_what_it_says_is_merged_again(file, damage):
    _, first = run(file)
    if damage == "value":
        with netCDF4.Dataset(file, "a") as found:
            found["hottest"][1] += 1.0
    elif damage == "cut":
        file.write_bytes(file.read_bytes()[:-500])
    elif damage == "bytes":
        raw = bytearray(file.read_bytes())
        with netCDF4.Dataset(file) as found:  # a constant, which is not compressed
            at = raw.index(np.float64(found["lattice_spacing"][...]).tobytes())
        raw[at : at + 8] = bytes(byte ^ 255 for byte in raw[at : at + 8])
        file.write_bytes(raw)
    elif damage == "gone":
        file.unlink()
    else:
        with netCDF4.Dataset(file, "a") as found:
            found.delncattr(ensemble_file.MERGED)
    done, found = run(file)
    assert done.ran == 0 and found.why and found.content == first.content == content.of_file(file)
    assert run(file)[1].why == ""


def test_a_file_that_was_merged_by_hand_is_complete(file):
    run_without_merging(file)
    assert cli.main(["merge", str(file), "-o", str(file)]) in (None, 0)
    assert run(file)[1].why == ""


def test_a_merge_tells_what_it_leaves_out(file, capsys):
    run_without_merging(file)
    (path,) = forms.run_folder(file).glob("*.shard")
    at = int(index.kept(path).offset[2])
    with path.open("r+b") as stream:
        stream.seek(at + 40)
        stream.write(b"\xff\xff")
    assert cli.main(["merge", str(file), "-o", str(file)]) in (None, 0)
    assert f"{path}: damaged record" in (said := capsys.readouterr().err) and f"offset {at};" in said
    assert status(file) == [0] * 3
    assert run(file)[0].ran == 1 and status(file) == [0] * 4


def test_the_last_part_merges_and_the_others_do_not_read_its_log(file, monkeypatch):
    read = []
    scan = shards.scan

    def noted(path, before=None):
        read.append(path.name)
        return scan(path, before)

    monkeypatch.setattr(shards, "scan", noted)
    assert run(file, part=(1, 2))[1] is None
    read.clear()
    done, found = run(file, part=(2, 2))
    assert done.ran == 2 and found.why and status(file) == [0] * 4
    assert all(name.startswith("2-of-2.") for name in read)


def test_a_part_that_ends_does_not_read_what_others_write(file, monkeypatch):
    run_without_merging(file, part=(2, 2))
    folder = forms.run_folder(file)
    for path in folder.glob("*.index"):
        path.unlink()
    (folder / "2-of-2.lock").write_text("{}")
    read, scan = [], shards.scan

    def noted(path, before=None):
        read.append(path.name)
        return scan(path, before)

    monkeypatch.setattr(shards, "scan", noted)
    assert run(file, part=(1, 2))[1] is None
    assert read and all(name.startswith("1-of-2.") for name in read)


def test_parts_that_left_no_index_are_read_when_nobody_is_at_work(file):
    for part in ((1, 2), (2, 2)):
        run_without_merging(file, part=part)
    for path in forms.run_folder(file).glob("*.index"):
        path.unlink()
    lock = forms.run_folder(file) / "2-of-2.lock"
    lock.write_text("{}")
    assert run(file, part=(1, 2))[1] is None
    lock.unlink()
    assert run(file, part=(1, 2))[1].why == "there was none"


def test_force_does_not_discard_what_would_be_made_again(file, capsys):
    assert command(file, "--members", "2") == 0
    size = file.stat().st_size
    file.write_bytes(file.read_bytes()[: size // 2])
    assert cli.main(["show", str(file)]) == 1
    assert f"frenkel merge {file} -o {file} --force" in capsys.readouterr().err
    assert command(file, "--members", "2", "--force") == 1
    said = capsys.readouterr().err
    assert "holds 2 finished members of this very configuration" in said
    assert f"frenkel merge {file} -o {file} --force" in said
    assert cli.main(["merge", str(file), "-o", str(file), "--force"]) in (None, 0)
    assert file.stat().st_size == size
    # Another configuration is what --force is for.
    assert command(file, "--members", "2", "--force", "--set", "device.temperature=310 K") == 0


@pytest.mark.parametrize("text", ["[]", "{", '{"document": {}}'])
def test_a_damaged_configuration_costs_no_member(file, capsys, text):
    _, first = run(file, 2)
    path = forms.run_folder(file) / "configuration.json"
    path.write_text(text)
    assert command(file, "--members", "2") == 1
    assert f"{path} is damaged" in (said := capsys.readouterr().err) and "remove it" in said
    path.unlink()
    assert command(file, "--members", "2", "--set", "device.temperature=310 K") == 2
    assert "belongs to another configuration" in capsys.readouterr().err and not path.exists()
    assert run(file, 2) == (session.RunOutcome(0, "", 0, 0, [], []), ensemble.Merged(first.content, ""))


def test_a_drawn_seed_is_protected_too(file, capsys):
    file.with_name("tiny.toml").write_text(TINY.replace("seed = 5\n", ""))
    assert command(file, "--members", "1") == 0
    assert command(file, "--members", "1", "--force") == 1
    assert "1 finished members of this very" in capsys.readouterr().err


def test_damage_is_told_by_every_command_that_reads(file, capsys):
    """Text is not compressed, so that nothing but the hash sees a letter more or less."""
    shutil.copy(WHOLE, file)
    with netCDF4.Dataset(file, "a") as found:
        found["step_name"][0] = "forn"
    words = [
        ["show"], ["hash"], ["fit", "-o", "card.json"], ["plot", "endurance", "-o", "a.png"],
        ["plot", "probability", "-o", "a.png"],
    ]  # fmt: skip
    for first, *rest in words:
        named = [*rest[:1], str(file), *(["hrs"] if "probability" in rest else []), *rest[1:]]
        line = [first, *(named if first == "plot" else [str(file), *rest])]
        assert cli.main(line) == 1, line
        error = capsys.readouterr().err
        assert "was damaged or changed after it was written" in error and error.count("\n") == 1, line


def test_a_single_result_is_compared_by_every_command_that_reads(file, capsys):
    single = file.with_name("one.nc")
    base = [str(file.with_name("tiny.toml")), "--set", "ensemble.members=1"]
    assert cli.main(["run", *base, "--only", "0", "-o", str(single), "-q"]) in (None, 0)
    with netCDF4.Dataset(single, "a") as found:
        found["species"][0] = "vaaancy"
    capsys.readouterr()
    for line in (["show"], ["again", "-q"], ["export", "--to", "xyz"], ["rtn"], ["hash"]):
        assert cli.main([line[0], str(single), *line[1:]]) == 1, line
        error = capsys.readouterr().err
        assert "was damaged or changed after it was written" in error and error.count("\n") == 1, line


def test_metadata_that_hang_the_library_are_told(file, monkeypatch, capsys):
    """Three bytes of this file, found by chance, with which HDF5 1.14 runs for ever.

    Read in a child, whatever threads and libraries earlier tests have left.
    """
    monkeypatch.setattr("threading.active_count", lambda: 1)
    monkeypatch.delitem(sys.modules, "mpi4py.MPI", raising=False)
    raw = bytearray((earlier.EARLIER / "ensemble.nc").read_bytes())
    for place, value in ((6669, 192), (6673, 2), (6675, 32)):
        raw[place] = value
    file.write_bytes(raw)
    monkeypatch.setattr(content, "PATIENCE", 0.3)
    for words in (["show"], ["hash"], ["export", "--to", "xyz"]):
        assert cli.main([words[0], str(file), *words[1:]]) == 1
        assert f"{file} " in (error := capsys.readouterr().err) and "damaged" in error, error


def test_status_reads_no_log_that_has_an_index(file, monkeypatch, capsys):
    run(file)
    monkeypatch.setattr(shards, "scan", None)
    assert cli.main(["status", str(file)]) in (None, 0)
    assert "4 members are safe in 1 shards" in capsys.readouterr().out
    (path,) = forms.run_folder(file).glob("*.shard")
    assert index.kept(path).member.tolist() == [0, 1, 2, 3]
    assert runs.survey([path.parent]).member.tolist() == [0, 1, 2, 3]
