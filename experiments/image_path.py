"""Should pictures take the path of the videos, or one of their own?

Hypothesis: repeated to clips, through the towers and the connector of the videos, they serve at
least as well (paper App. C.2, Table 8).
"""

import dataclasses

from ablate.axes import Encoder, ImagePath
from ablate.grid import Comparison, Grid, Study
from experiments import baseline_paper as paper
from experiments import baseline_tiny as tiny
from experiments.baseline import BALANCED

# Shares that give pictures as much to say as videos.
PAPER = dataclasses.replace(paper.BASE, mixture=BALANCED)
TINY = dataclasses.replace(tiny.BASE, mixture=BALANCED)


def paths(encoder: Encoder) -> tuple[Encoder, ...]:
    """The same towers with either path."""
    return tuple(dataclasses.replace(encoder, image_path=path) for path in ImagePath)


STUDY = Study(
    question="Should pictures take the path of the videos, or one of their own?",
    hypothesis="The path of the videos serves at least as well.",
    grid=Grid(PAPER, {"encoder": paths(PAPER.encoder)}),
    sizes=("100K",),
    samples=(paper.SAMPLES,),
    tiny=Comparison(Grid(TINY, {"encoder": paths(TINY.encoder)}), samples=(tiny.SAMPLES,)),
    seeds=3,
)
