"""Schema of a card file: its keys, and what kind of value each holds; loading and saving both apply it.

Whether the numbers make a law, :class:`frenkel.cells.card.Card` and the layers of :mod:`.noise` check
themselves, however they are made. pydantic takes a while to import: who calls imports this when it is needed.
"""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, FailFast, Field, FiniteFloat, ValidationError

from .. import checks
from ..validation import sentence


def _line(text: str) -> str:
    checks.line("text", text)
    return text


def _long_line(text: str) -> str:
    checks.line("text", text, longest=255)
    return text


Line = Annotated[str, AfterValidator(_line)]
LongLine = Annotated[str, AfterValidator(_long_line)]
Number = Annotated[FiniteFloat, Field(ge=-1e30, le=1e30)]
Positive = Annotated[FiniteFloat, Field(ge=1e-30, le=1e30)]
Pair = Annotated[list[Number], Field(min_length=2, max_length=2)]
# The first wrong number of a list is enough: there may be millions.
Row = Annotated[list[Number], FailFast(), Field(min_length=1, max_length=10_000)]
Matrix = Annotated[list[Row], FailFast(), Field(min_length=1, max_length=1000)]
Matrices = Annotated[list[Matrix], FailFast(), Field(max_length=1000)]
Table = Annotated[list[Number], FailFast(), Field(max_length=100_000)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class FeatureData(_Strict):
    """One feature: see :class:`frenkel.cells.card.Feature`."""

    name: Annotated[str, Field(pattern=f"^{checks.KEY}$")]
    unit: Annotated[Line, Field(description='"1" for a pure number')]
    transform: Literal["log", "linear"]
    sign: Literal[1, -1]
    missing: Annotated[Number, Field(ge=0, lt=1, description="fraction of cycles without a value")]
    quantiles: Annotated[Row, Field(description="standardised, in transformed space, at the scores")]
    ranks: Annotated[Table, Field(description="scores of the pooled values; empty: none")]
    levels: Annotated[Table, Field(description="logarithms or values at the ranks")]


class DeviceData(_Strict):
    """Device to device: mixture of Gaussians over locations and ln(spreads), in transformed space."""

    weights: Row
    means: Matrix
    covariances: Matrices


class CycleData(_Strict):
    """Cycle to cycle: vector autoregression of Gaussian scores."""

    coefficients: Matrices
    innovation: Matrix


class RtnStateData(_Strict):
    """Telegraph noise of one state: see :class:`frenkel.cells.noise.RtnState`."""

    name: Line
    conductance: Annotated[Positive, Field(description="S")]
    traps: Annotated[Number, Field(ge=0, description="mean number per cell")]
    dispersion: Annotated[Number, Field(ge=1, description="variance over mean of the number")]
    amplitude: Annotated[Pair, Field(description="mean, standard deviation of ln(ln(G_high/G_low))")]
    high: Annotated[Pair, Field(description="mean, standard deviation of ln(time in the high state / 1 s)")]
    low: Annotated[Pair, Field(description="the same of the low state")]
    correlation: Annotated[Number, Field(ge=-1, le=1)]
    noise: Annotated[Number, Field(ge=0, description="white, relative")]


class RtnData(_Strict):
    """Random telegraph noise by state."""

    states: Annotated[list[RtnStateData], Field(min_length=1, max_length=100)]
    temperature: Annotated[Positive, Field(description="K")]
    activation: Annotated[Number, Field(ge=0, description="eV")]
    voltage: Annotated[Number, Field(description="V")]
    window: Annotated[Pair, Field(description="step and length of the traces, s")]


class RelaxationStateData(_Strict):
    """Relaxation of one state: see :class:`frenkel.cells.noise.RelaxationState`."""

    name: Line
    conductance: Annotated[Positive, Field(description="S")]
    location: Annotated[Pair, Field(description="of the shift at t0, and per unit of ln(t/t0)")]
    spread: Pair


class RelaxationData(_Strict):
    """Relaxation after programming by state."""

    states: Annotated[list[RelaxationStateData], Field(min_length=1, max_length=100)]
    scale: Literal["log", "linear"]
    reference: Annotated[Positive, Field(description="t0, s")]
    times: Annotated[Pair, Field(description="earliest and latest of the data, s")]
    forgetting: Annotated[Number, Field(ge=0, description="of the rank of a cell, per unit of ln(t)")]
    scores: Table
    quantiles: Table
    temperature: Annotated[Positive, Field(description="K")]
    activation: Annotated[Number, Field(ge=0, description="eV")]
    growth: Annotated[Literal["spread", "variance"], Field(description="linear in ln(t)")] = "spread"


Steps = Annotated[
    list[Annotated[int, Field(ge=-1_000_000, le=1_000_000)]], FailFast(), Field(min_length=1, max_length=1000)
]
Places = Annotated[
    list[Annotated[int, Field(ge=-1, le=1_000_000)]], FailFast(), Field(max_length=1_000_000)
]


class JumpData(_Strict):
    """States and the jumps between them: see :class:`frenkel.cells.jumps.JumpLaw`."""

    voltages: Annotated[Row, Field(description="device voltages, V")]
    temperatures: Annotated[Row, Field(description="K")]
    level: Annotated[Table, Field(description="ln of the conductance at the read voltage over 1 S")]
    conductance_steps: Annotated[
        list[Steps],
        FailFast(),
        Field(
            min_length=1,
            max_length=20_000,
            description="ln of current over voltage over 1 S in steps of 0.001, by state and voltage but "
            "0 V; each but the first less the one before",
        ),
    ]
    rate_steps: Annotated[
        list[Annotated[list[Steps], FailFast(), Field(min_length=1, max_length=1000)]],
        FailFast(),
        Field(
            description="ln of the rate of leaving over 1/s in steps of 0.01, by state, temperature and "
            "voltage; each but the first of a row less the one before"
        ),
    ]
    kind: Annotated[Places, Field(description="0: a RESET left it, 1: a SET, -1: neither")]
    before: Annotated[Places, Field(description="state before each jump")]
    after: Annotated[Places, Field(description="state after it")]
    jump_voltage: Annotated[Table, Field(description="device voltage of each jump, V")]
    read_voltage: Annotated[Positive, Field(description="V")]
    neighbours: Annotated[int, Field(ge=1, le=1000)]
    level_scale: Positive
    rate_scale: Positive
    voltage_scale: Annotated[Positive, Field(description="V")]
    carry: Annotated[Number, Field(ge=0, le=1, description="fraction of a state that a jump keeps")] = 0.0
    rest_carry: Annotated[
        Number | None, Field(ge=0, le=1, description="the same at 0 V; null: carry")
    ] = None
    rest_scale: Annotated[
        Positive | None, Field(description="of ln of the rate at 0 V; null: it does not count")
    ] = None


class PulseData(_Strict):
    """Recorded pulses and what they did: see :class:`frenkel.cells.pulses.PulseLaw`."""

    before: Annotated[Table, Field(description="ln of the conductance before each over 1 S")]
    voltage: Annotated[Table, Field(description="V")]
    gate: Annotated[Table, Field(description="voltage of the gate, V; 0 in all: not recorded")]
    width: Annotated[Table, Field(description="ln of the width over 1 s; 0 in all: not recorded")]
    after: Annotated[Table, Field(description="ln of the conductance after it over 1 S")]
    neighbours: Annotated[int, Field(ge=1, le=1000)]
    carry: Annotated[Number, Field(ge=0, le=1, description="fraction of a difference that is kept")]
    level_scale: Positive
    voltage_scale: Annotated[Positive, Field(description="V")]
    gate_scale: Annotated[Positive, Field(description="V")]
    width_scale: Positive


class BoxData(_Strict):
    """Range of a quantity in the ensemble."""

    low: Number
    high: Number
    unit: Literal["V", "s", "K", "1"]


class GateData(_Strict):
    """One statistic of the acceptance test: model against held-out devices, and its noise floor."""

    statistic: LongLine
    value: Number
    floor: Number
    limit: Number
    passed: Annotated[bool | None, Field(description="null: the limit is one that no model can exceed")]


class NoiseSource(_Strict):
    """Where the data of a noise layer came from."""

    model_config = ConfigDict(extra="allow")

    file: LongLine
    material: LongLine | None = None


CoreName = Literal[
    "current_prefactor",
    "voltage_scale",
    "gap_scale",
    "drive",
    "set_ramp",
    "reset_ramp",
    "read_voltage",
    "edge",
]
"""Fields of :class:`frenkel.cells.core.GapCore`."""

CoreSource = Literal["traces", "states", "given"]


class CoreRecord(_Strict):
    """Where the numbers of a core come from, or which of them nothing tells."""

    drive: CoreSource | None = None
    voltage_scale: CoreSource | None = None
    lacks: list[CoreName] = []


class Provenance(_Strict):
    """What made the ensemble and the fit: free, but for what is printed."""

    model_config = ConfigDict(extra="allow")

    noise: dict[Literal["rtn", "relaxation", "pulses"], NoiseSource] = {}
    core: CoreRecord = CoreRecord()


class CardData(_Strict):
    """A card file."""

    kind: Literal["frenkel card"]
    schema_version: Annotated[str, Field(alias="schema", pattern=r"^\d{1,4}\.\d{1,4}\.\d{1,4}$")]
    name: Line
    version: Annotated[str, Field(pattern=r"^\d{1,4}\.\d{1,4}\.\d{1,4}$")]
    features: Annotated[list[FeatureData], Field(min_length=1, max_length=100)]
    scores: Row
    device: DeviceData
    cycle: CycleData
    core: dict[CoreName, Positive]
    rtn: RtnData | None
    relaxation: RelaxationData | None
    jumps: JumpData | None
    pulses: PulseData | None = None
    validity: dict[Literal["voltage", "pulse_width", "temperature", "cycles", "time"], BoxData]
    gate: Annotated[list[GateData], Field(max_length=1000)]
    intervals: Annotated[dict[LongLine, Pair], Field(max_length=10_000)]
    provenance: Provenance
    checksum: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


def check(data: Any) -> None:
    """Refuse JSON data of a card that do not follow the schema.

    Raises
    ------
    ValueError
        A key is missing or unknown, or its value is of another kind; the sentence names it.
    """
    try:
        CardData.model_validate(data)
    except ValidationError as error:
        raise ValueError(sentence(error, CardData)) from None
