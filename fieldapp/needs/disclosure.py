"""What other teams may see of a need: as much as the enterprise has agreed to, and said once, here.

PUBLIC is shown whole, with the enterprise's name and without anybody to call. DESENSITISED is shown without anything
that names the enterprise. MATCHING is for those who serve the enterprise, and for nobody else.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.sql.elements import ColumnElement

from fieldapp.db import one_of
from fieldapp.enterprises.access import visible_to
from fieldapp.enterprises.models import Enterprise
from fieldapp.languages import _, lazy
from fieldapp.needs.models import Disclosure, Need, NeedStatus

if TYPE_CHECKING:
    from fieldapp.accounts import Person

LEVELS = (Disclosure.PUBLIC, Disclosure.DESENSITISED)
# Not for others: what is not said yet, and what is no need any more.
UNSHOWN = (NeedStatus.DRAFT, NeedStatus.DECLINED, NeedStatus.WITHDRAWN, NeedStatus.MERGED)
SHOWN = tuple(status for status in NeedStatus if status not in UNSHOWN)


def shared_with(person: Person) -> ColumnElement[bool]:
    """The one condition for other teams' needs, on need joined with enterprise. Nobody but officers and leads."""
    if not (person.is_officer or person.is_lead):
        return sa.false()
    teams = [team for team in {person.team_id, *person.led_team_ids} if team is not None]
    elsewhere = sa.or_(Enterprise.team_id.is_(None), Enterprise.team_id.not_in(teams))
    return sa.and_(
        one_of(Need.disclosure, LEVELS),
        one_of(Need.status, SHOWN),
        elsewhere if teams else sa.true(),
        sa.not_(visible_to(person)),
    )


def names_enterprise() -> ColumnElement[bool]:
    """Whether the one who reads it may know whose need it is, as a condition."""
    return Need.disclosure == Disclosure.PUBLIC


# Names out of a text.

HIDDEN = lazy("某企业")
_LEGAL = re.compile(r"(有限责任公司|股份有限公司|有限公司|集团公司|分公司|公司|集团|总厂|厂)+$")
_PLACE = re.compile(r"^(内蒙古自治区|内蒙古|[^\W\d_]{1,4}?(省|市|区|县|旗)|包头)+")
_GAP = r"[\s.·・_/–—―−－-]{0,2}"  # what people put between the parts of a number
_MOBILE = re.compile(rf"(?<!\d)(?:\+?86{_GAP})?1\d{{2}}{_GAP}\d{{4}}{_GAP}\d{{4}}(?!\d)")
_LANDLINE = re.compile(rf"(?<!\d)[(（]?0\d{{2,3}}[)）]?{_GAP}\d{{3,4}}{_GAP}\d{{4}}(?!\d)")
# A name by which somebody is found elsewhere, behind the word for where.
_ELSEWHERE = re.compile(
    r"(微信|wechat|vx|v信|QQ|钉钉)((?:同?号|群|账号)?\s*(?:是|为)?\s*[:：]?\s*)[A-Za-z0-9][\w-]{4,29}",
    re.IGNORECASE | re.ASCII,
)
_CODE = re.compile(r"(?<![0-9A-Z])[0-9A-Z]{18}(?![0-9A-Z])", re.IGNORECASE)
_MAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_LONGEST_SHORT = 6  # of what people call an enterprise by: the beginning of its name


def _letters(text: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFKC", text).lower() if c.isalnum())


def _callings(name: str) -> Iterator[str]:
    """A name, and what people say for short: without its legal form, without the place, the first characters."""
    whole = _letters(re.sub(r"[（(].*?[)）]", "", unicodedata.normalize("NFKC", name)))
    yield _letters(name)
    trunk = _LEGAL.sub("", whole)
    for text in (whole, trunk, _PLACE.sub("", trunk)):
        if len(text) < 2:
            continue
        yield text
        least = 4 if text[:4].isascii() else 2
        # The beginning of a name that starts with a place is a place, and no secret.
        if text == _PLACE.sub("", text):
            yield from (text[:length] for length in range(least, min(len(text), _LONGEST_SHORT) + 1))


@lru_cache(maxsize=2_000)
def _said(names: tuple[str, ...]) -> frozenset[str]:
    """Everything people may call the enterprise by."""
    return frozenset(calling for name in names if name for calling in _callings(name) if len(calling) > 1)


def _may_name(text: str, said: Iterable[str]) -> bool:
    """False when the text surely names nobody: most do not, and a pattern takes long to make. Letters whose lower and
    upper case are no simple pair are left to the pattern."""
    letters = "".join(c for c in text if c.isalnum())
    if any(not c.isascii() and c.lower() != c.upper() for c in letters):
        return True
    letters = letters.lower()
    return any(calling in letters for calling in said)


@lru_cache(maxsize=2_000)
def _pattern(said: frozenset[str]) -> re.Pattern[str]:
    # Spaces, dots and dashes between the characters hide nothing; the longest first.
    loose = (r"[\W_]*".join(map(re.escape, one)) for one in sorted(said, key=len, reverse=True))
    return re.compile("|".join(loose), re.IGNORECASE)


def without_names(text: str, names: Iterable[str], instead: str | None = None) -> str:
    """The text with 某企业 wherever it names the enterprise, and without telephone numbers, codes and mail addresses.

    `names` are the enterprise's and its people's.
    """
    if not text:
        return text
    # Full-width letters and digits become plain ones; punctuation stays as it was written.
    text = "".join(unicodedata.normalize("NFKC", c) if c.isalnum() else c for c in text)
    for pattern in (_MAIL, _CODE, _MOBILE, _LANDLINE):
        text = pattern.sub("****", text)
    text = _ELSEWHERE.sub(r"\1\2****", text)
    said = _said(tuple(names))
    if not _may_name(text, said):
        return text
    return _pattern(said).sub(str(HIDDEN) if instead is None else instead, text)


def names_of(row: Any) -> tuple[str, ...]:
    """Every name of the enterprise, and where it is: the row has its name, short_name, former_names and address."""
    return tuple(name for name in (row.name, row.short_name, *(row.former_names or ()), row.address) if name)


def level_words(disclosure: Disclosure) -> str:
    """What stands above a shared need."""
    if disclosure is Disclosure.PUBLIC:
        return _("企业同意公开这条需求。这里没有联系方式，想帮忙请找服务它的团队。")
    return _("企业同意隐去名称后公开：企业名称、信用代码、地址和联系人都已隐去，正文里的名称换成了“某企业”。")
