"""Checkpoints inside packages, for tests that skip where they are not installed."""

from pathlib import Path

import pytest

from ablate.models import packaged

KNOWN = {one.package: one for one in (packaged.SMOLLM2, packaged.QWEN)}


def folder_of(package: str) -> Path:
    """The converted folder; skips the test where the package or its converters are missing."""
    try:
        folder = KNOWN[package].folder()
    except ValueError as error:
        pytest.skip(str(error))
    if folder is None:
        pytest.skip(f"needs {package}: make pretrained")
    return folder
