"""The cases: strategies of hypothesis that draw files, a command, and what must hold of the result.

Each strategy has a name in :data:`STRATEGIES` and its fraction of all cases beside it.
"""

import contextlib
import io
import json
import struct
import tempfile
import tomllib
import zlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import bases
import bombs
import numpy as np
from bases import PULSE, SERIAL, TINY
from hypothesis import strategies as st
from mutations import LINES, TEXTS, WHOLE, damaged, documents, quantities, texts, toml, values
from sandbox import Case, Judge


@cache
def _documents(arrays: bool = False) -> list[dict[str, Any]]:
    return [tomllib.loads(text.decode()) for text in bases.configurations()[arrays].values()]


def configurations() -> st.SearchStrategy[Case]:
    """Device configurations whose values are replaced, keys dropped, renamed, moved, types exchanged."""
    return st.builds(lambda one: Case(("check", "c.toml"), {"c.toml": toml(one)}), documents(_documents()))


def texts_of_configurations() -> st.SearchStrategy[Case]:
    """Configurations as text: lines dropped, doubled, put in, bytes flipped; absurd sizes and depths."""
    both = [text for group in bases.configurations() for text in group.values()]
    return st.builds(lambda text: Case(("check", "c.toml"), {"c.toml": text}), texts(both))


def arrays() -> st.SearchStrategy[Case]:
    """The same as configurations, of arrays."""

    def case(document: dict[str, Any]) -> Case:
        return Case(("check", "a.toml"), {"a.toml": toml(document), "hfo2.card.json": bases.card()})

    return st.builds(case, documents(_documents(arrays=True)))


def units() -> st.SearchStrategy[Case]:
    """Quantities, sound and hostile, in one key of a sound configuration, by --set as in a file."""
    keys = {
        "read_voltage": "V mV volt", "device.thickness": "nm m pm", "device.temperature": "K degC kelvin",
        "circuit.series_resistance": "ohm V/A", "phase.0.rate": "V/s mV/us", "phase.0.compliance": "A uA",
        "phase.0.hold": "s us ns hour", "phase.1.phase.1.times": "us", "phase.1.phase.1.voltages": "V mV",
    }  # fmt: skip

    def case(key: str, text: str) -> Case:
        return Case(("check", "c.toml", f"--set={key}={text}"), {"c.toml": TINY})

    def sound(key: str) -> st.SearchStrategy[str]:
        number = st.sampled_from(["1", "0.1", "5", "1e-9", "300", "0, 1, 2"]) | st.floats(0, 1e3).map(str)
        return st.builds("{} {}".format, number, st.sampled_from(keys[key].split()))

    def cases(key: str) -> st.SearchStrategy[Case]:
        lists = st.lists(quantities(), max_size=4).map(", ".join)
        return st.builds(case, st.just(key), quantities() | sound(key) | lists | st.text(max_size=60))

    return st.sampled_from(sorted(keys)).flatmap(cases)


_SMALL = tomllib.loads(TINY.decode())


def materials() -> st.SearchStrategy[Case]:
    """The packaged material sets, spoiled: printed, checked with a device, and sometimes run."""

    def case(document: dict[str, Any], command: str) -> Case:
        files = {"m.toml": toml(document), "c.toml": b'material = "m.toml"\n' + TINY}
        if command == "materials":
            return Case(("materials", "m.toml"), files)
        if command == "check":
            return Case(("check", "c.toml"), files)
        return Case(("run", "c.toml", "-q", "--only", "0"), files, stopped=True)

    def table(document: dict[str, Any]) -> Case:
        changed = {key: value for key, value in document.items() if key != "based_on"}
        whole = _SMALL | {"material": changed | {"base": document.get("based_on", "HfO2-volatile")}}
        return Case(("check", "c.toml"), {"c.toml": toml(whole)})

    chosen = st.sampled_from(["materials"] * 5 + ["check"] * 4 + ["run"])
    based = documents([bases.BASED])
    whole = st.builds(case, documents(bases.materials()), chosen)
    return whole | st.builds(case, based, chosen) | st.builds(table, based)


