"""Schema of a card, and the only way to write one: what goes to a file is checked first."""

import json
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, ValidationError

from ...cards.card import KIND, Card, CardError
from ..results import store

Row = Annotated[list[FiniteFloat], Field(min_length=1)]
Matrix = Annotated[list[Row], Field(min_length=1)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class FeatureData(_Strict):
    """One feature: see :class:`frenkel.cards.card.Feature`."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    unit: Annotated[str, Field(min_length=1, description='"1" for a pure number')]
    transform: Literal["log", "linear"]
    sign: Literal[1, -1]
    missing: Annotated[float, Field(ge=0, lt=1, description="fraction of cycles without a value")]
    quantiles: Annotated[Row, Field(description="standardised, in transformed space, at the scores")]
    ranks: Annotated[list[FiniteFloat], Field(description="scores of the pooled values; empty: none")]
    levels: Annotated[list[FiniteFloat], Field(description="logarithms or values at the ranks")]


class DeviceData(_Strict):
    """Device to device: mixture of Gaussians over locations and ln(spreads), in transformed space."""

    weights: Row
    means: Matrix
    covariances: Annotated[list[Matrix], Field(min_length=1)]


class CycleData(_Strict):
    """Cycle to cycle: vector autoregression of Gaussian scores."""

    coefficients: list[Matrix]
    innovation: Matrix


Pair = Annotated[list[FiniteFloat], Field(min_length=2, max_length=2)]
Positive = Annotated[FiniteFloat, Field(gt=0)]


class RtnStateData(_Strict):
    """Telegraph noise of one state: see :class:`frenkel.cards.noise.RtnState`."""

    name: str
    conductance: Annotated[float, Field(gt=0, description="S")]
    traps: Annotated[float, Field(ge=0, description="mean number per cell")]
    dispersion: Annotated[float, Field(ge=1, description="variance over mean of the number")]
    amplitude: Annotated[Pair, Field(description="mean, standard deviation of ln(ln(G_high/G_low))")]
    high: Annotated[Pair, Field(description="mean, standard deviation of ln(time in the high state / 1 s)")]
    low: Annotated[Pair, Field(description="the same of the low state")]
    correlation: Annotated[float, Field(ge=-1, le=1)]
    noise: Annotated[float, Field(ge=0, description="white, relative")]


class RtnData(_Strict):
    """Random telegraph noise by state."""

    states: Annotated[list[RtnStateData], Field(min_length=1)]
    temperature: Annotated[Positive, Field(description="K")]
    activation: Annotated[float, Field(ge=0, description="eV")]
    voltage: Annotated[FiniteFloat, Field(description="V")]
    window: Annotated[Pair, Field(description="step and length of the traces, s")]


class RelaxationStateData(_Strict):
    """Relaxation of one state: see :class:`frenkel.cards.noise.RelaxationState`."""

    name: str
    conductance: Annotated[float, Field(gt=0, description="S")]
    location: Annotated[Pair, Field(description="of the shift at t0, and per unit of ln(t/t0)")]
    spread: Pair


class RelaxationData(_Strict):
    """Relaxation after programming by state."""

    states: Annotated[list[RelaxationStateData], Field(min_length=1)]
    scale: Literal["log", "linear"]
    reference: Annotated[Positive, Field(description="t0, s")]
    times: Annotated[Pair, Field(description="earliest and latest of the data, s")]
    forgetting: Annotated[float, Field(ge=0, description="of the rank of a cell, per unit of ln(t)")]
    scores: list[FiniteFloat]
    quantiles: list[FiniteFloat]
    temperature: Annotated[Positive, Field(description="K")]
    activation: Annotated[float, Field(ge=0, description="eV")]


class BoxData(_Strict):
    """Range of a quantity in the ensemble."""

    low: FiniteFloat
    high: FiniteFloat
    unit: Literal["V", "s", "K", "1"]


class GateData(_Strict):
    """One statistic of the acceptance test: model against held-out devices, and its noise floor."""

    statistic: str
    value: FiniteFloat
    floor: FiniteFloat
    limit: FiniteFloat
    passed: bool


class CardData(_Strict):
    """A card file."""

    kind: Literal["frenkel card"]
    schema_version: Annotated[str, Field(alias="schema", pattern=r"^\d+\.\d+\.\d+$")]
    name: Annotated[str, Field(min_length=1)]
    version: Annotated[str, Field(pattern=r"^\d+\.\d+\.\d+$")]
    features: Annotated[list[FeatureData], Field(min_length=1)]
    scores: Row
    device: DeviceData
    cycle: CycleData
    core: dict[str, FiniteFloat]
    rtn: RtnData | None
    relaxation: RelaxationData | None
    validity: dict[Literal["voltage", "pulse_width", "temperature", "cycles", "time"], BoxData]
    gate: list[GateData]
    intervals: dict[str, Annotated[list[FiniteFloat], Field(min_length=2, max_length=2)]]
    provenance: dict[str, Any]
    checksum: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of a card file."""
    return CardData.model_json_schema(by_alias=True) | {"title": KIND}


def save(card: Card, path: str | Path, *, force: bool = False) -> Path:
    """Write a card.

    Parameters
    ----------
    card : Card
    path : path
        Must end in ``.json``.
    force : bool
        Whether to replace a file.

    Raises
    ------
    CardError
        The card does not follow the schema, such as a version that is not semantic.
    StoreError
        The file exists, or its folder does not.
    """
    if Path(path).suffix != ".json":
        raise ValueError(f"a card must end in .json, got {Path(path).name!r}")
    target = store.writable(path, force=force)
    data = card.to_dict()
    try:
        CardData.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise CardError(f"the card does not follow its schema: {where}: {first['msg']}") from None
    text = json.dumps(data, indent=1, allow_nan=False) + "\n"
    return store.write_bytes(text.encode(), target)
