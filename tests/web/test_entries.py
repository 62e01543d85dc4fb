"""An entry happens once, whatever the network, the phone or its owner do to it."""

from __future__ import annotations

import io
import threading
import uuid
from datetime import timedelta

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.exc import OperationalError
from uuid6 import uuid7

from fieldapp import clock
from fieldapp.accounts import User
from fieldapp.accounts.models import Session
from fieldapp.audit.models import AuditEvent
from fieldapp.db import db, writing
from fieldapp.entries.models import Entry, LateEntry, LateFile
from fieldapp.entries.rules import kept_fields, read_keys
from fieldapp.followups.models import FollowUp, FollowUpNote, FollowUpStep
from fieldapp.needs.models import Need
from fieldapp.visits.models import Visit
from tests import people
from tests.conftest import make_app
from tests.phones import Phone, said
from tests.photos import jpeg

NOTES = f"/follow-ups/{people.FOLLOW_UP}/notes"
CLOSE = f"/follow-ups/{people.FOLLOW_UP}/close"
DONE = {"status": "DONE", "result": "专家名单已发"}


@pytest.fixture
def phone(zhao):
    return Phone(zhao)


def noted() -> list[str]:
    """What stands in the promise's log."""
    db.session.rollback()
    query = (
        sa.select(FollowUpNote.text).where(FollowUpNote.step == FollowUpStep.NOTED).order_by(FollowUpNote.id)
    )
    found = list(db.session.scalars(query))
    db.session.rollback()
    return found


def all_of(model):
    db.session.rollback()
    found = list(db.session.scalars(sa.select(model)))
    db.session.rollback()
    return found


# ---- the same entry again ------------------------------------------------------------------------------------------


def test_an_entry_sent_again_gets_the_first_answer_and_happens_once(phone):
    key = uuid7()
    first = phone.send(NOTES, {"text": "已联系专家"}, key)
    again = phone.send(NOTES, {"text": "已联系专家"}, key, Outbox_Attempt="2")
    assert said(first) == (204, None, False) and said(again) == (204, None, True)
    assert first.headers["Outbox-Ack"] == again.headers["Outbox-Ack"] == str(key)
    assert first.headers["HX-Redirect"] == again.headers["HX-Redirect"]
    assert noted() == ["已联系专家"]


def test_the_phones_clock_is_kept_beside_the_servers(phone):
    key, yesterday = uuid7(), clock.now() - timedelta(days=1)
    phone.send(NOTES, {"text": "钟不准"}, key, Outbox_At=yesterday.isoformat())
    db.session.rollback()
    entry = db.session.get(Entry, key)
    assert entry.client_at == yesterday and entry.created_at - yesterday >= timedelta(days=1)


@pytest.mark.parametrize("nonsense", ["", "soon", "2026-11-24T08:00", "0001-01-01T00:00:00+08:00", "9" * 300])
def test_a_clock_that_cannot_be_read_stops_nothing(phone, nonsense):
    key = uuid7()
    assert phone.send(NOTES, {"text": "钟坏了"}, key, Outbox_At=nonsense).status_code == 204
    db.session.rollback()
    assert db.session.get(Entry, key).client_at is None


def test_a_refused_entry_is_not_kept_so_the_corrected_one_comes_under_its_key(phone):
    key = uuid7()
    refused = phone.send(NOTES, {"text": ""}, key)
    assert said(refused) == (422, "invalid", False) and refused.headers["Outbox-Ack"] == str(key)
    assert said(phone.send(NOTES, {"text": "写好了"}, key)) == (204, None, False)
    assert noted() == ["写好了"]


def test_every_refusal_names_the_entry_and_itself(phone, city):
    key, nowhere = uuid7(), people.known_uuid(77)
    for path, expected in (
        (f"/follow-ups/{nowhere}/notes", (404, "missing", False)),
        ("/nowhere", (404, "missing", False)),
        ("/lead/assignments", (403, "forbidden", False)),
        ("/follow-ups", (405, "method", False)),
        (NOTES, (413, "too-large", False)),
    ):
        fields = {"text": "x" * (7 << 20 if expected[0] == 413 else 1)}
        answer = phone.send(path, fields, key)
        assert said(answer) == expected and answer.headers["Outbox-Ack"] == str(key), path
    assert all_of(Entry) == []


