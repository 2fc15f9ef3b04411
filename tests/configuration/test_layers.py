"""Layers of a device in files and in scripts."""

from pathlib import Path

import numpy as np
import pytest

import frenkel as fk
from frenkel import Material, provenance
from frenkel.calibration.designs import with_material
from frenkel.configuration.base import ConfigurationError
from frenkel.configuration.device import parse
from frenkel.configuration.points import Members, points_of
from frenkel.configuration.reader import change
from frenkel.experiment import device as experiment
from frenkel.experiment import ensemble
from frenkel.kinetic.materials.stack import Interface, Layer, Stack
from frenkel.rare import parameters
from frenkel.reports import device as devices
from frenkel.reports.ensemble import describe
from frenkel.reports.plan import plan

PHASE = [{"kind": "triangle", "amplitude": "0.5 V", "rate": "1 MV/s", "samples": 5}]
UPPER = {
    "thickness": "0.78 nm", "name": "HfOx", "material": {"vacancy": {"migration_barrier": "1.1 eV"}},
    "interface": {"exchange_energy": "-0.2 eV", "barrier": "0.1 eV", "thermal_resistance": "2e-9 m^2*K/W"},
}
LAYERS = [{"thickness": "1.3 nm", "material": "TaOx"}, UPPER]


def document(layers, **device):
    return {
        "material": "HfO2-fast", "seed": 1, "phase": PHASE,
        "device": {"width": "1.56 nm", "layer": layers} | device,
    }


def test_layers_reach_the_device_and_are_read_back_as_written():
    configuration = parse(document(LAYERS))
    assert configuration.device.height == pytest.approx(2.08e-9)
    device = experiment.build(configuration)
    assert [material.name for material in device.stack.materials] == ["TaOx", "HfOx"]
    assert device.stack.planes == (5, 3)
    assert device.stack.interfaces == (Interface(-0.2, 0.0, 0.1, 2e-9),)
    assert device.stack.materials[1].vacancy.migration_barrier == 1.1
    again = parse(configuration.document())
    assert again == configuration and "thickness" not in configuration.document()["device"]


def test_one_layer_gives_the_result_of_a_thickness_to_the_last_bit():
    one = parse(document([{"thickness": "2.08 nm"}]))
    plain = parse(document(None, thickness="2.08 nm"))
    results = [experiment.run(configuration) for configuration in (one, plain)]
    assert experiment.first_difference(*results) is None
    assert "layer" not in results[0]


def test_a_result_keeps_its_layers_and_is_made_again():
    result = experiment.run(parse(document(LAYERS)))
    assert result["layer"].values.tolist() == ["TaOx", "HfOx"]
    assert result["layer_planes"].values.tolist() == [5, 3]
    assert experiment.first_difference(result, experiment.again(result)) is None
    other = experiment.run(parse(document([LAYERS[0], UPPER | {"interface": {}}])))
    assert result.attrs["provenance"] != other.attrs["provenance"]


def test_a_script_gives_layers_as_a_file_does():
    device = fk.Device("HfO2-fast", width="1.56 nm", seed=1, layers=LAYERS)
    assert device.thickness == pytest.approx(2.08e-9)
    waveform = fk.Waveform.triangle("0.5 V", rate="1 MV/s")
    result = device.run(waveform, samples=5)
    assert experiment.first_difference(result, experiment.again(result)) is None
    same = fk.Device(
        "HfO2-fast", width="1.56 nm", seed=1,
        layers=[Layer(1.3e-9, "TaOx"), Layer(
            0.78e-9, changes=UPPER["material"], interface=Interface(-0.2, 0.0, 0.1, 2e-9), name="HfOx"
        )],
    )
    assert experiment.first_difference(result, same.run(waveform, samples=5)) is None


def test_a_device_without_any_thickness_is_refused():
    with pytest.raises(TypeError, match="Device needs a thickness, or layers with one each"):
        fk.Device("HfO2-fast", width="1.56 nm")


def test_check_prints_the_stack():
    lines = plan(parse(document(LAYERS))).splitlines()
    layers = [line for line in lines if line.startswith(("layer", "interface"))]
    assert layers[0].startswith("layer 2     HfOx, 0.78 nm, 3 planes") and "hop 1.1 eV" in layers[0]
    between = "exchange energy -0.2 eV, barrier 0.1 eV, thermal resistance 2e-09 m^2*K/W"
    assert layers[1] == f"interface   {between}"
    assert layers[2].startswith("layer 1     TaOx, 1.3 nm, 5 planes")


