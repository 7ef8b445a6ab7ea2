"""Pictures of indoors: where votes are cast, counted and explained."""

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
    Point,
    irregular,
    mix,
)

HORIZON = 372.0


def _seen(x: float, y: float, z: float) -> Point:
    """A point of the hall in metres (right, up, away) as the gallery sees it."""
    return WIDTH / 2 + 1050 * x / z, HORIZON + 1050 * (4.6 - y) / z


def counting_hall() -> Canvas:
    """Long tables under hanging lamps, running towards a bright window."""
    canvas = Canvas(mix(RULE, INK_3, 0.25))
    _hall(canvas)
    for z in (22.0, 19.0, 16.2, 13.6, 11.2, 9.0, 7.0):
        for x in (-5.4, 5.4):
            _lamp(canvas, x, z)
    for number in range(33, -1, -1):
        z = 4.6 + number * 0.62
        for x in (-6.6, -2.2, 2.2, 6.6):
            _place_at_table(canvas, x, z, number)
    return canvas


def _hall(canvas: Canvas) -> None:
    far, near, side, high = 27.0, 2.0, 9.4, 9.0
    floor = [_seen(-side, 0, far), _seen(side, 0, far)]
    canvas.shape(
        [*floor, _seen(side, 0, near), _seen(-side, 0, near)], mix(COAL, INK_2, 0.4)
    )
    roof = [_seen(-side, high, far), _seen(side, high, far)]
    canvas.shape([*roof, _seen(side, high, near), _seen(-side, high, near)], INK)
    for turn in (-1, 1):
        wall = [_seen(turn * side, y, z) for y, z in ((0, far), (high, far))]
        wall += [_seen(turn * side, y, z) for y, z in ((high, near), (0, near))]
        canvas.shape(wall, INK_2)
        for z in (25.0, 21.6, 18.2, 14.8, 11.4, 8.0, 4.6):
            pane = [_seen(turn * side, y, z) for y in (3.0, 7.4)]
            pane += [_seen(turn * side, y, z - 1.9) for y in (7.4, 3.0)]
            canvas.shape(pane, mix(INK_3, RULE, 0.25 + z / 50))
    left, top = _seen(-side, high, far)
    right, bottom = _seen(side, 0, far)
    canvas.box(left, top, right - left, bottom - top, INK_3)
    _end_window(canvas, left, right, bottom)
    for z in (26.0, 22.4, 19.0, 15.8, 12.8, 10.0, 7.4, 5.2):
        ends = [_seen(-side, 8.0, z), _seen(0, 9.0, z), _seen(side, 8.0, z)]
        canvas.line(ends, 90 / z, INK)
        canvas.line([ends[0], ends[2]], 60 / z, INK)


def _end_window(canvas: Canvas, left: float, right: float, bottom: float) -> None:
    middle, reach = (left + right) / 2, (right - left) * 0.225
    crown, sill = HORIZON + 16, bottom - 52
    canvas.pie(middle, crown, reach, (180, 360), PAPER)
    canvas.box(middle - reach, crown - 1, reach * 2, sill - crown, PAPER)
    for bar in range(-3, 4):
        x = bar * reach / 3.5
        top = crown - (reach**2 - x**2) ** 0.5
        canvas.line([(middle + x, top), (middle + x, sill)], 2.5, INK_3)
    for rise in (0.5, 0.0, -0.4):
        half = reach * (1 - max(rise, 0) ** 2) ** 0.5
        y = crown - reach * rise
        canvas.line([(middle - half, y), (middle + half, y)], 2.5, INK_3)
    gleam = [(middle - 34, bottom), (middle + 34, bottom)]
    canvas.shape(
        [*gleam, (middle + 190, HEIGHT), (middle - 190, HEIGHT)],
        mix(INK_2, INK_3, 0.25),
    )


def _lamp(canvas: Canvas, x: float, z: float) -> None:
    hook, (middle, y) = _seen(x, 9, z), _seen(x, 5.6, z)
    size = 560 / z
    canvas.line([hook, (middle, y)], 16 / z, INK)
    canvas.pie(middle, y + size * 0.5, size, (180, 360), INK)
    canvas.disc(middle, y + size * 0.5, size * 0.82, LAMP, flat=0.22)


