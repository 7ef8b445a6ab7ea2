"""A picture of the country: a map of its twelve counting districts."""

from itertools import pairwise

from livewire.demo.canvas import (
    INK,
    INK_2,
    INK_3,
    PAPER,
    PAPER_2,
    RULE,
    SIGNAL,
    Canvas,
    Point,
    irregular,
    mix,
)

# Where districts meet, in picture units; borders are roughened between these points.
POINTS: dict[str, Point] = {
    "a": (545, 190), "b": (705, 96), "c": (900, 158), "d": (1085, 84),
    "e": (1310, 122), "f": (1290, 330), "g": (1395, 470), "h": (1325, 640),
    "i": (1215, 770), "j": (1085, 880), "k": (935, 868), "l": (770, 990),
    "m": (610, 905), "n": (510, 800), "o": (395, 700), "p": (525, 570),
    "q": (415, 430), "r": (430, 290), "s": (700, 275), "t": (880, 310),
    "u": (1085, 285), "v": (650, 445), "w": (840, 470), "x": (1050, 450),
    "y": (690, 595), "z": (795, 560), "A": (890, 610), "B": (800, 690),
    "C": (1070, 640), "D": (690, 725), "E": (935, 775), "G": (845, 835),
}  # fmt: skip
# The corners of the open country's districts, each with its strength of grey.
DISTRICTS = (
    ("absvqr", 0.34), ("bcduts", 0.12), ("defgxu", 0.44), ("stuxwv", 0.26),
    ("vwzyDmnopq", 0.1), ("xghijEAC", 0.16), ("wxCAz", 0.4), ("DBEGklm", 0.3),
)  # fmt: skip
CITIES = ("yzBD", "zAEB", "EjkG")
SKERRINS = (
    (318, 196, 46), (250, 268, 30), (352, 300, 24), (284, 140, 18), (216, 200, 14),
    (180, 250, 11), (372, 132, 10),
)  # fmt: skip
COMPASS: tuple[Point, ...] = (
    (0, -1), (0.6, -0.8), (1, -0.1), (0.7, 0.6), (0.1, 1), (-0.6, 0.7), (-1, 0.1),
    (-0.6, -0.6),
)  # fmt: skip


def country_map() -> Canvas:
    """Haldria in twelve districts; the cities are dark, the capital's dot is red."""
    sea = mix(PAPER_2, RULE, 0.75)
    canvas = Canvas(sea)
    coast = _border("abcdefghijklmnopqr")
    islands = [_island(*spot) for spot in SKERRINS]
    for width in (92, 58, 28):
        shade = mix(sea, PAPER, 0.85 - width / 130)
        for shore in (coast, *islands):
            canvas.brush(shore, width, shade)
            canvas.shape(shore, shade)
    for names, tone in DISTRICTS:
        canvas.shape(_border(names), mix(PAPER, INK_3, tone + 0.1))
    for names in CITIES:
        canvas.shape(_border(names), INK_2)
    for island in islands:
        canvas.shape(island, mix(PAPER, INK_3, 0.46))
    for names in (*(names for names, _ in DISTRICTS), *CITIES):
        ring = _border(names)
        canvas.line([*ring, ring[0]], 2.5, PAPER)
    _river(canvas)
    for shore in (coast, *islands):
        canvas.brush([*shore, shore[0]], 4, INK)
    _towns(canvas)
    return canvas


def _edge(start: str, end: str) -> list[Point]:
    """The border from one point to another, the same from either side."""
    low, high = sorted((start, end))
    (x0, y0), (x1, y1) = POINTS[low], POINTS[high]
    count = max(4, int(((x1 - x0) ** 2 + (y1 - y0) ** 2) ** 0.5 / 13))
    chance = irregular(f"{low}-{high}", count)
    path: list[Point] = []
    drift = 0.0
    for number in range(count):
        share = number / count
        drift = drift * 0.84 + (chance[number] - 0.5) * 0.15
        give = drift * min(1.0, 5 * share, 5 * (1 - share))
        path.append(
            (
                x0 + (x1 - x0) * share - (y1 - y0) * give,
                y0 + (y1 - y0) * share + (x1 - x0) * give,
            )
        )
    path = _smooth([*path, (x1, y1)])
    return path if (start, end) == (low, high) else path[::-1]


def _smooth(path: list[Point]) -> list[Point]:
    """The path with its corners cut twice (Chaikin, 1974); its ends stay."""
    for _ in range(2):
        cut = [
            (x0 + (x1 - x0) * share, y0 + (y1 - y0) * share)
            for (x0, y0), (x1, y1) in pairwise(path)
            for share in (0.25, 0.75)
        ]
        path = [path[0], *cut, path[-1]]
    return path


def _border(names: str) -> list[Point]:
    ring: list[Point] = []
    for start, end in pairwise(names + names[0]):
        ring += _edge(start, end)[:-1]
    return ring


def _island(x: float, y: float, size: float) -> list[Point]:
    chance = irregular(f"island {x}", len(COMPASS))
    ring = [
        (x + dx * size * (0.8 + give * 0.5), y + dy * size * (0.7 + give * 0.5))
        for (dx, dy), give in zip(COMPASS, chance, strict=True)
    ]
    # Begun in the middle of an edge, so that smoothing rounds every corner.
    (x0, y0), (x1, y1) = ring[-1], ring[0]
    middle = ((x0 + x1) / 2, (y0 + y1) / 2)
    return _smooth([middle, *ring, middle])


def _river(canvas: Canvas) -> None:
    """The Arre, from the mountains past the capital to the sea in the south."""
    course = ["u", "t", "w", "z", "B", "D", "m"]
    path = [p for start, end in pairwise(course) for p in _edge(start, end)]
    canvas.brush(path, 9, mix(PAPER_2, RULE, 0.75))


def _towns(canvas: Canvas) -> None:
    for x, y in (
        (560, 300),
        (900, 230),
        (1180, 260),
        (880, 390),
        (590, 660),
        (1200, 600),
    ):
        canvas.disc(x, y, 9, PAPER)
        canvas.disc(x, y, 6, INK)
    canvas.disc(965, 838, 13, PAPER)
    canvas.disc(965, 838, 9, INK)
    capital = POINTS["B"]
    canvas.disc(*capital, 25, PAPER)
    canvas.disc(*capital, 18, SIGNAL)
