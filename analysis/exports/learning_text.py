"""Texts of the exports for learning; braces in them are doubled where they stay."""

CROSSSIM = '''"""CrossSim device class of cells with the statistics of a card.

{header}

    from simulator import CrossSimParameters
    import THIS_FILE                                   # before a core is made: the class is found by its name

    params = CrossSimParameters()
    params.xbar.device.Rmin = THIS_FILE.R_MIN          # LRS and HRS of the average device
    params.xbar.device.Rmax = THIS_FILE.R_MAX
    params.xbar.device.programming_error.enable = True
    params.xbar.device.programming_error.model = "FrenkelCell"

The same name serves drift_error (programming, then relaxation until xbar.device.time), read_noise (telegraph
noise) and nonlinear_IV, as far as the card has these. Every array has devices of its own, which stay the same
when it is programmed again. Set FrenkelCell.seed before the first core for other devices.
"""

import itertools
import warnings

from simulator.backend import ComputeBackend
from simulator.devices.idevice import EmptyDevice

{runtime}

R_MIN, R_MAX = {least:.9g}, {most:.9g}  # ohm

LAW = {{name: np.array(value) for name, value in (
{law}
).items()}}
{noise}

xp = ComputeBackend()


def _plain(values):
    """Return a numpy array, of one on a GPU too."""
    return np.asarray(values.get() if hasattr(values, "get") else values, float)


class FrenkelCell(EmptyDevice):
    """Cells drawn from the law: programming, relaxation, telegraph noise, current."""

    seed = 0
    read_interval = 1.0  # s between two products, for telegraph noise
    _made = itertools.count()

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        number = next(FrenkelCell._made)
        self._cells = Programmed(LAW, FrenkelCell.seed, number)
        self._random = np.random.default_rng([FrenkelCell.seed, number, 1])
        self._seen, self._traps = None, None

    def programming_error(self, input_):
        """Return what targets (1: LRS of the average device) become."""
        unit = 1.0 / self.device_params.Rmin
        return xp.asarray(self._cells.program(_plain(input_) * unit) / unit).astype(input_.dtype)

    def drift_error(self, input_, time):
        """Return what targets become, a time [s] after programming."""
        found = self.programming_error(input_)
        if RELAXATION is None or time <= 0:
            return found
        if not RELAXATION.times[0] <= time <= RELAXATION.times[1]:
            warnings.warn(f"time {{time:g}} s lies outside of that of the card, {{RELAXATION.times}} s")
        unit = 1.0 / self.device_params.Rmin
        late = RELAXATION.relax(_plain(found) * unit, float(time), self._random) / unit
        return xp.asarray(late).astype(input_.dtype)

    def read_noise(self, input_):
        """Return conductances at one read; its traps go on from the read before."""
        if RTN is None:
            return input_
        plain = _plain(input_)
        if self._seen is None or not np.array_equal(self._seen, plain):
            self._seen = plain
            self._traps = RTN.draw(plain[plain > 0] / self.device_params.Rmin, self._random)
        else:
            self._traps.advance(self.read_interval, self._random)
        found = plain.copy()
        white = RTN.noise(plain[plain > 0] / self.device_params.Rmin)
        found[plain > 0] *= self._traps.factor() * (1.0 + white * self._random.standard_normal(white.shape))
        return xp.asarray(found).astype(input_.dtype)
{current}'''

CROSSSIM_CURRENT = '''
    def _bent(self, voltages):
        """Return V0 sinh(V/V0), scaled to give V at the read voltage of the card; in units of Vread."""
        scale, read, unit = {scale!r}, {read!r}, self.device_params.Vread
        return xp.sinh(voltages * unit / scale) * (read / np.sinh(read / scale)) / unit

    def nonlinear_current(self, Gmat, Vmat):
        """Return the current through every cell."""
        return Gmat[(..., *(None,) * (Vmat.ndim - Gmat.ndim))] * self._bent(Vmat)

    def nonlinear_current_sum(self, Gmat, Vterm):
        """Return sums of currents."""
        return xp.matmul(Gmat, self._bent(Vterm))
'''

