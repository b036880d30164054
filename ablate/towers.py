"""Architecture facts of the vision towers, public and tiny, and what is counted from them.

Standard library only, so that the plan counts parameters, tokens and FLOPs without loading torch.

Feature layer: the paper uses the penultimate hidden state, before any final norm, and drops the CLS
token (Sec. 4.2). So `layers` is one less than the published checkpoint has, and neither the last
layer, the final norm nor a pooling head is loaded, run or counted. The tiny siblings are trained
under further layers that belong to their objective and are left behind in the same way.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from ablate.axes import Tower

WEIGHTS = Path(__file__).parent / "models" / "weights"
"""Folder of the shipped weights of the tiny towers."""

Grid = tuple[int, int, int]
"""Tokens of a clip along time, height and width (T, H, W)."""
Triple = tuple[float, float, float]

_HALF: Triple = (0.5, 0.5, 0.5)
_IMAGENET_MEAN: Triple = (0.485, 0.456, 0.406)
_IMAGENET_STD: Triple = (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class TowerShape:
    """One vision tower: what it takes, what it gives and how large it is."""

    name: Tower
    video: bool
    """Whether a clip's frames are seen together; an image tower sees each alone."""
    image_size: int
    """Pixels along a side of the square input."""
    patch: int
    hidden: int
    """Width of the features (E)."""
    layers: int
    """Transformer layers that are run; the output of the last is the feature."""
    heads: int
    intermediate: int
    mean: Triple
    """Subtracted from pixels in [0, 1], by channel."""
    std: Triple
    """Divides them then, by channel."""
    tubelet: int = 1
    """Frames that make one step of the token grid."""
    frames: int | None = None
    """Most frames of a clip a video tower takes; None for image towers."""
    prefix_tokens: int = 0
    """Tokens before the patches (CLS), run but dropped from the features."""
    learned_positions: bool = True
    """Whether position embeddings are parameters, one for every token, prefix included."""
    attention_biases: int = 4
    """How many of query, key, value and output have a bias."""
    layer_scale: bool = False
    """Whether each residual branch has a learned weight per channel."""
    hub_id: str | None = None
    """Published checkpoint; None for the tiny siblings."""

    @property
    def side(self) -> int:
        """Patches along a side of a frame."""
        return self.image_size // self.patch

    @property
    def weights_path(self) -> Path:
        """Where the shipped weights of a tiny tower lie."""
        return WEIGHTS / f"{self.name}.safetensors"

    def check_clip(self, frames: int) -> None:
        """Refuse clips that the tower cannot take.

        Raises:
            ValueError: more frames than the video tower takes, or not a multiple of its tubelet.
        """
        if self.frames is not None and frames > self.frames:
            raise ValueError(
                f"{self.name}: clips of {frames} frames; it takes at most {self.frames} a clip"
            )
        if frames % self.tubelet:
            raise ValueError(
                f"{self.name}: clips of {frames} frames; it takes multiples of {self.tubelet}"
            )

    def grid(self, frames: int) -> Grid:
        """Patch tokens (T, H, W) of a clip of `frames` frames.

        Raises:
            ValueError: see `check_clip`.
        """
        self.check_clip(frames)
        return frames // self.tubelet, self.side, self.side

    @property
    def parameters(self) -> int:
        """Exact count of what is loaded and run."""
        h = self.hidden
        positions = (self.prefix_tokens + self.side**2) * h if self.learned_positions else 0
        biases = self.attention_biases * h + self.intermediate + h
        norms_and_scales = (6 if self.layer_scale else 4) * h
        layer = self._layer_weights + biases + norms_and_scales
        stem = self._patch_weights + h + self.prefix_tokens * h + positions
        return stem + self.layers * layer

    def forward_flops(self, frames: int) -> float:
        """FLOPs of one clip's forward pass: 2 per matrix weight and token, plus attention.

        Raises:
            ValueError: see `check_clip`.
        """
        steps, height, width = self.grid(frames)
        sequences, patches = (1, steps * height * width) if self.video else (steps, height * width)
        tokens = patches + self.prefix_tokens
        weights = patches * self._patch_weights + tokens * self.layers * self._layer_weights
        attention = 4 * self.layers * self.hidden * tokens * tokens
        return float(sequences * (2 * weights + attention))

    @property
    def _patch_weights(self) -> int:
        return 3 * self.tubelet * self.patch**2 * self.hidden

    @property
    def _layer_weights(self) -> int:
        return 4 * self.hidden**2 + 2 * self.hidden * self.intermediate


# DINOv2 was trained at 518 pixels: its positions are resampled to 224 once, at loading.
PUBLIC: dict[Tower, TowerShape] = {
    Tower.SIGLIP: TowerShape(
        Tower.SIGLIP, video=False, image_size=384, patch=14, hidden=1152, layers=26, heads=16,
        intermediate=4304, mean=_HALF, std=_HALF, hub_id="google/siglip-so400m-patch14-384",
    ),
    Tower.DINOV2: TowerShape(
        Tower.DINOV2, video=False, image_size=224, patch=14, hidden=1024, layers=23, heads=16,
        intermediate=4096, mean=_IMAGENET_MEAN, std=_IMAGENET_STD, prefix_tokens=1,
        layer_scale=True, hub_id="facebook/dinov2-large",
    ),
    Tower.VIDEOMAE: TowerShape(
        Tower.VIDEOMAE, video=True, image_size=224, patch=16, hidden=1024, layers=23, heads=16,
        intermediate=4096, mean=_IMAGENET_MEAN, std=_IMAGENET_STD, tubelet=2, frames=16,
        learned_positions=False, attention_biases=3, hub_id="MCG-NJU/videomae-large",
    ),
}  # fmt: skip

# Siblings of the same classes and objectives for 32-pixel frames.
TINY: dict[Tower, TowerShape] = {
    Tower.SIGLIP: TowerShape(
        Tower.SIGLIP, video=False, image_size=32, patch=4, hidden=48, layers=3, heads=3,
        intermediate=96, mean=_HALF, std=_HALF,
    ),
    Tower.DINOV2: TowerShape(
        Tower.DINOV2, video=False, image_size=32, patch=8, hidden=48, layers=2, heads=3,
        intermediate=96, mean=_IMAGENET_MEAN, std=_IMAGENET_STD, prefix_tokens=1, layer_scale=True,
    ),
    Tower.VIDEOMAE: TowerShape(
        Tower.VIDEOMAE, video=True, image_size=32, patch=8, hidden=48, layers=2, heads=3,
        intermediate=96, mean=_IMAGENET_MEAN, std=_IMAGENET_STD, tubelet=2, frames=4,
        learned_positions=False, attention_biases=3,
    ),
}  # fmt: skip


def tower_shape(tower: Tower, tiny: bool) -> TowerShape:
    """Facts of `tower`: its tiny sibling where the size row asks for those, else the public one."""
    return (TINY if tiny else PUBLIC)[tower]


def fused_grid(grids: list[Grid]) -> Grid:
    """Per-axis maximum of the towers' grids, where all features meet (paper Sec. 4.2)."""
    steps, heights, widths = zip(*grids, strict=True)
    return max(steps), max(heights), max(widths)


def weights_hash(tower: Tower) -> str:
    """First sixteen digits of the SHA-256 of the tiny tower's shipped weights, for ids and keys.

    Raises:
        ValueError: the file is missing.
    """
    path = TINY[tower].weights_path
    if not path.is_file():
        raise ValueError(f"{tower}: no weights at {path}; make them with `make encoders`")
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]
