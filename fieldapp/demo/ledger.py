"""(ground) stand-in until the importer is wired."""
from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import sqlalchemy as sa
from python_calamine import CalamineWorkbook

from fieldapp import clock
from fieldapp.accounts.models import Region, team_region
from fieldapp.codes.actions import issue
from fieldapp.db import db
from fieldapp.enterprises.actions import index
from fieldapp.enterprises.industries import division
from fieldapp.enterprises.models import Contact, Enterprise, EnterpriseYear


def load_ledger(path: Path) -> int:
    rows = CalamineWorkbook.from_path(str(path)).get_sheet_by_index(0).to_python()
    regions = {r.name: r.id for r in db.session.scalars(sa.select(Region))}
    teams = dict(db.session.execute(sa.select(team_region.c.region_id, team_region.c.team_id)).all())
    made = []
    contacts = []
    seen = set()
    for row in rows[3:]:
        uscc = str(row[2]).strip().upper()
        if len(uscc) != 18 or row[3] not in regions or uscc in seen:
            continue
        seen.add(uscc)
        region = regions[row[3]]
        e = Enterprise(name=str(row[1]).strip(), uscc=uscc, region_id=region, team_id=teams.get(region), industry=str(row[4]), division=division(str(row[4])), visit_due_on=clock.today(), former_names=[], short_name="")
        db.session.add(e); made.append((e, row))
    db.session.flush()
    for e, row in made:
        db.session.add(Contact(enterprise_id=e.id, name=str(row[8]), title=str(row[9]), phone=str(row[10])[:11]))
        contacts.append((e.id, str(row[8])))
        try:
            db.session.add(EnterpriseYear(enterprise_id=e.id, year=2025, revenue=Decimal(str(row[11])), rd_spend=Decimal(str(row[12]))))
        except Exception:
            pass
    db.session.flush()
    index([e for e, _ in made], contacts)
    issue(None, [e.id for e, _ in made])
    return len(made)
