"""A picture of the Assembly: its seats, and the one that makes a majority."""

from math import cos, pi, sin

from livewire.demo.canvas import (
    HEIGHT,
    INK,
    INK_2,
    INK_3,
    PAPER,
    PAPER_2,
    RULE,
    SIGNAL,
    WIDTH,
    Canvas,
    Colour,
    Point,
    mix,
)

SEATS, MAJORITY, ROWS = 150, 76, 7


def hemicycle() -> Canvas:
    """All the seats in arcs; those up to a majority are dark, the decisive one red."""
    canvas = Canvas(PAPER_2)
    middle, base = WIDTH / 2, 912.0
    canvas.pie(middle, base, 762, (180, 360), RULE)
    canvas.pie(middle, base, 742, (180, 360), PAPER)
    radii = [300.0 + row * 66 for row in range(ROWS)]
    for radius in reversed(radii):
        canvas.pie(middle, base, radius + 33, (180, 360), mix(PAPER, RULE, 0.45))
        canvas.pie(middle, base, radius + 30, (180, 360), PAPER)
    for number, (angle, distance) in enumerate(_seats(radii), start=1):
        taken = INK if number < MAJORITY else mix(RULE, INK_3, 0.32)
        fill = SIGNAL if number == MAJORITY else taken
        _seat(canvas, (middle, base), angle, distance, fill)
    canvas.pie(middle, base, 196, (180, 360), RULE)
    canvas.pie(middle, base, 150, (180, 360), INK_2)
    canvas.box(middle - 74, base - 96, 148, 40, INK, radius=4)
    canvas.box(middle - 46, base - 132, 92, 30, INK, radius=4)
    canvas.box(0, base, WIDTH, HEIGHT - base, PAPER_2)
    canvas.box(middle - 762, base, 1524, 3, INK_3)
    return canvas


def _seats(radii: list[float]) -> list[tuple[float, float]]:
    """Angle and radius of every seat, from the left end of the chamber to the right."""
    total = sum(radii)
    counts = [round(SEATS * radius / total) for radius in radii]
    counts[-1] += SEATS - sum(counts)
    seats = [
        (30 / radius + (pi - 60 / radius) * place / (count - 1), radius)
        for count, radius in zip(counts, radii, strict=True)
        for place in range(count)
    ]
    return sorted(seats)


def _seat(
    canvas: Canvas,
    centre: Point,
    angle: float,
    radius: float,
    fill: Colour,
) -> None:
    across, along = 17.0, 17.0
    out: Point = (-cos(angle), -sin(angle))
    side: Point = (out[1], -out[0])
    corners = [
        (
            centre[0] + out[0] * (radius + i * along) + side[0] * j * across,
            centre[1] + out[1] * (radius + i * along) + side[1] * j * across,
        )
        for i, j in ((-1, -1), (-1, 1), (1, 1), (1, -1))
    ]
    canvas.shape(corners, fill)
