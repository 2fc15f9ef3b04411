"""Draw the pictures of README again.

python docs/pictures.py first_device.nc demo.nc
"""

import io
import sys
from pathlib import Path

from PIL import Image

import frenkel as fk
from frenkel.analysis.plots import device as plot

for name in sys.argv[1:]:
    page = io.BytesIO()
    plot.overview(fk.open(name)).savefig(page, dpi=160, format="png")
    Image.open(page).convert("RGB").save(Path(__file__).with_name(f"{Path(name).stem}.png"), optimize=True)
