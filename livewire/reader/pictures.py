"""Pictures, film and sound in an update: sizes known before loading, nothing shifts."""

from livewire.reader.fields import Data, link, number, text

WIDTHS = (320, 640, 960, 1280, 1920)  # what /media/{id}/{width} serves
USUAL = 960  # the width for browsers that read no srcset

STREAM = "(min-width: 75rem) 41rem, (min-width: 56rem) 56vw, 94vw"


def picture(media: Data | None, *, sizes: str = STREAM) -> dict[str, object] | None:
    """An image's attributes, with every served width not above its own."""
    if media is None or not link(media, "url"):
        return None
    name, width = text(media, "id"), number(media, "width")
    widths = [w for w in WIDTHS if w <= width] if name else []
    usual = max((w for w in widths if w <= USUAL), default=0)
    return {
        "src": f"/media/{name}/{usual}" if usual else link(media, "url"),
        "srcset": ", ".join(f"/media/{name}/{w} {w}w" for w in widths) or None,
        "sizes": sizes if widths else None,
        "width": width or None,
        "height": number(media, "height") or None,
        "alt": text(media, "alt"),
    }


def media_view(media: Data) -> dict[str, object] | None:
    """A figure of an update; None for a kind that pages cannot show."""
    kind = text(media, "type") or "image"
    source = link(media, "url")
    if kind not in ("image", "video", "audio") or source is None:
        return None
    film: dict[str, object] = {
        "src": source,
        "poster": link(media, "poster"),
        "width": number(media, "width") or None,
        "height": number(media, "height") or None,
        "label": text(media, "alt") or None,
    }
    caption, credit = text(media, "caption") or None, text(media, "credit") or None
    return {
        "image": picture(media) if kind == "image" else None,
        "video": film if kind == "video" else None,
        "audio": film if kind == "audio" else None,
        "words": True if caption or credit else None,
        "caption": caption,
        "credit": credit,
    }
