"""The page about the look is the style sheet in words: same names, same values."""

import re

import pytest

from tests.docs.pages import ROOT, read, rows, section

CSS = (ROOT / "livewire" / "static" / "livewire.css").read_text()
PAGE = read("design")
_COLOUR = re.compile(r"(--[\w-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)")

COLOURS = {name: (light, dark) for name, light, dark in _COLOUR.findall(CSS)}


def values(prefix: str) -> dict[str, str]:
    return dict(re.findall(rf"^\s+({prefix}[\w-]*): ([^;]+);", CSS, re.M))


def table(heading: str) -> dict[str, list[str]]:
    lines = rows(section(PAGE, heading))
    return {row[0].strip("`"): [cell.strip("`") for cell in row[1:]] for row in lines}


def test_the_palette_is_that_of_the_style_sheet() -> None:
    shown = {name: (row[0], row[1]) for name, row in table("Palette").items()}
    assert shown == COLOURS


def test_the_scale_of_type_is_that_of_the_style_sheet() -> None:
    shown = {name: row[0] for name, row in table("Type").items()}
    assert shown == values("--size-")


def test_what_is_said_in_pixels_is_what_the_sizes_come_to() -> None:
    root = float(re.findall(r"font-size: ([\d.]+)%", CSS)[0]) / 100 * 16
    for size, pixels in table("Type").values():
        assert round(float(size.removesuffix("rem")) * root) == int(pixels.split()[0])


def test_the_steps_of_space_are_those_of_the_style_sheet() -> None:
    shown = {name: row[0] for name, row in table("Space").items()}
    assert shown == values("--space-")


@pytest.mark.parametrize("paper", ["--paper", "--paper-2"])
@pytest.mark.parametrize("ink", ["--ink", "--ink-2", "--signal", "--amber", "--leaf"])
@pytest.mark.parametrize("scheme", [0, 1])
def test_what_is_read_has_the_contrast_of_wcag(
    ink: str, paper: str, scheme: int
) -> None:
    one, other = luminance(COLOURS[ink][scheme]), luminance(COLOURS[paper][scheme])
    assert (max(one, other) + 0.05) / (min(one, other) + 0.05) >= 4.5


def luminance(colour: str) -> float:
    """Relative luminance (WCAG 2.2)."""
    red, green, blue = (linear(int(colour[at : at + 2], 16) / 255) for at in (1, 3, 5))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def linear(part: float) -> float:
    return part / 12.92 if part <= 0.04045 else float(((part + 0.055) / 1.055) ** 2.4)
