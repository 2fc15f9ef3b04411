"""Forming, RESET and SET of a device in a script, as most instruments sweep them: one call for each."""

import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Never, TypedDict, Unpack

from numpy.typing import ArrayLike

from ..configuration.phases import Test
from ..kinetic import device as kinetic
from ..kinetic.circuit import Circuit
from ..kinetic.lattice.lattice import Lateral
from ..kinetic.mechanisms.mechanism import Mechanism
from ..kinetic.thermal import Thermal
from ..kinetic.waveform import Waveform
from ..quantity import si
from ..typing import Floats, Quantity
from ..validation import shown, suggest
from .protocol import PhaseLog, Progress

if TYPE_CHECKING:
    import xarray as xr

FORM_RATE, FALL_RATE = "100 V/s", "10 MV/s"
CYCLE_RATE = "0.1 MV/s"


class Options(TypedDict, total=False):
    """What :class:`frenkel.kinetic.device.Device` takes besides material, size and temperature."""

    circuit: Circuit | None
    seed: int | None
    member: int
    lateral: Lateral
    barrier_shift: Mapping[str, Floats] | None
    mechanisms: Sequence[Mechanism]
    traps: ArrayLike | None
    cache: int
    precise: bool
    thermal: Thermal | None


class Running(TypedDict, total=False):
    """What :meth:`frenkel.Device.run` takes besides waveform and label."""

    samples: int
    cycle: int
    to_compliance: bool
    verify: Quantity | None
    attempts: int
    stop: Test | None
    snapshots: int | None
    temperature: Quantity | tuple[Quantity, Quantity] | None
    light: Quantity | None
    progress: Progress | bool | None


def check_options(options: Options) -> None:
    """Raise TypeError for an option that a device does not take, or a circuit that is none."""
    for name in options:
        if name in {field.name for field in fields(Circuit)}:
            raise TypeError(f"{name} is of the circuit of a device: circuit=Circuit({name}=...)")
        if name not in Options.__annotations__:
            raise TypeError(f"Device takes no {name}{suggest(name, Options.__annotations__)}")
    circuit = options.get("circuit")
    if not isinstance(circuit, Circuit | None):
        raise TypeError(
            f"circuit must be a Circuit, such as Circuit(series_resistance='6 kohm'), got {shown(circuit)}"
        )


def _by_name(kind: str, more: tuple[object, ...]) -> None:
    """Raise TypeError for values of a sweep that have no name."""
    if more:
        names = ", ".join(("rate", "fall_rate", "hold", *Running.__annotations__))
        raise TypeError(
            f"{kind} takes amplitude and compliance in this order and the rest by name, got {shown(more[0])} "
            f"as a third; there are: {names}"
        )


