"""Facts of the published checkpoints.

Feature layer: the paper uses the penultimate hidden state, before any final norm, and drops the CLS
token (Sec. 4.2). So `layers` is one less than the published checkpoint has, and neither the last
layer, the final norm nor a pooling head is loaded, run or counted. Of V-JEPA and V-JEPA 2 the final
output is used, behind the last norm.
"""

from ablate.axes import Tower
from ablate.towers.shape import DividedVitShape, Triple, VitShape

HALF: Triple = (0.5, 0.5, 0.5)
IMAGENET_MEAN: Triple = (0.485, 0.456, 0.406)
IMAGENET_STD: Triple = (0.229, 0.224, 0.225)
CLIP_MEAN: Triple = (0.48145466, 0.4578275, 0.40821073)
CLIP_STD: Triple = (0.26862954, 0.26130258, 0.27577711)

# DINOv2 was trained at 518 pixels: its positions are resampled to 224 once, at loading.
PUBLIC: dict[Tower, VitShape] = {
    Tower.SIGLIP: VitShape(
        Tower.SIGLIP, video=False, image_size=384, patch=14, hidden=1152, layers=26, heads=16,
        intermediate=4304, mean=HALF, std=HALF, hub_id="google/siglip-so400m-patch14-384",
    ),
    Tower.CLIP: VitShape(
        Tower.CLIP, video=False, image_size=336, patch=14, hidden=1024, layers=23, heads=16,
        intermediate=4096, mean=CLIP_MEAN, std=CLIP_STD, prefix_tokens=1, patch_bias=False,
        outer_norms=1, hub_id="openai/clip-vit-large-patch14-336",
    ),
    Tower.DINOV2: VitShape(
        Tower.DINOV2, video=False, image_size=224, patch=14, hidden=1024, layers=23, heads=16,
        intermediate=4096, mean=IMAGENET_MEAN, std=IMAGENET_STD, prefix_tokens=1,
        layer_scale=True, hub_id="facebook/dinov2-large",
    ),
    Tower.LANGUAGEBIND_IMAGE: VitShape(
        Tower.LANGUAGEBIND_IMAGE, video=False, image_size=224, patch=14, hidden=1024, layers=23,
        heads=16, intermediate=4096, mean=CLIP_MEAN, std=CLIP_STD, prefix_tokens=1,
        patch_bias=False, outer_norms=1, hub_id="LanguageBind/LanguageBind_Image",
    ),
    Tower.VIDEOMAE: VitShape(
        Tower.VIDEOMAE, video=True, image_size=224, patch=16, hidden=1024, layers=23, heads=16,
        intermediate=4096, mean=IMAGENET_MEAN, std=IMAGENET_STD, tubelet=2, frames=16,
        learned_positions=False, attention_biases=3, hub_id="MCG-NJU/videomae-large",
    ),
    Tower.VJEPA: VitShape(
        Tower.VJEPA, video=True, image_size=384, patch=16, hidden=1280, layers=32, heads=16,
        intermediate=5120, mean=IMAGENET_MEAN, std=IMAGENET_STD, tubelet=2, frames=16,
        any_length=True, learned_positions=False, outer_norms=1, hub_id="facebookresearch/jepa",
        file="vith16-384.pth.tar",
        url="https://dl.fbaipublicfiles.com/jepa/vith16-384/vith16-384.pth.tar",
    ),
    Tower.VJEPA2: VitShape(
        Tower.VJEPA2, video=True, image_size=256, patch=16, hidden=1280, layers=32, heads=16,
        intermediate=5120, mean=IMAGENET_MEAN, std=IMAGENET_STD, tubelet=2, frames=64,
        any_length=True, learned_positions=False, outer_norms=1,
        hub_id="facebook/vjepa2-vith-fpc64-256",
    ),
    Tower.LANGUAGEBIND_VIDEO: DividedVitShape(
        Tower.LANGUAGEBIND_VIDEO, video=True, image_size=224, patch=14, hidden=1024, layers=23,
        heads=16, intermediate=4096, mean=CLIP_MEAN, std=CLIP_STD, frames=8, prefix_tokens=1,
        patch_bias=False, outer_norms=1, hub_id="LanguageBind/LanguageBind_Video_V1.5_FT",
    ),
    Tower.INTERNVIDEO2: VitShape(
        Tower.INTERNVIDEO2, video=True, image_size=224, patch=14, hidden=1408, layers=39, heads=16,
        intermediate=6144, mean=IMAGENET_MEAN, std=IMAGENET_STD, frames=4, any_length=True,
        prefix_tokens=1, attention_biases=1, layer_scale=True,
        hub_id="OpenGVLab/InternVideo2-Stage2_1B-224p-f4",
        file="InternVideo2-stage2_1b-224p-f4.pt",
    ),
}  # fmt: skip
