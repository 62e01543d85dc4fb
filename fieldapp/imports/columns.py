"""Which row is the header, which column is which field, in which unit and of which year.

A mapping is data: it is found here, shown to the person, changed by them and kept with the batch as plain JSON.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from fieldapp.imports.sheets import Book, CellError, Grid
from fieldapp.languages import N_

# field: its label. The order is the order of the choices on the page.
FIELDS: dict[str, str] = {
    "name": N_("企业名称"),
    "uscc": N_("信用代码"),
    "region": N_("旗县区"),
    "address": N_("地址"),
    "industry": N_("行业"),
    "lng": N_("经度"),
    "lat": N_("纬度"),
    "lnglat": N_("经纬度（一格两数）"),
    "crs": N_("坐标系"),
    "contact_name": N_("联系人"),
    "contact_title": N_("职务"),
    "contact_phone": N_("联系电话"),
    "second_phone": N_("备用电话"),
    "staff": N_("职工人数"),
    "revenue": N_("营业收入"),
    "rd_spend": N_("研发费用"),
    "cost": N_("营业成本"),
    "high_tech_revenue": N_("高新技术产品收入"),
    "net_assets": N_("净资产"),
    "assets": N_("资产总计"),
    "liabilities": N_("负债合计"),
    "rd_staff": N_("研发人员数"),
    "graduates": N_("本科以上人数"),
    "above_scale": N_("是否规上"),
    "hnte": N_("是否高企"),
    "hnte_number": N_("高企证书编号"),
    "hnte_from": N_("高企发证日期"),
    "hnte_to": N_("高企有效期至"),
    "tech_sme": N_("是否科小"),
    "short_name": N_("简称"),
    "former_names": N_("曾用名"),
    "tags": N_("标签"),
}
NOT_IMPORTED = ""  # the choice “不导入”
MONEY = ("revenue", "rd_spend", "cost", "high_tech_revenue", "net_assets", "assets", "liabilities")
COUNTS = ("staff", "rd_staff", "graduates")
YEARLY = (*MONEY, *COUNTS, "above_scale")
REQUIRED = ("name", "uscc")

# unit: how many 万元 one of it is
UNITS: dict[str, Decimal] = {
    N_("元"): Decimal("0.0001"),
    N_("千元"): Decimal("0.1"),
    N_("万元"): Decimal(1),
    N_("百万元"): Decimal(100),
    N_("千万元"): Decimal(1000),
    N_("亿元"): Decimal(10_000),
}

# What offices write above a column, by field; compared without spaces, brackets, units and years.
_SYNONYMS: dict[str, str] = {
    "name": (
        "企业名称 单位名称 单位详细名称 企业详细名称 企业全称 单位全称 公司名称 名称 企业 企业名 "
        "单位 法人单位名称 调查单位名称 企业（单位）名称 企业单位名称 纳税人名称 市场主体名称 "
        "经营主体名称 主体名称 申报单位 申报企业 规上企业名称"
    ),
    "uscc": (
        "统一社会信用代码 信用代码 社会信用代码 统一信用代码 统一代码 社会统一信用代码 "
        "统一社会信用代码证号 法人代码 法人单位代码 组织机构代码 纳税人识别号 税号 机构代码 "
        "单位代码"
    ),
    "region": (
        "所属旗县区 所在旗县区 旗县区 旗县 所属旗县 所在旗县 区域 所在地 所属区域 所在区域 属地 "
        "所属地区 所在地区 地区 区县 县区 所属区县 所在区县 所属县区 所在县区 县市区 县区市 "
        "所属县市区 所在县市区 行政区 行政区划 行政区域 县 旗 区 注册地 归属地 所属地 区划 "
        "旗县市区 所属旗县市区 所在旗县市区 辖区"
    ),
    "address": (
        "地址 企业地址 单位地址 详细地址 注册地址 经营地址 生产地址 办公地址 通讯地址 通信地址 "
        "厂址 住所 生产经营地址 单位详细地址"
    ),
    "industry": (
        "行业代码 行业 所属行业 行业小类 行业类别 国民经济行业 国民经济行业代码 国民经济行业分类 "
        "行业分类 行业小类代码 行业大类 行业中类 所属行业代码"
    ),
    "lng": "经度 东经 lng lon longitude x坐标 经度坐标",
    "lat": "纬度 北纬 lat latitude y坐标 纬度坐标",
    "lnglat": "经纬度 坐标 经纬度坐标 地理坐标 位置坐标 坐标经度纬度 经度纬度 定位",
    "crs": "坐标系 坐标系统 坐标类型 坐标标准 crs",
    "contact_name": (
        "联系人 联系人姓名 姓名 企业联系人 单位联系人 负责人 企业负责人 主要负责人 法定代表人 "
        "法人代表 法人 对接人 填报人 经办人"
    ),
    "contact_title": "职务 职位 联系人职务 岗位 职称",
    "contact_phone": (
        "联系电话 电话 手机 手机号 手机号码 联系方式 联系人电话 联系人手机 移动电话 电话号码 "
        "联系手机 负责人电话 企业电话 单位电话 联系人联系电话 联系人联系方式"
    ),
    "second_phone": "备用电话 办公电话 座机 固定电话 固话 其他电话 电话2 联系电话2 手机2 第二电话",
    "staff": (
        "从业人数 职工人数 从业人员期末数 从业人员 从业人员数 员工人数 职工总数 员工总数 员工数 "
        "人数 期末从业人员 平均用工人数 从业人员平均人数 期末用工人数 职工数 用工人数 "
        "从业人员期末人数"
    ),
    "revenue": (
        "营业收入 主营业务收入 营业总收入 收入 销售收入 全年营业收入 营收 年营业收入 主营收入 年营收"
    ),
    "rd_spend": (
        "研发费用 研发投入 研发经费 研究开发费用 r&d经费 r&d费用 r&d经费支出 研发支出 "
        "研究与试验发展经费 rd经费 研发经费支出 研发经费投入 r&d投入"
    ),
    "cost": "营业成本 主营业务成本",
    "high_tech_revenue": "高新技术产品收入 高新技术产品服务收入 高新产品收入 高新收入",
    "net_assets": "净资产 所有者权益 所有者权益合计 净资产总额",
    "assets": "资产总计 资产总额 总资产",
    "liabilities": "负债合计 负债总额 总负债 负债总计",
    "rd_staff": "研发人员数 研发人员 研发人数 科技人员 科技人员数 r&d人员 科研人员",
    "graduates": "本科以上人数 本科以上 本科及以上人数 大学本科以上 大专以上人数",
    "above_scale": "是否规上 规上 是否规上企业 规上企业 是否规模以上",
    "hnte": ("是否高企 高企 是否高新技术企业 高新技术企业 是否为高新技术企业 高新企业 是否高新 是否为高企"),
    "hnte_number": "高企证书编号 高新技术企业证书编号 证书编号 高企编号",
    "hnte_from": "高企发证日期 发证日期 发证时间 高企发证时间 认定日期 高企认定日期 高企认定时间",
    "hnte_to": "高企有效期至 有效期至 有效期 高企有效期 证书有效期 到期日期 高企到期日期 高企到期时间",
    "tech_sme": "是否科小 科小 科技型中小企业 是否科技型中小企业 是否为科技型中小企业",
    "short_name": "简称 企业简称 单位简称 公司简称",
    "former_names": "曾用名 曾用名称 企业曾用名 原名 原名称 原企业名称 更名前名称 历史名称",
    "tags": "标签 企业标签 标记",
}
_EXACT = {
    word: name
    for name, words in _SYNONYMS.items()
    for word in words.replace("（", "").replace("）", "").split()
}

# Looser: the header contains these words. Tried in this order; the person sees that it was a guess.
_CONTAINS: tuple[tuple[str, str], ...] = (
    ("信用代码", "uscc"),
    ("曾用名", "former_names"),
    ("简称", "short_name"),
    ("旗县", "region"),
    ("企业名称", "name"),
    ("单位名称", "name"),
    ("公司名称", "name"),
    ("单位详细名称", "name"),
    ("行业代码", "industry"),
    ("坐标系", "crs"),
    ("经纬度", "lnglat"),
    ("经度", "lng"),
    ("纬度", "lat"),
    ("高新技术产品", "high_tech_revenue"),
    ("营业收入", "revenue"),
    ("主营业务收入", "revenue"),
    ("研发费用", "rd_spend"),
    ("研发经费", "rd_spend"),
    ("研发投入", "rd_spend"),
    ("从业人员", "staff"),
    ("职工人数", "staff"),
    ("从业人数", "staff"),
    ("联系电话", "contact_phone"),
    ("手机", "contact_phone"),
    ("联系方式", "contact_phone"),
    ("联系人", "contact_name"),
    ("详细地址", "address"),
    ("企业地址", "address"),
)
# A column about change, share or rank is not the figure itself.
_NOT_THE_FIGURE = re.compile(
    r"增速|增长|增幅|同比|环比|占比|比重|比例|强度|排名|目标|计划|预计|预测|是否|减免|加计|备注|说明|编码说明|原因|上年同期|去年同期|累计增"
)

_SEPARATORS = re.compile(r"[\s　*＊:：。、,，;；\-—_·“”\"'‘’#]+")
_BRACKETS = re.compile(r"[（(\[【〔{]([^（）()\[\]【】〔〕{}]*)[）)\]】〕}]")
_YEAR = re.compile(r"((?:19|20)\d\d)\s*年?(?:度)?")
_UNIT = re.compile(r"(百万元|千万元|亿元|万元|千元|元|百万|千万|亿|万)$")
_UNIT_ANYWHERE = re.compile(r"百万元|千万元|亿元|万元|千元|元")


@dataclass(frozen=True, slots=True)
class Header:
    """What one column's heading says. `field` is empty when it says nothing we know; `sure` is False for a guess."""

    text: str
    field: str = NOT_IMPORTED
    unit: str | None = None
    year: int | None = None
    sure: bool = True


