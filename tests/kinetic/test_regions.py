"""Regions of a layer: which sites they have, their barriers and first defects, and closure."""

import numpy as np
import pytest
from round_trips import A, round_trips, sample
from whole_lattice import put, random_species, small_material

from frenkel.configuration.base import ConfigurationError
from frenkel.configuration.device import parse
from frenkel.experiment import device as experiment
from frenkel.kinetic.device import Device
from frenkel.kinetic.materials.material import Material
from frenkel.kinetic.materials.region import Region, columns_of
from frenkel.kinetic.materials.stack import Layer
from frenkel.reports.plan import plan

SPOT = Region(
    "column", 0.0, A, radius=1.5 * A, migration_shift=-0.3, exchange_shift=0.25, vacancy_fraction=0.5
)
GRAINS = (
    Region("cell", A, A, boundary=0.8 * A, migration_shift=-0.2),
    Region("cell", 4 * A, 3 * A, migration_shift=0.1),
)


def slow(regions, shape, periodic):
    """Return the owner of each column of sites, one by one."""
    owner = np.full(shape, -1)
    cells = [k for k, region in enumerate(regions) if region.shape == "cell"]
    for i, j in np.ndindex(shape):
        def away(region, place=(i, j)):
            distance = [place[0] * A - region.x, place[1] * A - region.y]
            if periodic:
                distance = [min((d + k * n * A for k in (-2, -1, 0, 1, 2)), key=abs)
                            for d, n in zip(distance, shape, strict=True)]
            return distance
        for number, region in enumerate(regions):
            dx, dy = away(region)
            if region.shape == "column":
                inside = np.hypot(dx, dy) <= region.radius * (1 + 1e-9)
            elif region.shape == "box":
                inside = abs(dx) <= region.width / 2 + 1e-18 and abs(dy) <= region.length / 2 + 1e-18
            else:
                own = np.hypot(dx, dy)
                others = [np.hypot(*away(regions[k])) for k in cells if k != number]
                inside = all(own < other or (own == other and number < k)
                             for k, other in zip([k for k in cells if k != number], others, strict=True))
                inside = inside and (not region.boundary or (min(others) - own) / 2 <= region.boundary)
            if inside:
                owner[i, j] = number
    return owner


@pytest.mark.parametrize("periodic", [True, False])
def test_sites_of_each_shape(periodic):
    """As counted one by one; where regions overlap the last holds."""
    box = Region("box", 5 * A, 2 * A, width=2 * A, length=4 * A)
    for regions in ((SPOT,), (box,), GRAINS, (*GRAINS, box, SPOT)):
        owner = columns_of(regions, (7, 6), A, periodic)
        assert np.array_equal(owner, slow(regions, (7, 6), periodic))
    assert len({*owner.ravel()}) > 3


def regional(lateral="periodic", layers=None):
    """Return a device whose lower layer has a weak spot and whose upper one has grains."""
    material = small_material("HfO2-ETH")
    chosen = (Layer(2 * A, regions=(SPOT,)), Layer(3 * A, regions=GRAINS)) if layers is None else layers
    return Device(material, 5 * A, 6 * A, seed=1, lateral=lateral, layers=chosen)


def shifts(device, key):
    """Return a number of the region of each site; 0 between the host sites."""
    found = np.zeros(device.lattice.n_sites)
    for region, inside in device.stack.region(device.shape, device.lateral == "periodic"):
        found[: device.n_hosts][inside] = getattr(region, key)
    return found


def test_barriers_of_hops_and_exchanges():
    """A hop has the mean of what both ends have, an exchange what its site has, over a device without."""
    device, plain = regional(), regional(layers=(Layer(2 * A), Layer(3 * A)))
    names = [mechanism.name for mechanism in device.chemistry.mechanisms]
    hop, exchange, seen = shifts(device, "migration_shift"), shifts(device, "exchange_shift"), set()
    for seed in range(4):
        species = random_species(device, "hrs", np.random.default_rng(seed))
        rows = []
        for one in (device, plain):
            put(one, species)
            events = one.transitions()
            rows.append((events, one.solved().events.arrays()["barrier"]))
        (events, barrier), (_, without) = rows
        of_hop = events["mechanism"] == names.index("vacancy hop")
        a, b = events["site_a"], events["site_b"]
        assert barrier[of_hop] - without[of_hop] == pytest.approx(0.5 * (hop[a] + hop[b])[of_hop], abs=1e-12)
        seen |= {*np.round(0.5 * (hop[a] + hop[b])[of_hop], 9)}
        of_exchange = events["mechanism"] == names.index("oxygen exchange")
        more = barrier[of_exchange] - without[of_exchange]
        assert more == pytest.approx(exchange[a][of_exchange], abs=1e-12)
    assert {-0.3, -0.15, -0.2, 0.1, 0.0} <= seen


