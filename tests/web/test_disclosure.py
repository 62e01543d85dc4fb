"""Disclosure: other teams see as much as the enterprise agreed to, in every list, search, file and page."""

from __future__ import annotations

import html
import re
from io import BytesIO

import openpyxl
import pytest
import sqlalchemy as sa

from fieldapp.db import db, writing
from fieldapp.enterprises.models import Contact, Enterprise
from fieldapp.needs.disclosure import UNSHOWN
from fieldapp.needs.models import Disclosure, Light, Need, NeedSource, NeedStatus
from tests.web.test_needs_pool import lit, take_in_all, titles_in

S = NeedStatus
# Planted in every text of a need: whatever of them comes through is found.
MARK = {
    "title": "涂布机改造代号甲", "description": "一期代号乙", "conditions": "做过代号丙", "indicator": "代号丁",
}  # fmt: skip
NAMING = (
    "华星新能源材料有限公司",
    "华星新能源",
    "华星隔膜厂",
    "华星",
    "星材",
    "周岚",
    "13812345621",
    "91150203QJ9FMT4E85",
    "银河路8号",
)
LOOKERS = ("sun", "zhou")  # another team's officer and lead


def planted(city, level, status=S.ACCEPTED, light=Light.GREEN):
    """A need of 华星 whose every text names the enterprise in every way."""
    said = "、".join(NAMING)
    need_id = lit(
        city.huaxing, f"{said}的{MARK['title']}", light, status, description=f"{said}：{MARK['description']}",
        conditions=f"{said}要{MARK['conditions']}", disclosure=level, source=NeedSource.ORDER,
        indicators=[{"name": f"{said}{MARK['indicator']}", "now": "1", "target": "2", "unit": "华星单位"}],
    )  # fmt: skip
    with writing():
        contact = db.session.scalars(
            sa.select(Contact.id).where(Contact.enterprise_id == city.huaxing.id)
        ).first()
        db.session.execute(sa.update(Need).where(Need.id == need_id).values(contact_id=contact))
        db.session.execute(
            sa.update(Enterprise)
            .where(Enterprise.id == city.huaxing.id)
            .values(short_name="星材", address="银河路8号")
        )
        db.session.commit()
    return need_id


def file_of(client, query) -> str:
    sheet = openpyxl.load_workbook(BytesIO(client.get(f"/needs.xlsx?{query}").data)).active
    return "\n".join(
        str(cell) for row in sheet.iter_rows(min_row=4, values_only=True) for cell in row if cell
    )


def everything_seen_by(client, need_id) -> str:
    """All that this person can get to read of other teams' needs."""
    queries = [
        "",
        "scope=shared",
        "scope=shared&state=all",
        "scope=shared&state=ended",
        "state=all",
        "mine=1&scope=shared",
    ]
    queries += [f"scope=shared&q={words}" for words in ("涂布机", "代号", *NAMING)]
    queries += [f"q={words}" for words in ("涂布机", "华星")]
    queries += [f"scope=shared&light={light.name}" for light in Light]
    told = "".join(client.get(f"/needs?{query}").text for query in queries)
    told = re.sub(
        r'value="[^"]*"|href="/login[^"]*"|“[^”]*”|%(?:[0-9A-F]{2})|[?&]q=[^"&]*', "", told
    )  # what was typed is said again
    # A file asks as its list does: without a search, and with the one that finds it in a list.
    told += "".join(file_of(client, f"{query}&x=1") for query in (*queries[:6], "scope=shared&q=涂布机"))
    for path in (
        f"/needs/shared/{need_id}",
        f"/needs/{need_id}",
        "/",
        "/lead",
        "/needs/views",
        "/needs/filters",
    ):
        told += re.sub(r'href="/login[^"]*"', "", client.get(path).text)
    return told


@pytest.mark.parametrize("status", [S.ACCEPTED, S.RESOLVED, S.ON_HOLD, S.SUBMITTED])
def test_what_is_only_for_matching_is_nobody_elses(browser_of, city, status):
    need_id = planted(city, Disclosure.MATCHING, status)
    for who in LOOKERS:
        client = browser_of(who)
        seen = everything_seen_by(client, need_id)
        for mark in (*MARK.values(), *NAMING, str(need_id)):
            assert mark not in seen, (who, mark)
        assert client.get(f"/needs/shared/{need_id}").status_code == 404


