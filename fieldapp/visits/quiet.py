"""An enterprise says when it would rather not be visited; who serves it takes that up, or not.

What it asks for changes nothing by itself: whoever holds a link may ask, and the officer knows whom they speak to.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from flask import Response, current_app, request, url_for
from flask_login import current_user
from wtforms import HiddenField, StringField
from wtforms.validators import AnyOf, InputRequired, Length, ValidationError

from fieldapp import audit, clock
from fieldapp.db import fetch, run
from fieldapp.enterprises.access import can_record_visit
from fieldapp.enterprises.models import Enterprise
from fieldapp.enterprises.queries import find_enterprise, may_see
from fieldapp.forms import Form, no_control_characters, typed
from fieldapp.guards import needs, public, secret_address
from fieldapp.languages import lazy
from fieldapp.notices.actions import tell
from fieldapp.pages import add_notice, done, page
from fieldapp.refusals import Conflict
from fieldapp.visits import confirming
from fieldapp.visits.blueprint import bp
from fieldapp.visits.confirm_pages import OnlyForTheEnterprise, gone, here, too_often
from fieldapp.visits.confirming import Asked

add_notice("quiet_asked", "ok", lazy("记下了，干部会看到。以后约时间会尽量避开。"))
add_notice("quiet_taken", "ok", lazy("已经记为免打扰时间，约走访时会提醒。"))
add_notice("quiet_left", "ok", lazy("没有采用，免打扰时间不变。"))

_enterprise = Enterprise.__table__


class QuietForm(Form):
    times = StringField(
        lazy("什么时候不方便？"),
        [
            InputRequired(lazy("请写一句，比如“周五下午”。")),
            Length(max=200, message=lazy("最多 200 个字。")),
            no_control_characters,
        ],
    )

    def validate_times(self, field: Any) -> None:
        if not typed(field):
            raise ValidationError(lazy("请写一句，比如“周五下午”。"))


class DecisionForm(Form):
    decision = HiddenField(validators=[AnyOf(("take", "leave"), message=lazy("请选一项。"))])
    asked = HiddenField()  # what was read when it was decided


class AskedAnew(Conflict):
    message = lazy("这一条已经处理过，或者企业又改了。请看一下最新内容。")


@bp.route("/v/<token>/quiet", methods=["GET", "POST"])
@public
@secret_address
def quiet(token: str) -> Response:
    """From the page where a visit was confirmed: when it would be better not to come."""
    if not current_user.is_authenticated:
        crowded = too_often("visits.answers", current_app.config["CARD_VIEWS_PER_MINUTE"])
        if crowded:
            return crowded
    now = clock.now()
    asked = confirming.find_asked(token, now)
    if asked is None or asked.gone:
        return gone(asked)
    if current_user.is_authenticated:
        raise OnlyForTheEnterprise
    form = QuietForm(request.form if request.method == "POST" else None)
    if request.method == "POST" and form.validate():
        _ask(asked, typed(form.times), now)
        return here(token, "quiet_asked")
    known = fetch(sa.select(_enterprise.c.quiet_times).where(_enterprise.c.id == asked.enterprise_id))
    return page("visits/quiet.html", asked=asked, token=token, form=form, known=known[0].quiet_times)


def _ask(asked: Asked, times: str, at: Any) -> None:
    """The newest wish stands; the same words again are the same wish."""
    new = sa.or_(_enterprise.c.quiet_asked != times, _enterprise.c.quiet_asked_at.is_(None))
    changed = run(
        sa.update(_enterprise)
        .where(_enterprise.c.id == asked.enterprise_id, _enterprise.c.quiet_times != times, new)
        .values(quiet_asked=times, quiet_asked_at=at, updated_at=at)
        .returning(_enterprise.c.officer_id)
    ).first()
    if changed is None:
        return
    audit.record("quiet_times_asked", f"enterprise:{asked.enterprise_id}")
    for user_id in dict.fromkeys(filter(None, [changed.officer_id, *asked.officer_ids])):
        path = f"/enterprises/{asked.enterprise_id}" if may_see(user_id, asked.enterprise_id) else ""
        tell(user_id, "quiet_asked", at, path, enterprise=asked.enterprise, times=times)


@bp.post("/enterprises/<int:enterprise_id>/quiet-times")
@needs("OFFICER", "LEAD")
def decide_quiet(enterprise_id: int) -> Response:
    """Whoever may visit the enterprise takes its wish up, or leaves it."""
    person = current_user._get_current_object()
    find_enterprise(person, enterprise_id, to=can_record_visit)
    form = DecisionForm(request.form)
    if not form.validate():
        raise AskedAnew
    wish, at = form.asked.data or "", clock.now()
    taken = form.decision.data == "take"
    values: dict[str, Any] = {"quiet_asked": "", "quiet_asked_at": None, "updated_at": at}
    if taken:
        values |= {"quiet_times": wish, "version": _enterprise.c.version + 1}
    still_asked = sa.and_(_enterprise.c.quiet_asked == wish, _enterprise.c.quiet_asked_at.is_not(None))
    decided = run(
        sa.update(_enterprise).where(_enterprise.c.id == enterprise_id, still_asked).values(**values)
    )
    if not decided.rowcount:
        raise AskedAnew
    audit.record(
        "quiet_times_set" if taken else "quiet_times_left", f"enterprise:{enterprise_id}", actor=person
    )
    return done(
        to=url_for("casefile.show", enterprise_id=enterprise_id),
        notice="quiet_taken" if taken else "quiet_left",
    )