def test_a_key_that_is_none_is_refused(phone):
    assert said(phone.send(NOTES, {"text": "?"}, "17")) == (400, "key", False)


def test_a_database_that_cannot_be_asked_means_later(app, phone, monkeypatch):
    def locked(**_values):
        raise OperationalError("UPDATE", {}, Exception("database is locked"))

    monkeypatch.setitem(app.view_functions, "followups.note", locked)
    answer = phone.send(NOTES, {"text": "忙"})
    assert said(answer) == (503, "busy", False) and int(answer.headers["Retry-After"]) > 0


def test_a_commit_that_fails_leaves_nothing_and_says_so(app, phone, monkeypatch):
    key = uuid7()

    def full() -> None:
        raise OSError("disk full")

    with monkeypatch.context() as patched:
        patched.setattr("fieldapp.db.db.session.commit", full)
        assert phone.send(NOTES, {"text": "盘满"}, key).status_code == 500
    assert noted() == [] and all_of(Entry) == []
    assert said(phone.send(NOTES, {"text": "盘满"}, key)) == (204, None, False)


# ---- the same key, other content -----------------------------------------------------------------------------------


def test_other_content_under_a_used_key_is_refused_and_kept_for_the_lead(phone):
    key = uuid7()
    phone.send(NOTES, {"text": "第一份"}, key)
    for _ in range(2):
        answer = phone.send(NOTES, {"text": "第二份", "csrf_token": "secret", "password": "secret"}, key)
        assert said(answer) == (422, "key-reuse", False) and answer.headers["Outbox-Ack"] == str(key)
    assert noted() == ["第一份"]
    (late,) = all_of(LateEntry)
    assert (
        late.key == key
        and late.path == NOTES
        and late.fields == [["text", "第二份"]]
        and late.seen_at is None
    )
    told = [event for event in all_of(AuditEvent) if event.action == "entry_came_late"]
    assert len(told) == 2 and told[0].outcome == "refused" and "第二份" not in str(told[0].detail)


def test_the_files_of_a_late_body_are_kept_as_they_came(phone):
    key, content = uuid7(), jpeg(40, 30)
    form = phone.client.form(f"/visits/{people.VISIT}/edit", "visit-form")
    fields = form.filled(said="补了一句")
    assert phone.send(form.action, dict(fields), key).status_code == 204
    answer = phone.send(form.action, dict(fields) | {"photos": (io.BytesIO(content), "门口.jpg")}, key)
    assert said(answer) == (422, "key-reuse", False)
    (file,) = all_of(LateFile)
    assert (file.field, file.name, file.data) == ("photos", "门口.jpg", content)


def test_an_entry_of_somebody_else_stays_theirs(phone, qian):
    key = uuid7()
    phone.send(NOTES, {"text": "赵青写的"}, key)
    answer = Phone(qian).send(NOTES, {"text": "赵青写的"}, key)
    assert said(answer) == (403, "user", False)
    assert noted() == ["赵青写的"] and all_of(LateEntry) == []
    assert said(Phone(qian).client.get(f"/outbox/result/{key}")) == (404, "unknown", False)


def test_tokens_and_passwords_are_left_out():
    fields = [
        ("csrf_token", "a"),
        ("entry_id", "b"),
        ("page", "c"),
        ("new", "d"),
        ("said", "e"),
        ("said", "f"),
    ]
    assert kept_fields(fields) == [["said", "e"], ["said", "f"]]


# ---- corrections ---------------------------------------------------------------------------------------------------


def test_a_correction_that_comes_first_makes_the_original_void(phone):
    first, second = uuid7(), uuid7()
    assert said(phone.send(NOTES, {"text": "更正"}, second, revises=[first])) == (204, None, False)
    late = phone.send(NOTES, {"text": "原文"}, first)
    assert said(late) == (409, "superseded", False) and late.headers["Outbox-Ack"] == str(first)
    assert said(phone.send(NOTES, {"text": "更正"}, second, revises=[first])) == (204, None, True)
    assert noted() == ["更正"]
    assert said(phone.client.get(f"/outbox/result/{first}")) == (409, "superseded", False)


