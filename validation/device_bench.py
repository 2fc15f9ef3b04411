"""Groups of measurements behind the table of what a device should do, each made when first asked for."""

from dataclasses import dataclass, field, replace
from functools import cached_property

from device_cycles import cycles
from device_forming import forming
from device_retention import HOT, retention
from device_states import levels, limits, prepare, resistances, set_times, trap_steps

PROTOCOL = {"form_limit": 30e-6, "limit": 30e-6, "reset": 1.4, "set_to": 3.5, "series": 7500.0}
"""What the default set was made for (head of HfO2.toml)."""


@dataclass(frozen=True, kw_only=True)
class Bench:
    """What is measured, on how many devices, with which seeds and budgets.

    Parameters
    ----------
    material, numbers : str, dict
        Set, and numbers of it to replace.
    setting : dict
        Fields of `Setting` to replace.
    large : float
        Size (m) of the devices of forming and of the demo; the others have that of the setting.
    first_seed : int
        Seeds from 1001 are those of the check: no fit may use them.
    devices, number : int
        Devices and cycles of each.
    states : int
        Devices of which states are kept, two of either kind, after two other cycles.
    forming_devices, rates : int, tuple of float
        Devices at each ramp rate (V/s).
    endurance : (int, int)
        Devices and cycles of the long run.
    demos : int
        Larger devices that form and do six cycles.
    stops, currents, voltages, temperatures, warm : tuple of float
        RESET stops (V), limits (A), voltages of SET times (V), temperatures of retention and of HRS (K).
    budgets : dict
        CPU time (s) of one device in each group; of one measurement of a state in "state"
        and "limit".
    workers : int, optional
        Processes.
    """

    material: str = "HfO2-fast"
    numbers: dict = field(default_factory=dict)
    setting: dict = field(default_factory=lambda: dict(PROTOCOL))
    large: float = 5.2e-9
    first_seed: int = 1001
    devices: int = 24
    number: int = 20
    states: int = 12
    forming_devices: int = 6
    rates: tuple = (1.0, 1e1, 1e2, 1e3, 1e4, 1e5)
    endurance: tuple = (8, 1000)
    demos: int = 3
    stops: tuple = (1.0, 1.2, 1.4, 1.6, 1.8, 2.0)
    currents: tuple = (1e-5, 3e-5, 1e-4, 2e-4)
    voltages: tuple = (0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
    temperatures: tuple = (HOT, 650.0, 700.0, 750.0, 800.0)
    warm: tuple = (300.0, 350.0, 400.0)
    budgets: dict = field(
        default_factory=lambda: dict(
            cycles=60.0, forming=60.0, endurance=600.0, state=20.0, limit=20.0, demo=200.0
        )
    )
    workers: int | None = None

    def _device(self, budget, **changes):
        options = {"numbers": self.numbers, "budget": self.budgets[budget], "workers": self.workers}
        return options | self.setting | changes

    def _state(self, budget="state"):
        return {"budget": self.budgets[budget], "workers": self.workers}

    def _seeds(self, number):
        return range(self.first_seed, self.first_seed + number)

    @cached_property
    def cycled(self):
        """Cycles of all devices."""
        return cycles(self.material, self._seeds(self.devices), self.number, **self._device("cycles"))

    @cached_property
    def endured(self):
        """Many cycles of few devices."""
        number, long = self.endurance
        return cycles(self.material, self._seeds(number), long, **self._device("endurance"))

    @cached_property
    def formed(self):
        """Forming of larger devices at several ramp rates."""
        options = self._device("forming", size=self.large)
        return forming(self.material, self._seeds(self.forming_devices), self.rates, **options)

    @cached_property
    def demo(self):
        """Forming and six cycles of larger devices."""
        return cycles(self.material, self._seeds(self.demos), 6, **self._device("demo", size=self.large))

    @cached_property
    def prepared(self):
        """States after cycles."""
        return prepare(self.material, self._seeds(self.states), 4, keep=2, **self._device("cycles"))

    @cached_property
    def last(self):
        """The last state of either kind of each device, for what takes long."""
        return [replace(one, high=one.high[-1:], low=one.low[-1:]) for one in self.prepared]

    @cached_property
    def products(self):
        """R I_c of states at several limits."""
        return limits(self.last, self.currents, **self._state("limit"))

    @cached_property
    def stopped(self):
        """R of states after RESETs to several stops."""
        return levels(self.prepared, self.stops, **self._state())

    @cached_property
    def times(self):
        """SET times at constant voltage."""
        return set_times(self.prepared, self.voltages, **self._state())

    @cached_property
    def waits(self):
        """Retention of LRS at all temperatures."""
        return retention(self.last, "low", self.temperatures, **self._state())

    @cached_property
    def off_waits(self):
        """Retention of HRS at 85 C."""
        return retention(self.last, "high", (HOT,), **self._state())

    @cached_property
    def heated(self):
        """R of HRS at several temperatures."""
        return resistances(self.prepared, self.warm)

    @cached_property
    def trapped(self):
        """Steps of R by single traps."""
        return trap_steps(self.prepared)
