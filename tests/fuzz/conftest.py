"""Lets the tests here import what stands beside them, as the campaign does."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
