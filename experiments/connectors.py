"""Which connector, at the same number of tokens?

Hypothesis: a Perceiver beats a pooled MLP, and that beats pooled convolutions
(paper Sec. 4.3, Table 1; 16 tokens a frame).
"""

from ablate.axes import Connector, ConnectorKind
from ablate.grid import Comparison, Grid, Study
from experiments import baseline_paper as paper
from experiments import baseline_tiny as tiny

KINDS = (
    ConnectorKind.CONV,
    ConnectorKind.MLP,
    ConnectorKind.PERCEIVER,
)


def connectors(tokens_per_frame: int) -> tuple[Connector, ...]:
    """Every kind with so many tokens a frame."""
    return tuple(Connector(kind, tokens_per_frame) for kind in KINDS)


STUDY = Study(
    question="Which connector, at the same number of tokens?",
    hypothesis="A Perceiver beats a pooled MLP, and that beats pooled convolutions.",
    grid=Grid(paper.BASE, {"connector": connectors(16)}),
    sizes=("100K",),
    samples=(paper.SAMPLES,),
    tiny=Comparison(Grid(tiny.BASE, {"connector": connectors(4)}), samples=(tiny.SAMPLES,)),
    seeds=3,
)