AIHWKIT = '''"""aihwkit classes of cells with the statistics of a card.

{header}

    from aihwkit.simulator.configs import InferenceRPUConfig
    from THIS_FILE import FrenkelNoiseModel

    config = InferenceRPUConfig(noise_model=FrenkelNoiseModel())
    model = convert_to_analog(model, config).eval()
    model.program_analog_weights()
    model.drift_analog_weights(3600.0)

Every tile has devices of its own, which stay the same when it is programmed again.
"""

import itertools
import warnings
from dataclasses import dataclass, field
from typing import List

import torch
from aihwkit.inference.converter.conductance import SinglePairConductanceConverter
from aihwkit.inference.noise.base import BaseNoiseModel
from aihwkit.simulator.configs.devices import PiecewiseStepDevice

{runtime}

G_MIN, G_MAX = {least:.9g}, {most:.9g}  # uS, of the average device

LAW = {{name: np.array(value) for name, value in (
{law}
).items()}}
{noise}

_tiles = itertools.count()


class FrenkelNoiseModel(BaseNoiseModel):
    """Programming, relaxation and telegraph noise of cells drawn from the law.

    Args:
        g_converter: of weights to conductances; a pair of devices from G_MIN to G_MAX by default
        seed: of all devices; every tile has others
    """

    def __init__(self, g_converter=None, seed=0):
        super().__init__(g_converter or SinglePairConductanceConverter(g_max=G_MAX, g_min=G_MIN))
        self.seed = seed
        self._tile, self._cells, self._slot = None, None, 0

    def __eq__(self, other):
        return type(self) is type(other) and (self.seed, self.g_converter) == (other.seed, other.g_converter)

    def __deepcopy__(self, memo):
        # A copy is for another tile, and gets other devices.
        return type(self)(self.g_converter, self.seed)

    @torch.no_grad()
    def apply_programming_noise(self, weights):
        """Program the weights; return them and what relaxation needs."""
        targets, params = self.g_converter.convert_to_conductances(weights)
        found, coefficients = [], []
        for self._slot, target in enumerate(targets):
            found.append(self.apply_programming_noise_to_conductance(target))
            coefficients.append(self.generate_drift_coefficients(target))
        self._slot = 0
        return self.g_converter.convert_back_to_weights(found, params), coefficients

    @torch.no_grad()
    def apply_noise(self, weights, t_inference):
        """Return weights that are programmed and read at a time [s]."""
        found, coefficients = self.apply_programming_noise(weights)
        return self.apply_drift_noise(found, coefficients, t_inference) if t_inference > 0 else found

    @torch.no_grad()
    def apply_programming_noise_to_conductance(self, g_target):
        """Return what target conductances [uS] become."""
        if self._cells is None:
            self._tile = next(_tiles)
            self._cells = Programmed(LAW, self.seed, self._tile)
        drawn = self._cells.program(g_target.double().cpu().numpy() * 1e-6, self._slot)
        return torch.from_numpy(drawn * 1e6).to(g_target)

    @torch.no_grad()
    def generate_drift_coefficients(self, g_target):
        """Return seeds, one for each device array: a device keeps its rank at all times."""
        return torch.randint(2**31 - 1, (1,), dtype=torch.int64)

    @torch.no_grad()
    def apply_drift_noise_to_conductance(self, g_prog, drift_noise_param, t_inference):
        """Return conductances [uS] read a time [s] after programming."""
        plain = g_prog.double().cpu().numpy() * 1e-6
        if RELAXATION is not None and t_inference > 0:
            if not RELAXATION.times[0] <= t_inference <= RELAXATION.times[1]:
                warnings.warn(f"{{t_inference:g}} s lies outside of that of the card, {{RELAXATION.times}} s")
            ranks = np.random.default_rng(int(drift_noise_param.item()))
            plain = RELAXATION.relax(plain, float(t_inference), ranks)
        if RTN is not None:
            random = np.random.default_rng(torch.randint(2**31 - 1, (1,)).item())
            white = RTN.noise(plain) * random.standard_normal(plain.shape)
            plain = plain * RTN.draw(plain, random).factor() * (1.0 + white)
        return torch.from_numpy(plain * 1e6).to(g_prog)
{device}'''

