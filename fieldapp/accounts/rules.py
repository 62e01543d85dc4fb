"""Decisions about accounts: plain values in, a value or a Refusal out."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

from fieldapp.languages import N_, lazy
from fieldapp.pinyin import syllables
from fieldapp.refusals import Refusal

USERNAME = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,38}[a-z0-9])?")
PHONE = re.compile(r"\+?[0-9][0-9-]{4,18}")


class LastAdmin(Refusal):
    message = lazy("这是最后一位能用的管理员，不能停用，也不能改成别的角色。请先再设一位管理员。")


class NotYourself(Refusal):
    message = lazy("不能停用自己，也不能在这里重置自己的密码。停用请另一位管理员来做，改密码请到“我的”。")


def tidy_username(typed: str) -> str:
    """As it is stored and looked up: lower case, full-width letters made plain, no spaces around."""
    return unicodedata.normalize("NFKC", typed).strip().lower()


def tidy_phone(typed: str) -> str:
    return re.sub(r"[\s()（）]", "", unicodedata.normalize("NFKC", typed)).replace("—", "-").replace("–", "-")


def require_an_admin(active_admin_ids: Iterable[int], leaving_id: int) -> None:
    """Raises LastAdmin when nobody would be left to manage accounts."""
    if not set(active_admin_ids) - {leaving_id}:
        raise LastAdmin


# First match wins: WeChat also calls itself Chrome, Chrome also calls itself Safari.
_DEVICES = (
    ("iPad", N_("iPad")),
    ("iPhone", N_("苹果手机")),
    ("HarmonyOS", N_("鸿蒙手机")),
    ("OpenHarmony", N_("鸿蒙手机")),
    ("Android", N_("安卓手机")),
    ("Windows", N_("Windows 电脑")),
    ("Macintosh", N_("苹果电脑")),
    ("Linux", N_("Linux 电脑")),
)
_BROWSERS = (
    ("wxwork", N_("企业微信")),
    ("MicroMessenger", N_("微信")),
    ("DingTalk", N_("钉钉")),
    ("MQQBrowser", N_("QQ 浏览器")),
    ("HuaweiBrowser", N_("华为浏览器")),
    ("MiuiBrowser", N_("小米浏览器")),
    ("HeyTapBrowser", N_("OPPO 浏览器")),
    ("VivoBrowser", N_("vivo 浏览器")),
    ("UCBrowser", N_("UC 浏览器")),
    ("Quark", N_("夸克")),
    ("SamsungBrowser", N_("三星浏览器")),
    ("Edg", "Edge"),
    ("Firefox", "Firefox"),
    ("FxiOS", "Firefox"),
    ("CriOS", "Chrome"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
)


def agent_words(agent: str) -> tuple[str, str]:
    """(kind of device, browser) of a User-Agent, in words an officer recognises; "" for what it does not tell."""

    def first(known: tuple[tuple[str, str], ...]) -> str:
        return next((word for mark, word in known if mark in agent), "")

    device = first(_DEVICES)
    if device == N_("安卓手机") and "Mobile" not in agent:
        device = N_("安卓平板")
    return device, first(_BROWSERS)


@lru_cache(maxsize=4096)
def spoken(name: str) -> tuple[str, ...]:
    """A name as it is looked up in a Chinese list: by its sounds."""
    return tuple(syllables(name))
