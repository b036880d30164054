"""How many frames a second, and how many tokens for each of them?

Hypothesis: tokens a frame matter more than the rate; 8 to 32 of them work at every rate, and fewer
than 8 fail (paper Sec. 4.1, Fig. 4, Table 10: 28 runs).
"""

from ablate.grid import Comparison, Grid, Study
from experiments import baseline_paper as paper
from experiments import baseline_tiny as tiny

STUDY = Study(
    question="How many frames a second, and how many tokens for each frame?",
    hypothesis="8 to 32 tokens a frame work at every rate; fewer than 8 fail at all of them.",
    grid=Grid(
        paper.BASE,
        {
            "sampling": tuple(paper.at_rate(fps) for fps in paper.RATES),
            "connector": tuple(paper.perceiver(count) for count in paper.TOKENS_PER_FRAME),
        },
    ),
    sizes=("100K",),
    samples=(paper.SAMPLES,),
    tiny=Comparison(
        Grid(
            tiny.BASE,
            {
                "sampling": tuple(tiny.at_rate(fps) for fps in tiny.RATES),
                "connector": tuple(tiny.mlp(count) for count in tiny.TOKENS_PER_FRAME),
            },
        ),
        samples=(tiny.SAMPLES,),
    ),
    seeds=3,
)