@dataclass(frozen=True, slots=True)
class Mapping:
    """How a sheet is read: 0-based column → field, unit and year, and which rows are above the data.

    `first_row` and `header_rows` are 0-based rows of the grid. `year` and `unit` are the sheet's own, for columns
    that state none; `year_stated` and `unit_stated` are False where neither the column nor the sheet said so.
    """

    sheet: str
    header_rows: tuple[int, ...]
    first_row: int
    headers: dict[int, str]
    columns: dict[int, str]
    units: dict[int, str] = field(default_factory=dict)
    years: dict[int, int] = field(default_factory=dict)
    sure: dict[int, bool] = field(default_factory=dict)
    unit_stated: bool = True
    year_stated: bool = True

    def column_of(self, name: str) -> int | None:
        """The first column read as this field, or None."""
        return next((column for column, mapped in sorted(self.columns.items()) if mapped == name), None)

    def missing(self) -> list[str]:
        """Fields without which no row can be read."""
        return [name for name in REQUIRED if self.column_of(name) is None]

    def doubled(self) -> list[str]:
        """Fields (with their year) that two columns claim."""
        claims: dict[tuple[str, int | None], int] = {}
        for column, name in self.columns.items():
            if name:
                key = (name, self.years.get(column) if name in YEARLY else None)
                claims[key] = claims.get(key, 0) + 1
        return sorted({name for (name, _), count in claims.items() if count > 1})

    def changed(
        self,
        columns: dict[int, str],
        units: dict[int, str] | None = None,
        years: dict[int, int] | None = None,
        last_year: int | None = None,
    ) -> Mapping:
        """The same sheet read the way the person says; unknown columns, fields and units are ignored.

        A yearly column for which nothing names a year is taken for `last_year`'s, as the page says.
        """
        chosen = {
            column: columns.get(column, mapped)
            for column, mapped in self.columns.items()
            if columns.get(column, mapped) in FIELDS or not columns.get(column, mapped)
        }
        fallback = next(iter(self.years.values()), last_year)
        new_units, new_years = {}, {}
        for column, name in chosen.items():
            if name in MONEY:
                wanted = (units or {}).get(column)
                new_units[column] = wanted if wanted in UNITS else self.units.get(column, "万元")
            if name in YEARLY:
                year = (years or {}).get(column) or self.years.get(column) or fallback
                if year:
                    new_years[column] = year
        return replace(
            self,
            columns=chosen,
            units=new_units,
            years=new_years,
            sure={
                column: self.sure.get(column, True) or columns.get(column) is not None for column in chosen
            },
        )

    def as_json(self) -> dict[str, Any]:
        return {
            "sheet": self.sheet,
            "header_rows": list(self.header_rows),
            "first_row": self.first_row,
            "headers": {str(column): text for column, text in self.headers.items()},
            "columns": {str(column): name for column, name in self.columns.items()},
            "units": {str(column): unit for column, unit in self.units.items()},
            "years": {str(column): year for column, year in self.years.items()},
            "sure": {str(column): sure for column, sure in self.sure.items()},
            "unit_stated": self.unit_stated,
            "year_stated": self.year_stated,
        }

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Mapping:
        return cls(
            sheet=stored["sheet"],
            header_rows=tuple(stored["header_rows"]),
            first_row=stored["first_row"],
            headers={int(column): text for column, text in stored["headers"].items()},
            columns={int(column): name for column, name in stored["columns"].items()},
            units={int(column): unit for column, unit in stored["units"].items()},
            years={int(column): year for column, year in stored["years"].items()},
            sure={int(column): sure for column, sure in stored["sure"].items()},
            unit_stated=stored["unit_stated"],
            year_stated=stored["year_stated"],
        )


