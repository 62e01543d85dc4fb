"""A phone with an outbox, as the server meets it: entries sent with the headers of the protocol."""

from __future__ import annotations

import io
import uuid
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from uuid6 import uuid7
from werkzeug.test import TestResponse

from fieldapp.db import db
from fieldapp.entries.models import LateFile
from tests import people
from tests.conftest import Client
from tests.photos import jpeg


class Phone:
    """One browser with an outbox; `name` is the phone's own id."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.name = str(uuid.uuid4())

    def session(self, **report: int) -> dict[str, Any]:
        answer = self.client.get("/outbox/session", headers=self.report(**report))
        assert answer.status_code == 200, answer.text
        return answer.json

    def report(self, **report: int) -> dict[str, str]:
        """Headers that say what waits: waiting=3, stuck=1, oldest=90 (seconds)."""
        if not report:
            return {}
        return {"Outbox-Phone": self.name} | {f"Outbox-{k.title()}": str(v) for k, v in report.items()}

    def send(
        self,
        path: str,
        fields: dict[str, Any],
        key: uuid.UUID | None = None,
        *,
        after: Sequence[uuid.UUID] = (),
        revises: Sequence[uuid.UUID] = (),
        **headers: str,
    ) -> TestResponse:
        session = self.session()
        sent = {
            "Idempotency-Key": str(key or uuid7()),
            "Outbox-User": str(session["user"]),
            "X-CSRFToken": session["csrf"],
            "HX-Request": "true",
            "HX-Request-Type": "full",
        }
        if after:
            sent["Outbox-After"] = ",".join(map(str, after))
        if revises:
            sent["Outbox-Revises"] = ",".join(map(str, revises))
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.post(path, data=fields, headers=sent)


def said(answer: TestResponse) -> tuple[int, str | None, bool]:
    """(status, Outbox-Error, whether it is the first answer given again)."""
    return answer.status_code, answer.headers.get("Outbox-Error"), "Outbox-Replayed" in answer.headers


def kept_late(client: Client) -> tuple[int, int]:
    """A body of this client's that came too late, with a photo: (its id, its file's id)."""
    phone, key = Phone(client), uuid7()
    path = f"/visits/{people.VISIT}/photos"
    for photo_id in (uuid7(), uuid7()):
        fields = {"photo_id": str(photo_id), "photos": (io.BytesIO(jpeg(40, 30)), "门口.jpg")}
        phone.send(path, fields, key)
    found = db.session.execute(
        sa.select(LateFile.late_entry_id, LateFile.id).order_by(LateFile.id.desc()).limit(1)
    ).one()
    db.session.rollback()
    return found.late_entry_id, found.id
