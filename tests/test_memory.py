"""How much memory there is: of the machine, and of control groups of both versions."""

import pytest

from frenkel import memory
from frenkel.configuration import reader
from frenkel.configuration.base import ConfigurationError
from frenkel.experiment import device

GIGABYTE = 1024**3


@pytest.fixture
def system(tmp_path, monkeypatch):
    monkeypatch.setattr(memory, "PROC", tmp_path / "proc")
    monkeypatch.setattr(memory, "GROUPS", tmp_path / "groups")
    monkeypatch.setattr(
        memory.os, "sysconf", {"SC_PHYS_PAGES": 16 * GIGABYTE // 4096, "SC_PAGE_SIZE": 4096}.get
    )

    def write(**files):
        for name, text in files.items():
            path = tmp_path.joinpath(*name.split("__"))
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    return write


def test_memory_of_the_machine_where_nothing_else_is_known(system):
    assert memory.available() == 16 * GIGABYTE
    system(proc__meminfo=f"MemTotal: 99 kB\nMemAvailable:   {9 * 1024**2} kB\n")
    assert memory.available() == 9 * GIGABYTE


def test_the_tightest_group_counts_and_files_in_memory_give_way(system):
    system(
        proc__self__cgroup="0::/job/step\n",
        **{
            "groups__job__memory.max": f"{4 * GIGABYTE}\n",
            "groups__job__memory.current": f"{3 * GIGABYTE}\n",
            "groups__job__memory.stat": f"anon 5\ninactive_file {GIGABYTE}\n",
            "groups__job__step__memory.max": "max\n",
            "groups__job__step__memory.current": f"{GIGABYTE}\n",
        },
    )
    assert memory.available() == 2 * GIGABYTE


def test_nothing_above_the_groups_is_read(system):
    """What lies in folders above that of all groups has the name of a limit by chance."""
    system(proc__self__cgroup="0::/job\n", **{"memory.max": "5000\n", "memory.current": "1000\n"})
    assert memory.available() == 16 * GIGABYTE


def test_groups_of_version_1(system):
    system(
        proc__self__cgroup="4:cpu:/a\n3:memory,hugetlb:/b\n",
        **{
            "groups__memory__b__memory.limit_in_bytes": f"{2 * GIGABYTE}",
            "groups__memory__b__memory.usage_in_bytes": f"{GIGABYTE}",
        },
    )
    assert memory.available() == GIGABYTE


def test_a_device_beyond_it_is_refused_in_one_sentence(system, tmp_path):
    system(proc__meminfo="MemAvailable: 100 kB\n")
    (tmp_path / "one.toml").write_text(
        'material = "HfO2-fast"\ndevice = {thickness = "5 nm", width = "5 nm"}\n'
        '[[phase]]\nkind = "set"\namplitude = "1 V"\nrate = "1 MV/s"\n'
    )
    with pytest.raises(ConfigurationError, match=r"sites take about .* GB of memory, there is 0.000102 GB"):
        device.build(reader.read(tmp_path / "one.toml"))
