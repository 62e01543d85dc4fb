"""The pool's sums: how alike two needs are, what of a title is looked up, what of a text others may read."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldapp.formats import dialled
from fieldapp.needs import disclosure
from fieldapp.needs.disclosure import without_names
from fieldapp.needs.likeness import alike, likeness, pairs
from fieldapp.needs.titles import starts_of, tokens_of
from fieldapp.orders.rules import tidy_number

TEXT = st.text(alphabet="余热回收方案冻干工艺能耗ABab12 ，。（）", max_size=30)


def need(number, title, enterprise=1, description=""):
    return SimpleNamespace(id=number, title=title, enterprise_id=enterprise, description=description)


def test_pairs_know_no_punctuation_case_or_width():
    assert pairs("余热 回收。") == pairs("余热回收") == {"余热", "热回", "回收"}
    assert pairs("ＡＢc") == pairs("abC") and pairs("热") == {"热"} and pairs("，") == frozenset()


@given(TEXT, TEXT)
def test_likeness_is_between_nothing_and_the_same_both_ways_round(one, other):
    assert 0 <= likeness(one, other) <= 1
    assert likeness(one, other) == likeness(other, one)
    assert likeness(one, one) == (1.0 if pairs(one) else 0.0)


def test_the_enterprises_own_come_first_then_the_most_alike():
    asked = need(1, "冻干工艺能耗偏高，找余热回收方案")
    others = [
        need(2, "冻干工艺能耗高，求余热回收方案", enterprise=2),
        need(3, "余热回收方案", enterprise=1),
        need(4, "招两名电气工程师", enterprise=1),
        need(5, "冻干工艺能耗偏高，找余热回收办法", enterprise=3),
        asked,
    ]
    found = alike(asked, others)
    assert [one.need.id for one in found] == [3, 5, 2]
    assert [one.at_home for one in found] == [True, False, False]


def test_what_is_said_below_the_title_counts_too():
    asked = need(1, "能耗问题", 1, "冻干机真空泵一年电费两百万，想把冷凝器的余热用起来")
    other = need(2, "节能改造", 2, "冻干机真空泵一年电费两百万，想把冷凝器余热用起来")
    assert alike(asked, [other]) and not alike(asked, [need(2, "节能改造", 2)])


def test_any_part_of_a_title_is_the_beginning_of_a_token():
    tokens = tokens_of("余热回收（小试）", [])
    for part in ("余", "热回", "回收小", "试"):
        assert all(any(token.startswith(start) for token in tokens) for start in starts_of(part)), part
    assert starts_of("余热回收") == ["余热回", "热回收"]


def test_the_enterprises_name_is_not_found_by_a_title():
    tokens = tokens_of("华星新能源涂布机改造", ["华星新能源材料有限公司"])
    assert not any(token.startswith(("华", "星", "新能")) for token in tokens)
    assert "涂布机" in tokens


NAMES = ("包头华星新能源材料有限公司", "星材", "华星隔膜厂")


@pytest.mark.parametrize(
    "said",
    [
        "包头华星新能源材料有限公司", "华星新能源材料", "华星", "星材", "华星隔膜厂", "华 星", "华·星新能源", "13812345621",
        "138 1234 5621", "0472-5550101", "zhou@huaxing.example", "91150203QJ9FMT4E85", "９１１５０２０３ＱＪ９ＦＭＴ４Ｅ８５",
    ],
)  # fmt: skip
def test_what_names_the_enterprise_is_not_said_to_others(said):
    told = without_names(f"请{said}：涂布机要改", NAMES)
    assert said not in told and "涂布机要改" in told and "华星" not in told.replace(" ", "")


def test_without_a_name_a_text_stays_as_it_was_written():
    text = "涂布机（二号线）能耗高，想降到 1.4 kWh/kg。"
    assert without_names(text, NAMES) == text and without_names("", NAMES) == ""
    assert without_names(text, ()) == text


@given(TEXT)
def test_no_name_is_left_in_any_text(text):
    told = without_names(f"{text}华星新能源材料有限公司{text}", NAMES)
    assert "华星" not in told


@given(TEXT, st.text(max_size=12), st.booleans())
def test_looking_first_hides_no_less_than_the_pattern_does(text, name, within):
    """The pattern is only made for texts that may name somebody: what it would have found is found."""
    text = f"{text}{name.swapcase()}{text}" if within else text
    said = disclosure._said((name, *NAMES))
    if not disclosure._may_name(text, said):
        assert disclosure._pattern(said).sub("", text) == text


@pytest.mark.parametrize(
    "said",
    [
        "联系138.0000.9999", "电话0472－5550123", "（0472）555 0123", "微信号 boss_wang88", "微信同号：wx13800", "QQ 123456",
        "加vx:abcdef1", "138·0000·9999", "+86-138-0000-9999",
    ],
)  # fmt: skip
def test_ways_to_reach_somebody_are_hidden_however_they_are_written(said):
    told = without_names(f"涂层起泡，{said}，急", [])
    assert "****" in told and not any(part in told for part in ("9999", "0123", "boss", "wx1", "1234", "abc"))
    assert (
        without_names("转速 3000 转，QQ 级精度，微信小程序要对接", [])
        == "转速 3000 转，QQ 级精度，微信小程序要对接"
    )


@pytest.mark.parametrize(
    ("typed", "dials"),
    [
        ("13800009999", "13800009999"), ("138 0000 9999", "13800009999"), ("１３８００００９９９９", "13800009999"),
        ("微信同号 13800009999 <b>", "13800009999"), ("0472-5550123 转 8", "04725550123"), ("没有", ""), ("", ""), (None, ""),
        ("+86 138 0000 9999", "+8613800009999"),
    ],
)  # fmt: skip
def test_a_number_is_dialled_as_a_phone_takes_it(typed, dials):
    assert dialled(typed) == dials


def test_a_receipts_number_is_read_however_wide_it_is_typed():
    assert tidy_number("Ｐ９４Ｊ－2abc") == "P94J2ABC"
