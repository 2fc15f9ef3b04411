"""The first script: form one HfO2 device, reset it, read it, look at it. About 20 s on one core.

python first_device.py
"""

import frenkel as fk
from frenkel.units import V, kohm, nm, uA

device = fk.Device(
    fk.Material.load("HfO2"),
    thickness=5.2 * nm,
    width=5.2 * nm,
    circuit=fk.Circuit(series_resistance=2 * kohm, compliance=20 * uA),
    seed=1,
)
forming = device.run(fk.Waveform.triangle(amplitude=4 * V, rate=1e5, fall_rate=1e7, label="form"))

device.circuit = fk.Circuit(series_resistance=2 * kohm)
device.run(fk.Waveform.triangle(amplitude=-1.5 * V, rate=1e5, fall_rate=1e7, label="reset"))

print(forming["current"].max())
print(f"{0.1 / device.current(0.1 * V):.3g} ohm at 0.1 V, {device.events} events, {device.time:.3g} s")
device.save("first_device.nc", force=True)
device.show("first_device.png")
