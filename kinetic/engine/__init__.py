"""The event engine: compiled mechanisms, selection of events, superbasins."""
