"""Issuing codes, replacing them, and telling the trail that some were printed."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from fieldapp import audit
from fieldapp.clock import now
from fieldapp.codes.models import QrCode
from fieldapp.db import db
from fieldapp.languages import lazy
from fieldapp.refusals import Conflict

if TYPE_CHECKING:
    from fieldapp.accounts import Person


def issue(by: Person | None, enterprise_ids: Sequence[int]) -> None:
    """A fresh code for each of these enterprises; the short codes are six digits, random, none used twice."""
    short_codes = _free_short_codes(len(enterprise_ids))
    moment = now()
    rows = [
        {
            "enterprise_id": enterprise_id,
            "token": secrets.token_urlsafe(16),
            "short_code": short_code,
            "issued_at": moment,
            "issued_by_id": by.id if by else None,
        }
        for enterprise_id, short_code in zip(enterprise_ids, short_codes, strict=True)
    ]
    if rows:
        db.session.execute(sa.insert(QrCode), rows)
        audit.record("codes_issued", count=len(rows))


def _free_short_codes(count: int) -> list[str]:
    found: list[str] = []
    while len(found) < count:
        wanted = count - len(found)
        drawn = {f"{secrets.randbelow(900_000) + 100_000}" for _ in range(min(wanted * 2 + 4, 900))}
        taken = set(db.session.scalars(sa.select(QrCode.short_code).where(QrCode.short_code.in_(drawn))))
        found += [code for code in drawn - taken if code not in found][:wanted]
    return found


class ReplacedMeanwhile(Conflict):
    message = lazy("这张二维码刚刚已被别人更换。请刷新页面，看一下最新的二维码。")


def replace(by: Person, enterprise_id: int, code_id: int | None, reason: str) -> None:
    """Revoke the code that the page showed (None: there was none) and issue a fresh one.

    Raises ReplacedMeanwhile when another one is in use by now.
    """
    current = sa.and_(QrCode.enterprise_id == enterprise_id, QrCode.revoked_at.is_(None))
    if code_id is None:
        if db.session.scalar(sa.select(QrCode.id).where(current).limit(1)) is not None:
            raise ReplacedMeanwhile
    else:
        # One statement asks and revokes: of two leads at once one finds nothing left to revoke.
        revoked = db.session.execute(
            sa.update(QrCode)
            .where(current, QrCode.id == code_id)
            .values(revoked_at=now(), revoked_by_id=by.id, reason=reason)
        )
        if cast("sa.CursorResult[Any]", revoked).rowcount != 1:
            raise ReplacedMeanwhile
        audit.record("code_revoked", f"enterprise:{enterprise_id}", code=code_id)
    try:
        issue(by, [enterprise_id])
    except IntegrityError as error:  # two first codes at the same moment: the index lets one through
        raise ReplacedMeanwhile from error


def record_print(layout: str, enterprise_ids: Sequence[int]) -> None:
    """Labels left the house."""
    subject = f"enterprise:{enterprise_ids[0]}" if len(enterprise_ids) == 1 else ""
    audit.record("codes_printed", subject, later=True, count=len(enterprise_ids), layout=layout)
