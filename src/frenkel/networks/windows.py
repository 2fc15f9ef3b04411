"""Images to columns: a convolution is a product of every window of an image with one matrix in cells."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..checks import whole
from ..typing import Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Windows:
    """Windows of images that lie flat as (height, width, channels).

    Parameters
    ----------
    height, width, channels : int
        Of an image, at least 1.
    kernel, stride : int
        Side of a window, and steps between two, at least 1.

    Raises
    ------
    ValueError
        A number outside its range, or no window fits.
    """

    height: int
    width: int
    channels: int
    kernel: int
    stride: int = 1

    def __post_init__(self) -> None:
        for name in ("height", "width", "channels", "kernel", "stride"):
            whole(name, getattr(self, name), 1, 4096)
        if self.kernel > min(self.height, self.width):
            raise ValueError(
                f"kernel must be at most {min(self.height, self.width)} for images of {self.height} x "
                f"{self.width}, got {self.kernel}"
            )

    @property
    def inputs(self) -> int:
        """Numbers of an image."""
        return self.height * self.width * self.channels

    @property
    def rows(self) -> int:
        """Numbers of a window: rows of the matrix."""
        return self.kernel * self.kernel * self.channels

    @property
    def grid(self) -> tuple[int, int]:
        """Windows down and across."""
        window_rows, window_columns = (
            (n - self.kernel) // self.stride + 1 for n in (self.height, self.width)
        )
        return window_rows, window_columns

    @property
    def places(self) -> int:
        """Windows of an image."""
        return self.grid[0] * self.grid[1]

    def columns(self, x: Floats) -> Floats:
        """Return the windows (..., images * places, rows) of images (..., images, inputs)."""
        shape = (*x.shape[:-1], self.height, self.width, self.channels)
        sliding = np.lib.stride_tricks.sliding_window_view(
            x.reshape(shape), (self.kernel, self.kernel), axis=(-3, -2)
        )
        strided = sliding[..., :: self.stride, :: self.stride, :, :, :]
        return np.ascontiguousarray(strided).reshape(*x.shape[:-2], x.shape[-2] * self.places, self.rows)

    def back(self, columns: Floats, images: int) -> Floats:
        """Return (..., images, inputs): what windows hold, added up where they overlap.

        The transpose of :meth:`columns`, which gradients go through.
        """
        window_rows, window_columns = self.grid
        k, front = self.kernel, columns.shape[:-2]
        parts = columns.reshape(*front, images, window_rows, window_columns, self.channels, k, k)
        summed = np.zeros((*front, images, self.height, self.width, self.channels), columns.dtype)
        for i in range(k):
            for j in range(k):
                rows = slice(i, i + self.stride * (window_rows - 1) + 1, self.stride)
                columns_of = slice(j, j + self.stride * (window_columns - 1) + 1, self.stride)
                summed[..., rows, columns_of, :] += parts[..., i, j]
        return summed.reshape(*front, images, self.inputs)
