"""Connectors by name, one file each: patch features of a clip become language-model tokens.

A file says what its connector costs, so that a plan needs no torch, and how it is built.
"""

import importlib
import pkgutil

from ablate.axes import Connector
from ablate.connectors.base import CONNECTORS, Component
from ablate.towers import Grid

__all__ = ["CONNECTORS", "Component", "component"]

for _file in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_file.name}")


def component(
    connector: Connector, width_in: int, llm_hidden: int, frames_per_clip: int, grid: Grid
) -> Component:
    """The connector for patch features of this width on this grid.

    Args:
        connector: kind and tokens per frame.
        width_in: E, channels of the fused features.
        llm_hidden: D.
        frames_per_clip: F; a clip becomes Q = F * tokens per frame tokens.
        grid: (T, H, W) of the fused features.

    Raises:
        ValueError: a pooling connector is asked for more tokens than there are patches.
    """
    tokens = frames_per_clip * connector.tokens_per_frame
    try:
        return CONNECTORS[connector.kind](width_in, llm_hidden, tokens, grid)
    except ValueError as error:
        raise ValueError(f"connector {connector.label}: {error}") from None
