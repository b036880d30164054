"""Pre-trains all tiny towers, or those that are named; writes weights with a report beside."""

import json
import sys
import time

import torch
from safetensors.torch import save

from ablate.axes import Tower
from ablate.models.encoders import build_tower
from ablate.models.pretrain import images, language, narration, videos
from ablate.models.pretrain.probe import probe
from ablate.towers import TINY, weights_hash

SEED = 0
OBJECTIVES = {
    Tower.SIGLIP: language,
    Tower.DINOV2: images,
    Tower.VIDEOMAE: videos,
    Tower.INTERNVIDEO2: narration,
}


def make(tower: Tower) -> None:
    """Train one tower, probe it before and after, write `<tower>.safetensors` and `.json`."""
    objective, shape = OBJECTIVES[tower], TINY[tower]
    torch.manual_seed(SEED)
    built = build_tower(shape).eval()
    random = probe(built)
    print(f"{tower}: {shape.parameters:,} parameters; random weights: {random}", flush=True)
    start = time.perf_counter()
    curve = objective.pretrain(built.train())
    trained = probe(built.eval())
    print(f"{tower}: after {time.perf_counter() - start:.0f} s: {trained}", flush=True)
    shape.weights_path.parent.mkdir(exist_ok=True)
    # Half precision: the files travel with the package.
    weights = {name: value.half().contiguous() for name, value in built.state_dict().items()}
    shape.weights_path.write_bytes(save(weights))
    report = {
        "command": f"python -m ablate.models.pretrain {tower}",
        "objective": str(objective.__doc__).splitlines()[0],
        "seed": SEED,
        "torch": torch.__version__,
        "parameters": shape.parameters,
        "steps": objective.STEPS,
        "batch": objective.BATCH,
        "rate": objective.RATE,
        "scenes": objective.SCENES,
        "seconds": round(time.perf_counter() - start),
        "loss": curve,
        "probe": trained,
        "probe_random": random,
        "weights": weights_hash(tower),
    }
    shape.weights_path.with_suffix(".json").write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    torch.set_num_threads(1)
    for named in sys.argv[1:] or TINY:
        make(Tower(named))
