"""Ensembles whose members differ: the same draws for any processes and parts, coordinates, failures."""

import contextlib
import subprocess
import sys
import tomllib

import farm_tools
import numpy as np
import pytest
import xarray as xr

import frenkel as fk
from frenkel.analysis.statistics import variance
from frenkel.cli.main import main
from frenkel.configuration.base import ConfigurationError
from frenkel.configuration.device import parse
from frenkel.configuration.points import Members
from frenkel.data import content
from frenkel.errors import Doubt
from frenkel.experiment import device as experiment
from frenkel.experiment import ensemble_file, measurements, members, population_columns
from frenkel.rare.members import prepared
from frenkel.rare.parameters import twins_of

TOML = """
seed = 3
material = "HfO2-volatile"
device = {thickness = "1.56 nm", width = "1.56 nm"}
circuit = {series_resistance = "1 kohm"}
ensemble = {members = 5, keep = "all", keep_state = true}
phase = [{kind = "form", amplitude = "3 V", compliance = "10 uA", rate = "10 MV/s", samples = 10},
         {kind = "cycle", phase = [{kind = "reset", amplitude = "-1 V", rate = "10 MV/s", samples = 10}]}]
[population]
devices_per_die = 2
vacancy.migration_barrier = {law = "normal", sd = "0.05 eV", die = 0.5}
device.thickness = {law = "discrete", values = "1.3, 1.56, 1.82 nm"}
circuit.series_resistance = {law = "log-normal", sigma = 0.5}
device.temperature = {law = "uniform", low = "290 K", high = "310 K"}
"""
DRAWN = ("vacancy_migration_barrier", "thickness", "series_resistance", "temperature")
HERE = {"engine": "serial", "progress": False}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("population")
    (made / "x.toml").write_text(TOML)
    run("run", made / "x.toml", "-o", made / "x.nc")
    return made


@pytest.fixture(scope="module")
def whole(folder):
    with xr.open_dataset(folder / "x.nc") as opened:
        return opened.load()


def run(*words, status=0):
    assert main([*map(str, words), "-q", "--engine", "serial", "--no-isolation"]) == status


def test_every_drawn_number_is_a_coordinate_with_its_unit_meaning_and_levels(whole):
    assert set(DRAWN) | {"die", "redrawn"} <= set(whole.coords)
    of = Members(parse(tomllib.loads(TOML)))
    for member in range(5):
        drawn = {population_columns.name_of(key): value for key, value in of.draw(member).values.items()}
        assert {name: whole[name].values[member] for name in DRAWN} == drawn
    barrier = whole["vacancy_migration_barrier"]
    assert barrier.attrs["units"] == "eV" and barrier.attrs["levels"] == "device 0.5, die 0.5 of the variance"
    assert barrier.attrs["long_name"] == "barrier of the hop at zero driving energy"
    assert whole["thickness"].attrs["units"] == "m" and whole["thickness"].attrs["key"] == "device.thickness"
    assert whole["die"].values.tolist() == [0, 0, 1, 1, 2] and "wafer" not in whole
    assert whole["redrawn"].values.tolist() == [0] * 5


def test_what_differs_between_members_is_written_for_each(whole):
    layers = np.round(whole["thickness"].values / 0.26e-9).astype(int)
    assert len(set(layers.tolist())) > 1 and whole["lattice_shape"].values[:, 2].tolist() == layers.tolist()
    assert np.array_equal(whole["ambient_temperature"].values, whole["temperature"].values)


def test_a_member_is_what_its_own_configuration_makes_and_can_be_made_again(whole):
    member = ensemble_file.member(whole, 3)
    configuration, material = Members(parse(tomllib.loads(TOML))).member(3)
    alone = experiment.run(configuration)
    assert experiment.first_difference(member, alone) is None
    assert member.attrs["material_hash"] == alone.attrs["material_hash"] == material.hash
    assert material.hash != whole.attrs["material_hash"]
    assert member["vacancy_migration_barrier"].item() == material.vacancy.migration_barrier
    assert experiment.first_difference(member, experiment.again(member)) is None
    assert (
        experiment.first_difference(experiment.again(member), experiment.again(experiment.again(member)))
        is None
    )


