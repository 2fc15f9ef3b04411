"""What made a result."""

import json
import platform
import re
import subprocess
import sys

import numpy as np
import pytest

from frenkel import provenance

CONFIGURATION = {"device": {"thickness": 5.2e-9, "material": "HfO2-volatile"}, "phases": [{"kind": "form"}]}


@pytest.fixture
def text():
    return json.dumps(provenance.record(CONFIGURATION, seed=7, member=3))


def test_configuration_seed_and_member_come_back(text):
    assert provenance.parse(text) == (CONFIGURATION, 7, 3)


def test_record_names_everything(text):
    found = provenance.read(text)
    assert found["software"]["name"] == "frenkel" and found["software"]["version"]
    assert set(found["environment"]) == {"python", "machine", "libraries"}
    assert found["environment"]["libraries"]["numpy"] == np.__version__


def test_no_host_names_or_paths():
    text = json.dumps(provenance.record({}, seed=1))
    assert platform.node() not in text
    assert sys.prefix not in text and "/home" not in text and "/root" not in text


def test_digest_does_not_depend_on_order():
    assert provenance.digest({"a": 1, "b": [2.5]}) == provenance.digest({"b": [2.5], "a": 1})
    assert provenance.digest({"a": 1}) != provenance.digest({"a": 2})


@pytest.mark.parametrize("value", [np.zeros(2), float("nan"), {1, 2}, object()])
def test_only_plain_data(value):
    with pytest.raises(provenance.ProvenanceError, match="a configuration must be plain JSON data"):
        provenance.record({"x": value}, seed=1)


@pytest.mark.parametrize("text", [None, ""])
def test_absent(text):
    with pytest.raises(provenance.ProvenanceError, match="demo.nc does not say what made it"):
        provenance.read(text, "demo.nc")


@pytest.mark.parametrize("text", ["{", "[]", "3", "{}"])
def test_damaged(text):
    with pytest.raises(provenance.ProvenanceError, match="provenance of demo.nc is damaged"):
        provenance.read(text, "demo.nc")


@pytest.mark.parametrize("version", [0, 99])
def test_other_version(text, version):
    other = json.dumps({**json.loads(text), "version": version})
    with pytest.raises(provenance.ProvenanceError, match=f"has version {version}, this frenkel reads 1"):
        provenance.read(other, "demo.nc")


def test_changed_configuration(text):
    found = json.loads(text)
    found["configuration"]["device"]["thickness"] = 1e-9
    with pytest.raises(provenance.ProvenanceError, match="was changed after it was recorded"):
        provenance.parse(json.dumps(found))


@pytest.mark.parametrize("place", provenance.RECORD)
@pytest.mark.parametrize("value", [..., [], {"a": 1}])
def test_a_record_that_lacks_what_its_readers_need_is_refused(text, place, value):
    found = json.loads(text)
    *above, last = place.split(".")
    inside = found[above[0]] if above else found
    if value is ...:
        del inside[last]
    else:
        inside[last] = value
    wrong = "was changed" if (place, value) == ("configuration", {"a": 1}) else f"lacks its {place}"
    with pytest.raises(provenance.ProvenanceError, match=wrong):
        provenance.parse(json.dumps(found))


def test_drawn_seeds_differ():
    seeds = {provenance.draw_seed() for _ in range(100)}
    # 100 draws of 32 bits hold an equal pair with probability 1e-6; three would be a fault.
    assert len(seeds) > 97 and all(0 <= seed < 2**32 for seed in seeds)


def test_git_hash_of_a_checkout():
    found = provenance.git_hash()
    assert found is None or re.fullmatch(r"[0-9a-f]{40}\+?", found)


def test_git_hash_ignores_a_repository_around_an_installed_package(tmp_path):
    """A package installed into an environment inside another repository is not that repository's."""
    site = tmp_path / "venv" / "lib" / "site" / "frenkel"
    site.mkdir(parents=True)
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    with open(provenance.__file__, encoding="utf-8") as file:
        (site / "provenance.py").write_text(file.read(), encoding="utf-8")
    code = (
        "import importlib.util as u, sys; s = u.spec_from_file_location('p', sys.argv[1]); "
        "m = u.module_from_spec(s); s.loader.exec_module(m); print(m.git_hash())"
    )
    run = subprocess.run(
        [sys.executable, "-c", code, str(site / "provenance.py")], capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "None"
    (site / "COMMIT").write_text("0123abc+\n")  # as the build of a wheel leaves it
    run = subprocess.run(
        [sys.executable, "-c", code, str(site / "provenance.py")], capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "0123abc+"
