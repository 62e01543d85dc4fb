"""The private calendar: its page under 我的, and the feed itself, which knows its reader by a token alone."""

from __future__ import annotations

import hashlib
from urllib.parse import urlencode

from flask import Flask, Response, current_app, request, url_for
from flask_login import current_user

from fieldapp import clock
from fieldapp.codes.turnstile import Turnstile
from fieldapp.entries import keep_instead
from fieldapp.followups import subscriptions
from fieldapp.followups.blueprint import bp
from fieldapp.followups.ical import calendar as written
from fieldapp.followups.queries import for_feed
from fieldapp.guards import needs, neighbourhood, public
from fieldapp.languages import _
from fieldapp.pages import done, page
from fieldapp.refusals import NotFound, TooMany

MOST_EVENTS = 500


def init(app: Flask) -> None:
    app.extensions["followups.feed"] = Turnstile()


def _site(path: str) -> str:
    return f"{current_app.config['PUBLIC_URL']}{path}"


@bp.get("/me/calendar")
@needs("OFFICER", "LEAD")
def calendar() -> Response:
    return page("followups/calendar.html", feed=subscriptions.current(current_user), address=None)


@bp.post("/me/calendar")
@needs("OFFICER", "LEAD")
def open_calendar() -> Response:
    """A new address, shown on this one answer; what is kept for a replay is the page without it."""
    token = subscriptions.renew(current_user, clock.now())
    words = {"key": token} | ({"lang": "en"} if current_user.language == "en" else {})
    address = _site(f"{url_for('followups.feed')}?{urlencode(words)}")
    feed = subscriptions.current(current_user)
    shown = page("followups/calendar.html", feed=feed, address=address, just_now=True)
    again = page("followups/calendar.html", feed=feed, address=None, just_now=True)
    return keep_instead(shown, again.get_data(as_text=True))


@bp.post("/me/calendar/revoke")
@needs("OFFICER", "LEAD")
def close_calendar() -> Response:
    subscriptions.revoke(current_user, clock.now())
    return done(to=url_for("followups.calendar"), notice="calendar_closed")


@bp.get("/follow-ups.ics")
@public
def feed() -> Response:
    wait = current_app.extensions["followups.feed"].wait(
        neighbourhood(request.remote_addr or ""), current_app.config["CARD_VIEWS_PER_MINUTE"]
    )
    if wait:
        raise TooMany(_("日历取得太频繁了，请 %(wait)s 秒后再试。", wait=wait), retry_after=wait)
    person = subscriptions.owner_of(request.args.get("key", ""))
    if person is None:
        raise NotFound
    body = written(
        for_feed(person, MOST_EVENTS),
        clock.today(),
        lambda follow_up_id: _site(url_for("followups.show", follow_up_id=follow_up_id)),
    )
    response = Response(body, content_type="text/calendar; charset=utf-8")
    response.headers["Cache-Control"] = "private, no-store"
    response.headers["Content-Disposition"] = 'inline; filename="follow-ups.ics"'
    response.headers["X-Robots-Tag"] = "noindex, nofollow, noarchive"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.set_etag(hashlib.sha256(body).hexdigest()[:32])
    response.make_conditional(request)
    return response