def test_the_kinetics_keep_their_random_numbers(folder):
    """With all widths at 0 the members are those without a population, bit by bit."""
    (folder / "plain.toml").write_text(TOML.partition("[population]")[0])
    run("run", folder / "plain.toml", "-o", folder / "plain.nc", "--members", 2)
    narrow = """[population]
    vacancy.migration_barrier = {law = "normal", sd = "0 eV"}
    device.thickness = {law = "log-normal", sigma = 0.0}
    """
    (folder / "narrow.toml").write_text(TOML.partition("[population]")[0] + narrow)
    run("run", folder / "narrow.toml", "-o", folder / "narrow.nc", "--members", 2)
    with xr.open_dataset(folder / "plain.nc") as plain, xr.open_dataset(folder / "narrow.nc") as drawn:
        assert set(drawn.variables) - set(plain.variables) == {
            "vacancy_migration_barrier", "thickness", "redrawn", "failure", "failure_phase", "failure_time",
            "failure_voltage",
        }  # fmt: skip
        for member in range(2):
            pair = [ensemble_file.member(data, member) for data in (plain, drawn)]
            assert experiment.first_difference(*pair) is None


def test_more_members_and_parts_change_none(folder, whole):
    """Two job arrays, an order of their own, and an extension to seven members give the same five."""
    run("run", folder / "x.toml", "-o", folder / "seven.nc", "--members", 7)
    for part in ("2/2", "1/2"):
        run("run", folder / "x.toml", "-o", folder / "parts.nc", "--shard", part)
    assert content.of_file(folder / "parts.nc") == content.of_file(folder / "x.nc")
    run("run", folder / "x.toml", "-o", folder / "longer.nc", "--members", 3)
    run("extend", folder / "longer.nc", "--members", 7)
    assert content.of_file(folder / "longer.nc") == content.of_file(folder / "seven.nc")
    with xr.open_dataset(folder / "seven.nc") as seven:
        for name in (*DRAWN, "die", "forming_voltage", "hrs"):
            np.testing.assert_array_equal(seven[name].values[:5], whole[name].values)


def test_more_cycles_go_on_with_the_same_numbers(folder):
    run("extend", folder / "x.nc", "--cycles", 2, "-o", folder / "two.nc")
    (folder / "two.toml").write_text(TOML.replace('{kind = "cycle",', '{kind = "cycle", repeat = 2,'))
    run("run", folder / "two.toml", "-o", folder / "at_once.nc")
    assert content.of_file(folder / "two.nc") == content.of_file(folder / "at_once.nc")


