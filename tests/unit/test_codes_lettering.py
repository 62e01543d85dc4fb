"""How names run on printed codes: the legal form stays whole, rare characters stay visible, nothing overflows."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fieldapp.codes import lettering


def test_the_legal_form_is_never_broken() -> None:
    assert lettering.lines("北疆新能源材料有限公司", 9.7) == ["北疆新能源材料", "有限公司"]
    assert lettering.lines("东岭稀土功能材料股份有限公司", 9.7) == ["东岭稀土功能材料", "股份有限公司"]
    assert lettering.lines("北境低碳技术有限责任公司", 9.7) == ["北境低碳技术", "有限责任公司"]


def test_a_latin_word_that_fits_a_line_stays_whole() -> None:
    assert lettering.lines("ABC-Tech International 科技", 8) == ["ABC-Tech", "International 科", "技"]


def test_punctuation_stays_with_its_neighbour() -> None:
    for line in lettering.lines("北境低碳技术（集团）有限公司，分公司", 7):
        assert line[0] not in "，）" and line[-1] != "（"


@pytest.mark.parametrize("length", [1, 10, 30, 60, 120])
def test_a_name_of_any_length_fits_or_says_that_it_was_cut(length: int) -> None:
    name = ("内蒙古自治区草原绿色生态农牧业高新技术" * 10)[: length - 4] + "有限公司" if length > 4 else "企"
    fitted = lettering.fit(name, 120, ((12.5, 2), (10, 4), (6, 8)), "bold")
    assert all(lettering.width(line, "bold") * fitted.size <= 120 for line in fitted.lines)
    if fitted.cut:
        assert fitted.lines[-1].endswith("…")
    else:
        assert "".join(fitted.lines) == name


def test_no_sizes_is_an_error() -> None:
    with pytest.raises(ValueError, match="sizes"):
        lettering.fit("企业", 10, ())


def test_standard_characters_beyond_gb2312_are_set_in_the_name_face() -> None:
    assert [run.face for run in lettering.runs("镕喆堃𬭎科技", "bold")] == ["bold"]


def test_rare_characters_come_from_the_other_font_and_unknown_ones_are_visible() -> None:
    assert [(run.face, run.text) for run in lettering.runs("龘甲😀", "bold")] == [
        ("rare", "龘"),
        ("bold", "甲〓"),
    ]


def test_invisible_characters_are_dropped() -> None:
    assert lettering.clean("\u202e北疆\u200b 新能源\n\t材料\ufe0f\x00 ") == "北疆 新能源 材料"


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=80), st.floats(4, 40))
def test_any_text_is_broken_without_loss(text: str, room: float) -> None:
    text = lettering.clean(text)
    broken = lettering.lines(text, room)
    assert "".join(broken).replace(" ", "") == text.replace(" ", "")
    assert all(len(line) == 1 or lettering.width(line) <= room + 1e-6 for line in broken)
