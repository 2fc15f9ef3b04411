"""What is in a physical model, in plain text."""

from ..cells.physical import PARAMETERS, PhysicalModel


def describe(model: PhysicalModel) -> str:
    """Return the parameters with units and 95 % intervals, the range of validity and the rows that failed."""
    volts, heats = model.voltages, model.temperatures
    lines = [f"physical model {model.name}: {len(PARAMETERS)} parameters, with 95 % intervals"]
    for name, (unit, *_) in PARAMETERS.items():
        text = f"  {name:22s}{model.values[name]:>11.4g} {'' if unit == '1' else unit:5s}"
        if name in model.intervals:
            text += " {:.4g} to {:.4g}".format(*model.intervals[name])
        lines.append(text.rstrip())
    lines.append(f"valid from {volts[0]:g} to {volts[-1]:g} V and from {heats[0]:g} to {heats[-1]:g} K")
    passed = sum(row["passed"] is True for row in model.gate)
    lines.append(f"validation on held-out devices: {passed} of {len(model.gate)} rows passed")
    failed = [row for row in model.gate if row["passed"] is False]
    lines += [f"  FAILED {row['statistic']}: {row['value']:.3g}, limit {row['limit']:.3g}" for row in failed]
    lines.append("not in the model: telegraph noise, cycle memory, ageing, temperature of currents")
    return "\n".join(lines)
