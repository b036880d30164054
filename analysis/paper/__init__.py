"""The published scores of the Apollo paper analysed again: `python -m analysis.paper`."""
