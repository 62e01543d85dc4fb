"""Chinese is the source of truth, English the second language: which one speaks now.

Pages ask for dozens of texts, so the way from a Chinese text to itself is kept short: only English looks anything up.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from flask import Flask, has_request_context, request
from flask_babel import Babel, force_locale, get_translations
from flask_babel import gettext as looked_up
from flask_babel.speaklater import LazyString
from flask_login import current_user
from markupsafe import Markup, escape
from werkzeug.exceptions import HTTPException

LANGUAGES = {"zh": "中文", "en": "English"}


def N_(text: str) -> str:
    """Marks a text for the catalogue without translating it (values of enums)."""
    return text


# Pages ask hundreds of times; a context variable answers quicker than the request's own store.
_spoken: ContextVar[str | None] = ContextVar("spoken", default=None)


def speaking() -> str:
    """`zh` or `en`, decided once a request."""
    language = _spoken.get()
    if language is None:
        if not has_request_context():
            return "zh"
        language = _decide()
        _spoken.set(language)
    return language


def kept_language() -> str | None:
    """For the addresses behind a page that nobody is signed in at: `lang=`, as long as it is not Chinese."""
    return None if speaking() == "zh" else speaking()


def _decide() -> str:
    """The signed-in person's choice, else `lang=` of the address or form, else Chinese."""
    person = current_user._get_current_object()
    if person.is_authenticated:
        return person.language if person.language in LANGUAGES else "zh"
    try:
        asked = request.values.get("lang")
    except HTTPException:  # a body that could not be read: the page that says so must not read it again
        asked = request.args.get("lang")
    return asked if asked in LANGUAGES else "zh"


def _(text: str, **values: Any) -> str:
    """The text in the language spoken now, `%(name)s` filled in."""
    if speaking() == "zh":
        return text % values if values else text
    return looked_up(text, **values)


class _Lazy(LazyString):
    """Flask-Babel's would pass its values into a page as they are: a file's name, what somebody typed."""

    def __html__(self) -> Markup:
        return escape(str(self))


def translated(text: str, language: str) -> str:
    """The text in that language, whatever is spoken now."""
    if language == "zh":
        return text
    with force_locale(language):
        return looked_up(text)


@contextmanager
def speaking_in(language: str) -> Iterator[None]:
    """Inside, that language is spoken: for what is written to somebody who is not there."""
    language = language if language in LANGUAGES else "zh"
    token = _spoken.set(language)
    try:
        with force_locale(language):
            yield
    finally:
        _spoken.reset(token)


def lazy(text: str, **values: Any) -> LazyString:
    """A text that is translated when it is shown: labels and sentences named before any request."""
    return _Lazy(_, text, **values)


def _in_page(text: str, **values: Any) -> str:
    """As `_`, for templates: the values are escaped, the text is ours."""
    words = text if speaking() == "zh" else looked_up(text)
    if not values:
        return words
    safe = {name: value if type(value) is int else escape(value) for name, value in values.items()}
    return Markup(words % safe)  # noqa: S704  (ours; the values are escaped)


def ngettext(one: str, many: str, num: int, **values: Any) -> str:
    words = one if speaking() == "zh" else get_translations().ungettext(one, many, num)
    safe = {name: value if isinstance(value, int) else escape(value) for name, value in values.items()}
    return Markup(words % (safe | {"num": num}))  # noqa: S704  (ours; the values are escaped)


def html_lang() -> str:
    return "en" if speaking() == "en" else "zh-CN"


def init(app: Flask) -> None:
    app.config["BABEL_DEFAULT_LOCALE"] = "zh"
    app.config["BABEL_DEFAULT_TIMEZONE"] = app.config["TIME_ZONE"]
    Babel(app, locale_selector=speaking)

    @app.before_request
    def _undecided() -> None:
        _spoken.set(None)

    @app.teardown_request
    def _forget(_error: BaseException | None) -> None:
        _spoken.set(None)

    app.jinja_env.globals.update(_=_in_page, gettext=_in_page, ngettext=ngettext, lang=kept_language)
