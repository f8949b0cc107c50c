"""Any picture file as plain pixels: what Pillow opens, turned upright, flattened and brought to 8 bits."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from engines.core.errors import UserError

if TYPE_CHECKING:
    from PIL.Image import Image

Fit = Literal["crop", "pad", "stretch"]
Paper = Literal["", "white", "black"]
SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp", ".gif"})
MOST_PIXELS = 80_000_000
"""A file that states more is refused before it is unpacked: 80 megapixels are 240 MB, and no camera here has
more."""


_SEEN: Final = 8
"""Opacity of 255 below which a pixel shows nothing."""
_CONTRAST: Final = 16
"""Levels of 255 that something must be darker than white to be seen on it."""


def read_picture(path: Path, *, size: int | None = None, channels: int = 3, fit: Fit = "crop") -> np.ndarray:
    """One picture as uint8 [H, W, channels]; H = W = `size` unless that is None.

    The first frame of an animation, turned as its EXIF tag says, transparent parts over white (over black where all
    that can be seen is white itself), 16 bits scaled to 8, CMYK and palettes turned to RGB. fit: "crop" cuts the
    middle square, "pad" adds black bars, "stretch" distorts. Raises UserError, without the file's name, for what is no
    picture, damaged, too large or transparent all over.
    """
    return read_on_paper(path, size=size, channels=channels, fit=fit)[0]


def read_on_paper(
    path: Path, *, size: int | None = None, channels: int = 3, fit: Fit = "crop"
) -> tuple[np.ndarray, Paper]:
    """The same, and what lies behind its transparent parts: "" where it has none."""
    from PIL import Image, UnidentifiedImageError

    if channels not in (1, 3):
        raise ValueError(f"expected 1 or 3 channels, got {channels}")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # our own, lower limit follows
            with Image.open(path) as opened:
                _refuse_huge(opened)
                if size is not None:
                    opened.draft(None, (2 * size, 2 * size))  # JPEG: unpack at a fraction of the resolution
                flat, paper = _flatten(opened)
    except UnidentifiedImageError:
        flat, paper = _odd_tiff(path), ""
    except Image.DecompressionBombError:
        raise UserError(f"it has more than {MOST_PIXELS // 1_000_000} million pixels") from None
    except (OSError, ValueError, SyntaxError, EOFError, IndexError, OverflowError) as error:
        raise UserError(f"it is damaged: {error}") from None
    flat = flat.convert("L" if channels == 1 else "RGB")
    if size is not None:
        flat = _fitted(flat, size, fit)
    return np.asarray(flat, np.uint8).reshape(flat.height, flat.width, channels).copy(), paper


def _refuse_huge(image: Image) -> None:
    pixels = image.width * image.height
    if pixels > MOST_PIXELS:
        raise UserError(f"it has {pixels / 1e6:.0f} million pixels, the limit is {MOST_PIXELS / 1e6:.0f}")


def _flatten(image: Image) -> tuple[Image, Paper]:
    """The first frame, upright, opaque, in mode L or RGB, and what lies behind it."""
    from PIL import Image, ImageOps

    upright = ImageOps.exif_transpose(image)
    if upright.mode.startswith(("I", "F")):
        return Image.fromarray(_eight_bits(np.asarray(upright))), ""
    if upright.has_transparency_data:
        return _laid_on_paper(upright.convert("RGBA"))
    return upright.convert("L" if upright.mode in ("1", "L") else "RGB"), ""


def _laid_on_paper(layer: Image) -> tuple[Image, Paper]:
    """An RGBA picture without holes. Raises UserError where nothing can be seen of it."""
    from PIL import Image

    opacity = np.asarray(layer)[..., 3]
    thinnest, thickest = int(opacity.min()), int(opacity.max())
    if thickest < _SEEN:
        raise UserError("it is transparent all over: nothing can be seen", "save it with a background")
    if thinnest == 255:
        return layer.convert("RGB"), ""
    flat = Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer).convert("RGB")
    if int(np.asarray(flat).min()) <= 255 - _CONTRAST:
        return flat, "white"
    return Image.alpha_composite(Image.new("RGBA", layer.size, "black"), layer).convert("RGB"), "black"


def _eight_bits(values: np.ndarray) -> np.ndarray:
    """uint8 from deeper pixels: integers from 16 bits (or their own maximum, if larger), reals from [0, 1]
    or, when they reach higher, from [0, 255]; what is not finite becomes black."""
    reals = np.nan_to_num(values.astype(np.float64), nan=0.0, posinf=0.0, neginf=0.0)
    top = reals.max(initial=0.0)
    if np.issubdtype(values.dtype, np.floating):
        white = 1.0 if top <= 1.0 else 255.0
    else:
        white = 255.0 if values.dtype.itemsize == 1 else max(65535.0, top)
    return np.round(np.clip(reals / white, 0.0, 1.0) * 255).astype(np.uint8)


def _odd_tiff(path: Path) -> Image:
    """TIFF variants that Pillow does not know, such as three channels of 16 bits."""
    from PIL import Image

    if path.suffix.lower() not in (".tif", ".tiff"):
        raise UserError("it is not a picture, or damaged")
    import tifffile

    try:
        with tifffile.TiffFile(path) as opened:
            page = opened.pages[0]
            if int(np.prod(page.shape[:2], dtype=np.int64)) > MOST_PIXELS:
                raise UserError(f"it has more than {MOST_PIXELS // 1_000_000} million pixels")
            values = page.asarray()
    except (tifffile.TiffFileError, OSError, ValueError, IndexError, KeyError, ImportError) as error:
        raise UserError(f"it is not a picture, or damaged: {error}") from None
    values = np.squeeze(values)
    if values.ndim == 3 and values.shape[0] in (3, 4) and values.shape[2] not in (3, 4):
        values = values.transpose(1, 2, 0)  # planes one after the other
    if values.ndim not in (2, 3) or (values.ndim == 3 and values.shape[2] not in (3, 4)):
        raise UserError(f"expected a grey or colour picture, got {values.shape}")
    return Image.fromarray(_eight_bits(values if values.ndim == 2 else values[..., :3]))


def _fitted(image: Image, size: int, fit: Fit) -> Image:
    from PIL import Image, ImageOps

    if fit == "crop":
        return ImageOps.fit(image, (size, size), Image.Resampling.LANCZOS)
    if fit == "pad":
        return ImageOps.pad(image, (size, size), Image.Resampling.LANCZOS)
    return image.resize((size, size), Image.Resampling.LANCZOS)
