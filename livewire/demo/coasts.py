"""Pictures from the edges of the country: harbour, islands and border."""

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
    Point,
    irregular,
    mix,
)


def lighthouse() -> Canvas:
    """A boat below the light of Inner Skerrin; its mast carries a red lamp."""
    canvas = Canvas(INK)
    canvas.fade(0, 690, INK, mix(COAL, INK_2, 0.5))
    chance = irregular("stars", 180)
    for star in range(60):
        x, y, size = chance[star * 3 : star * 3 + 3]
        canvas.disc(x * WIDTH, y * 520, 0.9 + size * 1.6, mix(INK_2, RULE, size))
    canvas.veil([(1262, 262), (1262, 286), (0, 470), (0, 150)], PAPER_2, near=0.85)
    canvas.veil([(1262, 270), (1262, 278), (0, 380), (0, 236)], PAPER, near=0.6)
    canvas.veil([(1290, 264), (1290, 284), (1600, 330), (1600, 218)], PAPER_2, near=0.7)
    _sea(canvas, 690, mix(COAL, INK_2, 0.35), INK)
    _cliff(canvas)
    _boat(canvas, 520, 806)
    return canvas


def _sea(canvas: Canvas, top: float, far: Colour, near: Colour) -> None:
    """Bands of swell that grow wider and darker towards us."""
    canvas.fade(top, HEIGHT, far, near)
    y, band = top, 0
    while y < HEIGHT:
        chance = irregular(f"swell {band}", 40)
        share = (y - top) / (HEIGHT - top)
        for wave in range(16 - band // 2):
            x, size = chance[wave] * WIDTH, 20 + share * 150 * chance[wave + 20]
            crest = mix(mix(far, near, share), RULE, 0.28 * (1 - share * 0.5))
            canvas.box(x - size / 2, y, size, 1.5 + share * 3.5, crest, radius=1)
        y, band = y + 9 + share * 30, band + 1


ROCK: tuple[Point, ...] = (
    (960, 800), (1030, 706), (1090, 690), (1130, 610), (1210, 560), (1340, 552),
    (1420, 600), (1490, 590), (1600, 640), (1600, 850), (1380, 830), (1150, 842),
)  # fmt: skip
LIT_ROCK: tuple[Point, ...] = (
    (1090, 690), (1130, 610), (1210, 560), (1230, 640), (1170, 720), (1180, 800),
    (1030, 800),
)  # fmt: skip


def _cliff(canvas: Canvas) -> None:
    canvas.shape(ROCK, INK)
    canvas.shape(LIT_ROCK, COAL)
    canvas.shape([(1238, 300), (1314, 300), (1330, 560), (1222, 560)], PAPER_2)
    canvas.shape([(1284, 300), (1314, 300), (1330, 560), (1288, 560)], RULE)
    canvas.shape([(1232, 392), (1320, 392), (1324, 460), (1228, 460)], INK_2)
    canvas.box(1226, 290, 100, 12, INK)
    canvas.box(1250, 244, 52, 48, mix(LAMP, PAPER, 0.5))
    for x in (1250, 1274, 1298):
        canvas.box(x, 244, 4, 48, INK)
    canvas.shape([(1242, 246), (1276, 204), (1310, 246)], INK)
    canvas.box(1390, 540, 110, 70, INK)
    canvas.shape([(1380, 542), (1445, 500), (1510, 542)], INK)
    canvas.box(1420, 562, 18, 22, LAMP)


def _boat(canvas: Canvas, x: float, y: float) -> None:
    for row in range(7):
        size = 26 - row * 2.6
        canvas.box(
            x + 8 - size / 2, y + 26 + row * 17, size, 5, mix(SIGNAL, INK, row * 0.12)
        )
    canvas.shape(
        [(x - 130, y - 22), (x + 128, y - 34), (x + 92, y + 22), (x - 104, y + 22)], INK
    )
    canvas.line([(x - 130, y - 24), (x + 128, y - 36)], 5, PAPER_2)
    canvas.box(x - 84, y - 84, 76, 60, INK)
    canvas.box(x - 92, y - 92, 92, 10, RULE)
    canvas.box(x - 70, y - 74, 22, 22, LAMP)
    canvas.box(x - 40, y - 74, 22, 22, LAMP)
    for box in range(4):
        canvas.box(
            x + 10 + box * 24, y - 50 - box % 2 * 3, 20, 22, mix(INK_3, RULE, box * 0.2)
        )
    canvas.line([(x + 6, y - 30), (x + 6, y - 168)], 5, INK)
    canvas.disc(x + 6, y - 170, 11, SIGNAL)


def harbour() -> Canvas:
    """Cranes at dawn over stacked containers, one of which is red."""
    canvas = Canvas(PAPER_2)
    canvas.fade(0, 760, mix(RULE, INK_3, 0.45), mix(PAPER, LAMP, 0.16))
    canvas.disc(560, 610, 128, mix(LAMP, PAPER, 0.45))
    coast = [(0, 690), (210, 640), (480, 672), (760, 630), (1100, 668), (1600, 622)]
    canvas.shape([*coast, (WIDTH, 770), (0, 770)], mix(RULE, INK_3, 0.4))
    for x, size, shade in ((330, 0.62, INK_3), (700, 0.8, INK_2), (1130, 1.0, INK)):
        _crane(canvas, x, 770, size, shade)
    _containers(canvas)
    canvas.box(0, 770, WIDTH, 16, INK)
    canvas.mirror(786, 284, mix(INK_3, INK_2, 0.5), clear=0.6)
    return canvas


def _crane(canvas: Canvas, x: float, base: float, size: float, shade: Colour) -> None:
    """A gantry crane: legs, a boom out over the water, and the stays that hold it."""

    def at(dx: float, dy: float) -> Point:
        return x + dx * size, base - dy * size

    for leg in (0, 170):
        canvas.line(
            [at(leg, 0), at(leg + (14 if leg == 0 else -14), 420)], 17 * size, shade
        )
    for height in (150, 330):
        canvas.line([at(0, height), at(170, height)], 13 * size, shade)
    canvas.line([at(2, 150), at(166, 330)], 7 * size, shade)
    canvas.line([at(-330, 424), at(330, 424)], 20 * size, shade)
    canvas.line([at(60, 424), at(88, 610), at(140, 424)], 12 * size, shade)
    for end in (-320, -150, 310):
        canvas.line([at(88, 606), at(end, 430)], 5 * size, shade)
    canvas.line([at(-210, 424), at(-210, 270)], 4 * size, shade)
    left, top = at(-262, 270)
    canvas.box(left, top, 104 * size, 44 * size, shade)
    left, top = at(150, 480)
    canvas.box(left, top, 90 * size, 46 * size, shade)


def _containers(canvas: Canvas) -> None:
    shades = (INK, INK_2, COAL, mix(INK_2, INK_3, 0.6), mix(INK_3, RULE, 0.35))
    stacks = (2, 3, 3, 1, 4, 4, 2, 3, 5, 5, 4, 3, 4, 2, 3, 1)
    chance = irregular("cargo", 100)
    for place, height in enumerate(stacks):
        for level in range(height):
            shade = shades[int(chance[place * 6 + level] * 4.99)]
            if (place, level) == (5, 2):
                shade = SIGNAL
            x, y = place * 101 - 6, 770 - (level + 1) * 46
            canvas.box(x - 2, y - 1, 102, 47, mix(INK, COAL, 0.5))
            canvas.box(x, y, 98, 44, shade)
            for rib in range(1, 8):
                canvas.box(x + rib * 12, y + 5, 2, 34, mix(shade, INK, 0.4))


def bridge() -> Canvas:
    """Stone arches over still water at dawn; one red flag stands in the middle."""
    canvas = Canvas(PAPER_2)
    canvas.fade(0, 640, mix(RULE, INK_3, 0.3), mix(PAPER, LAMP, 0.1))
    canvas.disc(1180, 330, 74, PAPER)
    hills = (
        (mix(RULE, INK_3, 0.25), (470, 420, 500, 440, 380, 460, 430)),
        (mix(RULE, INK_3, 0.6), (560, 520, 570, 545, 520, 480, 540)),
    )
    for shade, heights in hills:
        ridge = [(place * WIDTH / 6, float(y)) for place, y in enumerate(heights)]
        canvas.shape([*ridge, (WIDTH, 680), (0, 680)], shade)
    water = mix(RULE, INK_3, 0.35)
    _arches(canvas)
    canvas.mirror(680, 388, water, clear=0.78)
    for x, width in ((140, 320), (900, 420), (520, 180), (1280, 260)):
        canvas.box(x, 690 + width * 0.6, width, 2, PAPER_2)
    return canvas


def _arches(canvas: Canvas) -> None:
    """Cut by drawing: what lies behind an arch is painted over the wall again."""
    behind = mix(RULE, INK_3, 0.6)
    canvas.shape([(0, 500), (800, 420), (1600, 500), (1600, 680), (0, 680)], INK_2)
    for place in range(-3, 4):
        x, reach = 800 + place * 232, 96 - abs(place) * 6
        crown = 566 + abs(place) * 12
        canvas.disc(x, crown, reach + 12, INK)
        canvas.disc(x, crown, reach, behind)
        canvas.box(x - reach - 12, crown, reach * 2 + 24, 682 - crown, INK)
        canvas.box(x - reach, crown, reach * 2, 682 - crown, behind)
    canvas.line([(0, 496), (800, 416), (1600, 496)], 14, INK)
    for place in range(-9, 10):
        x, y = 800 + place * 84, 414 + abs(place) * 8.4
        canvas.box(x - 3, y - 46, 6, 46, INK)
        canvas.disc(x, y - 50, 7, INK)
    canvas.box(797, 236, 6, 184, INK)
    canvas.shape([(803, 240), (918, 262), (896, 288), (914, 322), (803, 304)], SIGNAL)