def tidy(value: object) -> str:
    """A heading as compared: half-width, lower case, without spaces and ornaments."""
    if value is None or isinstance(value, CellError):
        return ""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return _SEPARATORS.sub("", unicodedata.normalize("NFKC", str(value))).lower()


def read_heading(text: object) -> Header:
    """The field, unit and year that a heading states."""
    shown = re.sub(r"(?<=[^\x00-\x7f])\s+(?=[^\x00-\x7f])", "", re.sub(r"\s+", " ", str(text or "")).strip())
    if re.match(r"(?:计量|货币|金额)?单位\s*[:：]", shown):  # 单位：千元 is about the sheet, not a column
        return Header(shown)
    bare = unicodedata.normalize("NFKC", str(text or "")).lower()
    year = None
    if found := _YEAR.search(bare):
        year = int(found.group(1))
        bare = bare[: found.start()] + bare[found.end() :]
    unit = None
    for inside in _BRACKETS.findall(bare):
        said = re.sub(r"^单位|\s|:|：", "", inside)
        if said in UNITS:
            unit = said
        elif (match := _UNIT.search(said)) and len(said) <= 6:
            unit = _full_unit(match.group(1))
    without = tidy(_BRACKETS.sub("", bare))
    whole = tidy(re.sub(r"[（）()\[\]【】]", "", bare))
    if unit is None and (match := re.search(r"(百万元|千万元|亿元|万元|千元|元)$", without)):
        unit = match.group(1)
        without = without[: match.start()]
    for candidate in (without, whole, re.sub(r"^(其中|本年|全年|上年|年度|年末|期末|年)", "", without)):
        candidate = candidate.removesuffix("人数单位人") or candidate
        if candidate in _EXACT:
            return Header(shown, _EXACT[candidate], unit, year)
    if without and not _NOT_THE_FIGURE.search(without) and len(without) <= 24:
        for words, name in _CONTAINS:
            if words in without:
                return Header(shown, name, unit, year, sure=False)
    return Header(shown, NOT_IMPORTED, unit, year)


