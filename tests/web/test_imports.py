"""Importing a ledger: looked at first, written once, by leads and for their own regions only."""

from __future__ import annotations

import io
import re
from decimal import Decimal
from pathlib import Path

import openpyxl
import pytest
import sqlalchemy as sa
import xlsxwriter
from uuid6 import uuid7

from fieldapp.accounts.models import Team, User
from fieldapp.audit.models import AuditEvent
from fieldapp.codes.models import QrCode
from fieldapp.db import db, writing
from fieldapp.enterprises.models import (
    Contact,
    Enterprise,
    EnterpriseTag,
    EnterpriseYear,
    Qualification,
    SearchToken,
)
from fieldapp.imports.models import BatchState, ImportBatch, ImportRow
from tests import people
from tests.ledgers import nasty
from tests.tools.asked import asked

LEDGERS = Path(__file__).resolve().parent.parent / "ledgers"
HOME = "/imports/enterprises"


def upload(person, data, filename="名单.xlsx"):
    form = person.form(HOME, "upload-form")
    answer = person.post(
        form.action,
        data=form.filled(file=(io.BytesIO(data), filename), entry_id=str(uuid7())),
        content_type="multipart/form-data",
    )
    return answer


def uploaded(person, data, filename="名单.xlsx"):
    """The address of the preview."""
    answer = upload(person, data, filename)
    assert answer.status_code == 303, re.sub(r"\s+", " ", answer.text)[:3000]
    return answer.location


def token_of(lead):
    return lead.form(HOME, "upload-form").filled()["csrf_token"]


def confirm(person, address):
    answer = person.submit(address, "confirm-form", entry_id=str(uuid7()))
    assert answer.status_code == 303, answer.text[:2000]
    return person.get(answer.location)


def count(model, *where):
    db.session.rollback()
    return db.session.scalar(sa.select(sa.func.count()).select_from(model).where(*where))


def enterprise(code):
    db.session.rollback()
    return db.session.scalar(sa.select(Enterprise).where(Enterprise.uscc == code))


def found(person, words):
    """Names on the list for these words, without the marks that show what was hit."""
    page = person.get(f"/enterprises?q={words}").text
    return [
        re.sub("<[^>]+>", "", name) for name in re.findall(r'class="row-title stretch"[^>]*>(.*?)</a>', page)
    ]


def everything():
    """All that an import may touch, as plain rows."""
    db.session.rollback()
    seen = {}
    for model in (Enterprise, Contact, EnterpriseYear, EnterpriseTag, Qualification, SearchToken, QrCode):
        seen[model.__tablename__] = sorted(map(repr, db.session.execute(sa.select(model.__table__)).all()))
    return seen


ROWS = [
    nasty.enterprise(1),
    nasty.enterprise(
        2, 企业名称="　青岭 机械(集团)有限公司 ", 是否高企="是", 联系电话="13844100002、0472-5550123"
    ),
    nasty.enterprise(3, 统一社会信用代码=nasty.code(3)[:17]),
    nasty.enterprise(4, 所属旗县区="固阳县"),
    nasty.enterprise(5, 从业人数="约120人", 坐标系=None),
]


