"""What the default set does, in the numbers of README and docs/default.md.

    .venv/bin/python validation/default_device.py [MATERIAL] [--devices 24] [--cycles 20]

Cells of 2.6 nm as in examples/first_device.py, on validation seeds: cycles, then waits of what the
first and the third SET leave, at 300 K and 85 C, each until half or twice of its conductance is left, or
4 s of CPU time are used up. Six minutes on two cores.
"""

import argparse
import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from device_bench import PROTOCOL
from device_cycles import cycles, listed, summary
from device_retention import HOT, retention
from device_rows import repeats
from device_states import prepare

WAITED = 6651
"""Seed of the first device whose states wait."""


def main():
    """Read the command line, run the devices, print what they did."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("material", nargs="?", default="HfO2", help="by name or path")
    parser.add_argument("--seed", type=int, default=6601, help="of the first device; the others follow")
    parser.add_argument("--devices", type=int, default=24)
    parser.add_argument("--cycles", type=int, default=20, help="of each device")
    parser.add_argument("--states", type=int, default=24, help="that wait, each of another device")
    options = parser.parse_args()
    seeds = range(options.seed, options.seed + options.devices)
    found = cycles(options.material, seeds, options.cycles, workers=2, **PROTOCOL)
    print(f"{len(seeds)} devices of {options.cycles} cycles; forming at {listed(found.forming, '{:.2f}')} V")
    print(summary(found))
    print(shares(found))
    print(repeated(found))
    if options.states:
        states = range(WAITED, WAITED + options.states)
        for number in (1, 3):
            prepared = prepare(options.material, states, number, keep=1, budget=60.0, workers=2, **PROTOCOL)
            for temperature in (300.0, HOT):
                print(f"after SET {number}: {waits(prepared, temperature)}")


def shares(found):
    """Return in how many of all cycles a quantity lies where the field expects it."""
    product = found.lrs * found.limit
    usual = np.mean((product > 0.3) & (product < 0.6))
    wide = (found.window >= 10).mean(axis=1)
    return (
        f"window of 10 in {wide.mean():.1%}, in {wide.min():.0%} of the worst device; "
        f"V_SET of 0.7 to 1.5 V in {found.within('v_set', 0.7, 1.5):.0%}, "
        f"V_RESET of -0.7 to -1.5 V in {found.within('v_reset', -1.5, -0.7):.0%}, "
        f"R I_c {np.nanmedian(product):.2f} V, of 0.3 to 0.6 V in {usual:.0%}, "
        f"below 1,500 K in {found.within('hottest', 0, 1500):.0%}; "
        f"vacancies {np.nanmedian(found.vacancies[:, 0]):.0f} after the first cycle, "
        f"{np.nanmedian(found.vacancies[:, -1]):.0f} after the last"
    )


def repeated(found):
    """Return how often a resistance comes back, and how many different HRS a device shows."""
    different = [row.size - repeats(row) for row in found.hrs]
    again = {key.upper(): repeats(getattr(found, key)) / found.hrs.size for key in ("hrs", "lrs")}
    told = ", ".join(f"{key} {share:.0%}" for key, share in again.items())
    return (
        f"values that occur again: {told}; different HRS of a device in {found.hrs.shape[1]} cycles: "
        f"{min(different)} to {max(different)}, {np.median(different):.0f} in the median"
    )


def waits(prepared, temperature):
    """Let what a SET left wait at a temperature (K); return a line about it."""
    found = retention(prepared, "low", (temperature,), budget=4.0, workers=2)
    told = []
    for ratio in found.ratio[0]:
        read = np.isfinite(ratio)
        lost = np.flatnonzero(read & (np.abs(np.log2(np.where(read, ratio, 1.0))) > 1.0))
        told.append(
            f"{found.time[lost[0]]:.0e}" if len(lost) else f"> {found.time[read].max(initial=0.0):.0e}"
        )
    gone = sum(not text.startswith(">") for text in told)
    kept, lost = found.shares(0)
    return (
        f"{gone} of {len(told)} states are lost at {temperature:g} K, after (s) {', '.join(told)}; "
        f"in ten years {lost:.0%} are lost, {kept:.0%} last"
    )


if __name__ == "__main__":
    main()
