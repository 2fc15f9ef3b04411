"""Spike-timing-dependent plasticity of every family: change of conductance against the delay of two spikes.

python examples/stdp.py [--devices 8] [FAMILY ...]      writes stdp.nc and stdp.png

A spike is a head of a width w and a tail of the opposite sign that falls to 0 linearly in 10 w. The voltage
of the cell is the spike of the postsynaptic line less that of the presynaptic line. Where the later head
falls on the earlier tail, up to a delay of about 11 w, the amplitudes add
(Zamarreno-Ramos et al., doi:10.3389/fnins.2011.00026). Heads and tails are half of the voltage of the
family's SET or RESET. Voltages and widths are chosen by family; nothing is fitted to a measured window.
Where a change is left at 12 w, spikes change the cell one at a time, or the cell changes without voltage.

Each device starts from its own low and from its own high conductance. At a delay above 0 the presynaptic
spike is first. All delays of a device share its random numbers.
"""

import argparse
from dataclasses import dataclass, field

import numpy as np
import xarray as xr
from scipy import stats

import frenkel as fk
from frenkel.analysis.plots import colours

SEED, DEVICES = 1, 8
STARTS = ("low", "high")
TAIL, EDGE = 10.0, 0.05  # widths of a head
DELAYS = np.array([1.1, 2.0, 3.5, 5.0, 6.5, 8.0, 9.5, 12.0])  # widths of a head
SIGNED = np.concatenate([-DELAYS[::-1], DELAYS])
BUDGET = 3_000_000


@dataclass(frozen=True, kw_only=True)
class Cell:
    """A cell of a family, how it is prepared, and the spikes that it gets.

    Attributes
    ----------
    material : str
    thickness, side : str
    series : float
        Series resistance (ohm).
    compliance : float or None
        Largest current of a SET (A), of pairs, too.
    ramps : tuple of (float, float)
        Amplitude (V) and rate (V/s) of the ramps before: forming or SET, then RESET.
    up, down : float
        Source voltage (V) that raises and that lowers the conductance, of whole heads.
    width : float
        Width of a head (s).
    values : dict
        Numbers of the set that are replaced.
    """

    material: str
    thickness: str
    side: str
    series: float = 0.0
    compliance: float | None
    ramps: tuple[tuple[float, float], tuple[float, float]]
    up: float
    down: float
    width: float
    values: dict[str, float] = field(default_factory=dict)


EQUAL = {
    "redox.barrier": 1.17, "sites.exchange_spread": 0.0, "disorder.bond": 0.0,
    "disorder.relaxation_rate": 0.0, "disorder.quenched_share": 0.0, "conduction.background": 1e-13,
    "conduction.empty_site": 0.0, "conduction.empty_activation": 0.0, "conduction.empty_spread": 0.0,
}  # fmt: skip
"""A sheet of MoS2 whose vacancies are all alike."""

CELLS = {
    "vcm": Cell(material="HfO2-fast", thickness="2.6 nm", side="2.6 nm", series=7.5e3, compliance=3e-5,
                ramps=((4.0, 100.0), (-1.4, 1e5)), up=1.4, down=-1.2, width=2e-8),
    "ecm": Cell(material="Cu-SiO2", thickness="1.56 nm", side="2.08 nm", series=1e3, compliance=1e-4,
                ramps=((1.5, 1e3), (-0.6, 1e3)), up=1.6, down=-0.3, width=1e-6),
    "fcm": Cell(material="TaOx-FCM", thickness="2.6 nm", side="2.6 nm", compliance=None,
                ramps=((2.2, 50.0), (-2.2, 50.0)), up=2.6, down=-2.6, width=2e-3),
    "interfacial": Cell(material="PCMO", thickness="6.2 nm", side="1.1 nm", compliance=None,
                        ramps=((-2.0, 10.0), (2.0, 10.0)), up=-2.0, down=2.0, width=1e-2),
    "2d": Cell(material="MoS2-Au", thickness="0.639 nm", side="5.1 nm", compliance=1e-5,
               ramps=((3.0, 1.0), (-2.5, 1.0)), up=2.2, down=-1.6, width=0.05, values=EQUAL),
    "organic": Cell(material="PPMAz", thickness="3 nm", side="2.5 nm", compliance=1e-5,
                    ramps=((6.0, 100.0), (-2.0, 100.0)), up=4.0, down=-1.2, width=1e-5),
    "perovskite": Cell(material="MAPbI3-Ag", thickness="2.7 nm", side="2.25 nm", compliance=3e-6,
                       ramps=((0.5, 300.0), (-0.6, 1e3)), up=0.9, down=-0.7, width=2e-6),
}  # fmt: skip


