"""Figures of the analysis: each takes results and returns a matplotlib figure."""
