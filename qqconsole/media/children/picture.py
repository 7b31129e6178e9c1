"""A picture: is it whole, how large is it, and its thumbnail. ``picture.py SOURCE THUMBNAIL`` prints JSON."""

from __future__ import annotations

import json
import sys
import warnings
from typing import Any

from PIL import Image, ImageOps, UnidentifiedImageError

FORMATS = ("PNG", "JPEG", "GIF", "WEBP", "BMP")
"""What QQ shows (sheet 5.1); no other decoder is ever asked."""
MOST_PIXELS = 50_000_000
MOST_JPEG_PIXELS = 200_000_000
"""A camera's; a JPEG is decoded at an eighth of its size, so it takes little memory."""
EDGE = 320
MEMORY = 1_500 * 1_048_576


def look(source: str, thumbnail: str) -> dict[str, Any]:
    """``{"width", "height", "thumbnail": bool}`` or with ``"problem"``: bomb, truncated, unreadable."""
    # Its size is asked for first, without the warning: what is refused shall still be told.
    Image.MAX_IMAGE_PIXELS = None
    try:
        with Image.open(source, formats=FORMATS) as picture:
            width, height = picture.size
            most = MOST_JPEG_PIXELS if picture.format == "JPEG" else MOST_PIXELS
            if width * height > most:
                return {"problem": "bomb", "width": width, "height": height}
            Image.MAX_IMAGE_PIXELS = most
            if picture.getexif().get(0x0112, 1) in (5, 6, 7, 8):
                width, height = height, width
            picture.draft("RGB", (EDGE, EDGE))
            picture.load()
            _draw(picture, thumbnail)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning, MemoryError):
        return {"problem": "bomb"}
    except UnidentifiedImageError:
        return {"problem": "unreadable"}
    except (OSError, EOFError) as error:
        is_cut = isinstance(error, EOFError) or any(word in str(error).lower() for word in ("truncat", "incomplete"))
        return {"problem": "truncated" if is_cut else "unreadable"}
    return {"width": width, "height": height, "thumbnail": True}


def _draw(picture: Image.Image, thumbnail: str) -> None:
    small: Image.Image = ImageOps.exif_transpose(picture)
    small = small.convert("RGBA" if small.has_transparency_data else "RGB")
    small.thumbnail((EDGE, EDGE))
    small.save(thumbnail, "WEBP", quality=80)


def _bound() -> None:
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    except (ImportError, ValueError, OSError):
        pass  # not every system knows the limit; the time limit of whoever started this stays


if __name__ == "__main__":
    _bound()
    warnings.simplefilter("error", Image.DecompressionBombWarning)
    try:
        answer = look(sys.argv[1], sys.argv[2])
    except Exception as error:  # noqa: BLE001 - a broken file may break a decoder in any way; it is in the answer
        answer = {"problem": "unreadable", "detail": f"{type(error).__name__}: {error}"[:200]}
    print(json.dumps(answer))  # noqa: T201