def test_a_correction_that_comes_too_late_changes_nothing_and_says_where_the_original_is(phone, city):
    first, second, promise = uuid7(), uuid7(), uuid7()
    path = f"/enterprises/{city.huaxing.id}/follow-ups/new"
    fields = {
        "title": "送样",
        "kind": "OTHER",
        "due_on": clock.today().isoformat(),
        "follow_up_id": str(promise),
    }
    phone.send(path, fields, first)
    answer = phone.send(path, fields | {"title": "送两份样"}, second, revises=[first])
    assert said(answer) == (409, "revised-too-late", False)
    assert answer.headers["Outbox-Location"].startswith(f"/follow-ups/{promise}")
    assert db.session.get(FollowUp, promise).title == "送样"
    assert db.session.get(Entry, second) is None


def test_the_second_correction_alone_voids_the_original_and_the_first(phone):
    original, first, second = uuid7(), uuid7(), uuid7()
    phone.send(NOTES, {"text": "三稿"}, second, revises=[first, original])
    for key, words in ((original, "一稿"), (first, "二稿")):
        assert said(phone.send(NOTES, {"text": words}, key))[1] == "superseded"
    assert noted() == ["三稿"]


def test_a_refused_correction_leaves_the_original_free(phone):
    original, correction = uuid7(), uuid7()
    assert phone.send(NOTES, {"text": ""}, correction, revises=[original]).status_code == 422
    assert said(phone.send(NOTES, {"text": "原文"}, original)) == (204, None, False)
    assert noted() == ["原文"]


def test_nobody_voids_an_entry_of_somebody_else(phone, qian):
    key = uuid7()
    phone.send(NOTES, {"text": "赵青的"}, key)
    assert said(Phone(qian).send(NOTES, {"text": "钱禾的"}, uuid7(), revises=[key]))[1] == "user"
    assert noted() == ["赵青的"]


def test_keys_in_a_header_are_read_once_each_and_no_more_than_twenty():
    keys = [uuid7() for _ in range(30)]
    assert read_keys(f"{keys[0]}, x ,{keys[0]},{keys[1]}") == keys[:2]
    assert len(read_keys(",".join(map(str, keys)))) == 20


# ---- several edits from one old page ---------------------------------------------------------------------------------


def test_three_edits_of_one_old_page_apply_in_turn(phone):
    path = f"/follow-ups/{people.FOLLOW_UP}/edit"
    form = phone.client.form(path, 0)
    keys = []
    for words in ("第一次改", "第二次改", "第三次改"):
        key = uuid7()
        answer = phone.send(path, form.filled(title=words), key, after=keys[::-1])
        assert answer.status_code == 204, words
        keys.append(key)
    db.session.rollback()
    assert db.session.get(FollowUp, people.FOLLOW_UP).title == "第三次改"


def test_somebody_elses_edit_in_between_is_a_conflict(phone, li):
    path = f"/follow-ups/{people.FOLLOW_UP}/postpone"
    form, key = phone.client.form(path, 0), uuid7()
    later = [clock.today() + timedelta(days=n) for n in (10, 20, 30)]
    assert phone.send(path, form.filled(due_on=later[0], reason="一"), key).status_code == 204
    assert li.submit(f"/follow-ups/{people.FOLLOW_UP}/edit", 0, title="组长改的").status_code == 303
    answer = phone.send(path, form.filled(due_on=later[1], reason="二"), uuid7(), after=[key])
    assert said(answer) == (409, "conflict", False)


@pytest.mark.parametrize("named", [[], ["not a key"], [str(uuid7())]])
def test_an_edit_that_names_no_entry_of_its_own_is_a_conflict(phone, named):
    path = f"/visits/{people.VISIT}/edit"
    form = phone.client.form(path, "visit-form")
    assert phone.send(path, form.filled(said="第一次改")).status_code == 204
    answer = phone.send(path, form.filled(said="第二次改"), Outbox_After=",".join(named))
    assert said(answer)[:2] == (409, "conflict")


