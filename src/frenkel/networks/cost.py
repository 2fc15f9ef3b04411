"""What a chip takes: energy, time and area of inference and of writing. Every figure is modelled.

1 MAC counts as two operations. Cells: V^2 G t with the conductances that are in the arrays and the inputs of
the last run. All else comes from the periphery model in :mod:`frenkel.array.periphery`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

from ..array.lines.wires import NODES, area_of
from ..array.periphery import LABEL, Converter, around
from ..checks import one_of, positive
from ..events.clock import Clock, Process
from .chip import Chip
from .mapping import most_outputs

COMPONENTS = ("cells", "driver", "gate", "sense", "converter")


@dataclass(frozen=True, slots=True, kw_only=True)
class ChipCost:
    """Cost of one inference on one chip.

    Attributes
    ----------
    energy : mapping
        By component (J): cells, driver, gate, sense, converter.
    latency : float
        From the first driver of the first layer to the last conversion of the last (s).
    area : mapping
        By component (m2): cells, driver, sense, converter.
    operations : float
        Two per weight of the network.
    peak_operations : float
        Of all arrays with every cell in use, in the same time.
    bits : tuple
        Of inputs, weights and outputs; 0 where the value is analogue.
    label : str
        "modelled".
    """

    energy: Mapping[str, float]
    latency: float
    area: Mapping[str, float]
    operations: float
    peak_operations: float
    bits: tuple[int, int, int]
    label: str = LABEL

    @property
    def total(self) -> float:
        """Energy of all components (J)."""
        return math.fsum(self.energy.values())

    @property
    def energy_delay(self) -> float:
        """Energy-delay product (J s)."""
        return self.total * self.latency

    @property
    def efficiency(self) -> float:
        """Tera-operations per second and watt, of this network."""
        return self.operations / self.total / 1e12

    @property
    def total_area(self) -> float:
        """Area of all components (m2)."""
        return math.fsum(self.area.values())

    @property
    def density(self) -> float:
        """Tera-operations per second and mm2, of this network."""
        return self.operations / self.latency / 1e12 / (self.total_area * 1e6)

    @property
    def peak_density(self) -> float:
        """The same with every cell in use."""
        return self.density * self.peak_operations / self.operations

    @property
    def cell_density(self) -> float:
        """The peak over the area of the cells alone."""
        return self.peak_operations / self.latency / 1e12 / (self.area["cells"] * 1e6)

    def table(self) -> dict[str, tuple[float, str]]:
        """Return every figure with its unit."""
        figures = {f"energy of {k}": (v, "J") for k, v in self.energy.items()}
        figures |= {"energy": (self.total, "J"), "latency": (self.latency, "s")}
        figures |= {f"area of {k}": (v, "m2") for k, v in self.area.items()}
        figures |= {
            "area": (self.total_area, "m2"),
            "energy-delay product": (self.energy_delay, "J s"),
            "efficiency": (self.efficiency, "TOPS/W"),
            "density": (self.density, "TOPS/mm2"),
            "peak density": (self.peak_density, "TOPS/mm2"),
            "peak density, cells alone": (self.cell_density, "TOPS/mm2"),
        }
        return figures


def inference(chip: Chip, node: str = "65 nm", *, converter_quantile: float = 0.5) -> ChipCost:
    """Return what one inference takes, for the inputs of the chip's last run.

    The arrays of a layer work at the same time, layers one after the other. Columns are subtracted before
    they are converted, so there is one conversion per output, whatever the number of columns behind it.

    Parameters
    ----------
    chip : Chip
        Programmed, and run at least once.
    node : str
        One of `frenkel.array.lines.wires.NODES`.
    converter_quantile : float
        Of the survey of converters: 0.5 the middle, 0.1 better than nine of ten.

    Raises
    ------
    ValueError
        Nothing was run yet, or no such node.
    """
    if not chip.cell_power:
        raise ValueError("nothing was run yet: call run(x) before asking what it takes")
    one_of("node", node, NODES)
    s = chip.design
    around_it = around(
        node, s.columns, cell=s.architecture, read_voltage=s.read_voltage,
        converter=Converter(bits=s.adc_bits or 8, quantile=converter_quantile),
    )  # fmt: skip
    energy = dict.fromkeys(COMPONENTS, 0.0)
    times: list[list[float]] = [[] for _ in chip.shapes]
    for tile, power in zip(chip.tiles, chip.cell_power, strict=True):
        outputs = tile.outputs.stop - tile.outputs.start
        product = around_it.product(tile.target.shape[0], outputs, bits=s.dac_bits or 1, cell_power=power)
        # A convolution multiplies with its weights once for each window.
        count = chip.products(tile.layer)
        for name, value in product.energy.items():
            energy[name] += count * value
        times[tile.layer].append(count * product.time)
    latency = scheduled(times)
    outputs = most_outputs(s.signs, s.columns)
    weights = s.rows * outputs * len(chip.tiles)
    area = {name: len(chip.tiles) * value for name, value in around_it.area(s.rows, outputs).items()}
    area["cells"] = area_of(s.architecture, weights, NODES[node])
    return ChipCost(
        energy=energy, latency=latency, area=area,
        operations=2.0 * sum(m * n * chip.products(layer) for layer, (m, n) in enumerate(chip.shapes)),
        # Slices of a weight do the work of one, and layers take turns.
        peak_operations=2.0 * weights / s.slices * sum(chip.products(t.layer) for t in chip.tiles)
        / len(chip.tiles),
        bits=(s.dac_bits or 0, s.weight_bits or 0, s.adc_bits or 0),
    )  # fmt: skip


def scheduled(times: list[list[float]]) -> float:
    """Return when the last layer is done (s), by the clock: arrays of a layer at once, layers in turn."""
    clock = Clock()

    def layers() -> Process:
        for layer in times:
            yield clock.all_of([clock.rest(time) for time in layer])

    clock.run(clock.process(layers()))
    return clock.seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteCost:
    """Cost of programming one chip once.

    Attributes
    ----------
    energy : float
        Of pulses, reads and conversions (J).
    time : float
        One cell after the other in each array, arrays at the same time (s).
    pulses, reads : float
        Per cell.
    label : str
    """

    energy: float
    time: float
    pulses: float
    reads: float
    label: str = LABEL


def writing(
    chip: Chip, *, voltage: float = 1.5, width: float = 50e-9, read_width: float = 10e-9,
    pulses: float | None = None,
) -> WriteCost:  # fmt: skip
    """Return what programming a chip once takes, mean over copies and refreshes.

    Parameters
    ----------
    chip : Chip
        Programmed.
    voltage, width : float
        Of a pulse (V, s). Chosen.
    read_width : float
        Of a read (s).
    pulses : float, optional
        That every cell takes, with a read for each, at the conductance of its target; instead of those
        counted while the chip was programmed.
    """
    w, s = chip.written, chip.design
    if not w.cells:
        raise ValueError("nothing is programmed: call program(weights, biases) first")
    if pulses is not None:
        pulse_count = pulses * w.times * chip.copies * sum(float(t.target.sum()) for t in chip.tiles)
        count = round(pulses * w.cells)
        w = replace(w, pulses=count, reads=count, pulse_sum=pulse_count, read_sum=pulse_count)
    adc = Converter()
    times = w.times * chip.copies
    energy = voltage**2 * width * w.pulse_sum + s.read_voltage**2 * read_width * w.read_sum
    energy += w.reads * adc.energy
    selection = 1e-9  # s, that the driver of a cell takes
    pulse_time = w.pulses * (selection + width) + w.reads * (selection + read_width + adc.latency)
    # Cells of an array are written in turn; the largest array decides.
    largest = max(t.target.size for t in chip.tiles) / sum(t.target.size for t in chip.tiles)
    return WriteCost(
        energy=energy / times,
        time=pulse_time / times * largest,
        pulses=w.pulses / w.cells,
        reads=w.reads / w.cells,
    )


def refresh_share(
    write: WriteCost, period: float, inference_energy: float, rate: float
) -> tuple[float, float]:
    """Return the fraction of energy and of time that refreshing takes.

    Parameters
    ----------
    write : WriteCost
    period : float
        Between two refreshes (s), infinite for none.
    inference_energy : float
        (J).
    rate : float
        Inferences per second.
    """
    if math.isinf(period):
        return 0.0, 0.0
    positive("period", period, "s")
    power = write.energy / period
    return power / (power + inference_energy * rate), write.time / (period + write.time)
