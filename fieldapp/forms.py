"""The form every slice builds on: WTForms' own sentences in Chinese, and through the catalogue in English."""

from __future__ import annotations

from typing import Any

import wtforms

from fieldapp.languages import N_, _

# What WTForms says by itself when the shape of an input is wrong.
_SENTENCES = {
    "Not a valid datetime value.": N_("时间读不懂，请重新选。"),
    "Not a valid date value.": N_("日期读不懂，请重新选。"),
    "Not a valid time value.": N_("时间读不懂，请重新选。"),
    "Not a valid decimal value.": N_("要填数字，比如 12.5。"),
    "Not a valid float value.": N_("要填数字，比如 12.5。"),
    "Not a valid integer value.": N_("要填整数。"),
    "Not a valid choice.": N_("选项里没有这一项，请重新选。"),
    "Invalid Choice: could not coerce.": N_("选项里没有这一项，请重新选。"),
    "Invalid choice(s): one or more data inputs could not be coerced.": N_("选项里没有这一项，请重新选。"),
    "'%(value)s' is not a valid choice for this field.": N_("选项里没有这一项，请重新选。"),
    "'%(value)s' are not valid choices for this field.": N_("选项里没有这几项，请重新选。"),
    "This field is required.": N_("这一项要填。"),
}


class _Translations:
    """What WTForms asks for its sentences."""

    def gettext(self, text: str) -> str:
        # A sentence with a place for the refused value loses it: what was sent is not repeated to the person.
        return _(_SENTENCES.get(text, text))

    def ngettext(self, one: str, many: str, count: int) -> str:
        return self.gettext(one if count == 1 else many)


class Form(wtforms.Form):
    class Meta:
        def get_translations(self, _form: Any) -> _Translations:
            return _Translations()
