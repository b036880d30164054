"""Learned embeddings that enclose the visual tokens of a clip (paper Sec. 4.4)."""

import torch
from torch import nn

from ablate.tokens import CLIP_END, CLIP_START


class Separators(nn.Module):
    """One embedding before and one after every clip; trained with the connector."""

    def __init__(self, llm_hidden: int) -> None:
        """Build with fresh weights."""
        super().__init__()
        self.embedding = nn.Embedding(2, llm_hidden)

    def fill(self, embeddings: torch.Tensor, input_ids: torch.Tensor) -> torch.Tensor:
        """Replace the embeddings (B, S, D) of clip starts and ends in `input_ids` (B, S)."""
        for row, placeholder in enumerate((CLIP_START, CLIP_END)):
            here = (input_ids == placeholder).unsqueeze(-1)  # (B, S, 1)
            value = self.embedding.weight[row].to(embeddings.dtype)
            embeddings = torch.where(here, value, embeddings)
        return embeddings
