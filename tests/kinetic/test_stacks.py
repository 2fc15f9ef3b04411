"""The stacks that come along: what their numbers say of themselves, and closure across their interfaces."""

import tomllib
from pathlib import Path

import numpy as np
import pytest
from round_trips import sample, stated, way_back
from whole_lattice import put, random_species

from frenkel.configuration.device import parse
from frenkel.kinetic.device import Device

STACKS = sorted((Path(__file__).resolve().parents[2] / "examples").glob("stack_*.toml"))


def read(path):
    return parse(tomllib.loads(path.read_text(encoding="utf-8")))


def test_there_is_a_stack_of_each_pair_that_is_published():
    names = {path.stem.removeprefix("stack_") for path in STACKS}
    assert names == {"ti_hfo2", "taox_ta2o5", "cmo_hfox", "tio2_al2o3", "taox_hfo2"}


@pytest.mark.parametrize("path", STACKS, ids=[path.stem for path in STACKS])
def test_each_number_of_a_layer_has_a_source(path):
    """A chosen number without a set or a file as its source says that it is a placeholder."""
    layers, count = tomllib.loads(path.read_text(encoding="utf-8"))["device"]["layer"], 0
    for layer in layers:
        for section in (part for part in layer.get("material", {}).values() if isinstance(part, dict)):
            for number in section.values():
                assert number["confidence"] in ("chosen", "recalled") and len(number["source"]) > 10
                known = number["source"].startswith(("placeholder", "set "))
                assert number["confidence"] == "recalled" or known
                count += 1
    assert count >= 3


@pytest.mark.parametrize("path", STACKS, ids=[path.stem for path in STACKS])
def test_events_across_the_interface_close(path):
    """|dE_f + dE_r| within 1e-9 eV + the stated error, in random states; at least 5 events cross it."""
    arguments = read(path).arguments()
    material = read(path).made_of()
    spacing = material.lattice.spacing
    device = Device(material, arguments["thickness"], 6 * spacing, seed=1, layers=arguments["layers"])
    layer, rng, crossing = device.stack.layer[device.lattice.layer], np.random.default_rng(7), 0
    for kind in ("pristine", "lrs"):
        put(device, random_species(device, kind, rng))
        device.device_voltage = rng.uniform(-2, 2)
        start, events = device.engine.state(), device.transitions()
        hops = np.flatnonzero(events["site_b"] >= 0)
        across = hops[layer[events["site_a"][hops]] != layer[events["site_b"][hops]]]
        error = stated(device)
        for k in np.concatenate([sample(events, 3, rng), rng.permutation(across)[:5]]):
            device.engine.restore(start)
            device.fire(int(k))
            after = device.transitions()
            event, back = events[k], after[way_back(device, events[k], after)]
            bound = 1e-9 + error + stated(device)
            assert abs(event["energy"] + back["energy"]) <= bound
            assert event["barrier"] - back["barrier"] == pytest.approx(event["energy"], abs=10 * bound)
            crossing += k in across
    assert crossing >= 5
