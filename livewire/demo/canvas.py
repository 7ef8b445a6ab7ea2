"""The sheet the pictures are drawn on, and the few colours they may use.

Shapes are placed in picture units (1600 by 1067) and drawn twice as large, so that
halving the sheet at the end leaves smooth edges. Nothing here is random: what has to
look irregular takes its numbers from `irregular`, which knows only its seed.
"""

from collections.abc import Sequence
from hashlib import shake_256
from io import BytesIO

from PIL import Image, ImageDraw

Colour = tuple[int, int, int]
Point = tuple[float, float]

WIDTH, HEIGHT = 1600, 1067
SCALE = 2

INK: Colour = (0x16, 0x13, 0x0F)
INK_2: Colour = (0x57, 0x51, 0x4A)
INK_3: Colour = (0x8A, 0x82, 0x79)
RULE: Colour = (0xDD, 0xD6, 0xC9)
PAPER_2: Colour = (0xF4, 0xF0, 0xE7)
PAPER: Colour = (0xFC, 0xFA, 0xF5)
COAL: Colour = (0x38, 0x32, 0x2B)  # the dark scheme's rule
SIGNAL: Colour = (0xC4, 0x12, 0x2F)
LAMP: Colour = (0xE0, 0xA8, 0x4A)  # the dark scheme's amber
LEAF: Colour = (0x1D, 0x6B, 0x46)


def mix(one: Colour, other: Colour, share: float) -> Colour:
    """The colour `share` of the way from one to the other; 0 is one, 1 is other."""
    red, green, blue = (
        round(a + (b - a) * share) for a, b in zip(one, other, strict=True)
    )
    return red, green, blue


def irregular(seed: str, count: int) -> list[float]:
    """`count` numbers from 0 to 1 that look random and are always the same."""
    digest = shake_256(seed.encode()).digest(count * 2)
    return [
        int.from_bytes(digest[i : i + 2], "big") / 0xFFFF
        for i in range(0, count * 2, 2)
    ]


class Canvas:
    """A sheet of paper and the shapes one can put on it."""

    def __init__(self, ground: Colour) -> None:
        self._image = Image.new("RGB", (WIDTH * SCALE, HEIGHT * SCALE), ground)
        self._draw = ImageDraw.Draw(self._image)

    def shape(self, points: Sequence[Point], fill: Colour) -> None:
        """A filled polygon."""
        self._draw.polygon([(x * SCALE, y * SCALE) for x, y in points], fill=fill)

    def box(
        self,
        x: float,
        y: float,
        width: float,
        height: float,
        fill: Colour,
        *,
        radius: float = 0,
    ) -> None:
        """A filled rectangle from its top left corner, its corners rounded or not."""
        edges = (
            x * SCALE,
            y * SCALE,
            (x + width) * SCALE - 1,
            (y + height) * SCALE - 1,
        )
        if edges[2] >= edges[0] and edges[3] >= edges[1]:
            self._draw.rounded_rectangle(edges, radius * SCALE, fill=fill)

    def disc(
        self, x: float, y: float, radius: float, fill: Colour, *, flat: float = 1
    ) -> None:
        """A filled circle; `flat` below 1 makes it a lying ellipse."""
        high = radius * flat
        self._draw.ellipse(
            [
                (x - radius) * SCALE,
                (y - high) * SCALE,
                (x + radius) * SCALE,
                (y + high) * SCALE,
            ],
            fill=fill,
        )

    def pie(
        self, x: float, y: float, radius: float, turn: tuple[float, float], fill: Colour
    ) -> None:
        """A filled slice of a circle, in degrees clockwise from three o'clock."""
        edges = [(x - radius) * SCALE, (y - radius) * SCALE]
        edges += [(x + radius) * SCALE, (y + radius) * SCALE]
        self._draw.pieslice(edges, turn[0], turn[1], fill=fill)

    def line(self, points: Sequence[Point], width: float, fill: Colour) -> None:
        """A line through the points."""
        scaled = [(x * SCALE, y * SCALE) for x, y in points]
        self._draw.line(scaled, fill=fill, width=round(width * SCALE), joint="curve")

    def brush(self, points: Sequence[Point], width: float, fill: Colour) -> None:
        """A line with round joints, for curves wider than their points are apart."""
        self.line(points, width, fill)
        for x, y in points:
            self.disc(x, y, width / 2, fill)

    def fade(self, top: float, bottom: float, first: Colour, last: Colour) -> None:
        """A vertical run of colour over the whole width."""
        rows = max(1, round((bottom - top) * SCALE))
        run = Image.new("RGB", (1, rows))
        for row in range(rows):
            run.putpixel((0, row), mix(first, last, row / rows))
        self._image.paste(run.resize((WIDTH * SCALE, rows)), (0, round(top * SCALE)))

    def veil(
        self, points: Sequence[Point], fill: Colour, *, near: float, far: float = 0
    ) -> None:
        """A see-through polygon: `near` opaque at its first point, `far` at its end.

        The end is whatever of the polygon lies furthest from the first point along
        the horizontal, which is what a beam of light needs.
        """
        first = points[0][0]
        reach = max((x for x, _ in points), key=lambda x: abs(x - first)) - first
        left, right = min(first, first + reach), max(first, first + reach)
        across = max(1, round(right - left))
        ramp = Image.new("L", (across, 1))
        for column in range(across):
            share = column / across if reach > 0 else 1 - column / across
            ramp.putpixel((column, 0), round(255 * (near + (far - near) * share)))
        cover = Image.new("L", self._image.size)
        span = (across * SCALE, self._image.height)
        cover.paste(ramp.resize(span), (round(left * SCALE), 0))
        form = Image.new("L", self._image.size)
        scaled = [(x * SCALE, y * SCALE) for x, y in points]
        ImageDraw.Draw(form).polygon(scaled, fill=255)
        empty = Image.new("L", self._image.size)
        self._image.paste(fill, mask=Image.composite(cover, empty, form))

    def mirror(self, y: float, depth: float, water: Colour, *, clear: float) -> None:
        """What stands above `y`, upside down below it, in rippled bands.

        `clear` is how much of it the water gives back at the edge; it fades with depth.
        """
        step = 4
        seen = self._image.crop((0, 0, self._image.width, round(y * SCALE)))
        seen = seen.transpose(Image.Transpose.FLIP_TOP_BOTTOM)
        sway = irregular("water", round(depth / step) + 1)
        for band in range(round(depth / step)):
            top = band * step * SCALE
            strip = seen.crop((0, top, seen.width, top + step * SCALE))
            plain = Image.new("RGB", strip.size, water)
            share = 1 - clear * (1 - band * step / depth)
            shift = (sway[band] - 0.5) * (6 + band * step / depth * 30)
            place = (round(shift * SCALE), round(y * SCALE) + top)
            ground = (0, place[1])
            self._image.paste(plain, ground)
            self._image.paste(Image.blend(strip, plain, share), place)

    def png(self) -> bytes:
        """The finished sheet at its real size."""
        out = BytesIO()
        self._image.reduce(SCALE).save(out, "PNG")
        return out.getvalue()
