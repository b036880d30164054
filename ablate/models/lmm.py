"""The video-language model: splices a clip's tokens into a prompt and runs the language model."""

from collections.abc import Collection, Sequence
from typing import cast

import torch
from torch import nn
from transformers import PreTrainedModel

from ablate.axes import Stage
from ablate.models.encoders import VisionTower
from ablate.models.encoders.fusion import fuse
from ablate.models.integration import Separators
from ablate.tokens import CLIP_END, CLIP_START, VISUAL

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
    ) -> None:
        """Join parts that were built to fit.

        Args:
            encoders: towers by name, in the encoder's order.
            connector: (C, T, H, W, E) to (C, Q, D).
            separators: start and end embeddings, where the design has them.
            llm: a causal language model of transformers.
        """
        super().__init__()
        self.encoders = encoders
        self.connector = connector
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
        towers = zip(self._one_per_tower(pixels), self.encoders.values(), strict=True)
        return tuple(_at_least_one_clip(tower, clips) for clips, tower in towers)

    def forward(
        self,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor,
        features: Features,
        positions: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Logits of the next token.

        Args:
            input_ids: (B, S); the negative ids of `ablate.tokens` are placeholders.
            attention_mask: (B, S), 1 for tokens, then 0 for padding on the right.
            features: one (C, T, H, W, E_i) per tower; the clips in the order of their placeholders.
            positions: (B, S) bool; the head is run only there. None means everywhere.

        Returns:
            (B, S, V), or (N, V) for N positions in row-major order.

        Raises:
            ValueError: padding on the left, not one feature tensor per tower, or numbers of
                placeholders and visual tokens that differ.
        """
        if (attention_mask[:, 1:] > attention_mask[:, :-1]).any():
            raise ValueError("attention mask: padding must stand on the right")
        # Causal attention never sees padding on the right; without a mask the fast kernel runs.
        hidden = self.llm.model(
            inputs_embeds=self._embed(input_ids, features), use_cache=False
        ).last_hidden_state  # (B, S, D)
        return self.llm.lm_head(hidden if positions is None else hidden[positions])

    def parts(self) -> dict[str, list[nn.Parameter]]:
        """Parameters by trainable part; the separators belong to the connector."""
        separators = [] if self.separators is None else list(self.separators.parameters())
        return {
            "vision": list(self.encoders.parameters()),
            "connector": [*self.connector.parameters(), *separators],
            "llm": list(self.llm.parameters()),
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
        self.connector.train("connector" in parts)
        self.llm.train("llm" in parts)

    def _embed(self, input_ids: torch.Tensor, features: Features) -> torch.Tensor:
        """Embeddings (B, S, D) with every placeholder replaced."""
        x = self.llm.get_input_embeddings()(input_ids.clamp(min=0))  # (B, S, D)
        if self.separators is not None:
            x = self.separators.fill(x, input_ids)
        elif ((input_ids == CLIP_START) | (input_ids == CLIP_END)).any():
            raise ValueError("the prompt holds clip starts or ends, but the design has none")
        fused = fuse(self._one_per_tower(features))  # (C, T, H, W, E)
        visual = _at_least_one_clip(self.connector, fused).flatten(0, 1)  # (C*Q, D)
        slots = (input_ids == VISUAL).flatten().nonzero().squeeze(1)  # (C*Q,)
        if len(slots) != len(visual):
            raise ValueError(f"{len(slots)} visual placeholders but {len(visual)} visual tokens")
        return x.flatten(0, 1).index_copy(0, slots, visual.to(x.dtype)).view_as(x)

    def _one_per_tower(self, tensors: Sequence[torch.Tensor]) -> Sequence[torch.Tensor]:
        if len(tensors) != len(self.encoders):
            raise ValueError(f"{len(tensors)} clip tensors for {len(self.encoders)} vision towers")
        return tensors


def _at_least_one_clip(module: nn.Module, clips: torch.Tensor) -> torch.Tensor:
    """Run `module` on clips (C, ...), on a blank one whose output is cut away where there are none.

    So a batch of text alone gives every trainable parameter a gradient of zero instead of none, as
    optimisers and data-parallel training expect.
    """
    if len(clips):
        return module(clips)
    blank = torch.cat([clips, clips.new_zeros(1, *clips.shape[1:])])
    return module(blank)[:0]
