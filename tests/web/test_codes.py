"""The code on the door: whom it lets in, what a stranger sees, how it is replaced, printed and typed."""

from __future__ import annotations

import io
import re
import threading

import pypdfium2
import pytest
import sqlalchemy as sa

from fieldapp.audit.models import AuditEvent
from fieldapp.codes.models import QrCode
from fieldapp.codes.turnstile import Turnstile
from fieldapp.db import db
from fieldapp.enterprises.models import Enterprise
from tests import people, qr_damage
from tests.conftest import PUBLIC_URL


def _code(enterprise):
    """The code in use, as plain values."""
    row = db.session.execute(
        sa.select(QrCode.id, QrCode.token, QrCode.short_code)
        .where(QrCode.enterprise_id == enterprise.id, QrCode.revoked_at.is_(None))
        .order_by(QrCode.id.desc())
    ).first()
    db.session.rollback()
    return row


def _trail(action):
    query = sa.select(AuditEvent).where(AuditEvent.action == action).order_by(AuditEvent.id)
    events = db.session.scalars(query).all()
    db.session.rollback()
    return events


def _token(client):
    """A CSRF token of this person."""
    return dict(client.form("/scan", 0).fields)["csrf_token"]


def _replace(lead, enterprise, reason="标签丢了", **more):
    return lead.submit(f"/enterprises/{enterprise.id}/qr", 0, reason=reason, sure="y", **more)


@pytest.fixture(autouse=True)
def fresh_minute(shared_app):
    """The turnstiles live as long as the app, which the tests share."""
    for name in ("codes.cards", "codes.typed"):
        shared_app.extensions[name] = Turnstile()


class TestTheDoor:
    def test_who_serves_the_enterprise_is_led_to_its_casefile(self, zhao, qian, li, city):
        address = f"/q/{_code(city.huaxing).token}"
        for person in (zhao, qian, li):  # main officer, helper, lead
            answer = person.get(address)
            assert (answer.status_code, answer.location) == (303, f"/enterprises/{city.huaxing.id}")
        casefile = zhao.get(f"/enterprises/{city.huaxing.id}").text
        primary = re.search(r'<a class="btn btn-primary"[^>]*>.*?</a>', casefile, re.S)
        assert primary and "开始走访" in primary[0]

    def test_the_pool_of_ones_team_is_served_by_everybody_in_it(self, qian, city):
        assert qian.get(f"/q/{_code(city.chuntian).token}").status_code == 303

    def test_a_stranger_sees_the_enterprise_its_region_and_the_office_but_no_person(self, anybody, city):
        answer = anybody.get(f"/q/{_code(city.huaxing).token}")
        assert answer.status_code == 200
        for words in (
            "华星新能源材料有限公司",
            "昆都仑区",
            "一队",
            "0472-5550101",
            'href="tel:0472-5550101"',
        ):
            assert words in answer.text
        secrets = [name for name, _role, _team in people.PEOPLE.values()] + [
            word for row in people.ENTERPRISES.values() for word in (row[1], *row[4:])
        ]
        assert not [word for word in secrets if word in answer.text]
        assert _code(city.huaxing).short_code not in answer.text

    @pytest.mark.parametrize("who", ["sun", "zhou", "wu", "zheng"])
    def test_a_colleague_who_does_not_serve_it_sees_the_same_card(self, request, who, city):
        answer = request.getfixturevalue(who).get(f"/q/{_code(city.huaxing).token}")
        assert answer.status_code == 200
        assert "不归你负责" in answer.text and "13812345621" not in answer.text

    def test_signing_in_from_the_card_leads_back_through_the_code(self, anybody, city):
        address = f"/q/{_code(city.huaxing).token}"
        link = re.search(r'href="(/login[^"]*)"', anybody.get(address).text)
        assert link
        form = anybody.form(link[1])
        answer = anybody.post(form.action, data=form.filled(username="zhao", password=people.PASSWORD))
        assert (answer.status_code, answer.location) == (303, address)
        assert anybody.get(address).location == f"/enterprises/{city.huaxing.id}"

    def test_every_answer_stays_out_of_search_engines_and_referrers(self, anybody, zhao, city):
        token = _code(city.huaxing).token
        for client, address in ((anybody, f"/q/{token}"), (zhao, f"/q/{token}"), (anybody, "/q/unknown")):
            headers = client.get(address).headers
            assert "noindex" in headers["X-Robots-Tag"]
            assert headers["Referrer-Policy"] == "no-referrer"
            assert headers["Cache-Control"] == "no-store"

    @pytest.mark.parametrize("token", ["x" * 22, "x", "../login", "%00", "𬭎", "x" * 2000])
    def test_an_unknown_code_says_what_to_do(self, anybody, token):
        answer = anybody.get(f"/q/{token}")
        assert answer.status_code == 404 and "没有" in answer.text

    def test_an_unknown_code_has_a_page_for_guests(self, anybody):
        assert "把整个二维码放进取景框" in anybody.get("/q/" + "x" * 22).text

    def test_the_card_is_small_and_needs_no_script(self, anybody, city):
        page = anybody.get(f"/q/{_code(city.huaxing).token}")
        size = len(page.get_data())
        for address in set(re.findall(r'(?:href|src)="(/s/[^"#]+)', page.text)):
            size += len(anybody.get(address, headers={"Accept-Encoding": "gzip"}).get_data())
        assert size < 60_000
        assert "<form" not in page.text and "onclick" not in page.text

    def test_an_enterprise_without_a_team_still_has_a_card(self, app, anybody, city):
        db.session.execute(sa.update(Enterprise).where(Enterprise.id == city.huaxing.id).values(team_id=None))
        db.session.commit()
        assert "正在安排" in anybody.get(f"/q/{_code(city.huaxing).token}").text

    def test_looking_changes_nothing(self, app, anybody, zhao, city):
        def counts():
            found = {
                t.name: db.session.scalar(sa.select(sa.func.count()).select_from(t))
                for t in db.metadata.tables.values()
            }
            db.session.rollback()
            return found

        address = f"/q/{_code(city.huaxing).token}"
        before = counts()
        for client in (anybody, zhao):
            client.get(address)
        assert counts() == before


