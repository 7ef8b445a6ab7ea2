"""Pictures of the capital on polling day: rain, a queue, a tram, one lit window."""

from livewire.demo.canvas import (
    COAL,
    HEIGHT,
    INK,
    INK_2,
    INK_3,
    LAMP,
    PAPER,
    PAPER_2,
    RULE,
    SIGNAL,
    WIDTH,
    Canvas,
    Colour,
    irregular,
    mix,
)

GLOW = mix(LAMP, PAPER_2, 0.45)


def _rain(canvas: Canvas, colour: Colour, count: int) -> None:
    """Fine slanted strokes over the whole sheet."""
    chance = irregular("rain", count * 3)
    for number in range(count):
        x, y, size = chance[number * 3 : number * 3 + 3]
        x, y, size = x * (WIDTH + 200) - 40, y * HEIGHT, 14 + size * 34
        canvas.line([(x, y), (x - size * 0.28, y + size)], 1.3, colour)


def _facades(canvas: Canvas, base: float, wall: Colour, lit: Colour, seed: str) -> None:
    """A closed row of town houses, some of whose windows are lit."""
    chance = irregular(seed, 400)
    x, number = -40.0, 0
    while x < WIDTH:
        width = 130 + chance[number] * 90
        top = base - 300 - chance[number + 40] * 190
        shade = mix(wall, INK, chance[number + 80] * 0.3)
        canvas.box(x, top, width + 1, base - top, shade)
        canvas.shape([(x, top), (x + width / 2, top - 70), (x + width, top)], shade)
        columns = 3 if width < 180 else 4
        for row in range(int((base - top) / 74)):
            for column in range(columns):
                on = chance[(number * 31 + row * 7 + column * 3) % 280 + 120] < 0.2
                at = x + (column + 0.5) * width / columns - 11
                glass = lit if on else mix(shade, INK, 0.35)
                canvas.box(at, top + 28 + row * 74, 22, 38, glass)
        x, number = x + width, number + 1


def tram() -> Canvas:
    """A lit tram on a wet street at dusk, mirrored in it."""
    canvas = Canvas(INK_3)
    canvas.fade(0, 720, mix(INK_2, INK, 0.25), mix(RULE, LAMP, 0.18))
    _facades(canvas, 730, mix(INK_2, INK_3, 0.35), mix(GLOW, INK_3, 0.3), "quay")
    canvas.line([(0, 236), (WIDTH, 222)], 3, INK)
    for x in (150, 1500):
        canvas.box(x, 150, 12, 600, INK)
        canvas.line([(x + 6, 190), (x + 150, 232)], 4, INK)
    canvas.box(0, 726, WIDTH, 24, COAL)
    _tram_cars(canvas)
    canvas.mirror(752, 316, mix(INK, COAL, 0.5), clear=0.62)
    for y, width in ((760, 4), (800, 7)):
        canvas.line([(0, y), (WIDTH, y)], width, INK)
    _rain(canvas, mix(INK_3, RULE, 0.55), 260)
    return canvas


def _tram_cars(canvas: Canvas) -> None:
    canvas.line([(800, 396), (740, 312), (826, 230)], 6, INK)
    canvas.line([(786, 228), (872, 228)], 6, INK)
    canvas.box(620, 386, 340, 26, INK, radius=6)
    for left, width in ((270, 520), (802, 520)):
        canvas.box(left, 404, width, 330, INK, radius=34)
        canvas.box(left + 8, 412, width - 16, 26, COAL, radius=12)
        canvas.box(left, 600, width, 78, PAPER_2)
        canvas.box(left, 590, width, 8, RULE)
        for pane in range(5):
            x = left + 26 + pane * (width - 42) / 5
            _window(canvas, x, width / 5 - 20, left + pane)
        for wheel in (90, 170, width - 170, width - 90):
            canvas.disc(left + wheel, 736, 26, INK)
            canvas.disc(left + wheel, 736, 10, INK_3)
    canvas.box(784, 420, 24, 300, COAL)
    canvas.box(1296, 620, 26, 38, PAPER, radius=6)
    canvas.box(270, 614, 18, 44, SIGNAL, radius=4)


