"""Promises as a calendar: what phones' calendars and Outlook show of a subscribed address.

All-day events, not to-dos: subscribed VTODOs appear neither in iOS's and Android's calendars nor in Outlook. Nothing
of a contact, of what was said, or of the log is in it: a calendar address travels through other people's servers.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from fieldapp.formats import full_day, word
from fieldapp.languages import _

if TYPE_CHECKING:
    from icalendar import Event

# Nine o'clock on the day before: an all-day event begins at midnight.
ALARM_BEFORE = timedelta(hours=15)
REFRESH = timedelta(hours=1)


def calendar(rows: Iterable[Any], today: date, address_of: Any) -> bytes:
    """The feed (RFC 5545). `rows` as queries.for_feed gives them; `address_of(id)` is a promise's full address."""
    from icalendar import Calendar  # here, not above: it takes a third of a second to import

    feed = Calendar()
    feed.add("prodid", "-//fieldapp//follow-ups//ZH")
    feed.add("version", "2.0")
    feed.add("calscale", "GREGORIAN")
    feed.add("method", "PUBLISH")
    name = _("青助企 · 答应的事")
    feed.add("name", name)
    feed.add("x-wr-calname", name)
    feed.add("refresh-interval", REFRESH, parameters={"value": "DURATION"})
    feed.add("x-published-ttl", "PT1H")
    for row in rows:
        feed.add_component(_event(row, today, address_of(row.id)))
    return bytes(feed.to_ical())


def _event(row: Any, today: date, address: str) -> Event:
    from icalendar import Alarm, Event

    late = (today - row.due_on).days
    event = Event()
    event.add("uid", f"follow-up-{row.id}@fieldapp")
    event.add("dtstamp", _whole(row.updated_at))
    event.add("created", _whole(row.created_at))
    event.add("last-modified", _whole(row.updated_at))
    event.add("sequence", row.version)
    event.add("dtstart", row.due_on)
    event.add("dtend", row.due_on + timedelta(days=1))
    if late > 0:
        summary = _(
            "【逾期 %(days)s 天】%(title)s · %(enterprise)s",
            days=late,
            title=row.title,
            enterprise=row.enterprise,
        )
    else:
        summary = f"{row.title} · {row.enterprise}"
    event.add("summary", summary)
    about = [
        _("企业：%(enterprise)s", enterprise=row.enterprise),
        _("类型：%(kind)s", kind=word(row.kind)),
        _("应完成：%(day)s", day=full_day(row.due_on)),
        _("办好后请在青助企里记一笔：%(address)s", address=address),
    ]
    event.add("description", "\n".join(about))
    event.add("url", address)
    event.add("categories", [_("逾期") if late > 0 else _("跟进")])
    event.add("status", "CONFIRMED")
    event.add("transp", "TRANSPARENT")  # nobody is busy all day because of it
    event.add("class", "PRIVATE")
    if late <= 0:
        alarm = Alarm()
        alarm.add("action", "DISPLAY")
        alarm.add("description", summary)
        alarm.add("trigger", -ALARM_BEFORE)
        event.add_component(alarm)
    return event


def _whole(moment: datetime) -> datetime:
    return moment.replace(microsecond=0)
