"""Two phones at a factory gate: the officer holds one out, somebody of the enterprise answers on the other."""

from __future__ import annotations

import sqlalchemy as sa

from fieldapp.codes.models import QrCode
from fieldapp.enterprises.models import Enterprise
from fieldapp.visits.models import Answer, Visit, VisitCode
from tests import people
from tests.tools import axe, chromium, validator

RECORD = f"/visits/{people.VISIT}"
LOOKS = (chromium.SMALL_PHONE, chromium.NARROWEST, chromium.PHONE)


def _look(page):
    """Nothing for axe to find, in the light and in the dark, and nothing sideways."""
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        assert axe.violations(page) == []
    for size in LOOKS:
        page.set_viewport_size(size)
        wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert page.evaluate(wide) <= 0, size


def _door(site):
    query = sa.select(QrCode.token).join(Enterprise).where(Enterprise.name.startswith("华星"))
    return f"{site.url}/q/{site.ask(query)}"


def _reset(site):
    """As if nobody had been asked: the tests of this file share a city."""
    from fieldapp.db import db, writing

    with site.app.app_context(), writing():
        db.session.execute(sa.delete(VisitCode))
        db.session.execute(sa.update(Visit).values(answer=None, answered_at=None, answer_version=0))
        db.session.commit()
        db.session.remove()
        db.engine.dispose()


def test_shown_on_one_phone_answered_on_the_other(browser, site):
    _reset(site)
    with chromium.phone(browser) as officer, chromium.phone(browser) as guest:
        site.sign_in(officer, "zhao")
        officer.goto(site.url + RECORD)
        officer.get_by_text("企业未确认").wait_for()
        officer.get_by_role("button", name="请企业确认").tap()
        officer.get_by_role("heading", name="请对方用手机扫一扫").wait_for()
        _look(officer)
        digits = officer.locator("#digits").inner_text()

        guest.goto(_door(site))
        guest.get_by_role("link", name="确认走访").tap()
        _look(guest)
        guest.get_by_label("干部手机上的 6 位数字").fill(digits)
        guest.get_by_role("button", name="看这次走访").tap()
        guest.get_by_text("赵青").wait_for()
        _look(guest)
        assert not guest.locator("[name=text]").is_visible()
        assert guest.locator("input:checked").count() == 0
        guest.locator("[name=answer][value=DIFFERS]").check(force=True)
        assert guest.locator("[name=text]").is_visible()
        guest.locator("[name=answer][value=CONFIRMED]").check(force=True)
        guest.locator("[name=level][value=level_5]").check(force=True)
        guest.get_by_text("来得太勤").tap(force=True)
        source = guest.request.get(guest.url).text()
        button = guest.get_by_role("button", name="确认并提交")
        button.evaluate("button => { button.click(); button.click(); setTimeout(() => button.click(), 20); }")
        guest.get_by_role("heading", name="已确认，谢谢您").wait_for()
        _look(guest)
        sources = {"answering": source, "answered": guest.request.get(guest.url).text()}
        assert not validator.validate(sources)
        guest.reload()
        guest.get_by_role("heading", name="已确认，谢谢您").wait_for()
        guest.get_by_role("link", name="点一单").tap()
        guest.get_by_label("一句话说清难题").wait_for()

        officer.get_by_role("link", name="好了，看记录").tap()
        officer.get_by_text("企业已确认").wait_for()
    assert site.ask(sa.select(Visit.answer).where(Visit.id == people.VISIT)) is Answer.CONFIRMED


def test_the_link_is_copied_sent_and_answered_without_any_script(browser, site):
    _reset(site)
    with chromium.phone(browser, permissions=["clipboard-read", "clipboard-write"]) as officer:
        site.sign_in(officer, "zhao")
        officer.goto(site.url + RECORD)
        officer.get_by_role("button", name="请企业确认").tap()
        officer.get_by_role("button", name="复制链接").tap()
        officer.get_by_text("已复制").wait_for()
        link = officer.evaluate("navigator.clipboard.readText()")
        assert link == officer.locator("#address").input_value()
    with chromium.phone(browser, java_script_enabled=False) as guest:
        chromium.page_watch(guest).expect("status of 422")
        guest.goto(site.url + link[link.index("/v/") :])
        guest.locator("[name=answer][value=DIFFERS]").check(force=True)
        guest.get_by_role("button", name="确认并提交").tap()
        guest.locator("#text-err").get_by_text("请写一句哪里不一样").wait_for()
        guest.get_by_label("哪里不一样？").fill("来的是上午")
        guest.get_by_role("button", name="确认并提交").tap()
        guest.get_by_text("来的是上午").wait_for()
        guest.get_by_role("link", name="说错了，改一下").tap()
        guest.locator("[name=answer][value=CONFIRMED]").check(force=True)
        guest.get_by_role("button", name="改成这样").tap()
        guest.get_by_role("heading", name="已确认，谢谢您").wait_for()
    assert site.ask(sa.select(Visit.answer_version).where(Visit.id == people.VISIT)) == 2


def test_the_officer_without_script_sees_the_address_and_large_text_fits(browser, site):
    _reset(site)
    with chromium.phone(browser, java_script_enabled=False) as officer:
        site.sign_in(officer, "zhao")
        officer.goto(site.url + RECORD)
        officer.get_by_role("button", name="请企业确认").tap()
        link = officer.locator("#address").input_value()
        assert "/v/" in link and officer.locator("#digits").is_visible()
    with chromium.launched(text_percent=200) as large, chromium.phone(large) as guest:
        guest.goto(site.url + link[link.index("/v/") :])
        wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert guest.evaluate(wide) <= 0
        guest.locator("[name=answer][value=DENIED]").check(force=True)
        guest.get_by_role("button", name="确认并提交").click()
        guest.get_by_role("heading", name="记下了，谢谢您").wait_for()
        assert guest.evaluate(wide) <= 0
