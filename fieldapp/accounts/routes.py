"""Signing in and out."""

from __future__ import annotations

from flask import Response, request, url_for
from flask_login import current_user

from fieldapp.accounts import actions, sessions
from fieldapp.accounts.blueprint import bp
from fieldapp.accounts.forms import SignInForm
from fieldapp.guards import before_password_change, public
from fieldapp.pages import done, page, redirect, same_site_path


@bp.route("/login", methods=["GET", "POST"])
@public
@before_password_change
def login() -> Response:
    if request.method == "GET" and current_user.is_authenticated:
        return redirect(same_site_path(request.args.get("next")) or url_for("desk.today"))
    form = SignInForm(request.form if request.method == "POST" else request.args)
    if request.method == "POST" and form.validate():
        outcome = actions.sign_in(form.username.data, form.password.data, request.remote_addr or "")
        if isinstance(outcome, actions.SignedIn):
            to = same_site_path(form.next.data) or url_for("desk.today")
            return sessions.give_cookie(done(to=to), outcome.token, outcome.role)
        form.password.errors = [outcome.sentence]
        response = page("accounts/login.html", form=form, status=outcome.status)
        if outcome.wait:
            response.headers["Retry-After"] = str(outcome.wait)
        return response
    return page("accounts/login.html", form=form)


@bp.post("/logout")
@before_password_change
def logout() -> Response:
    actions.sign_out(current_user)
    return sessions.take_cookie(done(to=url_for("accounts.login"), notice="signed_out"))


@bp.get("/me")
def me() -> Response:
    return page("accounts/login.html", form=SignInForm())


@bp.get("/me/password")
@before_password_change
def password() -> Response:
    return page("accounts/login.html", form=SignInForm())


@bp.get("/admin/users")
def users() -> Response:
    return page("accounts/login.html", form=SignInForm())


@bp.get("/admin/teams")
def teams() -> Response:
    return page("accounts/login.html", form=SignInForm())