def test_a_lead_looks_first_and_writes_then(li):
    before = everything()
    address = uploaded(li, nasty.workbook(ROWS))
    page = li.get(address).text
    assert everything() == before  # nothing written yet
    for words in (
        "还没有写入任何数据",
        "只有 17 位",
        "固阳县不归你负责的服务团",
        "青岭机械（集团）有限公司",
        "是大约数",
        "入库 3 行",
        "新增 3 家",
        "2 行不入库",
    ):
        assert words in page
    told = confirm(li, address).text
    assert "新增 3 家" in told
    first = enterprise(nasty.code(1))
    assert (first.name, first.industry, first.division, first.staff) == (
        "青岭0001号装备有限公司",
        "C3511",
        "35",
        120,
    )
    assert first.team_id and first.officer_id is None
    assert (first.given_crs, round(first.given_lng, 5)) == ("GCJ-02", 109.80001)
    assert 0.001 < abs(first.lng - first.given_lng) < 0.01
    year = db.session.get(EnterpriseYear, (first.id, 2025))
    assert (year.revenue, year.rd_spend, year.staff) == (Decimal("12000.50"), Decimal("320.25"), 120)
    second = enterprise(nasty.code(2))
    contact = db.session.scalars(sa.select(Contact).where(Contact.enterprise_id == second.id)).one()
    assert (contact.name, contact.phone, contact.second_phone) == ("卫沐", "13844100002", "0472-5550123")
    held = db.session.scalars(sa.select(Qualification).where(Qualification.enterprise_id == second.id)).one()
    assert (held.kind.name, held.number) == ("HNTE", "")
    assert count(QrCode, QrCode.enterprise_id == second.id) == 1
    assert enterprise(nasty.code(4)) is None


def test_what_was_imported_is_found_by_pinyin_and_opens(li):
    confirm(li, uploaded(li, nasty.workbook(ROWS)))
    assert found(li, "qljx") == ["青岭机械（集团）有限公司"]
    assert "青岭机械（集团）有限公司" in li.get(f"/enterprises/{enterprise(nasty.code(2)).id}").text


def test_the_trail_tells_of_the_import_without_personal_data(li):
    confirm(li, uploaded(li, nasty.workbook(ROWS)))
    db.session.rollback()
    events = list(db.session.scalars(sa.select(AuditEvent).where(AuditEvent.actor_name == "李望")))
    by_action = {event.action: event for event in events}
    assert by_action["enterprises_imported"].detail["rows"]["new"] == 3
    assert len(by_action["enterprises_created"].detail["enterprises"]) == 3
    assert "138441" not in repr([event.detail for event in events])


def test_the_same_file_again_changes_nothing(li):
    data = nasty.workbook(ROWS)
    confirm(li, uploaded(li, data))
    after_once = everything()
    again = li.get(uploaded(li, data)).text
    assert "没有要写入的" in again
    assert 'id="confirm-form"' not in again
    assert everything() == after_once
    db.session.rollback()
    batch = db.session.scalars(sa.select(ImportBatch).order_by(ImportBatch.id.desc())).first()
    token = token_of(li)
    url = f"{HOME}/{batch.id}/confirm"
    assert (
        li.post(
            url, data={"csrf_token": token, "version": batch.version, "entry_id": str(uuid7())}
        ).status_code
        == 303
    )
    assert everything() == after_once


def test_changes_are_shown_old_and_new_and_written(li, city):
    row = nasty.enterprise(
        9,
        企业名称="华星新能源（集团）有限公司",
        统一社会信用代码=city.huaxing.uscc,
        联系人="周岚",
        职务="总工",
        联系电话="13900001111",
    ) | {"2025年营业收入": 9000, "标签": "链主企业、稀土"}
    address = uploaded(li, nasty.workbook([row], [*nasty.HEADINGS, "标签"]))
    page = li.get(address).text
    assert "更新 1 家" in page
    for old, new in (
        ("华星新能源材料有限公司", "华星新能源（集团）有限公司"),
        ("8,640.00 万元", "9,000.00 万元"),
        ("138****5621", "139****1111"),
        ("技术副总", "总工"),
    ):
        assert f"<del>{old}</del> <ins>{new}</ins>" in page
    assert "13812345621" not in page
    confirm(li, address)
    now = enterprise(city.huaxing.uscc)
    assert now.id == city.huaxing.id
    assert now.name == "华星新能源（集团）有限公司"
    assert now.former_names == ["华星隔膜厂", "华星新能源材料有限公司"]
    assert now.officer_id is not None  # who serves it is none of the sheet's business
    assert db.session.get(EnterpriseYear, (now.id, 2025)).revenue == Decimal(9000)
    contact = db.session.scalars(sa.select(Contact).where(Contact.enterprise_id == now.id)).one()
    assert (contact.title, contact.phone) == ("总工", "13900001111")
    tags = set(db.session.scalars(sa.select(EnterpriseTag.tag).where(EnterpriseTag.enterprise_id == now.id)))
    assert tags == {"链主企业", "稀土"}
    assert found(li, "hxxnyjt") == ["华星新能源（集团）有限公司"]
    assert found(li, "hxgmc") == ["华星新能源（集团）有限公司"]  # and still by its former names