def spike(head: float, tail: float, width: float) -> tuple[np.ndarray, np.ndarray]:
    """Return times (s) and voltages (V) of a spike: a head, then a tail of the opposite sign."""
    edge = EDGE * width
    times = np.array([0.0, edge, width, width + edge, width + edge + TAIL * width])
    return times, np.array([0.0, head, head, -tail, 0.0])


def pair(up: float, down: float, width: float, delay: float) -> fk.Waveform:
    """Return the voltage of a cell between two spikes.

    Parameters
    ----------
    up, down : float
        Voltages (V) of opposite signs; the head of the postsynaptic and the tail of the presynaptic spike are
        half of ``up``, the two others half of ``down``.
    width : float
        Of a head (s).
    delay : float
        Start of the postsynaptic spike less that of the presynaptic one (s).
    """
    post = spike(up / 2, -down / 2, width)
    pre = spike(-down / 2, up / 2, width)
    shift = np.array([max(delay, 0.0), max(-delay, 0.0)])
    times = np.unique(np.concatenate([[0.0], post[0] + shift[0], pre[0] + shift[1]]))
    # Breakpoints that are equal but for rounding would be an edge of their own.
    times = times[np.append(True, np.diff(times) > 1e-9 * width)]
    volts = np.interp(times - shift[0], *post) - np.interp(times - shift[1], *pre)
    volts[-1] = 0.0  # the last tail ends at a rounded time
    return fk.Waveform.points(times, volts)


def ramp(device: fk.Device, amplitude: float, rate: float, compliance: float | None) -> None:
    """Raise the voltage (V) at a rate (V/s), to the compliance (A) at most, and lower it at once."""
    device.circuit = fk.Circuit(series_resistance=device.circuit.series_resistance, compliance=compliance)

    def at_limit(_: fk.Device, current: float) -> bool:
        return compliance is not None and abs(current) >= 0.999 * compliance

    device.advance(fk.Waveform.ramp(amplitude, rate), samples=100, stop=at_limit, budget=BUDGET)
    back = fk.Waveform.ramp(0.0, 1e3 * rate, start=device.source_voltage)
    device.advance(back, samples=2, budget=BUDGET)


def window(cell: Cell, member: int) -> np.ndarray:
    """Return conductances (S) of one device before and after a pair: start, delay, before and after."""
    circuit = fk.Circuit(series_resistance=cell.series, compliance=cell.compliance)
    material = fk.Material.load(cell.material).with_values(cell.values)
    device = fk.Device(material, cell.thickness, cell.side, circuit=circuit, seed=SEED, member=member)
    states = []
    for (amplitude, rate), compliance in zip(cell.ramps, (cell.compliance, None), strict=True):
        ramp(device, amplitude, rate, compliance)
        states.append(device.state())
    device.circuit = circuit
    values = np.empty((len(STARTS), len(SIGNED), 2))
    for start, state in zip(values, reversed(states), strict=True):
        for at, delay in zip(start, SIGNED, strict=True):
            device.restore(state, stream=(0,))
            at[0] = device.conductance
            device.advance(pair(cell.up, cell.down, cell.width, delay * cell.width), samples=2, budget=BUDGET)
            at[1] = device.conductance
    return values