class Steps(kinetic.Device):
    """The three sweeps, each a :meth:`run` of a triangle in the circuit of the device; and rest.

    They take the words of the phases of a file, and mean the same by them: ``compliance`` is that of this
    sweep alone, beside the series resistance of the circuit, and ``verify`` repeats it.
    """

    logs: list[PhaseLog]
    read_voltage: float

    def run(self, waveform: Waveform, **options: Unpack[Running]) -> "xr.Dataset":
        """Apply a source voltage, let the atoms move, and return what happened."""
        raise NotImplementedError

    def form(
        self,
        amplitude: Quantity,
        compliance: Quantity | None = None,
        *more: Never,
        rate: Quantity = FORM_RATE,
        fall_rate: Quantity | None = FALL_RATE,
        hold: Quantity | None = None,
        **options: Unpack[Running],
    ) -> "xr.Dataset":
        """Form the device: sweep from 0 V to an amplitude and back, by default slowly up and fast down.

        Parameters
        ----------
        amplitude : float or str
            Voltage of the tip (V), either sign, not 0.
        compliance : float or str, optional
            Largest current of this sweep (A), 1e-15 to 1, in both directions; "none" lifts that of the
            circuit, which counts by default.
        *more
            Refused: what follows has a name.
        rate, fall_rate : float or str
            Slopes of the way up and of the way back (V/s), positive; 100 V/s and 10 MV/s.
        hold : float or str, optional
            Time at the tip (s), positive; none by default.
        **options
            ``verify``, ``attempts``, ``cycle``, ``to_compliance``, ``samples``, ``snapshots``, ``stop``,
            ``temperature``, ``light`` and ``progress`` of :meth:`run`.

        Returns
        -------
        xarray.Dataset
            Of this sweep alone; ``result`` has everything since the device was made.

        Raises
        ------
        ValueError
            A number outside its range, or what :meth:`run` refuses.
        TypeError
            A third value without a name, or a name that there is not.

        Warns
        -----
        UserWarning
            Nothing limits the current, neither here nor in the circuit.

        Examples
        --------
        >>> device = Device("HfO2-fast", "2.6 nm", "2.6 nm", seed=4)  # doctest: +SKIP
        >>> device.form("4 V", compliance="30 uA", verify="30 kohm")  # doctest: +SKIP
        """
        _by_name("form", more)
        return self._sweep("form", amplitude, rate, fall_rate, hold, compliance, options)

    def reset(
        self,
        amplitude: Quantity,
        compliance: Quantity | None = None,
        *more: Never,
        rate: Quantity = CYCLE_RATE,
        fall_rate: Quantity | None = None,
        hold: Quantity | None = None,
        **options: Unpack[Running],
    ) -> "xr.Dataset":
        """Open the filament: as :meth:`form`, but both ways at 0.1 MV/s, and ``verify`` asks for at least.

        The amplitude has the sign that opens it, minus in nearly every material formed with plus. One
        at the sign of forming that does not open the device is warned of, and so is a SET at the other one.

        A RESET and the SET next to it, whichever comes first, are a cycle, counted from 1 as in files, unless
        ``cycle`` is given; 0: outside of cycles.
        """
        _by_name("reset", more)
        return self._sweep("reset", amplitude, rate, fall_rate, hold, compliance, options)

    def set(
        self,
        amplitude: Quantity,
        compliance: Quantity | None = None,
        *more: Never,
        rate: Quantity = CYCLE_RATE,
        fall_rate: Quantity | None = None,
        hold: Quantity | None = None,
        **options: Unpack[Running],
    ) -> "xr.Dataset":
        """Close the filament again: as :meth:`reset`, both ways at 0.1 MV/s, in its cycle or the next."""
        _by_name("set", more)
        return self._sweep("set", amplitude, rate, fall_rate, hold, compliance, options)

    def rest(self, duration: Quantity, **options: Unpack[Running]) -> "xr.Dataset":
        """Leave the device at 0 V, at its own temperature or another one, then read it.

        Parameters
        ----------
        duration : float or str
            Time (s), positive.
        **options
            Those of :meth:`run`; ``temperature="250 C"`` is a bake, whose read is at that of the device.

        Returns
        -------
        xarray.Dataset
            Of this rest alone; ``result`` has everything since the device was made.

        Raises
        ------
        ValueError
            A number outside its range.

        Examples
        --------
        >>> device.rest("1 h", temperature="250 C")  # doctest: +SKIP
        """
        return self.run(Waveform.constant(0.0, duration, label="rest"), **options)

    def _sweep(
        self,
        kind: str,
        amplitude: Quantity,
        rate: Quantity,
        fall_rate: Quantity | None,
        hold: Quantity | None,
        compliance: Quantity | None,
        options: Running,
    ) -> "xr.Dataset":
        """Run a triangle in the circuit with a compliance of its own, then put the circuit back."""
        waveform = Waveform.triangle(amplitude, rate, hold=hold, fall_rate=fall_rate, label=kind)
        before = self.circuit
        for name in options:
            if name not in Running.__annotations__:
                allowed = ("compliance", "rate", "fall_rate", "hold", *Running.__annotations__)
                raise TypeError(f"{kind} takes no {name}{suggest(name, allowed)}")
        if compliance == "none":
            self.circuit = replace(before, compliance=None)
        elif compliance is not None:
            self.circuit = replace(before, compliance=si("compliance", compliance, "A"), polarity="both")
        if kind != "form":
            options = {"cycle": self._cycle_of(kind)} | options
        circuit = self.circuit
        if kind != "reset" and not (circuit.compliance or circuit.transistor or circuit.series_resistance):
            warnings.warn(
                f"nothing limits the current of this {kind}, and a filament may grow on and on: give it a "
                "compliance, or the circuit a series resistance",
                stacklevel=3,
            )
        try:
            samples = self.run(waveform, **options)
        finally:
            self.circuit = before
        self._tell_of_sign()
        return samples

    def _cycle_of(self, kind: str) -> int:
        """Return the cycle of a SET or RESET that names none: one of each, whichever comes first."""
        last = max((log.cycle for log in self.logs), default=0)
        going = last > 0 and self.logs[-1].cycle == last
        within = {log.kind for log in self.logs if log.cycle == last}
        return last if going and kind not in within else last + 1

    def _tell_of_sign(self) -> None:
        """Warn of a RESET or SET that did nothing, at what seems to be the wrong sign."""
        # xarray and pandas, and only a phase that did nothing needs them.
        from ..analysis.plots.caption import wrong_sign
        from ..analysis.results.signs import Swept, farthest, judge, missed

        def swept(log: PhaseLog) -> Swept:
            ohms = abs(self.read_voltage / log.read_current) if log.read_current else math.inf
            return Swept(log.name, log.kind, farthest(log.sample["source_voltage"].tolist()), ohms)

        *before, last = self.logs
        latest = {log.kind: log for log in before}
        reference = judge(last.kind, latest)
        if reference is None:
            return
        miss = missed(swept(last), swept(latest[reference]), swept(before[-1]).resistance)
        if miss is not None:
            warnings.warn(wrong_sign(miss), stacklevel=4)
