import struct
import zlib
from contextlib import suppress
from io import BytesIO

import PIL.Image
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import ExifTags, ImageCms, ImageDraw, PngImagePlugin

from channels.errors import Invalid
from publishers.media.images import Image, prepare

MEGAPIXELS = 1_000_000
WIDTHS = (320, 640, 960, 1280, 1920)
RED, GREEN, BLUE = (220, 20, 20), (20, 180, 20), (20, 20, 220)


def ready(
    content: bytes, *, max_pixels: int = 40 * MEGAPIXELS, widths: tuple[int, ...] = ()
) -> Image:
    return prepare(content, max_pixels=max_pixels, widths=widths or WIDTHS)


def refusal(content: bytes, *, max_pixels: int = 40 * MEGAPIXELS) -> str:
    with pytest.raises(Invalid) as caught:
        ready(content, max_pixels=max_pixels)
    (fault,) = caught.value.errors
    assert fault.pointer == ""
    return fault.detail


def opened(image: Image, width: int) -> PIL.Image.Image:
    return PIL.Image.open(BytesIO(image.renditions[width]))


def colour(picture: PIL.Image.Image, x: int, y: int) -> str:
    pixel = picture.convert("RGB").getpixel((x, y))
    assert isinstance(pixel, tuple)
    return "rgb"[pixel.index(max(pixel))]


def written(picture: PIL.Image.Image, kind: str, **options: object) -> bytes:
    target = BytesIO()
    picture.save(target, kind, **options)
    return target.getvalue()


def plain(
    size: tuple[int, int] = (400, 300), fill: tuple[int, ...] = RED
) -> PIL.Image.Image:
    return PIL.Image.new("RGB" if len(fill) == 3 else "RGBA", size, fill)


def left_red_right_blue() -> PIL.Image.Image:
    picture = plain((400, 200))
    ImageDraw.Draw(picture).rectangle((200, 0, 399, 199), fill=BLUE)
    return picture


def chunk(name: bytes, content: bytes) -> bytes:
    checksum = zlib.crc32(name + content)
    return (
        struct.pack(">I", len(content)) + name + content + struct.pack(">I", checksum)
    )


def png_claiming(width: int, height: int) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = chunk(b"IDAT", zlib.compress(bytes(1000)))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + pixels + chunk(b"IEND", b"")


def webp_claiming(width: int, height: int) -> bytes:
    sides = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    body = b"WEBPVP8X" + struct.pack("<II", 10, 2) + sides
    return b"RIFF" + struct.pack("<I", len(body)) + body


def gif_claiming(width: int, height: int) -> bytes:
    frame = struct.pack("<BHHHHB", 0x2C, 0, 0, width, height, 0)
    return (
        b"GIF89a"
        + struct.pack("<HHBBB", width, height, 0x80, 0, 0)
        + bytes(6)
        + frame
        + b"\x02\x02\x4c\x01\x00;"
    )


SAMPLES = {
    "JPEG": written(left_red_right_blue(), "JPEG"),
    "PNG": written(left_red_right_blue(), "PNG"),
    "WEBP": written(left_red_right_blue(), "WEBP"),
    "GIF": written(left_red_right_blue(), "GIF"),
}


@pytest.mark.parametrize("kind", SAMPLES)
def test_the_four_formats_of_the_web_become_a_progressive_jpeg(kind: str) -> None:
    image = ready(SAMPLES[kind])
    assert (image.width, image.height, image.type) == (400, 200, "image/jpeg")
    picture = opened(image, 400)
    assert picture.format == "JPEG"
    assert picture.info["progressive"]
    assert [colour(picture, 50, 100), colour(picture, 350, 100)] == ["r", "b"]


