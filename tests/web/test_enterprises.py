"""Finding enterprises: what each person sees, by which words, in which order, a page at a time."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
import sqlalchemy as sa

from fieldapp import clock
from fieldapp.accounts.models import Region, Team, User
from fieldapp.audit.models import AuditEvent
from fieldapp.db import db, writing
from fieldapp.enterprises import search
from fieldapp.enterprises.actions import add_helper, assign, index
from fieldapp.enterprises.models import Contact, Enterprise


def names(answer):
    """The enterprises of the list in order."""
    assert answer.status_code == 200
    found = re.findall(r'<a class="row-title stretch" href="/enterprises/\d+">(.*?)</a>', answer.text)
    return [re.sub("</?mark>", "", name) for name in found]


def test_officers_see_their_own_first_and_the_pool_on_request(zhao, qian, city):
    assert names(zhao.get("/enterprises")) == [city.huaxing.name]
    assert set(names(qian.get("/enterprises"))) == {
        city.beichen.name,
        city.huaxing.name,
    }  # main of one, helper at one
    assert names(zhao.get("/enterprises?scope=pool")) == [city.chuntian.name]
    assert set(names(zhao.get("/enterprises?scope=team"))) == {city.huaxing.name, city.chuntian.name}


def test_leads_see_their_teams_and_no_other(li, zhou, city):
    assert set(names(li.get("/enterprises"))) == {city.huaxing.name, city.beichen.name, city.chuntian.name}
    assert names(zhou.get("/enterprises")) == [city.yuanshan.name]


@pytest.mark.parametrize(
    "query", ["华星", "星新", "hxxny", "huaxing", "华星隔膜", "4E85", "周岚", "华星 有限", "　华星　"]
)
def test_one_box_finds_by_any_of_these(zhao, city, query):
    assert names(zhao.get("/enterprises", query_string={"q": query})) == [city.huaxing.name]


@pytest.mark.parametrize("query", ["远山", "yuanshan", "9HP4P", "许霁"])
def test_search_never_leaves_ones_own_enterprises(zhao, query):
    answer = zhao.get("/enterprises", query_string={"q": query, "scope": "team"})
    assert names(answer) == [] and "没有找到" in answer.text


@pytest.mark.parametrize("query", ["%", "_", "'", '"><script>', "\\", "\x00", "a" * 500, "🏭", "%%%"])
def test_odd_words_are_only_words(zhao, query):
    answer = zhao.get("/enterprises", query_string={"q": query})
    assert answer.status_code == 200 and "<script>" not in answer.text


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("tag=hnte", ["huaxing"]),
        ("tag=specialised", []),
        ("industry=39", ["beichen", "chuntian", "huaxing"]),
        ("industry=13", []),
        ("due=never", ["beichen", "chuntian"]),
        ("due=overdue", ["beichen", "chuntian"]),
        ("scope=pool", ["chuntian"]),
        ("region=99", []),
        ("region=x&page=broken&due=odd&scope=odd", ["beichen", "chuntian", "huaxing"]),
    ],
)
def test_filters(li, city, query, expected):
    assert sorted(names(li.get(f"/enterprises?{query}"))) == sorted(
        getattr(city, key).name for key in expected
    )


@pytest.fixture
def seventy(app):
    """Seventy enterprises of zhao's, due on odd days, several on the same one."""
    with writing():
        team = db.session.scalars(sa.select(Team).where(Team.name == "一队")).one()
        region = db.session.scalars(sa.select(Region).where(Region.name == "昆都仑区")).one()
        zhao = db.session.scalars(sa.select(User).where(User.username == "zhao")).one()
        made = []
        for n in range(70):
            made.append(
                Enterprise(
                    name=f"雁归第{n:02}矿山机械有限公司",
                    uscc=f"TEST{n:014}",
                    region_id=region.id,
                    team_id=team.id,
                    former_names=[],
                    visit_due_on=clock.today() - timedelta(days=100 + (n * 37) % 11),
                )
            )
            db.session.add(made[-1])
            db.session.flush()
            assign(None, made[-1], zhao.id, clock.today(), "测试")
        index(made)
        db.session.commit()
    return made


@pytest.mark.parametrize("query", ["", "q=雁归", "q=ygd", "q=有限公司"])
def test_pages_follow_one_another_without_gap_or_repeat_in_order_of_need(zhao, li, seventy, query):
    for person in (zhao, li):
        seen, url = [], f"/enterprises?{query}"
        while url:
            answer = person.get(url)
            seen += re.findall(r'href="/enterprises/(\d+)"', answer.text)
            following = re.search(r'href="([^"]+)" rel="next"', answer.text)
            url = following[1].replace("&amp;", "&") if following else None
        wanted = (
            db.session.execute(
                sa.select(Enterprise.id)
                .where(Enterprise.id.in_([int(i) for i in seen]))
                .order_by(Enterprise.visit_due_on, Enterprise.id)
            )
            .scalars()
            .all()
        )
        db.session.rollback()
        assert [int(i) for i in seen] == list(wanted)
        assert len(seen) == len(set(seen)) >= 70


