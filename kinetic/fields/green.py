"""The lattice Green's function of a layered box: one table for potential, charge and heat.

The box has ``nx x ny x nz`` sites, two electrodes one link below layer 0 and above layer ``nz - 1``, and
periodic or reflecting sides. Its discrete Laplacian is inverted once, by Fourier modes in x and y and an
elimination in z that only ever adds and multiplies positive numbers, so every entry is accurate to a few
rounding errors whatever the contrast of the layers.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...checks import number, one_of, positive
from ...typing import Floats
from ..lattice.lattice import LATERAL, three_whole
from ..lattice.lattice import Lateral as Lateral

LARGEST_TABLE = 4e9
"""Size (bytes) above which a table is refused."""


class GreenTable:
    """Response of a layered lattice to a unit source, for every pair of sites.

    Parameters
    ----------
    shape : tuple of int
        Sites in x, y and z, each at least 1. Site number is ``(x * ny + y) * nz + z``.
    spacing : float
        Distance between neighbouring sites (m), positive.
    lateral : {"periodic", "reflecting"}
        Sides of the box in x and y.
    z_link : array_like of shape (nz + 1,), optional
        Conductance of the vertical links relative to the background bond, positive: ``z_link[0]`` joins
        the bottom electrode to layer 0, ``z_link[nz]`` layer ``nz - 1`` to the top electrode. Default 1.
    layer : array_like of shape (nz,), optional
        Conductance of the lateral links in each layer relative to the background bond, not negative.
        Default 1.
    sink : float
        Conductance of a link from every site to ground, relative to the background bond, not negative.

    Attributes
    ----------
    table : ndarray of shape (nx, ny, nz, nz), or (2 nx, 2 ny, nz, nz) with reflecting sides
        ``table[dx, dy, z, z']``, dimensionless, positive, C-contiguous.
    images : bool
        True with reflecting sides: an entry between two sites is then the sum of four entries of the table
        of a doubled periodic box, at ``(x - x', y - y')``, ``(x + x' + 1, y - y')``,
        ``(x - x', y + y' + 1)`` and ``(x + x' + 1, y + y' + 1)``.

    Raises
    ------
    ValueError
        For a size, spacing, side or layer outside its range, or a table above 4 GB.

    Notes
    -----
    With ``L`` the Laplacian of links relative to the background bond and electrodes held at zero, the table
    is ``G = L^-1`` [1]_. Three uses:

    - current ``I`` (A) fed into sites: ``phi = G I / (sigma a)`` with ``sigma a`` the bond conductance (S);
    - charge ``q`` (C): ``phi = G q / (epsilon a)``;
    - power ``P`` (W): ``T - T0 = G P / (kappa a)``.

    References
    ----------
    .. [1] B. L. Buzbee, F. W. Dorr, J. A. George, G. H. Golub, "The direct solution of the discrete Poisson
       equation on irregular regions", SIAM J. Numer. Anal. 8, 722 (1971), doi:10.1137/0708066.
    """

    def __init__(
        self,
        shape: tuple[int, int, int],
        spacing: float,
        *,
        lateral: Lateral = "periodic",
        z_link: ArrayLike | None = None,
        layer: ArrayLike | None = None,
        sink: float = 0.0,
    ) -> None:
        self.shape = three_whole("shape", shape)
        nx, ny, nz = self.shape
        positive("spacing", spacing, "m")
        one_of("lateral", lateral, LATERAL)
        self.spacing = float(spacing)
        self.lateral: Lateral = lateral
        self.images = lateral == "reflecting"
        self.z_link = _checked_layers("z_link", z_link, nz + 1, zero=False)
        self.layer = _checked_layers("layer", layer, nz, zero=True)
        number("sink", sink, 0.0, 1e300, "background bonds")
        self.sink = float(sink)
        self.period = (2 * nx, 2 * ny) if self.images else (nx, ny)
        size = 8.0 * self.period[0] * self.period[1] * nz * nz
        if size > LARGEST_TABLE:
            raise ValueError(
                f"shape {self.shape} needs a Green's table of {size / 1e9:.1f} GB, above the limit of "
                f"{LARGEST_TABLE / 1e9:.0f} GB: make the box smaller, above all its thickness"
            )
        modes = tuple(4 * np.sin(np.pi * np.arange(n // 2 + 1) / n) ** 2 for n in self.period)
        self.table = _fold_out(_inverse(modes[0], modes[1], self.z_link, self.layer, self.sink), self.period)
        self._pivot = self._eliminate()

    @property
    def is_mirrored(self) -> bool:
        """Whether the layers are the same from either electrode."""
        return all(np.array_equal(links, links[::-1]) for links in (self.z_link, self.layer))

    @property
    def n_sites(self) -> int:
        """Number of sites in the box."""
        return self.shape[0] * self.shape[1] * self.shape[2]

    @property
    def conductance(self) -> float:
        """Conductance of the whole box between its electrodes, relative to the background bond."""
        return self.shape[0] * self.shape[1] / float(np.sum(1 / self.z_link))

    def background(self, v_bottom: float, v_top: float) -> Floats:
        """Return the potential of each layer without any source.

        Parameters
        ----------
        v_bottom, v_top : float
            Potentials of the electrodes (V), or their temperatures (K).

        Returns
        -------
        ndarray of shape (nz,)
            In the unit of the arguments.
        """
        resistance = np.cumsum(1 / self.z_link)
        share = resistance[:-1] / resistance[-1]
        profile: Floats = v_bottom * (1 - share) + v_top * share
        return profile

    def respond(self, source: Floats) -> Floats:
        """Return the response of every site to a source at every site, both of shape (n_sites,)."""
        import scipy.fft  # 20 MB, and only columns and whole lattices need it

        nx, ny, nz = self.shape
        if source.shape != (self.n_sites,):
            raise ValueError(f"source must have shape ({self.n_sites},), got {source.shape}")
        # Layers first: the elimination in z then walks over contiguous planes of modes.
        planes = np.array(source.reshape(nx * ny, nz).T, dtype=np.float64, order="C").reshape(nz, nx, ny)
        if self.images:
            modes = scipy.fft.dctn(planes, type=2, axes=(1, 2), overwrite_x=True)
        else:
            modes = scipy.fft.rfft2(planes, axes=(1, 2), overwrite_x=True)
        self._substitute(modes)
        if self.images:
            planes = scipy.fft.idctn(modes, type=2, axes=(1, 2), overwrite_x=True)
        else:
            planes = scipy.fft.irfft2(modes, s=(nx, ny), axes=(1, 2), overwrite_x=True)
        return np.ascontiguousarray(planes.reshape(nz, nx * ny).T).reshape(-1)

    def _eliminate(self) -> Floats:
        """Return 1/pivot of each layer and mode as ``respond`` orders them, eliminated from the bottom."""
        nx, ny, _ = self.shape
        if self.images:
            kx, ky = np.pi * np.arange(nx) / nx, np.pi * np.arange(ny) / ny
        else:
            kx, ky = 2 * np.pi * np.arange(nx) / nx, 2 * np.pi * np.arange(ny // 2 + 1) / ny
        lateral = 4 * (np.sin(kx / 2)[:, None] ** 2 + np.sin(ky / 2)[None, :] ** 2)
        below = _conductance_to_ground(lateral, self.z_link, self.layer, self.sink)
        return 1 / (below + self.z_link[1:, None, None])

    def _substitute(self, out: Floats | NDArray[np.complex128]) -> None:
        """Solve the tridiagonal system in z of all modes in place."""
        link, pivot = self.z_link, self._pivot
        out[0] *= pivot[0]
        for z in range(1, len(out)):
            out[z] += link[z] * out[z - 1]
            out[z] *= pivot[z]
        for z in range(len(out) - 2, -1, -1):
            out[z] += (link[z + 1] * pivot[z]) * out[z + 1]


def _checked_layers(name: str, given: ArrayLike | None, n: int, *, zero: bool) -> Floats:
    if given is None:
        return np.ones(n)
    value = np.array(given, dtype=np.float64)
    low_enough = np.all(value >= 0) if zero else np.all(value > 0)
    if value.shape != (n,) or not np.all(np.isfinite(value)) or not low_enough:
        sign = "not negative" if zero else "positive"
        raise ValueError(f"{name} must be {n} finite numbers (relative conductance), {sign}, got {given!r}")
    return value


def _conductance_to_ground(lateral: Floats, link: Floats, layer: Floats, sink: float) -> Floats:
    """Return, per layer and mode, the conductance to ground of all that lies at and below a layer."""
    below = np.empty((len(layer), *lateral.shape))
    below[0] = layer[0] * lateral + sink + link[0]
    for z in range(1, len(layer)):
        below[z] = layer[z] * lateral + sink + link[z] * (below[z - 1] / (below[z - 1] + link[z]))
    return below


def _inverse(mode_x: Floats, mode_y: Floats, link: Floats, layer: Floats, sink: float) -> Floats:
    """Return the inverse (modes x, modes y, nz, nz) of each mode's tridiagonal matrix, free of subtraction.

    Layer z sees the conductance ``below`` beneath it (its own lateral term included) and, through its upper
    link, ``above``: ``G[z, z] = 1 / (below + above)``; one layer down the response falls by the ratio of a
    potential divider.
    """
    lateral = mode_x[:, None] + mode_y[None, :]
    nz = len(layer)
    below = _conductance_to_ground(lateral, link, layer, sink)
    ground_above = _conductance_to_ground(lateral, link[::-1], layer[::-1], sink)[::-1]
    inverse = np.empty((*lateral.shape, nz, nz))
    for z in range(nz):
        above = (
            link[z + 1]
            if z == nz - 1
            else link[z + 1] * (ground_above[z + 1] / (ground_above[z + 1] + link[z + 1]))
        )
        response = 1 / (below[z] + above)
        inverse[..., z, z] = response
        for lower in range(z - 1, -1, -1):
            response = response * (link[lower + 1] / (below[lower] + link[lower + 1]))
            inverse[..., lower, z] = inverse[..., z, lower] = response
    return inverse


def _fold_out(inverse: Floats, period: tuple[int, int]) -> Floats:
    """Return the table over all offsets from the half of the modes that are different."""
    transformed = inverse
    for n in (period[1], period[0]):  # each pass transforms the second axis and moves it to the front
        k = np.arange(n // 2 + 1)
        weight = np.where((k == 0) | (2 * k == n), 1.0, 2.0) / n
        angle = (np.outer(k, k) % n) * (2 * np.pi / n)
        transformed = np.tensordot(transformed, np.cos(angle) * weight, axes=(1, 1))  # (other, z, z', offset)
        transformed = transformed.transpose(3, 0, 1, 2)  # (offset, other, z, z')
    # After two passes the axes stand as (dx, dy, z, z').
    index = tuple(np.minimum(np.arange(n), n - np.arange(n)) for n in period)
    return np.ascontiguousarray(transformed[np.ix_(*index)])
