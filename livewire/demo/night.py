"""The written night: `night.toml`, read into values and checked.

A script of steps, each due at a minute of the evening. The bodies of the steps are
those of the publish API, so a player has only to send them, with three exceptions,
which only it can resolve: `picture` (a name of `pictures.NAMES`) stands for an
uploaded image in `media` and `image`, `resumes_after` (minutes) for `resumes_at`,
and `ref` for the id of the update. `by`, a key of `bylines`, is read as `authors`.

The law here: a night that loads can be played. A step points only to an update that
was published before and was not withdrawn since, and time never runs backwards.
"""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Literal, cast

from livewire.demo.pictures import NAMES

Do = Literal["publish", "correct", "withdraw", "story"]
Body = Mapping[str, object]

VERBS: tuple[Do, ...] = ("publish", "correct", "withdraw", "story")
# What a step says about itself; everything else in its table is the body.
ABOUT = ("minute", "do", "ref")


class BrokenNight(ValueError):
    """The script cannot be played; the message names the step and what is wrong."""


@dataclass(frozen=True, slots=True)
class Step:
    """One act of the desk."""

    minute: int  # since the start of the evening
    do: Do
    ref: str  # the update's local name; empty for `story`
    body: Body  # as sent to the publish API, see above


@dataclass(frozen=True, slots=True)
class Side:
    """A story beside the night, for the front page: there before it begins."""

    slug: str
    body: Body  # of POST /api/stories, without `status`
    status: str  # the status it ends up with
    updates: tuple[Body, ...]


@dataclass(frozen=True, slots=True)
class Night:
    """The whole evening: the main story, its steps in order, and the side stories."""

    story: Body  # of POST /api/stories
    sides: tuple[Side, ...]
    steps: tuple[Step, ...]

    @property
    def slug(self) -> str:
        """The main story's slug."""
        return str(self.story["slug"])

    @property
    def minutes(self) -> int:
        """How long the evening lasts."""
        return self.steps[-1].minute

    @property
    def half(self) -> int:
        """The index of the first step in the second half of the evening."""
        middle = self.minutes / 2
        return next(i for i, step in enumerate(self.steps) if step.minute >= middle)


def load() -> Night:
    """The night as written. Raises `BrokenNight` if it could not be played."""
    text = files("livewire.demo").joinpath("night.toml").read_text("utf-8")
    return parse(text)


def parse(text: str) -> Night:
    """A night from TOML. Raises `BrokenNight`, or `tomllib.TOMLDecodeError`."""
    tables = tomllib.loads(text)
    bylines = cast(dict[str, str], tables.get("bylines", {}))
    night = Night(
        story=_signed(_table(tables, "story"), bylines),
        sides=tuple(_side(table, bylines) for table in _tables(tables, "side")),
        steps=tuple(_step(table, bylines) for table in _tables(tables, "step")),
    )
    _check_steps(night.steps)
    _check_pictures(night)
    return night


def _table(tables: Mapping[str, object], name: str) -> Body:
    table = tables.get(name)
    if not isinstance(table, dict):
        raise BrokenNight(f"there is no [{name}]")
    return cast(Body, table)


def _tables(tables: Mapping[str, object], name: str) -> Sequence[Body]:
    found = tables.get(name, [])
    if not isinstance(found, list):
        raise BrokenNight(f"[[{name}]] must be a list of tables")
    return cast(list[Body], found)


def _step(table: Body, bylines: Mapping[str, str]) -> Step:
    minute, do, ref = (table.get(name) for name in ABOUT)
    if not isinstance(minute, int) or do not in VERBS:
        raise BrokenNight(f"a step needs a minute and a verb: {dict(table)}")
    if do != "story" and not ref:
        raise BrokenNight(f"minute {minute}: {do} needs a ref")
    body = {name: value for name, value in table.items() if name not in ABOUT}
    return Step(minute, do, str(ref or ""), _signed(body, bylines))


def _side(table: Body, bylines: Mapping[str, str]) -> Side:
    own = ("status", "update")
    updates = (_signed(update, bylines) for update in _tables(table, "update"))
    return Side(
        slug=str(table["slug"]),
        body=_signed({k: v for k, v in table.items() if k not in own}, bylines),
        status=str(table["status"]),
        updates=tuple(updates),
    )


def _signed(table: Body, bylines: Mapping[str, str]) -> Body:
    """The table with `by` (one key or several) written out as `authors`."""
    by = table.get("by", [])
    keys = [by] if isinstance(by, str) else cast(list[str], by)
    unknown = [key for key in keys if key not in bylines]
    if unknown:
        raise BrokenNight(f"nobody is called {', '.join(unknown)}")
    body = {name: value for name, value in table.items() if name != "by"}
    if keys:
        body["authors"] = [{"name": bylines[key]} for key in keys]
    return body


def _check_steps(steps: Sequence[Step]) -> None:
    if not steps:
        raise BrokenNight("nothing happens")
    minute = 0
    published: set[str] = set()
    withdrawn: set[str] = set()
    for step in steps:
        where = f"minute {step.minute}, {step.do} {step.ref}".rstrip()
        if step.minute < minute:
            raise BrokenNight(f"{where}: minute {minute} is already over")
        minute = step.minute
        _check_ref(step, where, published, withdrawn)


def _check_ref(
    step: Step, where: str, published: set[str], withdrawn: set[str]
) -> None:
    """Note what the step publishes or withdraws; raise if it may not."""
    if step.do == "publish":
        if step.ref in published:
            raise BrokenNight(f"{where}: published twice")
        published.add(step.ref)
    elif step.do != "story":
        if step.ref not in published:
            raise BrokenNight(f"{where}: never published")
        if step.ref in withdrawn:
            raise BrokenNight(f"{where}: withdrawn before")
        if step.do == "withdraw":
            withdrawn.add(step.ref)


def _check_pictures(night: Night) -> None:
    bodies = [night.story, *(step.body for step in night.steps)]
    for side in night.sides:
        bodies += [side.body, *side.updates]
    for picture in (name for body in bodies for name in pictures_of(body)):
        if picture not in NAMES:
            raise BrokenNight(f"there is no picture {picture!r}")


def pictures_of(body: Body) -> Iterator[str]:
    """The names of the pictures a body shows, in `image` and in `media`."""
    media = cast(list[Body], body.get("media", []))
    image = body.get("image")
    for item in [image, *media] if image else media:
        yield str(cast(Body, item)["picture"])
