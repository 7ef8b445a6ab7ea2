"""What the API answers, as models: for the description, and to hold answers to it."""

from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from channels.errors import Fault
from publishers.requests import (
    Author,
    Exchange,
    Form,
    Link,
    Media,
    Quote,
    Slug,
    Source,
    Status,
)

Position = Annotated[str, Field(pattern=r"^(0|[0-9a-z]{8}-(0|[1-9][0-9]{0,15}))$")]


class Answer(BaseModel):
    """What all answers share: what is not described is not there."""

    model_config = ConfigDict(extra="forbid")


class Reason(Answer):
    """Why and when something was withdrawn."""

    reason: str
    at: AwareDatetime


class Correction(Answer):
    """The public note of a correction."""

    text: str
    at: AwareDatetime


class Summary(Answer):
    """What we know so far."""

    text: str
    html: str
    at: AwareDatetime


class Update(Answer):
    """One post of a story."""

    id: str
    story: Slug
    version: int
    kind: Literal["text", "quote", "qa", "media"]
    headline: str | None
    body: str | None
    html: str
    quote: Quote | None
    qa: list[Exchange]
    authors: list[Author]
    media: list[Media]
    tags: list[str]
    cards: list[str]
    key_event: bool
    pinned: bool
    breaking: bool
    breaking_until: AwareDatetime | None
    verification: Literal["confirmed", "reported", "unverified"] | None
    source: Source | None
    urgency: int | None
    published: AwareDatetime
    modified: AwareDatetime
    correction: Correction | None
    status: Literal["published"]
    withdrawn: None
    permalink: str
    language: str


class WithdrawnUpdate(Answer):
    """What is left of an update that was withdrawn."""

    id: str
    story: Slug
    version: int
    status: Literal["withdrawn"]
    withdrawn: Reason
    published: AwareDatetime
    modified: AwareDatetime
    permalink: str


class StoryItem(Answer):
    """A story without its body, as on derived channels."""

    slug: Slug
    version: int
    headline: str
    standfirst: str | None
    section: Slug
    form: Form
    tags: list[str]
    image: Media | None
    language: str
    direction: Literal["ltr", "rtl"]
    timezone: str
    status: Status
    starts_at: AwareDatetime | None
    authors: list[Author]
    summary: Summary | None
    urgency: int | None
    resumes_at: AwareDatetime | None
    followed_by: Link | None
    correction: Correction | None
    published: AwareDatetime | None
    ended: AwareDatetime | None
    modified: AwareDatetime
    permalink: str


class Story(StoryItem):
    """A live blog, or an article beside it."""

    body: str | None
    html: str


class WithdrawnStory(Answer):
    """What is left of a story that was withdrawn."""

    slug: Slug
    version: int
    section: Slug
    form: Form
    language: str
    direction: Literal["ltr", "rtl"]
    timezone: str
    status: Literal["withdrawn"]
    withdrawn: Reason
    published: AwareDatetime | None
    modified: AwareDatetime
    permalink: str


class LatestUpdate(Answer):
    """The newest update, as front pages show it."""

    id: str
    headline: str | None
    published: AwareDatetime


class ListedStory(StoryItem):
    """A story in a list."""

    update_count: int
    latest_update: LatestUpdate | None


class ListedWithdrawnStory(WithdrawnStory):
    """A withdrawn story in an editor's list."""

    update_count: int
    latest_update: LatestUpdate | None


class Applied(Answer):
    """How many workers have let go of a withdrawn text, of all that are there."""

    workers: int
    of: int


class Written(Answer):
    """What is said of every publish."""

    position: Position
    durability: str = Field(pattern=r"^(fsync(\+[1-9])?|write|memory)$")
    readers: int
    applied: Applied | None = None


class StoryWritten(Written):
    """A story was opened, changed or withdrawn."""

    story: Story | WithdrawnStory


class UpdateWritten(Written):
    """An update was published, changed or withdrawn."""

    update: Update | WithdrawnUpdate


class StoryAnswer(Answer):
    """A story, and the position to follow it from."""

    story: Story | WithdrawnStory
    position: Position


class UpdateAnswer(Answer):
    """An update, and the position to follow its story from."""

    update: Update | WithdrawnUpdate
    position: Position


class StoryList(Answer):
    """Stories, newest change first."""

    stories: list[ListedStory | ListedWithdrawnStory]
    next: str | None
    position: Position


class UpdateList(Answer):
    """Updates, newest first."""

    updates: list[Update | WithdrawnUpdate]
    next: str | None
    position: Position


class Version(Answer):
    """One version of an update; of a removed one only what a purge keeps."""

    version: int
    at: AwareDatetime
    by: str | None
    note: str | None
    removed: bool
    update: Update | WithdrawnUpdate | None


class VersionList(Answer):
    """Every version, oldest first."""

    versions: list[Version]


class MediaCreated(Answer):
    """An uploaded picture."""

    id: str
    url: str
    width: int
    height: int


class Change(Answer):
    """One event, as on the stream."""

    event: Literal["update", "story", "card", "item", "entry"]
    channel: str
    position: Position
    key: str
    at: AwareDatetime
    data: dict[str, object] | None


class Changes(Answer):
    """What changed in a channel since a position."""

    channel: str
    position: Position
    top: Position
    floor: int
    reset: Literal["epoch", "ahead", "trimmed", "malformed"] | None
    more: bool
    events: list[Change]


class Problem(BaseModel):
    """What went wrong (RFC 9457). Some problems have further members."""

    type: str
    title: str
    status: int
    detail: str | None = None
    errors: list[Fault] | None = None
