"""What the enterprise fills in: the six digits, and what it says of a visit."""

from __future__ import annotations

from typing import Any

from wtforms import SelectChoice, StringField, TextAreaField
from wtforms.validators import InputRequired, Length, Optional, ValidationError

from fieldapp.forms import Form, RadioField, Tiles, choices_of, no_control_characters, typed
from fieldapp.languages import lazy
from fieldapp.visits.models import Answer, VisitWay
from fieldapp.visits.ratings import Level, Trouble
from fieldapp.visits.step_forms import Version

# What the three answers are called on the page; somebody who telephoned has not "come".
_CAME = (lazy("来过，属实"), lazy("有出入"), lazy("没有来过"))
_TALKED = (lazy("有这回事，属实"), lazy("有出入"), lazy("没有这回事"))
DIGITS = 6


class DigitsForm(Form):
    digits = StringField(
        lazy("干部手机上的 6 位数字"),
        [InputRequired(lazy("请填 6 位数字。")), Length(max=20, message=lazy("是 6 位数字。"))],
    )

    @property
    def tidy(self) -> str:
        """As somebody types them: with spaces, or in full width."""
        return "".join(str(int(c)) for c in self.digits.data or "" if c.isdecimal())[: DIGITS + 1]


class SaidForm(Form):
    """Whether it is true. Nothing is chosen beforehand."""

    answer = RadioField(
        lazy("情况属实吗？"),
        [InputRequired(lazy("请选一项。"))],
        choices=choices_of(Answer),
    )
    text = TextAreaField(
        lazy("哪里不一样？"), [Length(max=500, message=lazy("最多 500 个字。")), no_control_characters]
    )

    def __init__(self, *args: Any, way: VisitWay, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        words = _CAME if way in (VisitWay.ON_SITE, VisitWay.OFFICE) else _TALKED
        self.answer.choices = [SelectChoice(one.name, word) for one, word in zip(Answer, words, strict=True)]

    def validate_text(self, field: Any) -> None:
        if self.answer.data == Answer.DIFFERS.name and not typed(field):
            raise ValidationError(lazy("请写一句哪里不一样，比如“来的是 21 日”。"))

    @property
    def words(self) -> str:
        """What differs; of plain agreement there is nothing to say."""
        return "" if self.answer.data == Answer.CONFIRMED.name else typed(self.text)


class AnswerForm(SaidForm):
    """The first answer, and what is said without a name."""

    level = RadioField(lazy("这次走访有帮助吗？"), [Optional()], choices=choices_of(Level))
    troubles = Tiles(lazy("有没有添麻烦？"), choices=choices_of(Trouble))


class CorrectionForm(SaidForm):
    """Put right what was said; what was said without a name cannot be found again, so it is not asked again."""

    version = Version()
