"""Every setting, its default and its environment variable `FIELDAPP_<NAME>`.

Values are read once, when the app is made. A production deployment (`FIELDAPP_ENV=production`) refuses to start
without a secret key and a public URL: a secret that has a default is not a secret.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Callable, Mapping
from datetime import time
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from fieldapp.workdays import office_hours

ROOT = Path(__file__).resolve().parent.parent


class SettingsError(RuntimeError):
    """A setting is missing or cannot be read; the message names it and says what to do."""


def _flag(text: str) -> bool:
    return text.strip().lower() in {"1", "true", "yes", "on"}


def _choice(*words: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in words:
            raise ValueError(f"one of {', '.join(words)}")
        return text

    return parse


def _at_least(least: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if (number := int(text)) < least:
            raise ValueError(f"at least {least}")
        return number

    return parse


def _office_hours(text: str) -> str:
    office_hours(text)
    return text


def _time_zone(text: str) -> str:
    try:
        return ZoneInfo(text).key
    except (ZoneInfoNotFoundError, OSError) as error:
        raise ValueError("no time zone is called that; one is Asia/Shanghai") from error


# name: (default, parser). Durations are seconds unless the name says otherwise.
DEFAULTS: dict[str, tuple[Any, Callable[[str], Any]]] = {
    "ENV": ("development", _choice("development", "production")),
    "INSTANCE": (str(ROOT / "instance"), str),
    "DATABASE_URL": ("", str),  # empty: SQLite in INSTANCE
    "SECRET_KEY": ("", str),  # empty: made once and kept in INSTANCE (development only)
    "PUBLIC_URL": ("", str),  # what QR codes point to; empty: http://127.0.0.1:8000 (development only)
    "TIME_ZONE": ("Asia/Shanghai", _time_zone),
    "TRUSTED_PROXIES": (0, int),  # how many proxies in front set X-Forwarded-*
    "SECURE_COOKIES": (None, _flag),  # None: as the public URL's scheme says
    "MAX_BODY": (6 * 1024 * 1024, int),
    "SERVER_THREADS": (8, _at_least(1)),
    # what no request waits for, see work.py
    "WORK": (True, _flag),  # `flask serve` does it too; not where `flask work` runs beside it
    "WORK_LEASE_SECONDS": (60.0, float),  # a job whose worker was killed goes on elsewhere after so long
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
    "NEED_RATINGS_SHOWN_FROM": (3, int),  # ratings are told to officers in sums of so many and more
    "OFFICER_LOAD": (28, int),  # enterprises one officer can serve well; a mark, not a limit
    "PLACE": (True, _flag),  # offer to add the place of a visit
    "PHOTOS": (True, _flag),  # offer photos
    "PHOTOS_PER_VISIT": (9, int),
    "PHOTO_MAX_BYTES": (32 * 1024 * 1024, int),  # one photo as it comes
    "PHOTO_MAX_PIXELS": (60_000_000, int),
    "PHOTO_SIDE": (1600, int),  # pixels of the longer side of what is kept
    "THUMB_SIDE": (320, int),
    "PHOTO_BODY": (80 * 1024 * 1024, int),  # a whole form with photos
    "PDF_MAX_BYTES": (12 * 1024 * 1024, int),  # one PDF as it comes
    "PDF_MAX_PAGES": (100, int),
    "PDF_SECONDS": (15, int),  # of a processor, for one PDF
    "PDF_MEMORY": (1024 * 1024 * 1024, int),
    "PDFS_PER_FORM": (2, int),
    "PAGE_SIZE": (30, int),
    "ENTRY_KEEP_DAYS": (90, int),  # receipts: a phone may send an entry again so long
    "SESSION_KEEP_DAYS": (180, int),  # after its end, before `flask tidy` deletes it
    "IMPORT_KEEP_DAYS": (90, int),  # uploaded files
    "NO_SCRIPT_REPEAT_SECONDS": (600, int),  # the same form without script within this time is one entry
    # the clock of needs: limits in working days, see needs/clock.py
    "OFFICE_HOURS": ("08:30-12:00 14:30-17:30", _office_hours),
    "CLOCK_ACCEPT": (1, int),
    "CLOCK_CLAIM": (1, int),
    "CLOCK_CONTACT": (2, int),
    "CLOCK_PLAN": (5, int),
    "CLOCK_RESOLVE": (10, int),
    "CLOCK_RESOLVE_RESEARCH": (25, int),  # 技术攻关
    "EXTENSION_DAYS_MOST": (15, int),
    "CLAIMS_MOST": (10, int),  # needs that one officer works on at a time; more wait for a colleague
    "CLAIM_IDLE_DAYS": (
        5,
        int,
    ),  # claimed and nothing done for so many working days: it goes back to the pool
    "CONFIRM_DAYS": (
        10,
        int,
    ),  # working days an enterprise has to answer before a result counts as it was proposed
    # public door
    "ORDER_BODY": (60 * 1024 * 1024, int),  # an order with photos and PDFs, from anybody
    "ORDER_PHOTOS": (3, int),
    "ACTS_PER_RECEIPT_HOUR": (20, int),  # answers, words and ratings at one receipt
    "ORDERS_PER_ADDRESS_HOUR": (5, int),
    "ORDERS_PER_CODE_DAY": (20, int),
    "CARD_NAMES": (False, _flag),  # whether the public card says officers' names, or only their teams
    "CARD_VIEWS_PER_MINUTE": (60, int),  # per address, /q/<token>
    "CODE_TRIES_PER_MINUTE": (20, int),  # per person, typed codes
    # an enterprise confirms a visit
    "VISIT_CODE_MINUTES": (30, int),  # what an officer shows on the phone
    "VISIT_LINK_DAYS": (7, int),  # what an officer sends
    "VISIT_CODE_WRONG_TRIES": (10, int),  # at one enterprise, then its six digits count no more
    "ANSWER_CORRECTION_HOURS": (24, int),  # the enterprise may put its answer right
    "RATINGS_SHOWN_FROM": (5, int),  # anonymous ratings are shown in sums of so many and more
    # notices outside the app
    # Where the robots' addresses begin; another where a relay stands between, empty where there are to be none.
    "DINGTALK_URL": ("https://oapi.dingtalk.com/robot/send", str),
    "WECOM_URL": ("https://qyapi.weixin.qq.com/cgi-bin/webhook/send", str),
    "SMTP_HOST": ("", str),  # empty: no mail
    "SMTP_PORT": (0, int),  # 0: as the security says, 587, 465 or 25
    "SMTP_SECURITY": ("starttls", _choice("starttls", "ssl", "insecure")),
    "SMTP_USER": ("", str),
    "SMTP_PASSWORD": ("", str),
    "MAIL_FROM": ("", str),  # who writes: fieldapp@example.cn or 青助企 <fieldapp@example.cn>
    "SEND_PATIENCE": (10.0, float),  # for one answer of a robot or a mail server
    # Nothing is sent from here to there, nor on days off, unless somebody has it otherwise.
    "QUIET_FROM": (time(20), time.fromisoformat),
    "QUIET_UNTIL": (time(8), time.fromisoformat),
    "DELIVERY_EVERY": (5.0, float),  # how often the outbox is looked at
    "DELIVERY_TRIES": (10, int),  # then a message is a dead letter, for the admin to see
    "DELIVERY_FIRST_WAIT": (30.0, float),  # before the second try; twice as long after each
    "DELIVERY_LONGEST_WAIT": (6 * 3600.0, float),
    "DELIVERY_CLAIM_SECONDS": (180.0, float),  # a message whose sender was killed goes again after so long
    "DELIVERY_KEEP_DAYS": (30, int),  # after it went or was given up
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
    if not re.match(r"https?://[^/\s]", values["PUBLIC_URL"]):
        raise SettingsError(
            f"FIELDAPP_PUBLIC_URL={values['PUBLIC_URL']!r} must begin with https:// (or http://)"
        )
    if not values["SECRET_KEY"]:
        values["SECRET_KEY"] = _kept_secret(instance)
    if not values["DATABASE_URL"]:
        instance.mkdir(parents=True, exist_ok=True)
        values["DATABASE_URL"] = f"sqlite:///{instance / 'fieldapp.sqlite3'}"
    values["DATABASE_URL"] = database_url(values["DATABASE_URL"])
    if values["SECURE_COOKIES"] is None:
        values["SECURE_COOKIES"] = values["PUBLIC_URL"].startswith("https://")


def database_url(text: str) -> str:
    """An address of a database with SQLAlchemy's name of its driver; hosting panels hand out short forms. Raises
    SettingsError for what is none, or one of another kind."""
    for short in ("postgres://", "postgresql://"):
        if text.startswith(short):
            text = "postgresql+psycopg://" + text.removeprefix(short)
    if not text.startswith(("sqlite://", "postgresql+psycopg://")):
        kinds = "sqlite:////where/it/lies.sqlite3 or postgresql+psycopg://user@host/name"
        raise SettingsError(f"FIELDAPP_DATABASE_URL is no address of a database known here: {kinds}")
    return text


def _kept_secret(instance: Path) -> str:
    instance.mkdir(parents=True, exist_ok=True)
    path = instance / "secret-key"
    try:
        with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
            file.write(secrets.token_hex(32))
    except FileExistsError:
        pass
    return path.read_text().strip()
