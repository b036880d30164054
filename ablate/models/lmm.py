"""The video-language model: splices a clip's tokens into a prompt and runs the language model."""

from collections.abc import Collection, Sequence, Sized
from typing import cast

import torch
from torch import nn
from transformers import PreTrainedModel

from ablate.axes import Stage
from ablate.models.encoders import VisionTower
from ablate.models.encoders.fusion import fuse
from ablate.models.integration import Separators
from ablate.tokens import CLIP_END, CLIP_START, PICTURE, VISUAL

Features = tuple[torch.Tensor, ...]
"""One (C, T, H, W, E_i) per tower, in the encoder's order."""


class VideoLMM(nn.Module):
    """Encoders, connector, token integration and language model."""

    def __init__(
        self,
        encoders: nn.ModuleDict,
        connector: nn.Module,
        separators: Separators | None,
        llm: PreTrainedModel,
        picture_connector: nn.Module | None = None,
    ) -> None:
        """Join parts that were built to fit.

        Args:
            encoders: towers by name, in the encoder's order.
            connector: (C, T, H, W, E) to (C, Q, D).
            separators: start and end embeddings, where the design has them.
            llm: a causal language model of transformers.
            picture_connector: of pictures alone, where they do not take the clips' path.
        """
        super().__init__()
        self.encoders = encoders
        self.connector = connector
        self.picture_connector = picture_connector
        self.separators = separators
        self.llm = llm

    @property
    def towers(self) -> list[VisionTower]:
        """The vision towers, in the encoder's order."""
        return cast(list[VisionTower], list(self.encoders.values()))

    def encode(self, pixels: Sequence[torch.Tensor]) -> Features:
        """Features of clips.

        Args:
            pixels: one (C, F, 3, S, S) per tower, values from 0 to 255.

        Raises:
            ValueError: not one tensor per tower, or clips that a tower cannot take.
        """
        return _encode(self.towers, pixels)

    def encode_pictures(self, pixels: Sequence[torch.Tensor]) -> Features:
        """Features of pictures that do not take the clips' path, as `encode`.

        Args:
            pixels: one (C, 1, 3, S, S) per image tower, values from 0 to 255.

        Raises:
            ValueError: not one tensor per image tower.
        """
        return _encode([tower for tower in self.towers if not tower.shape.video], pixels)

    def forward(
        self,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor,
        features: Features | None,
        positions: torch.Tensor | None = None,
        pictures: Features | None = None,
        *,
        pixels: Sequence[torch.Tensor] | None = None,
        picture_pixels: Sequence[torch.Tensor] | None = None,
    ) -> torch.Tensor:
        """Logits of the next token.

        Args:
            input_ids: (B, S); the negative ids of `ablate.tokens` are placeholders.
            attention_mask: (B, S), 1 for tokens, then 0 for padding on the right.
            features: one (C, T, H, W, E_i) per tower; the clips in the order of their placeholders.
                None where `pixels` are given.
            positions: (B, S) bool; the head is run only there. None means everywhere.
            pictures: one (C, 1, H, W, E_i) per image tower of the pictures that do not take the
                clips' path, in the order of their placeholders; None where there are none.
            pixels: what `encode` takes, instead of `features`.
            picture_pixels: what `encode_pictures` takes, instead of `pictures`.

        Returns:
            (B, S, V), or (N, V) for N positions in row-major order.

        Raises:
            ValueError: padding on the left, not one feature tensor per tower, or numbers of
                placeholders and visual tokens that differ.
        """
        if (attention_mask[:, 1:] > attention_mask[:, :-1]).any():
            raise ValueError("attention mask: padding must stand on the right")
        if pixels is not None:
            features = self.encode(pixels)
        if picture_pixels is not None:
            pictures = self.encode_pictures(picture_pixels)
        # Causal attention never sees padding on the right; without a mask the fast kernel runs.
        hidden = self.llm.model(
            inputs_embeds=self._embed(input_ids, features, pictures), use_cache=False
        ).last_hidden_state  # (B, S, D)
        return self.llm.lm_head(hidden if positions is None else hidden[positions])

    def parts(self) -> dict[str, list[nn.Parameter]]:
        """Parameters by trainable part; all that connects belongs to the connector."""
        return {
            part: [parameter for module in modules for parameter in module.parameters()]
            for part, modules in self._modules_by_part().items()
        }

    def named(self, parts: Collection[str]) -> dict[str, torch.Tensor]:
        """Weights of some parts by name: parameters, and what norms remember of their inputs.

        One that has two names has the first.
        """
        modules = [one for part in parts for one in self._modules_by_part()[part]]
        wanted = {id(value) for one in modules for value in (*one.parameters(), *one.buffers())}
        kept = self.state_dict().keys()
        found = (*self.named_parameters(), *self.named_buffers())
        return {name: value for name, value in found if id(value) in wanted and name in kept}

    def _modules_by_part(self) -> dict[str, list[nn.Module]]:
        connecting = (self.connector, self.separators, self.picture_connector)
        return {
            "vision": [self.encoders],
            "connector": [module for module in connecting if module is not None],
            "llm": [self.llm],
        }

    def train_only(self, parts: Collection[str]) -> None:
        """Make these parts learn; the others are frozen and in evaluation mode.

        Raises:
            ValueError: no such part.
        """
        if unknown := sorted(set(parts) - set(Stage.PARTS)):
            raise ValueError(f"unknown part {unknown[0]!r}; choose from {', '.join(Stage.PARTS)}")
        for part, parameters in self.parts().items():
            for parameter in parameters:
                parameter.requires_grad_(part in parts)
        self.encoders.train("vision" in parts)
        for module in (self.connector, self.picture_connector):
            if module is not None:
                module.train("connector" in parts)
        self.llm.train("llm" in parts)

    def _embed(
        self, input_ids: torch.Tensor, features: Features | None, pictures: Features | None
    ) -> torch.Tensor:
        """Embeddings (B, S, D) with every placeholder replaced."""
        x = self.llm.get_input_embeddings()(input_ids.clamp(min=0))  # (B, S, D)
        if self.separators is not None:
            x = self.separators.fill(x, input_ids)
        elif ((input_ids == CLIP_START) | (input_ids == CLIP_END)).any():
            raise ValueError("the prompt holds clip starts or ends, but the design has none")
        features = features or ()
        _require_one_per_tower(features, self.encoders)
        x = _splice(x, input_ids == VISUAL, self.connector, fuse(features))
        if pictures is None or self.picture_connector is None:
            if (input_ids == PICTURE).any():
                raise ValueError("the prompt holds pictures apart, but none were given")
            return x
        return _splice(x, input_ids == PICTURE, self.picture_connector, fuse(pictures))


