"""旗县区: its full name, or a short one that can only mean it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache

from fieldapp.imports.readings import Reader, Reading, refused, repaired, shown
from fieldapp.imports.sheets import Value
from fieldapp.imports.texts import _as_text, _is_nothing, clean_text
from fieldapp.languages import N_


@dataclass(frozen=True, slots=True)
class KnownRegion:
    """A region as the importer needs it: its GB/T 2260 code and its full name."""

    code: str
    name: str


_KINDS_OF_REGION = "市区县旗盟州"


def _is_short_for(short: str, name: str) -> bool:
    """达茂旗 for 达尔罕茂明安联合旗, 昆区 for 昆都仑区, 东河 for 东河区: same start, letters in the same order."""
    if len(short) < 2 or short[0] != name[0]:
        return False
    if short[-1] in _KINDS_OF_REGION and short[-1] != name[-1]:
        return False
    rest = iter(name)
    return all(letter in rest for letter in short)


def region_reader(regions: Sequence[KnownRegion]) -> Reader:
    """A reader whose value is the full name of one of `regions`."""
    names = [region.name for region in regions]
    codes = {region.code: region.name for region in regions if region.code}

    @lru_cache(maxsize=4096)
    def find(text: str) -> tuple[str | None, list[str]]:
        if text in names:
            return text, []
        if text in codes:
            return codes[text], []
        ending = [name for name in names if text.endswith(name)]  # 包头市昆都仑区
        if len(ending) == 1:
            return ending[0], []
        short = [name for name in names if _is_short_for(text, name)]
        if len(short) == 1:
            return short[0], []
        if len(short) > 1:
            return None, short
        after_city = re.sub(r"^.{2,4}?市", "", text)
        if after_city != text and after_city:
            return find(after_city)
        return None, get_close_matches(text, names, n=1, cutoff=0.5) or get_close_matches(
            text[:-1] + "区", names, n=1, cutoff=0.6
        )

    def read_region(raw: Value) -> Reading:
        if (empty := _is_nothing(raw)) is not None:
            return empty if empty.refused else Reading(None)
        text = re.sub(r"\s", "", clean_text(_as_text(raw)))
        name, near = find(text)
        if name is not None:
            if name == _as_text(raw):
                return Reading(name)
            said = N_("去掉空格") if name == text else N_("写成全称")
            return repaired(name, raw, name, said)
        if len(near) > 1:
            return refused(
                raw,
                N_("“%(said)s”可以是 %(names)s"),
                N_("，请写全称"),
                said=shown(raw),
                names="、".join(near[:4]),
            )
        if near:
            return refused(
                raw, N_("“%(said)s”不在名单里"), N_("，是%(name)s吗？"), said=shown(raw), name=near[0]
            )
        return refused(raw, N_("“%(said)s”不在名单里"), N_("，请写旗县区的全称"), said=shown(raw))

    return read_region
