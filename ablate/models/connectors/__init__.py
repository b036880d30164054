"""Modules that connectors (`ablate.connectors`) are built of."""