def _encode(towers: Sequence[nn.Module], pixels: Sequence[torch.Tensor]) -> Features:
    _require_one_per_tower(pixels, towers)
    return tuple(
        _at_least_one_clip(tower, clips) for clips, tower in zip(pixels, towers, strict=True)
    )


def _require_one_per_tower(tensors: Sized, towers: Sized) -> None:
    if len(tensors) != len(towers):
        raise ValueError(f"{len(tensors)} clip tensors for {len(towers)} vision towers")


def _splice(
    x: torch.Tensor, here: torch.Tensor, connector: nn.Module, fused: torch.Tensor
) -> torch.Tensor:
    """Put a connector's tokens of clips (C, T, H, W, E) into embeddings (B, S, D) where `here`."""
    fused = fused.to(next(connector.parameters()).dtype)
    visual = _at_least_one_clip(connector, fused).flatten(0, 1)  # (C*Q, D)
    slots = here.flatten().nonzero().squeeze(1)  # (C*Q,)
    if len(slots) != len(visual):
        raise ValueError(f"{len(slots)} visual placeholders but {len(visual)} visual tokens")
    return x.flatten(0, 1).index_copy(0, slots, visual.to(x.dtype)).view_as(x)


def _at_least_one_clip(module: nn.Module, clips: torch.Tensor) -> torch.Tensor:
    """Run `module` on clips (C, ...), on a blank one whose output is cut away where there are none.

    So a batch of text alone gives every trainable parameter a gradient of zero instead of none, as
    optimisers and data-parallel training expect.
    """
    if len(clips):
        return module(clips)
    blank = torch.cat([clips, clips.new_zeros(1, *clips.shape[1:])])
    return module(blank)[:0]
