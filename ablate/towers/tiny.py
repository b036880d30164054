"""Facts of the tiny siblings: the same classes and objectives for 32-pixel frames.

They are trained under further layers that belong to their objective and are left behind, as the
last layer of a published checkpoint is.
"""

from ablate.axes import Tower
from ablate.towers.public import HALF, IMAGENET_MEAN, IMAGENET_STD
from ablate.towers.shape import VitShape

TINY: dict[Tower, VitShape] = {
    Tower.SIGLIP: VitShape(
        Tower.SIGLIP, video=False, image_size=32, patch=4, hidden=48, layers=3, heads=3,
        intermediate=96, mean=HALF, std=HALF,
    ),
    Tower.DINOV2: VitShape(
        Tower.DINOV2, video=False, image_size=32, patch=8, hidden=48, layers=2, heads=3,
        intermediate=96, mean=IMAGENET_MEAN, std=IMAGENET_STD, prefix_tokens=1, layer_scale=True,
    ),
    Tower.VIDEOMAE: VitShape(
        Tower.VIDEOMAE, video=True, image_size=32, patch=8, hidden=48, layers=2, heads=3,
        intermediate=96, mean=IMAGENET_MEAN, std=IMAGENET_STD, tubelet=2, frames=4,
        learned_positions=False, attention_biases=3,
    ),
    # Unlike the published model it takes frames in pairs: at two layers a difference that is not
    # there in the first tokens is not found.
    Tower.INTERNVIDEO2: VitShape(
        Tower.INTERNVIDEO2, video=True, image_size=32, patch=8, hidden=48, layers=2, heads=3,
        intermediate=96, mean=IMAGENET_MEAN, std=IMAGENET_STD, tubelet=2, frames=4,
        prefix_tokens=1, layer_scale=True, attention_biases=1,
    ),
}  # fmt: skip
