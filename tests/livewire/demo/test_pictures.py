"""The pictures of the demo: real images, each its own, the same every time."""

from io import BytesIO

import pytest
from PIL import Image

from livewire.demo.canvas import INK, PAPER, SIGNAL, irregular, mix
from livewire.demo.pictures import NAMES, draw


@pytest.mark.parametrize("name", NAMES)
def test_a_picture_is_a_png_of_the_promised_size(name: str) -> None:
    with Image.open(BytesIO(draw(name))) as image:
        assert (image.format, image.size, image.mode) == ("PNG", (1600, 1067), "RGB")


@pytest.mark.parametrize("name", NAMES)
def test_a_picture_has_one_red_accent_and_no_more(name: str) -> None:
    with Image.open(BytesIO(draw(name))) as image:
        colours = image.getcolors(maxcolors=image.width * image.height)
    assert colours is not None
    red = sum(count for count, colour in colours if colour == SIGNAL)
    assert 0 < red < image.width * image.height * 0.02


@pytest.mark.parametrize("name", NAMES)
def test_a_picture_fills_its_sheet_to_the_last_row(name: str) -> None:
    with Image.open(BytesIO(draw(name))) as image:
        last = image.crop((0, 1066, 1600, 1067)).convert("L").resize((1, 1))
        above = image.crop((0, 1062, 1600, 1063)).convert("L").resize((1, 1))
    assert abs(last.tobytes()[0] - above.tobytes()[0]) < 30


def test_drawing_twice_gives_the_same_bytes() -> None:
    assert draw("skyline") == draw("skyline")


def test_no_two_pictures_are_alike() -> None:
    assert len({draw(name) for name in NAMES}) == len(NAMES) >= 8


def test_a_picture_nobody_drew_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        draw("selfie")


def test_irregular_numbers_depend_on_their_seed_alone() -> None:
    assert irregular("rain", 5) == irregular("rain", 5) != irregular("snow", 5)
    assert all(0 <= number <= 1 for number in irregular("rain", 500))


def test_mixing_runs_from_one_colour_to_the_other() -> None:
    assert (mix(INK, PAPER, 0), mix(INK, PAPER, 1)) == (INK, PAPER)
