"""Each law of a memory cell is written once: where it is, and that no other module of the package repeats it.

Python is compared as `ast` writes it, so that spaces, comments and texts do not count.
"""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("analysis", "array", "events", "src/frenkel")
LEFT_OUT = ("analysis", "array", "events", "kinetic", "mpi_runs", "examples", "verify")
"""Folders of `src/frenkel`: links, atoms, and theory that a check compares with."""

NAME = r"[\w.]+(?:\[\w+\])?"
GAP_LAW, KERNEL, NOISE, RELAXED = (
    f"src/frenkel/cells/{name}" for name in ("gap_law.py", "_gap.pyx", "noise.py", "relaxed.py")
)
RAMP = "analysis/fitting/core_fit.py"
"""The fit of a core integrates sinh(k V) over a ramp, which no cell of an array has."""

RIVAL = "src/frenkel/bench/jart.py"
"""A published model that is judged beside ours has equations of its own."""

LAWS = {
    "current and velocity of a gap": (r"\bsinh\(", {GAP_LAW, RAMP}),
    "velocity of RESET of a gap": (r"\btanh\(", {GAP_LAW, RIVAL}),
    "amplitude of a gap": (rf"exp\(-\w*\.?gap / {NAME}\)", {GAP_LAW, KERNEL}),
    "motion of a gap at a limit": (
        r"minimum\(\w+, (?:1(?:\.0)?|edge)\) \* \w*\.?exp\(|\bexp\(free - way\)", {GAP_LAW, KERNEL},
    ),
    "rate at another temperature": (
        rf"exp\([^\n]*\(1(?:\.0)? / {NAME} - 1(?:\.0)? / {NAME}\)\)", {NOISE, KERNEL},
    ),
    "time in the high state of a trap": (r"\b([a-z_.]*high) / \(\1 \+ [a-z_.]*low\)", {NOISE}),
    "switching rate of a trap": (r"1(?:\.0)? / [a-z_.]*high \+ 1(?:\.0)? / [a-z_.]*low", {NOISE}),
    "switching of a trap over a time": (r"exp(?:m1)?\(-\w+ \* (?:\w+\.)?switching_rate\(", {NOISE}),
    "what lies between two states": (r"interp\((?:np|numpy)\.log\((?!time\b)", {NOISE}),
    "measured relaxation between two times": (r"interp\((?:np|numpy)\.log\(time\b", {RELAXED}),
    "a line in ln t": (r"\b([\w.]+)\[0\] \+ \1\[1\] \* \w+", {NOISE}),
    "growth of a variance in ln t": (r"sqrt\(\w+\) if \w*\.?growth ==", {NOISE}),
    "shift of a conductance": (r"\* (?:np|math)\.exp\((?:shift|more)\)", {NOISE}),
    "rank of a cell as it relaxes": (r"sqrt\(1(?:\.0)? - (?:kept|correlation) ?(?:\*\* ?2|\* )", {NOISE}),
    "memory of a rank": (r"exp\(-(?:\w+\.)*forgetting \*|\*\* ?\(?-(?:\w+\.)*forgetting\b", {NOISE}),
}  # fmt: skip
"""Of each law how it is written, and the modules that may: one, and another where a compiled one needs it."""


def plain(path, text):
    """Return the statements of a file without comments and texts."""
    if path.endswith(".pyx"):
        return re.sub(r'""".*?"""', "", re.sub(r"#.*", "", text), flags=re.DOTALL)
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            node.value = ""
        elif isinstance(node, ast.JoinedStr):
            node.values = []
    return ast.unparse(tree)


@pytest.fixture(scope="module")
def sources():
    left_out = tuple(f"src/frenkel/{name}/" for name in LEFT_OUT)
    ends = [(folder, end) for folder in FOLDERS for end in ("py", "pyx")]
    files = (path for folder, end in ends for path in (ROOT / folder).rglob(f"*.{end}"))
    named = {path.relative_to(ROOT).as_posix(): path for path in files}
    return {name: plain(name, path.read_text(encoding="utf-8")) for name, path in sorted(named.items())
            if not name.startswith(left_out)}  # fmt: skip


def places(sources, law):
    """Return the files that hold a law."""
    return {name for name, text in sources.items() if re.search(LAWS[law][0], text)}


@pytest.mark.parametrize("law", LAWS)
def test_a_law_is_written_once(sources, law):
    assert places(sources, law) == LAWS[law][1]


COPIES = {
    "current and velocity of a gap": "i = amplitude * math.sinh(voltage / scale)",
    "velocity of RESET of a gap": "v = ramp / np.tanh(volts / v0) / np.sinh(k * volts)",
    "amplitude of a gap": "a = self.prefactor * np.exp(-gap / self.core.gap_scale)",
    "motion of a gap at a limit": "left = np.minimum(size, edge) * np.exp(-rest / edge)",
    "rate at another temperature": "f = np.exp(heat.activation/k * (1 / heat.reference - 1 / value))",
    "time in the high state of a trap": "share = trap.high / (trap.high + trap.low)",
    "switching rate of a trap": "rate = 1/self.high + 1/self.low",
    "switching of a trap over a time": "kept = np.exp(-seconds * switching_rate(high, low))",
    "what lies between two states": "x = np.interp(np.log(conductance), logs, [s.traps for s in states])",
    "measured relaxation between two times": "x = np.interp(np.log(time), np.log(self.times), places)",
    "a line in ln t": "width = (state.spread[0]\n         + state.spread[1] * u)",
    "growth of a variance in ln t": "width = np.sqrt(width) if law.growth == 'variance' else width",
    "shift of a conductance": "g = start * np.exp(shift) if log else start + shift",
    "rank of a cell as it relaxes": "z = kept * z + math.sqrt(1 - kept**2) * chance",
    "memory of a rank": "kept = (after / before) ** -law.forgetting",
}


@pytest.mark.parametrize("law", LAWS)
def test_a_planted_copy_is_found(sources, law):
    copy = {"array/copy.py": plain("array/copy.py", COPIES[law])}
    assert places(sources | copy, law) == LAWS[law][1] | {"array/copy.py"}
    assert not places({"array/copy.py": plain("array/copy.py", f'"""{COPIES[law]}"""')}, law)
