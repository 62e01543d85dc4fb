"""The over-visit guard: what an officer should know before taking an enterprise's time. It warns and forbids nothing.

Quiet times are free text. What of it is understood is checked, what is not is only shown:

    text   = clause { ("，" | "；" | "。" | "," | ";" | line break) clause }
    clause = group { ["、" | "和" | "及"] group }           a clause with anything else in it is not checked at all
    group  = days { time } | time { time }                  days without a time: all day; a time without days: daily
    days   = day { ["、" | "和" | "及"] day } | day ("至" | "到" | dash) day
    day    = ["每"] ("周" | "星期" | "礼拜") ("一" … "六" | "日" | "天"), and after the first one the bare character
             (周一、三; 周一至五), or "周末" | "双休日" | "工作日" | "每天" | "每日"
    time   = [part] clock (dash | "至" | "到") clock | part            下午2点–3点 is 14:00–15:00
    part   = "上午" | "中午" | "下午" | "晚上" | "全天"
    clock  = HH:MM | H点 | H点半                            24:00 ends a day; 22:00–06:00 reaches into the next morning

So “12:00–14:00，周五下午” is read whole, and of “12:00–14:00，每月最后三天” the noon is. Words such as 免打扰 or 午休
may stand in a clause. 工作日 is Monday to Friday: who writes it does not have shifted workdays in mind.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

DAY = 24 * 60
EVERY_DAY = frozenset(range(7))
_WEEKDAYS = {character: at for at, character in enumerate("一二三四五六日")} | {"天": 6}
_DAY_WORDS = {
    "周末": frozenset({5, 6}),
    "双休日": frozenset({5, 6}),
    "工作日": frozenset(range(5)),
    "每天": EVERY_DAY,
    "每日": EVERY_DAY,
}
_PARTS = {
    "上午": (0, 12 * 60),
    "中午": (12 * 60, 14 * 60),
    "下午": (12 * 60, 18 * 60),
    "晚上": (18 * 60, DAY),
    "全天": (0, DAY),
}
_CLAUSES = re.compile(r"[，,；;。\n]")
_SILENT = re.compile(
    r"(?:企业|免打扰|请勿打扰|勿扰|不打扰|不接待|不便接待|不方便|不见客|(?<!中)午休|休息|休假|时段|时间|期间|都|均|请|为|是|的)[：:]?|\s"
)
_CLOCK = r"(?P<{0}h>[01]?\d|2[0-4])(?:[:：](?P<{0}m>[0-5]\d)|点(?P<{0}half>半)?)"
_DASH = r"(?:[-–—―−~～至到]+)"
_DAY = r"每?(?:周|星期|礼拜)(?P<day>[一二三四五六日天])"
_TOKEN = re.compile(
    "|".join(
        (
            rf"(?P<range>{_CLOCK.format('a')}{_DASH}{_CLOCK.format('b')})",
            rf"(?P<part>{'|'.join(_PARTS)})",
            rf"(?P<word>{'|'.join(_DAY_WORDS)})",
            _DAY,
            r"(?P<bare>[一二三四五六日天])",
            rf"(?P<through>{_DASH})",
            r"(?P<sep>[、和及])",
        )
    )
)


@dataclass(frozen=True)
class Quiet:
    """On these weekdays (Monday is 0) from `start` to before `end`, minutes of the day; end ≤ start reaches past
    midnight."""

    days: frozenset[int]
    start: int
    end: int

    @property
    def all_day(self) -> bool:
        return (self.start, self.end) == (0, DAY)

    def holds(self, on: date, minute: int | None) -> bool:
        """Whether a visit at that minute falls into it; one whose hour is not said only into whole days."""
        if minute is None:
            return self.all_day and on.weekday() in self.days
        if self.start < self.end:
            return on.weekday() in self.days and self.start <= minute < self.end
        before = (on.weekday() - 1) % 7
        return (on.weekday() in self.days and minute >= self.start) or (
            before in self.days and minute < self.end
        )


def _minute(match: re.Match[str], which: str) -> int | None:
    hours, minutes = int(match[f"{which}h"]), int(match[f"{which}m"] or 0)
    minute = hours * 60 + (30 if match[f"{which}half"] else minutes)
    return minute if minute <= DAY else None


def _read_clause(clause: str) -> list[Quiet]:
    """The rules of one clause; none when any of it is not understood."""
    rules: list[Quiet] = []
    days: set[int] = set()
    times: list[tuple[int, int]] = []
    last_day: int | None = None  # the day a bare character or a dash may follow
    reaching = False  # a dash between days is open
    part = ""  # the part of the day that a clock time directly after it belongs to

    def close() -> None:
        if days or times:
            for start, end in times or [(0, DAY)]:
                rules.append(Quiet(frozenset(days) or EVERY_DAY, start, end))

    at = 0
    while at < len(clause):
        match = _TOKEN.match(clause, at)
        if match is None:
            return []
        at = match.end()
        kind = match.lastgroup if match.lastgroup in {"part", "word", "bare", "through", "sep"} else None
        kind = kind or ("range" if match["range"] else "day")
        part, before = "", part
        if kind == "sep":
            if reaching or not (days or times):
                return []
        elif kind == "through":
            if last_day is None or reaching:
                return []
            reaching = True
        elif kind in {"range", "part"}:
            if reaching:
                return []
            last_day = None
            if kind == "part":
                part = match["part"]
                times.append(_PARTS[part])
                continue
            start, end = _minute(match, "a"), _minute(match, "b")
            if start is None or end is None:
                return []
            if before:
                times.pop()  # the clock time says it more exactly
                noon = DAY // 2
                if before in {"中午", "下午", "晚上"}:
                    start += noon if 60 <= start < noon else 0
                    end += noon if end < start < end + noon else 0
            if start in (end, DAY):
                return []
            times.append((start, end))
        else:
            if kind == "bare" and last_day is None:
                return []
            if times:  # days after times: the next group
                close()
                days, times = set(), []
            if kind == "word":
                if reaching:
                    return []
                days |= _DAY_WORDS[match["word"]]
                last_day = None
                continue
            day = _WEEKDAYS[match["bare"] or match["day"]]
            if reaching and last_day is not None:
                days |= {(last_day + n) % 7 for n in range((day - last_day) % 7 + 1)}
                reaching = False
            days.add(day)
            last_day = day
    if reaching:
        return []
    close()
    return rules


def read_quiet_times(text: str) -> list[Quiet]:
    """What of this text is understood, as rules; never raises."""
    return [rule for clause in _CLAUSES.split(text[:400]) for rule in _read_clause(_SILENT.sub("", clause))]


def minute_of(clock: str) -> int | None:
    """14:30 as minutes of the day; None for "" and for what is no time."""
    match = re.fullmatch(r"([01]?\d|2[0-3])[:：]([0-5]\d)", clock.strip())
    return int(match[1]) * 60 + int(match[2]) if match else None


def is_quiet(quiet_times: str, on: date, at: str) -> bool:
    """Whether a visit on that day at that time (HH:MM, or "" when not said) falls into the enterprise's quiet times."""
    return any(rule.holds(on, minute_of(at)) for rule in read_quiet_times(quiet_times))


