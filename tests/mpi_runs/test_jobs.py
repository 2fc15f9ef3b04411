"""Job scripts: what schedulers read of them, and that they go on until the work is done.

The commands of schedulers are stand-ins that run the script as a shell would; a stand-in of ``frenkel``
ends with the statuses that a test gives it, one a start, and notes how it was called.
"""

import argparse
import itertools
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

from frenkel.cli import main as cli
from frenkel.cli.values import shard
from frenkel.mpi_runs import jobs

ROOT = Path(__file__).parents[2]
ENGINES = ("lsf", "pbs", "slurm")
VARIABLES = {"slurm": "SLURM_ARRAY_TASK_ID", "pbs": "PBS_ARRAY_INDEX", "lsf": "LSB_JOBINDEX"}
NOTED = ("TRY", "KILLED", "PART", "OMP_NUM_THREADS")
START = (
    'while [ "$1" != frenkel ]; do shift; done; exec "$@"'  # what is started follows the launcher's options
)
SUBMIT = """
printf '%s\\t' "$@" >> submissions; echo >> submissions
for script; do :; done
copy=again-$(wc -l < submissions).sh
if [ -f "$script" ]; then cat "$script"; else cat; fi > "$copy"
exec bash "$copy"
"""
STAND_INS = {
    "frenkel": f"""
printf '%s\\t' {" ".join(f'"${name}"' for name in NOTED)} "$@" >> calls; echo >> calls
read -r code rest < codes
echo "$rest" > codes
exit "$code"
""",
    "srun": START,
    "mpiexec": START,
    "scontrol": 'echo "JobId=7"; echo "   Command=$SUBMITTED"',
    "sbatch": SUBMIT,
    "qsub": SUBMIT,
    "bsub": SUBMIT,
}


def script(capsys, engine, *more):
    """Return the script for a run whose names hold a blank."""
    words = ["job", "my run.toml", "--scheduler", engine, "--members", "1000", "--set", "seed=3", *more]
    assert cli.main(words) == 0
    return capsys.readouterr().out


@pytest.fixture
def submit(tmp_path, capsys):
    """Submit a job whose starts of frenkel end with given statuses; return how it ended, and all calls."""
    for name, code in STAND_INS.items():
        path = tmp_path / "bin" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/bash\n{code}")
        path.chmod(0o755)

    def run(engine, codes, *more, **variables):
        job = tmp_path / "my job.sh"
        job.write_text(script(capsys, engine, *more))
        (tmp_path / "codes").write_text(" ".join(map(str, codes)))
        for name in ("calls", "submissions"):
            (tmp_path / name).unlink(missing_ok=True)
        environment = {"PATH": f"{tmp_path / 'bin'}:/usr/local/bin:/usr/bin:/bin", "SUBMITTED": str(job)}
        environment |= {"SLURM_JOB_ID": "7", "PBS_JOBID": "7.server", "PBS_O_WORKDIR": str(tmp_path)}
        done = subprocess.run(
            ["bash", job],
            cwd=tmp_path,
            env=environment | {"LSB_JOBID": "7"} | variables,
            capture_output=True,
            text=True,
            check=False,
        )
        calls, submissions = read(tmp_path / "calls"), read(tmp_path / "submissions")
        number = len(NOTED)
        return done, [(one[number:], dict(zip(NOTED, one, strict=False))) for one in calls], submissions

    return run


def read(path):
    return [line.split("\t")[:-1] for line in path.read_text().splitlines()] if path.exists() else []


