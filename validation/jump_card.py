"""What the jump-process model of a card predicts of devices that it was not fitted to, in figures.

::

    python validation/jump_card.py ENSEMBLE.nc [SHARE]

fits the law to a fraction of the devices (0.625 by default) and repeats the probes of the others on its
cells: mean error of the fractions over voltages and times, what survives half-select pulses and rests
against the 95 % interval of the devices (Clopper and Pearson), and switching voltages with KS over floor.
"""

import sys
import time
import warnings

import numpy as np
import xarray as xr
from scipy.stats import beta

from frenkel.analysis.fitting import gate_jumps, jump_fit, observations
from frenkel.cells.files import CardWarning

SHARE, SEED, REPEATS = 0.625, 0, 20


def main(path, share=SHARE):
    """Print the figures of an ensemble."""
    warnings.simplefilter("ignore", CardWarning)
    with xr.open_dataset(path, decode_times=False) as file:
        data = file.load()
    begin = time.process_time()
    done = jump_fit.finished(data)
    training, held_out = (done[part] for part in observations.parts(len(done), float(share), SEED))
    law, made = jump_fit.fit(data, training, seed=SEED)
    numbers = {name: getattr(law, name) for name in jump_fit.CHOICES}
    print(f"fitted to {len(training)} devices: {made}, {numbers}; {time.process_time() - begin:.1f} s")
    print(f"judged by {len(held_out)} devices; given up: {gate_jumps.given_up(data, held_out)}")
    for one in gate_jumps.compared(law, data, held_out, SEED):
        row = one.row(SEED, REPEATS)
        print(f"{one.name:60} value {row.value:.3f} floor {row.floor:.3f} {'' if row.passed else 'FAILED'}")
        if one.design[0] >= 0:
            print(f"    all {one.measured.mean():.3f} {one.card.mean():.3f}; {told_error(one)}")
            if one.name.startswith(("rest", "half")):
                bands(one)
        elif "voltage" in one.name:
            shown = [values[values < gate_jumps.NEVER] for values in (one.measured, one.card)]
            quantiles = [np.quantile(values, (0.05, 0.5, 0.95)).round(2) for values in shown if values.size]
            print("    5, 50, 95 % (V), devices and card:", *quantiles)
    print(f"{time.process_time() - begin:.1f} s")


def told_error(one):
    """Return the mean error over designs, and what a card that is right would show with as many probes."""
    random = np.random.default_rng(SEED)
    chance = []
    for _ in range(REPEATS):
        drawn = one.card[np.arange(len(one.owner)), random.integers(one.card.shape[1], size=len(one.owner))]
        found = [abs(drawn[one.design == k].mean() - one.card[one.design == k].mean())
                 for k in np.unique(one.design)]
        chance.append(np.mean(found))
    return f"mean error {one.error():.3f} over {len(np.unique(one.design))}, by chance {np.mean(chance):.3f}"


def bands(one):
    """Print for each design the fraction of the devices with its 95 % interval, and that of the card."""
    inside = 0
    designs = np.unique(one.design)
    for k in designs:
        mine = one.design == k
        n, hits, card = int(mine.sum()), int(one.measured[mine].sum()), one.card[mine].mean()
        low = beta.ppf(0.025, hits, n - hits + 1) if hits else 0.0
        high = beta.ppf(0.975, hits + 1, n - hits) if hits < n else 1.0
        inside += low <= card <= high
        print(f"    design {k}: {hits} of {n} ({low:.2f} to {high:.2f}), card {card:.2f}")
    print(f"    {inside} of {len(designs)} within the 95 % interval")


if __name__ == "__main__":
    main(*sys.argv[1:])