@pytest.mark.parametrize("lateral", ["periodic", "reflecting"])
def test_events_across_sides_of_regions_close(lateral):
    device, rng, count = regional(lateral), np.random.default_rng(3), 0
    hop = shifts(device, "migration_shift")
    for kind in ("pristine", "lrs"):
        put(device, random_species(device, kind, rng))
        device.device_voltage = rng.uniform(-3, 3)
        events = device.transitions()
        count += sum(hop[events["site_a"][k]] != hop[events["site_b"][k]] for k in sample(events, 8, rng))
        for off, bound in round_trips(device, 16, rng):
            assert abs(off) <= 1e-9 + bound
    assert count > 4


def test_first_defects_of_a_region():
    """Half of the spot's sites, which are weak ones; the draws of the rest are those without regions."""
    material = small_material("HfO2-volatile")
    spot = Region("column", 3 * A, 3 * A, radius=1.5 * A, vacancy_fraction=0.5)
    full = small_material("HfO2-volatile", drop=("disorder",), column__vacancy_fraction=0.5)
    one = Device(full, 5 * A, 6 * A, seed=2, layers=(Layer(5 * A, regions=(spot,)),))
    inside = np.concatenate([sites for _, sites in one.stack.region(one.shape, True)]) & True
    assert np.count_nonzero(np.isin(one.defects[0], np.flatnonzero(inside))) == round(0.5 * inside.sum())
    bare, empty = (Device(material, 5 * A, 6 * A, seed=2, layers=layers)
                   for layers in ((), (Layer(5 * A, regions=()),)))
    assert np.array_equal(bare.engine.species, empty.engine.species)


def test_files_say_regions_and_check_prints_them():
    region = {"shape": "column", "x": "0.78 nm", "y": "0.78 nm", "radius": "0.3 nm"}
    region["migration_shift"] = "-0.2 eV"
    phase = [{"kind": "triangle", "amplitude": "0.5 V", "rate": "1 MV/s", "samples": 5}]
    layers = [{"thickness": "0.78 nm", "region": [region, region | {"x": "0 nm"}]}, {"thickness": "0.52 nm"}]
    document = {"material": "HfO2-fast", "seed": 1, "phase": phase}
    document["device"] = {"width": "1.56 nm", "layer": layers}
    read = parse(document)
    assert parse(read.document()) == read
    device = experiment.build(read)
    lower, upper = device.stack.regions
    assert [one.x for one in lower] == [pytest.approx(0.78e-9), 0.0] and not upper
    assert "region      column at 0.78, 0.78 nm, radius 0.3 nm: migration shift -0.2 eV" in plan(read)
    result = experiment.run(read)
    owner = result["layer_region"].values
    assert owner.shape == (2, 6, 6) and not owner[1].any() and owner[0, 3, 3] == 1 and owner[0, 0, 3] == 2
    assert experiment.first_difference(result, experiment.again(result)) is None
    with pytest.raises(ConfigurationError, match="a region with the shape box needs a width above 0"):
        parse(document | {"device": {"width": "1.56 nm", "layer": [
            layers[0] | {"region": [region | {"shape": "box"}]}]}})


@pytest.mark.parametrize(("region", "message"), [
    (Region("column", 9e-9, 0.0, radius=A), r"x of region 1 of layer 1 must be within the device, 1\.56 nm"),
    (Region("column", 0.5 * A, 0.0, radius=0.1 * A), "region 1 of layer 1 must have a site of its own"),
    (Region("cell", 0.0, 0.0, boundary=A), "region 1 of layer 1 must have a site of its own"),
])
def test_a_region_without_sites_gets_one_sentence(region, message):
    with pytest.raises(ValueError, match=message):
        Device(Material.load("HfO2-fast"), 5 * A, 6 * A, seed=1, layers=[Layer(5 * A, regions=(region,))])
    with pytest.raises(ValueError, match="a region with the shape column has no width, leave it out"):
        Region("column", 0.0, 0.0, radius=A, width=A)


def test_a_region_leaves_no_negative_barrier():
    deep = Region("column", 0.0, 0.0, radius=A, migration_shift=-3.0)
    with pytest.raises(ValueError, match=r"barrier of 'vacancy hop' with its barrier_shift must be at"):
        Device(Material.load("HfO2-fast"), 5 * A, 6 * A, seed=1, layers=[Layer(5 * A, regions=(deep,))])
    with pytest.raises(ValueError, match="shape of a region must be one of box, column, cell, got 'ball'"):
        Region("ball", 0.0, 0.0)
