"""Runs every comparison and prints its ratio: `make bench`."""

from bench import batches, checkpoints, trials

for comparison in (batches.compare, checkpoints.compare, trials.compare):
    print(comparison())
