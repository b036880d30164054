"""Runs every comparison and prints its ratio: `make bench`."""

from bench import batches, trials

for comparison in (batches.compare, trials.compare):
    print(comparison())
