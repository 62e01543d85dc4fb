"""The house keeps its shape: imports point one way, migrations say what models say, nothing is left lying about."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from flask_migrate import downgrade, upgrade

from fieldapp import SLICES
from fieldapp.db import db
from fieldapp.needs.models import Need
from tests.conftest import ROOT, make_app
from tests.tools import postgres

CODE = sorted((ROOT / "fieldapp").rglob("*.py"))
TEMPLATES = sorted((ROOT / "fieldapp" / "templates").rglob("*.html"))


def test_slices_import_only_what_stands_before_them():
    run = subprocess.run(
        [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stdout[-3000:]


def test_every_slice_is_a_folder_with_a_blueprint_of_its_name(app):
    for name in SLICES:
        assert (ROOT / "fieldapp" / name / "__init__.py").exists()
        assert name in app.blueprints


def test_nothing_is_called_utils_and_no_file_is_an_attic():
    for path in CODE:
        assert path.stem not in {"utils", "helpers", "managers", "common", "misc", "services"}, path
        assert len(path.read_text().splitlines()) <= 640, f"{path} is long: is it still one room?"


def test_templates_hold_no_inline_code_and_no_unmarked_chinese():
    """Chinese in a template stands inside _("…"): otherwise the English screen would show it."""
    for path in TEMPLATES:
        if path.name == "labels.html":
            continue  # shows the printed label, which is Chinese whoever prints it
        text = re.sub(r"\{#.*?#\}", "", path.read_text(), flags=re.S)
        bare = re.sub(r"\{\{.*?\}\}|\{%.*?%\}", "", text, flags=re.S)
        assert not re.search(r"\sstyle=|<style|\son[a-z]+=\"|hx-on|<script(?![^>]*src=)", bare), path
        left = [m for m in re.findall(r"[\u4e00-\u9fff]+", bare) if m != "中文"]  # the language's own name
        assert not left, f"{path}: {left}"


# Chinese that is not said to anybody: what ledgers write, what the standard calls its divisions, the demo city.
DATA = {
    "industries.py", "formats.py", "labels.py", "images.py", "lettering.py",
    "columns.py", "sheets.py", "texts.py", "credit_codes.py", "regions.py", "numbers.py", "phones.py", "places.py",
    "workbooks.py", "commands.py", "readings.py", "burden.py", "disclosure.py",
}  # fmt: skip
# Stored or sent with a file, the same in every language: a unit, a source, file names, the language's own name.
WRITTEN = {"万元", r"(-?[\d,.]+) 万元", "导入：", "企业名单模板.xlsx", "-不能入库.xlsx", "中文"}
MARKS = {"_", "lazy", "N_", "looked_up"}


def _unmarked(tree: ast.AST) -> list[tuple[int, str]]:
    """Chinese string constants that stand in no call of MARKS and are no docstring: (line, text)."""
    found: list[tuple[int, str]] = []

    def walk(node: ast.AST, marked: bool) -> None:
        if isinstance(node, ast.Call):
            name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            marked = marked or name in MARKS
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            return  # a docstring
        said = node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""
        if not marked and re.search(r"[\u4e00-\u9fff]{2,}", said):
            found.append((node.lineno, said))
        for child in ast.iter_child_nodes(node):
            walk(child, marked)

    walk(tree, False)
    return found


def test_every_chinese_sentence_in_code_is_in_the_catalogue():
    left = [
        f"{path.relative_to(ROOT)}:{line} {text}"
        for path in CODE
        if path.name not in DATA and path.parent.name != "demo" and path.parts[-2:] != ("imports", "rules.py")
        for line, text in _unmarked(ast.parse(path.read_text()))
        if text.strip() not in WRITTEN
    ]
    assert not left, "\n".join(left)


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request, tmp_path):
    """An empty database of each kind."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.sqlite3'}"
        return
    cluster = postgres.start()
    with cluster.admin() as connection:
        connection.autocommit = True
        connection.execute("CREATE DATABASE empty OWNER fieldapp")
    yield cluster.url("empty")
    cluster.stop()


MIGRATIONS = str(ROOT / "migrations")