class TestTooOften:
    def test_one_address_may_look_so_often_a_minute(self, app, anybody, city, monkeypatch):
        monkeypatch.setitem(app.config, "CARD_VIEWS_PER_MINUTE", 3)
        address = f"/q/{_code(city.huaxing).token}"
        assert [anybody.get(address).status_code for _ in range(4)] == [200, 200, 200, 429]
        answer = anybody.get("/q/unknown")  # guesses count as well
        assert answer.status_code == 429
        wait = int(answer.headers["Retry-After"])
        assert 1 <= wait <= 60 and f"{wait} 秒后" in answer.text
        elsewhere = anybody.get(address, environ_base={"REMOTE_ADDR": "10.0.0.9"})
        assert elsewhere.status_code == 200

    def test_colleagues_are_not_held_up_by_their_office_address(self, app, anybody, zhao, city, monkeypatch):
        monkeypatch.setitem(app.config, "CARD_VIEWS_PER_MINUTE", 1)
        address = f"/q/{_code(city.huaxing).token}"
        for _ in range(3):
            anybody.get(address)
        assert zhao.get(address).status_code == 303

    def test_typed_codes_are_counted_per_person(self, app, zhao, qian, city, monkeypatch):
        monkeypatch.setitem(app.config, "CODE_TRIES_PER_MINUTE", 2)
        token = _token(zhao)
        data = {"csrf_token": token, "code": "000000"}
        assert [zhao.post("/scan/code", data=data).status_code for _ in range(3)] == [422, 422, 429]
        assert qian.submit("/scan", 0, code=_code(city.huaxing).short_code).status_code == 303


