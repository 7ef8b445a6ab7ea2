"""What every desk of the newsroom shares: asking, answering, showing a page again.

A form that was carried out is answered with a redirect (POST, redirect, GET), one that
was not with its page, holding what was typed. Scripts get the same as JSON.
"""

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from channels.errors import LivewireError, ServiceError
from channels.events import NEWSROOM, Data
from channels.records import Record
from livewire.losses import Losses
from livewire.newsroom.forms import Content, Form
from livewire.newsroom.gate import Gate, Post, wants_json
from livewire.newsroom.pages import Desk, Pages, Scene, Told
from livewire.newsroom.sessions import Session
from livewire.newsroom.views import View, failure, may, words_of
from publishers.access import GrantReading
from publishers.api.media import Pictures
from publishers.api.publishing import Publishing, answer
from publishers.desk import Outcome
from publishers.fold import Action, place

PICTURES = "/newsroom/media"


@dataclass(frozen=True, slots=True)
class Floor:
    """The parts that the handlers of the newsroom use."""

    gate: Gate
    pages: Pages
    ask: Publishing
    pictures: Pictures
    losses: Losses

    def action(self, post: Post, content: Content, *, status: int) -> Action:
        """What a form asks for, known again by the key that the form carries."""
        key = "" if "idempotency-key" in post.request.headers else post.form.get("key")
        return self.ask.entrance.action(
            post.request, post.session.grant, content, status=status, key=key
        )

    async def carry_out(
        self, post: Post, work: Awaitable[Outcome], *, said: str
    ) -> Response:
        """Do it, and answer the browser or the script that asked.

        What was withdrawn is answered for once the other workers have let go of it.
        """
        try:
            outcome = await work
        except LivewireError as error:
            if wants_json(post.request):
                raise
            return await self.again(post, error)
        story = str(outcome.thing.get("story") or outcome.thing.get("slug"))
        id_ = outcome.key.removeprefix("update/")
        path = f"/newsroom/{quote(story)}"
        gone = await self._gone(outcome) if said == "withdrawn" else ""
        if not wants_json(post.request):
            mark = "" if id_ == outcome.key else f"#u-{quote(id_)}"
            behind = f"&gone={gone}" if gone else ""
            return RedirectResponse(f"{path}?said={said}{behind}{mark}", 303)
        body = {
            "said": said,
            "gone": gone,
            "location": path,
            "id": id_,
            "version": outcome.thing["version"],
            "readers": self.ask.audience.readers(f"story/{story}"),
            "key": self.ask.entrance.new_id(),
        }
        return answer(body, status=outcome.status)

    async def again(self, post: Post, error: LivewireError) -> Response:
        """The page a form was sent from, with what was typed and what is wrong."""
        told = Told(failure=failure(post.path, post.form, error))
        # Where the outcome is unknown, the key must know the form again.
        key = post.form.get("key") if isinstance(error, ServiceError) else ""
        slug = post.request.path_params.get("slug") or post.form.get("story")
        if slug:
            page = await self.story(post.session, slug, told, key=key)
        else:
            page = await self.front(post.session, told, key=key)
        return HTMLResponse(page, error.status)

    async def front(self, session: Session, told: Told, *, key: str = "") -> str:
        """The list of stories."""
        grant = session.grant
        knows_all = grant.covers("follow", NEWSROOM)
        return self.pages.front(
            self._desk(session, key),
            await self.stories(session),
            await self._lost() if knows_all else (),
            now=self.ask.entrance.now(),
            told=told,
            may_open=grant.ever("publish"),
            may_alert=grant.ever("breaking"),
        )

    async def story(
        self, session: Session, slug: str, told: Told, *, key: str = ""
    ) -> str:
        """A story's page. Raises `NotFound` for what this editor may not know of."""
        scene = await self._scene(session, slug)
        failed = told.failure
        composing = failed is not None and failed.at in (
            f"/newsroom/{slug}/updates",
            PICTURES,
        )
        return self.pages.story(
            self._desk(session, key),
            scene,
            await self.stories(session),
            now=self.ask.entrance.now(),
            told=told,
            tray=await self._tray(failed.form) if failed and composing else [],
        )

    async def stories(self, session: Session) -> list[Data]:
        """The stories this editor may see, of any status where the grant says so."""
        knows_all = session.grant.covers("follow", NEWSROOM)
        view = await self.ask.hub.view(NEWSROOM if knows_all else "stories")
        return [event.data for event in view if event.data is not None]

    def refusal(self, request: Request, error: LivewireError, kept: Form) -> Response:
        """An error where there is no form to show again."""
        if wants_json(request):
            body = error.problem() | {"words": words_of(error)}
            if not isinstance(error, ServiceError):
                body["key"] = self.ask.entrance.new_id()
            return answer(body, status=error.status, headers=error.headers)
        page = self.pages.notice(
            title=error.title, detail=error.detail, kept=kept.words()
        )
        return HTMLResponse(page, error.status, headers=error.headers)

    async def _scene(self, session: Session, slug: str) -> Scene:
        channel = f"story/{slug}"
        reading = GrantReading(session.grant)
        reading.ask(channel)
        view = await self.ask.hub.view(channel)
        if not session.grant.covers("publish", channel):
            reading.see(view)
        data = {event.key: event.data for event in view if event.data is not None}
        updates = [each for key, each in data.items() if key.startswith("update/")]
        return Scene(
            data["story"],
            sorted(updates, key=place, reverse=True),
            may(session.grant, slug),
            self.ask.audience.readers(channel),
            self.ask.audience.readers("breaking"),
        )

    async def _gone(self, outcome: Outcome) -> str:
        """How many workers have let go of a text, where some have not."""
        applied = await self.ask.applied(outcome)
        some = applied.workers < applied.of
        return f"{applied.workers}-of-{applied.of}" if some else ""

    async def _lost(self) -> tuple[Record, ...]:
        try:
            return await self.losses.open()
        except ServiceError:
            return ()  # the stories are in memory: the page is better than none

    async def _tray(self, form: Form) -> list[View]:
        """The composer's pictures, small, for those that are really kept."""
        shown: list[View] = []
        for row in form.pictures():
            stored = await asyncio.to_thread(self.ask.media.describe, row["id"])
            if stored is not None:
                src = f"/media/{row['id']}/{min(stored.widths)}"
                shown.append({**row, "src": src})
        return shown

    def _desk(self, session: Session, key: str) -> Desk:
        return Desk(
            session.grant.subject,
            self.gate.sessions.form_token(session),
            key or self.ask.entrance.new_id(),
        )
