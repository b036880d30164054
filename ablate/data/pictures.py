"""Reads pictures."""

from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from ablate.data.faults import Fault, MediaError, check_size


def read_picture(path: Path) -> np.ndarray:
    """uint8 (H, W, 3) in RGB, upright.

    Raises:
        MediaError: the file is missing, damaged, absurdly large or no picture.
    """
    try:
        with Image.open(path) as image:
            check_size(path, *image.size)
            return np.asarray(ImageOps.exif_transpose(image).convert("RGB"))
    except MediaError:
        raise
    except FileNotFoundError:
        raise MediaError(path, "no such file", Fault.MISSING) from None
    except Image.DecompressionBombError as error:
        raise MediaError(path, str(error), Fault.TOO_LARGE) from None
    # Damaged files raise whatever their decoder trips over, SyntaxError for PNG among it.
    except (OSError, SyntaxError, ValueError) as error:
        detail = str(error).replace(f"'{path}'", "").strip() or type(error).__name__
        raise MediaError(path, f"no picture that can be read: {detail}") from None