def _full_unit(unit: str) -> str | None:
    return (
        unit if unit in UNITS else {"百万": "百万元", "千万": "千万元", "亿": "亿元", "万": "万元"}.get(unit)
    )


_NO_NAME = {"人", "个", "家", "%", "名", "度"}  # units of counts, in a row of their own under the names
_HEAD_SEARCH = 30  # rows from the top among which the header is looked for
_WEIGHT = {"name": 3, "uscc": 3, "region": 2}


def choose(book: Book, this_year: int) -> Mapping | None:
    """The mapping of the sheet whose header says most, or None when no sheet has one. The year is the office's."""
    best: tuple[int, Mapping] | None = None
    for grid in book.grids:
        found = find_mapping(grid, this_year)
        if found and (best is None or found[0] > best[0]):
            best = found
    return best[1] if best else None


def other_ledgers(book: Book, mapping: Mapping, this_year: int) -> list[str]:
    """Names of the sheets that look like ledgers, too, and are not the one that is read."""
    return [grid.name for grid in book.grids if grid.name != mapping.sheet and find_mapping(grid, this_year)]


def bare_mapping(book: Book, this_year: int) -> Mapping | None:
    """For a sheet whose headings say nothing: its first row of words, with no column mapped; the person may do it."""
    for grid in book.grids:
        width = max((len(row) for row in grid.rows[:_HEAD_SEARCH]), default=0)
        for row in range(min(_HEAD_SEARCH, len(grid.rows) - 1)):
            words = sum(1 for value in grid.rows[row] if isinstance(value, str))
            if words >= 2 and words * 2 >= width:
                return _mapping(grid, (row,), _headings(grid, (row,), width), this_year)
    return None