def _window(canvas: Canvas, x: float, width: float, seed: int) -> None:
    canvas.box(x, 452, width, 130, GLOW, radius=8)
    chance = irregular(f"riders {seed}", 6)
    for seat in range(2):
        if chance[seat] < 0.72:
            middle = x + width * (0.28 + 0.44 * seat) + chance[seat + 2] * 8
            top = 500 + chance[seat + 4] * 22
            canvas.disc(middle, top, 13, INK)
            canvas.box(middle - 20, top + 14, 40, 582 - top - 14, INK, radius=10)


def school_queue() -> Canvas:
    """A line of umbrellas at the lit door of a school, one of them red."""
    canvas = Canvas(RULE)
    canvas.fade(0, 800, mix(RULE, INK_3, 0.75), mix(RULE, PAPER_2, 0.4))
    _school(canvas)
    canvas.box(0, 830, WIDTH, 237, mix(INK_2, INK_3, 0.4))
    canvas.box(0, 826, WIDTH, 8, INK_2)
    canvas.shape(
        [(292, 834), (448, 834), (620, 1067), (60, 1067)], mix(GLOW, INK_3, 0.35)
    )
    chance = irregular("queue", 60)
    for place in range(13):
        x = 470 + place * 92 + chance[place] * 22
        umbrella = SIGNAL if place == 7 else (INK, COAL, INK_2, INK)[place % 4]
        _waiting(canvas, x, 900 + chance[place + 20] * 14, chance[place + 40], umbrella)
    _child(canvas, 1082, 908)
    _rain(canvas, mix(RULE, PAPER, 0.4), 300)
    return canvas


def _school(canvas: Canvas) -> None:
    wall, dark = mix(INK_2, INK_3, 0.12), COAL
    canvas.box(90, 300, 1400, 534, wall)
    canvas.box(60, 276, 1460, 30, dark)
    canvas.shape([(170, 300), (370, 150), (570, 300)], wall)
    canvas.shape(
        [(150, 300), (370, 134), (590, 300), (560, 300), (370, 160), (180, 300)], dark
    )
    canvas.disc(370, 246, 34, PAPER)
    canvas.line([(370, 246), (370, 271)], 4, INK)
    canvas.line([(370, 246), (375, 263)], 5, INK)
    for row, y in enumerate((360, 590)):
        for column in range(7):
            x = 590 + column * 126
            lit = GLOW if (row, column) not in ((0, 2), (0, 5), (0, 6)) else dark
            canvas.box(x, y, 82, 150, lit)
            canvas.box(x + 39, y, 4, 150, wall)
            canvas.box(x, y + 52, 82, 4, wall)
            canvas.box(x - 8, y + 150, 98, 10, dark)
    for x in (190, 470):
        canvas.box(x, 360, 82, 150, GLOW)
        canvas.box(x + 39, 360, 4, 150, wall)
    canvas.box(272, 560, 196, 274, dark)
    canvas.box(292, 580, 156, 254, PAPER_2)
    canvas.box(250, 540, 240, 22, INK)
    canvas.disc(340, 690, 19, INK)
    canvas.box(316, 710, 48, 124, INK, radius=18)


def _waiting(canvas: Canvas, x: float, foot: float, size: float, shade: Colour) -> None:
    """One person under an umbrella; `size` from 0 to 1 is how tall."""
    head = foot - 176 - size * 34
    coat = mix(INK, INK_2, size * 0.7)
    canvas.box(x - 20, foot - 60, 16, 62, INK)
    canvas.box(x + 4, foot - 60, 16, 62, INK)
    canvas.shape(
        [
            (x - 20, head + 30),
            (x + 20, head + 30),
            (x + 36, foot - 42),
            (x - 36, foot - 42),
        ],
        coat,
    )
    canvas.disc(x, head + 38, 22, coat)
    canvas.disc(x, head, 18, mix(INK_3, RULE, 0.3))
    canvas.pie(x, head - 3, 20, (180, 360), INK)
    canvas.line([(x + 20, head + 90), (x + 20, head - 70)], 4, INK)
    top = head - 18
    canvas.pie(x + 16, top, 66, (180, 360), shade)
    for rib in (-44, 0, 44):
        canvas.disc(x + 16 + rib, top, 22, shade, flat=0.34)
    canvas.line([(x + 16, top - 66), (x + 16, top - 78)], 4, INK)


