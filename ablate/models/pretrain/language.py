"""SigLIP's sibling: sigmoid loss between regions of a frame and short phrases (arXiv 2303.15343).

SigLIP compares whole images with whole captions. Here every caption names one thing and where it
is, and the named place says which patches are compared with the rest of the phrase: "red ring
northwest" pulls the patches of the north-west quarter towards "red ring", "red" and "ring", and
those of the other quarters away. So patch features stay local, as connectors need them, and
thousands of frames suffice.
"""

from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional
from transformers import SiglipTextConfig, SiglipTextModel

from ablate.models.encoders.tower import VisionTower
from ablate.models.pretrain import footage
from ablate.models.pretrain.loop import fit, noisy, spread_penalty

SCENES, BATCH, STEPS, RATE = 5000, 32, 2500, 5e-3
WIDTH = 64
"""Of the space in which regions and phrases meet."""
FIRST_SCALE, FIRST_BIAS = 20.0, -8.0
"""Logit = scale * cosine + bias, both learned, close to SigLIP's 10 and -10 at first."""

MOVING = ("ball",)
QUARTERS = ("northwest", "northeast", "southwest", "southeast")
NINTHS = (
    "northwest", "north", "northeast", "west", "centre", "east", "southwest", "south", "southeast",
)  # fmt: skip


def pretrain(tower: VisionTower) -> list[float]:
    """Train a tower in place; returns its loss curve."""
    data = footage.stills(range(SCENES))
    vocabulary = phrases_by_region(data.phrases)
    true = [truths(told, vocabulary) for told in data.phrases]
    labels = [torch.stack(of_kind) for of_kind in zip(*true, strict=True)]
    regions = [region.flatten(1) for region in region_masks(tower.shape.side)]
    head = Head(tower.shape.hidden, [phrase for group in vocabulary for phrase in group])

    def loss_of_batch() -> torch.Tensor:
        chosen = torch.randint(len(data.frames), (BATCH,))
        features = tower(noisy(data.frames[chosen].unsqueeze(1))).flatten(1, 3)  # (B, P, E)
        logits = head(features, torch.cat(regions))  # (B, R, phrases)
        blocks = _blocks(logits, [len(kind) for kind in regions], [len(v) for v in vocabulary])
        losses = [
            functional.binary_cross_entropy_with_logits(block, label[chosen], reduction="sum")
            for block, label in zip(blocks, labels, strict=True)
        ]
        return sum(losses) / BATCH + spread_penalty(features)

    return fit([*tower.parameters(), *head.parameters()], loss_of_batch, steps=STEPS, rate=RATE)


class Head(nn.Module):
    """Projection of the regions and the text tower of the phrases; both are left behind."""

    def __init__(self, width_in: int, phrases: Sequence[str]) -> None:
        """Spell the phrases with a vocabulary of their own words."""
        super().__init__()
        self.norm, self.project = nn.LayerNorm(width_in), nn.Linear(width_in, WIDTH)
        words = sorted({word for phrase in phrases for word in phrase.split()})
        spelled = [[words.index(word) + 1 for word in phrase.split()] for phrase in phrases]
        length = max(map(len, spelled))
        # Padded on the left: the text tower reads its sentence off the last position.
        self.ids = nn.Buffer(torch.tensor([[0] * (length - len(ids)) + ids for ids in spelled]))
        self.text = SiglipTextModel(
            SiglipTextConfig(
                vocab_size=len(words) + 1, hidden_size=WIDTH, intermediate_size=2 * WIDTH,
                num_hidden_layers=1, num_attention_heads=4, max_position_embeddings=length,
                projection_size=WIDTH, bos_token_id=None, eos_token_id=None,
            )
        )  # fmt: skip
        self.log_scale = nn.Parameter(torch.tensor(FIRST_SCALE).log())
        self.bias = nn.Parameter(torch.tensor(FIRST_BIAS))

    def forward(self, features: torch.Tensor, regions: torch.Tensor) -> torch.Tensor:
        """Logits (B, R, phrases) of features (B, P, E) and regions (R, P) that average patches."""
        seen = functional.normalize(regions @ self.project(self.norm(features)), dim=-1)
        read = functional.normalize(self.text(input_ids=self.ids).pooler_output, dim=-1)
        return self.log_scale.exp() * seen @ read.T + self.bias


def phrases_by_region(told: Sequence[tuple[str, ...]]) -> tuple[list[str], list[str], list[str]]:
    """All phrases without their places: of things, of what moves, of the whole frame.

    A thing is also named by each of its words alone, which teaches words before their combinations.
    """
    things, whole = set(), set()
    for phrase in {phrase for phrases in told for phrase in phrases}:
        *name, last = phrase.split()
        if last not in NINTHS:
            whole.add(phrase)
        elif name[0] not in MOVING:
            things |= {" ".join(name), *name}
    return sorted(things), list(MOVING), sorted(whole)


def truths(
    told: Sequence[str], vocabulary: tuple[list[str], list[str], list[str]]
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Which phrases are true of which region of a frame: (4, things), (9, moving), (1, whole)."""
    things, moving, whole = vocabulary
    labels = torch.zeros(4, len(things)), torch.zeros(9, len(moving)), torch.zeros(1, len(whole))
    for phrase in told:
        *name, last = phrase.split()
        if last not in NINTHS:
            labels[2][0, whole.index(phrase)] = 1
        elif name[0] in MOVING:
            labels[1][NINTHS.index(last), moving.index(name[0])] = 1
        else:
            for known in (" ".join(name), *name):
                labels[0][QUARTERS.index(last), things.index(known)] = 1
    return labels


def region_masks(side: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Averages over patches (side, side): of quarters (4, ...), ninths (9, ...), all (1, ...)."""

    def cells(parts: int) -> torch.Tensor:
        at = ((torch.arange(side) + 0.5) * parts / side).long()
        mask = functional.one_hot(at[:, None] * parts + at, parts * parts).movedim(-1, 0).float()
        return mask / mask.sum(dim=(1, 2), keepdim=True)

    return cells(2), cells(3), cells(1)


def _blocks(logits: torch.Tensor, rows: list[int], columns: list[int]) -> list[torch.Tensor]:
    """The diagonal blocks of (B, rows, columns): regions meet the phrases of their kind."""
    return [part.split(columns, dim=2)[kind] for kind, part in enumerate(logits.split(rows, dim=1))]