def test_an_entry_that_changes_no_version_between_two_edits_is_no_conflict(phone):
    """The visit is edited, a photo of it is sent, and it is edited again, all from one old page."""
    path = f"/visits/{people.VISIT}/edit"
    form = phone.client.form(path, "visit-form")
    first, photo = uuid7(), uuid7()
    assert phone.send(path, form.filled(said="第一次改"), first).status_code == 204
    sent = {"photo_id": str(uuid7()), "photos": (io.BytesIO(jpeg(40, 30)), "1.jpg")}
    assert phone.send(f"/visits/{people.VISIT}/photos", sent, photo).status_code == 204
    assert phone.send(path, form.filled(said="第二次改"), after=[photo, first]).status_code == 204
    db.session.rollback()
    assert db.session.get(Visit, people.VISIT).said == "第二次改"


def test_what_a_needs_old_sheet_does_not_touch_stays_as_the_edit_before_left_it(phone):
    path = f"/needs/{people.NEED}/edit"
    form, key = phone.client.form(path, 0), uuid7()
    assert phone.send(path, form.filled(title="涂覆均匀性攻关（二期）"), key).status_code == 204
    assert phone.send(path, form.filled(budget="80"), after=[key]).status_code == 204
    db.session.rollback()
    need = db.session.get(Need, people.NEED)
    assert need.title == "涂覆均匀性攻关（二期）" and need.budget == 80


# ---- who is asking -----------------------------------------------------------------------------------------------------


def test_a_phone_learns_who_is_signed_in(phone, app):
    told = phone.session()
    with app.app_context():
        user = db.session.scalars(sa.select(User).where(User.username == "zhao")).one()
    assert told["user"] == user.id and told["name"] == "赵青" and told["max"] >= 32 << 20
    assert set(told) == {"user", "name", "csrf", "seed", "max", "version"}
    answer = phone.client.get("/outbox/session")
    assert answer.headers["Cache-Control"] == "no-store" and answer.json["seed"] == told["seed"]


def _sessions(**values):
    with writing():
        db.session.rollback()
        db.session.execute(sa.update(Session).values(**values))
        db.session.commit()


@pytest.mark.parametrize(
    ("act", "word"),
    [
        (lambda: _sessions(seen_at=clock.now() - timedelta(days=40)), "auth"),
        (lambda: _sessions(ended_at=clock.now()), "ended"),
        (lambda: db.session.execute(sa.update(User).values(active=False)), "ended"),
        (lambda: db.session.execute(sa.update(User).values(role="LEAD")), "ended"),
        (lambda: db.session.execute(sa.update(User).values(password_is_one_time=True)), "auth"),
        (lambda: db.session.execute(sa.delete(Session)), "auth"),
    ],
    ids=["ran out", "revoked", "disabled", "another role", "one-time password", "forgotten"],
)
def test_a_phone_is_told_why_nobody_is_signed_in(phone, act, word):
    token = phone.session()["csrf"]
    with writing():
        db.session.rollback()
        act()
        db.session.commit()
    headers = {"Idempotency-Key": str(uuid7()), "X-CSRFToken": token, "Outbox-User": "1"}
    for answer in (
        phone.client.get("/outbox/session"),
        phone.client.get(f"/outbox/result/{uuid7()}"),
        phone.client.post(NOTES, data={"text": "还在"}, headers=headers),
        phone.client.post(f"/visits/{people.VISIT}/edit", data={"said": "x" * (7 << 20)}, headers=headers),
    ):
        assert said(answer) == (401, word, False)
    assert noted() == []


def test_what_became_of_an_entry_is_told_to_its_owner(phone):
    key = uuid7()
    assert said(phone.client.get(f"/outbox/result/{key}")) == (404, "unknown", False)
    phone.send(CLOSE, DONE, key)
    told = phone.client.get(f"/outbox/result/{key}").json
    assert told["status"] == 303 and told["location"].startswith(f"/follow-ups/{people.FOLLOW_UP}")
    assert told["at"].endswith("+00:00")


