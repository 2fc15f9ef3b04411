"""Files as instruments write them: a module for each, a signature and a reading; see :mod:`.catalogue`."""