def runs() -> st.SearchStrategy[Case]:
    """Tiny devices and arrays with one or two faults, run."""
    array = tomllib.loads(bases.configurations()[1]["array_passive.toml"].decode())
    array["array"] |= {"word_lines": 4, "bit_lines": 4}
    array["phase"] = [
        {
            "kind": "margin",
            "sizes": [2, 4],
            "schemes": ["half"],
            "voltage": "0.2 V",
            "selector_voltage": "0.8 V",
        },
        {"kind": "map", "voltage": "2 V", "cell": [0, 3]},
        {"kind": "multiply", "vectors": 3},
    ]
    phases = [
        {
            "kind": "pulse",
            "amplitude": "1 V",
            "width": "1 us",
            "rise": "1 ns",
            "count": 2,
            "period": "2 us",
            "samples": 9,
        },
        {"kind": "constant", "voltage": "0.1 V", "duration": "1 us", "first": "1 ns", "samples": 9},
        {"kind": "ramp", "stop": "1 V", "rate": "1 MV/s", "samples": 9},
    ]
    one = {"seed": 5, "device": _SMALL["device"], "circuit": _SMALL["circuit"], "phase": phases}

    def case(document: dict[str, Any]) -> Case:
        return Case(("run", "c.toml", "-q", "-o", "c.nc"), {"c.toml": toml(document)}, stopped=True)

    single = {key: value for key, value in _SMALL.items() if key != "ensemble"}
    return st.builds(case, documents([single, one, one, array], most=2))


def options() -> st.SearchStrategy[Case]:
    """Hostile values of options, of commands for many devices."""
    text = quantities() | st.sampled_from(TEXTS) | st.sampled_from(WHOLE).map(str) | st.text(max_size=20)
    text |= st.sampled_from(["1/2", "3/2", "0/0", "forming_voltage 1% 5%", "x 1% 5%", "1:00:00", "99:99:99"])
    paths = [".".join(map(str, path)) for path in _paths(_SMALL)]
    key = st.sampled_from(paths) | st.text("abc.0=", max_size=9)
    changes = st.builds("--set={}={}".format, key, text | st.sampled_from(LINES[:12]))
    axes = st.builds("--over={}={}".format, key, text)
    run = ("run", "c.toml", "-q", "-o", "c.nc", *SERIAL)

    def option(names: str) -> st.SearchStrategy[str]:
        return st.builds("--{}={}".format, st.sampled_from(names.split()), text)

    commands: list[tuple[tuple[str, ...], st.SearchStrategy[str]]] = [
        (run, option("members only seed until time-limit member-limit grace shard checkpoint")),
        (run, changes),
        (("sweep", "c.toml", "-q", "--members=1", *SERIAL), axes),
        (
            ("job", "c.toml", "--scheduler=slurm"),
            option("members nodes tasks time array margin account partition output"),
        ),
        (
            ("plan", "--members=100", "--ranks=4"),
            option("members ranks mean spread member-limit size shards"),
        ),
    ]

    def case(command: tuple[str, ...], word: str) -> Case:
        return Case((*command, _printable(word)), {"c.toml": TINY}, stopped=True)

    return st.one_of([st.builds(case, st.just(command), word) for command, word in commands])


RARE = (
    ("tails", "p.toml", "-q", "-o", "p.nc", "--particles=4", "--repeats=2", *SERIAL),
    ("sensitivity", "p.toml", "-q", "-o", "p.nc", "--members=3", "--at=300 kohm", *SERIAL),
)
"""What is asked of the last phase, in small."""