def find_mapping(grid: Grid, this_year: int) -> tuple[int, Mapping] | None:
    """(score, mapping) of a sheet; None when no row in its head looks like a header."""
    best: tuple[tuple[int, int], tuple[int, ...], list[Header]] | None = None
    width = max((len(row) for row in grid.rows[: _HEAD_SEARCH + 3]), default=0)
    for row in range(min(_HEAD_SEARCH, len(grid.rows))):
        for depth in (1, 2, 3):
            rows = tuple(range(row, row + depth))
            if rows[-1] >= len(grid.rows) or (depth > 1 and not _may_be_header(grid, rows[-1], width)):
                break
            headers = _headings(grid, rows, width)
            score = (_score(headers), -depth)  # of two that say the same, the shorter header
            if best is None or score > best[0]:
                best = (score, rows, headers)
    found = {header.field for header in best[2]} - {NOT_IMPORTED} if best else set()
    if best is None or len(found) < 2 or not found & {"name", "uscc"}:
        return None
    score, rows, headers = best
    return score[0], _mapping(grid, rows, headers, this_year)


def _may_be_header(grid: Grid, row: int, width: int) -> bool:
    """A second header row holds words, not figures, and nothing that is somebody's data."""
    cells = [grid.at(row, column) for column in range(width)]
    words = [tidy(cell) for cell in cells if cell is not None]
    if not words or any(
        isinstance(cell, (float, int)) and not isinstance(cell, bool) and not 1990 <= cell <= 2100
        for cell in cells
    ):
        return False
    return not any(
        re.search(r"[0-9a-z]{15,}|\d{7,}|^[-+]?\d+(\.\d+)?$|有限公司|有限责任|合作社|集团$|厂$", word)
        for word in words
    )


