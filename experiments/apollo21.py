"""Do the paper's own 21 designs rank alike at every size?

Hypothesis: agreement with 7B rises with size and passes R2 = .9 near 3B
(paper Sec. 3, App. D, Tables 14 and 15: 7 settings x 3 mixtures at four sizes).

The paper does not define its mixtures A, B and C: here they are three of Table 13, without text,
balanced, and its best. Nor does it say which settings train the towers: 3 and 7 are taken to.
"""

from ablate.axes import Connector, Encoder, Fps, Schedule, Tower
from ablate.grid import Comparison, Grid, Study
from experiments import baseline_paper as paper
from experiments import baseline_tiny as tiny
from experiments.baseline import BALANCED, JOINT, MANY_VIDEOS, NO_TEXT, all_at_once

MIXTURES = (NO_TEXT, BALANCED, MANY_VIDEOS)
Setting = dict[str, Fps | Encoder | Connector | Schedule]


def setting(video: Tower, sampling: Fps, connector: Connector, schedule: Schedule) -> Setting:
    """A row of Tables 14 and 15, which are about a video tower beside SigLIP."""
    encoder = Encoder((Tower.SIGLIP, video))
    return {
        "sampling": sampling, "encoder": encoder, "connector": connector, "schedule": schedule,
    }  # fmt: skip


def clips(seconds: float, frames: int) -> Fps:
    """As many clips of this length as hold 100 frames."""
    return Fps(frames / seconds, frames, max_clips=100 // frames)


LANGUAGE, SELF = Tower.LANGUAGEBIND_VIDEO, Tower.VJEPA
PAPER = (
    setting(LANGUAGE, clips(5, 8), paper.perceiver(4), JOINT),
    setting(LANGUAGE, clips(5, 8), paper.perceiver(8), JOINT),
    setting(LANGUAGE, clips(5, 8), paper.perceiver(8), all_at_once()),
    setting(SELF, clips(5, 16), paper.perceiver(2), JOINT),
    setting(SELF, clips(10, 16), paper.perceiver(4), JOINT),
    setting(SELF, clips(5, 16), paper.perceiver(4), JOINT),
    setting(SELF, clips(5, 16), paper.perceiver(4), all_at_once()),
)
LANGUAGE, SELF = Tower.INTERNVIDEO2, Tower.VIDEOMAE
TINY = (
    setting(LANGUAGE, tiny.FPS_1, tiny.mlp(2), JOINT),
    setting(LANGUAGE, tiny.FPS_1, tiny.mlp(4), JOINT),
    setting(LANGUAGE, tiny.FPS_1, tiny.mlp(4), all_at_once()),
    setting(SELF, tiny.FPS_2, tiny.mlp(1), JOINT),
    setting(SELF, tiny.FPS_1, tiny.mlp(2), JOINT),
    setting(SELF, tiny.FPS_2, tiny.mlp(2), JOINT),
    setting(SELF, tiny.FPS_2, tiny.mlp(2), all_at_once()),
)

STUDY = Study(
    question="Do the paper's own 21 designs rank alike at every size?",
    hypothesis="Agreement with 7B rises with size and passes R2 = .9 near 3B.",
    grid=Grid(paper.BASE, {"mixture": MIXTURES}, settings=PAPER),
    sizes=("qwen2-0.5B", "qwen2-1.5B", "4B", "qwen2-7B"),
    samples=(paper.SAMPLES,),
    tiny=Comparison(Grid(tiny.BASE, {"mixture": MIXTURES}, settings=TINY), samples=(9600,)),
)
