"""What the enterprise may say at its receipt: an answer or a word more, a rating, do it again, take it back."""

from __future__ import annotations

from typing import Any

from wtforms import BooleanField, HiddenField, SelectChoice, StringField, TextAreaField
from wtforms.validators import Length, ValidationError

from fieldapp.attachments.forms import DocumentsField, PhotosField
from fieldapp.forms import Form, RadioField, choices_of, no_control_characters, typed
from fieldapp.languages import lazy
from fieldapp.needs.models import Solved

SAID = [Length(max=2000, message=lazy("最多 2000 个字。")), no_control_characters]

LEVELS = (
    SelectChoice("1", lazy("非常不满意")),
    SelectChoice("2", lazy("不满意")),
    SelectChoice("3", lazy("基本满意")),
    SelectChoice("4", lazy("满意")),
    SelectChoice("5", lazy("非常满意")),
)


class DoorForm(Form):
    ticket = HiddenField()

    @property
    def text(self) -> str:
        return ""


class ReplyForm(DoorForm):
    """An answer, what was missing, or one word more; a file may say it too."""

    reply = TextAreaField(lazy("您的答复"), SAID)
    photos = PhotosField(lazy("照片"))
    documents = DocumentsField(lazy("文件"))

    def validate_reply(self, field: Any) -> None:
        if not typed(field) and not (self.photos.photos or self.documents.documents):
            raise ValidationError(lazy("请写一句，或者放一份文件。"))

    @property
    def text(self) -> str:
        return typed(self.reply) or str(lazy("发来文件。"))

    @property
    def files(self) -> list[Any]:
        return [*self.photos.photos, *self.documents.documents]


class RateForm(DoorForm):
    solved = RadioField(lazy("是否真正解决？"), choices=choices_of(Solved), validate_choice=False)
    level = RadioField(lazy("满意吗？"), choices=list(LEVELS), validate_choice=False)
    comment = TextAreaField(lazy("想说的话"), SAID)

    def validate_solved(self, field: Any) -> None:
        if field.data not in Solved.__members__:
            raise ValidationError(lazy("请选一项：真正解决、部分解决，还是没有解决。"))

    def validate_level(self, field: Any) -> None:
        if field.data not in ("1", "2", "3", "4", "5"):
            raise ValidationError(lazy("请选一项，满意不满意都可以。"))

    @property
    def text(self) -> str:
        return typed(self.comment)


class RedoForm(DoorForm):
    missing = TextAreaField(lazy("哪里没解决"), SAID)

    def validate_missing(self, field: Any) -> None:
        if not typed(field):
            raise ValidationError(lazy("请说一句哪里没解决，好重新办。"))

    @property
    def text(self) -> str:
        return typed(self.missing)


class RecallForm(DoorForm):
    why = StringField(lazy("为什么撤回"), SAID)
    sure = BooleanField(lazy("我确定不办了"))

    def validate_sure(self, field: Any) -> None:
        if not field.data:
            raise ValidationError(lazy("确定不办了，请先勾上这一项。"))

    @property
    def text(self) -> str:
        return typed(self.why)


FORMS: dict[str, type[DoorForm]] = {
    "complete": ReplyForm, "answer": ReplyForm, "add": ReplyForm, "rate": RateForm, "redo": RedoForm,
    "recall": RecallForm,
}  # fmt: skip


class SendForm(Form):
    """What an officer sends the enterprise to its receipt."""

    message = TextAreaField(lazy("写给企业"), SAID)
    photos = PhotosField(lazy("照片"))
    documents = DocumentsField(lazy("文件"))

    def validate_message(self, field: Any) -> None:
        if not typed(field):
            raise ValidationError(lazy("请写一句，说说发的是什么。"))
