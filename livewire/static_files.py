"""The files that pages load, cached for as long as they are sure to be the same."""

from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope


class Static(StaticFiles):
    """A file asked for by build never changes; any other is asked about each time."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """The file, with how long it may be kept."""
        response = await super().get_response(path, scope)
        built = scope["query_string"].startswith(b"v=")
        kept = "public, max-age=31536000, immutable" if built else "no-cache"
        response.headers["Cache-Control"] = kept
        return response
