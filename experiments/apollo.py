"""Is the paper's final recipe better with the 32 tokens a frame of its release than with 16?

Hypothesis: it is, by less than the sizes differ (paper Sec. 6 and the released models have 32,
Table 7 prints 16; Table 10 has 32 before 16 at 2 frames a second). The first design is that of the
released models: a connector's stage, then vision and connector, then connector and language model.

As published: 198K, 396K and 3.2M samples, 2 frames a second in clips of 4, the final mixture, the
prompt of the released models, and the rates of Table 7 instead of the ladder's rule. Not as
published: one limit of clips for all stages, 83, as many as the released models take in their
16,384 positions, where Table 7 has 25 in the first two stages and 150 or 200 in the last; and
videos alone in the first stage, where Table 7 has half images and Sec. 5.1 has none.
"""

import dataclasses

from ablate.axes import Connector, ConnectorKind, Fps, Mixture, Schedule, Stage, StageData
from ablate.grid import Comparison, Grid, Study
from ablate.sizes import size_row
from ablate.spec import Design
from experiments import baseline_paper as paper
from experiments import baseline_tiny as tiny
from experiments.baseline import RELEASED, SIGLIP_INTERNVIDEO2

ALIGN, VISION, TUNE = STAGES = 198_000, 396_000, 3_200_000
SAMPLES = sum(STAGES)
MIXTURE = Mixture(text=14.4, image=33.0, multi_image=16.6, video=36.0)
"""Paper Fig. 7."""
SCHEDULE = Schedule(
    (
        Stage(ALIGN / SAMPLES, connector=1.0, data=StageData.VIDEO),
        Stage(VISION / SAMPLES, vision=1.0, connector=1.0, data=StageData.VIDEO),
        Stage(TUNE / SAMPLES, connector=1.0, llm=1.0),
    )
)
ROWS = {
    name: dataclasses.replace(size_row(name), lr_llm=rate)
    for name, rate in (("1.5B", 5e-5), ("3B", 2e-5), ("7B", 1e-5))
}
"""Of the ladder, with the rates of Table 7."""


def recipe(sampling: Fps, connector: Connector) -> Design:
    """The final recipe, looking so often and giving so many tokens."""
    return Design(sampling, SIGLIP_INTERNVIDEO2, connector, RELEASED, SCHEDULE, MIXTURE)


TOKENS = (paper.perceiver(32), paper.perceiver(16))
TINY_TOKENS = (
    Connector(ConnectorKind.PERCEIVER, 4),
    Connector(ConnectorKind.PERCEIVER, 1),
)

STUDY = Study(
    question="Is the final recipe better with 32 tokens a frame, as released, than with 16?",
    hypothesis="It is, by less than the sizes differ.",
    grid=Grid(recipe(Fps(2, 4, max_clips=83), TOKENS[0]), {"connector": TOKENS}),
    sizes=tuple(ROWS),
    samples=(SAMPLES,),
    rows=ROWS,
    tiny=Comparison(
        Grid(recipe(tiny.FPS_2, TINY_TOKENS[0]), {"connector": TINY_TOKENS}), samples=(7200,)
    ),
)
