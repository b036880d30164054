"""Is a fixed rate better than spreading a fixed number of frames, in training and in testing?

Hypothesis: what was trained on spread frames is better when tested at 2 frames a second, and the
more so the fewer frames it was trained on (paper Sec. 4.1, Fig. 4, Table 11).
"""

from ablate.axes import Uniform
from ablate.grid import Comparison, Grid, Study
from ablate.spec import Protocol
from experiments import baseline_paper as paper
from experiments import baseline_tiny as tiny

STUDY = Study(
    question="Is a fixed rate better than spreading frames over the video?",
    hypothesis="Models trained on spread frames are better when tested at 2 frames a second.",
    grid=Grid(
        paper.BASE, {"sampling": (*(Uniform(count) for count in (8, 16, 32, 64)), paper.FPS_2)}
    ),
    sizes=("100K",),
    samples=(paper.SAMPLES,),
    protocols=(Protocol(), Protocol(paper.FPS_2)),
    tiny=Comparison(
        Grid(tiny.BASE, {"sampling": (*(Uniform(count) for count in (8, 16, 32)), tiny.FPS_2)}),
        samples=(tiny.SAMPLES,),
        protocols=(Protocol(), Protocol(tiny.FPS_2)),
    ),
    seeds=3,
)
