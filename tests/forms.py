"""Reading the forms of a page as a browser does, so that tests submit what the page really offers."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser


@dataclass
class Form:
    id: str
    action: str
    method: str
    fields: list[tuple[str, str]] = field(default_factory=list)

    def filled(self, **values: object) -> dict[str, object]:
        """The form's own values with these put in; a list is a group of ticked boxes, None leaves the field out."""
        data: dict[str, object] = {}
        for name, value in self.fields:
            known = data.get(name)
            data[name] = (
                [*known, value] if isinstance(known, list) else value if known is None else [known, value]
            )
        data.update(values)
        return {name: value for name, value in data.items() if value is not None}


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self._open: Form | None = None
        self._select: str | None = None
        self._chosen: str | None = None
        self._first: str | None = None
        self._text: tuple[str, list[str]] | None = None
        self._asleep = 0  # in so many templates: no part of the page until a script takes it out

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self._asleep += tag == "template"
        if self._asleep:
            return
        a = {name: value or "" for name, value in attributes}
        if tag == "form":
            self._open = Form(a.get("id", ""), a.get("action", ""), a.get("method", "get").lower())
            self.forms.append(self._open)
        form = self._open
        if form is None:
            return
        name = a.get("name", "")
        if tag == "input" and name and "disabled" not in a:
            kind = a.get("type", "text")
            if kind in {"checkbox", "radio"}:
                if "checked" in a:
                    form.fields.append((name, a.get("value", "on")))
            elif kind not in {"submit", "button", "file", "image", "reset"}:
                form.fields.append((name, a.get("value", "")))
        elif tag == "textarea" and name:
            self._text = (name, [])
        elif tag == "select" and name:
            self._select, self._chosen, self._first = name, None, None
        elif tag == "option" and self._select:
            value = a.get("value", "")
            if self._first is None:
                self._first = value
            if "selected" in a:
                self._chosen = value

    def handle_data(self, data: str) -> None:
        if self._text:
            self._text[1].append(data)

    def handle_endtag(self, tag: str) -> None:
        self._asleep -= tag == "template"
        if self._asleep:
            return
        if tag == "textarea" and self._text and self._open:
            self._open.fields.append((self._text[0], "".join(self._text[1]).removeprefix("\n")))
            self._text = None
        elif tag == "select" and self._select and self._open:
            chosen = self._chosen if self._chosen is not None else self._first
            if chosen is not None:
                self._open.fields.append((self._select, chosen))
            self._select = None
        elif tag == "form":
            self._open = None


def forms_in(html: str) -> list[Form]:
    reader = _Reader()
    reader.feed(html)
    return reader.forms
