"""How soon the first of a million states that a SET leaves is lost, exactly for each device.

    .venv/bin/python tests/verification/first_losses.py [--devices 24] [--sets 1] [--temperatures 358,300]

A loss by one rare hop has no levels of the conductance on its way, so that splitting sees none of it once
it is rarer than one in the particles. Here each state is left as a Markov chain: the arrangements that a
device comes to most likely are solved one after another, those that have lost half of the conductance end
it, and what leads to arrangements that nobody has looked at bounds the rest. Between both sums lies the
probability of the first passage that ``frenkel tails examples/kept_state.toml --event "state is lost"`` asks
for; no random numbers are in it.
"""

import argparse
import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from pathlib import Path

import numpy as np
from scipy.stats import poisson

from frenkel.configuration import device as config
from frenkel.configuration import reader
from frenkel.kinetic.superbasin import Superbasin
from frenkel.rare.members import prepared

KEPT = Path(__file__).resolve().parents[2] / "examples" / "kept_state.toml"
MOST = 80
"""Arrangements of a device that are solved."""
FEW = 8
"""Arrangements that are solved at a time."""

SMALL = 0.1
"""Of the bound: what may be unknown of it."""


class Losses:
    """The arrangements around the present one of a device at 0 V, solved as they are needed.

    Parameters
    ----------
    device : Device
    temperature : float
        (K)
    most : int
        Arrangements that are solved.
    """

    def __init__(self, device, temperature, most=MOST):
        self.device, self.temperature, self.most = device, temperature, most
        self.basin = Superbasin(device, device.solver)
        self.edge = 0.5 * device.conductance
        self.number, self.atoms, self.rates, self.lost = {}, [], [], []
        self.add()

    def add(self):
        """Take the present arrangement of the device as the next one."""
        device, key = self.device, self.basin.key()
        self.number[key] = len(self.atoms)
        self.atoms.append(device.arrangement())
        self.lost.append(device.conductance <= self.edge)
        found = {}
        if not self.lost[-1]:
            events = device.solved().at(0.0)
            columns = events.arrays()
            for k, rate in enumerate(events.rates(0.0, self.temperature)):
                target = self.basin.target(key, columns, k)
                before = found.get(target)
                found[target] = (rate + (before[0] if before else 0.0), k)
        self.rates.append(found)

    def spent(self, duration):
        """Return the mean time (s) in each arrangement within a time; 0 of those that end it."""
        n = len(self.atoms)
        rate, leave = np.zeros((n, n)), np.zeros(n)
        for i, found in enumerate(self.rates):
            for target, (one, _) in found.items():
                number = self.number.get(target)
                if number is None:
                    leave[i] += one
                elif number != i:
                    rate[i, number] += one
        return spent(rate, leave, duration) * ~np.array(self.lost)

    def flows(self, duration):
        """Return the chance of coming to each arrangement that ends it, lost or not looked at."""
        time, lost, unknown = self.spent(duration), 0.0, {}
        for i, found in enumerate(self.rates):
            for target, (rate, k) in found.items():
                number = self.number.get(target)
                if number is None:
                    chance, best, origin, event = unknown.get(target, (0.0, 0.0, 0, 0))
                    flow = time[i] * rate
                    if flow > best:
                        best, origin, event = flow, i, k
                    unknown[target] = (chance + flow, best, origin, event)
                elif self.lost[number]:
                    lost += time[i] * rate
        return lost, unknown

    def explore(self, duration, bound):
        """Solve arrangements until what is not known is small; return probability at least and at most."""
        while True:
            lost, unknown = self.flows(duration)
            rest = sum(one[0] for one in unknown.values())
            if rest < SMALL * max(bound, lost) or len(self.atoms) >= self.most or lost > 0.5:
                return lost, min(lost + rest, 1.0)
            most = sorted(unknown.values(), reverse=True)[:FEW]
            for flow, _, origin, event in most:
                if flow < 0.1 * most[0][0]:
                    break
                self.device.arrange(**self.atoms[origin])
                self.device.fire(event)
                self.add()


