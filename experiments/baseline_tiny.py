"""CPU counterparts of the paper's defaults, for the rows that are trained from scratch.

Eight frames a video at every rate: levels differ in where frames lie, not in how many they are.
"""

from ablate.axes import Connector, ConnectorKind, Fps, Mixture, Uniform
from ablate.spec import Design
from experiments.baseline import JOINT, PLAIN, SIGLIP_INTERNVIDEO2

SAMPLES = 3_200
RATES = (4, 2, 1, 0.5)
TOKENS_PER_FRAME = (16, 4, 1)


def at_rate(fps: float) -> Fps:
    """Two clips of 4 frames at this rate."""
    return Fps(fps, frames_per_clip=4, max_clips=2)


def mlp(tokens_per_frame: int) -> Connector:
    """The pooling MLP with so many tokens a frame."""
    return Connector(ConnectorKind.MLP, tokens_per_frame)


FPS_2, FPS_1 = at_rate(2), at_rate(1)
UNIFORM_8 = Uniform(frames=8)

VIDEO_HEAVY = Mixture(text=5, image=10, multi_image=5, video=80)

BASE = Design(
    sampling=FPS_2,
    encoder=SIGLIP_INTERNVIDEO2,
    connector=mlp(4),
    integration=PLAIN,
    schedule=JOINT,
    mixture=VIDEO_HEAVY,
)
