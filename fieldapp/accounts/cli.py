"""`flask --app wsgi create-user`: the first admin of a new deployment, or an account when no admin is at hand."""

from __future__ import annotations

from typing import Any

import click
from flask import current_app
from flask.cli import with_appcontext
from flask_babel import force_locale
from werkzeug.datastructures import MultiDict

from fieldapp.accounts import actions
from fieldapp.accounts.forms import NewPersonForm
from fieldapp.accounts.models import Role
from fieldapp.accounts.queries import team_choices
from fieldapp.db import db, writing

ROLES = [role.name.lower() for role in Role]


@click.command("create-user")
@click.option("--username", prompt="Username (lower-case letters and digits)", help="What they sign in with.")
@click.option("--name", prompt="Name", help="Their name as colleagues know it.")
@click.option("--role", prompt="Role", type=click.Choice(ROLES), default="admin", show_default=True)
@click.option("--phone", default="", help="Work phone.")
@click.option("--team", "team_name", default="", help="Name of an officer's or lead's team.")
@click.option("--leads", multiple=True, help="Name of a team this lead is over; may be given several times.")
@with_appcontext
def create_user_command(
    username: str, name: str, role: str, phone: str, team_name: str, leads: tuple[str, ...]
) -> None:
    """Create an account and print its one-time password, once.

    The same rules as in the admin's form; what is wrong is said and nothing is written.
    """
    with current_app.test_request_context(), force_locale("zh"), writing():
        db.session.rollback()
        choices = team_choices()
        teams = {team.name: team.id for team in choices}
        unknown = [wanted for wanted in (team_name, *leads) if wanted and wanted not in teams]
        if unknown:
            raise click.ClickException(
                f"no such team: {', '.join(unknown)}; there are: {', '.join(teams) or 'none yet'}"
            )
        typed: dict[str, Any] = {
            "username": username,
            "name": name,
            "phone": phone,
            "role": role.upper(),
            "version": "0",
        }
        typed |= {"team": str(teams.get(team_name, "")), "leads": [str(teams[wanted]) for wanted in leads]}
        form = NewPersonForm(MultiDict(typed), teams=choices)
        if not form.validate():
            raise click.ClickException(
                "; ".join(f"{field}: {errors[0]}" for field, errors in form.errors.items())
            )
        try:
            user, secret = actions.create_user(form.username.data, **form.words())
        except actions.Taken as refusal:
            raise click.ClickException(str(refusal.message)) from refusal
        db.session.commit()
        click.echo(f"Account {user.username} ({role}) is ready.")
        click.echo(f"One-time password: {secret}")
        click.echo("It is shown only now. At the first sign-in it has to be changed.")
