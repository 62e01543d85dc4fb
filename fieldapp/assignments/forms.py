"""What a lead sends: which enterprises, to whom, from when, and why."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import wtforms
from wtforms.validators import Length, Optional, ValidationError

from fieldapp import clock
from fieldapp.assignments.actions import Line
from fieldapp.assignments.rules import Act, earliest
from fieldapp.forms import DateField, Form, no_control_characters
from fieldapp.languages import lazy

REASONS = [
    lazy("就近服务"),
    lazy("工作量均衡"),
    lazy("行业对口"),
    lazy("干部轮岗"),
    lazy("岗位调整"),
    lazy("长期出差或请假"),
    lazy("企业希望更换"),
]
_LINE = re.compile(r"([1-9]\d{0,8}):(\d{1,9})", re.ASCII)
_NUMBER = re.compile(r"[1-9]\d{0,8}", re.ASCII)


def number(text: str | None) -> int | None:
    """A record's number as an address or a form gives it."""
    return int(text) if text and _NUMBER.fullmatch(text) else None


def act_named(text: str | None) -> Act | None:
    return next((act for act in Act if act.name.lower() == text), None)


class OrderForm(Form):
    """The confirmation. The chosen enterprises and officers come beside it, see lines_in()."""

    act = wtforms.HiddenField()
    to = wtforms.HiddenField()
    reason = wtforms.StringField(
        lazy("原因"),
        [Optional(), Length(max=200, message=lazy("原因最多 200 字。")), no_control_characters],
    )
    on = DateField(lazy("从哪天起"))
    stay = wtforms.BooleanField(lazy("原来的干部留下协助"))
    e = wtforms.HiddenField(lazy("选中的企业"))  # only carries the error of a form that chooses nothing

    def validate_on(self, field: Any) -> None:
        today = clock.today()
        if field.data is not None and not earliest(today) <= field.data <= today:
            raise ValidationError(lazy("只能从本周一到今天之间选一天。"))

    def require_reason(self) -> bool:
        """Taking an enterprise away from somebody wants a word why."""
        if (self.reason.data or "").strip():
            return True
        self.reason.errors = [lazy("请写一句原因，两位干部都会看到。")]
        return False


def lines_in(values: Any, act: Act, to: int | None) -> list[Line] | None:
    """The chosen lines: `e` is "enterprise:the main officer seen" (0: none), `to-<enterprise>` overrules `to`.

    None when something in it was not made by our page.
    """
    lines = []
    for text in values.getlist("e"):
        found = _LINE.fullmatch(text)
        if not found:
            return None
        enterprise_id, seen = int(found[1]), int(found[2]) or None
        own = values.get(f"to-{enterprise_id}")
        meant = (number(own) if own is not None else to) if act.needs_officer else None
        lines.append(Line(enterprise_id, seen, meant))
    return lines


def ids_in(texts: Iterable[str]) -> list[int] | None:
    """Enterprises chosen in an address; None when one of them is no number."""
    ids = [number(text.partition(":")[0]) for text in texts]
    return None if None in ids else list(dict.fromkeys(id for id in ids if id))