class TestReplacing:
    def test_a_lead_replaces_a_code_and_the_old_print_says_so(self, li, zhao, anybody, city):
        old = _code(city.huaxing)
        answer = _replace(li, city.huaxing, reason="门牌被人拍走")
        assert answer.status_code == 303
        new = _code(city.huaxing)
        assert new.token != old.token and new.short_code != old.short_code
        page = li.get(answer.location).text
        assert (
            new.short_code in page
            and old.short_code in page
            and "门牌被人拍走" in page
            and "旧的已经停用" in page
        )
        gone = anybody.get(f"/q/{old.token}")
        assert gone.status_code == 410
        assert "已停用" in gone.text and "0472-5550101" in gone.text and "门牌被人拍走" not in gone.text
        assert "华星" not in gone.text
        inside = zhao.get(f"/q/{old.token}")
        assert inside.status_code == 410 and f'href="/enterprises/{city.huaxing.id}"' in inside.text
        assert zhao.get(f"/q/{new.token}").status_code == 303

    def test_it_is_told_by_the_trail(self, li, city):
        _replace(li, city.huaxing)
        assert [event.subject for event in _trail("code_revoked")] == [f"enterprise:{city.huaxing.id}"]
        assert _trail("codes_issued")[-1].actor_name == "李望"

    @pytest.mark.parametrize("missing", ["reason", "sure"])
    def test_reason_and_confirmation_are_both_needed(self, li, city, missing):
        before = _code(city.huaxing)
        values = {"reason": "标签丢了", "sure": "y"} | {missing: None if missing == "sure" else "  "}
        answer = li.submit(f"/enterprises/{city.huaxing.id}/qr", 0, **values)
        assert answer.status_code == 422
        assert _code(city.huaxing) == before
        assert f'id="{missing}-err"' in answer.text

    def test_an_officer_sees_the_code_but_may_not_replace_it(self, zhao, city):
        page = zhao.get(f"/enterprises/{city.huaxing.id}/qr")
        assert page.status_code == 200 and "更换二维码" not in page.text
        data = {"csrf_token": _token(zhao), "code": _code(city.huaxing).id, "reason": "x", "sure": "y"}
        assert zhao.post(f"/enterprises/{city.huaxing.id}/qr", data=data).status_code == 403

    def test_another_teams_lead_cannot_find_it(self, zhou, city):
        data = {"csrf_token": _token(zhou), "code": _code(city.huaxing).id, "reason": "x", "sure": "y"}
        assert zhou.post(f"/enterprises/{city.huaxing.id}/qr", data=data).status_code == 404
        assert zhou.get(f"/enterprises/{city.huaxing.id}/qr").status_code == 404

    def test_a_page_that_has_been_overtaken_replaces_nothing(self, li, city):
        form = li.form(f"/enterprises/{city.huaxing.id}/qr", 0)
        _replace(li, city.huaxing)
        second = _code(city.huaxing)
        stale = li.post(form.action, data=form.filled(reason="我也要换", sure="y"))
        assert stale.status_code == 409 and "已被别人更换" in stale.text
        assert _code(city.huaxing) == second

    def test_two_at_once_leave_one_code_in_use(self, app, li, city):
        forms = [li.form(f"/enterprises/{city.huaxing.id}/qr", 0) for _ in range(2)]
        answers = []

        def send(form, reason):
            client = app.test_client()
            client._cookies = li._cookies
            with app.app_context():
                answers.append(
                    client.post(form.action, data=form.filled(reason=reason, sure="y")).status_code
                )
                db.session.remove()

        threads = [threading.Thread(target=send, args=(form, f"第 {at} 次")) for at, form in enumerate(forms)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(answers) == [303, 409]
        in_use = sa.select(sa.func.count()).where(
            QrCode.enterprise_id == city.huaxing.id, QrCode.revoked_at.is_(None)
        )
        assert db.session.scalar(in_use) == 1

    def test_a_missing_code_is_issued(self, app, li, zhao, city):
        db.session.execute(sa.delete(QrCode).where(QrCode.enterprise_id == city.huaxing.id))
        db.session.commit()
        assert zhao.get(f"/enterprises/{city.huaxing.id}/qr.png").status_code == 404
        assert "还没有二维码" in zhao.get(f"/enterprises/{city.huaxing.id}/qr").text
        assert _replace(li, city.huaxing, reason="新企业").status_code == 303
        assert _code(city.huaxing) is not None


class TestPictures:
    def test_svg_and_png_say_the_public_address_whatever_the_host_header(self, app, zhao, city):
        code = _code(city.huaxing)
        wanted = f"{PUBLIC_URL}/q/{code.token}"
        cookie = zhao.get_cookie(
            "fieldapp"
        )  # a real browser would not send it elsewhere; a broken proxy does
        headers = {
            "Host": "evil.example:8443",
            "X-Forwarded-Host": "evil.example",
            "Cookie": f"fieldapp={cookie.value}",
        }
        client = app.test_client(use_cookies=False)
        png = client.get(f"/enterprises/{city.huaxing.id}/qr.png", headers=headers)
        assert (png.status_code, png.mimetype) == (200, "image/png")
        assert qr_damage.read_zxing(qr_damage.picture(png.get_data())) == wanted
        assert qr_damage.read_opencv(qr_damage.picture(png.get_data())) == wanted
        svg = client.get(f"/enterprises/{city.huaxing.id}/qr.svg", headers=headers)
        assert (svg.status_code, svg.mimetype) == (200, "image/svg+xml")
        assert code.short_code in svg.text and "evil" not in svg.text

    def test_the_page_shows_the_same_code(self, zhao, city):
        from fieldapp.codes import images

        code = _code(city.huaxing)
        page = zhao.get(f"/enterprises/{city.huaxing.id}/qr").text
        assert images.path(images.matrix(f"{PUBLIC_URL}/q/{code.token}")) in page
        assert code.short_code in page and "华星新能源材料有限公司" in page

    def test_a_download_carries_the_enterprises_name(self, zhao, city):
        answer = zhao.get(f"/enterprises/{city.huaxing.id}/qr.png?download=1")
        assert answer.headers["Content-Disposition"].startswith(
            "attachment; filename=\"qr.png\"; filename*=UTF-8''%E5"
        )

    @pytest.mark.parametrize("what", ["qr", "qr.svg", "qr.png"])
    def test_another_teams_code_cannot_be_found(self, sun, city, what):
        assert sun.get(f"/enterprises/{city.huaxing.id}/{what}").status_code == 404
        assert sun.get(f"/enterprises/{city.yuanshan.id}/{what}").status_code == 200

    @pytest.mark.parametrize("who", ["wu", "zheng"])
    def test_admin_and_auditor_have_no_business_here(self, request, who, city):
        client = request.getfixturevalue(who)
        for address in (f"/enterprises/{city.huaxing.id}/qr", "/enterprises/qr-labels", "/scan"):
            assert client.get(address).status_code == 403


def _texts(answer):
    document = pypdfium2.PdfDocument(io.BytesIO(answer.get_data()))
    try:
        return "".join(page.get_textpage().get_text_range() for page in document).replace("\r\n", "")
    finally:
        document.close()


def _codes_on(answer):
    document = pypdfium2.PdfDocument(io.BytesIO(answer.get_data()))
    try:
        return {
            found.text
            for page in document
            for found in qr_damage.zxingcpp.read_barcodes(
                page.render(scale=2, grayscale=True).to_numpy().squeeze()
            )
        }
    finally:
        document.close()


class TestLabels:
    def test_a_lead_prints_the_teams_enterprises(self, li, city):
        page = li.get("/enterprises/qr-labels")
        assert page.status_code == 200
        for enterprise in (city.huaxing, city.beichen, city.chuntian):
            assert enterprise.name in page.text
        assert city.yuanshan.name not in page.text
        answer = li.get("/enterprises/qr-labels.pdf")
        assert (answer.status_code, answer.mimetype) == (200, "application/pdf")
        assert _codes_on(answer) == {
            f"{PUBLIC_URL}/q/{_code(e).token}" for e in (city.huaxing, city.beichen, city.chuntian)
        }

    def test_the_page_prints_what_is_ticked(self, li, city):
        page = li.get("/enterprises/qr-labels").text
        assert page.count('name="ids"') == 3
        answer = li.get(
            f"/enterprises/qr-labels.pdf?layout=plate&ids={city.huaxing.id}&ids={city.beichen.id}"
        )
        text = _texts(answer)
        assert city.huaxing.name in text and city.beichen.name in text and city.chuntian.name not in text

    def test_filters_narrow_the_choice(self, li, city):
        page = li.get("/enterprises/qr-labels?scope=pool").text
        assert city.chuntian.name in page and city.huaxing.name not in page
        page = li.get("/enterprises/qr-labels?q=华星").text
        assert city.huaxing.name in page and city.beichen.name not in page
        assert city.huaxing.name in li.get("/enterprises/qr-labels?q=华%00星").text
        page = li.get("/enterprises/qr-labels?q=100%25_").text
        assert "没有可以打印的二维码" in page

    def test_an_officer_prints_what_they_see(self, qian, city):
        assert _codes_on(qian.get("/enterprises/qr-labels.pdf?scope=mine")) == {
            f"{PUBLIC_URL}/q/{_code(city.beichen).token}"
        }

    def test_one_foreign_id_and_nothing_is_printed(self, li, city):
        address = f"/enterprises/qr-labels.pdf?ids={city.huaxing.id},{city.yuanshan.id}"
        assert li.get(address).status_code == 404
        assert li.get(f"/enterprises/qr-labels?ids={city.yuanshan.id}").status_code == 404
        assert not _trail("codes_printed")

    @pytest.mark.parametrize(
        "query", ["ids=x", "ids=-1", "ids=999999999", "layout=a3", "q=gibtesnicht", "ids=1" + "0" * 30]
    )
    def test_what_cannot_be_printed_is_not_found(self, li, query):
        assert li.get(f"/enterprises/qr-labels.pdf?{query}").status_code == 404

    def test_too_many_at_once_are_refused_with_a_way_out(self, li):
        ids = ",".join(map(str, range(1, 502)))
        answer = li.get(f"/enterprises/qr-labels.pdf?ids={ids}")
        assert answer.status_code == 422 and "按旗县区分几次" in answer.text

    def test_printing_is_told_by_the_trail(self, li, city):
        li.get(f"/enterprises/qr-labels.pdf?ids={city.huaxing.id}")
        (event,) = _trail("codes_printed")
        assert (event.actor_name, event.subject, event.outcome) == (
            "李望",
            f"enterprise:{city.huaxing.id}",
            "done",
        )
        assert event.detail == {"count": 1, "layout": "a4-8"}

    def test_a_revoked_code_is_printed_no_more(self, li, city):
        old = _code(city.huaxing)
        _replace(li, city.huaxing)
        printed = _codes_on(li.get(f"/enterprises/qr-labels.pdf?ids={city.huaxing.id}"))
        assert printed == {f"{PUBLIC_URL}/q/{_code(city.huaxing).token}"} and old.token not in str(printed)


class TestScanner:
    def test_only_this_page_may_run_wasm_and_show_the_camera(self, zhao, city):
        policy = zhao.get("/scan").headers["Content-Security-Policy"]
        assert "script-src 'self' 'wasm-unsafe-eval'" in policy and "media-src 'self' blob:" in policy
        assert "'unsafe-eval'" not in policy and "'unsafe-inline'" not in policy
        for address in ("/", f"/enterprises/{city.huaxing.id}", f"/enterprises/{city.huaxing.id}/qr"):
            assert "wasm" not in zhao.get(address).headers["Content-Security-Policy"]

    def test_the_decoder_comes_from_here_and_as_wasm(self, zhao):
        page = zhao.get("/scan").text
        wasm = re.search(r'data-wasm="([^"]+)"', page)
        assert wasm and zhao.get(wasm[1]).mimetype == "application/wasm"
        assert f'data-public-url="{PUBLIC_URL}"' in page

    @pytest.mark.parametrize("write", ["{}", " {} ", "{:.3}-{:.3}", "full-width"])
    def test_a_typed_code_opens_the_casefile(self, zhao, city, write):
        code = _code(city.huaxing).short_code
        typed = {
            "{}": code,
            " {} ": f" {code} ",
            "{:.3}-{:.3}": f"{code[:3]}-{code[3:]}",
            "full-width": "".join(chr(ord(c) - ord("0") + ord("０")) for c in code),
        }[write]
        answer = zhao.submit("/scan", 0, code=typed)
        assert (answer.status_code, answer.location) == (303, f"/enterprises/{city.huaxing.id}")

    def test_a_foreign_code_answers_like_an_absent_one(self, sun, city):
        foreign = sun.submit("/scan", 0, code=_code(city.huaxing).short_code)
        absent = sun.submit("/scan", 0, code="000000")
        assert foreign.status_code == absent.status_code == 422
        errors = [
            re.search(r'id="code-err".*?<span>(.*?)</span>', a.text, re.S)[1] for a in (foreign, absent)
        ]
        assert errors[0] == errors[1] and "没有这个编号" in errors[0]

    @pytest.mark.parametrize("typed", ["", "12345", "1234567", "abcdef", "12 34"])
    def test_what_is_no_code_is_said_beside_the_field(self, zhao, typed):
        answer = zhao.submit("/scan", 0, code=typed)
        assert (
            answer.status_code == 422
            and 'id="code-err"' in answer.text
            and 'aria-invalid="true"' in answer.text
        )

    def test_a_revoked_code_says_so_to_those_who_serve_the_enterprise(self, li, zhao, sun, city):
        old = _code(city.huaxing).short_code
        _replace(li, city.huaxing)
        assert "已经停用" in zhao.submit("/scan", 0, code=old).text
        assert "没有这个编号" in sun.submit("/scan", 0, code=old).text

    def test_typing_is_for_people_who_are_signed_in(self, anybody, city):
        answer = anybody.post("/scan/code", data={"code": _code(city.huaxing).short_code})
        assert answer.status_code == 303 and answer.location.startswith("/login")
