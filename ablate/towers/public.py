"""Facts of the published checkpoints.

Feature layer: the paper uses the penultimate hidden state, before any final norm, and drops the CLS
token (Sec. 4.2). So `layers` is one less than the published checkpoint has, and neither the last
layer, the final norm nor a pooling head is loaded, run or counted.
"""

from ablate.axes import Tower
from ablate.towers.shape import Triple, VitShape

HALF: Triple = (0.5, 0.5, 0.5)
IMAGENET_MEAN: Triple = (0.485, 0.456, 0.406)
IMAGENET_STD: Triple = (0.229, 0.224, 0.225)

# DINOv2 was trained at 518 pixels: its positions are resampled to 224 once, at loading.
PUBLIC: dict[Tower, VitShape] = {
    Tower.SIGLIP: VitShape(
        Tower.SIGLIP, video=False, image_size=384, patch=14, hidden=1152, layers=26, heads=16,
        intermediate=4304, mean=HALF, std=HALF, hub_id="google/siglip-so400m-patch14-384",
    ),
    Tower.DINOV2: VitShape(
        Tower.DINOV2, video=False, image_size=224, patch=14, hidden=1024, layers=23, heads=16,
        intermediate=4096, mean=IMAGENET_MEAN, std=IMAGENET_STD, prefix_tokens=1,
        layer_scale=True, hub_id="facebook/dinov2-large",
    ),
    Tower.VIDEOMAE: VitShape(
        Tower.VIDEOMAE, video=True, image_size=224, patch=16, hidden=1024, layers=23, heads=16,
        intermediate=4096, mean=IMAGENET_MEAN, std=IMAGENET_STD, tubelet=2, frames=16,
        learned_positions=False, attention_biases=3, hub_id="MCG-NJU/videomae-large",
    ),
    Tower.INTERNVIDEO2: VitShape(
        Tower.INTERNVIDEO2, video=True, image_size=224, patch=14, hidden=1408, layers=39, heads=16,
        intermediate=6144, mean=IMAGENET_MEAN, std=IMAGENET_STD, frames=4, any_length=True,
        prefix_tokens=1, attention_biases=1, layer_scale=True,
        hub_id="OpenGVLab/InternVideo2-Stage2_1B-224p-f4",
    ),
}  # fmt: skip
