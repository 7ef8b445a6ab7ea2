"""The files that pages load, cached for as long as they are sure to be the same."""

from hashlib import sha256
from importlib.metadata import version
from pathlib import Path

from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

STATIC = Path(__file__).parent / "static"
TEMPLATES = Path(__file__).parent / "templates"


class Static(StaticFiles):
    """A file asked for by build never changes; any other is asked about each time."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """The file, with how long it may be kept."""
        response = await super().get_response(path, scope)
        built = scope["query_string"].startswith(b"v=")
        kept = "public, max-age=31536000, immutable" if built else "no-cache"
        response.headers["Cache-Control"] = kept
        return response


def build() -> str:
    """A token that changes with the release and with every static file and template."""
    digest = sha256(version("livewire").encode())
    for folder in (STATIC, TEMPLATES):
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                digest.update(file.read_bytes())
    return digest.hexdigest()[:10]
