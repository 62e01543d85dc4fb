"""A late body in words: what its fields are called and what was chosen, for the lead who reads it."""

from __future__ import annotations

import enum
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from fieldapp.followups.models import FollowUpKind, FollowUpStatus
from fieldapp.formats import masked_phone
from fieldapp.languages import N_, _
from fieldapp.needs.models import (
    Cooperation,
    Disclosure,
    Ending,
    IpOwnership,
    NeedField,
    NeedKind,
    NeedSource,
    Urgency,
)
from fieldapp.visits.models import VisitPurpose, VisitWay

# (part of the address, what it is about, icon): the first that fits.
KINDS = (
    ("/photos", N_("走访照片"), "image"),
    ("/visits", N_("走访"), "footprints"),
    ("/needs", N_("需求"), "lightbulb"),
    ("/follow-ups", N_("跟进"), "list-checks"),
    ("/assignments", N_("分配"), "users"),
    ("", N_("其他操作"), "file-text"),
)
NAMES = {
    "arrived_at": N_("到访时间"),
    "left_at": N_("离开时间"),
    "way": N_("怎么走访"),
    "purposes": N_("走访目的"),
    "met": N_("见到的人"),
    "met_nobody": N_("未见到人"),
    "said": N_("聊了什么"),
    "next_contact_on": N_("约好下次联系"),
    "companions": N_("同行的同事"),
    "override_reason": N_("为什么这时候来"),
    "far": N_("距离远的原因"),
    "far_words": N_("距离远的原因"),
    "planned_on": N_("日期"),
    "planned_at": N_("时间"),
    "name": N_("姓名"),
    "phone": N_("电话"),
    "title": N_("标题"),
    "kind": N_("类型"),
    "description": N_("具体说明"),
    "field": N_("技术领域"),
    "deadline": N_("希望什么时候解决"),
    "budget": N_("预算"),
    "cooperation": N_("合作方式"),
    "ip_ownership": N_("知识产权归谁"),
    "conditions": N_("对合作方的要求"),
    "urgency": N_("多急"),
    "disclosure": N_("可以公开到什么程度"),
    "ending": N_("怎样结束"),
    "source": N_("来源"),
    "due_on": N_("什么时候前"),
    "text": N_("进展"),
    "comment": N_("给干部的话"),
    "result": N_("结果"),
    "reason": N_("原因"),
    "status": N_("办得怎样"),
    "now": N_("现在"),
    "target": N_("目标"),
    "unit": N_("单位"),
}
GROUPS = {
    "needs": N_("需求"),
    "promises": N_("答应的事"),
    "new_contacts": N_("新联系人"),
    "indicators": N_("技术指标"),
}
CHOICES: Mapping[str, type[enum.Enum]] = {
    "way": VisitWay,
    "purposes": VisitPurpose,
    "field": NeedField,
    "cooperation": Cooperation,
    "ip_ownership": IpOwnership,
    "urgency": Urgency,
    "disclosure": Disclosure,
    "ending": Ending,
    "source": NeedSource,
    "status": FollowUpStatus,
}
# What the page and the phone say to the server, and nobody wrote.
UNSAID = frozenset(
    {
        *("version", "base", "device_at", "fulfils", "intent", "add", "conflict"),
        *("photo_id", "photo_ids", "photos_removed", "lat", "lng", "accuracy", "fixed_at", "asked_at"),
        *("id", "visit_id", "need_id", "follow_up_id", "contact_id", "to"),
    }
)
ROW = re.compile(r"(\w+)-(\d+)-(?:\w+-\d+-)?(\w+)")
CLOCK = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d)(:\d\d)?")  # as <input type="datetime-local"> sends it
MOBILE = re.compile(r"(?<!\d)1\d{10}(?!\d)")


@dataclass(frozen=True)
class Said:
    label: str
    words: list[str]


def kind_of(path: str) -> tuple[str, str]:
    """(what an entry is about, icon), from the address it was sent to."""
    return next((_(word), icon) for part, word, icon in KINDS if part in path)


def read(fields: Iterable[Iterable[str]], path: str, people: Mapping[str, Mapping[str, str]]) -> list[Said]:
    """The fields in the order they were sent, empty ones left out, phones masked.

    `people` are names by id, for the fields that hold ids of people.
    """
    found: dict[str, Said] = {}
    for name, value in fields:
        row = ROW.fullmatch(name)
        plain = row[3] if row else name
        if not value.strip() or plain in UNSAID or plain.startswith("choice-"):
            continue
        label = _(NAMES[plain]) if plain in NAMES else plain
        if row:
            group = _(GROUPS[row[1]]) if row[1] in GROUPS else row[1]
            label = f"{group} {int(row[2]) + 1} · {label}"
        said = found.setdefault(name, Said(label, []))
        said.words.append(_words(plain, value, row[1] if row else "", path, people))
    return list(found.values())


def _words(name: str, value: str, group: str, path: str, people: Mapping[str, Mapping[str, str]]) -> str:
    if name in people:
        return people[name].get(value, value)
    if name == "phone":
        return masked_phone(value)
    if name == "met_nobody":
        return _("是")
    known = CHOICES.get(name)
    if name == "kind":
        about_need = group == "needs" or (not group and "/needs" in path)
        known = NeedKind if about_need else FollowUpKind
    if known is not None and value in known.__members__:
        return _(known[value].value)
    if clock := CLOCK.fullmatch(value):
        return f"{clock[1]} {clock[2]}"
    return MOBILE.sub(lambda number: masked_phone(number[0]), value)
