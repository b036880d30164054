"""What is compared and why: one study a file, declarations only."""

import importlib
import pkgutil

from ablate.grid import Study


def names() -> list[str]:
    """Names of all studies: the files of this folder that do not start with `_`."""
    found = (module.name for module in pkgutil.iter_modules(__path__))
    return sorted(name for name in found if not name.startswith(("_", "baseline", "pretrain")))


def load(name: str) -> Study:
    """The study called `name`.

    Raises:
        ValueError: no such study; the message lists the names.
    """
    if name not in names():
        raise ValueError(f"unknown study {name!r}; choose from {', '.join(names())}")
    return importlib.import_module(f"experiments.{name}").STUDY
