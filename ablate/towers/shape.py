"""What a vision tower takes, gives and costs: grids, parameters and FLOPs in closed form."""

from dataclasses import dataclass, field
from pathlib import Path

from ablate.axes import Tower

WEIGHTS = Path(__file__).parents[1] / "models" / "weights"
"""Folder of the shipped weights of the tiny towers."""

Grid = tuple[int, int, int]
"""Tokens of a clip along time, height and width (T, H, W)."""
Triple = tuple[float, float, float]


@dataclass(frozen=True, kw_only=True)
class TowerShape:
    """One vision tower from outside: what it takes and what it gives."""

    name: Tower = field(kw_only=False)
    video: bool
    """Whether a clip's frames are seen together; an image tower sees each alone."""
    image_size: int
    """Pixels along a side of the square input."""
    patch: int
    """Pixels along a side of what becomes one token."""
    hidden: int
    """Width of the features (E)."""
    mean: Triple
    """Subtracted from pixels in [0, 1], by channel."""
    std: Triple
    """Divides them then, by channel."""
    tubelet: int = 1
    """Frames that make one step of the token grid."""
    frames: int | None = None
    """Frames of the clips a video tower was trained on; None for image towers."""
    any_length: bool = False
    """Whether it takes clips of any length, its positions interpolated or rotating; else `frames`
    is the most."""
    prefix_tokens: int = 0
    """Tokens before the patches (CLS), run but dropped from the features."""
    hub_id: str | None = None
    """Published checkpoint; None for weights that come inside a package."""
    file: str | None = None
    """The checkpoint's file, where it has not one of the usual names."""
    url: str | None = None
    """Where that file is published, if not on the hub."""

    @property
    def side(self) -> int:
        """Patches along a side of a frame."""
        return self.image_size // self.patch

    @property
    def weights_path(self) -> Path:
        """Where the shipped weights of a tiny tower lie."""
        return WEIGHTS / f"{self.name}.safetensors"

    def shipped(self) -> Path:
        """The file of weights that come inside a package.

        Raises:
            ValueError: it is missing.
        """
        if not self.weights_path.is_file():
            raise ValueError(
                f"{self.name}: no weights at {self.weights_path}; make them with `make encoders`"
            )
        return self.weights_path

    @property
    def trained_grid(self) -> Grid:
        """Patch tokens that the positions were trained for: of a clip, or of one frame."""
        return (self.frames or 1) // self.tubelet, self.side, self.side

    def check_clip(self, frames: int) -> None:
        """Refuse clips that the tower cannot take.

        Raises:
            ValueError: more frames than the video tower takes, or not a multiple of its tubelet.
        """
        if self.frames is not None and frames > self.frames and not self.any_length:
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
        raise NotImplementedError

    def forward_flops(self, frames: int) -> float:
        """FLOPs of one clip's forward pass: 2 per matrix weight and token, plus attention.

        Raises:
            ValueError: see `check_clip`.
        """
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class VitShape(TowerShape):
    """A vision transformer: patches, positions, then layers of attention and a two-layer MLP."""

    layers: int
    """Transformer layers that are run; the output of the last is the feature."""
    heads: int
    intermediate: int
    learned_positions: bool = True
    """Whether position embeddings are parameters, one for every token, prefix included."""
    patch_bias: bool = True
    attention_biases: int = 4
    """How many of query, key, value and output have a bias."""
    norm_vectors: int = 4
    """Weights and biases of a layer's norms, in vectors of the width."""
    layer_scale: bool = False
    """Whether each residual branch has a learned weight per channel."""
    outer_norms: int = 0
    """LayerNorms before the first layer, or after the last where the feature lies behind it."""

    @property
    def parameters(self) -> int:
        """Exact count of what is loaded and run."""
        h = self.hidden
        vectors = self._prefix_vectors + self.patch_bias + 2 * self.outer_norms
        if self.learned_positions:
            vectors += self._positions
        return self._patch_weights + vectors * h + self.layers * self._layer_parameters

    def forward_flops(self, frames: int) -> float:
        """FLOPs of one clip's forward pass: 2 per matrix weight and token, plus attention.

        Raises:
            ValueError: see `check_clip`.
        """
        steps, height, width = self.grid(frames)
        patches = steps * height * width
        sequences = 1 if self._sees_clips else steps
        tokens = patches // sequences + self.prefix_tokens
        layer = self._layer_weights * tokens + 2 * self.hidden * tokens * tokens
        return float(2 * (self._patch_weights * patches + self.layers * sequences * layer))

    @property
    def _sees_clips(self) -> bool:
        """Whether one attention reads all patches of a clip."""
        return self.video

    @property
    def _prefix_vectors(self) -> int:
        return self.prefix_tokens

    @property
    def _positions(self) -> int:
        steps, height, width = self.trained_grid
        return self.prefix_tokens + (steps if self._sees_clips else 1) * height * width

    @property
    def _patch_weights(self) -> int:
        return 3 * self.tubelet * self.patch**2 * self.hidden

    @property
    def _layer_weights(self) -> int:
        return 4 * self.hidden**2 + 2 * self.hidden * self.intermediate

    @property
    def _layer_parameters(self) -> int:
        vectors = self.attention_biases + self.norm_vectors + (2 if self.layer_scale else 0) + 1
        return self._layer_weights + vectors * self.hidden + self.intermediate


@dataclass(frozen=True, kw_only=True)
class DividedVitShape(VitShape):
    """Layers attend over time at every place first, then within each frame (LanguageBind-Video).

    Every frame has a CLS token of its own, and every layer its own embeddings of time.
    """

    def forward_flops(self, frames: int) -> float:
        """FLOPs of one clip's forward pass: 2 per matrix weight and token, plus attention.

        Raises:
            ValueError: see `check_clip`.
        """
        steps, height, width = self.grid(frames)
        places = height * width + self.prefix_tokens
        time = 4 * self.hidden**2 * steps + 2 * self.hidden * steps * steps
        return super().forward_flops(frames) + float(2 * self.layers * places * time)

    @property
    def _sees_clips(self) -> bool:
        return False

    @property
    def _prefix_vectors(self) -> int:
        return self.trained_grid[0] * self.prefix_tokens

    @property
    def _layer_parameters(self) -> int:
        time = 4 * self.hidden**2 + (4 + 2 + self.trained_grid[0]) * self.hidden
        return super()._layer_parameters + time


def fused_grid(grids: list[Grid]) -> Grid:
    """Per-axis maximum of the towers' grids, where all features meet (paper Sec. 4.2)."""
    steps, heights, widths = zip(*grids, strict=True)
    return max(steps), max(heights), max(widths)
