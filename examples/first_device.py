"""The first script: form one HfO2 device, reset it, set it, and look at it. About 10 s on one core.

python examples/first_device.py      writes first_device.nc and first_device.png
"""

import frenkel as fk
from frenkel.units import V, kohm, nm, uA

bare = fk.Circuit(series_resistance=2 * kohm)
limited = fk.Circuit(series_resistance=2 * kohm, compliance=50 * uA)

device = fk.Device("HfO2-volatile", thickness=5.2 * nm, width=5.2 * nm, circuit=limited, seed=5)
print(f"as made      {0.1 / device.current(0.1 * V):10.3g} ohm")

# Slowly up to the current limit, then down fast: at the limit the filament goes on growing.
forming = fk.Waveform.triangle(5 * V, rate=100, fall_rate=1e5, label="form")
device.run(forming, to_compliance=True)
print(f"after forming{0.1 / device.current(0.1 * V):10.3g} ohm")

device.circuit = bare
device.run(fk.Waveform.triangle(-2.3 * V, rate=1e5, label="reset"))
print(f"after RESET  {0.1 / device.current(0.1 * V):10.3g} ohm")

device.circuit = limited
device.run(fk.Waveform.triangle(2 * V, rate=1e5, label="set"))
print(f"after SET    {0.1 / device.current(0.1 * V):10.3g} ohm")

device.save("first_device.nc", force=True)
device.show("first_device.png")
