"""What a model is fed: its tokenizer, and how its towers see media."""

import dataclasses
from pathlib import Path

from ablate.axes import Sampling
from ablate.data.cache import ArrayCache
from ablate.data.chat import ChatTokenizer
from ablate.data.features import TowerInput
from ablate.data.frames import view_of
from ablate.data.tokenizer import ClosedTokenizer, Tokenizer
from ablate.data.viewer import Viewer
from ablate.encoders import Path as TowerPath
from ablate.encoders import clip_path, picture_path
from ablate.models.encoders import VisionTower
from ablate.models.language import find_tokenizer
from ablate.models.lmm import VideoLMM
from ablate.spec import Design, Init, Size


def tokenizer_of(size: Size, init: Init, weights: str | None) -> Tokenizer:
    """The published language model's own; fresh ones learn the closed vocabulary.

    Args:
        size: the row.
        init: where its first weights come from.
        weights: folder that mirrors hub ids; None to ask the hub.
    """
    found = find_tokenizer(size, weights, published=init is Init.PRETRAINED)
    return ClosedTokenizer() if found is None else ChatTokenizer(found)


def viewer_of(
    design: Design, size: Size, model: VideoLMM, sampling: Sampling, cache: Path
) -> Viewer:
    """How a model looks at media; towers that are trained get pixels instead of kept features.

    Args:
        design: of the model.
        size: its row.
        model: whose towers these are, as their weights are now.
        sampling: of the design, or of the evaluation protocol.
        cache: folder that keeps frames and features.
    """
    design, trains = dataclasses.replace(design, sampling=sampling), design.schedule.trains_vision
    clips, pictures = clip_path(design, size), picture_path(design, size)

    def seen_by(tower: VisionTower, path: TowerPath) -> TowerInput:
        grid, weights = tower.shape.grid(path.frames), None if trains else tower.fingerprint()
        return TowerInput(view_of(tower.shape), grid, tower.shape.hidden, weights)

    inputs = [seen_by(tower, clips) for tower in model.towers]
    apart = None
    if pictures is not None:
        apart = {
            at: seen_by(tower, pictures)
            for at, tower in enumerate(model.towers)
            if not tower.shape.video
        }
    return Viewer(sampling, inputs, ArrayCache(cache), frozen=not trains, apart=apart)