@pytest.mark.parametrize("status", [S.ACCEPTED, S.MATCHING, S.AWAITING_ENTERPRISE])
def test_what_hides_the_enterprise_is_seen_without_it(browser_of, city, status):
    light = Light.GREY if status is S.AWAITING_ENTERPRISE else Light.YELLOW
    need_id = planted(city, Disclosure.DESENSITISED, status, light)
    for who in LOOKERS:
        client = browser_of(who)
        page = client.get(f"/needs/shared/{need_id}")
        assert page.status_code == 200 and "都已隐去" in page.text and "某企业" in page.text
        for mark in MARK.values():
            assert mark in page.text, (who, mark)
        seen = everything_seen_by(client, need_id)
        for mark in (*NAMING, f'/enterprises/{city.huaxing.id}"'):
            assert mark not in seen, (who, mark)
        assert MARK["title"] in client.get("/needs?scope=shared").text
        assert MARK["title"] in file_of(client, "scope=shared")
        assert client.get(f"/needs/{need_id}").status_code == 404


@pytest.mark.parametrize("settle", [take_in_all, lambda: None], ids=["indexed", "waits"])
def test_its_enterprises_name_does_not_find_it_and_its_own_words_do(sun, city, settle):
    need_id = planted(city, Disclosure.DESENSITISED)
    settle()
    for words in NAMING:
        assert str(need_id) not in sun.get(f"/needs?scope=shared&q={words}").text, words
        tiles = re.findall(r'<b data-light="\w+">([^<]*)</b>', sun.get(f"/needs?scope=shared&q={words}").text)
        assert set(tiles) == {"0"}, words  # a count tells as much as a row
    assert str(need_id) in sun.get("/needs?scope=shared&q=涂布机").text


def test_what_is_public_is_seen_whole_and_without_anybody_to_call(browser_of, city):
    need_id = planted(city, Disclosure.PUBLIC)
    for who in LOOKERS:
        client = browser_of(who)
        page = client.get(f"/needs/shared/{need_id}").text
        assert city.huaxing.name in page and "华星隔膜厂" in page and "没有联系方式" in page
        assert "0472-5550101" in page  # the office of the team that serves it
        seen = everything_seen_by(client, need_id)
        assert "周岚" not in seen and "13812345621" not in seen and "138 **** 5621" not in seen
        assert str(need_id) in client.get("/needs?scope=shared&q=华星").text
        assert city.huaxing.name in file_of(client, "scope=shared")
        assert client.get(f"/needs/{need_id}").status_code == 404


@pytest.mark.parametrize("status", UNSHOWN)
def test_what_is_no_need_yet_or_any_more_is_not_shown(sun, city, status):
    need_id = planted(city, Disclosure.PUBLIC, status)
    assert sun.get(f"/needs/shared/{need_id}").status_code == 404
    assert str(need_id) not in sun.get("/needs?scope=shared&state=all").text


def test_ones_own_are_seen_as_ever_and_not_among_others(zhao, li, city):
    need_id = planted(city, Disclosure.DESENSITISED)
    for client in (zhao, li):
        assert str(need_id) not in client.get("/needs?scope=shared").text
        assert client.get(f"/needs/shared/{need_id}").status_code == 404
        page = client.get(f"/needs/{need_id}").text
        assert city.huaxing.name in page and "周岚" in page


def test_others_can_do_nothing_with_it(sun, zhou, city):
    need_id = planted(city, Disclosure.PUBLIC)
    page = sun.get("/needs?scope=shared").text
    assert "claim" not in page and titles_in(page)
    token = sun.token()
    for path in (f"/needs/{need_id}/claim", f"/needs/{need_id}/note", f"/needs/{need_id}/steps/claim"):
        assert sun.post(path, data={"csrf_token": token}).status_code == 404
    data = {"act": "return", "e": f"{need_id}:ACCEPTED:0", "text": "x", "csrf_token": zhou.token()}
    assert zhou.post("/needs/together", data=data).status_code == 404
    form = sun.post("/needs.xlsx?scope=shared", data={"csrf_token": token, "phones": "1"})
    sheet = openpyxl.load_workbook(BytesIO(form.data)).active
    assert not any("138" in str(cell) for row in sheet.iter_rows(min_row=4, values_only=True) for cell in row)


def test_admins_and_auditors_see_none(wu, zheng, city):
    need_id = planted(city, Disclosure.PUBLIC)
    for client in (wu, zheng):
        assert client.get(f"/needs/shared/{need_id}").status_code == 403
        assert client.get("/needs?scope=shared").status_code == 403


def test_who_works_for_whom_is_no_filter_for_others(sun, city):
    planted(city, Disclosure.PUBLIC)
    plain = titles_in(sun.get("/needs?scope=shared").text)
    for query in ("officer=1", "holder=1", "holder=none", "mine=1"):
        assert titles_in(sun.get(f"/needs?scope=shared&{query}").text) == plain
    assert html.unescape(plain[0]).endswith(MARK["title"])
