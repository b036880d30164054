"""Which vision towers, alone and in pairs of one for pictures and one for video?

Hypothesis: language-supervised towers beat self-supervised ones, and a pair beats each tower of it
(paper Sec. 4.2, Fig. 5, Table 9). Tokens a second are equal throughout.
"""

from ablate.axes import Encoder, Tower
from ablate.grid import Comparison, Grid, Study
from ablate.towers import PUBLIC, TINY
from experiments import baseline_paper as paper
from experiments import baseline_tiny as tiny

PAPER = (
    Tower.DINOV2, Tower.LANGUAGEBIND_IMAGE, Tower.SIGLIP, Tower.VIDEOMAE, Tower.VJEPA,
    Tower.LANGUAGEBIND_VIDEO, Tower.INTERNVIDEO2,
)  # fmt: skip
"""The towers of Table 9 in its order."""


def encoders(towers: tuple[Tower, ...]) -> tuple[Encoder, ...]:
    """Every tower alone, and every image tower with every video tower."""
    images = [tower for tower in towers if not PUBLIC[tower].video]
    videos = [tower for tower in towers if PUBLIC[tower].video]
    pairs = tuple(Encoder((image, video)) for video in videos for image in images)
    return tuple(Encoder((tower,)) for tower in towers) + pairs


STUDY = Study(
    question="Which vision towers, alone and in pairs?",
    hypothesis="Language supervision beats self-supervision; a pair beats each of its towers.",
    grid=Grid(paper.BASE, {"encoder": encoders(PAPER)}, follow=paper.native_clips),
    sizes=("100K",),
    samples=(paper.SAMPLES,),
    tiny=Comparison(Grid(tiny.BASE, {"encoder": encoders(tuple(TINY))}), samples=(tiny.SAMPLES,)),
    seeds=3,
)
