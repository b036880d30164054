"""Which proxies may be trusted: reads a table of scores and concludes."""

from analysis.fit import FitResult, fit

__all__ = ["FitResult", "fit"]
