"""What editors type, as the desk is asked: form fields in, request content out.

Pure. A field left empty is a member left out, or in a change the member removed. The
names of fields follow the pointers of faults: `/quote/text` stands beside `quote_text`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from channels.errors import Fault, Invalid, LivewireError

Content = dict[str, object]

WRITTEN = (
    "headline",
    "standfirst",
    "body",
    "quote_text",
    "update_headline",
    "update_body",
    "correction",
    "reason",
    "note",
)
"""Fields that take somebody's time to write."""


@dataclass(frozen=True, slots=True)
class Form:
    """The fields of a posted form in order, and its picture if one was chosen."""

    fields: Mapping[str, Sequence[str]] = field(default_factory=dict)
    picture: bytes = b""

    def get(self, name: str) -> str:
        """The first value of a field, or ""."""
        return next(iter(self.fields.get(name, ())), "")

    def ticked(self, name: str) -> bool:
        """Whether a box was ticked."""
        return bool(self.get(name))

    def words(self) -> list[str]:
        """What somebody wrote, to be given back where it cannot be sent."""
        return [said for name in WRITTEN if (said := self.get(name).strip())]

    def pictures(self) -> list[dict[str, str]]:
        """The pictures in the tray, but for those ticked to be left out."""
        columns = ("media_id", "media_alt", "media_caption", "media_credit")
        rows = zip(*(self._padded(name) for name in columns), strict=True)
        dropped = self.fields.get("media_drop", ())
        return [
            dict(zip(("id", "alt", "caption", "credit"), row, strict=True))
            for row in rows
            if row[0] not in dropped
        ]

    def with_picture(self, id_: str) -> "Form":
        """The form once its picture is kept: in the tray, with its words."""
        told = {
            "media_id": id_,
            "media_alt": self.get("alt"),
            "media_caption": self.get("caption"),
            "media_credit": self.get("credit"),
        }
        moved = {name: [*self._padded(name), value] for name, value in told.items()}
        spent = dict.fromkeys(("alt", "caption", "credit"), ())
        return replace(self, fields={**self.fields, **moved, **spent}, picture=b"")

    def _padded(self, name: str) -> list[str]:
        given = list(self.fields.get(name, ()))
        count = len(self.fields.get("media_id", ()))
        return (given + [""] * count)[:count]


def new_update(form: Form, *, prefix: str = "") -> Content:
    """The composer as the body of a new update. `prefix` stands before field names.

    Raises `Invalid` for an alert that was not confirmed.
    """
    content = _filled(form, ("headline", "body"), prefix)
    quote = _filled(form, ("text", "name", "role"), f"{prefix}quote_")
    if quote:
        content |= {"kind": "quote", "quote": quote}
    pictures = [_described(row) for row in form.pictures()]
    if pictures and not prefix:
        content["media"] = pictures
    for toggle in ("key_event", "pinned", "breaking"):
        if form.ticked(f"{prefix}{toggle}"):
            content[toggle] = True
    if content.get("breaking") and not form.ticked(f"{prefix}alert"):
        told = "An alert reaches everybody at once: tick “yes, alert everybody”."
        raise Invalid(errors=[Fault(f"/{prefix}alert", told)])
    return content


def new_story(form: Form) -> Content:
    """The opening form as the body of a new story, perhaps with its first update."""
    names = ("headline", "standfirst", "section", "timezone", "language", "status")
    content = _filled(form, (*names, "slug"))
    update = new_update(form, prefix="update_")
    return content | ({"update": update} if update else {})


def changed_update(form: Form) -> Content:
    """A change of an update: its words, or one of its toggles."""
    content: Content = {
        name: form.get(name) == "true"
        for name in ("key_event", "pinned", "breaking")
        if name in form.fields
    }
    content |= _replaced(form, ("headline", "body"))
    if "quote_text" in form.fields:
        quote = {name: form.get(f"quote_{name}") for name in ("text", "name", "role")}
        content["quote"] = {name: said.strip() or None for name, said in quote.items()}
    return content | _revision(form)


def changed_story(form: Form) -> Content:
    """A change of a story: its words or its status."""
    content = _filled(form, ("status",))
    return content | _replaced(form, ("headline", "standfirst")) | _revision(form)


def withdrawal(form: Form) -> Content:
    """The body of a withdrawal. Raises `Invalid` where no reason is given."""
    if not form.get("reason").strip():
        raise Invalid(errors=[Fault("/reason", "Say why, for readers.")])
    return _filled(form, ("reason", "note")) | _purge(form)


def faults_by_field(error: LivewireError) -> dict[str, str]:
    """What is wrong, by the name of the field it stands beside."""
    return {
        fault.pointer.removeprefix("/").replace("/", "_"): fault.detail
        for fault in error.errors
    }


def _filled(form: Form, names: Sequence[str], prefix: str = "") -> Content:
    return {
        name: form.get(f"{prefix}{name}")
        for name in names
        if form.get(f"{prefix}{name}").strip()
    }


def _replaced(form: Form, names: Sequence[str]) -> Content:
    """Fields that are on the form; what was emptied is removed (RFC 7396)."""
    return {
        name: form.get(name) if form.get(name).strip() else None
        for name in names
        if name in form.fields
    }


def _revision(form: Form) -> Content:
    return _filled(form, ("correction", "note")) | _purge(form)


def _purge(form: Form) -> Content:
    return {"purge": True} if form.ticked("purge") else {}


def _described(row: Mapping[str, str]) -> Content:
    return {name: said for name, said in row.items() if said.strip()}
