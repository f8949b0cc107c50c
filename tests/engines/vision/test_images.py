"""Image sources: whatever a user brings becomes pixels of the model's shape, or a sentence that says why not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engines.core.errors import UserError
from engines.vision.images import Pool, as_shape, best_source, from_pixels, load_pool

GREY, COLOUR = (1, 28, 28), (3, 32, 32)


def gradient(height: int = 40, width: int = 60) -> np.ndarray:
    rows, columns = np.mgrid[0:height, 0:width]
    return np.stack([rows * 255 // height, columns * 255 // width, (rows + columns) % 256], 2).astype(np.uint8)


def is_sound(pool: Pool, shape: tuple[int, int, int]) -> bool:
    values = pool.images
    return (
        values.dtype == np.float32
        and pool.shape == shape
        and bool(((values >= 0) & (values <= 1)).all())
        and len(pool.labels) == len(pool.keys) == len(pool)
    )


def test_embedded_digits_look_like_mnist_and_are_drawn_by_seed() -> None:
    pool = load_pool("digits", GREY, 50, seed=3)
    assert is_sound(pool, GREY) and len(pool) == 50 and pool.is_labelled and pool.classes == tuple("0123456789")
    assert not pool.images[:, :, :4].any() and not pool.images[:, :, :, 24:].any()
    assert pool.images[:, 0, 4:24, 4:24].max() > 0.9
    assert np.array_equal(pool.images, load_pool("digits", GREY, 50, seed=3).images)
    assert pool.keys != load_pool("digits", GREY, 50, seed=4).keys
    assert len(load_pool("digits", GREY)) == 359


def test_photographs_fill_any_number_without_labels() -> None:
    few, many = load_pool("photos", COLOUR, 3), load_pool("photos", COLOUR, 40)
    assert is_sound(few, COLOUR) and len(few) == 3 and few.keys[0] == "astronaut"
    assert is_sound(many, COLOUR) and len(many) == 40 and len(set(many.keys)) == 40 and not many.is_labelled
    assert is_sound(load_pool("photos", GREY, 5), GREY)


def test_data_sets_come_as_they_are_stored(data_folder: Path) -> None:
    mnist = load_pool("mnist", GREY, 20)
    assert is_sound(mnist, GREY) and mnist.is_labelled
    assert np.allclose(mnist.images * 255, np.round(mnist.images * 255), atol=1e-4)
    cifar = load_pool("cifar10", COLOUR, 20)
    assert is_sound(cifar, COLOUR) and cifar.classes[0] == "airplane"
    assert is_sound(load_pool("mnist", COLOUR, 5), COLOUR) and is_sound(load_pool("cifar10", GREY, 5), GREY)
    assert (best_source(GREY), best_source(COLOUR)) == ("mnist", "cifar10")


def test_without_data_sets_the_embedded_ones_are_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WORKBENCH_DATA", raising=False)
    assert (best_source(GREY), best_source(COLOUR)) == ("digits", "photos")
    assert load_pool("", GREY, 2).source == "digits"
    with pytest.raises(UserError, match="not on this machine"):
        load_pool("mnist", GREY, 2)


def test_a_folder_of_odd_pictures_gives_what_can_be_read(tmp_path: Path) -> None:
    for name in ("cat", "dog"):
        (tmp_path / name).mkdir()
    pixels = gradient()
    Image.fromarray(pixels).save(tmp_path / "cat" / "colour.png")
    Image.fromarray(pixels[..., 0]).save(tmp_path / "cat" / "grey.png")
    Image.fromarray(pixels[..., 0].astype(np.uint16) * 257).save(tmp_path / "cat" / "deep.png")
    Image.fromarray(np.dstack([pixels, pixels[..., :1]])).save(tmp_path / "dog" / "alpha.png")
    Image.fromarray(pixels).convert("P").save(tmp_path / "dog" / "palette.gif")
    Image.fromarray(pixels).convert("CMYK").save(tmp_path / "dog" / "cmyk.jpg")
    Image.fromarray(pixels[..., 0] > 99).save(tmp_path / "dog" / "bits.png")
    Image.fromarray(pixels[:1]).save(tmp_path / "dog" / "line.png")
    (tmp_path / "cat" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nrubbish")
    (tmp_path / "dog" / "empty.jpg").write_bytes(b"")
    (tmp_path / "dog" / "notes.txt").write_text("no picture")
    for shape in (GREY, COLOUR):
        pool = load_pool(str(tmp_path), shape)
        assert is_sound(pool, shape) and len(pool) == 7 and pool.classes == ("cat", "dog")
        assert pool.present == (0, 1) and len(pool.skipped) == 4
        grey, deep = (pool.images[pool.keys.index(f"cat/{name}.png")] for name in ("grey", "deep"))
        assert np.abs(grey - deep).max() < 0.01
    assert len(load_pool(str(tmp_path), GREY, 4, seed=1)) == 4


def test_a_picture_of_the_exact_shape_keeps_its_pixels(tmp_path: Path) -> None:
    pixels = gradient(28, 28)[..., 1]
    Image.fromarray(pixels).save(tmp_path / "digit.png")
    pool = load_pool(str(tmp_path / "digit.png"), GREY)
    assert np.array_equal(np.round(pool.images[0, 0] * 255).astype(np.uint8), pixels)
    assert pool.keys == ("digit.png",) and pool.labels.tolist() == [-1]


def test_a_wide_picture_is_cropped_to_its_middle_not_squeezed(tmp_path: Path) -> None:
    pixels = np.zeros((32, 96), np.uint8)
    pixels[:, 32:64] = 255
    Image.fromarray(pixels).save(tmp_path / "wide.png")
    assert load_pool(str(tmp_path / "wide.png"), GREY).images[0, 0, :, 2:26].min() > 0.99


@pytest.mark.parametrize("case", ["empty folder", "no pictures", "all broken", "corrupt", "huge", "nothing", "text"])
def test_what_gives_no_image_is_a_user_error(case: str, tmp_path: Path) -> None:
    source = tmp_path / "source"
    if case in ("empty folder", "no pictures", "all broken"):
        source.mkdir()
    if case == "no pictures":
        (source / "a.txt").write_text("x")
    if case == "all broken":
        (source / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    if case == "corrupt":
        source = tmp_path / "a.png"
        Image.fromarray(gradient()).save(source)
        source.write_bytes(source.read_bytes()[:60])
    if case == "huge":
        source = tmp_path / "huge.png"
        Image.new("1", (20_000, 20_000)).save(source)
    if case == "text":
        source = tmp_path / "a.txt"
        source.write_text("hello")
    with pytest.raises(UserError):
        load_pool(str(source), GREY)


@pytest.mark.parametrize("shape", [(2, 28, 28), (1, 2, 28), (1, 28), (1, 28, 5000)])
def test_shapes_that_no_model_has_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(UserError, match="expected images of"):
        load_pool("digits", shape)  # type: ignore[arg-type]
    with pytest.raises(UserError, match="number of images"):
        load_pool("digits", GREY, -1)


def test_more_than_memory_holds_is_refused_before_it_is_read() -> None:
    with pytest.raises(UserError, match="GB of memory"):
        load_pool("photos", (3, 1024, 1024), 1000)


def test_labels_are_matched_to_a_models_classes_by_name() -> None:
    pool = Pool(np.zeros((4, 1, 4, 4), np.float32), np.array([0, 1, -1, 2]), ("Cat", "dog", "emu"), tuple("abcd"), "x")
    assert pool.labels_for(("dog", "cat")).tolist() == [1, 0, -1, -1]
    assert pool.labels_for(("shirt", "bag")).tolist() == [-1] * 4
    assert not pool.is_labelled and pool.present == (0, 1, 2)
    one = pool.take([0, 0])
    assert one.is_labelled and one.present == (0,)


def test_a_drawing_is_centred_and_scaled_as_mnist_does() -> None:
    drawing = np.zeros((280, 280), np.uint8)
    drawing[20:120, 200:220] = 255  # a small stroke in a corner
    image = from_pixels(drawing, GREY)
    assert image.shape == GREY and image.dtype == np.float32 and image.max() <= 1
    ink = image[0] > 0.5
    rows, columns = np.flatnonzero(ink.any(1)), np.flatnonzero(ink.any(0))
    assert rows[-1] - rows[0] + 1 == 20 and columns[-1] - columns[0] + 1 == 4
    assert abs(rows.mean() - 13.5) <= 0.5 and abs(columns.mean() - 13.5) <= 0.5
    assert from_pixels(drawing, COLOUR).shape == COLOUR
    assert np.array_equal(from_pixels(np.roll(drawing, 100, 0), GREY), image)
    with pytest.raises(UserError, match="nothing is drawn"):
        from_pixels(np.zeros((28, 28), np.uint8), GREY)
    assert from_pixels(np.full((28, 28), 255, np.uint8), GREY)[0].sum() == pytest.approx(400)


def test_grey_is_the_usual_mix_of_colours() -> None:
    pixels = np.array([[255, 0, 0], [0, 255, 0], [0, 0, 255]], np.uint8).reshape(3, 1, 1, 3).repeat(4, 1).repeat(4, 2)
    assert np.allclose(as_shape(pixels, (1, 4, 4)).mean((1, 2, 3)), [0.299, 0.587, 0.114], atol=1e-6)


def test_transparent_parts_are_laid_on_paper_and_said(tmp_path: Path) -> None:
    figure = Image.new("RGBA", (28, 28), (255, 255, 255, 0))
    figure.paste((255, 255, 255, 255), (10, 4, 18, 24))
    figure.save(tmp_path / "white.png")
    pool = load_pool(str(tmp_path / "white.png"), GREY)
    assert pool.images.min() == 0 and pool.images.max() == 1, "a white square says nothing"
    assert pool.notes == ("1 picture has transparent parts: they are black here.",)
    figure.paste((200, 0, 0, 255), (10, 4, 18, 24))
    for name in "ab":
        figure.save(tmp_path / f"{name}.png")
    Image.fromarray(gradient()).save(tmp_path / "plain.png")
    Image.new("RGBA", (9, 9), (0, 0, 0, 0)).save(tmp_path / "nothing.png")
    pool = load_pool(str(tmp_path), COLOUR)
    assert len(pool) == 4
    assert pool.skipped == ("nothing.png: it is transparent all over: nothing can be seen",)
    assert pool.notes == (
        "2 pictures have transparent parts: they are white here.",
        "1 picture has transparent parts: they are black here.",
    )
    assert load_pool(str(tmp_path / "plain.png"), COLOUR).notes == ()
    with pytest.raises(UserError, match="nothing can be seen") as refused:
        load_pool(str(tmp_path / "nothing.png"), GREY)
    assert refused.value.remedy == "save it with a background"
