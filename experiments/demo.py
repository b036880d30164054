"""Which proxy may be trusted for sampling, encoder and connector? Ten minutes on two cores.

Hypothesis: 30K parameters rank these designs as 100K do, 10K do not.
"""

from ablate.grid import Grid, Study
from experiments.baseline import INTERNVIDEO2, SIGLIP, SIGLIP_INTERNVIDEO2
from experiments.baseline_tiny import BASE, FPS_1, FPS_2, UNIFORM_8, mlp

STUDY = Study(
    question="Which proxy may be trusted to choose sampling, encoder and connector?",
    hypothesis="30K parameters rank the designs as 100K do; 10K parameters do not.",
    grid=Grid(
        BASE,
        {
            "sampling": (UNIFORM_8, FPS_2, FPS_1),
            "encoder": (SIGLIP, INTERNVIDEO2, SIGLIP_INTERNVIDEO2),
            "connector": (mlp(1), mlp(2), mlp(4)),
        },
        fraction=12,
    ),
    sizes=("10K", "30K", "100K"),
    samples=(7200,),
    reseeded=4,
)
