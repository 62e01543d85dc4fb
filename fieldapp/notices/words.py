"""What a notice says: one sentence per kind, its details filled in when it is shown, in the reader's language.

A kind's details are named in its function's docstring; each may be missing, the sentence then does without. Details
are what people typed, so a sentence is plain text and templates escape it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

from fieldapp.formats import day as short_day
from fieldapp.languages import _, speaking

Sentence = Callable[[dict[str, Any]], str]


def _by(details: dict[str, Any]) -> str:
    return str(details.get("by") or _("同事"))


def _at(details: dict[str, Any]) -> str:
    """The enterprise, or "一家企业"."""
    return str(details.get("enterprise") or _("一家企业"))


def _day(details: dict[str, Any]) -> str:
    """The day the notice is about, in words, or ""."""
    try:
        return short_day(date.fromisoformat(str(details.get("day", ""))[:10]))
    except ValueError:
        return ""


def _because(details: dict[str, Any], key: str = "reason") -> str:
    return _("原因：%(reason)s", reason=details[key]) if details.get(key) else ""


def _together(*sentences: str) -> str:
    """Sentences one after the other; Chinese needs no space between them."""
    return ("" if speaking() == "zh" else " ").join(filter(None, sentences))


def _with(details: dict[str, Any]) -> str:
    """What moved along with the enterprises."""
    needs, promises = details.get("needs") or 0, details.get("promises") or 0
    if needs and promises:
        return _("连同没办结的需求 %(needs)s 件、答应的事 %(promises)s 件。", needs=needs, promises=promises)
    if needs:
        return _("连同没办结的需求 %(needs)s 件。", needs=needs)
    return _("连同答应的事 %(promises)s 件。", promises=promises) if promises else ""


def _which(details: dict[str, Any]) -> str:
    """One enterprise by its name, several by their number."""
    count = details.get("count") or 1
    if count == 1 or not isinstance(count, int):
        return _at(details)
    return _("%(count)s 家企业", count=count)


def handed_over(details: dict[str, Any]) -> str:
    """by, count (enterprises) or enterprise, needs, promises, reason"""
    first = _("%(by)s把%(which)s交给你服务。", by=_by(details), which=_spaced(_which(details)))
    return _together(first, _with(details), _because(details))


def handed_away(details: dict[str, Any]) -> str:
    """by, count (enterprises) or enterprise, to (the new officer's name; none: back to the pool), needs, promises,
    reason"""
    which = _spaced(_which(details))
    if details.get("to"):
        first = _("%(by)s把%(which)s从你这里转给了%(to)s。", by=_by(details), which=which, to=details["to"])
    else:
        first = _("%(by)s把%(which)s从你这里收回了共享名单。", by=_by(details), which=which)
    return _together(first, _with(details), _because(details))


def helper_added(details: dict[str, Any]) -> str:
    """by, count (enterprises) or enterprise, reason"""
    which = _spaced(_which(details))
    return _together(_("%(by)s请你协助服务%(which)s。", by=_by(details), which=which), _because(details))


def helper_removed(details: dict[str, Any]) -> str:
    """by, count (enterprises) or enterprise, needs, promises, reason"""
    which = _spaced(_which(details))
    first = _("%(by)s说，%(which)s不用你协助了。", by=_by(details), which=which)
    return _together(first, _with(details), _because(details))


def visit_returned(details: dict[str, Any]) -> str:
    """by, enterprise, day, comment"""
    when, name = _day(details), _at(details)
    if when:
        first = _(
            "%(by)s退回了你%(day)s走访%(enterprise)s的记录。", by=_by(details), day=when, enterprise=name
        )
    else:
        first = _("%(by)s退回了你走访%(enterprise)s的记录。", by=_by(details), enterprise=name)
    said = _("意见：%(comment)s", comment=details["comment"]) if details.get("comment") else ""
    return _together(first, said)


def visit_accepted(details: dict[str, Any]) -> str:
    """by, enterprise, day"""
    return _("%(by)s认可了你走访%(enterprise)s的记录。", by=_by(details), enterprise=_at(details))


def visit_amended(details: dict[str, Any]) -> str:
    """by, enterprise, day"""
    return _("%(by)s修改了你走访%(enterprise)s的记录。", by=_by(details), enterprise=_at(details))


def quiet_asked(details: dict[str, Any]) -> str:
    """enterprise, times (as the enterprise wrote them)"""
    if details.get("times"):
        return _(
            "%(enterprise)s希望这些时间不打扰：%(times)s。", enterprise=_at(details), times=details["times"]
        )
    return _("%(enterprise)s说了什么时候不方便接待。", enterprise=_at(details))


def visit_answered(details: dict[str, Any]) -> str:
    """enterprise, day, answer (its Chinese word, translated when shown), corrected (1: put right)"""
    values = {
        "enterprise": _at(details),
        "day": _day(details) or _("前几天"),
        "answer": _(str(details["answer"])) if details.get("answer") else _("有出入"),
    }
    if details.get("corrected"):
        return _("%(enterprise)s改了对%(day)s走访的回答：%(answer)s。", **values)
    return _("%(enterprise)s回答了%(day)s的走访：%(answer)s。请看记录。", **values)


def visit_joined(details: dict[str, Any]) -> str:
    """by, enterprise, day"""
    when = _day(details)
    if when:
        return _(
            "%(by)s要和你一起走访%(enterprise)s，%(day)s。",
            by=_by(details),
            enterprise=_at(details),
            day=when,
        )
    return _("%(by)s要和你一起走访%(enterprise)s。", by=_by(details), enterprise=_at(details))


def visit_left(details: dict[str, Any]) -> str:
    """by, enterprise, day"""
    return _("%(by)s不和你一起走访%(enterprise)s了。", by=_by(details), enterprise=_at(details))


def visit_moved(details: dict[str, Any]) -> str:
    """by, enterprise, day (the new one)"""
    return _(
        "%(by)s把走访%(enterprise)s改到了%(day)s。",
        by=_by(details),
        enterprise=_at(details),
        day=_day(details),
    )


def visit_cancelled(details: dict[str, Any]) -> str:
    """by, enterprise, day, reason"""
    when, name = _day(details), _at(details)
    if when:
        first = _("%(by)s取消了%(day)s走访%(enterprise)s的安排。", by=_by(details), day=when, enterprise=name)
    else:
        first = _("%(by)s取消了走访%(enterprise)s的安排。", by=_by(details), enterprise=name)
    return _together(first, _because(details))


def reassigned(details: dict[str, Any]) -> str:
    """by, title (of the promise), enterprise, day (due), reason"""
    first = _("%(by)s把“%(title)s”转给你跟进。", by=_by(details), title=details.get("title") or _("一件事"))
    name = _("企业：%(enterprise)s。", enterprise=details["enterprise"]) if details.get("enterprise") else ""
    when = _("应在 %(day)s 前办好。", day=_day(details)) if _day(details) else ""
    return _together(first, name, when, _because(details))


def reassigned_away(details: dict[str, Any]) -> str:
    """by, title (of the promise), to, reason"""
    first = _(
        "%(by)s把你跟进的“%(title)s”转给了%(to)s。",
        by=_by(details),
        title=details.get("title") or _("一件事"),
        to=details.get("to") or _("同事"),
    )
    return _together(first, _because(details))


def promise_closed(details: dict[str, Any]) -> str:
    """by, title"""
    return _(
        "%(by)s把你跟进的“%(title)s”记为办结。", by=_by(details), title=details.get("title") or _("一件事")
    )


def promise_reopened(details: dict[str, Any]) -> str:
    """by, title, reason"""
    first = _(
        "%(by)s重新打开了你跟进的“%(title)s”。", by=_by(details), title=details.get("title") or _("一件事")
    )
    return _together(first, _because(details))


def order_placed(details: dict[str, Any]) -> str:
    """enterprise, title"""
    title = details.get("title")
    if title:
        return _("%(enterprise)s点单：%(title)s。", enterprise=_at(details), title=title)
    return _("%(enterprise)s点单了。", enterprise=_at(details))


def order_unheard(details: dict[str, Any]) -> str:
    """enterprise"""
    return _(
        "%(enterprise)s点单了，可是没有负责人来受理。请给它的服务团指定负责人。", enterprise=_at(details)
    )


def calendar_missing(details: dict[str, Any]) -> str:
    """year"""
    if "year" not in details:
        return _("系统里还没有明年的放假安排。")
    return _(
        "系统里还没有 %(year)s 年的放假安排，期限先按周一至周五算。请让维护系统的人更新节假日数据。",
        year=details["year"],
    )


def call_wanted(details: dict[str, Any]) -> str:
    """enterprise, title"""
    return _("%(enterprise)s请你回个电话，说“%(title)s”的事。", enterprise=_at(details), title=_need(details))


def _need(details: dict[str, Any]) -> str:
    return str(details.get("title") or _("一条需求"))


def _said(details: dict[str, Any], label: str) -> str:
    return label % {"note": details["note"]} if details.get("note") else ""


def need_said(details: dict[str, Any]) -> str:
    """title, note"""
    return _together(
        _("企业补充了“%(title)s”的情况。", title=_need(details)), _said(details, _("企业说：%(note)s"))
    )


def need_given_back(details: dict[str, Any]) -> str:
    """title, note"""
    return _together(
        _("企业认为“%(title)s”没有办好，要求重新办理。", title=_need(details)),
        _said(details, _("企业说：%(note)s")),
    )


def need_recalled(details: dict[str, Any]) -> str:
    """title, note"""
    return _together(
        _("企业撤回了“%(title)s”。", title=_need(details)), _said(details, _("企业说：%(note)s"))
    )


def need_rated(details: dict[str, Any]) -> str:
    """title"""
    return _("企业评价了“%(title)s”。", title=_need(details))


def need_assigned(details: dict[str, Any]) -> str:
    """by, title, note"""
    return _together(
        _("%(by)s把“%(title)s”派给了新的接单人。", by=_by(details), title=_need(details)),
        _said(details, _("说明：%(note)s")),
    )


def need_extension_asked(details: dict[str, Any]) -> str:
    """by, title, days, note"""
    first = _(
        "%(by)s为“%(title)s”申请延期 %(days)s 个工作日。",
        by=_by(details),
        title=_need(details),
        days=details.get("days") or "—",
    )
    return _together(first, _said(details, _("理由：%(note)s")))


def need_idle(details: dict[str, Any]) -> str:
    """title"""
    return _("“%(title)s”接单后一直没有动静，已退回待接单。", title=_need(details))


def need_lapsed(details: dict[str, Any]) -> str:
    """title"""
    return _("企业一直没有答复“%(title)s”，已按提出的结果办结。", title=_need(details))


def _promise(details: dict[str, Any]) -> str:
    """The promise that runs (needs.models.Clock's Chinese word, translated when shown)."""
    word = details.get("step")
    return _(word) if word else _("办理")


def need_yellow(details: dict[str, Any]) -> str:
    """title, step (the promise)"""
    return _("“%(title)s”的“%(promise)s”快到期了。", title=_need(details), promise=_promise(details))


def need_red(details: dict[str, Any]) -> str:
    """title, step (the promise)"""
    return _("“%(title)s”的“%(promise)s”已经逾期。", title=_need(details), promise=_promise(details))


def need_step(details: dict[str, Any]) -> str:
    """by, title (of the need), step (its new state's Chinese word, translated when shown), note"""
    first = _(
        "需求“%(title)s”有了进展：%(step)s。",
        title=details.get("title") or _("一件需求"),
        step=_(str(details["step"])) if details.get("step") else _("有更新"),
    )
    said = _("%(by)s：%(note)s", by=_by(details), note=details["note"]) if details.get("note") else ""
    return _together(first, said)


def channel_test(details: dict[str, Any]) -> str:
    """by (who asked for it)"""
    return _("这是%(by)s发的一条测试。收到它，说明以后的提醒能发到这里。", by=_by(details))


def _spaced(which: str) -> str:
    """Chinese leaves a space between its characters and a figure."""
    return f" {which}" if which[:1].isdigit() and speaking() == "zh" else which


SENTENCES: dict[str, Sentence] = {
    sentence.__name__: sentence
    for sentence in (
        handed_over,
        handed_away,
        helper_added,
        helper_removed,
        visit_returned,
        visit_accepted,
        visit_amended,
        visit_answered,
        quiet_asked,
        visit_joined,
        visit_left,
        visit_moved,
        visit_cancelled,
        reassigned,
        reassigned_away,
        promise_closed,
        promise_reopened,
        need_step,
        need_said,
        need_given_back,
        need_recalled,
        need_rated,
        need_assigned,
        need_extension_asked,
        need_idle,
        need_lapsed,
        need_yellow,
        need_red,
        order_placed,
        order_unheard,
        calendar_missing,
        channel_test,
        call_wanted,
    )
}

ICONS = {
    "handed_over": "users",
    "handed_away": "users",
    "helper_added": "users",
    "helper_removed": "users",
    "visit_returned": "rotate-ccw",
    "visit_cancelled": "circle-x",
    "visit_answered": "user-check",
    "quiet_asked": "moon",
    "need_step": "lightbulb",
    "need_said": "message-square",
    "need_given_back": "rotate-ccw",
    "need_recalled": "circle-minus",
    "need_rated": "star",
    "need_assigned": "user-check",
    "need_extension_asked": "clock",
    "need_idle": "users",
    "need_lapsed": "circle-check",
    "need_yellow": "clock",
    "need_red": "circle-alert",
    "order_placed": "inbox",
    "order_unheard": "triangle-alert",
    "calendar_missing": "calendar-clock",
    "call_wanted": "phone-call",
}


def sentence(kind: str, details: dict[str, Any]) -> str:
    """The notice in words; of a kind that is no longer known, that something happened."""
    known = SENTENCES.get(kind)
    return known(details) if known else _("有一件事和你有关。")
