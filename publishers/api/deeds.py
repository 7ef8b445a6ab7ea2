"""What is done at the desk, the same for whoever asks: a program or an editor's form.

Each deed takes content as a request body says it, checks it, and carries out one
action. Whether the grant may do it is judged before: `require_for`, and for a story
that is being opened once its slug is known.
"""

from collections.abc import Sequence

from slugify import slugify

from channels.errors import Fault, Invalid, KeyReused, WrongState
from publishers import stories, updates
from publishers.api.publishing import Publishing, decided, fill, first
from publishers.batches import Decision
from publishers.desk import Outcome
from publishers.fold import Action, Fold
from publishers.permissions import Grant
from publishers.requests import NewStory, StoryBody, UpdateBody, Withdrawal, check

Content = dict[str, object]


def require_for(grant: Grant, channel: str, content: Content) -> None:
    """The further scopes that the content of a request needs."""
    # Null for the end of an alert is the usual time from now: it prolongs it.
    if content.get("breaking") or "breaking_until" in content:
        grant.require("breaking", channel)
    if content.get("purge"):
        grant.require("purge", channel)


async def publish_update(
    ask: Publishing, slug: str, content: Content, action: Action
) -> Outcome:
    """A new update. Raises `Invalid`, `NotFound`, `WrongState`, `KeyReused`."""
    body, media = await ask.check(UpdateBody, content)
    pictures = fill(media, "/media")

    async def decide(fold: Fold) -> Decision:
        return await decided(
            lambda: updates.publish(fold, body, pictures, action, ask.terms),
            characters=len(body.body or ""),
        )

    return await ask.desk.write(slug, action, decide)


async def change_update(
    ask: Publishing,
    slug: str,
    id_: str,
    content: Content,
    tags: Sequence[str],
    action: Action,
) -> Outcome:
    """A new version by merge patch. `tags` are what `If-Match` says.

    Raises `Invalid`, `NotFound`, `WrongState`, `StaleVersion`, `KeyReused`.
    """

    async def decide(fold: Fold) -> Decision:
        current = updates.open_update(fold, id_)
        updates.need_match("update", current, tags)
        body, media, revision = await ask.check_patch(
            UpdateBody, updates.editable(current, action.at), content
        )
        pictures, terms = fill(media, "/media"), ask.terms
        return await decided(
            lambda: updates.change(fold, id_, body, pictures, revision, action, terms),
            characters=len(body.body or ""),
        )

    return await ask.desk.write(slug, action, decide)


async def withdraw_update(
    ask: Publishing, slug: str, id_: str, content: Content, action: Action
) -> Outcome:
    """The stub in place of an update. Raises `Invalid`, `NotFound`, `WrongState`."""
    asked = check(Withdrawal, content, ask.rules)

    async def decide(fold: Fold) -> Decision:
        return updates.withdraw(fold, id_, asked, action, ask.terms)

    return await ask.desk.write(slug, action, decide)


async def open_story(
    ask: Publishing, grant: Grant, content: Content, action: Action, *, keyed: bool
) -> Outcome:
    """A new story, perhaps with its first update; `keyed` where it may be repeated.

    A story that names no section belongs to the first one. Raises `NotAllowed`,
    `Invalid`, `WrongState`, `KeyReused`.
    """
    content = _with_section(ask, {"section": None, **content})
    body, media = await ask.check(NewStory, content)
    wanted = body.slug or _slug_of(body.headline)
    if body.slug is not None:
        _require_opening(grant, wanted, content)
    slug = await _reserve(ask, action, wanted) if keyed else wanted
    _require_opening(grant, slug, content)

    async def decide(fold: Fold) -> Decision:
        image, pictures = first(media, "/image"), fill(media, "/update/media")
        told = (body.body, body.summary, body.update and body.update.body)
        return await decided(
            lambda: stories.open_story(fold, body, image, pictures, action, ask.terms),
            characters=sum(len(text or "") for text in told),
        )

    try:
        return await ask.desk.write(slug, action, decide)
    except WrongState:
        if body.slug is not None or slug != wanted:
            # Nothing came of it: the key stays free for a better attempt.
            await ask.records.delete(f"request/{action.request}")
            raise
    # A slug that we chose ourselves gives way.
    other = _beside(wanted, action.request)
    _require_opening(grant, other, content)
    if keyed:
        await _reserve(ask, action, other, instead=True)
    return await ask.desk.write(other, action, decide)


async def change_story(
    ask: Publishing, slug: str, content: Content, tags: Sequence[str], action: Action
) -> Outcome:
    """A new version of a story by merge patch. Raises as `change_update` does."""
    content = _with_section(ask, content)

    async def decide(fold: Fold) -> Decision:
        updates.need_open(fold)
        current = fold.story or {}
        updates.need_match("story", current, tags)
        body, media, revision = await ask.check_patch(
            StoryBody, stories.editable(current), content
        )
        image, terms = first(media, "/image"), ask.terms
        return await decided(
            lambda: stories.change_story(fold, body, image, revision, action, terms),
            characters=len(body.body or "") + len(body.summary or ""),
        )

    return await ask.desk.write(slug, action, decide)


async def withdraw_story(
    ask: Publishing, slug: str, content: Content, action: Action
) -> Outcome:
    """The story and every update of it. Raises `Invalid`, `NotFound`."""
    asked = check(Withdrawal, content, ask.rules)

    async def decide(fold: Fold) -> Decision:
        return stories.withdraw_story(fold, asked, action, ask.terms)

    return await ask.desk.write(slug, action, decide)


def _with_section(ask: Publishing, content: Content) -> Content:
    if "section" in content and content["section"] is None:
        return {**content, "section": ask.rules.sections[0]}
    return content


def _require_opening(grant: Grant, slug: str, content: Content) -> None:
    channel, update = f"story/{slug}", content.get("update")
    grant.require("publish", channel)
    if isinstance(update, dict):
        require_for(grant, channel, update)


async def _reserve(
    ask: Publishing, action: Action, slug: str, *, instead: bool = False
) -> str:
    """Keep the slug a request chose, so that repeating it finds its story."""
    name = f"request/{action.request}"
    value = {"fingerprint": action.fingerprint, "slug": slug}
    if not instead and await ask.records.put(name, value, seen=0) is not None:
        return slug
    record = await ask.records.get(name)
    if record is None or record.value["fingerprint"] != action.fingerprint:
        raise KeyReused
    if instead:
        await ask.records.put(name, value, seen=record.version)
        return slug
    return str(record.value["slug"])


def _slug_of(headline: str) -> str:
    slug = slugify(headline, max_length=60, word_boundary=True)
    if not slug:
        raise Invalid(errors=[Fault("/slug", "The headline gives no slug: name one.")])
    return slug


def _beside(slug: str, request: str) -> str:
    return f"{slug[:56]}-{request[-6:]}"
