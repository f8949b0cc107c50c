"""A user's own pictures: every file kind, odd pixels, and files that are not what they claim."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engines.core import data
from engines.core.data.pictures import read_on_paper, read_picture
from engines.core.errors import Cancelled, UserError

RED = (255, 0, 0)


def save(
    path: Path, colour: object = RED, mode: str = "RGB", size: tuple[int, int] = (20, 20), **options: object
) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size, colour).save(path, **options)  # type: ignore[arg-type]
    return path


def png_stating(width: int, height: int) -> bytes:
    """A PNG whose header promises that many pixels and whose data is almost nothing."""

    def block(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + block(b"IHDR", header) + block(b"IDAT", zlib.compress(b"\0" * 9)) + block(b"IEND", b"")
    )


@pytest.fixture
def classes(tmp_path: Path) -> Path:
    root = tmp_path / "pets"
    for label, colour in (("cat", (255, 0, 0)), ("dog", (0, 0, 255))):
        for i in range(10):
            save(root / label / f"{i}.png", colour)
    return root


def test_sub_folders_are_the_classes(classes: Path) -> None:
    whole = data.load_folder(classes, size=16)
    assert whole.classes == ("cat", "dog") and list(np.bincount(whole.labels)) == [10, 10]
    assert whole.images.shape == (20, 16, 16, 3) and whole.name == "pets" and whole.skipped == ()
    assert tuple(whole.images[0, 8, 8]) == (255, 0, 0) and tuple(whole.images[-1, 8, 8]) == (0, 0, 255)
    assert whole.keys[0] == "cat/0.png"
    assert len(data.load(str(classes), "all")) == 20, "a path is as good as a name"


def test_splits_keep_their_pictures_when_others_are_added(classes: Path) -> None:
    parts = {split: data.load_folder(classes, split, size=8) for split in ("train", "validation", "test")}
    assert [len(part) for part in parts.values()] == [14, 2, 4]
    assert not set(parts["train"].keys) & set(parts["test"].keys)
    assert data.load_folder(classes, "train", size=8).keys == parts["train"].keys
    save(classes / "owl" / "0.png")
    for i in range(1, 10):
        save(classes / "owl" / f"{i}.png")
    assert set(parts["train"].keys) < set(data.load_folder(classes, "train", size=8).keys)


def test_a_flat_folder_has_no_classes(tmp_path: Path) -> None:
    for name in ("b.png", "a.jpg", "c.gif"):
        save(tmp_path / name)
    flat = data.load_folder(tmp_path, size=8)
    assert flat.classes == () and list(flat.labels) == [-1, -1, -1] and flat.keys == ("a.jpg", "b.png", "c.gif")


def test_pictures_deep_below_a_class_belong_to_it_and_hidden_files_do_not(classes: Path) -> None:
    save(classes / "cat" / "2024" / "may" / "x.png")
    save(classes / ".trash" / "y.png")
    (classes / "cat" / ".DS_Store").write_bytes(b"x")
    (classes / "cat" / "notes.txt").write_text("hello")
    save(classes / "loose.png")
    (classes / "loop").symlink_to(classes, target_is_directory=True)
    (classes / "cat" / "loop").symlink_to(classes, target_is_directory=True)
    scan = data.scan_folder(classes)
    assert "cat/2024/may/x.png" in {f.relative_to(classes).as_posix() for f in scan.files}
    assert set(scan.skipped) == {
        "cat/notes.txt: not a picture file",
        "loose.png: it lies beside the class folders",
    }
    assert scan.classes == ("cat", "dog"), "links back up are not followed"


@pytest.mark.parametrize("suffix", ["png", "jpg", "bmp", "tif", "webp", "gif"])
def test_every_file_kind_is_read(tmp_path: Path, suffix: str) -> None:
    pixels = read_picture(save(tmp_path / f"x.{suffix}", (200, 60, 20)))
    assert pixels.shape == (20, 20, 3) and pixels.dtype == np.uint8
    assert np.abs(pixels[10, 10].astype(int) - (200, 60, 20)).max() <= 4


def sixteen_bit_grey(path: Path) -> Path:
    Image.fromarray(np.full((6, 6), 0x8000, np.uint16)).save(path)
    return path


def sixteen_bit_colour(path: Path) -> Path:
    import tifffile

    tifffile.imwrite(path, np.full((6, 6, 3), 0x8000, np.uint16), photometric="rgb")
    return path


def real_valued(path: Path) -> Path:
    Image.fromarray(np.full((6, 6), 0.5, np.float32)).save(path)
    return path


@pytest.mark.parametrize(
    ("make", "suffix"),
    [(sixteen_bit_grey, "png"), (sixteen_bit_grey, "tif"), (sixteen_bit_colour, "tif"), (real_valued, "tif")],
)
def test_deeper_pixels_are_scaled_and_not_cut_off(tmp_path: Path, make: Callable[[Path], Path], suffix: str) -> None:
    pixels = read_picture(make(tmp_path / f"x.{suffix}"))
    assert pixels.shape == (6, 6, 3) and set(np.unique(pixels)) <= {127, 128}


def test_transparent_parts_lie_over_white(tmp_path: Path) -> None:
    half = read_picture(save(tmp_path / "b.png", (0, 0, 0, 128), "RGBA"))
    grey = read_picture(save(tmp_path / "c.png", (0, 50), "LA"))
    assert np.all(np.abs(half.astype(int) - 127) <= 1) and np.all(np.abs(grey.astype(int) - 205) <= 1)


def test_white_figures_on_nothing_lie_over_black(tmp_path: Path) -> None:
    figure = Image.new("RGBA", (8, 8), (255, 255, 255, 0))
    figure.paste((255, 255, 255, 255), (2, 2, 5, 6))
    figure.save(tmp_path / "white.png")
    pixels, paper = read_on_paper(tmp_path / "white.png", channels=1)
    assert paper == "black" and pixels.max() == 255 and pixels.min() == 0 and int((pixels == 255).sum()) == 12
    figure.paste((40, 0, 0, 255), (2, 2, 5, 6))
    figure.save(tmp_path / "dark.png")
    pixels, paper = read_on_paper(tmp_path / "dark.png")
    assert paper == "white" and tuple(pixels[0, 0]) == (255, 255, 255) and tuple(pixels[3, 3]) == (40, 0, 0)
    figure.putalpha(255)
    figure.save(tmp_path / "opaque.png")
    assert read_on_paper(tmp_path / "opaque.png")[1] == ""


@pytest.mark.parametrize(("fill", "mode"), [((255, 0, 0, 0), "RGBA"), ((0, 0), "LA"), ((9, 9, 9, 7), "RGBA")])
def test_a_picture_of_nothing_is_refused(tmp_path: Path, fill: tuple[int, ...], mode: str) -> None:
    with pytest.raises(UserError, match="transparent all over") as refused:
        read_picture(save(tmp_path / "a.png", fill, mode))
    assert refused.value.remedy == "save it with a background"


def test_palettes_with_and_without_a_transparent_entry(tmp_path: Path) -> None:
    image = Image.new("P", (4, 4), 1)
    image.putpalette([0, 0, 0, 0, 200, 0] + [0] * 762)
    image.save(tmp_path / "a.png")
    image.save(tmp_path / "b.png", transparency=1)
    assert tuple(read_picture(tmp_path / "a.png")[0, 0]) == (0, 200, 0)
    image.putpixel((1, 1), 0)
    image.save(tmp_path / "b.png", transparency=1)
    assert tuple(read_picture(tmp_path / "b.png")[0, 0]) == (255, 255, 255)


def test_printing_colours_become_screen_colours(tmp_path: Path) -> None:
    pixels = read_picture(save(tmp_path / "x.jpg", (0, 255, 255, 0), "CMYK"))
    red, green, blue = pixels[5, 5].astype(int)
    assert red > 200 and green < 80 and blue < 80


def test_a_camera_held_upright_gives_an_upright_picture(tmp_path: Path) -> None:
    image = Image.new("RGB", (40, 20), "blue")
    image.paste("red", (0, 0, 20, 20))
    exif = image.getexif()
    exif[0x0112] = 6  # shown after a quarter turn clockwise: the left half comes to the top
    image.save(tmp_path / "x.jpg", exif=exif, quality=95)
    pixels = read_picture(tmp_path / "x.jpg")
    assert pixels.shape == (40, 20, 3) and pixels[5, 10, 0] > 200 and pixels[35, 10, 2] > 200


def test_the_first_frame_of_an_animation_is_taken(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "lime")]
    frames[0].save(tmp_path / "x.gif", save_all=True, append_images=frames[1:])
    assert tuple(read_picture(tmp_path / "x.gif")[4, 4]) == (255, 0, 0)


def test_cropping_padding_and_stretching(tmp_path: Path) -> None:
    image = Image.new("RGB", (40, 20), "white")
    image.paste("red", (0, 0, 10, 20))
    image.save(tmp_path / "x.png")
    crop, pad, stretch = (read_picture(tmp_path / "x.png", size=16, fit=f) for f in ("crop", "pad", "stretch"))
    assert crop.shape == pad.shape == stretch.shape == (16, 16, 3)
    assert crop[8, 1].min() == 255, "the red quarter at the left is cut off"
    assert pad[0].max() == 0 and pad[15].max() == 0, "bars above and below"
    assert stretch[8, 1, 0] > 250 and stretch[8, 1, 1:].max() < 10
    assert read_picture(tmp_path / "x.png", size=16, channels=1).shape == (16, 16, 1)


def test_a_large_photograph_keeps_its_colours_when_it_is_unpacked_small(tmp_path: Path) -> None:
    save(tmp_path / "x.jpg", (30, 160, 90), size=(2000, 1500))
    pixels = read_picture(tmp_path / "x.jpg", size=32)
    assert np.abs(pixels.astype(int) - (30, 160, 90)).max() <= 4


def test_damaged_pictures_are_skipped_and_named(classes: Path) -> None:
    whole = (classes / "cat" / "0.png").read_bytes()
    (classes / "cat" / "cut.png").write_bytes(whole[: len(whole) // 2])
    (classes / "cat" / "empty.jpg").write_bytes(b"")
    (classes / "dog" / "text.png").write_text("I am no picture")
    (classes / "dog" / "text.tif").write_text("neither am I")
    (classes / "dog" / "bomb.png").write_bytes(png_stating(60_000, 60_000))
    (classes / "dog" / "large.png").write_bytes(png_stating(10_000, 9_000))
    loaded = data.load_folder(classes, size=8)
    assert len(loaded) == 20
    reasons = dict(line.split(": ", 1) for line in loaded.skipped)
    assert set(reasons) == {
        "cat/cut.png", "cat/empty.jpg", "dog/text.png", "dog/text.tif", "dog/bomb.png", "dog/large.png"
    }  # fmt: skip
    assert "million pixels" in reasons["dog/bomb.png"] and "90 million pixels" in reasons["dog/large.png"]
    assert "damaged" in reasons["cat/cut.png"] and "not a picture" in reasons["dog/text.png"]


def test_folders_without_a_usable_picture_are_clear_errors(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="expected a folder"):
        data.load_folder(tmp_path / "nowhere")
    with pytest.raises(UserError, match=r"no picture in .* \(it takes bmp, gif"):
        data.load_folder(tmp_path)
    (tmp_path / "x.png").write_bytes(b"no")
    with pytest.raises(UserError, match=r"no picture in .* can be read: x\.png"):
        data.load_folder(tmp_path)
    save(tmp_path / "y.png")
    with pytest.raises(UserError, match="too small for a validation part"):
        data.load_folder(tmp_path, "validation")
    with pytest.raises(UserError, match="expected a split"):
        data.load_folder(tmp_path, "dev")
    with pytest.raises(UserError, match="4 to 2048"):
        data.load_folder(tmp_path, size=1)


def test_what_does_not_fit_into_memory_is_refused_before_it_is_read(
    classes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engines.core.data.folders.MOST_BYTES", 1000)
    with pytest.raises(UserError, match="of memory"):
        data.load_folder(classes)


def test_loading_reports_progress_and_can_be_cancelled(classes: Path) -> None:
    said: list[tuple[float, float]] = []

    def check() -> None:
        if len(said) == 5:
            raise Cancelled

    with pytest.raises(Cancelled):
        data.load_folder(classes, size=8, progress=lambda done, total, text: said.append((done, total)), check=check)
    assert said == [(i, 20) for i in range(1, 6)]