@pytest.mark.parametrize("engine", ENGINES)
def test_a_chain_goes_on_over_stops_and_kills(submit, engine):
    """75 is gone on with as often as need be, a killed process three times; the command stays the same."""
    done, calls, submissions = submit(engine, [75, 137, 75, 9, 143, 1])
    assert done.returncode == 1, done.stderr
    assert [(said["TRY"], said["KILLED"]) for _, said in calls] == [
        *[("1", "0"), ("2", "0"), ("3", "1"), ("4", "1"), ("5", "2"), ("6", "3")]
    ]
    command = ["run", "my run.toml", "-o", "my run.nc", "--members", "1000", "--set", "seed=3"]
    assert all(words[: len(command)] == command for words, _ in calls)
    assert all(said["OMP_NUM_THREADS"] == "1" for _, said in calls)
    assert len(submissions) == 5
    assert all(any(re.search(r"(afterany:|ended\()7", word) for word in words) for words in submissions)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    ("codes", "status", "message"),
    [
        ([0], 0, ""),
        ([1], 1, ""),  # an error that the same command would meet again
        ([2], 2, ""),
        ([128], 128, ""),
        ([137] * 4, 137, "a process was killed 4 times"),
        ([75] * 3, 1, "job 50 of this chain has not finished it; look at: frenkel status 'my run.nc'"),
    ],
)
def test_a_chain_ends(submit, engine, codes, status, message):
    done, calls, _ = submit(engine, codes, TRY=str(1 + jobs.TRIES - len(codes)))
    assert (done.returncode, len(calls)) == (status, len(codes))
    assert message in done.stderr and bool(message) == bool(done.stderr)


@pytest.mark.parametrize("engine", ENGINES)
def test_an_element_of_an_array_goes_on_alone(submit, engine, monkeypatch):
    """It runs its part of all members before and after, whatever the scheduler calls it then."""
    done, calls, submissions = submit(
        engine, [75, 137, 0], "--array", "7", "--tasks", "4", **{VARIABLES[engine]: "3"}
    )
    assert done.returncode == 0 and len(calls) == 3, done.stderr
    monkeypatch.setenv(VARIABLES[engine], "3")
    assert [shard(words[words.index("--shard") + 1]) for words, _ in calls] == [(3, 7)] * 3
    assert {words[words.index("--workers") + 1] for words, _ in calls if engine != "slurm"} <= {"4"}
    if engine == "pbs":  # no array of one element there: a job of its own, which knows its part
        assert submissions == [["-v", "TRY,KILLED,PART"]] * 2
        assert [said["PART"] for _, said in calls] == ["", "3", "3"]
    else:
        wanted = {"slurm": "--array=3", "lsf": "my_run[3]"}[engine]
        assert all(wanted in words for words in submissions)


def test_a_job_of_its_own_is_no_array(submit, tmp_path):
    submit("pbs", [75, 0], "--array", "7", PBS_ARRAY_INDEX="3")
    assert "#PBS -J 1-7" in (tmp_path / "my job.sh").read_text()
    assert "\n#PBS -J" not in (tmp_path / "again-1.sh").read_text()


EVERYTHING = {
    "--mem": "16G",
    "--account": "physics",
    "--partition": "long",
    "--qos": "low",
    "--constraint": "cpu=intel",
    "--mail": "me@here.org",
    "--module": "openmpi/4.1",
}
DIRECTIVES = {
    "slurm": """--job-name=my_run --nodes=2 --ntasks-per-node=4 --cpus-per-task=1 --mem=16G --time=36:00:00
        --signal=USR1@600 --requeue --open-mode=append --output=%x-%j.log --account=physics --partition=long
        --qos=low --constraint=cpu=intel --mail-user=me@here.org --mail-type=END,FAIL""",
    "pbs": """-N my_run -l select=2:ncpus=4:mpiprocs=4:mem=16Gb:cpu=intel -l walltime=36:00:00 -j oe -r y
        -A physics -q long -M me@here.org -m ae""",
    "lsf": """-J "my_run" -n 8 -R "span[ptile=4]" -R "rusage[mem=16G]" -R "select[cpu=intel]" -W 36:00 -r
        -o my_run-%J.log -P physics -q long -sla low -u me@here.org -N""",
}
ARRAYS = {
    "slurm": """--job-name=my_run --nodes=1 --ntasks-per-node=1 --cpus-per-task=4 --time=36:00:00
        --signal=USR1@600 --requeue --open-mode=append --output=%x-%A_%a.log --array=1-7""",
    "pbs": "-N my_run -l select=1:ncpus=4:mpiprocs=1 -l walltime=36:00:00 -j oe -r y -J 1-7",
    "lsf": """-J "my_run[1-7]" -n 4 -R "span[ptile=4]" -W 36:00 -r -o my_run-%J_%I.log""",
}


