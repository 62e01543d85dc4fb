"""One's own account: display, signed-in devices, password."""

from __future__ import annotations

from flask import Response, request, url_for
from flask_login import current_user

from fieldapp import clock
from fieldapp.accounts import actions, sessions
from fieldapp.accounts.blueprint import bp
from fieldapp.accounts.forms import DisplayForm, PasswordForm
from fieldapp.accounts.passwords import WeakPassword
from fieldapp.accounts.queries import sessions_of
from fieldapp.accounts.throttle import place_of
from fieldapp.guards import before_password_change, kept
from fieldapp.pages import done, page
from fieldapp.refusals import TooMany


def _me(form: DisplayForm) -> Response:
    mine = sessions_of(current_user, clock.now(), place_of(request.remote_addr or ""))
    return page("accounts/me.html", form=form, sessions=mine)


@bp.get("/me")
@kept
def me() -> Response:
    person = current_user
    return _me(
        DisplayForm(data={"theme": person.theme, "text_size": person.text_size, "language": person.language})
    )


@bp.post("/me/display")
def display() -> Response:
    form = DisplayForm(request.form)
    if not form.validate():
        return _me(form)
    actions.set_display(current_user, form.theme.data, form.text_size.data, form.language.data)
    return done(to=url_for("accounts.me"), notice="settings_saved")


@bp.post("/me/sessions/<int:session_id>/revoke")
def revoke_session(session_id: int) -> Response:
    actions.revoke_session(current_user, session_id)
    return done(to=url_for("accounts.me"), notice="session_revoked")


@bp.post("/me/sessions/revoke-others")
def revoke_other_sessions() -> Response:
    actions.revoke_other_sessions(current_user)
    return done(to=url_for("accounts.me"), notice="sessions_revoked")


@bp.route("/me/password", methods=["GET", "POST"])
@before_password_change
def password() -> Response:
    one_time = current_user.must_change_password
    form = PasswordForm(request.form, ask_current=not one_time)
    status = None
    if request.method == "POST" and form.validate():
        try:
            token, kept = actions.change_password(
                current_user, None if one_time else form.current.data, form.new.data
            )
        except (actions.WrongPassword, TooMany) as refusal:
            form.current.errors = [refusal.message]
            status = refusal.status
        except WeakPassword as refusal:
            form.new.errors = [refusal.message]
        else:
            to = url_for("desk.today") if one_time else url_for("accounts.me")
            return sessions.give_cookie(
                done(to=to, notice="password_changed"), token, current_user.role, kept=kept
            )
    return page("accounts/password.html", form=form, status=status, one_time=one_time)
