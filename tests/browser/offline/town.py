"""The cast's city on servers that can be killed, behind lines that can be cut; and what its database says afterwards."""

from __future__ import annotations

import io
import shutil
import signal
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from flask import Flask
from PIL import Image

from fieldapp.accounts.models import Session, User
from fieldapp.attachments.models import Attachment, AttachmentCopy, CopySize
from fieldapp.clock import now
from fieldapp.db import db, writing
from fieldapp.enterprises.models import Enterprise
from fieldapp.entries.models import Entry
from fieldapp.followups.models import FollowUp
from fieldapp.needs.models import Need
from fieldapp.visits.models import Visit, visit_photo
from tests.browser.offline.line import Line
from tests.conftest import make_app, session_of
from tests.people import ENTERPRISES
from tests.tools import server

SECRET = "offline " * 8
STAMP = 48  # pixels of a photo's number, drawn as a colour


# --- photos that can be told apart after the server has developed them ------------------------------


def colour_of(number: int) -> tuple[int, int, int]:
    """Far enough from its neighbours to survive JPEG; 512 of them."""
    return (16 + 32 * (number % 8), 16 + 32 * (number // 8 % 8), 16 + 32 * (number // 64 % 8))


def number_of(picture: Image.Image) -> int:
    red, green, blue = picture.convert("RGB").getpixel((STAMP // 2, STAMP // 2))
    return red // 32 + green // 32 * 8 + blue // 32 * 64


def photo(number: int, *, width: int = 320, height: int = 240, noise: bool = False) -> bytes:
    """A JPEG that says which it is; `noise` makes it as heavy as a photo of a workshop."""
    image = (
        Image.effect_noise((width, height), 90).convert("RGB") if noise else Image.new("RGB", (width, height))
    )
    image.paste(colour_of(number), (0, 0, STAMP, STAMP))
    out = io.BytesIO()
    image.save(out, "JPEG", quality=88)
    return out.getvalue()


# --- what was said, as the test knows it ------------------------------------------------------------


@dataclass
class Said:
    """A visit that an officer typed: everything by which the record is known again."""

    words: str
    enterprise: str = "huaxing"
    needs: Sequence[str] = ()
    promises: Sequence[str] = ()
    photos: Sequence[int] = ()
    visit: uuid.UUID | None = None  # known when the test made the ids
    key: uuid.UUID | None = None


@dataclass
class Town:
    app: Flask
    folder: Path
    line: Line
    url: str  # of the database
    settings: dict[str, str] = field(default_factory=dict)
    root: Path = server.ROOT
    here: server.Server | None = None
    deaths: int = 0

    # --- the server -----------------------------------------------------------------------------

    def start(self) -> None:
        self.here = server.start(
            self.url,
            instance=self.folder,
            settings={"FIELDAPP_SECRET_KEY": SECRET, **self.settings},
            port=self.here.port if self.here else None,
            root=self.root,
        )
        self.line.upstream = self.here.port

    def kill(self) -> None:
        """SIGKILL: whatever it was doing, it does no more."""
        assert self.here is not None
        self.here.process.send_signal(signal.SIGKILL)
        self.here.process.wait()
        self.deaths += 1

    def stop(self) -> None:
        if self.here is not None:
            self.here.stop()

    # --- people ---------------------------------------------------------------------------------

    @contextmanager
    def inside(self, *, writes: bool = False) -> Iterator[Any]:
        with self.app.app_context():
            try:
                if writes:
                    with writing():
                        yield db.session
                        db.session.commit()
                else:
                    yield db.session
            finally:
                db.session.remove()
                db.engine.dispose()

    def ask(self, query: Any) -> Any:
        with self.inside() as session:
            return session.scalar(query)

    def all(self, query: Any) -> list[Any]:
        with self.inside() as session:
            return list(session.execute(query).all())

    def person(self, username: str) -> int:
        return int(self.ask(sa.select(User.id).where(User.username == username)))

    def cookie(self, username: str, **options: Any) -> dict[str, Any]:
        """A session laid in, for tests that are not about signing in."""
        with self.inside():
            name, token = session_of(self.app, username)
        return {
            "name": name,
            "value": token,
            "url": self.line.url,
            "httpOnly": True,
            "sameSite": "Lax",
            **options,
        }

    def expire(self, username: str) -> None:
        """Every session of theirs has run out, as after a month."""
        long_ago = now() - timedelta(days=400)
        with self.inside(writes=True) as session:
            session.execute(
                sa.update(Session)
                .where(
                    Session.user_id == sa.select(User.id).where(User.username == username).scalar_subquery()
                )
                .values(created_at=long_ago, seen_at=long_ago)
            )

    def enterprise(self, key: str = "huaxing") -> int:
        return int(self.ask(sa.select(Enterprise.id).where(Enterprise.uscc == ENTERPRISES[key][1])))

    # --- the record -----------------------------------------------------------------------------

    def counts(self) -> dict[str, int]:
        return {
            model.__tablename__: int(self.ask(sa.select(sa.func.count()).select_from(model)))
            for model in (Visit, Need, FollowUp, Attachment, Entry)
        }

    def stored(self, since: datetime | None = None, officer: str = "zhao") -> list[Said]:
        """Every visit of that officer, oldest first by its id's clock, as it stands in the database."""
        query = sa.select(Visit).where(Visit.officer_id == self.person(officer))
        if since is not None:
            query = query.where(Visit.created_at >= since)
        names = {words[1]: key for key, words in ENTERPRISES.items()}
        found = []
        with self.inside() as session:
            keys = {e.id: names.get(e.uscc, e.name) for e in session.scalars(sa.select(Enterprise))}
            for visit in session.scalars(query.order_by(Visit.created_at, Visit.id)):
                photos = session.execute(
                    sa.select(AttachmentCopy.attachment_id, AttachmentCopy.data)
                    .join(visit_photo, visit_photo.c.attachment_id == AttachmentCopy.attachment_id)
                    .where(visit_photo.c.visit_id == visit.id, AttachmentCopy.size == CopySize.FULL)
                    .order_by(visit_photo.c.position)
                ).all()
                if visit.photos_expected:
                    ids = [str(row.attachment_id) for row in photos]
                    assert ids == visit.photos_expected, (visit.said, ids, visit.photos_expected)
                found.append(
                    Said(
                        words=visit.said,
                        enterprise=keys[visit.enterprise_id],
                        needs=self._titles(session, Need, visit.id),
                        promises=self._titles(session, FollowUp, visit.id),
                        photos=[number_of(Image.open(io.BytesIO(row.data))) for row in photos],
                        visit=visit.id,
                    )
                )
        return found

    @staticmethod
    def _titles(session: Any, model: Any, visit_id: uuid.UUID) -> list[str]:
        return list(
            session.scalars(sa.select(model.title).where(model.visit_id == visit_id).order_by(model.title))
        )

    def must_hold(self, said: Sequence[Said], since: datetime | None = None, officer: str = "zhao") -> None:
        """Stored = sent, to the row: nothing lost, nothing doubled, no word changed, every photo with its visit."""
        stored, receipts = self.stored(since, officer), self.entries(said)
        want = {one.words: one for one in said}
        have = {one.words: one for one in stored}
        assert len(want) == len(said), "two entries of the test have the same words"
        lost, foreign = sorted(set(want) - set(have)), sorted(set(have) - set(want))
        assert not lost and not foreign, f"lost: {lost}; nobody said: {foreign}"
        assert len(stored) == len(said), f"doubled: {len(stored)} rows for {len(said)} entries"
        for words, one in want.items():
            row = have[words]
            assert row.enterprise == one.enterprise, words
            assert one.visit is None or row.visit == one.visit, (words, row.visit, one.visit)
            assert one.key is None or one.key in receipts, (words, one.key)
            assert list(row.needs) == sorted(one.needs), (words, row.needs, one.needs)
            assert list(row.promises) == sorted(one.promises), (words, row.promises, one.promises)
            assert list(row.photos) == list(one.photos), (words, row.photos, one.photos)

    def entries(self, said: Sequence[Said]) -> dict[uuid.UUID, int]:
        """The receipts of these, by key: the status of each first answer."""
        keys = [one.key for one in said if one.key]
        return dict(self.all(sa.select(Entry.key, Entry.status).where(Entry.key.in_(keys))))

    def unanswered(self) -> int:
        """Entries whose first answer was never written down: there must be none, they share its transaction."""
        return int(self.ask(sa.select(sa.func.count()).select_from(Entry).where(Entry.status == 0)))


@contextmanager
def opened(
    database: Any,
    folder: Path,
    *,
    settings: dict[str, str] | None = None,
    profile: tuple[float, float] = (0, 0),
) -> Iterator[Town]:
    """A town on its own copy of the prepared database, served."""
    database.renew()
    folder.mkdir(parents=True, exist_ok=True)
    app = make_app(database.url, folder, SECRET_KEY=SECRET)
    with Line(1, profile=profile) as line:
        town = Town(app, folder, line, database.url, settings or {})
        town.start()
        try:
            yield town
        finally:
            town.stop()


def later_version(folder: Path) -> Path:
    """The same program with one static file changed, as the next deployment has it: another static version."""
    ignored = shutil.ignore_patterns("__pycache__", "*.pyc")
    shutil.copytree(server.ROOT / "fieldapp", folder / "fieldapp", ignore=ignored)
    shutil.copytree(server.ROOT / "migrations", folder / "migrations", ignore=ignored)
    shutil.copy(server.ROOT / "wsgi.py", folder)
    with (folder / "fieldapp/static/css/app.css").open("a") as file:
        file.write("\n/* the next version */\n")
    return folder


__all__ = ["Line", "Said", "Town", "later_version", "opened", "photo"]