def _child(canvas: Canvas, x: float, foot: float) -> None:
    """Small, in yellow oilskins, and the only one without an umbrella."""
    hem, shoulder = foot - 24, foot - 84
    canvas.box(x - 14, foot - 26, 10, 30, INK)
    canvas.box(x + 4, foot - 26, 10, 30, INK)
    coat = [(x - 13, shoulder), (x + 13, shoulder), (x + 25, hem), (x - 25, hem)]
    canvas.shape(coat, LAMP)
    canvas.disc(x, foot - 98, 19, LAMP)
    canvas.disc(x + 3, foot - 95, 11, mix(INK_3, RULE, 0.3))


def skyline() -> Canvas:
    """The city at night above its river; one window is lit in red."""
    canvas = Canvas(INK)
    canvas.fade(0, 780, mix(INK, COAL, 0.25), mix(INK_2, LAMP, 0.12))
    tiers = ((360, 0.62, "far"), (250, 0.3, "middle"), (150, 0.0, "near"))
    for height, pale, seed in tiers:
        _tier(canvas, height, mix(INK, INK_2, pale), seed)
    _spire(canvas, 610)
    _hotel(canvas)
    canvas.box(0, 770, WIDTH, 12, INK)
    canvas.mirror(782, 288, mix(INK, COAL, 0.2), clear=0.5)
    return canvas


def _tier(canvas: Canvas, height: float, shade: Colour, seed: str) -> None:
    chance = irregular(seed, 600)
    x, number = -20.0, 0
    while x < WIDTH:
        width = 60 + chance[number] * 110
        top = 776 - height * (0.45 + chance[number + 50] * 0.9)
        canvas.box(x, top, width + 1, 776 - top, shade)
        if chance[number + 100] < 0.3:
            canvas.shape([(x, top), (x + width / 2, top - 44), (x + width, top)], shade)
        for row in range(int((776 - top) / 26)):
            for column in range(int(width / 22)):
                if chance[(number * 37 + row * 11 + column * 5) % 440 + 150] < 0.13:
                    window = mix(LAMP, shade, 0.35)
                    canvas.box(x + 9 + column * 22, top + 14 + row * 26, 8, 11, window)
        x, number = x + width + (6 if seed == "near" else 0), number + 1


def _spire(canvas: Canvas, x: float) -> None:
    canvas.box(x - 34, 430, 68, 350, INK)
    canvas.shape([(x - 44, 430), (x, 190), (x + 44, 430)], INK)
    canvas.line([(x, 200), (x, 150)], 4, INK)
    canvas.disc(x, 480, 20, mix(LAMP, PAPER, 0.4))
    canvas.line([(x, 480), (x - 5, 469)], 3, INK)
    canvas.line([(x, 480), (x + 13, 472)], 3, INK)


def _hotel(canvas: Canvas) -> None:
    """The tall house on the right: twelve dark floors, and the one red window."""
    canvas.box(1120, 236, 236, 544, INK)
    canvas.box(1150, 200, 176, 40, INK)
    canvas.box(1234, 130, 5, 80, INK)
    chance = irregular("regent", 72)
    for row in range(12):
        for column in range(6):
            x, y = 1144 + column * 34, 262 + row * 40
            lit = chance[row * 6 + column] < 0.07 and row > 3
            dim = mix(LAMP, INK, 0.4) if lit else mix(INK, COAL, 0.7)
            canvas.box(x, y, 18, 24, dim)
    canvas.box(1144 + 3 * 34, 262 + 40, 18, 24, SIGNAL)
