"""The Verilog-A module of a physical model: its equations are those of the model, read from the text."""

import functools
import json
import math
import re

import numpy as np
import pytest

from frenkel.analysis.exports.physical_circuit import to_verilog_a
from frenkel.cells.physical import PARAMETERS, RESET, REST, SET, PhysicalModel
from frenkel.cli import main

VALUES = (
    *(2e15, 1.75, 0.4, 0.03, 1.5e7, 1.9, 3.0, 0.8, 1.9, 0.4, 1.6, 1.3),
    *(2e6, 0.22, 2.5e-5, -15.2, 0.6, -9.8, 0.15, 0.06, 0.4, 0.6, 0.6, 0.9, 0.4),
)
HEAT = 358.0


@pytest.fixture(scope="module")
def model():
    return PhysicalModel(
        name="planted",
        values=dict(zip(PARAMETERS, VALUES, strict=True)),
        intervals={},
        voltages=(-1.8, 0.0, 1.8),
        temperatures=(300.0, 358.0),
        read_voltage=0.1,
    )


@functools.cache
def program(text):
    """Return the assignments of a module as compiled Python."""
    body = text.split("analog begin")[1].split("on = ")[0]
    lines = body.replace("\n      ", " ").replace("$temperature", "temperature").split(";")
    return compile("\n".join(line.strip() for line in lines), "module", "exec")


def evaluated(text, volts, gap, jumps, seed=3, state=0):
    """Run the assignments of a module in Python, and return its variables."""
    names = {name: float(value) for name, value in re.findall(r"(\w+)=([-\d.e+]+);", text)}
    names |= {"seed": seed, "lrs": state, "ln": math.log, "floor": math.floor, "temperature": HEAT}
    names |= {"V": lambda *nodes: {"p": volts, "y": gap, "q": jumps}[nodes[0]]}
    names |= {name: getattr(math, name) for name in ("exp", "sin", "cos", "sinh", "sqrt")}
    names |= dict.fromkeys("pnyq", 0) | {node: node for node in "pnyq"} | {"abs": abs, "min": min, "max": max}

    def hashed(i, s):
        t = math.sin(12.9898 * i + 78.233 * s + 0.5) * 43758.5453
        return min(max(t - math.floor(t), 1e-9), 1 - 1e-9)

    names["hash"] = hashed
    names["gauss"] = lambda i, s: math.sqrt(-2 * math.log(hashed(i, s))) * math.cos(
        6.283185307179586 * hashed(i + 0.25, s)
    )
    names["clip"] = lambda z: min(max(z, 0), 1)
    exec(program(text), names)
    return names


@pytest.mark.parametrize("volts", [-1.3, -0.4, 0.05, 0.7, 1.5])
@pytest.mark.parametrize("gap", [-8.0, -3.0, -1.0, 0.0, 2.0])
def test_rates_and_currents_are_those_of_the_model(model, volts, gap):
    at = evaluated(to_verilog_a(model), volts, gap, 5.3)
    level = np.array(at["x"])
    assert level == pytest.approx(model.level(np.array(at["g"])), rel=1e-12)
    assert at["cur"] == pytest.approx(float(model.current(level, np.array(volts))), rel=1e-8)
    logs = model.log_rates(level, np.zeros(()), np.array(at["off"]), np.array(volts), np.array(HEAT))
    for name, channel in (("ks", SET), ("kr", RESET), ("kn", REST)):
        assert math.log(at[name]) == pytest.approx(logs[channel], abs=1e-6), name


def test_waits_are_exponential_and_steps_have_their_means(model):
    text = to_verilog_a(model)
    waits, starts, offsets = [], [], []
    for jump in range(400):
        at = evaluated(text, 0.6, 0.0, jump + 0.375)
        offsets.append(at["cyc"])
        # h rises from 0.05 to a plateau and falls back: over a jump its mean is that of both.
        waits.append(0.5 * (at["hazard"] + 0.05))
    for seed in range(400):
        starts.append(evaluated(text, 0.6, 0.0, 0.0, seed=seed)["x"])
    assert np.mean(waits) == pytest.approx(1.0, abs=0.15) and np.std(waits) == pytest.approx(1.0, abs=0.2)
    assert np.std(offsets) == pytest.approx(1.0, abs=0.15)
    assert np.mean(starts) == pytest.approx(-15.2, abs=0.1) and np.std(starts) == pytest.approx(0.6, abs=0.08)


def test_module_is_small_and_has_all_parameters(model):
    text = to_verilog_a(model)
    own = [line for line in text.splitlines() if line.startswith("  parameter real") and " // " in line]
    assert len(own) == len(PARAMETERS)
    assert len(text) - sum(len(line) + 1 for line in own) < 4_096


def test_command_writes_the_module(model, tmp_path, capsys):
    path, out = tmp_path / "planted.physical.json", tmp_path / "planted.va"
    path.write_text(json.dumps(model.to_dict()))
    assert main.main(["export", str(path), "-o", str(out)]) == 0
    assert out.read_text() == to_verilog_a(model)
    assert main.main(["export", str(path), "--to", "ngspice"]) == 2
    assert "verilog-a" in capsys.readouterr().err
    assert main.main(["export", "hfo2"]) == 2
    assert "--to" in capsys.readouterr().err