def directives(text):
    lines = [line for line in text.splitlines() if re.match("#(SBATCH|PBS|BSUB)", line)]
    assert text.splitlines()[1 : 1 + len(lines)] == lines, "directives end at the first line of another kind"
    return " ".join(line.partition(" ")[2] for line in lines)


@pytest.mark.parametrize("engine", ENGINES)
def test_scripts_ask_for_what_was_asked_for(capsys, engine):
    shape = ["--nodes", "2", "--tasks", "4", "--time", "1-12:00:00", "--margin", "600"]
    given = {name: value for name, value in EVERYTHING.items() if (engine, name) != ("pbs", "--qos")}
    text = script(capsys, engine, *shape, *itertools.chain(*given.items()), "--module", "python")
    assert directives(text) == " ".join(DIRECTIVES[engine].split())
    assert "\nmodule load openmpi/4.1 python\n" in text
    if engine != "slurm":  # which sends a signal instead
        assert '"$@" --time-limit 129000\n' in text
    text = script(capsys, engine, *shape[2:], "--array", "7")
    assert directives(text) == " ".join(ARRAYS[engine].split())
    assert (
        "module load" not in text
        and "--scratch" not in text
        and "%" not in text.replace("%x-%A_%a", "").replace("-%J_%I", "")
    )


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("more", [[], ["--array", "7"]])
def test_scripts_are_shell_whatever_the_names(capsys, tmp_path, engine, more):
    hostile = "a\"b'c $(touch evil) `touch evil` %{name} #.nc"
    text = script(capsys, engine, "-o", hostile, *more)
    (tmp_path / "x.sh").write_text(text)
    assert subprocess.run(["bash", "-n", "x.sh"], cwd=tmp_path, check=False).returncode == 0
    assert f"{'a_b_c_touch_evil_touch_evil_name_'}" in directives(text).split("[")[0]
    lines = text.splitlines()
    call = next(line for line in lines if line.startswith("start frenkel")).replace("start", "printf '%s\\n'")
    said = subprocess.run(["bash", "-c", call], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert said.stdout.splitlines()[3:5] == ["-o", hostile] and not (tmp_path / "evil").exists()


def test_variables_in_the_name_of_the_disk_are_those_of_the_job(capsys):
    text = script(capsys, "slurm", "--scratch", "${TMPDIR}/a")
    call = next(line for line in text.splitlines() if line.startswith("start frenkel")).replace(
        "start", "echo"
    )
    said = subprocess.run(
        ["bash", "-c", call], env={"TMPDIR": "/a b"}, capture_output=True, text=True, check=True
    )
    assert said.stdout.endswith("--scratch /a b/a\n")


def test_every_template_is_an_engine():
    assert jobs.schedulers() == list(ENGINES)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--scheduler", "pbs", "--qos", "low"], "--qos has no meaning in a script for pbs"),
        (["--scheduler", "slurm", "--time", "0:03:00"], "--margin must be less than --time, 180 s, got 180"),
        (["--scheduler", "slurm", "--account", "a b"], "--account: must be one word"),
        (["--scheduler", "slurm", "--account", "a\n#SBATCH --uid=0"], "--account: must be one word"),
        (["--scheduler", "lsf", "--constraint", '"'], "--constraint: must be one word"),
        (["--scheduler", "slurm", "--module", "$(x)"], "--module: must be one word"),
        (["--scheduler", "slurm", "--mem", "16"], "must be a number and K, M, G or T, such as 16G, got '16'"),
        (["--scheduler", "slurm", "--scratch", "$(x)"], "must be a folder of plain letters and variables"),
        (["--scheduler", "sge"], "must not be 'sge'"),
    ],
)
def test_what_no_script_can_say_is_a_usage_error(capsys, words, message):
    try:
        status = cli.main(["job", "my run.toml", *words])
    except SystemExit as left:
        status = left.code
    assert status == 2 and message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "variables", "part"),
    [
        ("auto", {}, (1, 1)),
        ("auto", {"PMI_SIZE": "4", "PMI_RANK": "2"}, (3, 4)),
        ("auto/9", {"SLURM_ARRAY_TASK_ID": "2"}, (2, 9)),
        ("auto/9", {"SGE_TASK_ID": "undefined", "LSB_JOBINDEX": "9"}, (9, 9)),
        ("auto", {"SLURM_ARRAY_TASK_ID": "2", "MIN": "1", "MAX": "9", "COUNT": "9"}, (2, 9)),
        ("auto/9", {"SLURM_ARRAY_TASK_ID": "2", "MIN": "1", "MAX": "4", "COUNT": "4"}, (2, 9)),
        # Submitted again by itself: how many there were is not known any more.
        ("auto", {"SLURM_ARRAY_TASK_ID": "2", "MIN": "2", "MAX": "2", "COUNT": "1"}, "must be auto/N"),
        ("auto", {"SLURM_ARRAY_TASK_ID": "1", "MIN": "1", "MAX": "1", "COUNT": "1"}, "must be auto/N"),
        ("auto", {"SLURM_ARRAY_TASK_ID": "3", "MIN": "1", "MAX": "9", "COUNT": "5"}, "must be auto/N"),
        ("auto", {"PBS_ARRAY_INDEX": "2"}, "must be auto/N"),
        ("auto/9", {"LSB_JOBINDEX": "0"}, "needs a job array"),
        ("auto/9", {"PBS_ARRAY_INDEX": "10"}, "must be I/N"),
        ("2/0", {}, "must be I/N"),
    ],
)
def test_parts_are_known_from_the_scheduler(monkeypatch, text, variables, part):
    for name in jobs.ELEMENTS:
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        short = name in ("MIN", "MAX", "COUNT")
        monkeypatch.setenv(f"SLURM_ARRAY_TASK_{name}" if short else name, value)
    if isinstance(part, tuple):
        assert shard(text) == part
    else:
        with pytest.raises(argparse.ArgumentTypeError, match=part):
            shard(text)


def test_the_recipe_of_an_image_is_shell_and_names_what_there_is():
    """Its commands are tried by hand in a plain Debian root; here, that it can be read."""
    text = (ROOT / "containers" / "frenkel.def").read_text()
    head, *sections = re.split(r"^%(\w+)\n", text, flags=re.MULTILINE)
    assert re.search(r"^Bootstrap: docker\nFrom: debian:\w+-slim$", head, flags=re.MULTILINE)
    found = dict(zip(sections[::2], sections[1::2], strict=True))
    assert set(found) == {"setup", "post", "environment", "test", "runscript"}
    for name, body in found.items():
        assert subprocess.run(["sh", "-n"], input=body, text=True, check=False).returncode == 0, name
    extra = re.search(r"/opt/frenkel\[(\w+)\]", found["post"])
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert extra and extra[1] in project["optional-dependencies"]
    assert found["runscript"].split()[1] in project["scripts"]


@pytest.mark.parametrize("engine", ENGINES)
def test_no_text_of_a_script_is_closed_in_front_of_a_name(engine, capsys):
    """`"... frenkel status "many.nc` is right to a shell, and to its reader a quote that was forgotten."""
    assert 'status "' not in script(capsys, engine)