def test_migrations_say_what_models_say(empty_url, tmp_path):
    app = make_app(empty_url, tmp_path)
    with app.app_context():
        upgrade(directory=MIGRATIONS)
        with db.engine.connect() as connection:
            context = MigrationContext.configure(
                connection, opts={"compare_type": True, "target_metadata": db.metadata}
            )
            differences = compare_metadata(context, db.metadata)
        db.session.remove()
        db.engine.dispose()
    assert not differences, differences


# What stood in the tables before they grew: 0001's own columns, an officer's visit, its need and two promises.
ROWS_OF_OLD = (
    "INSERT INTO region (id, code, name) VALUES (7, '150203', '昆都仑区')",
    "INSERT INTO team (id, name, office_phone, version) VALUES (7, '一队', '', 1)",
    """INSERT INTO "user" (id, username, name, phone, role, team_id, active, password_hash, password_is_one_time,
       password_set_at, language, theme, text_size, version, created_at, updated_at) VALUES (7, 'zhao', '赵青', '',
       'OFFICER', 7, '1', 'x', '0', '2026-01-05 08:00:00+00', 'zh', 'auto', 'normal', 1, '2026-01-05 08:00:00+00',
       '2026-01-05 08:00:00+00')""",
    """INSERT INTO enterprise (id, name, short_name, former_names, uscc, region_id, team_id, officer_id, address,
       given_crs, industry, division, quiet_times, checkin_radius, status, visit_due_on, version, created_at,
       updated_at) VALUES (7, '华星', '', '[]', 'X', 7, 7, 7, '', '', '', '', '', 500, 'ACTIVE', '2026-05-01', 1,
       '2026-01-05 08:00:00+00', '2026-01-05 08:00:00+00')""",
    """INSERT INTO assignment (enterprise_id, officer_id, is_main, started_on, reason)
       VALUES (7, 7, '1', '2026-01-06', '分工')""",
    """INSERT INTO visit (id, enterprise_id, officer_id, status, arrived_at, way, purposes, met_nobody, said,
       late_entry, version, created_at, updated_at) VALUES ('01900000000070008000000000000001', 7, 7, 'RECORDED',
       '2026-02-02 02:00:00+00', 'ON_SITE', '["NEEDS"]', '1', '聊了扩产', '0', 1, '2026-02-02 03:00:00+00',
       '2026-02-02 03:00:00+00')""",
    """INSERT INTO need (id, enterprise_id, visit_id, source, title, description, kind, status, author_id, version,
       created_at, updated_at) VALUES ('01900000000070008000000000000002', 7, '01900000000070008000000000000001',
       'VISIT', '涂覆', '', 'RESEARCH', 'SUBMITTED', 7, 1, '2026-02-02 03:00:00+00', '2026-02-02 03:00:00+00')""",
    """INSERT INTO follow_up (id, enterprise_id, visit_id, title, due_on, assignee_id, author_id, status, result,
       version, created_at, updated_at) VALUES ('01900000000070008000000000000003', 7,
       '01900000000070008000000000000001', '送案例', '2026-02-09', 7, 7, 'OPEN', '', 1, '2026-02-02 03:00:00+00',
       '2026-02-02 03:00:00+00')""",
    """INSERT INTO follow_up (id, enterprise_id, title, due_on, assignee_id, author_id, status, result, closed_at,
       version, created_at, updated_at) VALUES ('01900000000070008000000000000004', 7, '回电话', '2026-02-09', 7, 7,
       'DONE', '已答复', '2026-02-08 03:00:00+00', 2, '2026-02-02 03:00:00+00', '2026-02-08 03:00:00+00')""",
)
# A person as the newest tables have them, and two notices that are alike.
ROWS_BEFORE_KEYS = (
    """INSERT INTO "user" (id, username, name, phone, role, active, password_hash, password_is_one_time,
       password_set_at, language, theme, text_size, version, created_at, updated_at, phone_seed) VALUES (7, 'zhao',
       '赵青', '', 'OFFICER', '1', 'x', '0', '2026-01-05 08:00:00+00', 'zh', 'auto', 'normal', 1,
       '2026-01-05 08:00:00+00', '2026-01-05 08:00:00+00', '')""",
    *(
        f"""INSERT INTO notification (id, user_id, kind, details, path, created_at, read_at) VALUES ({number}, 7,
            'handed_over', '{{}}', '/enterprises/7', '2026-01-05 08:00:00+00', NULL)"""
        for number in (1, 2)
    ),
)
# What is asked of the newest tables afterwards, and what they must answer.
KEPT = {
    "name FROM region": "昆都仑区",
    "said FROM visit": "聊了扩产",
    "count(*) FROM visit WHERE recorded_at = created_at AND planned_on IS NULL AND far_reason = ''": 1,
    "count(*) FROM visit_event WHERE step = 'RECORDED' AND by_id = 7": 1,
    "urgency FROM need": "NORMAL",
    "disclosure FROM need": "MATCHING",
    "count(*) FROM follow_up WHERE kind = 'OTHER'": 2,
    "count(*) FROM follow_up_note WHERE step = 'PROMISED'": 2,
    "text FROM follow_up_note WHERE step = 'DONE'": "已答复",
    "count(*) FROM assignment WHERE end_reason = ''": 1,
    "count(*) FROM enterprise WHERE quiet_asked = '' AND quiet_asked_at IS NULL": 1,
    "count(*) FROM visit WHERE answer IS NULL AND answer_text = '' AND answer_version = 0": 1,
}