@pytest.mark.parametrize("ranks", [2, 4])
def test_ranks_change_nothing(folder, whole, ranks):
    farm_tools.needs_mpi()
    target = folder / f"ranks{ranks}.nc"
    words = ["run", str(folder / "x.toml"), "-o", str(target), "-q", "--engine", "mpi", "--no-isolation"]
    launcher = [farm_tools.MPIEXEC, "-n", str(ranks)]
    done = subprocess.run(
        [*launcher, sys.executable, "-m", "frenkel", *words],
        env=farm_tools.environment(),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert content.of_file(target) == whole.attrs["content_hash"]


def test_a_member_that_was_stopped_goes_on_with_its_numbers(folder, whole, tmp_path):
    """Stopped within its protocol and run again from the checkpoint."""
    from frenkel.mpi_runs.child import Context, Stopped

    settings = {"points": [tomllib.loads(TOML)], "materials": [fk.Material.load("HfO2-volatile").document()]}
    settings |= {"material_of": [0], "keep": "all", "over": {}}

    class Stopping(Context):
        looks = 0

        def stopping(self):
            self.looks += 1
            return self.looks > 1

    with contextlib.suppress(Stopped):
        members.prepare(settings)(3, Stopping(tmp_path))
        raise AssertionError("it was not stopped")
    assert [*tmp_path.glob("*.checkpoint")]
    arrays, _ = members.prepare(settings)(3, Context(tmp_path))
    assert arrays["forming_voltage"] == whole["forming_voltage"].values[3]
    np.testing.assert_array_equal(arrays["current"], ensemble_file.member(whole, 3)["current"].values)


def test_a_script_gives_a_population(whole):
    document = tomllib.loads(TOML)
    population = document.pop("population")
    data = fk.ensemble(document, 5, population=population, **HERE)
    assert data.attrs["content_hash"] == whole.attrs["content_hash"]
    with pytest.raises(ConfigurationError, match=r"^a population is for configurations"):
        fk.ensemble(lambda seed, member: None, 2, population=population, **HERE)
    with pytest.raises(ConfigurationError, match=r"ensemble: population: exchange\.barrier: sd is missing"):
        fk.ensemble(document, 2, population={"exchange.barrier": {"law": "normal"}}, **HERE)


def test_a_sweep_has_draws_of_its_own_at_each_point(folder):
    over = ["--over", "population.vacancy.migration_barrier.sd=0,0.05 eV"]
    run("sweep", folder / "x.toml", *over, "-o", folder / "sweep.nc", "--members", 3)
    with xr.open_dataset(folder / "sweep.nc") as data:
        barrier = data["vacancy_migration_barrier"]
        assert barrier.dims == ("sd", "member") and barrier.shape == (2, 3)
        nominal = fk.Material.load("HfO2-volatile").vacancy.migration_barrier
        assert np.all(barrier.values[0] == nominal) and len(set(barrier.values[1].tolist())) == 3
        assert not np.array_equal(data["series_resistance"].values[0], data["series_resistance"].values[1])
        member = ensemble_file.member(data, 2, sd=0.05)
        assert member["thickness"].item() == data["thickness"].values[1, 2]
        assert experiment.first_difference(member, experiment.again(member)) is None


def test_a_key_cannot_be_swept_and_drawn(folder):
    with pytest.raises(ConfigurationError, match=r"device\.thickness is drawn by \[population\]"):
        fk.sweep(folder / "x.toml", {"device.thickness": "1.3,1.56 nm"}, 1, seed=1, **HERE)


def test_members_that_fail_stay_with_their_reason_and_their_numbers(tmp_path, monkeypatch, capsys):
    """Two of five fail: at the start, and within the RESET."""
    own = members.Protocol.go

    def failing(self, pause=None, progress=None):
        if self.device.member == 1:
            raise RuntimeError("the fields were not solved")
        if self.device.member == 4:

            def shown(share, name, device):
                progress(share, name, device)
                if name.startswith("reset"):
                    raise RuntimeError("too hot")

            return own(self, pause=pause, progress=shown)
        return own(self, pause=pause, progress=progress)

    monkeypatch.setattr(members.Protocol, "go", failing)
    (tmp_path / "x.toml").write_text(TOML)
    run("run", tmp_path / "x.toml", "-o", tmp_path / "x.nc", status=1)
    with xr.open_dataset(tmp_path / "x.nc") as data:
        assert data.sizes["member"] == 5 and data["status"].values.tolist() == [0, 1, 0, 0, 1]
        assert data["failure"].values.tolist() == [
            "", "RuntimeError: the fields were not solved", "", "", "RuntimeError: too hot",
        ]  # fmt: skip
        assert data["failure_phase"].values.tolist() == ["", "start", "", "", "reset 1"]
        assert data["failure_voltage"].values[4] <= 0.0 and np.isnan(data["failure_voltage"].values[0])
        assert np.isfinite(data["vacancy_migration_barrier"].values).all()
        assert np.isnan(data["hrs"].values[[1, 4], 0]).all()
    assert np.all(measurements.sample(tmp_path / "x.nc", "forming_voltage")[0].exact)
    assert main(["show", str(tmp_path / "x.nc")]) == 0
    shown = capsys.readouterr().out
    assert (
        "members     3 ok, 2 an error was raised\n            2 of 5 have no values below: quantiles" in shown
    )
    assert "vacancy.migration_barrier      normal" in shown and "device 0.5, die 0.5 of the variance" in shown
    assert "all draws were allowed" in shown and "lag 1" not in shown


def test_a_member_that_fails_while_it_is_formed_lies_above_what_it_had_reached(tmp_path, monkeypatch):
    own = members.Protocol.go

    def failing(self, pause=None, progress=None):
        def shown(share, name, device):
            progress(share, name, device)
            if device.member == 2 and device.source_voltage > 0.5:
                raise RuntimeError("the fields were not solved")

        return own(self, pause=pause, progress=shown)

    monkeypatch.setattr(members.Protocol, "go", failing)
    (tmp_path / "x.toml").write_text(TOML)
    run("run", tmp_path / "x.toml", "-o", tmp_path / "x.nc", status=1)
    with xr.open_dataset(tmp_path / "x.nc") as data:
        reached = data["failure_voltage"].values[2]
        assert 0.5 < reached < 1.5 and data["failure_phase"].values[2] == "form"
        exact = data["forming_voltage"].values[[0, 1, 3, 4]]
    drawn, unit = measurements.sample(tmp_path / "x.nc", "forming_voltage")
    assert (
        unit == "V"
        and drawn.low.tolist() == [*exact, reached]
        and drawn.right.tolist() == [False] * 4 + [True]
    )


def test_show_says_how_the_variance_divides(folder, capsys):
    run("run", folder / "x.toml", "-o", folder / "cycles.nc", "--set", "phase.1.repeat=8", "--members", 4)
    capsys.readouterr()
    assert main(["show", str(folder / "cycles.nc")]) == 0
    shown = capsys.readouterr().out
    with xr.open_dataset(folder / "cycles.nc") as data:
        logarithm = np.log(data["hrs"].values)
    fraction, lag = variance.variance_fraction(logarithm), variance.lag_correlation(logarithm, 1)
    expected = [f"{one.value:.2f} ({one.low:.2f} to {one.high:.2f})" for one in (fraction, lag)]
    (row,) = (line for line in shown.splitlines() if line.startswith("hrs") and "ohm" not in line)
    assert " ".join(row.split()) == f"hrs 4 {expected[0]} {expected[1]} -"


def test_a_member_without_allowed_draws_fails_with_that_reason(tmp_path):
    law = '{law = "normal", mean = "0 ohm", sd = "1 kohm", die = 0.99999999}'
    grouped = f"[population]\ndevices_per_die = 1\ncircuit.series_resistance = {law}\n"
    (tmp_path / "x.toml").write_text(TOML.partition("[population]")[0] + grouped)
    with pytest.warns(Doubt, match="50 % of the draws"):
        run("run", tmp_path / "x.toml", "-o", tmp_path / "x.nc", status=1)
    with xr.open_dataset(tmp_path / "x.nc") as data:
        failed = data["status"].values == 1
        assert 0 < failed.sum() < 5 and np.array_equal(np.isnan(data["series_resistance"].values), failed)
        assert np.array_equal(data["redrawn"].values == 10_000, failed)
        for reason in data["failure"].values[failed]:
            assert reason.startswith(
                "ConfigurationError: population: 10000 draws of circuit.series_resistance"
            )


def test_one_member_alone_is_that_of_the_ensemble(folder, whole):
    run("run", folder / "x.toml", "--only", 4, "-o", folder / "four_alone.nc")
    with xr.open_dataset(folder / "four_alone.nc") as alone:
        assert experiment.first_difference(ensemble_file.member(whole, 4), alone) is None


def test_devices_of_rare_events_are_those_of_the_ensemble():
    configuration = parse(tomllib.loads(TOML))
    own, material = Members(configuration).member(3)
    device, _ = prepared(configuration, 3)
    assert device.material == material and device.thickness == pytest.approx(own.device.thickness, rel=1e-9)
    twins = twins_of(own, device, "vacancy.migration_barrier")
    assert twins.low.thickness == device.thickness and twins.low.temperature == device.temperature


def test_names_of_drawn_numbers_are_names_of_nothing_else():
    """A number of the material or the device has no name that a variable of a result has already."""
    from frenkel.data import schema
    from frenkel.kinetic.materials.sections import SECTIONS

    keys = [f"{section}.{name}" for section, model in SECTIONS.items() for name in model.__dataclass_fields__]
    keys += [
        "device.thickness",
        "device.width",
        "device.temperature",
        "circuit.compliance",
        "circuit.transistor",
    ]
    names = [population_columns.name_of(key) for key in keys]
    assert len(set(names)) == len(names)
    taken = {
        *schema.VARIABLES,
        *ensemble_file.columns(),
        "status",
        "seed",
        "die",
        "wafer",
        "redrawn",
        "cycle",
    }
    assert taken & set(names) == {"lattice_spacing"}  # the same number


def test_laws_that_a_material_ships_are_drawn_unless_the_configuration_has_its_own(tmp_path):
    (tmp_path / "wide.toml").write_text(
        'based_on = "HfO2-volatile"\n[population.vacancy.migration_barrier]\nlaw = "normal"\nsd = "50 meV"\n'
        'confidence = "chosen"\nsource = "here"\n[population.conduction.prefactor]\nlaw = "log-normal"\n'
        'sigma = 0.2\nconfidence = "chosen"\nsource = "here"\n'
    )
    own = {"shipped": True, "conduction.prefactor": {"law": "log-normal", "sigma": 0.0}}
    document = tomllib.loads(TOML) | {"population": own, "material": str(tmp_path / "wide.toml")}
    document["phase"] = document["phase"][:1]
    data = fk.ensemble(document, members=2, **HERE)
    barriers, prefactors = data["vacancy_migration_barrier"], data["conduction_prefactor"]
    assert len({*barriers.values.tolist(), 0.7}) == 3 and np.ptp(prefactors.values) == 0.0
    # The record holds laws and material: a member comes out alike although the file is gone.
    (tmp_path / "wide.toml").unlink()
    member = ensemble_file.member(data, 1)
    assert experiment.first_difference(member, experiment.again(member)) is None
    with pytest.raises(ConfigurationError, match="HfO2-volatile has no table"):
        fk.ensemble(document | {"material": "HfO2-volatile"}, members=2, **HERE)


def test_members_differ_as_their_material_ships_unless_the_population_is_none(tmp_path):
    """An ensemble without the table takes the shipped laws, one with "none" clones; a sweep of a number drops them."""
    (tmp_path / "wide.toml").write_text(
        'based_on = "HfO2-volatile"\n[population.conduction.prefactor]\nlaw = "log-normal"\n'
        'sigma = 0.2\nconfidence = "chosen"\nsource = "here"\n'
    )
    document = tomllib.loads(TOML) | {"material": str(tmp_path / "wide.toml")}
    document.pop("population", None)
    document["phase"] = document["phase"][:1]
    data = fk.ensemble(document, members=2, **HERE)
    assert np.ptp(data["conduction_prefactor"].values) > 0.0
    asked = fk.ensemble(document | {"population": {"shipped": True}}, members=2, **HERE)
    assert asked["conduction_prefactor"].values.tolist() == data["conduction_prefactor"].values.tolist()
    for population in ("none", {"shipped": False}):
        assert "conduction_prefactor" not in fk.ensemble(document | {"population": population}, members=2, **HERE)
    swept = fk.sweep(document, {"conduction.prefactor": ["1e-4 S", "2e-4 S"]}, members=1, **HERE)
    assert swept["conduction_prefactor"].values.tolist() == [1e-4, 2e-4]


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("material", "material cannot be swept with population.shipped"),
        ("conduction.prefactor", r"is drawn by \[population\] and cannot be swept"),
    ],
)
def test_a_sweep_takes_neither_another_material_nor_a_number_that_is_shipped(tmp_path, key, message):
    (tmp_path / "wide.toml").write_text(
        'based_on = "HfO2-volatile"\n[population.conduction.prefactor]\nlaw = "log-normal"\n'
        'sigma = 0.2\nconfidence = "chosen"\nsource = "here"\n'
    )
    document = tomllib.loads(TOML) | {"population": {"shipped": True}}
    document["material"] = str(tmp_path / "wide.toml")
    with pytest.raises(ConfigurationError, match=message):
        fk.sweep(document, {key: ["1e-4 S" if "." in key else "HfO2-fast"]}, members=1, **HERE)
