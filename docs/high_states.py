"""Measure how far from ohmic the high states of the packaged sets are, and how hot a cycle gets.

    python docs/high_states.py [--sets TaOx,Ag-SiO2] [--budget 6]

One device of each set is switched on by the protocol of docs/retention.py, off by as large a voltage of the
other sign, 2 V at most for cells of more than one layer, and on again by a triangle under the limit. A set
is measured again only when its numbers or its protocol change, or when it is named. Writes
docs/high_states.json; docs/tables.py puts it into docs/materials.md.
"""

from dataclasses import astuple
from pathlib import Path
from typing import Any

from retention import OutOfTime, Pulses, Ramp, asked, found_before, ramps, unchanged, within, write_found

from frenkel.analysis.results.melting import melting
from frenkel.kinetic.circuit import Circuit
from frenkel.kinetic.device import Device
from frenkel.kinetic.materials.material import Material
from frenkel.kinetic.waveform import Waveform

FOUND = Path(__file__).resolve().with_name("high_states.json")
READS = (0.1, 0.5)  # V
MOST = 2.0  # V, of RESET where there is more than one layer
SAMPLES = 400


def opposite(way: Ramp | Pulses) -> Waveform:
    """Return the voltage that switches off what was switched on."""
    if isinstance(way, Pulses) and way.count:
        return Waveform.constant(-way.voltage, way.each * way.count)
    top, rate = (way.top, way.rate) if isinstance(way, Ramp) else (MOST, 1e5)
    return Waveform.triangle(-(top if way.layers == 1 else min(top, MOST)), rate)


def measure(material: Material, way: Ramp | Pulses, budget: float) -> dict[str, Any]:
    """Return R (ohm) at both reads, on and off, and where a cycle is above melting; a word where it fails."""
    spacing = material.lattice.spacing
    device = Device(material, way.layers * spacing, way.width * spacing, seed=1)
    found: dict[str, Any] = {"text": way.text(), "hottest": 0.0, "above": 0.0}
    series = way.series if isinstance(way, Ramp) else 0.0
    try:
        with within(budget):
            if not way.apply(device):
                return found | {"failed": "not on"}
            found["low"] = [v / device.current(v) for v in READS]
            device.circuit = Circuit(series_resistance=series)
            heat(found, material, device.advance(opposite(way), samples=SAMPLES).sample)
            found["high"] = [v / device.current(v) for v in READS]
            if isinstance(way, Ramp):
                device.circuit = Circuit(series_resistance=series, compliance=way.limit)
                wave = Waveform.triangle(min(way.top, 3.5), way.rate)
                heat(found, material, device.advance(wave, samples=SAMPLES).sample)
    except OutOfTime:
        found["failed"] = f"cut after {budget:g} s of CPU time"
    return found


def heat(found: dict[str, Any], material: Material, sample: dict[str, Any]) -> None:
    """Take note of the hottest sample (K), and of the longest time (s) above the melting point."""
    if not material.has("heat"):
        return
    found["hottest"] = max(found["hottest"], float(sample["temperature_max"].max()))
    above = melting(sample["time"], sample["temperature_max"], material.heat.melting_point)
    found["above"] = max(found["above"], float(above.longest))


def main() -> None:
    """Measure what has changed and write it."""
    parser = asked(str(__doc__))
    parser.add_argument("--budget", type=float, default=6.0, help="CPU time of a cycle, s (6)")
    options = parser.parse_args()
    known = found_before(FOUND)
    for name in options.sets.split(",") if options.sets else Material.names():
        material = Material.load(name)
        way = ramps(name, material.family)[0]
        key = [material.hash, astuple(way)]
        if not options.sets and unchanged(known, name, key):
            continue
        known[name] = {"key": key} | measure(material, way, options.budget)
        write_found(FOUND, known)
        print(name, known[name], flush=True)


if __name__ == "__main__":
    main()