def test_every_migration_goes_up_from_the_one_before_with_rows_in_it(empty_url, tmp_path):
    """One revision after the other; a row put in at the first is still there at the last, and all the way back."""
    app = make_app(empty_url, tmp_path)
    revisions = sorted(
        path.stem.partition("_")[0] for path in (ROOT / "migrations" / "versions").glob("[0-9]*.py")
    )
    with app.app_context():
        for number, revision in enumerate(revisions):
            upgrade(directory=MIGRATIONS, revision=revision)
            if number == 0:
                with db.engine.begin() as connection:
                    for statement in ROWS_OF_OLD:
                        connection.execute(sa.text(statement))
        with db.engine.connect() as connection:
            kept = {question: connection.execute(sa.text(f"SELECT {question}")).scalar() for question in KEPT}
        assert kept == KEPT
        downgrade(directory=MIGRATIONS, revision="base")
        upgrade(directory=MIGRATIONS)
        db.session.remove()
        db.engine.dispose()


def test_a_need_that_stood_still_at_an_upgrade_is_found_by_its_moments(empty_url, tmp_path):
    """SQLite compares texts: 0049 had written some without a fraction, and such a need could not be moved any more."""
    app = make_app(empty_url, tmp_path)
    with app.app_context():
        upgrade(directory=MIGRATIONS, revision="0001")
        with db.engine.begin() as connection:
            for statement in (*ROWS_OF_OLD, "UPDATE need SET status = 'ON_HOLD'"):
                connection.execute(sa.text(statement))
        upgrade(directory=MIGRATIONS)
        with db.engine.connect() as connection:
            need = connection.execute(sa.select(Need.paused_at, Need.clock_from)).one()
            same = sa.select(sa.func.count()).where(
                Need.paused_at == need.paused_at, Need.clock_from == need.clock_from
            )
            assert connection.execute(same).scalar() == 1
        db.session.remove()
        db.engine.dispose()


def test_who_goes_back_a_version_finds_every_title_and_every_beginning(empty_url, tmp_path):
    """An older program looks for a title in the index alone, and for a visit's beginning in its history."""
    app = make_app(empty_url, tmp_path)
    with app.app_context():
        upgrade(directory=MIGRATIONS, revision="0001")
        with db.engine.begin() as connection:
            for statement in ROWS_OF_OLD:
                connection.execute(sa.text(statement))
        upgrade(directory=MIGRATIONS)
        with db.engine.begin() as connection:  # as if both had just been recorded
            for statement in ("DELETE FROM visit_event", "DELETE FROM need_token"):
                connection.execute(sa.text(statement))
            connection.execute(sa.update(Need).values(title="华星的涂覆", title_waits=Need.created_at))
        downgrade(directory=MIGRATIONS, revision="0062")
        with db.engine.connect() as connection:
            tokens = (
                connection.execute(sa.text("SELECT token FROM need_token ORDER BY token")).scalars().all()
            )
            steps = connection.execute(sa.text("SELECT step, by_id, at FROM visit_event")).all()
            made = connection.execute(sa.text("SELECT created_at FROM visit")).scalar()
        assert tokens == sorted(["的涂覆", "涂覆", "覆"])
        assert [tuple(step) for step in steps] == [("RECORDED", 7, made)]
        upgrade(directory=MIGRATIONS)
        db.session.remove()
        db.engine.dispose()


