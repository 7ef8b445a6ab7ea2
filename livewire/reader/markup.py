"""One macro, two uses: markup for a thing, and the `<template>` for things to come.

Called with a view, a macro writes that view. Called with `Blank`, it writes every
optional part once, and `bind` leaves on each element a note of what belongs there:

    data-if="quote"        keep the element when the field has something in it
    data-each="qa"         repeat the element for each item of the list
    data-text="headline"   the element's text        data-html="html"   its safe markup
    data-attr-href="url"   an attribute, left off when the field is null

`livewire/static/render.js` follows these notes and removes them. So the server and the
browser make the same tree, and nobody writes an update's markup twice.
"""

from collections.abc import Iterator

from markupsafe import Markup, escape


class Blank:
    """Stands for a field of a view not known yet: it is true, empty, and has a path."""

    __slots__ = ("each", "path")

    def __init__(self, path: str = "", *, each: str | None = None) -> None:
        self.path = path
        self.each = each  # the list this stands for an item of

    def __getattr__(self, name: str) -> "Blank":
        if name.startswith("_"):
            raise AttributeError(name)
        return Blank(f"{self.path}.{name}" if self.path else name)

    def __iter__(self) -> Iterator["Blank"]:
        yield Blank(each=self.path)

    def __html__(self) -> str:
        return ""


def bind(
    *,
    when: object = None,
    each: object = None,
    text: object = None,
    html: object = None,
    **attributes: object,
) -> Markup:
    """The attributes of an element, each with a space before it.

    `when`, `each`, `text` and `html` are written only where they are blank. In other
    names a trailing underscore is dropped and the rest become hyphens (`class_`,
    `aria_labelledby`); None leaves an attribute off.
    """
    notes = {"each": each, "if": when, "text": text, "html": html}
    marks = [_note(name, v) for name, v in notes.items() if isinstance(v, Blank)]
    marks += [_attribute(name, v) for name, v in attributes.items() if v is not None]
    # Names are the templates' own, values are escaped or the paths of blank fields.
    return Markup("".join(f" {mark}" for mark in marks))  # noqa: S704 - as said above


def _note(name: str, value: Blank) -> str:
    path = value.each if name == "each" else value.path
    return f'data-{name}="{path}"'


def _attribute(name: str, value: object) -> str:
    written = name.rstrip("_").replace("_", "-")
    if isinstance(value, Blank):
        return f'data-attr-{written}="{value.path}"'
    return f'{written}="{escape(value)}"'