@pytest.fixture
def other_set(monkeypatch):
    """Return a function after which the packaged TaOx has another barrier."""
    changed, load = Material.load("TaOx").with_values({"vacancy.migration_barrier": 0.6}), Material.load

    def change():
        monkeypatch.setattr(Material, "load", lambda name: changed if name == "TaOx" else load(name))

    return change


def barrier(configuration):
    """Return the barrier (eV) of a hop in the lowest layer."""
    return experiment.build(configuration).stack.materials[0].vacancy.migration_barrier


def test_a_result_holds_the_materials_of_its_layers_whole(other_set):
    """It is made again with them, whatever the packaged set holds by then."""
    read = parse(document(LAYERS))
    result = experiment.run(read)
    recorded, seed, _ = provenance.parse(result.attrs["provenance"])
    assert recorded["layer_documents"] == {"TaOx": Material.load("TaOx").document()}
    by_script = fk.Device("HfO2-fast", width="1.56 nm", seed=1, layers=LAYERS).document()
    assert by_script["layer_documents"] == recorded["layer_documents"]
    other_set()
    assert barrier(read) == 0.6 and barrier(parse(recorded | {"seed": seed})) > 0.6
    assert experiment.first_difference(result, experiment.again(result)) is None
    assert provenance.digest(provenance.parse(experiment.run(read).attrs["provenance"])[0]) != (
        provenance.digest(recorded)
    )


def test_a_single_layer_is_recorded_as_before():
    assert "layer_documents" not in parse(document(None, thickness="2.08 nm")).recorded(
        Material.load("HfO2-fast")
    ).document()


@pytest.mark.parametrize("over", [(), ("device.layer.0.material=TaOx,HfO2-volatile",)])
def test_an_ensemble_holds_the_materials_of_its_layers_whole(other_set, over):
    """Its hash changes with them, and its members take those that it holds."""
    read = parse(document(LAYERS))

    def of(changes):
        written = document(LAYERS)
        for text in changes:
            change(written, text)
        return parse(written)

    def whole():
        axes = [ensemble.axis(text) for text in over]
        return ensemble.sweep(of, axes, 2, Path()) if over else ensemble.plain(read, 2, Path())

    before = whole().document()
    assert set(before["layer_documents"]) == {"TaOx", *(["HfO2-volatile"] if over else [])}
    other_set()
    assert whole().document() != before
    point = points_of(before)[0]
    assert barrier(point) > 0.6
    assert ensemble.from_document(before, np.arange(2)).document() == before


def test_tails_and_calibrations_hold_the_materials_of_layers(other_set):
    read = parse(document(LAYERS))
    material = read.made_of()
    recorded = with_material(read, Path())
    other_set()
    for one in (recorded, recorded.recorded(material)):
        assert barrier(one) > 0.6


def test_files_of_ensembles_say_their_layers(tmp_path):
    """Those of each member where a population draws a thickness, those of each point of a sweep."""
    lines = ["layer 1     TaOx, 1.3 nm, 5 planes", "layer 2     HfOx, 0.78 nm, 3 planes"]
    plain, swept, drawn = (tmp_path / f"{name}.nc" for name in ("plain", "swept", "drawn"))
    fk.ensemble(parse(document(LAYERS)), 2, output=plain, engine="serial")
    assert describe(plain).count("\n".join(lines)) == 1
    assert "\n".join(lines) in devices.describe(experiment.run(parse(document(LAYERS))))
    over = {"device.layer.0.material": ["TaOx", "HfO2-fast"]}
    fk.sweep(document(LAYERS), over, 1, output=swept, engine="serial")
    with fk.open(swept) as file:
        assert file["layer"].values.tolist() == ["TaOx or HfO2-fast", "HfOx"]
        one = file.frenkel.member(0, **{str(file["status"].dims[0]): "HfO2-fast"})
        assert one["layer"].values.tolist() == ["HfO2-fast", "HfOx"]
    thick = {"device.layer.0.thickness": {"law": "discrete", "values": "1.3, 2.6 nm"}}
    fk.ensemble(document(LAYERS), 4, population=thick, output=drawn, engine="serial")
    with fk.open(drawn) as file:
        planes = np.rint(file["layer_0_thickness"].values / 0.26e-9)
        assert np.array_equal(file["layer_planes"].values[:, 0], planes) and len({*planes}) == 2
    assert "layer 1     TaOx, 1.3 to 2.6 nm, 5 to 10 planes" in describe(drawn)


