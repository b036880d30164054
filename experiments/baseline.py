"""The design that every study departs from, and levels that several studies share."""

from ablate.axes import (
    Connector,
    ConnectorKind,
    Encoder,
    Fps,
    Integration,
    IntegrationKind,
    Mixture,
    Schedule,
    Stage,
    StageData,
    Tower,
    Uniform,
)
from ablate.spec import Design

# 8 frames at every sampling level: levels differ in where frames lie, not in how many they are.
UNIFORM_8 = Uniform(frames=8)
FPS_2 = Fps(fps=2, frames_per_clip=4, max_clips=2)
FPS_1 = Fps(fps=1, frames_per_clip=4, max_clips=2)

SIGLIP = Encoder((Tower.SIGLIP,))
DINOV2 = Encoder((Tower.DINOV2,))
VIDEOMAE = Encoder((Tower.VIDEOMAE,))
SIGLIP_VIDEOMAE = Encoder((Tower.SIGLIP, Tower.VIDEOMAE))

JOINT = Schedule((Stage(1.0, connector=1.0, llm=1.0),))
CONNECTOR_FIRST = Schedule(
    (
        Stage(0.2, connector=1.0, data=StageData.VIDEO),
        Stage(0.8, connector=1.0, llm=1.0),
    )
)
THREE_STAGES = Schedule(
    (
        Stage(0.1, connector=1.0, data=StageData.VIDEO),
        Stage(0.2, vision=1.0, connector=1.0, data=StageData.VIDEO),
        Stage(0.7, connector=1.0, llm=1.0),
    )
)

VIDEO_HEAVY = Mixture(text=5, image=10, multi_image=5, video=80)

BASE = Design(
    sampling=FPS_2,
    encoder=SIGLIP,
    connector=Connector(ConnectorKind.MLP, 4),
    integration=Integration(IntegrationKind.PLAIN),
    schedule=JOINT,
    mixture=VIDEO_HEAVY,
)
