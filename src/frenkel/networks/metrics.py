"""Counts of a network that hardware does not change, by the definitions of NeuroBench 2.3.

Biases, pooling and rectifiers count no synaptic operations. Measured by NeuroBench's own harness where it is
installed, see :func:`by_harness`; the definitions here are compared with it in the tests.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..typing import Floats
from .windows import Windows


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkMetrics:
    """Counts of a network of rectified layers.

    Attributes
    ----------
    parameters : int
        Weights and biases.
    footprint : int
        Bytes of all parameters.
    connection_sparsity : float
        Fraction of weights that are 0.
    activation_sparsity : float
        Fraction of outputs of rectifiers that are 0, over the samples.
    dense : float
        Multiplications and additions of all weights, per sample: the sum of inputs times outputs.
    effective : float
        Those with a weight and an input that are not 0, per sample.
    """

    parameters: int
    footprint: int
    connection_sparsity: float
    activation_sparsity: float
    dense: float
    effective: float


def metrics(
    weights: Sequence[ArrayLike], biases: Sequence[ArrayLike], x: ArrayLike, *,
    windows: Sequence[Windows | None] = (),
) -> NetworkMetrics:  # fmt: skip
    """Return the counts of a network for some inputs.

    Parameters
    ----------
    weights : sequence of array_like of shape (inputs, outputs)
    biases : sequence of array_like of shape (outputs,)
    x : array_like of shape (samples, inputs)
    windows : sequence of Windows or None
        Of each layer, None where it is no convolution.
    """
    matrices = [np.asarray(w, float) for w in weights]
    offsets = [np.asarray(b, float) for b in biases]
    activations: Floats = np.asarray(x, float)
    samples = len(activations)
    effective = dense = silent = outputs = 0.0
    for layer, (w, b) in enumerate(zip(matrices, offsets, strict=True)):
        window = windows[layer] if windows else None
        activations = activations if window is None else window.columns(activations)
        dense += w.size * (1 if window is None else window.places)
        effective += float(((activations != 0.0).astype(float) @ (w != 0.0).astype(float)).sum())
        activations = (activations @ w + b).reshape(samples, -1)
        if layer < len(matrices) - 1:
            activations = np.maximum(activations, 0.0)
            silent += float((activations == 0.0).sum())
            outputs += activations.size
    count = sum(w.size for w in matrices)
    parameters = count + sum(b.size for b in offsets)
    return NetworkMetrics(
        parameters=parameters,
        footprint=parameters * 4,
        connection_sparsity=sum(float((w == 0.0).sum()) for w in matrices) / count,
        activation_sparsity=silent / outputs if outputs else 0.0,
        dense=float(dense),
        effective=effective / samples,
    )


def harness_missing() -> str:
    """Return what NeuroBench's harness lacks here, empty where it can run."""
    lacking = [name for name in ("neurobench", "torch") if importlib.util.find_spec(name) is None]
    return f"not measured by NeuroBench's harness: pip install {' '.join(lacking)}" if lacking else ""


def by_harness(
    weights: Sequence[ArrayLike], biases: Sequence[ArrayLike], x: ArrayLike, y: ArrayLike
) -> dict[str, float]:
    """Return algorithm-track metrics of a network, measured by NeuroBench's harness.

    Raises
    ------
    ImportError
        NeuroBench or PyTorch is not installed; the message names them.
    RuntimeError
        The harness recorded 0 for a metric that cannot be 0: it swallows what metrics raise.
    """
    missing = harness_missing()
    if missing:
        raise ImportError(missing)
    import torch  # PyTorch and NeuroBench, which are extras
    from neurobench.benchmarks import Benchmark
    from neurobench.metrics.static import ConnectionSparsity, Footprint, ParameterCount
    from neurobench.metrics.workload import ActivationSparsity, ClassificationAccuracy, SynapticOperations
    from neurobench.models import TorchModel

    layers: list[Any] = []
    for w, b in zip(weights, biases, strict=True):
        matrix = torch.as_tensor(np.asarray(w, np.float32).T.copy())
        linear = torch.nn.Linear(matrix.shape[1], matrix.shape[0])
        linear.load_state_dict({"weight": matrix, "bias": torch.as_tensor(np.asarray(b, np.float32))})
        layers += [linear, torch.nn.ReLU()]
    data = torch.utils.data.TensorDataset(
        torch.as_tensor(np.asarray(x, np.float32)), torch.as_tensor(np.asarray(y, np.int64))
    )
    loader = torch.utils.data.DataLoader(data, batch_size=len(data))
    static = [ParameterCount, Footprint, ConnectionSparsity]
    workload = [ClassificationAccuracy, ActivationSparsity, SynapticOperations]
    model = TorchModel(torch.nn.Sequential(*layers[:-1]))
    with torch.no_grad():
        figures = Benchmark(model, loader, [], [lambda out: out.argmax(-1)], [static, workload]).run()
    if not figures["ParameterCount"] or not figures["SynapticOperations"]["Dense"]:
        raise RuntimeError(
            "NeuroBench's harness recorded 0 parameters or operations, so a metric failed in it"
        )
    return {
        "parameters": float(figures["ParameterCount"]),
        "footprint": float(figures["Footprint"]),
        "connection_sparsity": float(figures["ConnectionSparsity"]),
        "activation_sparsity": float(figures["ActivationSparsity"]),
        "dense": float(figures["SynapticOperations"]["Dense"]),
        "effective": float(figures["SynapticOperations"]["Effective_MACs"]),
        "accuracy": float(figures["ClassificationAccuracy"]),
    }
