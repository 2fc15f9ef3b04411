"""Points of a sweep: what the file with its changes says, read one by one."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

import frenkel as fk
from frenkel.configuration import device as config
from frenkel.configuration import points
from frenkel.configuration.base import ConfigurationError
from frenkel.experiment import ensemble, ensemble_file, members

FILE = """
seed = 5
material = "mine.toml"
[device]
thickness = "2.6 nm"
width = "1.56 nm"
[ensemble]
members = 3
limit = "7 s"
[[phase]]
kind = "form"
amplitude = "4 V"
rate = "0.1 MV/s"
to_compliance = false
"""
OVER = ["phase.0.rate=0.1 MV/s,1 MV/s", "device.temperature=300:340:3 K", "device.width=2.6 nm,1560 pm"]


@pytest.fixture
def file(tmp_path):
    packaged = Path(fk.kinetic.materials.material.__file__).with_name("HfO2-volatile.toml")
    (tmp_path / "mine.toml").write_text(packaged.read_text())
    (tmp_path / "x.toml").write_text(FILE)
    return tmp_path / "x.toml"


def swept(file, over=OVER):
    axes = [ensemble.axis(text) for text in over]
    return ensemble.sweep(lambda changes: fk.read_configuration(file, changes), axes, None, file.parent)


def listed(whole):
    """Return a sweep that lists its points, every one read."""
    return replace(whole, points=tuple(whole.points))


def test_points_are_those_of_the_file_with_changes(file):
    whole = swept(file)
    assert len(whole.points) == 12 and whole.members == 3 and whole.limit == 7.0
    for index, (rate, kelvin, width) in {
        0: ("0.1 MV/s", "300.0 K", "2.6 nm"),
        1: ("0.1 MV/s", "300.0 K", "1560 pm"),
        2: ("0.1 MV/s", "320.0 K", "2.6 nm"),
        11: ("1 MV/s", "340.0 K", "1560 pm"),
    }.items():
        changes = [f"phase.0.rate={rate}", f"device.temperature={kelvin}", f"device.width={width}"]
        read = fk.read_configuration(file, [*changes, f"seed={whole.points[index].seed}"])
        assert whole.points[index].document() == read.document()
    with pytest.raises(IndexError, match="12 points"):
        whole.points[12]


def test_seeds_never_change(file):
    """Results of members of a sweep that were run before belong to these."""
    whole = swept(file)
    assert whole.points.seed(0) == 320404585896366297 == whole.points[0].seed
    assert whole.points.seed(11) == 3169899816873170769 == whole.points[11].seed
    assert swept(file, [*OVER[:2], "device.width=2.6 nm"]).points.seed(1) == whole.points.seed(2)


def test_another_kind_of_phase_has_other_keys(file):
    constant = '{kind="constant", voltage="1 V", duration="1 us"}'
    axis = ensemble.Axis("phase.0", (constant, '{kind="set", amplitude="1 V", rate="1 V/s"}'))
    whole = ensemble.sweep(lambda changes: fk.read_configuration(file, changes), [axis], 1, file.parent)
    assert [point.phase[0].kind for point in whole.points] == ["constant", "set"]


def test_a_member_reads_its_own_point_alone(file, monkeypatch):
    document = json.loads(json.dumps(swept(file).document()))
    assert len(json.dumps(document["base"])) < 500 and set(document["materials"]) == {"mine.toml"}
    met, parse = [], config.parse
    monkeypatch.setattr(config, "parse", lambda document, origin="": met.append(document) or parse(document))

    def device(material, **given):
        pytest.fail(f"{material.name} {given['member']}")

    monkeypatch.setattr(members, "Device", device)
    run = members.prepare(document)
    assert not met
    with pytest.raises(pytest.fail.Exception, match="mine 1$"):
        run(3 * members.STRIDE + 1, members.Context(file.parent))
    (one,) = met
    assert one["device"] == {"thickness": "2.6e-09 m", "width": "1560 pm", "temperature": "320.0 K"}


def test_every_point_is_checked_before_anything_runs(file):
    whole = swept(file, ["device.temperature=300 K,310 K", "device.width=2.6 nm,2 m"])
    with pytest.raises(ConfigurationError, match="temperature=300 K, device.width=2 m: device.width must be"):
        ensemble.job(whole, file.with_name("x.nc"))


def test_many_points_are_few_groups(file):
    """The order of members looks at every group for each task."""
    whole = swept(file, ["device.temperature=300:340:2000 K"])
    cost = ensemble.job(whole, file.with_name("x.nc")).cost
    groups = [cost(point * members.STRIDE)[0] for point in range(2000)]
    assert groups == sorted(groups) and set(groups) == set(range(ensemble.GROUPS))
    few = ensemble.job(swept(file), file.with_name("x.nc")).cost
    assert [few(point * members.STRIDE)[0] for point in range(12)] == list(range(12))
    assert few(0)[1] / few(members.STRIDE)[1] == pytest.approx((2.6 / 1.56) ** 2)


def test_documents_of_points_are_read_back(file):
    """Of a sweep that is its file with changes, and of one that lists every point with its material."""
    whole = swept(file)
    now, every = (json.loads(json.dumps(one.document())) for one in (whole, listed(whole)))
    for index in (0, 5, 11):
        one, other = points.point_document(every, index), points.point_document(now, index)
        assert config.parse(one) == config.parse(other)
        assert other["material"] == "mine" and other["material_document"]["formula"] == "HfO2"
    materials = [*every["materials"], {"formula": "other"}]
    two = every | {"materials": materials, "material_of": [0] * 11 + [1]}
    assert points.point_document(two, 11)["material_document"] == {"formula": "other"}
    assert ensemble.from_document(now, whole.numbers()).document() == now
    assert [one.seed for one in points.points_of(every)] == [one.seed for one in whole.points]


def test_seeds_of_all_points_are_in_the_file(file):
    whole = swept(file)
    status = whole.numbers() * 0
    grid = [("rate", 2), ("temperature", 3), ("width", 2), ("member", 3)]
    found = [
        ensemble_file.coordinates(one.points, status, grid, range(3))["seed"][1].ravel().tolist()
        for one in (whole, listed(whole))
    ]
    assert found[0] == found[1] == [point.seed for point in whole.points]
