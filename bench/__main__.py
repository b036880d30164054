"""Runs every comparison and prints its ratio: `make bench`."""

from bench import batches, checkpoints, hour, trials

# Some start processes of their own, which import this module again.
if __name__ == "__main__":
    for comparison in (batches.compare, checkpoints.compare, hour.compare, trials.compare):
        print(comparison())