# Visits by others.


@dataclass(frozen=True)
class Nearby:
    """A visit or plan at the same enterprise."""

    id: uuid.UUID
    on: date
    at: str  # HH:MM, or "" for a plan without a time
    officer: str
    planned: bool
    own: bool = False  # the officer's own plan: two plans are probably one


@dataclass(frozen=True)
class Concerns:
    """What the officer should think about before the plan is stored."""

    recent: Sequence[Nearby] = field(default_factory=tuple)  # visits of colleagues, the nearest first
    planned: Sequence[Nearby] = field(default_factory=tuple)  # plans of colleagues, the nearest first
    own: Sequence[Nearby] = field(default_factory=tuple)  # their own other plans
    quiet: bool = False

    def __bool__(self) -> bool:
        return bool(self.recent or self.planned or self.own or self.quiet)

    @property
    def keys(self) -> list[str]:
        """What was shown, for the form to say that it has been seen: a plan that was moved is another concern."""
        visits = [*self.recent, *self.planned, *self.own]
        return [f"{visit.id}@{visit.on.isoformat()}" for visit in visits] + (["quiet"] if self.quiet else [])


def window(on: date, days: int) -> tuple[date, date]:
    """First and last day that count as near to a visit on that day."""
    return on - timedelta(days=days), on + timedelta(days=days)


def concerns_of(on: date, at: str, quiet_times: str, visits: Iterable[Nearby], days: int) -> Concerns:
    """Everything to say about a visit on that day at that time. `visits` may hold more than the window does."""
    first, last = window(on, days)
    near = sorted(
        (visit for visit in visits if first <= visit.on <= last),
        key=lambda visit: (abs((visit.on - on).days), visit.on, visit.at, str(visit.id)),
    )
    return Concerns(
        recent=tuple(visit for visit in near if not visit.planned and not visit.own),
        planned=tuple(visit for visit in near if visit.planned and not visit.own),
        own=tuple(visit for visit in near if visit.planned and visit.own),
        quiet=is_quiet(quiet_times, on, at),
    )


def unseen(concerns: Concerns, seen: Iterable[str]) -> bool:
    """Whether there is something in them that the officer has not been shown yet."""
    return not set(concerns.keys) <= set(seen)
