"""One cell at a time: what is read, what is repaired and shown, what is refused and why."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum.cn import uscc as stdnum_uscc

from fieldapp.imports.credit_codes import USCC_ALPHABET, read_uscc, uscc_check, uscc_fault
from fieldapp.imports.industries import read_industry
from fieldapp.imports.numbers import money_reader, read_count, read_date
from fieldapp.imports.phones import read_phones
from fieldapp.imports.places import read_crs, read_degrees, read_pair
from fieldapp.imports.readings import Kind
from fieldapp.imports.regions import KnownRegion, region_reader
from fieldapp.imports.sheets import CellError
from fieldapp.imports.texts import clean_text, read_name, read_names, read_text, read_yes
from tests.ledgers import nasty

SAME = object()  # taken as it stands, nothing to show


def check(reading, value, said):
    """`said` is SAME, or words of the one sentence about the cell."""
    assert reading.value == value
    if said is SAME:
        assert reading.notes == []
    else:
        assert said in " ".join(note.plain() for note in reading.notes)


# --- credit codes ---------------------------------------------------------------------------------------------------


@given(st.text(alphabet=USCC_ALPHABET, min_size=9, max_size=9), st.integers(0, 999_999))
def test_the_check_character_is_that_of_gb_32100(organisation, region):
    """Written out from the standard: weights 3^(i-1) mod 31, character 31 - sum mod 31."""
    first = f"91{region:06d}{organisation}"
    weights = [3**place % 31 for place in range(17)]
    total = sum(USCC_ALPHABET.index(letter) * weight for letter, weight in zip(first, weights, strict=True))
    expected = USCC_ALPHABET[(31 - total % 31) % 31]
    assert uscc_check(first) == expected
    assert stdnum_uscc.is_valid(first + expected)
    assert uscc_fault(first + expected) is None


@given(st.integers(0, 999_999), st.integers(8, 17), st.sampled_from(USCC_ALPHABET))
def test_one_mistyped_character_is_always_found(number, place, letter):
    code = nasty.code(number)
    wrong = code[:place] + letter + code[place + 1 :]
    assert (uscc_fault(wrong) is None) == (wrong == code)


GOOD = "91150223X01HB0YG5E"


@pytest.mark.parametrize(
    ("raw", "value", "said"),
    [
        (GOOD, GOOD, SAME),
        (GOOD.lower(), GOOD, "小写改大写"),
        (f" {GOOD}　", GOOD, "去掉空格"),
        ("9115 0223 X01H B0YG 5E", GOOD, "去掉空格"),
        ("91150223-X01HB0YG5-E", GOOD, "统一写法"),
        (f"'{GOOD}", GOOD, "统一写法"),
        ("９１１５０２２３X01HB0YG5E", GOOD, "全角改半角"),
        (f"{GOOD}\u200b", GOOD, "统一写法"),
        ("N2150203MF00000012", None, None),
        ("911502235RKHW09U4A", None, "末位是 A，按规则应为 M"),
        ("91150223X01HBOYG5E", None, f"是 {GOOD} 吗"),
        ("91150223X01HB0YG5", None, "只有 17 位，可能掉了一位"),
        ("91150223X01HB0YG5EE", None, "多了 1 位"),
        ("91150223X10HB0YG5E", None, "前面 17 位里也像有写错的"),
        ("150200000012345", None, "老注册号"),
        ("MA0ABCDE1", None, "组织机构代码"),
        ("1234", None, "只有 4 位"),
        ("9115022企X01HB0YG5E", None, "不该有的字符“企”"),
        (9.115022300000001e17, None, "存成了数字"),
        (CellError("#N/A"), None, "#N/A"),
        (CellError("9115\ufffd", damaged=True), None, "坏掉的字"),
        (None, None, SAME),
        ("—", None, SAME),
        ("  ", None, SAME),
    ],
)
def test_credit_codes(raw, value, said):
    reading = read_uscc(raw)
    if said is None:  # a cooperative's code (authority N) is as good as a company's
        assert not any("登记机关" in note.text for note in reading.notes)
    elif value is None and said is not SAME:
        assert reading.refused
        check(reading, reading.value, said)
    else:
        check(reading, value, said)


# --- names, text, yes and no ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw", "value", "said"),
    [
        ("云河化工（集团）有限公司", "云河化工（集团）有限公司", SAME),
        ("云河化工(集团)有限公司", "云河化工（集团）有限公司", "括号"),
        ("　东岭化工股份有限公司 ", "东岭化工股份有限公司", "去掉空格"),
        ("远岫环境工程 有限公司", "远岫环境工程有限公司", "去掉空格"),
        ("ＡＢＢ电机有限公司", "ABB电机有限公司", "全角"),
        ("ABB Motors 有限公司", "ABB Motors有限公司", "去掉空格"),
        ("ABB Motors", "ABB Motors", SAME),
        ("东岭\n化工有限公司", "东岭化工有限公司", "去掉空格"),
        ("东岭\u200b化工有限公司", "东岭化工有限公司", "看不见"),
        ("⼀帆有限公司", "一帆有限公司", "全角"),  # a Kangxi radical, as copied out of a PDF
        ("甲、乙，丙有限公司", "甲、乙，丙有限公司", SAME),
        ("云河化工（集团有限公司", "云河化工（集团有限公司", "不成对"),
        ("-", None, SAME),
        (None, None, SAME),
    ],
)
def test_names(raw, value, said):
    check(read_name(raw), value, said)


@pytest.mark.parametrize("raw", ["123", "…", "甲" * 121])
def test_what_is_no_name_is_refused(raw):
    assert read_name(raw).refused


@given(st.text(max_size=60))
def test_any_text_can_be_cleaned_and_is_clean_afterwards(text):
    once = clean_text(text)
    assert clean_text(once) == once


@pytest.mark.parametrize(
    "raw", ["－", "-", "—", "——", "/", "无", "暂无", "N/A", "n/a", "null", "未知", "*", "\\"]
)
def test_ways_to_write_nothing(raw):
    for reader in (read_text, read_count, money_reader("万元"), read_degrees):
        reading = reader(raw)
        assert reading.value is None
        assert [note.kind for note in reading.notes] == [Kind.REPAIR]
        assert reading.notes[0].before == raw


@pytest.mark.parametrize(
    ("raw", "value"), [("是", True), ("否", False), ("√", True), ("×", False), ("Y", True), (1.0, True), (0.0, False),
                       (True, True), ("无", False), (None, None), ("", None)]
)  # fmt: skip
def test_yes_and_no(raw, value):
    assert read_yes(raw).value is value


def test_neither_yes_nor_no_is_refused():
    assert read_yes("正在申报").refused


# --- numbers --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw", "unit", "value", "said"),
    [
        (33956.02, "万元", "33956.02", SAME),
        ("33956.02", "万元", "33956.02", SAME),
        (0.1 + 0.2, "万元", "0.30", SAME),
        (128400.0, "千元", "12840.00", SAME),
        (12345678.0, "元", "1234.57", SAME),
        (1.2, "亿元", "12000.00", SAME),
        ("1.25亿元", "万元", "12500.00", "按格子里写的单位"),
        ("1.25 亿", "万元", "12500.00", "按格子里写的单位"),
        ("8,640万元", "万元", "8640.00", "去掉单位"),
        ("3千万", "万元", "3000.00", "按格子里写的单位"),
        ("128,400 千元", "万元", "12840.00", "按格子里写的单位"),
        ("1,234,567.8", "万元", "1234567.80", "千分位"),
        ("1，234", "万元", "1234.00", "千分位"),
        ("1 234 567", "万元", "1234567.00", "千分位"),
        ("￥1200", "万元", "1200.00", "统一写法"),
        ("１２００", "万元", "1200.00", "统一写法"),
        ("1.2E+3", "万元", "1200.00", "统一写法"),
        ("(500)", "万元", "-500.00", "负数"),
        (-500.0, "万元", "-500.00", "负数"),
        (20_000_000.0, "万元", "20000000.00", "亿元"),
    ],
)
def test_money_becomes_wan_yuan(raw, unit, value, said):
    check(money_reader(unit)(raw), Decimal(value), said)


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        ("约3千万", "准确的数字"),
        ("1000余万元", "准确的数字"),
        ("12%", "百分比"),
        ("一千二百万", "要填数字"),
        ("1.2.3", "要填数字"),
        ("12,34", "要填数字"),
        ("100-200", "要填数字"),
        ("120美元", "要填数字"),
        ("见附件", "要填数字"),
        (True, "要填数字"),
        (datetime(2025, 1, 2), "日期"),
        (1e300, "太大"),
        (CellError("#VALUE!"), "#VALUE!"),
        (CellError(""), "公式"),
    ],
)
def test_money_is_never_guessed(raw, said):
    reading = money_reader("万元")(raw)
    assert reading.refused
    check(reading, None, said)


@given(st.decimals(-(10**9), 10**9, places=2), st.sampled_from(["{}", "{:,}", " {:,} ", "{}万元", "￥{}"]))
def test_money_reads_what_was_written(number, form):
    if number < 0 and "￥" in form:
        return
    assert money_reader("万元")(form.format(number)).value == number


@given(st.floats(-1e9, 1e9))
def test_money_from_a_number_cell_is_that_number(number):
    value = money_reader("万元")(number).value
    assert abs(value - Decimal(repr(number))) <= Decimal("0.005")


@given(st.text(max_size=30))
def test_no_reader_falls_over(text):
    for reader in (
        money_reader("千元"), read_count, read_phones, read_degrees, read_date,
        read_industry, read_uscc, read_name, read_crs, read_pair,
        read_yes, read_names, READ_REGION,
    ):  # fmt: skip
        for note in reader(text).notes:
            note.plain()


@pytest.mark.parametrize(
    ("raw", "value", "said"),
    [
        (120.0, 120, SAME),
        ("120", 120, SAME),
        ("约120人", 120, "大约"),
        ("120余人", 120, "大约"),
        ("120人左右", 120, "大约"),
        ("近1,200人", 1200, "大约"),
        ("120人", 120, "只留数字"),
        ("1,200", 1200, "千分位"),
        ("１２０", 120, "只留数字"),
        (400_000.0, 400_000, "对吗"),
    ],
)
def test_counts(raw, value, said):
    check(read_count(raw), value, said)


@pytest.mark.parametrize("raw", [120.5, -3.0, "100-200", "一百二", "120户", True, date(2025, 1, 2)])
def test_counts_are_never_guessed(raw):
    assert read_count(raw).refused


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (date(2023, 11, 9), date(2023, 11, 9)),
        (datetime(2023, 11, 9, 0, 0), date(2023, 11, 9)),
        (45239.0, date(2023, 11, 9)),
        ("2023-11-09", date(2023, 11, 9)),
        ("2023年11月9日", date(2023, 11, 9)),
        ("2023/11/9", date(2023, 11, 9)),
        ("20231109", date(2023, 11, 9)),
    ],
)
def test_days(raw, value):
    assert read_date(raw).value == value


@pytest.mark.parametrize("raw", ["2023.11", "2023-02-30", "2023年", "11/9", 5.0])
def test_what_is_no_day_is_refused(raw):
    assert read_date(raw).refused


# --- telephones -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw", "numbers", "said"),
    [
        ("13844103533", ["13844103533"], SAME),
        (13844103533.0, ["13844103533"], "存成了数字"),
        ("138-4410-3533", ["13844103533"], "去掉横线"),
        ("138 4410 3533", ["13844103533"], "去掉空格"),
        ("+86 13844103533", ["13844103533"], "统一写法"),
        ("１３８４４１０３５３３", ["13844103533"], "统一写法"),
        ("手机：13844103533", ["13844103533"], "统一写法"),
        ("18180036782、0472-5550123", ["18180036782", "0472-5550123"], "2 个号码"),
        ("0472-5550123/18180036782", ["18180036782", "0472-5550123"], "2 个号码"),
        ("18180036782 13844103533", ["18180036782", "13844103533"], "2 个号码"),
        ("18180036782\n13844103533", ["18180036782", "13844103533"], "2 个号码"),
        ("18180036782;18180036782", ["18180036782"], "统一写法"),
        ("0472-5550123", ["0472-5550123"], SAME),
        ("04725550123", ["0472-5550123"], "统一写法"),
        ("(0472)5550123", ["0472-5550123"], "统一写法"),
        ("0472－5550123", ["0472-5550123"], "统一写法"),
        ("010-62345678", ["010-62345678"], SAME),
        ("0472-5550123转801", ["0472-5550123-801"], "统一写法"),
        ("0472-5550123-801", ["0472-5550123-801"], SAME),
        ("400-810-8888", ["400-810-8888"], SAME),
        ("4008108888", ["400-810-8888"], "统一写法"),
        ("5550123", ["5550123"], "没有区号"),
    ],
)
def test_telephones(raw, numbers, said):
    check(read_phones(raw), numbers, said)


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        ("1384410353", "有 10 位"),
        ("138441035333", "有 12 位"),
        (1384410353.0, "有 10 位"),
        ("138****3533", "遮住"),
        (4725550123.0, "是 0472-5550123 吗"),
        ("李四13844103533", "夹着别的字"),
        ("12844103533", "不是电话号码"),
        ("见名片", "不是电话号码"),
        ("13844103533，138", "不是电话号码"),
        (CellError("#REF!"), "#REF!"),
        (True, "不是电话号码"),
    ],
)
def test_a_doubtful_number_is_refused_and_never_completed(raw, said):
    reading = read_phones(raw)
    assert reading.refused
    check(reading, None, said)


@given(st.lists(st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True), min_size=1, max_size=3, unique=True),
       st.sampled_from(["、", "，", " / ", "\n", ";"]))  # fmt: skip
def test_no_number_in_a_cell_is_lost(numbers, between):
    assert read_phones(between.join(numbers)).value == numbers


# --- regions, industries, places ------------------------------------------------------------------------------------

READ_REGION = region_reader(
    [
        KnownRegion("150202", "东河区"),
        KnownRegion("150203", "昆都仑区"),
        KnownRegion("150206", "白云鄂博矿区"),
        KnownRegion("150221", "土默特右旗"),
        KnownRegion("150121", "土默特左旗"),
        KnownRegion("150223", "达尔罕茂明安联合旗"),
        KnownRegion("150271", "高新区"),
    ]
)


@pytest.mark.parametrize(
    ("raw", "value", "said"),
    [
        ("昆都仑区", "昆都仑区", SAME),
        ("昆区", "昆都仑区", "写成全称"),
        ("昆都仑", "昆都仑区", "写成全称"),
        ("东河", "东河区", "写成全称"),
        ("达茂旗", "达尔罕茂明安联合旗", "写成全称"),
        ("达茂联合旗", "达尔罕茂明安联合旗", "写成全称"),
        ("土右旗", "土默特右旗", "写成全称"),
        ("白云矿区", "白云鄂博矿区", "写成全称"),
        ("包头市昆都仑区", "昆都仑区", "写成全称"),
        ("包头市达茂旗", "达尔罕茂明安联合旗", "写成全称"),
        ("150203", "昆都仑区", "写成全称"),
        (150203.0, "昆都仑区", "写成全称"),
        (" 东 河 区 ", "东河区", "去掉空格"),
        (None, None, SAME),
    ],
)
def test_regions(raw, value, said):
    check(READ_REGION(raw), value, said)


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        ("高薪区", "是高新区吗"),
        ("土默特旗", "可以是"),
        ("朝阳区", "不在名单里"),
        ("昆旗", "不在名单里"),
        ("区", "不在名单里"),
    ],
)
def test_a_region_that_could_be_two_or_none_is_refused(raw, said):
    reading = READ_REGION(raw)
    assert reading.refused
    check(reading, None, said)


@pytest.mark.parametrize(
    ("raw", "value", "said"),
    [
        ("C3511", "C3511", SAME),
        ("c3511", "C3511", "小写"),
        (3511.0, "C3511", "门类"),
        (610.0, "B0610", "门类"),
        ("C35", "C35", SAME),
        ("C3511 矿山机械制造", "C3511", "只留代码"),
        ("3511矿山机械制造", "C3511", "门类"),
        ("专用设备制造业", "C35", "行业名称"),
        ("稀土永磁", None, "没有导入"),
    ],
)
def test_industries(raw, value, said):
    check(read_industry(raw), value, said)


@pytest.mark.parametrize("raw", ["A3511", "C9911", "9999"])
def test_a_code_outside_the_standard_is_refused(raw):
    assert read_industry(raw).refused


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (110.532145, 110.532145),
        ("110.532145", 110.532145),
        ("110.532145°E", 110.532145),
        ("E110.532145", 110.532145),
        ("东经110.532145°", 110.532145),
        ("110°31′55.7″", 110.5321389),
        ("110°31'55.7\"", 110.5321389),
        ("110度31分55.7秒", 110.5321389),
        ("110°31′", 110.5166667),
        ("１１０．５", 110.5),
    ],
)
def test_degrees(raw, value):
    assert read_degrees(raw).value == pytest.approx(value, abs=1e-7)


@pytest.mark.parametrize("raw", ["110°75′", "约110", "110.5.3", "见图"])
def test_what_is_no_degree_is_refused(raw):
    assert read_degrees(raw).refused


@pytest.mark.parametrize(
    ("raw", "system"),
    [("GCJ-02", "GCJ-02"), ("gcj02", "GCJ-02"), ("高德地图", "GCJ-02"), ("火星坐标系", "GCJ-02"), ("BD-09", "BD-09"),
     ("百度坐标", "BD-09"), ("bd09ll", "BD-09"), ("WGS84", "WGS-84"), ("GPS", "WGS-84"), ("CGCS2000", "WGS-84")],
)  # fmt: skip
def test_coordinate_systems(raw, system):
    assert read_crs(raw).value == system


def test_an_unknown_coordinate_system_is_refused():
    assert read_crs("西安坐标").refused