def rare() -> st.SearchStrategy[Case]:
    """Hostile options of tails and sensitivity, and their configurations with one or two faults."""
    words = ["set fails", "reset fails", "state is lost", "read disturbs", "half-select disturbs", "set fail"]
    hostile = quantities() | st.sampled_from(TEXTS) | st.sampled_from(WHOLE).map(str) | st.text(max_size=20)
    small = st.sampled_from(["0", "1", "2", "0.5", "1e-300", "-1", "nan", "inf", "1e400", "20 kohm", "1 m"])
    names = st.sampled_from("at particles kill starts repeats members seed event set".split())
    option = st.builds("--{}={}".format, names, hostile | small)
    # A bound that is not kept is an answer with the status 1; here are those that are none.
    option |= st.sampled_from(["--below=0", "--below=1", "--below=nan", "--below=-1e-7", "--below=few"])
    asked = st.sampled_from([None, *words])
    whole = documents([tomllib.loads(PULSE.decode())], most=2).map(toml) | st.just(PULSE)

    def case(command: tuple[str, ...], event: str | None, more: list[str], file: bytes) -> Case:
        named = () if event is None or command[0] != "tails" else ("--event", event)
        return Case((*command, *named, *map(_printable, more)), {"p.toml": file}, stopped=True)

    return st.builds(case, st.sampled_from(RARE), asked, st.lists(option, max_size=2), whole)


def _printable(word: str) -> str:
    """Return a word as a system can hand it to a program."""
    return word.replace("\x00", "").encode("utf-8", "replace").decode()


def _paths(value: Any, before: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path for key, one in inside for path in ((*before, key), *_paths(one, (*before, key)))]


LOOKS = {
    "run.nc": ("show", "hash", "export", "again"),
    "one.nc": ("show", "hash", "export", "again"),
    "ensemble.nc": ("show", "hash", "fit"),
    "many.nc": ("show", "hash", "fit"),
    "array.nc": ("show", "hash"),
}
"""Commands that read a result."""


def _looking(command: str, name: str, content: bytes, judge: Judge | None) -> Case:
    words = {
        "export": ("export", name, "--to", "xyz", "-o", "out.xyz"),
        "fit": ("fit", name, "-o", "out.card.json"),
        "again": ("again", name, "-q"),
    }
    return Case(words.get(command, (command, name)), {name: content}, judge, stopped=command == "again")


def netcdf() -> st.SearchStrategy[Case]:
    """Results with damaged bytes, half of the damage near the metadata of HDF5."""

    @st.composite
    def cases(draw: st.DrawFn) -> Case:
        name = draw(st.sampled_from(sorted(bases.results())))
        content = draw(damaged(bases.results()[name], bases.marks(name)))
        return _looking(draw(st.sampled_from(LOOKS[name])), name, content, _same_content(name))

    return cases()


def _same_content(name: str) -> Judge | None:
    """Where a result is used whose bytes are damaged, its variables must still be what they were."""
    known = bases.hashes()[name]
    if known is None:
        return None

    def judge(folder: Path, printed: str) -> str | None:
        from frenkel.data import content

        if "differ" in printed or content.of_file(folder / name) == known:
            return None
        return f"{name} was used although its variables are not those that were written"

    return judge


def contents() -> st.SearchStrategy[Case]:
    """Results that are sound netCDF and hold what no run has written: attributes and their documents."""
    import netCDF4

    @st.composite
    def cases(draw: st.DrawFn) -> Case:
        name = draw(st.sampled_from(sorted(bases.results())))
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / name
            path.write_bytes(bases.results()[name])
            with netCDF4.Dataset(path, "r+") as file:
                for _ in range(draw(st.integers(1, 2))):
                    _forge(draw, file)
            content = path.read_bytes()
        return _looking(draw(st.sampled_from(LOOKS[name])), name, content, None)

    return cases()


