"""Whether what a service said is what a page shows, but for values that vary.

`‹name›` stands for a value: whatever it first meets, and the same from then on.
`‹…›` stands for anything, each time anew. In an object the member `"…"` says that
there are further members, in a list the last element `"…"` that there are more.
"""

import re
from collections.abc import Iterator, Mapping

_SLOT = re.compile("‹([^›]+)›")
ANYTHING = "‹…›"
MORE = "…"


def fill(text: str, known: Mapping[str, str]) -> str:
    """`text` with the values met so far. Raises KeyError for an unknown one."""
    return _SLOT.sub(lambda found: known[found[1]], text)


def differences(
    shown: object, said: object, known: dict[str, str], at: str = ""
) -> Iterator[str]:
    """What differs, in words; `known` learns the values met."""
    match shown:
        case str() if shown == ANYTHING:
            return
        case str():
            if not (isinstance(said, str) and is_like(shown, said, known)):
                yield f"{at or '/'}: the page shows {shown!r}, it is {said!r}"
        case dict() if isinstance(said, dict):
            yield from _members(shown, said, known, at)
        case list() if isinstance(said, list):
            yield from _elements(shown, said, known, at)
        case _:
            if type(shown) is not type(said) or shown != said:
                yield f"{at or '/'}: the page shows {shown!r}, it is {said!r}"


def is_like(shown: str, said: str, known: dict[str, str]) -> bool:
    """Whether a text fits, learning what its slots stand for."""
    pattern, groups = "", dict[str, str]()
    for index, piece in enumerate(_SLOT.split(shown)):
        if index % 2 == 0:
            pattern += re.escape(piece)
        elif piece == MORE:
            pattern += ".*"
        elif piece in known:
            pattern += re.escape(known[piece])
        elif piece in groups:
            pattern += f"(?P={groups[piece]})"
        else:
            groups[piece] = f"g{len(groups)}"
            pattern += f"(?P<{groups[piece]}>.+?)"
    found = re.fullmatch(pattern, said, re.DOTALL)
    if found is None:
        return False
    known.update({name: found[group] for name, group in groups.items()})
    return True


def _members(
    shown: dict[str, object], said: dict[str, object], known: dict[str, str], at: str
) -> Iterator[str]:
    wanted = {name: value for name, value in shown.items() if name != MORE}
    for name in wanted.keys() - said.keys():
        yield f"{at}/{name}: the page shows it, it is missing"
    if MORE not in shown:
        for name in said.keys() - wanted.keys():
            yield f"{at}/{name}: it is there, the page does not show it"
    for name in wanted:
        if name in said:
            yield from differences(wanted[name], said[name], known, f"{at}/{name}")


def _elements(
    shown: list[object], said: list[object], known: dict[str, str], at: str
) -> Iterator[str]:
    wanted = shown[:-1] if shown and shown[-1] == MORE else shown
    if len(said) < len(wanted) or (wanted is shown and len(said) > len(shown)):
        yield f"{at or '/'}: the page shows {len(wanted)} elements, it has {len(said)}"
    for index, (one, other) in enumerate(zip(wanted, said, strict=False)):
        yield from differences(one, other, known, f"{at}/{index}")