def test_an_enterprise_that_takes_its_old_name_again_has_it_no_longer_as_a_former_one(li, city):
    names = (f"{city.huaxing.name[:4]}新材料有限公司", city.huaxing.name)
    for name in names:
        row = nasty.enterprise(9, 企业名称=name, 统一社会信用代码=city.huaxing.uscc, 所属旗县区="昆都仑区")
        confirm(li, uploaded(li, nasty.workbook([row])))
    now = enterprise(city.huaxing.uscc)
    assert now.name == city.huaxing.name and now.former_names == ["华星隔膜厂", names[0]]


def test_an_industry_told_more_coarsely_takes_no_figure_away(li, city):
    """Our own export names the division alone; read back it is the same industry."""
    with writing():
        db.session.execute(
            sa.update(Enterprise)
            .where(Enterprise.id == city.huaxing.id)
            .values(industry="C3985", division="39")
        )
        db.session.commit()
    for said, kept in (("C39", "C3985"), ("C3714", "C3714")):
        row = nasty.enterprise(
            9,
            企业名称=city.huaxing.name,
            统一社会信用代码=city.huaxing.uscc,
            所属旗县区="昆都仑区",
            行业代码=said,
        )
        address = uploaded(li, nasty.workbook([row]))
        if kept == "C3985":
            assert "C3985" not in li.get(address).text
        confirm(li, address)
        assert enterprise(city.huaxing.uscc).industry == kept


def test_empty_cells_leave_what_is_known(li, city):
    known = everything()
    blank = dict.fromkeys(nasty.HEADINGS) | {
        "企业名称": city.huaxing.name,
        "统一社会信用代码": city.huaxing.uscc,
        "所属旗县区": "昆都仑区",
    }
    assert "没有要写入的" in li.get(uploaded(li, nasty.workbook([blank]))).text
    assert everything() == known


def test_an_enterprise_of_another_team_is_not_touched(li, city):
    known = everything()
    row = nasty.enterprise(9, 统一社会信用代码=city.yuanshan.uscc)  # the sheet claims it for 昆都仑区
    page = li.get(uploaded(li, nasty.workbook([row]))).text
    assert "已经登记在别的服务团名下" in page
    assert city.yuanshan.name not in page
    assert 'id="confirm-form"' not in page
    assert everything() == known


@pytest.mark.parametrize("who", ["zhao", "wu", "zheng"])
def test_officers_admins_and_auditors_do_not_import(who, browser_of, li):
    address = uploaded(li, nasty.workbook(ROWS))
    person = browser_of(who)
    for url in (HOME, address, f"{address}/progress", f"{address}/refused.xlsx", f"{HOME}/template.xlsx"):
        assert person.get(url).status_code == 403
    token = person.token()
    for url in (HOME, address, f"{address}/confirm", f"{address}/withdraw"):
        assert person.post(url, data={"csrf_token": token, "version": 1}).status_code == 403


def test_another_leads_upload_cannot_be_found(li, zhou):
    address = uploaded(li, nasty.workbook(ROWS))
    for url in (address, f"{address}/progress", f"{address}/refused.xlsx"):
        assert zhou.get(url).status_code == 404
    token = token_of(zhou)
    for url in (address, f"{address}/confirm", f"{address}/withdraw"):
        assert zhou.post(url, data={"csrf_token": token, "version": 1}).status_code == 404
    assert address not in zhou.get(HOME).text
    assert address in li.get(HOME).text


