"""Jinja filters: dates, money, phones and counts as officers read them."""

from __future__ import annotations

import re
import unicodedata
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal

from flask import Flask
from markupsafe import Markup, escape

from fieldapp import clock
from fieldapp.languages import _, ngettext, speaking
from fieldapp.workdays import workdays_between

EMPTY = "—"
WEEKDAYS = "一二三四五六日"
EN_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
EN_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def _english() -> bool:
    return speaking() == "en"


def day(value: date | datetime | None) -> str:
    """11月23日, with the year when it is not this one."""
    if value is None:
        return EMPTY
    if isinstance(value, datetime):
        value = clock.local(value).date()
    this_year = value.year == clock.today().year
    if _english():
        text = f"{value.day} {EN_MONTHS[value.month - 1]}"
        return text if this_year else f"{text} {value.year}"
    text = f"{value.month}月{value.day}日"
    return text if this_year else f"{value.year}年{text}"


def full_day(value: date | datetime | None) -> str:
    """2026年11月23日 周一."""
    if value is None:
        return EMPTY
    if isinstance(value, datetime):
        value = clock.local(value).date()
    if _english():
        return f"{value.day} {EN_MONTHS[value.month - 1]} {value.year}, {EN_WEEKDAYS[value.weekday()]}"
    return f"{value.year}年{value.month}月{value.day}日 周{WEEKDAYS[value.weekday()]}"


def moment(value: datetime | None) -> str:
    """11月23日 15:02."""
    return EMPTY if value is None else f"{day(value)} {hour(value)}"


def full_moment(value: datetime | None) -> str:
    return EMPTY if value is None else f"{full_day(value)} {hour(value)}"


def hour(value: datetime | None) -> str:
    return EMPTY if value is None else clock.local(value).strftime("%H:%M")


def ago(value: date | datetime | None) -> str:
    """72 天前."""
    if value is None:
        return EMPTY
    if isinstance(value, datetime):
        value = clock.local(value).date()
    days = (clock.today() - value).days
    if days <= 0:
        return _("今天")
    return _("昨天") if days == 1 else _("%(days)s 天前", days=days)


def lasting(value: timedelta) -> str:
    """3 天 / 5 小时 / 12 分钟."""
    minutes = max(0, int(value.total_seconds() // 60))
    if minutes < 60:
        return _("%(count)s 分钟", count=minutes)
    if minutes < 48 * 60:
        return _("%(count)s 小时", count=minutes // 60)
    return _("%(count)s 天", count=minutes // (24 * 60))


def due(value: date | None) -> str:
    """今天 / 逾期 4 天 / 11月26日."""
    if value is None:
        return EMPTY
    days = (value - clock.today()).days
    if days < 0:
        return _("逾期 %(days)s 天", days=-days)
    if days == 0:
        return _("今天")
    return _("明天") if days == 1 else day(value)


def lateness(due: date | datetime, done: date | datetime) -> str:
    """按时 / 晚了 3 个工作日: how what should have been done by `due` was done at `done`, or stands now.

    A day is over at its end, a moment when it is reached.
    """
    last, day_done = _local_day(due), _local_day(done)
    late = done > due if isinstance(due, datetime) and isinstance(done, datetime) else day_done > last
    if not late:
        return _("按时")
    count = workdays_between(last, day_done)
    return (
        ngettext("晚了 %(num)d 个工作日", "晚了 %(num)d 个工作日", count)
        if count
        else _("晚了不到 1 个工作日")
    )


def _local_day(value: date | datetime) -> date:
    return clock.local(value).date() if isinstance(value, datetime) else value


def money(value: Decimal | None) -> str:
    """Of 万元: 8,640.00 万元; from 10,000 万元 on 1.25 亿元; nothing known is —, never zero."""
    if value is None:
        return EMPTY
    cents = Decimal("0.01")
    if _english():
        if abs(value) < 100:  # below a million, whole yuan: ¥600,000
            return f"¥{(value * 10_000).quantize(Decimal(1), ROUND_HALF_UP):,}"
        return f"¥{(value / 100).quantize(cents, ROUND_HALF_UP):,} m"
    if abs(value) >= 10_000:
        return f"{(value / 10_000).quantize(cents, ROUND_HALF_UP):,} 亿元"
    return f"{value.quantize(cents, ROUND_HALF_UP):,} 万元"


def count(value: int | None) -> str:
    return EMPTY if value is None else f"{value:,}"


def distance(metres: float) -> str:
    """820 米, from 1,000 m on 1.2 公里: how far, as the visit form says it while it is filled in."""
    if metres < 1_000:
        return _("%(n)s 米", n=round(metres))
    return _("%(n)s 公里", n=f"{metres / 1_000:.1f}")


def colon(label: object) -> str:
    """A label before what is said of it: 电话：, and 情况属实吗？ as it stands."""
    words = str(label)
    if words.endswith(("？", "?")):
        return f"{words} " if _english() else words
    return words + _("：")


def weight(size: int) -> str:
    """1.2 MB, 340 KB: what a file weighs."""
    if size < 1024 * 1024:
        return f"{max(1, round(size / 1024))} KB"
    return f"{size / 1024 / 1024:.1f} MB"


def masked_phone(value: str | None) -> str:
    """138 **** 5621; a fixed line keeps its last four."""
    if not value:
        return EMPTY
    digits = "".join(c for c in value if c.isdigit())
    if len(digits) == 11 and digits.startswith("1"):
        return f"{digits[:3]} **** {digits[-4:]}"
    return f"**** {digits[-4:]}" if len(digits) > 4 else "****"


def dialled(value: str | None) -> str:
    """A number as `tel:` takes it: plain digits, the first of what was typed; "" when there is none."""
    text = unicodedata.normalize("NFKC", value or "")
    found = re.search(r"\+?\d(?:[ .·()/–—-]{0,2}\d){4,}", text)
    return re.sub(r"[^\d+]", "", found[0]) if found else ""


def spaced_phone(value: str | None) -> str:
    """138 1234 5621."""
    if value and len(value) == 11 and value.isdigit():
        return f"{value[:3]} {value[3:7]} {value[7:]}"
    return value or EMPTY


def word(value: object) -> str:
    """An enum's Chinese word in the language spoken now."""
    text = getattr(value, "value", value)
    return EMPTY if text in (None, "") else _(str(text))


def paragraphs(text: str | None) -> Markup:
    """Typed text with its line breaks, escaped."""
    lines = [escape(line) for line in (text or "").replace("\r\n", "\n").split("\n")]
    return Markup("<br>").join(lines)


def iso(value: datetime | date | None) -> str:
    if isinstance(value, datetime):
        return clock.local(value).isoformat(timespec="seconds")  # HTML's <time> takes no microseconds
    return "" if value is None else value.isoformat()


def init(app: Flask) -> None:
    for function in (
        day,
        full_day,
        moment,
        full_moment,
        hour,
        ago,
        due,
        lateness,
        money,
        count,
        distance,
        colon,
        weight,
        masked_phone,
        dialled,
        spaced_phone,
        word,
        paragraphs,
        iso,
        lasting,
    ):
        app.jinja_env.filters[function.__name__] = function
    app.jinja_env.globals["today"] = clock.today
    app.jinja_env.globals["now"] = clock.now
