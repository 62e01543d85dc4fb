"""Every setting, its default and its environment variable `FIELDAPP_<NAME>`.

Values are read once, when the app is made. A production deployment (`FIELDAPP_ENV=production`) refuses to start
without a secret key and a public URL: a secret that has a default is not a secret.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent


class SettingsError(RuntimeError):
    """A setting is missing or cannot be read; the message names it and says what to do."""


def _flag(text: str) -> bool:
    return text.strip().lower() in {"1", "true", "yes", "on"}


# name: (default, parser). Durations are seconds unless the name says otherwise.
DEFAULTS: dict[str, tuple[Any, Callable[[str], Any]]] = {
    "ENV": ("development", str),
    "INSTANCE": (str(ROOT / "instance"), str),
    "DATABASE_URL": ("", str),  # empty: SQLite in INSTANCE
    "SECRET_KEY": ("", str),  # empty: made once and kept in INSTANCE (development only)
    "PUBLIC_URL": ("", str),  # what QR codes point to; empty: http://127.0.0.1:8000 (development only)
    "TIME_ZONE": ("Asia/Shanghai", str),
    "TRUSTED_PROXIES": (0, int),  # how many proxies in front set X-Forwarded-*
    "SECURE_COOKIES": (None, _flag),  # None: as the public URL's scheme says
    "MAX_BODY": (6 * 1024 * 1024, int),
    "SERVER_THREADS": (8, int),
    # sign-in
    "ARGON2_MEMORY_KIB": (64 * 1024, int),
    "ARGON2_TIME": (3, int),
    "ARGON2_LANES": (4, int),
    "PASSWORD_MIN": (10, int),
    "ONE_TIME_PASSWORD_HOURS": (14 * 24, int),  # a first password nobody has used by then must be made anew
    "SIGNIN_FREE_TRIES": (3, int),
    "SIGNIN_FIRST_DELAY": (2, int),
    "SIGNIN_ACCOUNT_DELAY_MAX": (15 * 60, int),
    "SIGNIN_ADDRESS_FREE_TRIES": (20, int),
    "SIGNIN_ADDRESS_DELAY_MAX": (30, int),
    "SIGNIN_FORGET_AFTER": (24 * 3600, int),
    # sessions: idle and absolute limits per role, in hours
    "SESSION_IDLE_OFFICER": (14 * 24, int),
    "SESSION_IDLE_LEAD": (7 * 24, int),
    "SESSION_IDLE_ADMIN": (8, int),
    "SESSION_IDLE_AUDITOR": (8, int),
    "SESSION_MAX_OFFICER": (30 * 24, int),
    "SESSION_MAX_LEAD": (30 * 24, int),
    "SESSION_MAX_ADMIN": (24, int),
    "SESSION_MAX_AUDITOR": (24, int),
    "SESSION_TOUCH_EVERY": (600, int),
    # business
    "VISIT_INTERVAL_DAYS": (90, int),  # an enterprise is due again so long after its last visit
    "RECENT_VISIT_DAYS": (
        14,
        int,
    ),  # a plan is warned about visits by others within so many days, before and after
    "OFFICER_LOAD": (28, int),  # enterprises one officer can serve well; a mark, not a limit
    "PLACE": (True, _flag),  # offer to add the place of a visit
    "PHOTOS": (True, _flag),  # offer photos
    "PHOTOS_PER_VISIT": (9, int),
    "PHOTO_MAX_BYTES": (32 * 1024 * 1024, int),  # one photo as it comes
    "PHOTO_MAX_PIXELS": (60_000_000, int),
    "PHOTO_SIDE": (1600, int),  # pixels of the longer side of what is kept
    "THUMB_SIDE": (320, int),
    "PHOTO_BODY": (80 * 1024 * 1024, int),  # a whole form with photos
    "PAGE_SIZE": (30, int),
    "ENTRY_KEEP_DAYS": (90, int),  # receipts: a phone may send an entry again so long
    "SESSION_KEEP_DAYS": (180, int),  # after its end, before `flask tidy` deletes it
    "IMPORT_KEEP_DAYS": (90, int),  # uploaded files
    "NO_SCRIPT_REPEAT_SECONDS": (600, int),  # the same form without script within this time is one entry
    # public door
    "ORDER_BODY": (40 * 1024 * 1024, int),  # an order with photos, from anybody
    "ORDER_PHOTOS": (3, int),
    "ORDERS_PER_ADDRESS_HOUR": (5, int),
    "ORDERS_PER_CODE_DAY": (20, int),
    "CARD_VIEWS_PER_MINUTE": (60, int),  # per address, /q/<token>
    "CODE_TRIES_PER_MINUTE": (20, int),  # per person, typed codes
    # imports
    "IMPORT_MAX_BYTES": (5 * 1024 * 1024, int),
    "IMPORT_MAX_ROWS": (20_000, int),
    "IMPORT_MAX_UNZIPPED": (100 * 1024 * 1024, int),
}


def read_settings(environ: Mapping[str, str], overrides: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Settings as a flat dict, keys without prefix. Raises SettingsError for a value that cannot be read."""
    values: dict[str, Any] = {}
    for name, (default, parse) in DEFAULTS.items():
        text = environ.get(f"FIELDAPP_{name}")
        if text is None and name == "DATABASE_URL":
            text = environ.get("DATABASE_URL")
        try:
            values[name] = default if text is None else parse(text)
        except ValueError as error:
            raise SettingsError(f"FIELDAPP_{name}={text!r} cannot be read: {error}") from error
    values.update(overrides or {})
    _complete(values)
    return values


def _complete(values: dict[str, Any]) -> None:
    production = values["ENV"] == "production"
    instance = Path(values["INSTANCE"])
    if production:
        for name in ("SECRET_KEY", "PUBLIC_URL"):
            if not values[name]:
                raise SettingsError(f"FIELDAPP_{name} must be set in production")
        if len(values["SECRET_KEY"]) < 32:
            raise SettingsError("FIELDAPP_SECRET_KEY must be at least 32 characters long")
    values["PUBLIC_URL"] = (values["PUBLIC_URL"] or "http://127.0.0.1:8000").rstrip("/")
    if not values["SECRET_KEY"]:
        values["SECRET_KEY"] = _kept_secret(instance)
    if not values["DATABASE_URL"]:
        instance.mkdir(parents=True, exist_ok=True)
        values["DATABASE_URL"] = f"sqlite:///{instance / 'fieldapp.sqlite3'}"
    # SQLAlchemy's name of the driver; hosting panels hand out the short forms.
    for short in ("postgres://", "postgresql://"):
        if values["DATABASE_URL"].startswith(short):
            values["DATABASE_URL"] = "postgresql+psycopg://" + values["DATABASE_URL"].removeprefix(short)
    if values["SECURE_COOKIES"] is None:
        values["SECURE_COOKIES"] = values["PUBLIC_URL"].startswith("https://")


def _kept_secret(instance: Path) -> str:
    instance.mkdir(parents=True, exist_ok=True)
    path = instance / "secret-key"
    try:
        with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
            file.write(secrets.token_hex(32))
    except FileExistsError:
        pass
    return path.read_text().strip()
