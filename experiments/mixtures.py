"""How much text, image, multi-image and video should the training data hold?

Hypothesis: some text is needed, 10 to 14 percent, and slightly more video than anything else is
best (paper Sec. 5.3, Fig. 6, Table 13).
"""

from ablate.grid import Comparison, Grid, Study
from experiments import baseline_paper as paper
from experiments import baseline_tiny as tiny
from experiments.baseline import MIXTURES

STUDY = Study(
    question="How much text, image, multi-image and video should the training data hold?",
    hypothesis="Some text is needed, and slightly more video than anything else is best.",
    grid=Grid(paper.BASE, {"mixture": MIXTURES}),
    sizes=("100K",),
    samples=(paper.SAMPLES,),
    tiny=Comparison(Grid(tiny.BASE, {"mixture": MIXTURES}), samples=(tiny.SAMPLES,)),
    seeds=3,
)