def test_notices_told_before_they_had_keys_and_ways_out_stay_as_they_were(empty_url, tmp_path):
    app = make_app(empty_url, tmp_path)
    with app.app_context():
        upgrade(directory=MIGRATIONS, revision="0050")
        with db.engine.begin() as connection:
            for statement in ROWS_BEFORE_KEYS:
                connection.execute(sa.text(statement))
        upgrade(directory=MIGRATIONS)
        with db.engine.connect() as connection:
            told = connection.execute(
                sa.text("SELECT kind, path, key, urgent FROM notification ORDER BY id")
            ).all()
            waiting = connection.execute(sa.text("SELECT count(*) FROM delivery")).scalar()
        assert [tuple(row) for row in told] == [("handed_over", "/enterprises/7", None, False)] * 2
        assert waiting == 0  # what was told long ago is not sent out now
        downgrade(directory=MIGRATIONS, revision="0050")
        with db.engine.connect() as connection:
            assert connection.execute(sa.text("SELECT count(*) FROM notification")).scalar() == 2
        db.session.remove()
        db.engine.dispose()


def test_sqlite_is_set_up_to_keep_its_word(tmp_path):
    app = make_app(f"sqlite:///{tmp_path / 'a.sqlite3'}", tmp_path)
    with app.app_context():
        values = {
            p: db.session.execute(sa.text(f"PRAGMA {p}")).scalar()
            for p in ("journal_mode", "synchronous", "foreign_keys")
        }
        db.session.remove()
        db.engine.dispose()
    assert values == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}


def test_production_refuses_to_start_without_its_secrets(tmp_path):
    from fieldapp.settings import SettingsError

    for missing in (
        {},
        {"SECRET_KEY": "x" * 40},
        {"PUBLIC_URL": "https://a.example"},
        {"SECRET_KEY": "short", "PUBLIC_URL": "https://a.example"},
    ):
        with pytest.raises(SettingsError, match=r"FIELDAPP_(SECRET_KEY|PUBLIC_URL)"):
            make_production(missing, tmp_path)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ENV", "Production"),
        ("ENV", "prod"),
        ("PUBLIC_URL", "fieldapp.example.cn"),
        ("DATABASE_URL", "nonsense"),
        ("DATABASE_URL", "mysql://root@127.0.0.1/fieldapp"),
        ("OFFICE_HOURS", "9-17"),
        ("OFFICE_HOURS", "08:30-12:00 11:00-17:30"),
        ("OFFICE_HOURS", "08:30 - 12:00"),
        ("SERVER_THREADS", "0"),
        ("TIME_ZONE", "Baotou"),
    ],
)
def test_a_setting_that_cannot_be_is_named_before_anything_is_served(name, value, tmp_path):
    from fieldapp.settings import SettingsError, read_settings

    with pytest.raises(SettingsError, match=f"FIELDAPP_{name}"):
        read_settings({"FIELDAPP_INSTANCE": str(tmp_path), f"FIELDAPP_{name}": value})


@pytest.mark.parametrize("hours", ["9:00-17:00", "08:00-12:00 12:00-18:00", "8:30-12:00 14:30-17:30"])
def test_office_hours_are_read_as_they_are_used(hours, tmp_path):
    from fieldapp.settings import read_settings

    read = read_settings({"FIELDAPP_INSTANCE": str(tmp_path), "FIELDAPP_OFFICE_HOURS": hours})
    assert read["OFFICE_HOURS"] == hours


def make_production(values, tmp_path):
    from fieldapp import create_app

    return create_app(
        {"ENV": "production", "INSTANCE": str(tmp_path), "SECRET_KEY": "", "PUBLIC_URL": "", **values}
    )


def test_a_meta_line_is_made_of_parts():
    """`.meta` clips the dot before each part, so bare text in it would lose its first letters."""
    for path in TEMPLATES:
        assert not re.search(r'class="meta[^"]*"[^>]*>\s*(\{\{|[^<{\s])', path.read_text()), path