def test_a_photo_sent_again_is_not_decoded_again(phone, monkeypatch):
    key = uuid7()
    content = jpeg(40, 30)

    def sent():
        fields = {"photo_id": str(people.known_uuid(61)), "photos": (io.BytesIO(content), "1.jpg")}
        return phone.send(f"/visits/{people.VISIT}/photos", fields, key)

    assert said(sent()) == (204, None, False)
    monkeypatch.setattr("fieldapp.attachments.intake.develop", None)
    assert said(sent()) == (204, None, True)


# ---- an officer's outbox, brought in by the lead ---------------------------------------------------------------------


def _id_of(username):
    db.session.rollback()
    return db.session.scalars(sa.select(User.id).where(User.username == username)).one()


def test_what_the_lead_brings_in_is_the_officers(phone, li):
    key, zhao_id = uuid7(), str(_id_of("zhao"))
    answer = Phone(li).send(NOTES, {"text": "手机摔了"}, key, Outbox_For=zhao_id)
    assert said(answer) == (204, None, False)
    (line,) = [row for row in all_of(FollowUpNote) if row.step is FollowUpStep.NOTED]
    assert line.by_id == _id_of("zhao") and db.session.get(Entry, key).user_id == _id_of("zhao")
    (event,) = [row for row in all_of(AuditEvent) if row.action == "brought_in"]
    assert event.actor_name == "李望" and event.subject == f"user:{zhao_id}"
    # The officer's own phone sends it too, when it has been found again.
    assert said(phone.send(NOTES, {"text": "手机摔了"}, key)) == (204, None, True)
    assert noted() == ["手机摔了"]
    told = Phone(li).client.get(f"/outbox/result/{key}", headers={"Outbox-For": zhao_id})
    assert told.status_code == 200


def test_a_lead_brings_in_for_a_disabled_officer_too(li):
    answer = Phone(li).send(NOTES, {"text": "人已离开"}, uuid7(), Outbox_For=str(_id_of("wang")))
    assert answer.status_code == 404  # what wang may not see stays unseen


@pytest.mark.parametrize("who", ["zhou", "qian", "wu"])
def test_nobody_else_acts_for_an_officer(who, browser_of):
    headers = {"Outbox_For": str(_id_of("zhao"))}
    assert Phone(browser_of(who)).send(NOTES, {"text": "冒名"}, uuid7(), **headers).status_code == 403
    assert noted() == []


@pytest.mark.parametrize("whom", ["zhou", "sun", "wu", "", "x", "9999999999999"])
def test_a_lead_acts_for_officers_of_their_own_team_only(li, whom, app):
    number = str(_id_of(whom)) if whom in people.PEOPLE else whom
    assert Phone(li).send(NOTES, {"text": "冒名"}, uuid7(), Outbox_For=number).status_code == 403
    assert noted() == []


def test_a_lead_cannot_reach_an_officers_account(li):
    headers = {"Outbox_For": str(_id_of("zhao"))}
    for path in ("/me/password", "/me/display", "/me/sessions/revoke", "/logout", "/notices/read"):
        answer = Phone(li).send(path, {"theme": "dark"}, uuid7(), **headers)
        assert answer.status_code in (403, 404, 405), path
    db.session.rollback()
    assert db.session.get(User, _id_of("zhao")).theme == "auto"


# ---- any order, any number of times ---------------------------------------------------------------------------------