def _place_at_table(canvas: Canvas, x: float, z: float, number: int) -> None:
    """One slice of a table, with whoever sits at it and the paper between them."""
    turn = 1 if x > 0 else -1
    chance = irregular(f"{x} {number}", 6)
    if number % 2 and chance[0] < 0.9:
        _person(canvas, x + turn * 1.35, z, -turn, chance[1])
    top = [_seen(x - 0.85, 0.85, z + 0.31), _seen(x + 0.85, 0.85, z + 0.31)]
    front = [_seen(x + 0.85, 0.85, z - 0.31), _seen(x - 0.85, 0.85, z - 0.31)]
    canvas.shape([*top, *front], PAPER_2)
    inner = x - turn * 0.85
    edge = [_seen(inner, 0.85, z + 0.31), _seen(inner, 0.85, z - 0.31)]
    edge += [_seen(inner, 0.68, z - 0.31), _seen(inner, 0.68, z + 0.31)]
    canvas.shape(edge, INK_3)
    for slot in range(3):
        _pile(canvas, x - 0.5 + slot * 0.5, z, chance[2 + slot])
    red = number == 4 and x == 2.2
    if red or (number % 2 == 0 and chance[5] < 0.86):
        _person(canvas, x - turn * 1.35, z, turn, 2.0 if red else chance[4])


def _pile(canvas: Canvas, x: float, z: float, size: float) -> None:
    if size < 0.3:
        return
    left, base = _seen(x - 0.16, 0.85, z)
    right, top = _seen(x + 0.16, 0.85 + size * 0.34, z)
    canvas.box(left, top, right - left, base - top, mix(RULE, INK_3, 0.45))
    canvas.box(left, top, right - left, 60 / z, PAPER)


def _person(canvas: Canvas, x: float, z: float, turn: int, tone: float) -> None:
    """Somebody bent over a table to the `turn` side; a tone of 2 is the red coat."""
    coats = (INK, mix(INK_3, RULE, 0.55), mix(INK, COAL, 0.4), INK_3, INK, RULE)
    coat = SIGNAL if tone > 1 else coats[int(tone * 5.99)]
    middle, shoulder = _seen(x, 1.32, z)
    metre = 1050 / z
    half, hip = metre * 0.2, metre * 0.27
    arm = [(middle + turn * half * 0.8, shoulder + metre * 0.16)]
    arm += [(middle + turn * metre * 0.5, shoulder + metre * 0.42)]
    canvas.line([*arm, _seen(x + turn * 0.62, 0.9, z)], metre * 0.13, coat)
    foot = shoulder + metre * 1.05
    sides = [(middle + half, shoulder), (middle + hip, foot), (middle - hip, foot)]
    canvas.shape([*sides, (middle - half, shoulder)], coat)
    canvas.disc(middle, shoulder + metre * 0.05, half * 1.1, coat, flat=0.62)
    head, lean = metre * 0.15, turn * metre * 0.07
    top = shoulder - head * 0.7
    hair = mix(INK, RULE, (0, 0.1, 0.55, 0.25, 0.05)[int(z * 7 + x) % 5])
    canvas.disc(middle + lean, top, head, hair)
    skin = mix(RULE, INK_2, 0.12 + 0.16 * (int(z * 5 + x) % 5))
    canvas.disc(middle + lean + turn * head * 0.36, top + head * 0.3, head * 0.68, skin)


def press_room() -> Canvas:
    """A lectern full of microphones, seen over the backs of empty chairs."""
    canvas = Canvas(COAL)
    for fold in range(41):
        x = fold * 40 - 10
        canvas.box(x, 0, 26, 720, mix(COAL, INK_2, 0.22 + 0.2 * (fold % 3 == 0)))
    light = mix(INK_2, INK_3, 0.55)
    canvas.shape([(700, 0), (900, 0), (1190, 760), (410, 760)], mix(COAL, light, 0.55))
    canvas.shape([(740, 0), (860, 0), (1060, 760), (540, 760)], light)
    canvas.box(0, 700, WIDTH, 367, INK)
    canvas.disc(800, 752, 420, INK_3, flat=0.16)
    canvas.disc(800, 748, 380, RULE, flat=0.15)
    _lectern(canvas)
    for row, (y, size) in enumerate(((812, 0.62), (900, 0.9), (1030, 1.3))):
        for place in range(-9, 10):
            _chair(canvas, 800 + (place + row % 2 / 2) * 190 * size, y, size, row)
    _camera(canvas)
    return canvas


def _lectern(canvas: Canvas) -> None:
    canvas.box(660, 726, 280, 30, INK, radius=3)
    canvas.box(690, 470, 220, 262, INK)
    canvas.box(712, 508, 176, 196, COAL)
    canvas.box(724, 520, 152, 172, INK)
    canvas.shape([(618, 452), (982, 452), (950, 496), (650, 496)], PAPER_2)
    canvas.box(618, 444, 364, 10, PAPER)
    jitter = irregular("microphones", 12)
    for number in range(12):
        foot = 668 + number * 24
        tip = 800 + (foot - 800) * 1.62
        y = 300 + abs(tip - 800) * 0.3 + number % 2 * 62 + jitter[number] * 34
        canvas.line([(foot, 446), (foot, 418), (tip, y)], 5, INK)
        _microphone(canvas, tip, y, number)


