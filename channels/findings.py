"""What an examination finds: each thing in a sentence, with its risk and its remedy."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. Without a `remedy` it is as it should be."""

    what: str
    risk: str = ""  # what can be lost
    remedy: str = ""  # which line to change
    grave: bool = False  # it can lose data or stop the service
    refused: bool = False  # it breaks promise 1: the service starts only if told to
