"""The newsroom over HTTP: its pages, signing in and out, and what forms are sent to.

Nothing below `/newsroom` is kept by any cache, and what signs somebody in is told to
no other page.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from channels.errors import LivewireError, NotFromHere, NotSignedIn, UsedTicket
from livewire.newsroom.composing import Composing
from livewire.newsroom.floor import PICTURES, Floor
from livewire.newsroom.forms import Form
from livewire.newsroom.gate import wants_json
from livewire.newsroom.lost import PATH
from livewire.newsroom.pages import Told

Handler = Callable[[Request], Awaitable[Response]]

_ASK = "Ask whoever runs this Livewire for a new sign-in link, and open it here."


@dataclass(frozen=True, slots=True)
class Newsroom:
    """The routes of the newsroom."""

    floor: Floor

    def routes(self) -> list[Route]:
        """Every route below `/newsroom`."""
        write = Composing(self.floor)
        story = "/newsroom/{slug}"
        update = f"{story}/updates/{{id}}"
        table = [
            ("GET", "/newsroom", self.front),
            ("POST", "/newsroom", write.open),
            ("GET", "/newsroom/sign-in", self.offer),
            ("POST", "/newsroom/sign-in", self.sign_in),
            ("POST", "/newsroom/sign-out", self.sign_out),
            ("POST", PICTURES, write.picture),
            ("GET", story, self.story),
            ("POST", story, write.change_story),
            ("POST", f"{story}/withdraw", write.withdraw_story),
            ("POST", f"{story}/updates", write.publish),
            ("POST", update, write.change),
            ("POST", f"{update}/withdraw", write.withdraw),
            ("POST", f"{PATH}/{{id}}", self.settle),
        ]
        return [
            Route(path, self._guarded(handler), methods=[method])
            for method, path, handler in table
        ]

    async def front(self, request: Request) -> Response:
        """`GET /newsroom`: the stories."""
        session = self.floor.gate.session(request)
        told = Told(said=request.query_params.get("said", ""))
        return HTMLResponse(await self.floor.front(session, told))

    async def story(self, request: Request) -> Response:
        """`GET /newsroom/{slug}`: composer and timeline."""
        session = self.floor.gate.session(request)
        query = request.query_params
        told = Told(
            query.get("said", ""), query.get("gone", ""), everything="all" in query
        )
        slug = request.path_params.get("slug", "sign-in")
        return HTMLResponse(await self.floor.story(session, slug, told))

    async def offer(self, request: Request) -> Response:
        """`GET /newsroom/sign-in`: the button; looking at it uses nothing up."""
        ticket = request.query_params.get("ticket")
        if ticket is None:
            return await self.story(request)  # a story may have this slug too
        name = self.floor.gate.sessions.ticket(ticket).grant.subject
        page = self.floor.pages.sign_in(name=name, ticket=ticket)
        return _without_referrer(HTMLResponse(page))

    async def sign_in(self, request: Request) -> Response:
        """`POST /newsroom/sign-in`: the ticket for a session."""
        gate = self.floor.gate
        gate.require_origin(request)
        form = await gate.form(request, known=False)
        now = self.floor.ask.entrance.now()
        token = await gate.sessions.redeem(form.get("ticket"), now)
        response = RedirectResponse("/newsroom", 303)
        gate.let_in(response, token)
        return _without_referrer(response)

    async def sign_out(self, request: Request) -> Response:
        """`POST /newsroom/sign-out`."""
        await self.floor.gate.sign_out(request)
        response = RedirectResponse("/newsroom", 303)
        self.floor.gate.let_out(response)
        return _without_referrer(response)

    async def settle(self, request: Request) -> Response:
        """`POST /newsroom/losses/{id}`: what was lost is dealt with."""
        await self.floor.gate.post(request, None)
        await self.floor.losses.settle(request.path_params["id"])
        return RedirectResponse("/newsroom?said=settled", 303)

    def _guarded(self, handler: Handler) -> Handler:
        async def endpoint(request: Request) -> Response:
            try:
                response = await handler(request)
            except LivewireError as error:
                response = await self._refused(request, error)
            response.headers["Cache-Control"] = "private, no-store"
            response.headers.setdefault("Referrer-Policy", "same-origin")
            return response

        return endpoint

    async def _refused(self, request: Request, error: LivewireError) -> Response:
        signing = request.url.path == "/newsroom/sign-in"
        if wants_json(request):
            return self.floor.refusal(request, error, Form())
        if isinstance(error, UsedTicket) or (
            signing and isinstance(error, NotSignedIn) and "ticket" in _said(request)
        ):
            return self._no_ticket(error)
        kept = await self._kept(request, error)
        if isinstance(error, NotSignedIn):
            return self._signed_out(error, kept)
        return self.floor.refusal(request, error, kept)

    def _no_ticket(self, error: LivewireError) -> Response:
        used = isinstance(error, UsedTicket)
        page = self.floor.pages.notice(
            title="This link was used already" if used else "This link has expired",
            detail=f"A sign-in link works once, and for a short time. {_ASK}",
            kept=(),
        )
        return _without_referrer(HTMLResponse(page, error.status))

    def _signed_out(self, error: NotSignedIn, kept: Form) -> Response:
        detail = f"The newsroom opens with a link of one's own. {_ASK}"
        if kept.words():
            detail = f"Your text was not sent; it is below, to be copied. {_ASK}"
        page = self.floor.pages.notice(
            title="You are signed out", detail=detail, kept=kept.words()
        )
        # Browsers ask nobody for a password where the scheme is `Bearer`.
        response = HTMLResponse(page, error.status, error.headers)
        self.floor.gate.let_out(response)
        return _without_referrer(response)

    async def _kept(self, request: Request, error: LivewireError) -> Form:
        """What was typed, where the form could still be read."""
        if request.method != "POST":
            return Form()
        form = getattr(request.state, "form", None)
        if isinstance(form, Form):
            return form
        if not isinstance(error, NotSignedIn | NotFromHere):
            return Form()
        try:
            return await self.floor.gate.form(request, known=False)
        except LivewireError:
            return Form()


def _said(request: Request) -> set[str]:
    """The names that a query or a form that was read holds."""
    form = getattr(request.state, "form", None)
    return {*request.query_params, *(form.fields if isinstance(form, Form) else ())}


def _without_referrer(response: Response) -> Response:
    response.headers["Referrer-Policy"] = "no-referrer"
    return response
