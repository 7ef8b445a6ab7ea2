"""An upload becomes a picture in a few widths, or is refused.

The law: bytes are believed only after they were decoded, decoding starts only after
the header's size was judged, and only pixels cross over. EXIF, GPS, XMP, profiles,
comments and whatever follows the picture stay behind. Work for one CPU: the caller
runs it in a thread.

Every refusal is an `Invalid` with one sentence an editor can act on.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO

import PIL.Image
from PIL import ExifTags, ImageCms

from channels.errors import Fault, Invalid

FORMATS = ("JPEG", "PNG", "WEBP", "GIF")
SHORTEST_SIDE = 16  # px; below that it is a tracking pixel or a mistake
LONGEST_SIDE = 20_000  # px
MOST_SCANS = 100  # passes of a progressive JPEG; cameras and editors write about 10
JPEG_QUALITY = 82

_TURNS = {
    2: PIL.Image.Transpose.FLIP_LEFT_RIGHT,
    3: PIL.Image.Transpose.ROTATE_180,
    4: PIL.Image.Transpose.FLIP_TOP_BOTTOM,
    5: PIL.Image.Transpose.TRANSPOSE,
    6: PIL.Image.Transpose.ROTATE_270,
    7: PIL.Image.Transpose.TRANSVERSE,
    8: PIL.Image.Transpose.ROTATE_90,
}
# Markers with a length (ITU-T T.81, B.1.1.3), and that length. Stuffed bytes, fill
# bytes and restarts are passed over.
_MARKER = re.compile(rb"\xff([^\x00\x01\xd0-\xd8\xff])(..)?", re.DOTALL)
_SCAN, _END = b"\xda", b"\xd9"


@dataclass(frozen=True, slots=True)
class Image:
    """A picture, ready to be kept. All renditions have the same media type."""

    width: int  # px of the upload once upright; the largest rendition may be smaller
    height: int
    type: str  # image/jpeg, or image/png if anything shines through
    renditions: Mapping[int, bytes]  # width in px to the encoded file


def prepare(content: bytes, *, max_pixels: int, widths: Sequence[int]) -> Image:
    """Check, turn upright, strip and encode an uploaded picture.

    JPEG, PNG, WebP and GIF, known by their content; of an animation the first frame.
    `widths` in px, at least one: those above the upload's own width become that width,
    so nothing is enlarged. `max_pixels` counts width times height, and is never more
    than Pillow's own limit (`PIL.Image.MAX_IMAGE_PIXELS`).

    Raises `Invalid`: another format, too many pixels, a side under 16 or over
    20,000 px, a damaged file or one cut off before its last pixel.
    """
    picture = _decoded(content, min(max_pixels, _ceiling()))
    kept = sorted({min(picture.width, width) for width in widths})
    return Image(
        width=picture.width,
        height=picture.height,
        type=PIL.Image.MIME[_format(picture)],
        renditions={width: _encoded(_scaled(picture, width)) for width in kept},
    )


def _ceiling() -> int:
    # Between this and its double Pillow only warns, once per process and on stderr.
    # Warning filters belong to the whole process, so the limit is judged here too.
    return PIL.Image.MAX_IMAGE_PIXELS or LONGEST_SIDE**2


def _decoded(content: bytes, limit: int) -> PIL.Image.Image:
    with _refusals(limit):
        image = PIL.Image.open(BytesIO(content), formats=FORMATS)
    _judge_size(image.size, limit)
    if content.startswith(b"\xff\xd8"):
        _judge_scans(content)
    with _refusals(limit):
        image.load()
        return _pixels(_upright(image))


@contextmanager
def _refusals(limit: int) -> Iterator[None]:
    """Everything Pillow says about bad bytes, as a refusal."""
    try:
        yield
    except PIL.UnidentifiedImageError as error:
        raise _refusal(
            "This file cannot be used as a picture: send a JPEG, PNG, WebP or GIF."
        ) from error
    except (
        PIL.Image.DecompressionBombError,
        PIL.Image.DecompressionBombWarning,
    ) as error:
        raise _too_many_pixels(limit) from error
    except MemoryError:
        raise  # ours, not the picture's: its size was judged
    except Exception as error:
        # No list of what broken bytes make a decoder raise is ever complete.
        raise _refusal(
            "The picture is damaged or incomplete: export it again as a JPEG, PNG, "
            "WebP or GIF."
        ) from error


def _judge_size(size: tuple[int, int], limit: int) -> None:
    width, height = size
    if width * height > limit:
        raise _too_many_pixels(limit)
    if min(size) < SHORTEST_SIDE or max(size) > LONGEST_SIDE:
        raise _refusal(
            f"The picture measures {width:,} × {height:,} pixels: each side must have "
            f"between {SHORTEST_SIDE} and {LONGEST_SIDE:,}."
        )


def _judge_scans(content: bytes) -> None:
    # A scan of 60 bytes makes the decoder walk all pixels again: one upload of
    # ordinary size could hold a thread for an hour.
    scans, at = 0, 2
    while (marker := _MARKER.search(content, at)) and marker[1] != _END:
        scans += marker[1] == _SCAN
        at = marker.start() + 2 + int.from_bytes(marker[2] or b"")
    if scans > MOST_SCANS:
        raise _refusal(
            f"The JPEG is stored in {scans:,} passes, and {MOST_SCANS} are allowed: "
            "export it again as an ordinary JPEG."
        )


def _upright(image: PIL.Image.Image) -> PIL.Image.Image:
    try:
        turn = _TURNS.get(image.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:
        # Malformed EXIF is common and spoils no pixel: the picture stays as it lies.
        return image
    return image if turn is None else image.transpose(turn)


def _pixels(image: PIL.Image.Image) -> PIL.Image.Image:
    """The picture as sRGB pixels, RGB or RGBA, and nothing else."""
    profile = image.info.get("icc_profile")
    image = _eight_bit(image)
    if profile:
        image = _in_srgb(image, profile)
    image = image.convert("RGBA" if image.mode == "RGBA" else "RGB")
    if image.mode == "RGBA" and image.getchannel("A").getextrema() == (255, 255):
        image = image.convert("RGB")
    image.info.clear()  # encoders write what they find there
    return image


def _eight_bit(image: PIL.Image.Image) -> PIL.Image.Image:
    """One of the modes a colour profile can describe: L, RGB, RGBA, CMYK."""
    if image.mode.startswith("I"):
        # `convert` alone would clip 16 bits at 255, and nearly all would be white.
        return image.convert("I").point(lambda value: value / 256).convert("L")
    if image.has_transparency_data:
        return image.convert("RGBA")
    return image if image.mode in ("L", "CMYK") else image.convert("RGB")


def _in_srgb(image: PIL.Image.Image, profile: bytes) -> PIL.Image.Image:
    try:
        converted = ImageCms.profileToProfile(
            image,
            ImageCms.ImageCmsProfile(BytesIO(profile)),
            ImageCms.createProfile("sRGB"),
            outputMode="RGBA" if image.mode == "RGBA" else "RGB",
        )
    except (ImageCms.PyCMSError, OSError):
        return image  # a broken profile: its colours are read as sRGB
    return converted or image


def _format(picture: PIL.Image.Image) -> str:
    # PNG, not WebP: what is transparent in a newsroom is logos, maps and charts, which
    # need sharp edges, and link previews and feed readers still refuse WebP.
    return "PNG" if picture.mode == "RGBA" else "JPEG"


def _scaled(picture: PIL.Image.Image, width: int) -> PIL.Image.Image:
    if width == picture.width:
        return picture
    height = max(1, round(picture.height * width / picture.width))
    return picture.resize(
        (width, height), PIL.Image.Resampling.LANCZOS, reducing_gap=3.0
    )


def _encoded(picture: PIL.Image.Image) -> bytes:
    target = BytesIO()
    if _format(picture) == "PNG":
        picture.save(target, "PNG")
    else:
        picture.save(
            target, "JPEG", quality=JPEG_QUALITY, optimize=True, progressive=True
        )
    return target.getvalue()


def _too_many_pixels(limit: int) -> Invalid:
    return _refusal(
        f"The picture has more than {limit:,} pixels (width times height), which is "
        "the limit: scale it down and send it again."
    )


def _refusal(sentence: str) -> Invalid:
    return Invalid(errors=[Fault("", sentence)])
