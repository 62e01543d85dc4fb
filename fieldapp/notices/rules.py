"""When a notice may go out, how long to wait before another try, and what the words for a failure are."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from urllib.parse import parse_qs, urlsplit

from fieldapp.clock import local, zone
from fieldapp.languages import N_, _
from fieldapp.workdays import is_workday


@dataclass(frozen=True)
class Quiet:
    """When somebody wants nothing sent. Equal times: no quiet hours; the digest then goes at `ends` all the same."""

    starts: time
    ends: time
    days_off: bool = True
    digest: bool = True

    def covers(self, moment: time) -> bool:
        if self.starts <= self.ends:
            return self.starts <= moment < self.ends
        return moment >= self.starts or moment < self.ends


def next_open(at: datetime, quiet: Quiet) -> datetime:
    """`at`, or the first moment after it that is not quiet."""
    here = local(at)
    for _day in range(400):  # no holiday is that long
        if quiet.days_off and not is_workday(here.date()):
            here = _on_the_next_day(here, time.min)
        elif not quiet.covers(here.time()):
            return here.astimezone(UTC)
        elif here.time() < quiet.ends:
            here = datetime.combine(here.date(), quiet.ends, zone())
        else:
            here = _on_the_next_day(here, quiet.ends)
    return at


def next_digest(at: datetime, quiet: Quiet) -> datetime:
    """The morning of a working day, `at` or the first after it, when what waited is told in one message."""
    here = local(at)
    if here.time() > quiet.ends:
        here = _on_the_next_day(here, quiet.ends)
    while not is_workday(here.date()):
        here = _on_the_next_day(here, quiet.ends)
    return datetime.combine(here.date(), quiet.ends, zone()).astimezone(UTC)


def _on_the_next_day(here: datetime, moment: time) -> datetime:
    return datetime.combine(here.date() + timedelta(days=1), moment, zone())


def due(at: datetime, quiet: Quiet, *, urgent: bool) -> datetime:
    """When a notice told at that moment goes out."""
    return next_digest(at, quiet) if quiet.digest and not urgent else next_open(at, quiet)


def wait_after(
    tries: int, first: float, longest: float, draw: Callable[[], float] = random.random
) -> timedelta:
    """How long to leave a server alone after so many tries: twice as long each time, and never as long as others."""
    whole = min(longest, first * 2 ** min(tries - 1, 30))
    return timedelta(seconds=whole * (0.5 + draw() / 2))


# What a robot's address or a lone token looks like; the host is never taken from what somebody pastes.
_TOKENS = {
    "DINGTALK": ("access_token", re.compile(r"[A-Za-z0-9]{16,128}")),
    "WECOM": ("key", re.compile(r"[A-Za-z0-9_-]{16,128}")),
}
SIGNING_SECRET = re.compile(r"[A-Za-z0-9]{16,120}")
MAIL_ADDRESS = re.compile(r"[A-Za-z0-9._%+-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.)+[A-Za-z]{2,24}")


def robot_token(kind: str, text: str) -> str | None:
    """The token in a robot's pasted address, or given alone; None when there is none."""
    name, shape = _TOKENS[kind]
    text = text.strip()
    if "?" in text:
        text = parse_qs(urlsplit(text).query).get(name, [""])[0]
    return text if shape.fullmatch(text) else None


# Why a message did not go: codes are what is stored, words what admins and owners read. Numbers follow a code.
FAULTS = {
    "timeout": N_("对方太久没有回应"),
    "unreachable": N_("连不上对方的服务器"),
    "tls": N_("对方的证书不对"),
    "http": N_("对方的服务器回答 %(number)s"),
    "answer": N_("对方的回答读不懂"),
    "robot": N_("机器人拒收，代码 %(number)s"),
    "smtp": N_("邮件服务器回答 %(number)s"),
    "off": N_("这种方式没有开通"),
    "read": N_("已在青助企里看过"),
    "removed": N_("这种方式已取消"),
    "disabled": N_("账号已停用"),
    "killed": N_("发送中断过，没有等到结果"),
    "other": N_("发送时出错"),
}
# What the robots' own codes mean, for those that somebody can do something about.
ROBOT_CODES = {
    "310000": N_("签名、关键词或地址限制不对"),
    "300001": N_("机器人地址不对或已删除"),
    "300005": N_("机器人地址不对或已删除"),
    "130101": N_("发得太快，过一会儿再试"),
    "93000": N_("机器人地址不对或已删除"),
    "45009": N_("发得太快，过一会儿再试"),
}


def fault_words(code: str) -> str:
    """`robot 310000` in words."""
    if not code:
        return ""
    name, _space, number = code.partition(" ")
    text = FAULTS[name if name in FAULTS else "other"]
    words = _(text, number=number) if number else _(text)
    known = ROBOT_CODES.get(number) if name == "robot" else None
    return f"{words}{_('：')}{_(known)}" if known else words
