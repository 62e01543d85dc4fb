"""What an enterprise is found by, and what is marked in its name."""

import pytest

from fieldapp.enterprises.search import DEPTH, normal, spot, starts_of, stretch, terms_of, tokens_of

BEIJIANG = tokens_of(
    "北疆新能源材料（集团）有限公司", "北疆新材", ["北疆隔膜厂"], "91150203QJ9FMT4E85", ["周岚"]
)


def found(query, tokens=BEIJIANG):
    """As the database does it: every start of every term is the beginning of some token."""
    starts = [start for term in terms_of(query) for start in starts_of(term)]
    return bool(starts) and all(any(stretch(s)[0] <= t < stretch(s)[1] for t in tokens) for s in starts)


@pytest.mark.parametrize(
    "query",
    [
        "北疆", "新能", "材料", "有限公司", "北疆新能源材料（集团）有限公司", "北疆新能源材料(集团)有限公司", "北疆新材",
        "隔膜厂", "bjxny", "BJXNY", "xnycl", "beijiang", "xinnengyuan", "bei jiang", "北疆 周岚", "周岚", "zhoulan", "zl",
        "4e85", "4E85", "t4e85", "91150203", "91150203qj9fmt4e85", "ｂｊｘｎｙ", "　北疆　", "材",
    ],
)  # fmt: skip
def test_it_is_found_by(query):
    assert found(query)


@pytest.mark.parametrize(
    "query", ["北境", "新材料", "疆北", "bjxnz", "eijiang", "e8", "9115 9999", "周兰", "北疆 王"]
)
def test_it_is_not_found_by(query):
    assert not found(query)


def test_latin_names_and_digits_are_found_too():
    tokens = tokens_of("3M中国材料科技公司", "", [], "91150203B9AWB0L8X3", [])
    assert (
        found("3m", tokens) and found("3mzg", tokens) and found("zgcl", tokens) and found("zhongguo", tokens)
    )


def test_tokens_stay_short_enough_for_the_index():
    assert max(map(len, tokens_of("很" * 200, "", [], "9" * 18, []))) <= 24
    assert DEPTH <= 24


def test_two_writings_of_one_name_are_the_same():
    assert normal("北疆（集团） ＡＢＣ公司") == normal("北疆(集团)abc公司")


@pytest.mark.parametrize(
    ("query", "marked"),
    [
        ("新能", "新能"),
        ("bjxny", "北疆新能源"),
        ("xinneng", "新能"),
        ("集团", "集团"),
        ("料集", "料（集"),
        ("4e85", None),
        ("beij", "北疆"),
    ],
)
def test_what_is_marked(query, marked):
    name = "北疆新能源材料（集团）有限公司"
    place = spot(name, terms_of(query))
    assert (name[place[0] : place[1]] if place else None) == marked