def measure(devices: int = DEVICES, families: tuple[str, ...] = tuple(CELLS)) -> xr.Dataset:
    """Return conductances (S) by family, device, start and delay (w), before and after the pair."""
    values = [[window(CELLS[family], member) for member in range(devices)] for family in families]
    dimensions = ("family", "device", "start", "delay", "moment")
    conductance = xr.DataArray(np.array(values), dims=dimensions, attrs={"units": "S"})
    return xr.Dataset(
        {"conductance": conductance, "width": ("family", [CELLS[f].width for f in families], {"units": "s"})},
        coords={
            "family": list(families), "start": list(STARTS), "moment": ["before", "after"],
            "delay": ("delay", SIGNED, {"long_name": "post less pre, in widths of a head"}),
        },
        attrs={"title": "STDP of every family", "seed": SEED},
    )  # fmt: skip


def change(found: xr.Dataset) -> tuple[xr.DataArray, xr.DataArray]:
    """Return the mean over devices of (after - before) / (after + before), and half its 95 % t interval."""
    before, after = found.conductance.sel(moment="before"), found.conductance.sel(moment="after")
    relative = (after - before) / (after + before)
    devices = found.sizes["device"]
    factor = stats.t.ppf(0.975, devices - 1) / np.sqrt(devices)
    return relative.mean("device"), factor * relative.std("device", ddof=1)


def draw(found: xr.Dataset, path: str) -> None:
    """Draw the window of each family, from low and from high conductance."""
    import matplotlib.pyplot as plt

    mean, half = change(found)
    figure, axes = plt.subplots(2, 4, figsize=(11, 5.2), layout="constrained", sharex=True, sharey=True)
    for panel, family in zip(axes.flat, found.family.values, strict=False):
        panel.axhline(0.0, color="0.7", lw=0.8)
        panel.axvline(0.0, color="0.7", lw=0.8)
        for start, mark, paint in zip(STARTS, "os", colours.SERIES, strict=False):
            at = {"family": family, "start": start}
            panel.errorbar(
                found.delay, mean.sel(at), half.sel(at), marker=mark, ms=4, capsize=2, color=paint,
                label=f"from {start} conductance",
            )  # fmt: skip
        cell = CELLS[str(family)]
        panel.set_title(f"{family}: {cell.material}, w = {cell.width:g} s", fontsize=9)
    for panel in axes.flat[len(found.family) :]:
        panel.set_axis_off()
    for panel in axes[-1]:
        panel.set_xlabel("delay, post less pre (w)")
    for panel in axes[:, 0]:
        panel.set_ylabel("(G' - G) / (G' + G)")
    axes[0, 3].tick_params(labelbottom=True)
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="lower right", fontsize=9)
    figure.savefig(path, dpi=110)


def words(found: xr.Dataset) -> str:
    """Return a table: change at the shortest and at the longest delay, both orders."""
    mean, half = change(found)
    lines = []
    for family in found.family.values:
        cells = [
            f"{mean.sel(family=family, start=start, delay=delay):+.2f} ± "
            f"{half.sel(family=family, start=start, delay=delay):.2f}"
            for start, delay in (
                ("low", DELAYS[0]), ("low", DELAYS[-1]), ("high", -DELAYS[0]), ("high", -DELAYS[-1])
            )
        ]  # fmt: skip
        lines.append(f"| {family} | {CELLS[str(family)].material} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    """Measure, write and draw."""
    command = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    command.add_argument("families", nargs="*", metavar="FAMILY", help="all by default")
    command.add_argument("--devices", type=int, default=DEVICES)
    options = command.parse_args()
    found = measure(options.devices, tuple(options.families) or tuple(CELLS))
    found.to_netcdf("stdp.nc")
    draw(found, "stdp.png")
    print(words(found))


if __name__ == "__main__":
    main()
