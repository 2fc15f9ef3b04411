"""The first script: form one HfO2 device, reset it, set it, and look at it. Seconds on one core.

python examples/first_device.py      writes first_device.nc and first_device.png
"""

import frenkel as fk
from frenkel.units import V, kohm, nm, uA

bare = fk.Circuit(series_resistance=3.9 * kohm)
forming = fk.Circuit(series_resistance=3.9 * kohm, compliance=40 * uA)
limited = fk.Circuit(series_resistance=3.9 * kohm, compliance=27 * uA)

device = fk.Device("HfO2", thickness=2.6 * nm, width=2.6 * nm, circuit=forming, seed=3)
print(f"as made      {0.1 / device.current(0.1 * V):10.3g} ohm")

# Slowly up, and on while the circuit holds the current at its limit; again until the filament reads low.
for _ in range(3):
    device.run(fk.Waveform.triangle(3.5 * V, rate=100, fall_rate=1e7, label="form"))
    print(f"after forming{0.1 / device.current(0.1 * V):10.3g} ohm")
    if device.current(0.1 * V) > 3 * uA:
        break

device.circuit = bare
device.run(fk.Waveform.triangle(-0.95 * V, rate=1e5, label="reset"))
print(f"after RESET  {0.1 / device.current(0.1 * V):10.3g} ohm")

device.circuit = limited
device.run(fk.Waveform.triangle(3 * V, rate=1e5, label="set"))
print(f"after SET    {0.1 / device.current(0.1 * V):10.3g} ohm")

device.save("first_device.nc", force=True)
device.show("first_device.png")