def _microphone(canvas: Canvas, x: float, y: float, number: int) -> None:
    shade = (INK, INK, INK_2, PAPER_2, INK)[number % 5]
    canvas.box(x - 11, y - 8, 22, 38, INK, radius=8)
    canvas.disc(x, y - 14, 18, shade)
    if number % 3 == 0:
        canvas.box(x - 17, y + 4, 34, 22, RULE, radius=2)
        canvas.box(x - 10, y + 12, 20, 6, INK_2)


def _chair(canvas: Canvas, x: float, y: float, size: float, row: int) -> None:
    back = mix(INK_2, INK, (0.15, 0.5, 0.86)[row])
    canvas.box(x - 66 * size, y - 86 * size, 132 * size, 150 * size, back, radius=16)
    canvas.box(x - 66 * size, y - 86 * size, 132 * size, 5, mix(back, RULE, 0.3))
    for leg in (-52, 44):
        canvas.box(x + leg * size, y + 60 * size, 8 * size, 90 * size, back)


def _camera(canvas: Canvas) -> None:
    canvas.line([(1330, 640), (1268, 1067)], 12, INK)
    canvas.line([(1330, 640), (1400, 1067)], 12, INK)
    canvas.box(1230, 500, 200, 124, INK, radius=10)
    canvas.shape([(1230, 530), (1150, 506), (1150, 616), (1230, 596)], INK)
    canvas.box(1290, 470, 110, 20, INK)
    canvas.line([(1300, 500), (1300, 476)], 8, INK)
    canvas.box(1318, 624, 24, 40, INK)
    canvas.disc(1398, 530, 11, SIGNAL)


def ballot_box() -> Canvas:
    """A box with a paper half in its slot, and loose ballots, one of them crossed."""
    canvas = Canvas(RULE)
    canvas.box(0, 690, WIDTH, 377, PAPER_2)
    canvas.shape(
        [(930, 990), (1220, 850), (1600, 890), (1600, 1067), (1150, 1067)], RULE
    )
    front = [(520, 430), (930, 500), (930, 990), (520, 900)]
    flank = [(930, 500), (1220, 410), (1220, 850), (930, 990)]
    canvas.shape(front, INK_2)
    canvas.shape(flank, INK)
    canvas.shape([(520, 430), (812, 352), (1220, 410), (930, 500)], COAL)
    canvas.shape([(742, 418), (768, 411), (1000, 446), (972, 454)], INK)
    _folded(canvas)
    canvas.shape([(662, 590), (790, 614), (790, 700), (662, 672)], PAPER_2)
    canvas.shape([(690, 622), (762, 636), (762, 648), (690, 634)], INK_3)
    canvas.shape([(690, 648), (742, 658), (742, 670), (690, 660)], INK_3)
    _seal(canvas)
    _ballot(canvas, (176, 732), -0.1, crossed=None)
    _ballot(canvas, (64, 812), 0.14, crossed=2)
    return canvas


def _folded(canvas: Canvas) -> None:
    canvas.shape([(770, 420), (976, 452), (950, 176), (742, 148)], PAPER)
    canvas.shape(
        [(860, 434), (976, 452), (950, 176), (842, 161)], mix(PAPER, RULE, 0.7)
    )
    for row in range(4):
        y = 196 + row * 54
        canvas.line([(776 + row * 5, y), (826 + row * 5, y + 7)], 7, INK_3)


def _seal(canvas: Canvas) -> None:
    canvas.line([(905, 470), (905, 556), (958, 590), (958, 480)], 5, PAPER_2)
    canvas.disc(930, 574, 25, SIGNAL)
    canvas.disc(930, 574, 15, mix(SIGNAL, INK, 0.25))


def _ballot(canvas: Canvas, corner: Point, lean: float, *, crossed: int | None) -> None:
    """A paper lying on the table, drawn in its own slanted coordinates."""

    def at(x: float, y: float) -> Point:
        return corner[0] + x + y * 0.24, corner[1] + x * -lean + y * 0.5

    low = [
        (x + 10, y + 12) for x, y in (at(0, 0), at(300, 0), at(300, 380), at(0, 380))
    ]
    canvas.shape(low, mix(RULE, INK_3, 0.4))
    canvas.shape([at(0, 0), at(300, 0), at(300, 380), at(0, 380)], PAPER)
    for row in range(5):
        y = 50 + row * 62
        canvas.line([at(90, y + 14), at(230 - row % 3 * 30, y + 14)], 8, INK_3)
        canvas.line(
            [at(30, y), at(62, y), at(62, y + 32), at(30, y + 32), at(30, y)], 3, INK
        )
        if row == crossed:
            canvas.line([at(14, y - 22), at(78, y + 56)], 9, SIGNAL)
            canvas.line([at(86, y - 18), at(8, y + 48)], 9, SIGNAL)