def test_a_drawn_thickness_of_a_layer_is_rounded_to_whole_spacings():
    """As that of a device is; a draw of less than half a spacing comes again."""
    law = {"law": "normal", "mean": "0.45 nm", "sd": "0.25 nm"}
    members = Members(parse(document(LAYERS) | {"population": {"device.layer.0.thickness": law}}))
    planes, redrawn = [], 0
    for number in range(60):
        draws = members.draw(number)
        configuration, material = members.member(number)
        layers = configuration.arguments()["layers"]
        stack = Stack.of(material, layers, round(configuration.device.height / 0.26e-9))
        (thickness,), (again,) = draws.values.values(), draws.redrawn.values()
        assert abs(stack.planes[0] - thickness / 0.26e-9) <= 0.5 and stack.planes[1] == 3
        planes.append(stack.planes[0])
        redrawn += again
    assert {1, 2, 3} <= {*planes} and redrawn > 0


OWN = r"vacancy\.migration_barrier of the device changes nothing.*layer 1 \(TaOx\) and layer 2 \(HfOx\)"


def test_a_number_that_every_layer_overrides_is_refused(tmp_path):
    """Drawn, swept or asked for by --by; a number that one layer takes from the device is obeyed."""
    key, drawn = "vacancy.migration_barrier", {"law": "normal", "sd": "0.1 eV"}
    with pytest.raises(ConfigurationError, match=OWN):
        parse(document(LAYERS) | {"population": {key: drawn}})
    with pytest.raises(ConfigurationError, match=OWN):
        fk.sweep(document(LAYERS), {key: ["1 eV", "2 eV"]}, 1, output=tmp_path / "x.nc", engine="serial")
    with pytest.raises(ConfigurationError, match=f"--by {OWN}"):
        parameters.chosen(parse(document(LAYERS)), tmp_path, [key])
    assert key not in parameters.chosen(parse(document(LAYERS)), tmp_path)
    for obeyed in ("exchange.barrier", "disorder.barrier"):
        parse(document(LAYERS) | {"population": {obeyed: drawn}})
    one_of_the_device = [LAYERS[0] | {"material": "HfO2-fast"}, {"thickness": "0.78 nm"}]
    parse(document(one_of_the_device) | {"population": {key: drawn}})


def test_a_spacing_that_is_drawn_does_not_fit_layers():
    """Before the run, in one sentence, and not member by member; a device without layers draws it."""
    drawn = {"population": {"lattice.spacing": {"law": "normal", "sd": "0.01 nm"}}}
    with pytest.raises(ConfigurationError, match=r"population: lattice\.spacing cannot be drawn where"):
        parse(document(LAYERS) | drawn)
    parse(document(None, thickness="2.08 nm") | drawn)


@pytest.mark.parametrize(("layers", "message"), [
    ([], r"device\.layer"),
    ([{"thickness": "1 nm", "material": "mine.toml"}], r"packaged material as its base, not a file"),
    ([{"thickness": "1 nm", "material": {"exchange": {"barrier": "1 eV"}}}], r"exchange\.barrier belongs to"),
    ([{"thickness": "1 nm", "interface": {"barrier": "-1 eV"}}], r"interface\.barrier"),
    ([{"thickness": "1 nm", "interfaces": {}}], r"unknown key device\.layer 1\.interfaces"),
    ([{}], r"device\.layer 1\.thickness is missing"),
])
def test_a_wrong_layer_gets_one_sentence(layers, message):
    with pytest.raises(ConfigurationError, match=message):
        parse(document(layers))


def test_an_ensemble_of_layers_has_its_members():
    """Each member is the device of its own number."""
    result = fk.ensemble(parse(document(LAYERS)), members=2, engine="serial", keep="all")
    lone = experiment.run(parse(document(LAYERS) | {"member": 1}))
    assert np.array_equal(result["current"].values[-lone.sizes["sample"] :], lone["current"].values)
    assert result["layer"].values.tolist() == ["TaOx", "HfOx"]
    assert experiment.first_difference(result.frenkel.member(1), lone) is None
