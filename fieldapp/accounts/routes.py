"""Signing in and out."""

from __future__ import annotations

from flask import Response, request, url_for
from flask_login import current_user

from fieldapp.accounts import actions, sessions
from fieldapp.accounts.blueprint import bp
from fieldapp.accounts.forms import SignInForm
from fieldapp.guards import before_password_change, public, signs_in
from fieldapp.pages import done, page, redirect, same_site_path


@bp.route("/login", methods=["GET", "POST"])
@public
@signs_in
@before_password_change
def login() -> Response:
    if request.method == "GET":
        if current_user.is_authenticated:
            return redirect(same_site_path(request.args.get("next")) or url_for("desk.today"))
        asked = {name: request.args.get(name, "")[:1000] for name in ("next", "lang")}
        # A phone whose session was ended on purpose forgets the pages it keeps; nothing else tells it on this way.
        return page("accounts/login.html", form=SignInForm(data=asked), ended=sessions.was_ended(request))
    form = SignInForm(request.form)
    if not form.validate():
        return page("accounts/login.html", form=form)
    outcome = actions.sign_in(
        form.username.data,
        form.password.data,
        request.remote_addr or "",
        browser=sessions.browser_hash(request),
        kept=form.keep.data,
    )
    if isinstance(outcome, actions.TurnedAway):
        form.password.errors = [outcome.sentence]
        response = page("accounts/login.html", form=form, status=outcome.status)
        if outcome.wait:
            response.headers["Retry-After"] = str(outcome.wait)
        return response
    to = same_site_path(form.next.data) or url_for("desk.today")
    answer = (
        done(url_for("accounts.password"), "change_password") if outcome.must_change_password else done(to)
    )
    return sessions.give_cookie(answer, outcome.token, outcome.role, kept=form.keep.data)


@bp.post("/logout")
@before_password_change
def logout() -> Response:
    actions.sign_out(current_user)
    return sessions.take_cookie(done(to=url_for("accounts.login"), notice="signed_out"))
