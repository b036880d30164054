"""What should stand around the visual tokens of a clip?

Hypothesis: anything between clips is better than nothing, and times as text are best
(paper Sec. 4.4, Table 2; the released prompt differs from all of them).
"""

from ablate.grid import Comparison, Grid, Study
from experiments import baseline_paper as paper
from experiments import baseline_tiny as tiny
from experiments.baseline import INTEGRATIONS

STUDY = Study(
    question="What should stand around the visual tokens of a clip?",
    hypothesis="Anything between clips is better than nothing; times as text are best.",
    grid=Grid(paper.BASE, {"integration": INTEGRATIONS}),
    sizes=("100K",),
    samples=(paper.SAMPLES,),
    tiny=Comparison(Grid(tiny.BASE, {"integration": INTEGRATIONS}), samples=(tiny.SAMPLES,)),
    seeds=3,
)
