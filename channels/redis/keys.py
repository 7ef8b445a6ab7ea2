"""The names under which a site stands in Redis.

All of them share one hash tag, so that a batch touches one slot of a Cluster and is
one step there too.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Keys:
    """The names of one site, by its prefix."""

    prefix: str

    @property
    def tag(self) -> str:
        """What every name begins with: the hash tag."""
        return f"{{{self.prefix}}}"

    @property
    def site(self) -> str:
        """The life of the site: guard, epochs, batches."""
        return f"{self.tag}:site"

    def meta(self, channel: str) -> str:
        """How far a channel reaches: top, floor, guard, epochs."""
        return f"{self.tag}:meta:{channel}"

    def log(self, channel: str) -> str:
        """The entries of a channel, a stream."""
        return f"{self.tag}:log:{channel}"

    @property
    def batches(self) -> str:
        """The pub/sub channel of every append."""
        return f"{self.tag}:batches"

    @property
    def signals(self) -> str:
        """The pub/sub channel of what workers tell each other."""
        return f"{self.tag}:signals"

    @property
    def record(self) -> str:
        """What stands before a record's name in its key."""
        return f"{self.tag}:record:"

    @property
    def records(self) -> str:
        """The names of the records, in order."""
        return f"{self.tag}:records"

    @property
    def leases(self) -> tuple[str, str]:
        """What is claimed for a while, and until when."""
        return f"{self.tag}:leases", f"{self.tag}:ends"
