"""Writing: stories opened, updates published, changed, withdrawn; pictures added."""

from dataclasses import dataclass, replace
from uuid import UUID, uuid5

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from channels.errors import Fault, Invalid, LivewireError
from livewire.newsroom import forms
from livewire.newsroom.floor import Floor
from livewire.newsroom.forms import Content
from livewire.newsroom.gate import Post, wants_json
from livewire.newsroom.pages import Told
from livewire.newsroom.views import Failure
from publishers.api import deeds
from publishers.api.publishing import answer
from publishers.bodies import digest
from publishers.desk import Outcome


@dataclass(frozen=True, slots=True)
class Composing:
    """The handlers of what is written. Every one takes a form."""

    floor: Floor

    async def open(self, request: Request) -> Response:
        """`POST /newsroom`: a new story."""
        post = await self.floor.gate.post(request, None)
        return await self.floor.carry_out(post, self._open(post), said="opened")

    async def change_story(self, request: Request) -> Response:
        """`POST /newsroom/{slug}`: its words or its status."""
        post = await self._post(request)
        said = "status" if post.form.get("status") else "changed"
        return await self.floor.carry_out(post, self._change_story(post), said=said)

    async def withdraw_story(self, request: Request) -> Response:
        """`POST /newsroom/{slug}/withdraw`: the story and all that is in it."""
        post = await self._post(request)
        work = self._withdraw_story(post)
        return await self.floor.carry_out(post, work, said="withdrawn")

    async def publish(self, request: Request) -> Response:
        """`POST /newsroom/{slug}/updates`: the composer."""
        post = await self._post(request)
        if post.form.picture:
            try:
                post = await self._with_picture(post)
            except LivewireError as error:
                if wants_json(request):
                    raise
                return await self.floor.again(post, error)
        return await self.floor.carry_out(post, self._publish(post), said="published")

    async def change(self, request: Request) -> Response:
        """`POST /newsroom/{slug}/updates/{id}`: edit, correct, or turn a toggle."""
        post = await self._post(request)
        said = "corrected" if post.form.get("correction").strip() else "changed"
        return await self.floor.carry_out(post, self._change(post), said=said)

    async def withdraw(self, request: Request) -> Response:
        """`POST /newsroom/{slug}/updates/{id}/withdraw`: the stub in its place."""
        post = await self._post(request)
        return await self.floor.carry_out(post, self._withdraw(post), said="withdrawn")

    async def picture(self, request: Request) -> Response:
        """`POST /newsroom/media`: a picture; the composer comes back with it."""
        post = await self.floor.gate.post(request, None)
        slug = post.form.get("story")
        try:
            if not post.form.picture:
                raise Invalid(errors=[Fault("/picture", "Choose a picture first.")])
            post = await self._with_picture(post)
        except LivewireError as error:
            if wants_json(request):
                raise
            return await self.floor.again(post, error)
        if wants_json(request):
            return self._kept(post)
        told = Told(failure=Failure(post.path, post.form, "", {}))
        return HTMLResponse(
            await self.floor.story(post.session, slug, told, key=post.form.get("key"))
        )

    async def _post(self, request: Request) -> Post:
        channel = f"story/{request.path_params['slug']}"
        return await self.floor.gate.post(request, channel)

    async def _open(self, post: Post) -> Outcome:
        content, grant = forms.new_story(post.form), post.session.grant
        action = self.floor.action(post, content, status=201)
        keyed = bool(post.form.get("key"))
        ask = self.floor.ask
        return await deeds.open_story(ask, grant, content, action, keyed=keyed)

    async def _change_story(self, post: Post) -> Outcome:
        content = forms.changed_story(post.form)
        slug = self._allowed(post, content)
        action = self.floor.action(post, content, status=200)
        tags = _versions(post)
        return await deeds.change_story(self.floor.ask, slug, content, tags, action)

    async def _withdraw_story(self, post: Post) -> Outcome:
        content = forms.withdrawal(post.form)
        slug = self._allowed(post, content)
        if not post.form.ticked("confirm"):
            told = "This cannot be undone: tick “yes, withdraw all of it”."
            raise Invalid(errors=[Fault("/confirm", told)])
        action = self.floor.action(post, content, status=200)
        return await deeds.withdraw_story(self.floor.ask, slug, content, action)

    async def _publish(self, post: Post) -> Outcome:
        content = forms.new_update(post.form)
        slug = self._allowed(post, content)
        action = self.floor.action(post, content, status=201)
        return await deeds.publish_update(self.floor.ask, slug, content, action)

    async def _change(self, post: Post) -> Outcome:
        content, id_ = forms.changed_update(post.form), post.request.path_params["id"]
        slug = self._allowed(post, content)
        action, tags = self.floor.action(post, content, status=200), _versions(post)
        ask = self.floor.ask
        return await deeds.change_update(ask, slug, id_, content, tags, action)

    async def _withdraw(self, post: Post) -> Outcome:
        content, id_ = forms.withdrawal(post.form), post.request.path_params["id"]
        slug = self._allowed(post, content)
        action = self.floor.action(post, content, status=200)
        return await deeds.withdraw_update(self.floor.ask, slug, id_, content, action)

    async def _with_picture(self, post: Post) -> Post:
        """Keep the chosen picture; the same one sent twice is kept once."""
        action = self.floor.action(post, {}, status=201)
        content = digest(post.form.picture, self.floor.ask.entrance.secret)
        id_ = str(uuid5(UUID(action.request), content))
        try:
            await self.floor.pictures.keep(id_, post.form.picture)
        except Invalid as error:
            faults = [Fault("/picture", fault.detail) for fault in error.errors]
            raise Invalid(errors=faults) from error
        return replace(post, form=post.form.with_picture(id_))

    def _kept(self, post: Post) -> Response:
        row = post.form.pictures()[-1]
        stored = self.floor.ask.media.describe(row["id"])
        width = min(stored.widths) if stored else 0
        src = f"/media/{row['id']}/{width}"
        return answer({**row, "src": src}, status=201)

    def _allowed(self, post: Post, content: Content) -> str:
        """The story's slug, once the content's further scopes are judged."""
        slug = str(post.request.path_params["slug"])
        deeds.require_for(post.session.grant, f"story/{slug}", content)
        return slug


def _versions(post: Post) -> list[str]:
    """What `If-Match` would say: the version that the form was made from."""
    return [f'"{post.form.get("version")}"']
