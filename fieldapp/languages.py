"""Chinese is the source of truth, English the second language: which one speaks now."""

from __future__ import annotations

from flask import Flask, request
from flask_babel import Babel, get_locale, gettext, lazy_gettext
from flask_login import current_user
from werkzeug.exceptions import HTTPException

LANGUAGES = {"zh": "中文", "en": "English"}

_ = gettext
lazy = lazy_gettext


def N_(text: str) -> str:
    """Marks a text for the catalogue without translating it (values of enums)."""
    return text


def speaking() -> str:
    """`zh` or `en`: the signed-in person's choice, else `lang=` of the address or form, else Chinese."""
    if current_user and current_user.is_authenticated:
        return current_user.language if current_user.language in LANGUAGES else "zh"
    try:
        asked = request.values.get("lang")
    except HTTPException:  # a body that could not be read: the page that says so must not read it again
        asked = request.args.get("lang")
    return asked if asked in LANGUAGES else "zh"


def html_lang() -> str:
    return "en" if str(get_locale()) == "en" else "zh-CN"


def init(app: Flask) -> None:
    app.config["BABEL_DEFAULT_LOCALE"] = "zh"
    app.config["BABEL_DEFAULT_TIMEZONE"] = app.config["TIME_ZONE"]
    Babel(app, locale_selector=speaking)
