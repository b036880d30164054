"""Levels that several studies share and that are the same at every size.

A schedule's rates are multiples of the size row's (5e-6, 1e-4 and 3e-5 at 3B), so `VISION_RATES`
are the 1e-6, 5e-6 and 1e-5 of paper Table 12. The paper does not say how its 750K samples are
shared among the stages; here every schedule of several stages leaves 70% to the last one.
"""

from ablate.axes import (
    Encoder,
    Integration,
    IntegrationKind,
    Mixture,
    Schedule,
    Stage,
    StageData,
    Tower,
)

# === encoders (paper Table 9) ===

SIGLIP = Encoder((Tower.SIGLIP,))
DINOV2 = Encoder((Tower.DINOV2,))
VIDEOMAE = Encoder((Tower.VIDEOMAE,))
INTERNVIDEO2 = Encoder((Tower.INTERNVIDEO2,))
SIGLIP_VIDEOMAE = Encoder((Tower.SIGLIP, Tower.VIDEOMAE))
SIGLIP_INTERNVIDEO2 = Encoder((Tower.SIGLIP, Tower.INTERNVIDEO2))

# === integrations (paper Table 2, and the released prompt) ===

PLAIN, SEPARATORS, TIMESTAMPS, BOTH, RELEASED = INTEGRATIONS = tuple(
    Integration(kind) for kind in IntegrationKind
)

# === schedules (paper Tables 3 and 12): the language model's stage sees the mixture ===

VISION_RATES = (0.2, 1.0, 2.0)


def _connector(share: float) -> Stage:
    return Stage(share, connector=1.0, data=StageData.VIDEO)


def _vision(share: float, rate: float) -> Stage:
    return Stage(share, vision=rate, connector=1.0, data=StageData.VIDEO)


def _language(share: float, vision: float | None = None) -> Stage:
    return Stage(share, vision=vision, connector=1.0, llm=1.0)


JOINT = Schedule((_language(1.0),))
CONNECTOR_FIRST = Schedule((_connector(0.3), _language(0.7)))


def all_at_once(vision: float = 1.0) -> Schedule:
    """One stage that trains everything."""
    return Schedule((_language(1.0, vision),))


def vision_first(vision: float = 1.0) -> Schedule:
    """Vision and connector, then connector and language model."""
    return Schedule((_vision(0.3, vision), _language(0.7)))


def vision_always(vision: float = 1.0) -> Schedule:
    """Vision and connector, then everything."""
    return Schedule((_vision(0.3, vision), _language(0.7, vision)))


def three_stages(vision: float = 1.0) -> Schedule:
    """Connector, then vision and connector, then connector and language model."""
    return Schedule((_connector(0.1), _vision(0.2, vision), _language(0.7)))


def three_stages_all(vision: float = 1.0) -> Schedule:
    """Connector, then vision and connector, then everything."""
    return Schedule((_connector(0.1), _vision(0.2, vision), _language(0.7, vision)))


THREE_STAGES = three_stages()
SCHEDULES = (
    JOINT,
    CONNECTOR_FIRST,
    *(
        schedule(rate)
        for schedule in (all_at_once, vision_first, vision_always, three_stages, three_stages_all)
        for rate in VISION_RATES
    ),
)
"""The rows of paper Table 12 in its order, but for the first two that train no vision."""

# === mixtures (paper Table 13, in its order): text, image, multi-image, video ===

MIXTURES = (
    Mixture(25, 25, 25, 25),
    Mixture(15, 25, 20, 40),
    Mixture(15, 32.5, 20, 32.5),
    Mixture(15, 40, 20, 25),
    Mixture(7, 38.7, 20, 34.3),
    Mixture(7, 55, 20, 18),
    Mixture(7, 18, 48, 27),
    Mixture(7, 0, 0, 93),
    Mixture(7, 0, 20, 73),
    Mixture(7, 14, 18, 61),
    Mixture(5, 10, 40, 45),
    Mixture(2, 30, 30, 38),
    Mixture(0, 38.7, 20, 41.3),
)
BALANCED, MANY_VIDEOS, NO_TEXT = MIXTURES[0], MIXTURES[1], MIXTURES[-1]
"""Equal shares; the paper's best; the one without text."""