@pytest.mark.parametrize("query", ["雁归", "ygd", "有限公司", "雁归 机械", "华星", "没有这家"])
@pytest.mark.parametrize("scope", ["mine", "team", "pool"])
def test_every_way_to_search_finds_the_same(zhao, li, seventy, monkeypatch, query, scope):
    """Rare words lead, middling ones sift the list, common ones are asked for of every row."""
    with writing():  # zhao helps with one that is still in the pool: it is found by two roads and shown once
        helper = db.session.scalars(sa.select(User.id).where(User.username == "zhao")).one()
        pooled = db.session.get(Enterprise, seventy[3].id)
        assign(None, pooled, None, clock.today(), "测试")
        add_helper(None, pooled, helper, clock.today())
        db.session.commit()
    for person in (zhao, li):
        found = []
        for rare, middling in ((1_000, 10_000), (0, 10_000), (0, 0)):
            monkeypatch.setattr(search, "RARE", rare)
            monkeypatch.setattr(search, "MIDDLING", middling)
            found.append(names(person.get(f"/enterprises?q={query}&scope={scope}")))
        assert found[0] == found[1] == found[2]
        assert len(found[0]) == len(set(found[0]))


def test_the_list_keeps_its_filters_from_page_to_page(zhao, seventy):
    html = zhao.get("/enterprises?q=雁归&due=never").text
    following = re.search(r'href="([^"]+)" rel="next"', html)[1]
    assert "due=never" in following and "q=" in following and "page=" in following


def test_what_was_found_is_marked(zhao, city):
    assert "<mark>华星新能源</mark>" in zhao.get("/enterprises?q=hxxny").text


def test_a_number_is_masked_until_asked_for_and_the_asking_is_logged(zhao, city):
    page = f"/enterprises/{city.huaxing.id}"
    html = zhao.get(page).text
    assert "138 **** 5621" in html and "13812345621" not in html
    answer = zhao.submit(page, "/phone")
    assert "tel:13812345621" in answer.text
    db.session.rollback()
    event = db.session.scalars(sa.select(AuditEvent).where(AuditEvent.action == "phone_shown")).one()
    assert event.actor_name == "赵青" and event.detail["enterprise"] == city.huaxing.id
    assert "13812345621" not in str(event.detail)


def test_another_teams_numbers_cannot_be_found(sun, city):
    contact = db.session.scalars(sa.select(Contact.id).where(Contact.enterprise_id == city.huaxing.id)).one()
    db.session.rollback()
    url = f"/enterprises/{city.huaxing.id}/contacts/{contact}/phone"
    assert sun.post(url, data={"csrf_token": sun.token()}).status_code == 404
    own = f"/enterprises/{city.yuanshan.id}/contacts/{contact}/phone"  # own enterprise, foreign contact
    assert sun.post(own, data={"csrf_token": sun.token()}).status_code == 404


def test_the_casefile_tells_who_they_are(zhao, city):
    html = zhao.get(f"/enterprises/{city.huaxing.id}").text
    for words in ("91150203QJ9FMT4E85", "曾用名", "华星隔膜厂", "高新技术企业", "链主企业", "8,640.00 万元", "186 人",
                  "赵青", "协助", "钱禾", "计算机、通信和其他电子设备制造业", "二期产线下月进场", "隔膜涂覆均匀性攻关", "开始走访"):  # fmt: skip
        assert words in html, words


def test_the_way_there_is_given_in_the_maps_own_coordinates(zhao, city):
    link = re.search(
        r'href="(https://uri\.amap\.com/navigation\?[^"]+)"', zhao.get(f"/enterprises/{city.huaxing.id}").text
    )[1]
    lng, lat = map(float, re.search(r"to=([\d.]+)%2C([\d.]+)%2C", link).groups())
    # GCJ-02 is some hundred metres off WGS-84 hereabouts; the same numbers would mean a forgotten conversion.
    assert 0.0005 < abs(lng - 109.8404) < 0.01 and 0.0002 < abs(lat - 40.6574) < 0.01


def test_the_story_can_be_filtered_and_paged(zhao, city):
    base = f"/enterprises/{city.huaxing.id}"
    only = zhao.get(f"{base}?kind=need").text
    assert "隔膜涂覆均匀性攻关" in only and "回复隔膜涂覆工艺专家名单" not in only
    assert zhao.get(f"{base}?kind=odd&page=-1").status_code == 200
    assert zhao.get(f"{base}?page=99999999999999999999").status_code == 200


@pytest.mark.parametrize("odd", ["0", "999999", "99999999999999999999"])
def test_what_is_not_there_is_a_404(zhao, odd):
    assert zhao.get(f"/enterprises/{odd}").status_code == 404


def test_enterprises_go_with_their_region_when_it_changes_hands(wu, li, zhou, city):
    """The admin takes 昆都仑区 from 一队 and gives it to 二队."""
    from fieldapp.accounts.models import Region, Team

    one = db.session.scalars(sa.select(Team.id).where(Team.name == "一队")).one()
    two = db.session.scalars(sa.select(Team.id).where(Team.name == "二队")).one()
    ids = {row.name: row.id for row in db.session.execute(sa.select(Region.name, Region.id))}
    db.session.rollback()
    assert wu.submit(f"/admin/teams/{one}", "team-form", regions=[]).status_code == 303
    assert names(li.get("/enterprises")) == []
    answer = wu.submit(f"/admin/teams/{two}", "team-form", regions=[ids["固阳县"], ids["昆都仑区"]])
    assert answer.status_code == 303
    assert city.huaxing.name in names(zhou.get("/enterprises"))
