"""Claims of other processes, made up."""

import json
import os
import time
from pathlib import Path

from ablate.lease import Owner


def write_claim(folder: Path, owner: Owner, number: int = 0, age: float = 0.0) -> Path:
    path = folder / f"lease.{number}"
    path.write_text(json.dumps(vars(owner)))
    os.utime(path, (time.time() - age,) * 2)
    return path


def elsewhere() -> Owner:
    return Owner("another-machine", "", 1, 0.0, "0")
