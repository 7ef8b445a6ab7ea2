"""A story as a decision will leave it, told from its fold without copying that.

The law: a publish costs the same in the first minute and after ten thousand updates.
The fold's updates stand in the order in which they were published, for each comes
after the newest one and no edit moves it; so the newest is found from the end.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from channels.events import Data
from publishers.fold import PUBLIC, Fold

_NOT_IN_ITEMS = frozenset({"body", "html"})


@dataclass(frozen=True, slots=True)
class After:
    """The fold, and what changes: `changed` holds whole updates by id."""

    fold: Fold
    story: Data
    changed: Mapping[str, Data]

    @property
    def is_public(self) -> bool:
        """Whether readers without a token will see the story."""
        return self.story["status"] in PUBLIC

    def updates(self) -> Iterator[tuple[str, Data]]:
        """Every update by id, the newest first."""
        new = [id_ for id_ in self.changed if id_ not in self.fold.updates]
        for id_ in reversed(new):
            yield id_, self.changed[id_]
        for id_ in reversed(self.fold.updates):
            yield id_, self.changed.get(id_) or self.fold.updates[id_]

    def count(self) -> int:
        """How many updates will stand, withdrawn ones left out."""
        before = [
            self.fold.updates[id_] for id_ in self.changed.keys() & self.fold.updates
        ]
        return self.fold.standing + _stand(self.changed.values()) - _stand(before)

    def newest(self) -> Data | None:
        """The newest update that will stand."""
        for _, update in self.updates():
            if update["status"] == "published":
                return update
        return None


def story_item(story: Data) -> dict[str, object]:
    """The story on derived channels: without its body."""
    return {name: value for name, value in story.items() if name not in _NOT_IN_ITEMS}


def index_item(after: After) -> Data:
    """The story in `stories` and `newsroom`: with what front pages show of it."""
    newest = after.newest()
    latest = newest and {
        name: newest.get(name) for name in ("id", "headline", "published")
    }
    return {
        **story_item(after.story),
        "update_count": after.count(),
        "latest_update": latest,
    }


def _stand(updates: Iterable[Data]) -> int:
    return sum(update["status"] == "published" for update in updates)
