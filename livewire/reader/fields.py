"""Reading JSON-shaped data, whose values Python knows only as `object`.

A field that is missing, null or of another shape reads as empty. Pages are made from
data the publish API has already judged, so an empty field is never worth an error here.
"""

from collections.abc import Mapping, Sequence

Data = Mapping[str, object]


def text(data: Data, name: str) -> str:
    """The string in a field, or ""."""
    value = data.get(name)
    return value if isinstance(value, str) else ""


def number(data: Data, name: str) -> int:
    """The whole number in a field, or 0."""
    value = data.get(name)
    return int(value) if isinstance(value, int | float) else 0


def part(data: Data, name: str) -> Data | None:
    """The object in a field, or None."""
    value = data.get(name)
    return value if isinstance(value, Mapping) else None


def parts(data: Data, name: str) -> list[Data]:
    """The objects of the list in a field, or an empty list."""
    value = data.get(name)
    if not isinstance(value, Sequence) or isinstance(value, str):
        return []
    return [item for item in value if isinstance(item, Mapping)]


def link(data: Data, name: str) -> str | None:
    """An address that is safe to follow: http, https, or a path of this site."""
    address = text(data, name)
    inside = address.startswith("/") and not address.startswith("//")
    return address if inside or address.startswith(("https://", "http://")) else None
