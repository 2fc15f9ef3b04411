"""Shaded spheres between two electrodes, drawn into ordinary matplotlib axes.

matplotlib's own 3-D axes draw flat discs without hidden surfaces, in which a filament is hard to see; here
every sphere and bond is shaded with a depth buffer (orthographic view).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ...typing import Floats

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LIGHT = np.array([-0.35, 0.5, 0.79])  # right, up, towards the eye; unit length
HALF = LIGHT + np.array([0.0, 0.0, 1.0])  # Blinn's half vector between the light and the eye
HALF /= np.linalg.norm(HALF)
FADE = 0.35  # fraction of white at the far side, as a cue of depth
WALL = 0.16  # opacity of the walls around a region of a layer
PIXELS = 900  # along the longer side of the picture, before it is halved to smooth edges
BLOCK = 1 << 20  # pixels around spheres that are gone through at once


@dataclass(frozen=True, slots=True)
class Camera:
    """Direction from which a scene is seen.

    Parameters
    ----------
    azimuth, elevation : float
        Direction of the eye (degrees): around z from the x axis, and above the horizon.
    """

    azimuth: float = -62.0
    elevation: float = 14.0

    def project(self, points: Floats) -> Floats:
        """Return (right, up, towards the eye) of points (n, 3)."""
        a, e = np.radians(self.azimuth), np.radians(self.elevation)
        right = np.array([-np.sin(a), np.cos(a), 0.0])
        eye = np.array([np.cos(e) * np.cos(a), np.cos(e) * np.sin(a), np.sin(e)])
        basis = np.stack([right, np.cross(eye, right), eye], axis=1)
        return np.asarray(points @ basis, np.float64)


def draw_spheres(
    axes: "Axes",
    position: Floats,
    radius: Floats,
    colour: Floats,
    extent: tuple[float, float, float, float],
    camera: Camera,
) -> None:
    """Draw shaded spheres.

    Parameters
    ----------
    axes : matplotlib Axes
        Of equal aspect, in the units of ``position``.
    position : (n, 3), radius : (n,)
        Centres and radii, in one unit of length.
    colour : (n, 3)
        Red, green, blue, 0 to 1.
    extent : left, right, bottom, top
        Part of the projected plane to draw.
    camera : Camera
    """
    if not len(position):
        return
    left, right, bottom, top = extent
    scale = PIXELS / max(right - left, top - bottom)
    width, height = int(scale * (right - left)) // 2 * 2, int(scale * (top - bottom)) // 2 * 2
    projected = camera.project(position)
    depth_span = np.ptp(projected[:, 2]) or 1.0
    fade = (FADE * (projected[:, 2].max() - projected[:, 2]) / depth_span)[:, None]
    centre = (projected - [left, bottom, 0.0]) * scale
    owner = _owners(centre, radius * scale, (height, width))
    image = np.zeros((height * width, 4))
    pixel = np.flatnonzero(owner >= 0)
    which = owner[pixel]
    normal = _normals(pixel // width, pixel % width, centre[which], radius[which] * scale)
    image[pixel, :3] = _shaded(normal, (colour * (1 - fade) + fade)[which])
    image[pixel, 3] = 1.0
    halved = image.reshape(height // 2, 2, width // 2, 2, 4).mean(axis=(1, 3))
    # Averaging with empty pixels darkens edges unless the colour is divided by its coverage.
    halved[..., :3] /= np.maximum(halved[..., 3:], 1e-9)
    axes.imshow(
        np.clip(halved, 0, 1), extent=extent, origin="lower", interpolation="antialiased", zorder=2.0
    )


def _owners(centre: Floats, size: Floats, shape: tuple[int, int]) -> NDArray[np.int64]:
    """Return the sphere that is seen at each pixel, -1 where there is none; all in pixels, (height * width,).

    Spheres go through in blocks, each with all pixels of the squares around its spheres; of two at one depth
    the earlier is seen.
    """
    height, width = shape
    owner = np.full(height * width, -1)
    nearest = np.full(height * width, -np.inf)
    side = np.arange(int(2 * size.max()) + 3)
    block = max(BLOCK // len(side) ** 2, 1)
    for begin in range(0, len(size), block):
        x, y, depth = centre[begin : begin + block].T[..., None, None]
        radius = size[begin : begin + block, None, None]
        row = (y - radius).astype(np.int64) + side[:, None]
        column = (x - radius).astype(np.int64) + side
        square = 1 - ((column - x) / radius) ** 2 - ((row - y) / radius) ** 2
        seen = (square > 0) & (row >= 0) & (row < height) & (column >= 0) & (column < width)
        surface = (depth + radius * np.sqrt(np.maximum(square, 0)))[seen]
        pixel = (row * width + column)[seen]
        sphere = np.broadcast_to(np.arange(begin, begin + len(radius))[:, None, None], seen.shape)[seen]
        before = nearest[pixel]
        np.maximum.at(nearest, pixel, surface)
        seen_here = (surface == nearest[pixel]) & (surface > before)
        # The last of equal pixels is kept, so the spheres come in reverse.
        owner[pixel[seen_here][::-1]] = sphere[seen_here][::-1]
    return owner


def _normals(row: NDArray[np.int64], column: NDArray[np.int64], centre: Floats, size: Floats) -> Floats:
    """Return the normals of spheres at pixels, (n, 3)."""
    u, v = (column - centre[:, 0]) / size, (row - centre[:, 1]) / size
    return np.stack([u, v, np.sqrt(np.maximum(1 - u**2 - v**2, 0))], axis=-1)


def _shaded(normal: Floats, paint: Floats) -> Floats:
    """Return the colours (n, 3) of surfaces with given normals under the light."""
    lit = np.clip(normal @ LIGHT, 0, 1)[:, None]
    gloss = 0.35 * np.clip(normal @ HALF, 0, 1)[:, None] ** 40
    rim = 0.45 + 0.55 * normal[:, 2:] ** 0.6
    return np.asarray(paint * (0.42 + 0.62 * lit) * rim + gloss)


def bonds(position: Floats, linked: NDArray[np.bool_], spacing: float) -> Floats:
    """Return seven beads along each of the straight bonds between linked points, (m, 3).

    Parameters
    ----------
    position : (n, 3)
    linked : (n, n) bool
        Which pairs are joined; pairs further apart than two spacings are joined across the side of a
        repeating box and are left out.
    spacing : float
    """
    first, second = np.nonzero(np.triu(linked, 1))
    is_neighbour = np.linalg.norm(position[first] - position[second], axis=1) < 2 * spacing
    start, stop = position[first[is_neighbour]], position[second[is_neighbour]]
    share = (np.arange(7) + 0.5)[:, None, None] / 7
    return np.asarray((start + share * (stop - start)).reshape(-1, 3), np.float64)


def draw_slab(
    axes: "Axes",
    corners: tuple[float, float],
    width: tuple[float, float],
    camera: Camera,
    *,
    colour: str,
    alpha: float,
    zorder: float,
) -> None:
    """Draw an electrode: the box from z = ``corners[0]`` to ``corners[1]`` over x, y of the given width."""
    from matplotlib.colors import to_rgb  # matplotlib, which only drawing needs
    from matplotlib.patches import Polygon

    low, high = corners
    paint = np.array(to_rgb(colour))
    for face, brightness in zip(_faces(low, high, width, camera), (1.12, 0.98, 0.82), strict=True):
        shade = np.clip(paint * brightness, 0, 1)
        flat = camera.project(np.array(face))[:, :2]
        axes.add_patch(
            Polygon(
                flat,
                closed=True,
                facecolor=(*shade, alpha),
                edgecolor=(*(0.6 * paint), alpha),
                linewidth=0.6,
                zorder=zorder,
            )
        )


def _faces(
    low: float, high: float, width: tuple[float, float], camera: Camera
) -> Sequence[Sequence[tuple[float, float, float]]]:
    """Return the top and the two sides of a box that the camera sees."""
    x, y = width
    azimuth = np.radians(camera.azimuth)
    near_x = x if np.cos(azimuth) > 0 else 0.0
    near_y = y if np.sin(azimuth) > 0 else 0.0
    return (
        [(0, 0, high), (x, 0, high), (x, y, high), (0, y, high)],
        [(0, near_y, low), (x, near_y, low), (x, near_y, high), (0, near_y, high)],
        [(near_x, 0, low), (near_x, y, low), (near_x, y, high), (near_x, 0, high)],
    )


def draw_edges(axes: "Axes", box: tuple[float, float, float], camera: Camera) -> None:
    """Draw the four upright edges and the floor of the oxide, thin and grey."""
    x, y, z = box
    for corner in ((0, 0), (x, 0), (x, y), (0, y)):
        line = camera.project(np.array([(*corner, 0.0), (*corner, z)]))
        axes.plot(line[:, 0], line[:, 1], color="0.75", linewidth=0.7, zorder=1)


def draw_level(axes: "Axes", height: float, width: tuple[float, float], camera: Camera) -> None:
    """Draw the outline of the oxide at a height, dashed: where one layer ends and the next begins."""
    x, y = width
    ring = np.array([(0, 0, height), (x, 0, height), (x, y, height), (0, y, height), (0, 0, height)])
    line = camera.project(ring)
    axes.plot(line[:, 0], line[:, 1], color="0.45", linewidth=0.8, linestyle=(0, (4, 3)), zorder=1.2)


def draw_walls(axes: "Axes", walls: Sequence[tuple[Floats, str]], camera: Camera) -> None:
    """Draw upright walls around parts of the oxide, behind what is in it: those that the camera sees.

    Parameters
    ----------
    axes : matplotlib Axes
    walls : sequence of ((4, 3) array, colour)
        Corners of each wall: along its foot, the inside to the left, then back along its top.
    camera : Camera
    """
    from matplotlib.collections import LineCollection, PolyCollection  # as above

    faces, lines = [], []
    for corners, colour in walls:
        flat = camera.project(corners)
        (along_x, along_y), up = flat[1, :2] - flat[0, :2], flat[3, :2] - flat[0, :2]
        if along_x * up[1] - along_y * up[0] > 0.0:  # seen from outside
            faces.append((flat[:, :2], colour))
        lines += [(flat[ends, :2], colour) for ends in ([0, 1], [2, 3])]
    if walls:
        shapes, paint = zip(*faces, strict=True)
        axes.add_collection(PolyCollection(shapes, facecolors=paint, alpha=WALL, linewidths=0.0, zorder=1.3))
        shapes, paint = zip(*lines, strict=True)
        axes.add_collection(LineCollection(shapes, colors=paint, linewidths=0.8, zorder=1.3))