def _headings(grid: Grid, rows: tuple[int, ...], width: int) -> list[Header]:
    headings = []
    for column in range(width):
        texts: list[str] = []
        for row in rows:
            origin = grid.merged.get((row, column), (row, column))
            value = grid.at(*origin)
            text = "" if value is None or isinstance(value, CellError) else str(value).strip()
            # A title merged over the whole width says nothing about a column.
            if origin != (row, column) and origin[1] != column and _spans_sheet(grid, origin, width):
                text = ""
            if text and text not in texts and not (texts and tidy(text) in _NO_NAME):
                texts.append(text)
        whole = read_heading(" ".join(texts))
        lower = read_heading(texts[-1]) if len(texts) > 1 else whole
        if lower.field and (not whole.field or (lower.sure and not whole.sure)):
            # The lower line alone may be the name (基本情况 / 企业名称), the upper one give year or unit.
            whole = Header(
                whole.text, lower.field, lower.unit or whole.unit, lower.year or whole.year, lower.sure
            )
        if len(texts) > 1 and (lower.field, lower.unit, lower.year) == (whole.field, whole.unit, whole.year):
            whole = replace(whole, text=lower.text)  # the group's name adds nothing
        headings.append(whole)
    return headings


def _spans_sheet(grid: Grid, origin: tuple[int, int], width: int) -> bool:
    covered = sum(1 for column in range(width) if grid.merged.get((origin[0], column)) == origin)
    return covered + 1 > max(6, width * 0.6)


def _score(headers: list[Header]) -> int:
    seen: dict[tuple[str, int | None], int] = {}
    for header in headers:
        if header.field:
            weight = _WEIGHT.get(header.field, 1) * (2 if header.sure else 1)
            key = (header.field, header.year if header.field in YEARLY else None)
            seen[key] = max(seen.get(key, 0), weight)
    stated = sum(1 for header in headers if header.field in MONEY and header.unit)
    return sum(seen.values()) + stated


def _mapping(grid: Grid, rows: tuple[int, ...], headers: list[Header], this_year: int) -> Mapping:
    above = [tidy(value) for row in grid.rows[: rows[0]] for value in row if value is not None]
    sheet_unit = _sheet_unit(above)
    sheet_year = next((int(found.group(1)) for text in above if (found := _YEAR.search(text))), None)
    columns: dict[int, str] = {}
    units: dict[int, str] = {}
    years: dict[int, int] = {}
    sure: dict[int, bool] = {}
    taken: dict[tuple[str, int | None], int] = {}
    unit_stated = year_stated = True
    for column, header in enumerate(headers):
        name = header.field
        if not name and not header.text and not _has_values(grid, rows[-1] + 1, column):
            continue
        year = None
        if name in YEARLY:
            year = header.year or sheet_year
            # A head count without a year is today's; money without one is last year's until somebody says otherwise.
            if year is None:
                year = this_year - 1
                if name in MONEY:
                    year_stated = False
        key = (name, year)
        if name and key in taken:
            if name == "contact_phone":
                name = "second_phone"
                key = (name, None)
            if key in taken:
                if sure[taken[key]] or not header.sure:
                    name = NOT_IMPORTED
                else:  # the better heading wins the field
                    loser = taken[key]
                    columns[loser] = NOT_IMPORTED
                    units.pop(loser, None)
                    years.pop(loser, None)
        columns[column] = name
        sure[column] = header.sure
        if name:
            taken[key] = column
        if name in MONEY:
            if header.unit is None and sheet_unit is None:
                unit_stated = False
            units[column] = header.unit or sheet_unit or "万元"
        if name in YEARLY and year is not None:
            years[column] = year
    return Mapping(
        sheet=grid.name,
        header_rows=rows,
        first_row=rows[-1] + 1,
        headers={column: headers[column].text for column in columns},
        columns=columns,
        units=units,
        years=years,
        sure=sure,
        unit_stated=unit_stated,
        year_stated=year_stated,
    )


def _has_values(grid: Grid, first: int, column: int) -> bool:
    return any(grid.at(row, column) is not None for row in range(first, min(first + 200, len(grid.rows))))


def _sheet_unit(above: list[str]) -> str | None:
    """The unit of a row like 单位：万元、人 above the header; not of 填报单位：…"""
    for text in above:
        for said in re.findall(r"(?<![报制编主])(?:金额|计量|货币)?单位(.*)", text):
            if found := _UNIT_ANYWHERE.search(said):
                return found.group(0)
    return next((text for text in above if text in UNITS), None)