def _forge(draw: st.DrawFn, file: Any) -> None:
    what = draw(st.sampled_from(["provenance"] * 3 + ["attribute", "drop", "rename", "value"]))
    attributes = {name: file.getncattr(name) for name in sorted(file.ncattrs())}
    attribute = draw(st.sampled_from(list(attributes)))
    variable = file[draw(st.sampled_from(sorted(file.variables)))]
    if what == "provenance" and str(attributes.get("provenance")).startswith("{"):
        document = draw(documents([json.loads(attributes["provenance"])]))
        file.setncattr("provenance", json.dumps(document, default=str))
    elif what == "drop":
        file.delncattr(attribute)
    elif what == "rename":
        file.renameVariable(variable.name, f"{variable.name}_")
    elif what == "value" and variable.dtype is not str and variable.size:
        variable[...] = np.array(draw(st.sampled_from([0, 1, 100, 127, -1]))).astype(variable.dtype)
    else:
        text = st.sampled_from([one for one in TEXTS if "\x00" not in one])
        new = st.sampled_from([0, 1, -1, 2**31 - 1, 1.5, float("nan"), "{}", "[]", '{"configuration": 1}'])
        file.setncattr(attribute, draw(new | text | st.just(np.arange(3))))


def cards() -> st.SearchStrategy[Case]:
    """Cards with one or two faults and the checksum that belongs to them: printed, exported, compared."""
    card = json.loads(bases.card())
    ways = [("show", "c.card.json"), ("validate", "c.card.json", "many.nc")]
    endings = {"aihwkit": "py", "crosssim": "py", "ngspice": "sub", "verilog-a": "va", "neurosim": "txt"}
    ways += [("export", "c.card.json", "--to", to, "-o", f"out.{end}") for to, end in endings.items()]

    def case(document: dict[str, Any], command: tuple[str, ...]) -> Case:
        from frenkel.cells.card import checksum

        document.pop("checksum", None)
        signed = document | {"checksum": checksum(document)}
        return Case(command, {"c.card.json": json.dumps(signed).encode(), "many.nc": bases.made()["many.nc"]})

    plain = documents([card], most=2).filter(_is_json)
    return st.builds(case, plain, st.sampled_from(ways))


def _is_json(document: dict[str, Any]) -> bool:
    try:
        json.dumps(document, allow_nan=False)
    except (TypeError, ValueError):
        return False
    return True


SHARDS = ("1.shard", "2.shard")
RUN = "many.nc.run"


def _folder(logs: dict[str, bytes]) -> dict[str, bytes]:
    found = {f"{RUN}/configuration.json": bases.made()["configuration.json"], "c.toml": TINY}
    return found | {f"{RUN}/{number}-of-2.host.1.1.shard": log for number, log in logs.items()}


def _commands() -> st.SearchStrategy[tuple[str, ...]]:
    merge = ("merge", RUN, "-o", "out.nc")
    resume = ("run", "c.toml", "-q", "-o", "many.nc", *SERIAL)
    return st.sampled_from([merge] * 4 + [("status", "many.nc"), resume])


def shards() -> st.SearchStrategy[Case]:
    """Logs of members with damaged bytes, and with records out of order, doubled, missing or foreign."""

    @st.composite
    def cases(draw: st.DrawFn) -> Case:
        logs = {}
        foreign = bases.frames("other.shard")
        for number, name in enumerate(SHARDS, start=1):
            head, records = bases.frames(name)
            kept = draw(st.lists(st.sampled_from(records + foreign[1][:1]), max_size=4) | st.just(records))
            head = draw(st.sampled_from([head, head, head, foreign[0], b""]))
            log = head + b"".join(kept)
            if draw(st.booleans()):
                log = draw(damaged(log, _heads(log)))
            logs[str(number)] = log
        return Case(draw(_commands()), _folder(logs), _same_members)

    return cases()


def _heads(log: bytes) -> list[int]:
    """Return where records begin."""
    from frenkel.mpi_runs.shards import MARK

    return [at for at in range(len(log)) if log.startswith(MARK, at)] if len(log) < 10**5 else []


def _same_members(folder: Path, printed: str) -> str | None:
    """What is merged are the members of this run: each as it was, or said to be missing."""
    merged = folder / ("out.nc" if (folder / "out.nc").exists() else "many.nc")
    if not merged.exists():
        return None
    known = bases.rows()
    for number, found in bases.rows_of(merged).items():
        for name, value in found.items():
            if number not in known or not np.array_equal(value, known[number][name], equal_nan=True):
                return f"member {number} of the merged file has another {name}"
    return None


