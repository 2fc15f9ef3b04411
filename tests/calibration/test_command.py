"""``frenkel calibrate`` on a planted target of tiny devices: what it writes, how it goes on, and faults."""

import tomllib
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from frenkel.calibration import free, result, rounds
from frenkel.cli.main import main
from frenkel.kinetic.materials.material import Material
from frenkel.reports import calibration

TINY = """
material = "HfO2-volatile"
seed = 1
[device]
thickness = "1.3 nm"
width = "0.78 nm"
[[phase]]
kind = "form"
amplitude = "5 V"
rate = "1 MV/s"
fall_rate = "10 MV/s"
compliance = "20 uA"
to_compliance = true
samples = 2
"""
BARRIER = "exchange.barrier"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with a configuration, a target that was planted, and a calibration to it."""
    path = tmp_path_factory.mktemp("calibrate")
    (path / "tiny.toml").write_text(TINY)
    changes = ["--set", f"{BARRIER}=1.7 eV", "--set", "seed=5", "--no-isolation", "--engine", "serial", "-q"]
    assert (
        main(["run", str(path / "tiny.toml"), "-o", str(path / "target.nc"), "--members", "10", *changes])
        == 0
    )
    assert ask(path, "--plot", str(path / "corner.png")) == 0
    return path


def ask(folder, *options, free=f"{BARRIER}=1.5:1.9 eV", output="fitted.toml"):
    """Return the exit status of the command."""
    fixed = ["--members", "8", "--rounds", "1", "--points", "5", "--engine", "serial", "--no-isolation", "-q"]
    files = [str(folder / "tiny.toml"), str(folder / "target.nc"), "-o", str(folder / output)]
    return main(["calibrate", *files, "--free", free, *fixed, *options])


def test_what_is_written(folder):
    """A material with its provenance, whose range holds the truth; designs and draws; a picture."""
    with open(folder / "fitted.toml", "rb") as file:
        text = tomllib.load(file)
    number = text["exchange"]["barrier"]
    assert text["based_on"] == "HfO2-volatile" and number["confidence"] == "fitted"
    assert number["range"][0] < 1.7 < number["range"][1] and number["unit"] == "eV"
    assert "forming_voltage of 10 devices in target.nc (sha256" in number["fitted_to"]
    assert "misfit" in number["fitted_to"] and "5 designs of 8 devices" in number["source"]
    assert Material.read(folder / "fitted.toml").exchange.barrier == number["value"]
    found = result.load(folder / "fitted.nc")
    assert found["design"].shape == (5, 1) and found["draw"].shape[1] == 1
    assert found.attrs["members"] == 8 and found.attrs["freedom"] == 1
    assert found["term"].values.tolist() == [BARRIER, f"{BARRIER} {BARRIER}"] and found["kept"].shape == (2,)
    assert np.all((found["draw"] >= 1.5) & (found["draw"] <= 1.9))
    assert (folder / "corner.png").stat().st_size > 20_000


def test_a_parameter_that_few_devices_hide_is_called_so():
    """Not that the data do not tell it: more simulated devices may."""

    def noise(points, turn):
        shifts = np.array([[one["a"], 0.0, 0.0] for one in points])
        return np.random.default_rng(turn).normal(5 * shifts[:, None, None], 1.0, (len(points), 13, 1, 3))

    free = (rounds.Parameter("a", 0.0, 1.0), rounds.Parameter("b", 0.0, 1.0))
    target = np.random.default_rng(3).standard_normal((9, 1, 3)) + [2.5, 0.0, 0.0]
    found = rounds.calibrate(noise, target, ["p", "q", "r"], free, rounds=1)
    assert found.flat == ("b",) and found.untold == ("b",)
    said = [line for line in calibration._warnings(found) if line.startswith("b")]
    assert len(said) == 1 and "not told from the noise of 13 devices a point" in said[0]


def test_the_same_command_goes_on_to_the_same_numbers(folder):
    """A calibration again, from what the first one has left, and not without --force."""
    before = result.load(folder / "fitted.nc")
    assert ask(folder) == 1
    for name in ("fitted.toml", "fitted.nc", "fitted-inference.nc"):
        (folder / name).unlink()
    assert ask(folder) == 0
    xr.testing.assert_equal(result.load(folder / "fitted.nc"), before)


def test_two_protocols_propose_what_to_free(folder, capsys):
    """Both are simulated at three points; eight devices tell as little as they told the calibration. Another
    material is refused."""
    (folder / "fast.toml").write_text(TINY.replace('"1 MV/s"', '"5 MV/s"'))
    (folder / "other.toml").write_text(TINY.replace("-volatile", ""))
    also = [["--also", str(folder / f"{name}.toml"), str(folder / "target.nc")] for name in ("fast", "other")]
    assert ask(folder, "--propose", *also[0], output="p.toml") == 1
    out = capsys.readouterr().out
    assert out.count("10 device(s) x 1 cycle(s) of target.nc") == 2 and "3 points x 8 devices" in out
    assert "none is identifiable" in out and not (folder / "p.toml").exists()
    digests = [(folder / f"p{name}-round-0.run").is_dir() for name in ("", "-2")]
    assert digests == [True, True]
    assert ask(folder, *also[1], output="p.toml") == 2
    assert "the material of other.toml must be that of tiny.toml" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "keys", "message"),
    [
        ([], "device.width=1:2 nm", "--free must name numbers of a material"),
        ([], "exchange.barier=1:2 eV", "no key 'barier' in section [exchange]"),
        ([], f"{BARRIER}=1:2", "--free exchange.barrier must be LOW:HIGH eV, got '1:2'"),
        ([], f"{BARRIER}=2:1 eV", "the range of exchange.barrier must ascend, got 2 to 1 eV"),
        ([], f"{BARRIER}=1:70 eV", "exchange.barrier must be between"),
        ([], "vacancy.crowding_count", "vacancy.crowding_count is a whole number"),
        ([], f"{BARRIER},{BARRIER}", "--free must name each number once"),
        ([], "exchange.barrier,vacancy.migration_barrier,column.radius", "--free must name 1 to 2 numbers"),
        (["--members", "3"], BARRIER, "--members must be at least 8 for 2 statistics, got 3"),
        (["--points", "4"], BARRIER, "--points must be at least 5 for 1 parameters, got 4"),
        (["--features", "hrs"], BARRIER, "hrs is not among what target.nc and the configuration both have"),
        (["--set", "phase.0.kind=constant"], BARRIER, "phase 1.voltage is missing"),
    ],
)
def test_faults_are_one_sentence(folder, capsys, options, keys, message):
    assert ask(folder, *options, free=keys, output="new.toml") in (1, 2)
    out = capsys.readouterr()
    assert message in out.err and out.err.count("\n") == 1 and not (folder / "new.toml").exists()


def test_ranges_come_from_the_material_where_none_is_given():
    material = Material.read(Path(__file__).resolve().parents[1] / "materials" / "HfO2-face.toml")
    ((one,), (other,)) = (free.free(key, material) for key in (BARRIER, "conduction.prefactor"))
    assert (one.low, one.high, one.logarithmic) == (1.66, 1.73, False)
    assert other.logarithmic and other.high / other.low >= 10
    (length,) = free.free("column.radius=0.3:0.8 nm", material)
    assert (length.low, length.high) == pytest.approx((0.3e-9, 0.8e-9))
    assert free.written("column.radius", 5e-10) == "column.radius=5e-10 m"
