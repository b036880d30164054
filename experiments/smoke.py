"""Does the whole path work? The CI ablation: six tiny designs, two sizes, a few steps each.

Hypothesis: none; it is a test of the program, and its figures mean nothing.
"""

from ablate.axes import Connector, ConnectorKind
from ablate.grid import Grid, Study
from experiments.baseline import SIGLIP, SIGLIP_VIDEOMAE
from experiments.baseline_tiny import BASE, FPS_2, UNIFORM_8, mlp

STUDY = Study(
    question="Does the whole path work?",
    hypothesis="None: a test of the program, whose figures mean nothing.",
    grid=Grid(
        BASE,
        {
            "sampling": (UNIFORM_8, FPS_2),
            "encoder": (SIGLIP, SIGLIP_VIDEOMAE),
            "connector": (mlp(1), Connector(ConnectorKind.PERCEIVER, 4)),
        },
        fraction=6,
    ),
    sizes=("10K", "30K"),
    samples=(256,),
    reseeded=1,
    world="world-smoke",
)
