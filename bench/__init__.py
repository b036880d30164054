"""Side-by-side speed comparisons: every figure is a ratio from one run that has the alternative."""
