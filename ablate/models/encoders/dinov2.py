"""DINOv2: image tower, self-supervised (arXiv 2304.07193)."""

from transformers import Dinov2Config, Dinov2Model

from ablate.axes import Tower
from ablate.models.encoders.published import Published
from ablate.models.encoders.tower import ENCODERS, ImageTower
from ablate.towers import VitShape


@ENCODERS.register(Tower.DINOV2)
class Dinov2(ImageTower):
    """DINOv2's vision transformer; the CLS token is run and dropped."""

    published = Published(
        layers="encoder.layer",
        stem={
            "embeddings.cls_token": "embeddings.cls_token",
            "embeddings.position_embeddings": "embeddings.position_embeddings",
            "embeddings.patch_embeddings": "embeddings.patch_embeddings",
        },
        unused=("embeddings.mask_token", "layernorm"),
        renamed={
            "attention.attention.query": "attention.q_proj",
            "attention.attention.key": "attention.k_proj",
            "attention.attention.value": "attention.v_proj",
            "attention.output.dense": "attention.o_proj",
        },
        positions="embeddings.position_embeddings",
    )

    def __init__(self, shape: VitShape) -> None:
        """Build with fresh weights."""
        model = Dinov2Model(vision_config(shape))
        super().__init__(shape, model.embeddings, model.encoder.layer)


def vision_config(shape: VitShape, *, mask_token: bool = False) -> Dinov2Config:
    """Configuration of the transformers class for this shape; only pre-training masks."""
    return Dinov2Config(
        hidden_size=shape.hidden, mlp_ratio=shape.intermediate // shape.hidden,
        num_hidden_layers=shape.layers, num_attention_heads=shape.heads,
        image_size=shape.image_size, patch_size=shape.patch,
        use_mask_token=mask_token,
    )  # fmt: skip