@st.composite
def stories(draw):
    """What may happen to three entries of zhao's and their corrections: (version, whose phone, other words)."""
    return draw(
        st.lists(
            st.tuples(
                st.integers(0, 2), st.integers(0, 2), st.sampled_from(["zhao", "zhao", "qian"]), st.booleans()
            ),
            max_size=14,
        )
    )


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(story=stories())
def test_no_story_makes_two_records_or_loses_words(zhao, qian, story):
    """Whatever is sent, again, changed, by somebody else, or corrected, in whatever order: once all has been sent, each
    entry stands in the log exactly once, and every other body of its owner's that was refused is kept."""
    phones = {"zhao": Phone(zhao), "qian": Phone(qian)}
    tale = uuid.uuid4().hex[:8]
    keys = [[uuid7() for _ in range(3)] for _ in range(3)]

    def words(entry, version, other=False):
        return f"{tale} {entry}.{version}{' 另一份' if other else ''}"

    def send(entry, version, who="zhao", other=False):
        return phones[who].send(
            NOTES, {"text": words(entry, version, other)}, keys[entry][version], revises=keys[entry][:version]
        )

    done: dict[int, tuple[int, bool, str]] = {}  # entry → what was carried out: version, other words, by whom
    late = set()

    def judge(entry, version, who, other, answer):
        first = done.get(entry)
        if first is None:
            assert said(answer) == (204, None, False)
            done[entry] = (version, other, who)
        elif first[2] != who:
            assert said(answer) == (403, "user", False)
        elif version == first[0]:
            expected = (204, None, True) if other == first[1] else (422, "key-reuse", False)
            assert said(answer) == expected
            if other != first[1]:
                late.add(words(entry, version, other))
        else:
            assert said(answer) == (409, "superseded" if version < first[0] else "revised-too-late", False)

    for entry, version, who, other in story:
        judge(entry, version, who, other, send(entry, version, who, other))
    for entry in range(3):
        judge(entry, 2, "zhao", False, send(entry, 2))
    log = [line for line in noted() if line.startswith(tale)]
    assert sorted(log) == sorted(words(entry, version, other) for entry, (version, other, _) in done.items())
    kept = {row.fields[0][1] for row in all_of(LateEntry) if row.fields[0][1].startswith(tale)}
    assert kept == late


# ---- two servers, one database ------------------------------------------------------------------------------------------


def test_the_same_entry_at_two_servers_at_once_is_one_record(database, app, browser_of, tmp_path):
    """Each server has its own process's worth of connections; only the database is shared."""
    apps = [make_app(database.url, tmp_path) for _ in range(2)]
    zhao = browser_of("zhao")
    token = zhao.get_cookie("fieldapp").value
    csrf = Phone(zhao).session()["csrf"]
    for turn in range(5):
        key = uuid7()
        answers, start = [], threading.Barrier(4)

        def post(server, key=key, turn=turn, answers=answers, start=start):
            client = server.test_client()
            client.set_cookie("fieldapp", token)
            headers = {"Idempotency-Key": str(key), "X-CSRFToken": csrf}
            start.wait()
            answers.append(client.post(NOTES, data={"text": f"第{turn}次"}, headers=headers))

        threads = [threading.Thread(target=post, args=(apps[n % 2],)) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [a.status_code for a in answers] == [303] * 4
        assert sorted("Outbox-Replayed" in a.headers for a in answers) == [False, True, True, True]
    assert noted() == [f"第{turn}次" for turn in range(5)]
    for server in apps:
        with server.app_context():
            db.engine.dispose()


def test_original_and_correction_at_two_servers_at_once_are_one_record(database, app, browser_of, tmp_path):
    apps = [make_app(database.url, tmp_path) for _ in range(2)]
    zhao = browser_of("zhao")
    token = zhao.get_cookie("fieldapp").value
    csrf = Phone(zhao).session()["csrf"]
    for turn in range(5):
        original, correction = uuid7(), uuid7()
        answers, start = {}, threading.Barrier(2)

        def post(server, name, headers, turn=turn, answers=answers, start=start):
            client = server.test_client()
            client.set_cookie("fieldapp", token)
            start.wait()
            headers |= {"X-CSRFToken": csrf}
            answers[name] = client.post(NOTES, data={"text": f"{turn} {name}"}, headers=headers)

        threads = [
            threading.Thread(target=post, args=(apps[0], "原文", {"Idempotency-Key": str(original)})),
            threading.Thread(
                target=post,
                args=(apps[1], "更正", {"Idempotency-Key": str(correction), "Outbox-Revises": str(original)}),
            ),
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len([line for line in noted() if line.startswith(f"{turn} ")]) == 1
        assert {said(a)[1] for a in answers.values()} in ({None, "superseded"}, {None, "revised-too-late"})
    for server in apps:
        with server.app_context():
            db.engine.dispose()