AIHWKIT_DEVICE = '''

@dataclass
class FrenkelDevice(PiecewiseStepDevice):
    """Training device: mean steps of trains of pulses at places between the bounds.

    Weights -1 and 1 are the mean conductances in HRS and LRS. SET pulses of {pulses.set_voltage:.4g} V and
    {pulses.set_width:.4g} s, RESET of {pulses.reset_voltage:.4g} V and {pulses.reset_width:.4g} s;
    {pulses.number} take the average cell from one end to the other. aihwkit draws steps from cycle to cycle
    as uncorrelated Gaussians; bounds and steps of each device can be those of the law: put_devices.
    """

    w_min: float = {low:.9g}
    w_max: float = {high:.9g}
    w_min_dtod: float = {low_spread:.9g}
    w_max_dtod: float = {high_spread:.9g}
    dw_min: float = {step:.9g}
    dw_min_dtod: float = {step_spread:.9g}
    dw_min_dtod_log_normal: bool = True
    dw_min_std: float = {noise:.9g}
    up_down: float = 0.0
    up_down_dtod: float = 0.0
    piecewise_up: List[float] = field(default_factory=lambda: {up})
    piecewise_down: List[float] = field(default_factory=lambda: {down})


def put_devices(tile, seed, cycles=16):
    """Give the devices of a tile bounds and steps that are drawn from the law.

    Args:
        tile: of an analog layer with FrenkelDevice, one of ``model.analog_tiles()``
        seed: of the devices
        cycles: over which the steps of a device are averaged

    Returns:
        Conductances [S] of the bounds, arrays ``(outputs, inputs)``: in HRS and in LRS.
    """
    hidden = tile.get_hidden_parameters()
    shape = hidden["max_bound"].shape
    cells = Cells(LAW, int(np.prod(shape)), np.random.default_rng(seed))
    names = list(LAW["names"])
    off, on = (np.exp(-cells.location[:, names.index(name)]) for name in ("hrs", "lrs"))
    least, most = LAW["mean_range"]
    drawn = [cells.cycle() for _ in range(cycles)]
    drawn = {{name: np.stack([cycle[name] for cycle in drawn], axis=1) for name in names}}
    made = {{
        "min_bound": 2.0 * (off - least) / (most - least) - 1.0,
        "max_bound": 2.0 * (on - least) / (most - least) - 1.0,
    }}
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        both = trains(LAW, drawn)
    for curve, nodes, key in zip(both, (LAW["up"], LAW["down"]), ("dwmin_up", "dwmin_down")):
        place = (curve[..., :-1] - off[:, None, None]) / (on - off)[:, None, None]
        expected = np.interp(place, np.linspace(0.0, 1.0, len(nodes)), nodes)
        done = np.abs(np.diff(curve, axis=2)) / (most - least)
        valid = np.isfinite(done) & (drawn["hrs"] > drawn["lrs"])[..., None]
        scale = np.where(valid, done, 0.0).sum((1, 2)) / np.where(valid, expected, 0.0).sum((1, 2))
        made[key] = FrenkelDevice().dw_min * scale
    for key, values in made.items():
        hidden[key] = torch.from_numpy(values.reshape(shape)).to(hidden[key])
    tile.set_hidden_parameters(hidden)
    return off.reshape(shape), on.reshape(shape)
'''

NEUROSIM = """# NeuroSim parameters of cells with the statistics of a card.
#
# {header}
#
# From trains of {p.number} pulses by the rate equation of the card; {s.closed:.2%} of the cycles have
# no window and are left out.
# An A is that of (1 - exp(-P/A)) / (1 - exp(-Pmax/A)), P counted from the start of each train.
# NeuroSim draws independent Gaussians: it has no correlations, no memory from cycle to cycle, no tails.

# train.py (DNN+NeuroSim V2)
args.max_level = {p.number}
args.cellBit = {bits}
args.nonlinearityLTP = {s.label_up:.4f}
args.nonlinearityLTD = {s.label_down:.4f}
args.d2dVari = {s.device:.4f}     # standard deviation of the label between devices
args.c2cVari = {s.cycle:.5f}    # standard deviation of a step between cycles, as share of the range
args.onoffratio = {ratio:.4g}

// Param.cpp, MLP+NeuroSim Cell.cpp: maxConductance {most}, minConductance {least}
resistanceOn = {on:.6g};
resistanceOff = {off:.6g};
maxConductance = {s.most:.6g};
minConductance = {s.least:.6g};
maxNumLevelLTP = {p.number};
maxNumLevelLTD = {p.number};
writeVoltageLTP = {p.set_voltage:.4g};
writeVoltageLTD = {p.reset_voltage:.4g};
writePulseWidthLTP = {p.set_width:.4g};
writePulseWidthLTD = {p.reset_width:.4g};
readVoltage = {read:.4g};

# How well these numbers say what the card does
# A_LTP = {a_up:.4f}, residual {s.residual_up:.4f} of the range (rms), of which the mean curve
# goes through {s.reached_up:.3f}
# A_LTD = {a_down:.4f}, residual {s.residual_down:.4f} of the range (rms), of which the mean curve
# goes through {s.reached_down:.3f}
# states told apart in one train: {s.states} of {p.number}
"""
