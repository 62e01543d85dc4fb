"""The list of enterprises as an Excel file: the list's scope and filters, text that stays text, phones masked."""

from __future__ import annotations

from datetime import timedelta
from io import BytesIO
from urllib.parse import unquote

import openpyxl
import pytest
import sqlalchemy as sa

from fieldapp import clock
from fieldapp.audit.models import AuditEvent
from fieldapp.db import db, writing
from fieldapp.enterprises import exports
from fieldapp.enterprises.actions import index
from fieldapp.enterprises.models import Contact, Enterprise

FILE = "/enterprises.xlsx"
NUMBER = "13812345621"


def sheet_of(answer):
    assert answer.status_code == 200
    assert answer.mimetype == "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    return openpyxl.load_workbook(BytesIO(answer.data)).active


def table_of(answer):
    """[{heading: value}] of the rows under the header."""
    head, *rows = list(sheet_of(answer).iter_rows(min_row=3, values_only=True))
    return [dict(zip(head, row, strict=True)) for row in rows]


def names(answer):
    return [row["企业名称"] for row in table_of(answer)]


def trail():
    db.session.rollback()
    query = sa.select(AuditEvent.action, AuditEvent.actor_name, AuditEvent.detail)
    found = db.session.execute(
        query.where(AuditEvent.action.startswith("exported")).order_by(AuditEvent.id)
    ).all()
    db.session.rollback()
    return [(row.action, row.actor_name, row.detail) for row in found]


def test_the_file_has_title_note_and_a_header_that_stays(li):
    answer = li.get(FILE)
    sheet = sheet_of(answer)
    assert (
        sheet["A1"].value == "企业名单"
        and sheet.freeze_panes == "B4"
        and sheet.auto_filter.ref.startswith("A3:")
    )
    assert "李望" in sheet["A2"].value and "电话已脱敏" in sheet["A2"].value
    assert "企业名单-" in unquote(answer.headers["Content-Disposition"])
    assert answer.headers["Cache-Control"] == "no-store"


def test_every_column_says_what_the_casefile_says(li, city):
    (row,) = [row for row in table_of(li.get(FILE)) if row["企业名称"] == city.huaxing.name]
    assert (
        row["统一社会信用代码"] == city.huaxing.uscc
        and row["旗县区"] == "昆都仑区"
        and row["服务团"] == "一队"
    )
    assert row["负责干部"] == "赵青" and row["协助干部"] == "钱禾"
    assert row["资质"] == "高新技术企业" and row["标签"] == "链主企业" and row["状态"] == "正常"
    assert row["上次走访"].date() == clock.local(clock.now() - timedelta(days=10)).date()
    assert row["下次走访"] - row["上次走访"] == timedelta(days=90)
    assert (row["联系人"], row["职务"], row["电话"]) == ("周岚", "技术副总", "138 **** 5621")


def test_scope_and_filters_are_the_lists_own(zhao, li, zhou, city):
    assert names(zhao.get(FILE)) == [city.huaxing.name]
    assert set(names(zhao.get(f"{FILE}?scope=team"))) == {city.huaxing.name, city.chuntian.name}
    assert set(names(li.get(FILE))) == {city.huaxing.name, city.beichen.name, city.chuntian.name}
    assert names(li.get(f"{FILE}?scope=pool")) == [city.chuntian.name]
    assert names(li.get(f"{FILE}?q=hxxny")) == [city.huaxing.name]
    assert names(li.get(f"{FILE}?region=99")) == []
    assert names(zhou.get(FILE)) == [city.yuanshan.name]


def test_nobody_else_may(wu, zheng, anybody):
    assert wu.get(FILE).status_code == 403 and zheng.get(FILE).status_code == 403
    assert anybody.get(FILE).status_code == 303
    assert wu.post(FILE, data={"csrf_token": wu.token(), "phones": "1"}).status_code == 403
    assert trail() == []


def test_reading_a_masked_file_is_told_to_the_trail(li):
    li.get(f"{FILE}?scope=pool")
    assert trail() == [("exported", "李望", {"count": 1})]


def test_full_numbers_only_by_the_form_and_told_to_the_trail(li, city):
    assert NUMBER[-4:] in str(table_of(li.get(f"{FILE}?phones=1"))) and NUMBER not in li.get(
        f"{FILE}?phones=1"
    ).data.decode("latin1")
    assert "138 1234 5621" not in str(table_of(li.get(f"{FILE}?phones=1")))
    form = li.form("/enterprises", "phones-form")
    answer = li.post(form.action, data=form.filled(phones="1"))
    assert "138 1234 5621" in str(table_of(answer)) and "完整号码" in sheet_of(answer)["A2"].value
    assert trail()[-1] == ("exported_with_phones", "李望", {"count": 3})
    masked = li.post(form.action, data=form.filled())  # the form without its button
    assert "138 1234 5621" not in str(table_of(masked)) and trail()[-1][0] == "exported"
    assert li.post(FILE, data={"phones": "1"}).status_code == 403  # without the page's token


NASTY = [
    '=HYPERLINK("http://evil.example","点我")',
    "+86 472",
    "-5℃冷链有限公司",
    "@SUM(A1:A9)",
    "\t=1+1",
    "=cmd|'/c calc'!A0",
]


@pytest.mark.parametrize("name", NASTY)
def test_a_name_that_looks_like_a_formula_stays_text(li, city, name):
    with writing():
        enterprise = db.session.get(Enterprise, city.beichen.id)
        enterprise.name, enterprise.address = name, name
        for contact in db.session.query(Contact).filter_by(enterprise_id=city.beichen.id):
            contact.name = contact.title = name
            contact.phone = "=1+1"
        index([enterprise])
        db.session.commit()
    form = li.form("/enterprises", "phones-form")
    for answer in (li.get(FILE), li.post(form.action, data=form.filled(phones="1"))):
        cells = [cell for line in sheet_of(answer).iter_rows() for cell in line if cell.value is not None]
        assert name in [cell.value for cell in cells]
        assert "f" not in {cell.data_type for cell in cells}
        assert all(cell.hyperlink is None for cell in cells)


def test_long_lists_come_whole_in_the_lists_order_and_are_cut_where_the_note_says(li, city, monkeypatch):
    with writing():
        first = db.session.get(Enterprise, city.huaxing.id)
        db.session.add_all(
            Enterprise(
                name=f"雁归第{n:04}厂", uscc=f"TEST{n:014}", region_id=first.region_id, team_id=first.team_id,
                former_names=[], visit_due_on=clock.today() - timedelta(days=100 + n % 9),
            )
            for n in range(1100)
        )  # fmt: skip
        db.session.commit()
    ordered = db.session.scalars(
        sa.select(Enterprise.name)
        .where(Enterprise.team_id == first.team_id)
        .order_by(Enterprise.visit_due_on, Enterprise.id)
    ).all()
    db.session.rollback()
    assert names(li.get(FILE)) == list(ordered) and len(ordered) == 1103
    monkeypatch.setattr(exports, "MOST_ROWS", 700)
    answer = li.get(FILE)
    assert names(answer) == list(ordered)[:700] and "最多 700 家" in sheet_of(answer)["A2"].value


def test_the_button_stands_under_the_list_with_its_filters(zhao):
    html = zhao.get("/enterprises?q=华星&tag=hnte").text
    assert "导出 Excel" in html and "/enterprises.xlsx?" in html and "tag=hnte" in html
    assert "导出 Excel" not in zhao.get("/enterprises?q=没有这样的").text
