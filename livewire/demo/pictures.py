"""The pictures of the demo by name, drawn from code and the same on every machine.

They keep to the palette of the design: ink, papers, rules, one signal red, a little
amber. What is in them is said in the `alt` of whoever shows them.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from livewire.demo import chamber, coasts, country, rooms, streets
from livewire.demo.canvas import Canvas

SCENES: Mapping[str, Callable[[], Canvas]] = MappingProxyType(
    {
        "ballot-box": rooms.ballot_box,
        "bridge": coasts.bridge,
        "counting-hall": rooms.counting_hall,
        "harbour": coasts.harbour,
        "hemicycle": chamber.hemicycle,
        "lighthouse": coasts.lighthouse,
        "map": country.country_map,
        "press-room": rooms.press_room,
        "school-queue": streets.school_queue,
        "skyline": streets.skyline,
        "tram": streets.tram,
    }
)
NAMES: tuple[str, ...] = tuple(SCENES)


def draw(name: str) -> bytes:
    """The picture as a PNG of 1600 by 1067. Raises `KeyError` for an unknown name."""
    return SCENES[name]().png()
