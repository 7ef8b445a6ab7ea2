"""What is wrong with a body, in words its author can act on, and where it is."""

from collections.abc import Sequence

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from channels.errors import Fault


def faults_of(error: ValidationError) -> list[Fault]:
    """Everything a model found, with RFC 6901 pointers."""
    return [
        Fault(_pointer(each["loc"]), _sentence(each))
        for each in error.errors(include_url=False)
    ]


def within(pointer: str, faults: Sequence[Fault]) -> list[Fault]:
    """The faults of a part, as faults of the whole."""
    return [Fault(pointer + fault.pointer, fault.detail) for fault in faults]


def _pointer(loc: Sequence[str | int]) -> str:
    """RFC 6901: `~` and `/` in names are escaped."""
    parts = [str(part).replace("~", "~0").replace("/", "~1") for part in loc]
    return "".join(f"/{part}" for part in parts)


def _sentence(error: ErrorDetails) -> str:
    context = error.get("ctx", {})
    of = "characters" if isinstance(error["input"], str) else "items"
    match error["type"]:
        case "extra_forbidden":
            return "There is no such member."
        case "missing":
            return "This member is required."
        case "too_long" | "string_too_long":
            return f"At most {context['max_length']} {of}."
        case "too_short" | "string_too_short":
            return f"At least {context['min_length']} {of}."
        case _:
            text = error["msg"].removeprefix("Value error, ")
            return text[:1].upper() + text[1:].removesuffix(".") + "."