def spent(rate, leave, duration, terms=16):
    """Return the mean time (s) in each state within a time, from the first, by rates between and out (1/s).

    By uniformisation over a short step, which is then doubled: positive terms only, so that small chances
    keep their digits; and rows of sum 1, since what rounding adds to them would double as well.
    """
    n = len(leave)
    whole = np.zeros((n + 1, n + 1))
    whole[:n, :n], whole[:n, n] = rate, leave
    out = whole.sum(axis=1)
    fastest = max(float(out.max()), 1e-300)
    doubled = max(int(np.ceil(np.log2(2.0 * fastest * duration))), 0)
    mean = fastest * duration / 2.0**doubled
    weights = poisson.pmf(np.arange(terms), mean)
    beyond = poisson.sf(np.arange(terms), mean)
    jump, power = whole / fastest + np.diag(1.0 - out / fastest), np.eye(n + 1)
    once, stay = np.zeros_like(whole), np.zeros_like(whole)
    for weight, left in zip(weights, beyond, strict=True):
        once, stay = once + weight * power, stay + left / fastest * power
        power = power @ jump
    for _ in range(doubled):
        stay, once = stay + once @ stay, once @ once
        once /= once.sum(axis=1, keepdims=True)
    return stay[0, :n]


def kept(sets):
    """Return the configuration of examples/kept_state.toml after so many SETs."""
    document = reader.read(KEPT).document()
    form, reset, set_, wait = document["phase"]
    document["phase"] = [form, *[reset, set_] * sets, wait]
    return config.parse(document)


def crossing(times, rows, bound):
    """Return between which times (s) the mean of chances (devices, times, 2) passes a bound; NaN: beyond.

    Straight in the logarithms between the times: chances grow with a power of the time while they are small.
    """
    mean = np.log(np.maximum(rows.mean(axis=0), 1e-300))
    return [float(np.exp(np.interp(np.log(bound), mean[:, side], np.log(times), np.nan, np.nan)))
            for side in (1, 0)]


def main():
    """Read the command line; print when the first states are lost."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--first", type=int, default=0, help="number of the first device")
    parser.add_argument("--devices", type=int, default=24)
    parser.add_argument("--sets", type=int, default=1, help="SETs before the wait")
    parser.add_argument("--temperatures", default="358,300", help="K, with commas")
    parser.add_argument("--times", default="1e-9,1e-6,1e-3,1e-2,0.1,1", help="s, with commas")
    parser.add_argument("--bound", type=float, default=1e-6, help="share of states whose loss is looked for")
    options = parser.parse_args()
    times = [float(one) for one in options.times.split(",")]
    heats = [float(one) for one in options.temperatures.split(",")]
    configuration = kept(options.sets)
    made = [prepared(configuration, options.first + number)[0] for number in range(options.devices)]
    for heat in heats:
        found = [Losses(device, heat) for device in made]
        rows = np.array([[one.explore(t, options.bound) for t in times] for one in found])
        for number, (one, row) in enumerate(zip(found, rows, strict=True)):
            told = "  ".join(f"{low:.1e} to {high:.1e}" for low, high in row)
            print(f"{heat:g} K, device {options.first + number}: {told} ({len(one.atoms)} arrangements)")
        for t, (low, high) in zip(times, rows.mean(axis=0), strict=True):
            print(f"{heat:g} K, {t:g} s: {low:.3g} to {high:.3g} of {len(found)} states are lost in the mean")
        order = np.argsort(-rows[:, len(times) // 2, 0])
        for worst in range(min(4, len(found) - 1)):
            early, late = crossing(times, rows[order[worst:]], options.bound)
            print(f"{heat:g} K: {options.bound:g} of them after {early:.2g} to {late:.2g} s, without the "
                  f"{worst} that are lost first", flush=True)
        for device, one in zip(made, found, strict=True):
            device.arrange(**one.atoms[0])


if __name__ == "__main__":
    main()
