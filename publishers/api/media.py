"""Pictures over HTTP: upload one, serve one."""

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID, uuid5

from starlette.datastructures import UploadFile
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from channels.errors import (
    BadRequest,
    Fault,
    Invalid,
    KeyReused,
    NotFound,
    TooLarge,
    TooSlow,
)
from publishers.api.publishing import Publishing, answer
from publishers.bodies import digest
from publishers.media.images import prepare

_WIDTH = re.compile("[1-9][0-9]{0,5}")


@dataclass(frozen=True, slots=True)
class Pictures:
    """The endpoints of `/api/media` and `/media/{id}/{width}`."""

    publishing: Publishing
    max_pixels: int
    widths: Sequence[int]
    # Decoding a large picture takes seconds and half a gigabyte: one at a time.
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def upload(self, request: Request) -> Response:
        """`POST`: an image as the body itself or as the file of a form."""
        ask = self.publishing
        grant = ask.entrance.grant(request)
        if not (grant.ever("publish") or grant.ever("submit")):
            grant.require("publish", "story/")
        content = await self._content(request)
        request_id = ask.entrance.request_id(request, grant)
        # With the secret: a picture of a draft must not be found by guessing its key.
        salt = digest(request_id.encode(), ask.entrance.secret)
        id_ = str(uuid5(UUID(request_id), f"media {salt}"))
        replayed = await self._known(request, request_id, id_, content)
        if not replayed or ask.media.describe(id_) is None:
            await self.keep(id_, content)
        return self._created(id_, replayed=replayed)

    async def keep(self, id_: str, content: bytes) -> None:
        """Check a picture by its content and store it. Raises `Invalid`."""
        async with self.turn:
            image = await asyncio.to_thread(
                prepare, content, max_pixels=self.max_pixels, widths=self.widths
            )
            await asyncio.to_thread(self.publishing.media.save, id_, image)

    async def show(self, request: Request) -> Response:
        """`GET /media/{id}/{width}`: one rendition."""
        id_, width = request.path_params["id"], request.path_params["width"]
        found = None
        if _WIDTH.fullmatch(width):
            load = self.publishing.media.load
            found = await asyncio.to_thread(load, id_, int(width))
        if found is None:
            raise NotFound("There is no such picture.")
        headers = {
            # A picture never changes; a day bounds how long one taken down is cached.
            "Cache-Control": "public, max-age=86400, immutable",
            "Content-Security-Policy": "default-src 'none'; sandbox",
        }
        return Response(found.content, media_type=found.type, headers=headers)

    async def _content(self, request: Request) -> bytes:
        entrance = self.publishing.entrance
        kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
        if kind != "multipart/form-data":
            return await entrance.content(request, entrance.limits.upload)
        declared = request.headers.get("content-length", "")
        slack = 64 * 1024  # boundaries and part headers
        if not declared.isdigit() or int(declared) > entrance.limits.upload + slack:
            raise TooLarge(f"At most {entrance.limits.upload} bytes, length declared.")
        try:
            async with (
                asyncio.timeout(entrance.limits.deadline),
                request.form(max_files=1, max_fields=4) as form,
            ):
                for part in form.values():
                    if isinstance(part, UploadFile):
                        return await part.read()
        except TimeoutError as error:
            raise TooSlow from error
        except ClientDisconnect as error:
            raise BadRequest("The body ended early.") from error
        raise Invalid(errors=[Fault("", "The form has no file.")])

    async def _known(
        self, request: Request, request_id: str, id_: str, content: bytes
    ) -> bool:
        """Whether the request was carried out before, as far as its record says."""
        if "idempotency-key" not in request.headers:
            return False
        records, name = self.publishing.records, f"request/{request_id}"
        value = {
            "fingerprint": digest(content, self.publishing.entrance.secret),
            "media": id_,
        }
        if await records.put(name, value, seen=0) is not None:
            return False
        record = await records.get(name)
        if record is None or record.value["fingerprint"] != value["fingerprint"]:
            raise KeyReused
        return True

    def _created(self, id_: str, *, replayed: bool) -> Response:
        stored = self.publishing.media.describe(id_)
        if stored is None:
            raise NotFound("The picture was not kept.")
        width = max(stored.widths)
        url = f"{self.publishing.terms.base_url}/media/{id_}/{width}"
        height = round(stored.height * width / stored.width)
        body = {"id": id_, "url": url, "width": width, "height": height}
        headers = {"Location": f"/media/{id_}/{width}", "ETag": '"1"'}
        if replayed:
            headers["Idempotent-Replayed"] = "true"
        return answer(body, status=201, headers=headers)
