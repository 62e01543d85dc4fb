"""Writing: signing in and out, one's own password and settings, and what admins do to accounts and teams."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from blinker import Signal
from flask import current_app
from sqlalchemy.exc import IntegrityError

from fieldapp import audit
from fieldapp.accounts import passwords, queries, sessions, throttle
from fieldapp.accounts.models import Region, Role, Session, Team, User, team_lead, team_region
from fieldapp.accounts.rules import NotYourself, require_an_admin, tidy_username
from fieldapp.clock import now
from fieldapp.db import db, keep_if_refused, own_transaction, reading
from fieldapp.languages import _, lazy
from fieldapp.refusals import Conflict, NotFound, Refusal, TooMany

if TYPE_CHECKING:
    from fieldapp.accounts.sessions import Person


class Taken(Refusal):
    """Somebody else has it; `field` names the one to put right."""

    def __init__(self, field: str, message: object) -> None:
        super().__init__(message)
        self.field = field


class Stale(Conflict):
    """Another admin saved since this edit began."""


class WrongPassword(Refusal):
    message = lazy("现在的密码不对。")


# Sent inside the transaction with the team's id, its `regions` and those it `dropped`: the slices behind this one keep
# what belongs to a region with the team that serves it.
regions_changed = Signal()


@dataclass(frozen=True)
class SignedIn:
    token: str
    role: Role
    must_change_password: bool


@dataclass(frozen=True)
class TurnedAway:
    """`status` 401 or 429; `wait` in seconds; the sentence says nothing about whether the account exists."""

    status: int
    sentence: str
    wait: int = 0


def wait_words(seconds: int) -> str:
    """8 秒; from two minutes on 3 分钟."""
    return _("%(wait)s 秒", wait=seconds) if seconds < 120 else _("%(wait)s 分钟", wait=-(-seconds // 60))


def sign_in(
    username: str, password: str, address: str, *, browser: bytes | None = None, kept: bool = True
) -> SignedIn | TurnedAway:
    """Check a password in three short steps, so that no lock is held while argon2 works.

    Unknown name, wrong password and disabled account take the same path: one look-up, one count, one verification,
    one line in the trail, the same sentence.
    """
    username = tidy_username(username)
    with reading() as session:
        found = session.execute(
            sa.select(
                User.id, User.password_hash, User.active, User.password_is_one_time, User.password_set_at
            ).where(User.username == username)
        ).first()
        limits = throttle.limits_for(session, username, found.id if found else None, address, browser)
    subject = f"user:{found.id}" if found else ""
    # Nothing of this request may hold the write lock while the try is counted and the hash computed.
    db.session.rollback()
    with own_transaction() as session:
        verdict = throttle.reserve(session, limits, now())
    if verdict.wait:
        if verdict.worth_noting:
            audit.record("sign_in_throttled", subject, survives=True, wait=verdict.wait)
        sentence = _(
            "试得太频繁了，请过 %(wait)s再试。密码没有被锁，稍等就好。", wait=wait_words(verdict.wait)
        )
        return TurnedAway(429, sentence, verdict.wait)
    right = passwords.matches(found.password_hash if found else None, password)
    user = None
    if right and found and found.active and not _expired(found):
        renewed = passwords.hash_password(password) if passwords.outdated(found.password_hash) else None
        # Disabled or given another password in the meantime: what was verified no longer counts.
        unchanged = (User.id == found.id, User.active, User.password_hash == found.password_hash)
        user = db.session.scalars(sa.select(User).where(*unchanged).with_for_update()).first()
    if user is None:
        audit.record("sign_in_failed", subject, survives=True)
        return TurnedAway(401, _("账号或密码不对。请检查大小写后再试；连续输错要多等一会儿。"))
    throttle.forgive(db.session(), limits)
    if renewed:
        user.password_hash = renewed
    if browser:  # whoever was signed in on this browser is so no longer
        db.session.execute(
            sa.update(Session)
            .where(Session.token_hash == browser, Session.ended_at.is_(None))
            .values(ended_at=now())
        )
    token = sessions.open_session(user, now(), kept=kept)
    db.session.flush()
    audit.record("signed_in", f"user:{user.id}", actor=user)
    return SignedIn(token, user.role, user.password_is_one_time)


def _expired(account: Any) -> bool:
    """A one-time password that nobody used in time."""
    limit = timedelta(hours=current_app.config["ONE_TIME_PASSWORD_HOURS"])
    return bool(account.password_is_one_time) and now() - account.password_set_at > limit


def sign_out(person: Person) -> None:
    sessions.end_sessions(person.id, only=person.session_id)
    audit.record("signed_out", f"user:{person.id}")


# --- one's own account ------------------------------------------------------------------------------


def change_password(person: Person, current: str | None, new: str) -> tuple[str, bool]:
    """Every session ends, a new one begins: (its token, whether its cookie is kept).

    `current` is None only for a one-time password, which has just been typed to sign in. Raises WrongPassword,
    TooMany, WeakPassword.
    """
    user = queries.lock_user(person.id)
    if current is not None:
        limits = throttle.password_limits(user.username)
        wait = throttle.pending(db.session(), limits, now())
        if wait:
            raise TooMany(_("试得太频繁了，请过 %(wait)s再试。", wait=wait_words(wait)), retry_after=wait)
        if not passwords.matches(user.password_hash, current):
            moment = now()
            keep_if_refused(lambda session: throttle.count(session, limits, moment))
            audit.record("password_change_failed", f"user:{user.id}", survives=True)
            raise WrongPassword
        throttle.forgive(db.session(), limits)
    passwords.require_strong(new, user.username, user.name, user.phone)
    if passwords.matches(user.password_hash, new):
        raise passwords.WeakPassword(_("新密码要和现在的不一样。"))
    user.password_hash = passwords.hash_password(new)
    user.password_is_one_time = False
    user.password_set_at = now()
    kept = sessions.is_kept(person.session_id)
    sessions.end_sessions(user.id)
    token = sessions.open_session(user, now(), kept=kept)
    db.session.flush()
    audit.record("password_changed", f"user:{user.id}")
    return token, kept


def set_display(person: Person, theme: str, text_size: str, language: str) -> None:
    db.session.execute(
        sa.update(User)
        .where(User.id == person.id)
        .values(theme=theme, text_size=text_size, language=language)
    )
    audit.record("display_changed", f"user:{person.id}")


def revoke_session(person: Person, session_id: int) -> None:
    """End one of the person's own other sessions; NotFound for anybody else's and for ended ones."""
    if session_id == person.session_id or not sessions.end_sessions(person.id, only=session_id):
        raise NotFound
    audit.record("session_revoked", f"user:{person.id}", session=session_id)


def revoke_other_sessions(person: Person) -> int:
    ended = sessions.end_sessions(person.id, but=person.session_id)
    audit.record("sessions_revoked", f"user:{person.id}", count=ended)
    return ended


# --- what admins do ---------------------------------------------------------------------------------


def create_user(
    username: str, *, name: str, phone: str, role: Role, team_id: int | None, led: frozenset[int]
) -> tuple[User, str]:
    """The new account and its one-time password, which nothing but the answer shows. Raises Taken."""
    secret = passwords.make_one_time_password()
    user = User(
        username=username,
        name=name,
        phone=phone,
        role=role,
        team_id=team_id,
        password_hash=passwords.hash_password(secret),
        password_is_one_time=True,
        password_set_at=now(),
    )
    db.session.add(user)
    try:
        db.session.flush()
    except IntegrityError as error:
        db.session.rollback()
        raise Taken("username", _("账号 %(name)s 已经有人用了，请换一个。", name=username)) from error
    _lead_exactly(user.id, led)
    audit.record("user_created", f"user:{user.id}", role=role.name, team=team_id, leads=sorted(led))
    return user, secret


def edit_user(
    user: User,
    admins: list[int],
    version: int,
    *,
    name: str,
    phone: str,
    role: Role,
    team_id: int | None,
    led: frozenset[int],
) -> None:
    """Change a locked account; `admins` are the ids of all who can act. Another role or team ends its sessions.

    Raises Stale, LastAdmin.
    """
    if user.version != version:
        raise Stale
    if user.role is Role.ADMIN and role is not Role.ADMIN and user.active:
        require_an_admin(admins, user.id)
    old_role, old_team, old_led = user.role, user.team_id, queries.led_teams(user.id)
    fields = [key for key, value in (("name", name), ("phone", phone)) if getattr(user, key) != value]
    user.name, user.phone, user.role, user.team_id = name, phone, role, team_id
    user.version += 1
    if fields:
        audit.record("user_changed", f"user:{user.id}", fields=fields)
    if old_role is not role:
        audit.record("role_changed", f"user:{user.id}", before=old_role.name, after=role.name)
    if old_team != team_id:
        audit.record("user_moved", f"user:{user.id}", before=old_team, after=team_id)
    if old_led != led:
        audit.record("led_teams_changed", f"user:{user.id}", before=sorted(old_led), after=sorted(led))
        _lead_exactly(user.id, led)
    if old_role is not role or old_team != team_id:
        sessions.end_sessions(user.id)
    db.session.flush()


def _lead_exactly(user_id: int, led: frozenset[int]) -> None:
    present = queries.led_teams(user_id)
    gone, new = present - led, led - present
    if gone:
        db.session.execute(
            sa.delete(team_lead).where(team_lead.c.user_id == user_id, team_lead.c.team_id.in_(gone))
        )
    if new:
        db.session.execute(
            sa.insert(team_lead), [{"user_id": user_id, "team_id": team} for team in sorted(new)]
        )


def set_active(admin: Person, user: User, admins: list[int], active: bool) -> None:
    """Disable or enable a locked account; the same state again changes nothing. Raises NotYourself, LastAdmin."""
    if user.active == active:
        return
    if not active:
        if user.role is Role.ADMIN:
            require_an_admin(admins, user.id)
        if user.id == admin.id:
            raise NotYourself
    user.active = active
    user.version += 1
    sessions.end_sessions(user.id)
    db.session.flush()
    audit.record("user_enabled" if active else "user_disabled", f"user:{user.id}")


def reset_password(admin: Person, user: User) -> str:
    """A new one-time password for a locked account; every session ends, waits are forgiven. Raises NotYourself."""
    if user.id == admin.id:
        raise NotYourself
    secret = passwords.make_one_time_password()
    user.password_hash = passwords.hash_password(secret)
    user.password_is_one_time = True
    user.password_set_at = now()
    user.version += 1
    sessions.end_sessions(user.id)
    throttle.forget(db.session(), user.username)
    db.session.flush()
    audit.record("password_reset", f"user:{user.id}")
    return secret


def save_team(
    team: Team | None,
    version: int,
    *,
    name: str,
    office_phone: str,
    regions: frozenset[int],
    leads: frozenset[int],
) -> Team:
    """Make a team (None) or change a locked one. A region belongs to one team. Raises Stale, Taken."""
    if team is not None and team.version != version:
        raise Stale
    _require_free(regions, team)
    made = team is None
    if team is None:
        team = Team(name=name, office_phone=office_phone)
        db.session.add(team)
        before_regions = before_leads = frozenset[int]()
    else:
        before_regions = frozenset(_ids(team_region.c.region_id, team_region.c.team_id == team.id))
        before_leads = frozenset(_ids(team_lead.c.user_id, team_lead.c.team_id == team.id))
        team.name, team.office_phone = name, office_phone
        team.version += 1
    try:
        db.session.flush()
        _set_members(team_region, "region_id", team.id, before_regions, regions)
        _set_members(team_lead, "user_id", team.id, before_leads, leads)
    except IntegrityError as error:
        db.session.rollback()
        # The unique constraints have the last word: which one spoke is told by what is there now.
        field = "name" if _ids(Team.id, Team.name == name) else "regions"
        raise Taken(
            field,
            _("已经有叫这个名字的服务团。")
            if field == "name"
            else _("有旗县区刚被别的服务团选走，请重新选。"),
        ) from error
    regions_changed.send(team.id, regions=regions, dropped=before_regions - regions)
    audit.record(
        "team_created" if made else "team_changed",
        f"team:{team.id}",
        **_change("regions", before_regions, regions),
        **_change("leads", before_leads, leads),
    )
    return team


def _ids(column: Any, *conditions: Any) -> list[int]:
    return list(db.session.scalars(sa.select(column).where(*conditions)))


def _change(word: str, before: frozenset[int], after: frozenset[int]) -> dict[str, Any]:
    return {} if before == after else {f"{word}_before": sorted(before), f"{word}_after": sorted(after)}


def _require_free(regions: frozenset[int], team: Team | None) -> None:
    taken = [
        r
        for r in queries.list_regions()
        if r.id in regions and r.team_id not in (None, team.id if team else None)
    ]
    if taken:
        words = _("、").join(f"{r.name}（{r.team}）" for r in taken)
        raise Taken("regions", _("已归别的服务团：%(regions)s。请先从那个服务团里取消。", regions=words))


def _set_members(
    table: sa.Table, column: str, team_id: int, before: frozenset[int], after: frozenset[int]
) -> None:
    gone, new = before - after, after - before
    if gone:
        db.session.execute(sa.delete(table).where(table.c.team_id == team_id, table.c[column].in_(gone)))
    if new:
        db.session.execute(sa.insert(table), [{"team_id": team_id, column: member} for member in sorted(new)])


def add_region(code: str, name: str) -> Region:
    """Raises Taken."""
    region = Region(code=code, name=name)
    db.session.add(region)
    try:
        db.session.flush()
    except IntegrityError as error:
        db.session.rollback()
        field = "region_code" if _ids(Region.id, Region.code == code) else "region_name"
        raise Taken(field, _("已经有这个旗县区了。")) from error
    audit.record("region_added", f"region:{region.id}", code=code)
    return region
