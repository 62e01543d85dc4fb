"""The demo city: 489 enterprises through the real importer, some months of work, the same city twice."""

from __future__ import annotations

import sqlalchemy as sa
from flask_migrate import upgrade

from fieldapp.audit.models import AuditEvent
from fieldapp.db import db
from fieldapp.demo.city import build
from fieldapp.enterprises.models import Assignment, Contact, Enterprise
from fieldapp.followups.models import FollowUp
from fieldapp.imports.models import ImportBatch
from fieldapp.needs.models import Need
from fieldapp.visits.models import Visit
from tests.conftest import ROOT, make_app


def _city(folder):
    app = make_app(f"sqlite:///{folder / 'city.sqlite3'}", folder)
    with app.app_context():
        upgrade(directory=str(ROOT / "migrations"))
        build(lambda _words: None)
        visits = db.session.execute(
            sa.select(Visit.id, Visit.enterprise_id, Visit.officer_id, Visit.arrived_at, Visit.said).order_by(
                Visit.id
            )
        ).all()
        enterprises = db.session.execute(
            sa.select(Enterprise.uscc, Enterprise.name, Enterprise.officer_id, Enterprise.lat).order_by(
                Enterprise.id
            )
        ).all()
        counts = {
            m.__name__: db.session.scalar(sa.select(sa.func.count()).select_from(m))
            for m in (Need, FollowUp, Contact, Assignment, ImportBatch, AuditEvent)
        }
        texts = (
            db.session.scalars(sa.select(Need.title)).all()
            + db.session.scalars(sa.select(FollowUp.title)).all()
        )
        db.session.remove()
        db.engine.dispose()
    return enterprises, visits, counts, texts


def test_two_runs_give_the_same_city_of_489(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    first, second = _city(tmp_path / "a"), _city(tmp_path / "b")
    assert first == second
    enterprises, visits, counts, texts = first
    assert len(enterprises) == 489
    assert len(visits) > 200 and counts["Need"] > 40 and counts["FollowUp"] > 60
    assert counts["ImportBatch"] == 2 and counts["AuditEvent"] > 600
    assert all("示例" in text for text in texts), "everything invented says so"
