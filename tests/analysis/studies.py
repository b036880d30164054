"""Tables of small studies with planted effects, in the columns of `analysis.tables.load.load`."""

from itertools import product

import numpy as np
import pandas as pd

CONNECTORS = ("mlp-1", "mlp-4", "perceiver-4")
SAMPLINGS = ("uniform-8", "fps-2x8", "fps-4x8")
CATEGORIES = ("ocr", "egocentric", "spatial", "perception", "reasoning")


def study_table(
    connector: tuple[float, ...] = (-0.2, 0.05, 0.2),
    sampling: tuple[float, ...] = (-0.1, 0.0, 0.1),
    noise: float = 0.01,
    seeds: int = 2,
    sizes: tuple[int, ...] = (12_000, 41_000, 124_000),
    small: tuple[float, ...] | None = None,
    centre: float = 0.5,
    chance: float | None = 0.25,
    questions: int | None = 320,
    random_state: int = 0,
) -> pd.DataFrame:
    """Nine designs on two axes; `small` gives the connector's effects at the smallest size."""
    rng = np.random.default_rng(random_state)
    rows = []
    for size, seed in product(sizes, range(seeds)):
        effects = small if small is not None and size == min(sizes) else connector
        for (i, c), (j, s) in product(enumerate(CONNECTORS), enumerate(SAMPLINGS)):
            about = {
                "variant": f"{s} {c}",
                "size": size,
                "size_name": f"{size // 1000}K",
                "samples": 9600,
                "seed": seed,
                "sampling": s,
                "connector": c,
                "cost": 6.0 * size * 9600,
            }
            for category in CATEGORIES:
                score = centre + effects[i] + sampling[j] + rng.normal(0, noise)
                scored = {"benchmark": category, "measure": "accuracy", "score": score}
                rows.append(about | scored | {"se": 0.02, "n": questions, "chance": chance})
    return pd.DataFrame(rows)
