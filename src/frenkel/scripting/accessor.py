"""The methods of ``data.frenkel``: what a dataset of frenkel knows besides its numbers."""

from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from ..analysis.results.switching import HALF_RISE
from ..data import kinds

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.figure import Figure

    from ..analysis.plots.film import Film
    from ..analysis.results.filament import Snapshot


class KindError(TypeError):
    """A method was asked of a dataset of another kind; the message says which kind has it."""


_NUMBERS = ("forming_voltage", "set_voltage", "reset_voltage", "hrs", "lrs", "events")
"""Numbers of members and cycles that a notebook shows."""


@xr.register_dataset_accessor("frenkel")  # type: ignore[no-untyped-call]
class Frenkel:
    """What a dataset of frenkel knows besides its numbers.

    Parameters
    ----------
    data : xarray.Dataset
        Result of a device, an ensemble or an array, however it was opened.

    Examples
    --------
    >>> run = frenkel.open("run.nc").frenkel  # doctest: +SKIP
    >>> run.iv("set 1").plot(x="source_voltage")  # doctest: +SKIP
    >>> frenkel.open("ensemble.nc").frenkel.member(17).frenkel.resistance  # doctest: +SKIP
    """

    def __init__(self, data: xr.Dataset) -> None:
        self.data = data

    def __repr__(self) -> str:
        public = ", ".join(name for name in dir(type(self)) if not name.startswith("_"))
        return f"<frenkel: {self.kind}; {public}>"

    def _repr_html_(self) -> str:
        """Return what it is and, of an ensemble, the middle and the spread of each number, for notebooks."""
        from .. import notebook  # html, which only a notebook needs

        sizes = ", ".join(f"{size} {dim}" for dim, size in self.data.sizes.items())
        title = str(self.data.attrs.get("title", ""))
        if self.kind != "ensemble":
            return notebook.page(self.kind, f"{title} ({sizes})")
        rows = []
        for name, one in self.data.data_vars.items():
            values = (
                one.values[np.isfinite(one.values)] if one.dtype.kind == "f" and "member" in one.dims else []
            )
            if len(values) and name in _NUMBERS:
                low, middle, high = np.quantile(values, (0.05, 0.5, 0.95))
                unit = str(one.attrs.get("units", "1")).removeprefix("1")
                row = (str(name), *(f"{value:.4g} {unit}".strip() for value in (low, middle, high)))
                rows.append((*row, str(len(values))))
        heads = ("number", "5 %", "median", "95 %", "values")
        return notebook.page("ensemble", f"{title} ({sizes})", notebook.table(heads, rows))

    @property
    def kind(self) -> str:
        """Whether it is the result of a "device", an "ensemble", an "array", or "unknown"."""
        kind = kinds.of(self.data)
        return "unknown" if kind in ("netcdf", "study") else kind

    def _of(self, *kinds: str) -> xr.Dataset:
        if self.kind not in kinds:
            other = "; its frenkel.member(k) is one device" if self.kind == "ensemble" else ""
            allowed_kinds, actual_kind = (
                " or ".join(map(_with_article, kind)) for kind in (kinds, [self.kind])
            )
            raise KindError(f"this needs the result of {allowed_kinds}, got that of {actual_kind}{other}")
        return self.data

    # ------------------------------------------------------------------ of a device

    def indexed(self) -> xr.Dataset:
        """Return the result with names along its dimensions; see :func:`.indexed`."""
        # xarray has the accessor as soon as frenkel is imported: all it needs waits.
        from ..data.index import indexed

        return indexed(self._of("device"))

    def iv(self, phase: str | int) -> xr.DataArray:
        """Return the current (A) along the samples of a phase, with the voltages (V) as coordinates.

        Parameters
        ----------
        phase : str or int
            Name of the phase, such as "set 1", or its number from 0.

        Raises
        ------
        KeyError
            There is no such phase.
        """
        chosen = self.indexed().sel(phase=phase)
        return chosen["current"].assign_coords(
            source_voltage=chosen["source_voltage"], device_voltage=chosen["device_voltage"]
        )

    @property
    def resistance(self) -> xr.DataArray:
        """Resistance (ohm) at the read voltage after each phase, by name."""
        data = self.indexed()
        ohms = abs(data["read_voltage"]) / abs(data["read_current"])
        return ohms.rename("resistance").assign_attrs(units="ohm", long_name="resistance after the phase")

    def phases(self, rule: str = HALF_RISE) -> xr.Dataset:
        """Return what happened in each phase, V_SET by a rule; see :func:`.phase_summary`."""
        from ..analysis.results.metrics import phase_summary  # waits, as above

        return phase_summary(self.indexed(), rule)

    def cycles(self, rule: str = HALF_RISE) -> xr.Dataset:
        """Return resistances and voltages of each cycle, V_SET by a rule; see :func:`.cycle_summary`."""
        from ..analysis.results.metrics import cycle_summary  # waits, as above

        return cycle_summary(self._of("device"), rule)

    def snapshot(self, label: str | int, species: str | None = None) -> "Snapshot":
        """Return where the defects were, by the label of the snapshot or its number.

        Raises
        ------
        KeyError, ValueError
            There is no such snapshot.
        """
        from ..analysis.results.filament import snapshot  # scipy
        from ..validation import suggest

        data = self._of("device")
        if isinstance(label, str):
            labels = [str(label) for label in data["snapshot_label"].values]
            if label not in labels:
                raise KeyError(f"no snapshot {label!r}{suggest(label, labels)}")
            label = labels.index(label)
        return snapshot(data, label, species)

    def film(self) -> "Film":
        """Return the snapshots as a film beside the current: shown by a notebook, saved as one page.

        Raises
        ------
        SchemaError
            There are no snapshots.

        Examples
        --------
        >>> frenkel.open("run.nc").frenkel.film().save("run.html")  # doctest: +SKIP
        """
        from ..analysis.plots.film import Film  # scipy

        return Film(self._of("device"))

    def to_ase(self, *, electrodes: bool = False) -> list[Any]:
        """Return the snapshots as ``ase.Atoms``, one each; vacancies are "X", and so are electrodes.

        Raises
        ------
        ImportError
            ase is not installed.
        """
        import io  # ASE, an extra

        from ase.io import read

        from ..analysis.results.export import xyz

        return list(read(io.StringIO(xyz(self._of("device"), electrodes=electrodes)), ":", format="extxyz"))

    # ------------------------------------------------------------------ of an ensemble

    def member(self, number: int, **point: Any) -> xr.Dataset:
        """Return one device of an ensemble; of a sweep at values along its dimensions.

        Raises
        ------
        SchemaError
            The member did not finish, or only summaries were kept.
        """
        from ..data.index import indexed  # pydantic and scipy
        from ..experiment.ensemble_file import member

        return indexed(member(self._of("ensemble"), number, **point))

    def padded(self, name: str) -> xr.DataArray:
        """Return a variable along the samples of all members as a rectangle, NaN after the end of each."""
        from ..experiment.ensemble_file import padded  # pydantic and scipy

        return padded(self._of("ensemble"), name)

    # ------------------------------------------------------------------ of all

    def summary(self) -> str:
        """Return as text what is in it and what made it, as ``frenkel show`` prints it."""
        data = self._of("device", "ensemble", "array")
        if self.kind == "device":
            from ..reports.device import describe  # scipy

            return describe(data)
        if self.kind == "array":
            from ..reports.array import describe as describe_array  # scipy and simpy

            return describe_array(data)
        from ..reports.ensemble import describe as describe_ensemble  # pydantic and scipy

        return str(self._with_file(describe_ensemble))

    def view(self, path: "str | Path | None" = None) -> "Figure | Path":
        """Draw it on one page: into a file, or as a figure."""
        from ..analysis.plots import device, ensemble, page  # scipy

        data = self._of("device", "ensemble")
        figure: Figure = device.overview(data) if self.kind == "device" else self._with_file(ensemble.draw)
        return figure if path is None else page.save(figure, path)

    def _with_file(self, function: Any) -> Any:
        """Return what a function makes of the file of an ensemble, written if there is none."""
        import tempfile  # waits, as above
        from pathlib import Path

        from ..data.stopping import held_back

        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "ensemble.nc"
            with held_back():
                self.data.to_netcdf(path, engine="netcdf4")
            return function(path)


def _with_article(kind: str) -> str:
    return f"an {kind}" if kind[0] in "aeiou" else f"a {kind}"