def lies() -> st.SearchStrategy[Case]:
    """Logs whose records have right checksums and wrong contents."""

    @st.composite
    def cases(draw: st.DrawFn) -> Case:
        head, records = bases.frames("1.shard")
        frame = draw(st.sampled_from(records))
        place = _RECORD.size + _RECORD.unpack_from(frame)[4]
        document = json.loads(frame[_RECORD.size : place])
        new: Any = draw(documents([document], most=2) | values() | st.none())
        text = draw(
            st.just(json.dumps(new, default=str).encode())
            | st.sampled_from([b"", b"[" * 5000, b"{}", b"\xff"])
        )
        member = draw(st.sampled_from([0, 0, 0, 1, 3, -1, -2, 2**31, 2**62]))
        status = draw(st.sampled_from([0, 0, 0, 1, 3, 4, 77, 255]))
        lie = _signed(frame, member, status, text, frame[place:])
        order = draw(st.permutations([lie, *records]))
        return Case(draw(_commands()), _folder({"1": head + b"".join(order)}))

    return cases()


_RECORD = struct.Struct("<4sIQqIB3s")  # mark, checksum, length, member, length of the JSON part, status, tag


def _signed(frame: bytes, member: int, status: int, text: bytes, arrays: bytes) -> bytes:
    """Return a record with other contents and the checksum that belongs to them."""
    mark, *_, tag = _RECORD.unpack_from(frame)
    body = text + arrays
    after = _RECORD.pack(mark, 0, len(body), member, len(text), status, tag)[8:]
    checksum = zlib.crc32(body, zlib.crc32(after))
    return b"".join([mark, checksum.to_bytes(4, "little"), after, body])


def checkpoints() -> st.SearchStrategy[Case]:
    """Damaged checkpoints of a device and of a member: refused, begun again, or the same result."""

    @st.composite
    def cases(draw: st.DrawFn) -> Case:
        if draw(st.booleans()):
            spoiled = draw(damaged(bases.made()["one.nc.checkpoint"]))
            command = ("run", "c.toml", "-q", "-o", "one.nc", "--only", "0", "--resume")
            return Case(command, {"c.toml": TINY, "one.nc.checkpoint": spoiled}, _same_run)
        spoiled = draw(damaged(bases.made()["member-0.checkpoint"]))
        command = ("run", "c.toml", "-q", "-o", "many.nc", "--members", "1", *SERIAL)
        return Case(command, {"c.toml": TINY, f"{RUN}/member-0.checkpoint": spoiled}, _same_members)

    return cases()


def _same_run(folder: Path, printed: str) -> str | None:
    from frenkel.data import content

    same = content.of_file(folder / "one.nc") == bases.hashes()["run"]
    return None if same else "the run went on from a damaged checkpoint to another result"


