"""What a trial costs beside its training: reused Tune actors against fresh ones."""

import tempfile
import time
from pathlib import Path

from ray import tune

from ablate.cluster import own
from ablate.placement import Machine

TRIALS = 8


def compare() -> str:
    """Time a grid of empty trials both ways on two slots."""
    with tempfile.TemporaryDirectory() as folder, own(Machine(2, 2e9), Path(folder)):
        fresh, reused = _seconds(reuse=False), _seconds(reuse=True)
    return (
        f"{TRIALS} empty trials: fresh actors {fresh:.1f} s, reused actors {reused:.1f} s, "
        f"ratio {fresh / reused:.1f}"
    )


def _seconds(*, reuse: bool) -> float:
    with tempfile.TemporaryDirectory() as folder:
        tuner = tune.Tuner(
            tune.with_resources(lambda config: tune.report({"done_step": 0}), {"cpu": 1}),
            param_space={"number": tune.grid_search(list(range(TRIALS)))},
            tune_config=tune.TuneConfig(reuse_actors=reuse),
            run_config=tune.RunConfig(name="bench", storage_path=folder, verbose=0),
        )
        begun = time.perf_counter()
        tuner.fit()
        return time.perf_counter() - begun
