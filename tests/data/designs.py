"""Designs and conversations that the tests of the data room share."""

from ablate.axes import (
    Connector,
    ConnectorKind,
    Encoder,
    Fps,
    ImagePath,
    Integration,
    IntegrationKind,
    Mixture,
    Sampling,
    Schedule,
    Stage,
    Tower,
)
from ablate.spec import Design

TWO_FPS, VIDEO_ONLY = Fps(2, 4, 3), Mixture()


def design(
    sampling: Sampling = TWO_FPS,
    tokens_per_frame: int = 4,
    integration: IntegrationKind = IntegrationKind.PLAIN,
    mixture: Mixture = VIDEO_ONLY,
    image_path: ImagePath = ImagePath.UNIFIED,
) -> Design:
    """A design with the given levels and the simplest ones elsewhere."""
    return Design(
        sampling,
        Encoder((Tower.SIGLIP,), image_path),
        Connector(ConnectorKind.MLP, tokens_per_frame),
        Integration(integration),
        Schedule((Stage(1.0, connector=1.0, llm=1.0),)),
        mixture,
    )
