"""From which size on do design decisions transfer, on all six axes at once?

Hypothesis: decisions made at 100K hold at 1M; those made at 10K do not
(paper Sec. 3, "scaling consistency").
"""

from ablate.axes import Connector, ConnectorKind, Integration, IntegrationKind, Mixture
from ablate.grid import Grid, Study
from experiments.baseline import (
    BASE,
    CONNECTOR_FIRST,
    FPS_1,
    FPS_2,
    JOINT,
    SIGLIP,
    SIGLIP_VIDEOMAE,
    THREE_STAGES,
    UNIFORM_8,
    VIDEO_HEAVY,
    VIDEOMAE,
)

STUDY = Study(
    question="From which size on do design decisions transfer?",
    hypothesis="Decisions made at 100K hold at 1M; those made at 10K do not.",
    grid=Grid(
        BASE,
        {
            "sampling": (UNIFORM_8, FPS_2, FPS_1),
            "encoder": (SIGLIP, VIDEOMAE, SIGLIP_VIDEOMAE),
            "connector": (
                Connector(ConnectorKind.MLP, 1),
                Connector(ConnectorKind.MLP, 4),
                Connector(ConnectorKind.PERCEIVER, 4),
            ),
            "integration": (
                Integration(IntegrationKind.PLAIN),
                Integration(IntegrationKind.SEPARATORS),
                Integration(IntegrationKind.TIMESTAMPS),
            ),
            "schedule": (JOINT, CONNECTOR_FIRST, THREE_STAGES),
            "mixture": (Mixture(), VIDEO_HEAVY, Mixture(25, 25, 25, 25)),
        },
        fraction=24,
    ),
    sizes=("10K", "30K", "100K", "300K", "1M"),
    samples=(9600,),
    reseeded=4,
)