_TABLES = (
    b"cycle,Voltage (V),Current (uA)\n"
    + b"\n".join(b"%d,%d,%d" % (k // 40, 10 - abs(k % 40 - 10) if k % 40 < 30 else k % 40 - 40, k % 40)
                 for k in range(120)),
    b"device;cycle;HRS (kohm);LRS (kohm)\na;1;100,5;10\na;2;110,1;9\nb;1;90;8\nb;2;80;",
    b"Scope\nx-axis,1\nsecond,Volt\n" + b"\n".join(b"%g,%g" % (k * 1e-3, k % 7) for k in range(60)),
    b"3\t0.5\t1000\n4\t0.5\t2e3\n5\t0.5\tnan\n",
)  # fmt: skip
_MAPPING = b"""[measurement]
kind = "reads"
time = "2 h"
[table]
delimiter = "tab"
header = 0
[columns]
1 = "device"
2 = "voltage (V)"
3 = "resistance (ohm)"
"""


def measurements() -> st.SearchStrategy[Case]:
    """Tables of instruments and mapping files, spoiled: read by a guess, as told, and by the commands."""
    commands = ["read t.csv -o o.nc", "read t.csv --write-map w.toml", "read t.csv --map m.toml -o o.nc",
                "read t.csv --as trace", "rtn t.csv --most 1", "plot endurance t.tsv -o e.png"]  # fmt: skip

    def case(table: bytes, told: bytes, command: str) -> Case:
        return Case(tuple(command.split()), {"t.csv": table, "t.tsv": table, "m.toml": told})

    told = texts([_MAPPING]) | st.just(_MAPPING)
    return st.builds(case, texts(list(_TABLES)), told, st.sampled_from(commands))


def declared() -> st.SearchStrategy[Case]:
    """Small files that declare or unpack to far more than they have, and structures within structures."""
    sizes = st.sampled_from([1, 5, 2**20, 2**23, 2**26, 2**31 - 1, 2**31, 2**33, 2**40])
    depths = st.sampled_from([0, 1, 31, 33, 1000, 50_000])

    def result(size: int, packed: bool, dtype: Any, depth: int, command: str) -> Case:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "a.nc"
            deep = "[" * depth if depth else "{}"
            attrs = {"provenance": deep, "periphery": deep, "without_cycles": deep}
            kind = "array" if depth % 2 else "measured"
            bombs.netcdf(path, size, packed=packed, dtype=dtype, kind=kind, attrs=attrs)
            return Case(tuple(command.split()), {"a.nc": path.read_bytes()})

    def read(name: str, content: bytes) -> Case:
        return Case(("read", name), {name: content})

    commands = st.sampled_from(["show a.nc", "hash a.nc", "fit a.nc -o b.json", "rtn a.nc"])
    types = st.sampled_from(["f8", "i1", "i8", str])
    whole = st.sampled_from([0, 1000, 2**16, 2**21, 2**22])
    cells = st.lists(st.sampled_from(["A1", "B2", "C3", "XFD1", "A1048576", "ZZ9999"]), min_size=1)
    return (
        st.builds(result, sizes, st.booleans(), types, depths, commands)
        | st.builds(lambda depth, zeros: read("a.mat", bombs.matlab(depth, zeros)), depths, whole)
        | st.builds(lambda rows: read("a.csv.gz", bombs.table(rows)), whole)
        | st.builds(lambda where, blanks: read("a.xlsx", bombs.book(where, blanks)), cells, whole)
    )


STRATEGIES: dict[str, tuple[Callable[[], st.SearchStrategy[Case]], float]] = {
    "configurations": (configurations, 0.12),
    "measurements": (measurements, 0.04),
    "texts": (texts_of_configurations, 0.1),
    "arrays": (arrays, 0.1),
    "units": (units, 0.12),
    "declared": (declared, 0.01),
    "materials": (materials, 0.12),
    "options": (options, 0.05),
    "rare": (rare, 0.02),
    "runs": (runs, 0.03),
    "cards": (cards, 0.04),
    "netcdf": (netcdf, 0.1),
    "contents": (contents, 0.03),
    "shards": (shards, 0.05),
    "lies": (lies, 0.04),
    "checkpoints": (checkpoints, 0.03),
}
"""What is spoiled, and its fraction of all cases."""


def warm() -> None:
    """Make what is spoiled, and carry out sound commands here, so that forked processes find all imported."""
    from frenkel.cli.main import main

    bases.hashes()
    bases.rows()
    sound = {**bases.configurations()[0], **bases.configurations()[1], **bases.results()}
    commands = [["check", name] for name in sound if name.endswith(".toml")]
    commands += [[command, name] for name in LOOKS for command in ("show", "hash")]
    commands += [
        ["fit", "many.nc", "-o", "m.card.json"],
        ["job", "tiny.toml", "--scheduler=slurm"],
        ["plan", "--members=9", "--ranks=2"],
        ["read", "t.csv"],
        [*RARE[0], "--event", "read disturbs"],
        [*RARE[1], "--force", "--members=2"],
    ]
    more = {"hfo2.card.json": bases.card(), "t.csv": _TABLES[0], "p.toml": PULSE}
    with bases.inside(), contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        for name, content in {**sound, **more}.items():
            Path(name).write_bytes(content)
        for command in commands:
            main(command)