def test_a_lead_without_regions_is_told(li, app):
    from fieldapp.accounts.models import team_lead
    from fieldapp.db import writing

    with writing():
        db.session.rollback()
        db.session.execute(sa.delete(team_lead))
        db.session.commit()
    assert "你还没有负责的旗县区" in li.get(HOME).text
    assert "昆都仑区不归你负责" in li.get(uploaded(li, nasty.workbook(ROWS))).text


@pytest.mark.parametrize(
    ("data", "filename", "words"),
    [
        (b"", "空.xlsx", "空的"),
        (nasty.old_excel(), "老.xls", "另存为"),
        (nasty.encrypted(), "密.xlsx", "密码"),
        (nasty.entity_bomb(), "弹.xlsx", "DTD"),
        (nasty.truncated(), "坏.xlsx", "坏了"),
        (nasty.far_cell(), "远.xlsx", "最多 300 列"),
        (b"%PDF-1.7", "名单.pdf", "PDF"),
        ("你好，世界".encode(), "信.txt", "没有找到表头"),
        (b"x" * (5 * 1024 * 1024 + 10), "大.csv", "最多 5 MB"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_in_words(li, data, filename, words):
    before = count(ImportBatch)
    answer = upload(li, data, filename)
    assert answer.status_code == 422
    assert words in answer.text
    assert 'id="upload-form"' in answer.text
    assert count(ImportBatch) == before


def test_no_file_is_no_upload(li):
    answer = li.submit(HOME, "upload-form")
    assert answer.status_code == 422
    assert "请先选一个文件" in answer.text


def test_a_body_over_the_limit_of_the_server_is_413(li):
    assert upload(li, b"x" * (7 * 1024 * 1024), "大.csv").status_code == 413


def test_the_mapping_can_be_changed(li):
    headings = ["单位", "税号", "在哪", "产值"]
    rows = [dict(zip(headings, ["青岭0001号装备有限公司", nasty.code(1), "昆都仑区", 3], strict=True))]
    address = uploaded(li, nasty.workbook(rows, headings))
    page = li.get(address).text
    assert "没有旗县区，不知道归哪个服务团" in page
    answer = li.submit(address, "map-form", **{"field-2": "region", "field-3": "revenue"})
    assert answer.status_code == 303
    page = li.get(answer.location).text
    assert "按新的对法重新看了一遍" in page
    assert "入库 1 行" in page
    li.submit(address, "map-form", **{"unit-3": "亿元", "year-3": "2024"})
    confirm(li, address)
    year = db.session.get(EnterpriseYear, (enterprise(nasty.code(1)).id, 2024))
    assert year.revenue == Decimal(30_000)
    # the next sheet of this shape is read the same way
    rows[0]["税号"] = nasty.code(2)
    assert "入库 1 行" in li.get(uploaded(li, nasty.workbook(rows, headings))).text


def test_a_sheet_whose_columns_say_nothing_is_mapped_by_hand(li):
    headings = ["甲列", "乙列", "丙列"]
    rows = [dict(zip(headings, ["青岭0001号装备有限公司", nasty.code(1), "昆都仑区"], strict=True))]
    address = uploaded(li, nasty.workbook(rows, headings))
    page = li.get(address).text
    assert "没有找到“企业名称”是哪一列" in page
    assert 'id="confirm-form"' not in page
    li.submit(address, "map-form", **{"field-0": "name", "field-1": "name"})
    assert "对了两列" in li.get(address).text
    li.submit(address, "map-form", **{"field-0": "name", "field-1": "uscc", "field-2": "region"})
    assert "入库 1 行" in li.get(address).text


def test_a_preview_that_is_no_longer_the_last_cannot_be_confirmed(li):
    address = uploaded(li, nasty.workbook(ROWS))
    old = li.form(address, "confirm-form").filled()
    li.submit(address, "map-form", **{"field-13": ""})
    answer = li.post(f"{address}/confirm", data=old)
    assert answer.status_code == 409
    assert enterprise(nasty.code(1)) is None
    assert confirm(li, address).status_code == 200
    assert (
        li.post(
            f"{address}/confirm", data={"csrf_token": token_of(li), "version": 2, "entry_id": str(uuid7())}
        ).status_code
        == 409
    )
    assert count(Enterprise, Enterprise.uscc == nasty.code(1)) == 1


def test_what_moved_to_another_team_after_the_preview_is_left_out(li, city):
    row = nasty.enterprise(9, 统一社会信用代码=city.beichen.uscc, 企业名称="北辰改名有限公司")
    address = uploaded(li, nasty.workbook([row, nasty.enterprise(1)]))
    theirs = db.session.get(Enterprise, city.yuanshan.id).team_id
    from fieldapp.db import writing

    with writing():
        db.session.rollback()
        db.session.execute(
            sa.update(Enterprise).where(Enterprise.id == city.beichen.id).values(team_id=theirs)
        )
        db.session.commit()
    page = confirm(li, address).text
    assert "新增 1 家，更新 0 家" in page
    assert "有 1 行" in page
    assert enterprise(city.beichen.uscc).name == "北辰数控机床有限公司"


def test_withdrawing_leaves_nothing_behind(li):
    before = everything()
    address = uploaded(li, nasty.workbook(ROWS))
    answer = li.submit(address, "withdraw-form")
    assert answer.status_code == 303
    assert "已取消，什么都没有写入" in li.get(answer.location).text
    db.session.rollback()
    batch = db.session.scalars(sa.select(ImportBatch)).one()
    assert (batch.state, batch.content) == (BatchState.WITHDRAWN, b"")
    assert count(ImportRow) == 0
    assert everything() == before
    assert li.get(address).status_code == 200
    assert li.post(f"{address}/confirm", data={"csrf_token": token_of(li), "version": 1}).status_code == 409


def test_refused_rows_come_back_as_a_sheet_that_can_be_put_right(li):
    rows = [
        *ROWS,
        nasty.enterprise(6, 企业名称='=HYPERLINK("http://x","y")有限公司', 统一社会信用代码="@SUM(A1)"),
    ]
    address = uploaded(li, nasty.workbook(rows))
    answer = li.get(f"{address}/refused.xlsx")
    assert answer.status_code == 200
    assert "attachment" in answer.headers["Content-Disposition"]
    book = openpyxl.load_workbook(io.BytesIO(answer.data))
    lines = list(book.active.iter_rows())
    assert [cell.value for cell in lines[0]][-2:] == ["原因", "原来的行号"]
    assert [line[-1].value for line in lines[1:]] == [4, 5, 7]
    assert "只有 17 位" in lines[1][-2].value
    assert all(cell.data_type != "f" for line in lines for cell in line)
    # put right, it is taken as it is
    sheet = book.active
    sheet.cell(2, 3).value = nasty.code(3)
    stream = io.BytesIO()
    book.save(stream)
    page = li.get(uploaded(li, stream.getvalue())).text
    assert "入库 1 行" in page


def test_the_template_is_empty_and_is_understood(li):
    answer = li.get(f"{HOME}/template.xlsx")
    assert answer.status_code == 200
    assert "示例行" in li.get(f"{uploaded(li, answer.data)}?show=skipped").text  # as it was downloaded
    book = openpyxl.load_workbook(io.BytesIO(answer.data))
    sheet = book["企业名单"]
    sheet.append([1, "青岭0001号装备有限公司", nasty.code(1), "昆都仑区"])
    stream = io.BytesIO()
    book.save(stream)
    page = li.get(uploaded(li, stream.getvalue())).text
    assert "入库 1 行" in page
    assert "示例行" in li.get(f"{uploaded(li, stream.getvalue())}?show=skipped").text


def test_a_second_ledger_in_the_same_file_is_not_passed_over_in_silence(li):
    stream = io.BytesIO()
    with xlsxwriter.Workbook(stream, {"in_memory": True}) as book:
        for name, number in (("一团", 1), ("二团", 2)):
            sheet = book.add_worksheet(name)
            sheet.write_row(0, 0, ("企业名称", "统一社会信用代码", "所属旗县区"))
            sheet.write_row(1, 0, (f"青岭000{number}号装备有限公司", nasty.code(number), "昆都仑区"))
        book.add_worksheet("填表说明").write(0, 0, "每家企业一行")
    page = li.get(uploaded(li, stream.getvalue())).text
    assert "只读了工作表“一团”。二团也像企业台账，没有读" in page and "入库 1 行" in page


def test_choices_and_colours_after_the_cells_are_not_read_into_the_last_of_them(li):
    """As Excel writes them: after the rows, with texts and formulas of their own."""
    stream = io.BytesIO()
    with xlsxwriter.Workbook(stream, {"in_memory": True}) as book:
        sheet = book.add_worksheet("名单")
        rows = [
            ("企业名称", "统一社会信用代码", "所属旗县区", "联系人"),
            ("青岭0001号装备有限公司", nasty.code(1), "昆都仑区", "刘工"),
        ]
        for at, row in enumerate(rows):
            sheet.write_row(at, 0, row)
        sheet.data_validation("C2:C9", {"validate": "list", "source": ["昆都仑区", "东河区"]})
        red = book.add_format({"bg_color": "#ffcccc"})
        sheet.conditional_format("A2:A9", {"type": "formula", "criteria": "=LEN($A2)>50", "format": red})
    assert "入库 1 行" in li.get(uploaded(li, stream.getvalue())).text


def test_a_preview_costs_few_queries_at_any_size(li, app):
    def queries(url):
        with app.app_context():
            engine = db.engine
        with asked(engine) as statements:
            assert li.get(url).status_code == 200
        return len(statements)

    small = uploaded(li, nasty.workbook([nasty.enterprise(n) for n in range(1, 30)]))
    large = uploaded(li, nasty.workbook([nasty.enterprise(n) for n in range(1, 900)]))
    assert queries(small) == queries(large) <= 5
    assert len(li.get(f"{large}?show=all&page=3").text) < 150_000


def test_pages_and_filters(li):
    address = uploaded(li, nasty.workbook([nasty.enterprise(n) for n in range(1, 61)]))
    first = li.get(f"{address}?show=all").text
    assert "第 1–25 条，共 60 条" in first
    assert "第 51–60 条，共 60 条" in li.get(f"{address}?show=all&page=99").text
    assert li.get(f"{address}?show=nonsense").status_code == 404
    assert "没有需要看的行" in li.get(address).text


def test_the_ledgers_of_the_office_go_in_whole(li, zhou):
    """Each lead takes their own region out of the same file; 488 of 490 rows are good, the rest belongs to others."""
    data = (LEDGERS / "sample-ledger.xlsx").read_bytes()
    page = confirm(li, uploaded(li, data, "台账.xlsx")).text
    mine = int(re.search(r"新增 (\d+) 家", page).group(1))
    page = confirm(zhou, uploaded(zhou, data, "台账.xlsx")).text
    theirs = int(re.search(r"新增 (\d+) 家", page).group(1))
    assert (mine, theirs) == (59, 48)
    assert (
        count(Enterprise) == len(people.ENTERPRISES) + mine + theirs
    )  # none of the cast's own is among them
    answer = li.get(uploaded(li, (LEDGERS / "sample-ledger-gbk.csv").read_bytes(), "台账.csv"))
    assert "GBK 编码" in answer.text


def test_a_ledger_with_one_damaged_character_is_imported_but_for_that_row(li):
    data = (LEDGERS / "sample-ledger-gbk.csv").read_bytes()
    where = data.index("长川矿山机械有限公司".encode("gbk"))  # in a region of this lead's
    page = li.get(uploaded(li, data[: where + 1] + data[where + 2 :], "台账.csv")).text
    assert "GBK 编码" in page and "坏掉的字" in page and "请对照原来的表改好这一格再传" in page
    rows = r"下载 (\d+) 行，带原因"
    refused = int(re.search(rows, page).group(1))
    whole = li.get(uploaded(li, data, "台账.csv")).text
    assert refused == int(re.search(rows, whole).group(1)) + 1


def test_a_new_region_of_another_team_is_told_before_it_is_written(app, tmp_path, li):
    """Who leads both may do it; the officer who serves it now is not forgotten over it."""
    with app.app_context(), writing():
        second = db.session.scalar(sa.select(Team).where(Team.name == "二队"))
        second.leads.append(db.session.scalar(sa.select(User).where(User.username == "li")))
        db.session.commit()
    name, uscc, *_rest = people.ENTERPRISES["huaxing"]
    rows = [
        nasty.enterprise(1, 企业名称=name, 统一社会信用代码=uscc, 所属旗县区=region)
        for region in ("昆都仑区", "固阳县")
    ]
    stays = li.get(uploaded(li, nasty.workbook(rows[:1]))).text
    assert "交接过去" not in stays
    moves = li.get(uploaded(li, nasty.workbook(rows[1:]))).text
    assert "换到固阳县以后归二队，现在的干部要把它交接过去" in moves
    assert "请核对" in moves


def test_the_command_imports_and_tells_every_reason(app, tmp_path):
    file = tmp_path / "名单.xlsx"
    file.write_bytes(nasty.workbook(ROWS))
    run = app.test_cli_runner()
    told = run.invoke(args=["import-enterprises", str(file), "--as", "li"])
    assert told.exit_code == 0, told.output
    for words in ("新增 3", "不能入库 2", "只有 17 位", "第 4 行"):
        assert words in told.output
    assert enterprise(nasty.code(4)) is None  # 固阳县 is not li's
    told = run.invoke(args=["import-enterprises", str(file)])  # the machine's own hand reaches everywhere
    assert "新增 1" in told.output
    assert enterprise(nasty.code(4)).team_id is not None
    again = everything()
    told = run.invoke(args=["import-enterprises", str(file)])
    assert "新增 0，更新 0，不变 4" in told.output
    assert everything() == again


def test_the_command_refuses_in_words(app, tmp_path):
    file = tmp_path / "老.xls"
    file.write_bytes(nasty.old_excel())
    run = app.test_cli_runner()
    for arguments, words in (
        (["--as", "zhao"], "not a lead"),
        (["--as", "nobody"], "no active user"),
        ([], "另存为"),
    ):
        told = run.invoke(args=["import-enterprises", str(file), *arguments])
        assert told.exit_code == 1
        assert words in told.output


def test_progress_is_told_while_writing_and_gone_afterwards(li, app):
    from fieldapp.imports import progress

    address = uploaded(li, nasty.workbook(ROWS))
    number = int(address.rsplit("/", 1)[1])
    quiet = li.get(f"{address}/progress")
    assert quiet.status_code == 200
    assert "<progress" not in quiet.text
    assert "<html" not in quiet.text
    with app.app_context():
        publish = progress.Publisher(number)
        publish(2, 3)
    told = li.get(f"{address}/progress").text
    assert '<progress max="3" value="2"' in told
    assert "正在入库：2 / 3 行" in told
    confirm(li, address)
    with app.app_context():
        assert progress.read(number) is None


def test_a_second_person_confirming_the_same_codes_changes_nothing_twice(li, zhou):
    """Two leads hold previews of the same sheet; each writes their own part, once."""
    rows = [nasty.enterprise(1), nasty.enterprise(2, 所属旗县区="固阳县")]
    ours, theirs = uploaded(li, nasty.workbook(rows)), uploaded(zhou, nasty.workbook(rows))
    confirm(li, ours)
    confirm(zhou, theirs)
    assert count(Enterprise, Enterprise.uscc.in_([nasty.code(1), nasty.code(2)])) == 2
