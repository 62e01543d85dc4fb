"""A database with any number of enterprises, made fast: rows in bulk, search tokens by the application's own function.

Seeded: the same size gives the same rows. Three planted words make searches comparable at every size: RARE names three
enterprises, TWO (two characters) one in a hundred, COMMON one in three.
"""

from __future__ import annotations

import itertools
import random
import re
import secrets
import sqlite3
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from flask_migrate import upgrade

from fieldapp import create_app
from fieldapp.accounts.models import Region, Role, Team, User, team_lead, team_region
from fieldapp.accounts.passwords import hash_password
from fieldapp.codes.models import QrCode
from fieldapp.db import db, writing
from fieldapp.enterprises.models import Assignment, Contact, Enterprise, EnterpriseYear, SearchToken
from fieldapp.enterprises.search import tokens_of

SEED = 20261123
TEAMS = 10
OWN = 45  # enterprises an officer serves, at every size
PASSWORD = "growth-bench-only-2026"
RARE, TWO, COMMON = "鹮鹭鸶", "北疆", "科技"
ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
BRANDS = (
    "华中天海金宏盛泰恒瑞嘉德信达远东方正新奥康伟业兴隆昌茂源丰润泽鼎立"
    "诚明辉煌鑫森磊晶亿万千里博雅卓越创启航云帆星辰日月光"
)
TRADES = ("新材料", "新能源", "机械", "食品", "化工", "电子", "生物", "装备", "稀土", "铝业", "包装", "建材")
PLACES = ("包头", "内蒙古", "青山", "昆仑", "东河", "九原", "土右", "固阳")
PEOPLE = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗"
GIVEN = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英"


