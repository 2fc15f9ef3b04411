"""The Verilog-A module of a physical model in ngspice and VACASK: the same numbers at any step."""

import subprocess

import numpy as np
import pytest
import spice_bench

from frenkel.analysis.exports.physical_circuit import to_verilog_a
from frenkel.cells.physical import PARAMETERS, PhysicalModel

VALUES = (
    *(2.76e15, 1.869, 0.357, 0.0, 1.69e7, 1.866, 3.36, 0.73, 1.795, 0.302, 1.715, 1.237),
    *(1e6, 0.199, 2.1e-5, -15.36, 0.62, -9.745, 0.137, 0.074, 0.187, 0.536, 0.631, 0.885, 0.419),
)
"""Of examples/ensemble_jumps.nc, in the order of :data:`.PARAMETERS`."""

LEG, SERIES = 1e-5, 7.5e3
CORNERS = LEG * np.array([0.0, 1.0, 2.0, 2.2, 2.3])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    spice_bench.need("osdi")
    spice_bench.need("vacask")
    path = tmp_path_factory.mktemp("physical")
    model = PhysicalModel(
        name="hfo2",
        values=dict(zip(PARAMETERS, VALUES, strict=True)),
        intervals={},
        voltages=(-1.8, 0.0, 1.8),
        temperatures=(300.0, 358.0),
        read_voltage=0.1,
    )
    (path / "cell.va").write_text(to_verilog_a(model))
    subprocess.run([spice_bench.OPENVAF, "cell.va"], cwd=path, check=True, capture_output=True, timeout=50)
    (path / ".spiceinit").write_text("osdi cell.osdi\n")
    return path


def by_ngspice(folder, volts, step, cell):
    """Return the conductance (S) at the end."""
    netlist = f"""bench
vq q 0 {spice_bench._pwl(CORNERS, volts)}
rs q p {SERIES:g}
n1 p 0 cellmod {cell}
.model cellmod frenkel_physical
.options reltol=1e-5
.control
tran {step:.9g} {CORNERS[-1]:.9g} 0 {step:.9g}
set wr_singlescale
set numdgt=12
wrdata out.txt v(p) i(vq)
quit
.endc
.end
"""
    table = spice_bench.simulated(folder, netlist, 100)
    assert table[-1, 0] > 0.999 * CORNERS[-1]
    return -table[-1, 2] / table[-1, 1]


def by_vacask(folder, volts, step, cell):
    """Return the conductance (S) at the end."""
    (folder / "bench.sim").write_text(f"""bench
ground 0
load "cell.osdi"
load "spice/resistor.osdi"
model vsource vsource
model r sp_resistor
model cell frenkel_physical
vq (q 0) vsource {spice_bench._wave(CORNERS, volts)}
rs (q p) r r={SERIES:g}
x1 (p 0) cell {cell}
control
  options reltol=1e-5 tran_method="trap"
  analysis tran1 tran step={step:.9g} stop={CORNERS[-1]:.9g} maxstep={step:.9g}
endc
""")
    (folder / "tran1.raw").unlink(missing_ok=True)
    command = [spice_bench.VACASK, "bench.sim"]
    subprocess.run(command, cwd=folder, check=False, capture_output=True, timeout=50)
    found = spice_bench.raw(folder / "tran1.raw")
    return -found["vq:flow(br)"][-1] / found["p"][-1]


@pytest.mark.spice
@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize(("state", "volts"), [(0, 1.2), (1, -1.5)])
def test_ramps_end_the_same_in_both_programs_at_any_step(folder, seed, state, volts):
    source, cell = [0.0, volts, 0.0, 0.0, 0.1], f"seed={seed} lrs={state}"
    ends = [run(folder, source, LEG / k, cell) for run in (by_vacask, by_ngspice) for k in (300, 3000)]
    print(ends)
    assert (ends[0] > 1e-5) == (state == 0)
    assert ends == pytest.approx([ends[0]] * 4, rel=0.01)
