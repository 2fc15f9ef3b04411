"""Every instrument whose files are recognised; the first that knows a file reads it.

To add one: a module of this folder with ``INSTRUMENT``, and its name in :data:`INSTRUMENTS`.
"""

from . import aixacct, arc_one, clarius, easyexpert, keithley_2400, keithley_buffer, matlab, radiant
from .source import Instrument, Source

INSTRUMENTS: tuple[Instrument, ...] = (
    easyexpert.INSTRUMENT,
    clarius.INSTRUMENT,
    keithley_buffer.INSTRUMENT,
    keithley_2400.INSTRUMENT,
    arc_one.INSTRUMENT,
    radiant.INSTRUMENT,
    matlab.INSTRUMENT,
    aixacct.INSTRUMENT,
)
"""In the order in which they are asked."""


def instrument_of(source: Source) -> Instrument | None:
    """Return the instrument that wrote a file, None where no signature is found."""
    return next((instrument for instrument in INSTRUMENTS if instrument.recognises(source)), None)