def rows(size: int) -> Iterator[dict[str, Any]]:
    """Enterprises 1…size with their contact's name under `contact`."""
    rng = random.Random(SEED)
    today = date.today()
    rare = {size // 4, size // 2, size - 7}
    for number in range(1, size + 1):
        brand = rng.choice(BRANDS) + rng.choice(BRANDS) + (rng.choice(BRANDS) if rng.random() < 0.5 else "")
        if number in rare:
            brand = RARE
        elif rng.random() < 0.01:
            brand = TWO + brand[:1]
        trade = rng.choice(TRADES) + (COMMON if rng.random() < 1 / 3 else "")
        team = number % TEAMS + 1
        officer = 1 + TEAMS + 1 + (number // TEAMS // OWN) * TEAMS + number % TEAMS
        visited = today - timedelta(days=rng.randrange(200)) if rng.random() < 0.7 else None
        yield {
            "id": number,
            "name": f"{rng.choice(PLACES)}{brand}{trade}有限公司",
            "uscc": _uscc(number),
            "region_id": team,
            "team_id": team,
            "officer_id": None if number % 29 == 0 else officer,
            "industry": "C3511",
            "division": "35",
            "former_names": [],
            "last_visited_on": visited,
            "visit_due_on": (visited or today - timedelta(days=rng.randrange(60))) + timedelta(days=90),
            "contact": rng.choice(PEOPLE) + rng.choice(GIVEN) + rng.choice(GIVEN),
        }


def _uscc(number: int) -> str:
    digits = ""
    for _ in range(9):
        number, rest = divmod(number * 7 + 5 if not digits else number, len(ALPHABET))
        digits = ALPHABET[rest] + digits
    return f"91150200{digits}X"


def build(url: str, size: int, instance: str) -> None:
    """Migrate the empty database at `url` and fill it. Officers are `officer…`, leads `lead1`…, `leadall`."""
    app = create_app({"DATABASE_URL": url, "INSTANCE": instance})
    with app.app_context():
        upgrade()
        with writing():
            _people(size)
            _bulk(size)
            db.session.commit()
        db.session.remove()
        _tokens(size)
        if db.engine.dialect.name == "postgresql":
            with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                connection.execute(sa.text("VACUUM ANALYZE"))  # autovacuum does it by itself, later
        db.engine.dispose()


def _people(size: int) -> None:
    secret = hash_password(PASSWORD)
    now = datetime.now(UTC)
    numbers = range(1, TEAMS + 1)
    run = db.session.execute
    run(sa.insert(Region), [{"id": n, "code": f"15{n:04}", "name": f"示例{n}区"} for n in numbers])
    run(sa.insert(Team), [{"id": n, "name": f"示例{n}队", "office_phone": ""} for n in numbers])
    run(sa.insert(team_region), [{"team_id": n, "region_id": n} for n in numbers])

    def person(number: int, username: str, role: Role, team: int | None) -> dict[str, Any]:
        return {
            "id": number,
            "username": username,
            "name": username,
            "role": role,
            "team_id": team,
            "password_hash": secret,
            "password_is_one_time": False,
            "created_at": now,
            "updated_at": now,
        }

    run(sa.insert(User), [person(n, f"lead{n}", Role.LEAD, None) for n in numbers])
    run(sa.insert(User), [person(TEAMS + 1, "leadall", Role.LEAD, None)])
    officers = range(TEAMS + 2, TEAMS + 2 + (size // TEAMS // OWN + 1) * TEAMS)
    teams = itertools.cycle([*range(1, TEAMS + 1)])
    run(
        sa.insert(User),
        [person(n, f"officer{n}", Role.OFFICER, team) for n, team in zip(officers, teams, strict=False)],
    )
    run(sa.insert(team_lead), [{"team_id": n, "user_id": n} for n in numbers])
    run(sa.insert(team_lead), [{"team_id": n, "user_id": TEAMS + 1} for n in numbers])


def _bulk(size: int) -> None:
    today, now = date.today(), datetime.now(UTC)
    source = rows(size)
    number = 0
    codes = random.Random(SEED).sample(range(1_000_000), size)
    while batch := list(itertools.islice(source, 5000)):
        db.session.execute(
            sa.insert(Enterprise), [{k: v for k, v in r.items() if k != "contact"} for r in batch]
        )
        db.session.execute(
            sa.insert(Contact),
            [{"enterprise_id": r["id"], "name": r["contact"], "phone": "1"} for r in batch],
        )
        served = [r for r in batch if r["officer_id"]]
        db.session.execute(
            sa.insert(Assignment),
            [{"enterprise_id": r["id"], "officer_id": r["officer_id"], "started_on": today} for r in served],
        )
        db.session.execute(
            sa.insert(EnterpriseYear),
            [{"enterprise_id": r["id"], "year": 2025, "revenue": Decimal("1280.00")} for r in batch],
        )
        db.session.execute(
            sa.insert(QrCode),
            [
                {
                    "enterprise_id": r["id"],
                    "token": secrets.token_urlsafe(18),
                    "short_code": f"{codes[r['id'] - 1]:06}",
                    "issued_at": now,
                }
                for r in batch
            ],
        )
        number += len(batch)
        if number % 50_000 == 0:
            print(f"    {number:,} enterprises", flush=True)


def _token_rows(size: int) -> Iterator[tuple[str, int]]:
    for row in rows(size):
        for token in tokens_of(row["name"], "", [], row["uscc"], [row["contact"]]):
            yield token, row["id"]
        if row["id"] % 100_000 == 0:
            print(f"    tokens of {row['id']:,}", flush=True)


def _tokens(size: int) -> None:
    """Some sixty tokens each: sorted first, indexes afterwards, past the ORM."""
    table = SearchToken.__tablename__
    url = db.engine.url
    if db.engine.dialect.name == "sqlite":
        connection = sqlite3.connect(url.database or "", isolation_level=None)
        for pragma in ("synchronous = OFF", "cache_size = -400000", "temp_store = FILE"):
            connection.execute(f"PRAGMA {pragma}")
        indexes = connection.execute(
            "SELECT name, sql FROM sqlite_master WHERE tbl_name = ? AND type = 'index' AND sql IS NOT NULL",
            [table],
        ).fetchall()
        connection.execute("BEGIN")
        for name, _ in indexes:
            connection.execute(f'DROP INDEX "{name}"')
        connection.execute("CREATE TEMP TABLE raw (token TEXT, enterprise_id INT)")
        connection.executemany("INSERT INTO raw VALUES (?, ?)", _token_rows(size))
        connection.execute(
            f"INSERT INTO {table} (token, enterprise_id) SELECT token, enterprise_id FROM raw ORDER BY 1, 2"
        )
        for _, ddl in indexes:
            connection.execute(ddl)
        connection.execute("COMMIT")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.close()
        return
    raw = db.engine.raw_connection()
    try:
        cursor = raw.cursor()
        cursor.execute("SELECT indexname, indexdef FROM pg_indexes WHERE tablename = %s", [table])
        indexes = [(name, ddl) for name, ddl in cursor.fetchall() if not re.match("pk_", name)]
        cursor.execute("SET maintenance_work_mem = '512MB'")
        cursor.execute(f"ALTER TABLE {table} DROP CONSTRAINT pk_{table}")
        for name, _ in indexes:
            cursor.execute(f'DROP INDEX "{name}"')
        with cursor.copy(f"COPY {table} (token, enterprise_id) FROM STDIN") as copy:
            for row in _token_rows(size):
                copy.write_row(row)
        cursor.execute(f"ALTER TABLE {table} ADD CONSTRAINT pk_{table} PRIMARY KEY (token, enterprise_id)")
        for _, ddl in indexes:
            cursor.execute(ddl)
        raw.commit()
    finally:
        raw.close()
