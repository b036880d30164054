"""From which size on do design decisions transfer, on all six axes at once?

Hypothesis: decisions made at 100K hold at 1M; those made at 10K do not
(paper Sec. 3, "scaling consistency").
"""

from ablate.axes import Connector, ConnectorKind, Level, Mixture
from ablate.grid import Comparison, Grid, Study
from experiments import baseline_paper as paper
from experiments import baseline_tiny as tiny
from experiments.baseline import (
    BALANCED,
    CONNECTOR_FIRST,
    INTERNVIDEO2,
    JOINT,
    MANY_VIDEOS,
    PLAIN,
    SEPARATORS,
    SIGLIP,
    SIGLIP_INTERNVIDEO2,
    THREE_STAGES,
    TIMESTAMPS,
)

SHARED: dict[str, tuple[Level, ...]] = {
    "integration": (PLAIN, SEPARATORS, TIMESTAMPS),
    "schedule": (JOINT, CONNECTOR_FIRST, THREE_STAGES),
}

STUDY = Study(
    question="From which size on do design decisions transfer?",
    hypothesis="Decisions made at 100K hold at 1M; those made at 10K do not.",
    grid=Grid(
        paper.BASE,
        {
            "sampling": (paper.UNIFORM_32, paper.FPS_2, paper.FPS_1),
            "encoder": (SIGLIP, INTERNVIDEO2, SIGLIP_INTERNVIDEO2),
            "connector": (
                Connector(ConnectorKind.MLP, 4),
                Connector(ConnectorKind.MLP, 16),
                paper.perceiver(16),
            ),
            **SHARED,
            "mixture": (Mixture(), MANY_VIDEOS, BALANCED),
        },
        fraction=24,
    ),
    samples=(paper.SAMPLES,),
    tiny=Comparison(
        Grid(
            tiny.BASE,
            {
                "sampling": (tiny.UNIFORM_8, tiny.FPS_2, tiny.FPS_1),
                "encoder": (SIGLIP, INTERNVIDEO2, SIGLIP_INTERNVIDEO2),
                "connector": (tiny.mlp(1), tiny.mlp(4), Connector(ConnectorKind.PERCEIVER, 4)),
                **SHARED,
                "mixture": (Mixture(), tiny.VIDEO_HEAVY, BALANCED),
            },
            fraction=24,
        ),
        samples=(9600,),
    ),
    sizes=("10K", "30K", "100K", "300K", "1M"),
    reseeded=4,
)
