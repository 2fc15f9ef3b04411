"""Barriers by CHGNet: equivalent hops from independent starts, and a machine without a network (minutes)."""

import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from frenkel.barriers import calculators, crystal
from frenkel.barriers.study import BarrierSettings, CrystalStudy
from frenkel.cli.main import main
from frenkel.rare import farm

EXAMPLES = Path(__file__).resolve().parents[1] / "examples" / "barriers"
OFFLINE = """
import socket, sys

def refuse(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto"):
        raise OSError(f"no network here: {event}")

sys.addaudithook(refuse)
try:
    socket.create_connection(("localhost", 9))
except OSError as error:
    assert "no network here" in str(error), error
else:
    raise SystemExit("the network is not blocked")
from frenkel.cli.main import main
raise SystemExit(main(sys.argv[1:]))
"""
"""A program in which every name that is looked up and every connection is an error, then the command."""
RATTLE = 0.03
"""Standard deviation (angstrom) of the random displacements from which each calculation starts."""


class RattledStudy(CrystalStudy):
    """A study whose ends start from their own random displacements, not from those of an equivalent site."""

    def start(self, seed):
        self.random = np.random.default_rng(seed)

    def _moves(self, vacant):
        return self.random.normal(0.0, RATTLE, self.perfect.positions.shape)


@pytest.mark.verification
@pytest.mark.parametrize(
    ("force", "close", "minutes"), [(0.05, 0.020, 10), (0.005, 0.005, None)], ids=["0.05", "0.005"]
)
def test_equivalent_hops_agree(tmp_path, force, close, minutes):
    """Two of the eight hops O1-O1 of 0.278 nm in 48 atoms, forward and backward: four equal barriers."""
    pytest.importorskip("chgnet", reason="CHGNet, of the extra barriers, is not installed")
    begin = time.process_time()
    settings = BarrierSettings("O", 2.9, supercell=(2, 2, 1), images=1, force=force)
    potential = calculators.find("chgnet")
    study = RattledStudy(
        crystal.read(EXAMPLES / "HfO2-monoclinic.vasp", "O"), settings, potential, tmp_path, print
    )
    study.start(49)
    assert len(study.perfect) == 48
    hop = next(
        one
        for one in crystal.hops(study.unit, "O", settings.cutoff)
        if one.start < 8 and one.end < 8 and abs(one.length - 2.784) < 0.01
    )
    barriers = []
    for start, end, shift in (hop.members[0], hop.members[-1]):
        found = study._hop(replace(hop, start=start, end=end, shift=shift))
        assert found is not None, study.failures
        barriers += [found[0].forward, found[0].backward]
    spent = (time.process_time() - begin) / 60
    print(f"forces {force}: barriers {np.round(barriers, 4)} eV in {spent:.1f} CPU minutes")
    assert np.ptp(barriers) < close
    assert minutes is None or spent < minutes


@pytest.mark.verification
def test_an_offline_machine_with_the_extra_needs_no_network(tmp_path):
    """The weights are in the wheel: rutile in its unit cell, in a process whose sockets are refused."""
    pytest.importorskip("chgnet", reason="CHGNet, of the extra barriers, is not installed")
    few = ["--supercell", "1x1x1", "--cutoff", "0.26 nm", "--images", "1", "--largest-force", "0.3"]
    few += ["--interstitials", "0", "--pairs", "0", "--crowding", "0", "--attempt-frequency", "6 THz"]
    target = tmp_path / "offline.toml"
    command = ["barriers", str(EXAMPLES / "TiO2-rutile.vasp"), *few, "--base", "TiOx", "-o", str(target)]
    done = subprocess.run(
        [sys.executable, "-c", OFFLINE, *command], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "CHGNet" in target.read_text(encoding="utf-8")


@pytest.mark.verification
@pytest.mark.parametrize(("phase", "column"), [("form", "voltage"), ("set", "voltage"), ("rest", "time")])
def test_ranges_of_computed_numbers_reach_forming_set_and_retention(tmp_path, capsys, phase, column):
    """Three devices of the example: each phase has its mean, and a row for each range that is asked."""
    names = ["vacancy.migration_barrier", "exchange.energy"]
    by = [word for name in names for word in ("--by", name)]
    command = ["sensitivity", str(EXAMPLES.parent / "crystal.toml"), "--phase", phase, "--at", "1 Mohm", *by]
    assert main([*command, "--members", "3", "--engine", "serial", "-q", "-o", str(tmp_path / "s.nc")]) == 0
    assert np.isfinite(farm.load(tmp_path / "s.nc", "sensitivity")[column]).all()
    lines = capsys.readouterr().out.splitlines()
    rows = lines[lines.index("intervals that the material states, to first order:") + 1 :]
    assert [row.split()[0] for row in rows[:3]] == [*names, "all,"]