def test_a_picture_larger_than_the_largest_width_gets_every_width() -> None:
    image = ready(written(plain((2400, 1200)), "JPEG"))
    assert (image.width, image.height) == (2400, 1200)
    sizes = {width: opened(image, width).size for width in image.renditions}
    assert sizes == {width: (width, width // 2) for width in WIDTHS}


def test_a_picture_between_two_widths_keeps_its_own_and_is_not_enlarged() -> None:
    image = ready(written(plain((700, 350)), "JPEG"))
    assert list(image.renditions) == [320, 640, 700]
    assert opened(image, 700).size == (700, 350)


def test_a_picture_of_exactly_one_of_the_widths_is_not_kept_twice() -> None:
    assert list(ready(written(plain((640, 480)), "PNG")).renditions) == [320, 640]


def test_a_picture_smaller_than_every_width_keeps_its_own_only() -> None:
    assert list(ready(written(plain((100, 50)), "PNG")).renditions) == [100]


def test_a_very_flat_picture_keeps_a_row_of_pixels() -> None:
    image = ready(written(plain((4000, 16)), "PNG"), widths=(20,))
    assert opened(image, 20).size == (20, 1)


def test_a_phone_picture_is_turned_upright_and_loses_where_it_was_taken() -> None:
    exif = PIL.Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    exif[ExifTags.Base.Artist] = "Secret Source"
    exif.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitude] = (52.0, 31.0, 12.0)
    xmp = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'>Secret Source</x:xmpmeta>"
    content = written(
        left_red_right_blue(), "JPEG", exif=exif, xmp=xmp, comment=b"Secret Source"
    )
    before = PIL.Image.open(BytesIO(content))
    assert before.getexif().get_ifd(ExifTags.IFD.GPSInfo)

    image = ready(content)

    assert (image.width, image.height) == (200, 400)
    picture = opened(image, 200)
    assert picture.size == (200, 400)
    assert [colour(picture, 100, 50), colour(picture, 100, 350)] == ["r", "b"]
    assert not picture.getexif()
    assert not {"exif", "xmp", "comment", "icc_profile"} & picture.info.keys()
    assert b"Secret Source" not in b"".join(image.renditions.values())


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_ends_upright(orientation: int) -> None:
    upright = plain((64, 32), RED)
    ImageDraw.Draw(upright).rectangle((32, 0, 63, 15), fill=GREEN)
    ImageDraw.Draw(upright).rectangle((0, 16, 63, 31), fill=BLUE)
    undo = {
        1: None,
        2: PIL.Image.Transpose.FLIP_LEFT_RIGHT,
        3: PIL.Image.Transpose.ROTATE_180,
        4: PIL.Image.Transpose.FLIP_TOP_BOTTOM,
        5: PIL.Image.Transpose.TRANSPOSE,
        6: PIL.Image.Transpose.ROTATE_90,
        7: PIL.Image.Transpose.TRANSVERSE,
        8: PIL.Image.Transpose.ROTATE_270,
    }[orientation]
    lying = upright if undo is None else upright.transpose(undo)
    exif = PIL.Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation

    picture = opened(ready(written(lying, "PNG", exif=exif)), 64)

    corners = [colour(picture, x, y) for x, y in ((8, 4), (56, 4), (8, 28), (56, 28))]
    assert corners == ["r", "g", "b", "b"]


# Pillow warns of it while opening, which ends the reading only where warnings do.
@pytest.mark.filterwarnings("ignore:Corrupt EXIF data:UserWarning")
def test_broken_exif_does_not_spoil_the_picture() -> None:
    content = written(plain(), "JPEG", exif=b"Exif\x00\x00MM\x00*\xff\xff\xff\xff")
    assert ready(content).width == 400


def test_a_png_with_alpha_stays_one_and_loses_its_texts() -> None:
    texts = PngImagePlugin.PngInfo()
    texts.add_text("Author", "Secret Source")
    content = written(plain((400, 300), (*GREEN, 90)), "PNG", pnginfo=texts)
    image = ready(content)
    assert image.type == "image/png"
    for width in (320, 400):
        picture = opened(image, width)
        picture.load()
        assert (picture.format, picture.mode) == ("PNG", "RGBA")
        assert picture.getpixel((10, 10)) == pytest.approx((*GREEN, 90), abs=2)
        assert picture.info == {}


def test_an_alpha_channel_that_hides_nothing_makes_a_jpeg() -> None:
    assert ready(written(plain(fill=(*RED, 255)), "PNG")).type == "image/jpeg"


def test_a_transparent_palette_shines_through() -> None:
    palette = plain(fill=(*BLUE, 255))
    ImageDraw.Draw(palette).rectangle((0, 0, 199, 299), fill=(0, 0, 0, 0))
    image = ready(written(palette, "GIF"))
    picture = opened(image, 400)
    assert picture.getchannel("A").getpixel((50, 50)) == 0
    assert picture.getchannel("A").getpixel((350, 50)) == 255


def test_of_an_animation_the_first_frame_is_kept() -> None:
    frames = [plain(fill=fill) for fill in (RED, GREEN, BLUE)]
    for kind in ("GIF", "WEBP", "PNG"):
        content = written(frames[0], kind, save_all=True, append_images=frames[1:])
        assert getattr(PIL.Image.open(BytesIO(content)), "n_frames", 1) == 3
        picture = opened(ready(content), 400)
        assert getattr(picture, "n_frames", 1) == 1
        assert colour(picture, 200, 150) == "r"


def test_a_cmyk_jpeg_for_print_becomes_rgb() -> None:
    picture = opened(ready(written(plain().convert("CMYK"), "JPEG")), 400)
    assert picture.mode == "RGB"
    assert colour(picture, 200, 150) == "r"


def test_a_sixteen_bit_png_keeps_its_greys() -> None:
    greys = PIL.Image.new("I;16", (400, 300), 100 * 256)
    picture = opened(ready(written(greys, "PNG")), 400).convert("L")
    assert picture.getpixel((200, 150)) == pytest.approx(100, abs=2)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P"])
def test_greys_and_palettes_become_colours(mode: str) -> None:
    picture = opened(ready(written(plain().convert(mode), "PNG")), 400)
    assert picture.mode == "RGB"


def test_a_colour_profile_is_applied_and_dropped() -> None:
    lab = ImageCms.createProfile("LAB")
    srgb = ImageCms.createProfile("sRGB")
    profile = ImageCms.ImageCmsProfile(srgb).tobytes()
    image = ready(written(plain(), "JPEG", icc_profile=profile))
    assert "icc_profile" not in opened(image, 400).info
    assert colour(opened(image, 400), 200, 150) == "r"

    misfit = ImageCms.ImageCmsProfile(lab).tobytes()
    for broken in (b"no profile", misfit):
        image = ready(written(plain(), "JPEG", icc_profile=broken))
        assert "icc_profile" not in opened(image, 400).info
        assert colour(opened(image, 400), 200, 150) == "r"


def swapped_primaries() -> bytes:
    """An sRGB profile whose red and blue have changed places."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert b"rXYZ" in profile
    return (
        profile.replace(b"rXYZ", b"?XYZ")
        .replace(b"bXYZ", b"rXYZ")
        .replace(b"?XYZ", b"bXYZ")
    )


@pytest.mark.parametrize("fill", [RED, (*RED, 90)])
def test_the_colours_are_those_the_profile_means(fill: tuple[int, ...]) -> None:
    content = written(plain(fill=fill), "PNG", icc_profile=swapped_primaries())
    picture = opened(ready(content), 400)
    assert colour(picture, 200, 150) == "b"
    assert "icc_profile" not in picture.info
    assert picture.mode == ("RGBA" if len(fill) == 4 else "RGB")


@pytest.mark.parametrize(
    "content",
    [
        png_claiming(60_000, 60_000),
        webp_claiming(16_000, 16_000),
        gif_claiming(*[65_000] * 2),
    ],
    ids=["png", "webp", "gif"],
)
def test_a_bomb_is_refused_by_its_header(content: bytes) -> None:
    assert "more than 40,000,000 pixels" in refusal(content)


@pytest.mark.parametrize("action", ["error", "ignore"])
def test_what_pillow_only_warns_of_is_refused_whatever_the_limit(
    action: str, request: pytest.FixtureRequest
) -> None:
    warning = "PIL.Image.DecompressionBombWarning"
    request.applymarker(pytest.mark.filterwarnings(f"{action}::{warning}"))
    content = png_claiming(10_000, 12_000)
    assert "more than 89,478,485 pixels" in refusal(content, max_pixels=10**9)


def test_one_pixel_row_over_the_limit_is_refused_and_the_limit_is_not() -> None:
    content = written(plain((100, 100)), "PNG")
    assert ready(content, max_pixels=10_000).width == 100
    assert "more than 9,999 pixels" in refusal(content, max_pixels=9_999)


@pytest.mark.parametrize(
    "size", [(1, 1), (15, 400), (400, 15), (20_001, 16), (16, 20_001)]
)
def test_a_side_too_short_or_too_long_is_refused(size: tuple[int, int]) -> None:
    assert "between 16 and 20,000" in refusal(written(plain(size), "PNG"))


@pytest.mark.parametrize("size", [(16, 16), (20_000, 16)])
def test_the_shortest_and_longest_sides_are_taken(size: tuple[int, int]) -> None:
    image = ready(written(plain(size), "PNG"))
    assert (image.width, image.height) == size


@pytest.mark.parametrize("kind", SAMPLES)
def test_a_file_cut_off_is_refused(kind: str) -> None:
    noise = PIL.Image.effect_noise((200, 150), 60).convert("RGB")
    content = written(noise, kind)
    for part in (0.3, 0.6, 0.9):
        assert "damaged or incomplete" in refusal(content[: int(len(content) * part)])


def test_a_jpeg_of_a_thousand_passes_is_refused() -> None:
    content = written(plain(), "JPEG", progressive=True)
    last = content.rindex(b"\xff\xda")
    scan, end = content[last:-2], content[-2:]
    assert ready(content[:-2] + scan * 10 + end).width == 400
    assert "passes, and 100 are allowed" in refusal(content[:-2] + scan * 1000 + end)


OTHERS = {
    "nothing": b"",
    "text": b"Polling stations have closed.",
    "html": b"<!doctype html><script>alert(1)</script>",
    "svg": b'<svg xmlns="http://www.w3.org/2000/svg" width="99" height="99"/>',
    "pdf": b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\n",
    "psd": b"8BPS\x00\x01"
    + bytes(6)
    + struct.pack(">HIIHH", 3, 99, 99, 8, 3)
    + bytes(64),
    "eps": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 99 99\n%%EndComments\n",
    "riff": b"RIFF\x24\x00\x00\x00WAVEfmt " + bytes(32),
    "html, then jpeg": b"<script>alert(1)</script>" + SAMPLES["JPEG"],
    "zip": b"PK\x03\x04" + bytes(64),
} | {
    kind.lower(): written(plain((64, 64)), kind)
    for kind in ("BMP", "TIFF", "ICO", "AVIF", "PPM", "TGA", "JPEG2000", "PCX")
}


@pytest.mark.parametrize("name", OTHERS)
def test_everything_else_is_refused_by_its_content(name: str) -> None:
    assert refusal(OTHERS[name]).endswith("send a JPEG, PNG, WebP or GIF.")


@pytest.mark.parametrize(
    "content",
    [b"GIF89a=1;/*<script>alert(1)</script>*/", b"\xff\xd8\xff<script>x()</script>"],
)
def test_a_script_behind_the_first_bytes_of_a_picture_is_refused(
    content: bytes,
) -> None:
    assert "picture" in refusal(content)


@pytest.mark.parametrize("kind", SAMPLES)
def test_what_follows_a_picture_is_left_behind(kind: str) -> None:
    marker = b"<script>alert('appended')</script>"
    image = ready(SAMPLES[kind] + marker)
    assert image.width == 400
    assert all(b"appended" not in content for content in image.renditions.values())


BEGINNINGS = st.sampled_from(
    [b"", b"\xff\xd8\xff", b"GIF89a", b"\x89PNG\r\n\x1a\n", b"RIFF\x99\x00\x00\x00WEBP"]
)


@given(start=BEGINNINGS, rest=st.binary(max_size=400))
def test_random_bytes_are_refused_and_nothing_else_happens(
    start: bytes, rest: bytes
) -> None:
    assert refusal(start + rest)


@given(
    kind=st.sampled_from(sorted(SAMPLES)),
    spots=st.lists(st.tuples(st.floats(0, 0.999), st.integers(0, 255)), max_size=8),
    kept=st.floats(0, 1),
)
def test_a_spoilt_picture_is_taken_or_refused_and_nothing_else_happens(
    kind: str, spots: list[tuple[float, int]], kept: float
) -> None:
    content = bytearray(SAMPLES[kind])
    for place, value in spots:
        content[int(place * len(content))] = value
    with suppress(Invalid):
        image = ready(bytes(content[: int(kept * len(content))]), widths=(32,))
        assert image.type in ("image/jpeg", "image/png")
