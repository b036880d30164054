"""What should be trained in which stage, and how fast the vision towers?

Hypothesis: three stages, the towers tuned on video alone while the language model is frozen, are
best; towers tuned together with the language model hurt (paper Secs. 5.1 and 5.2, Tables 3 and 12).
"""

from ablate.grid import Comparison, Grid, Study
from experiments import baseline_paper as paper
from experiments import baseline_tiny as tiny
from experiments.baseline import (
    CONNECTOR_FIRST,
    JOINT,
    SCHEDULES,
    all_at_once,
    three_stages,
    three_stages_all,
    vision_always,
    vision_first,
)

SEVEN = (
    JOINT, all_at_once(), CONNECTOR_FIRST, vision_first(), vision_always(), three_stages(),
    three_stages_all(),
)  # fmt: skip

STUDY = Study(
    question="What should be trained in which stage, and how fast the vision towers?",
    hypothesis="Three stages with towers tuned on video alone are best; tuning them with the "
    "language model hurts.",
    grid=Grid(paper.BASE, {"schedule": SCHEDULES}),
    sizes=("100K",),
    samples=(paper.SAMPLES,),
    tiny=Comparison(
        Grid(tiny.BASE, {"schedule": (*SEVEN, all_at_once(0.2), vision_first(0.2))}),
        samples=(tiny.SAMPLES,),
    ),
    seeds=3,
)
