"""How long to wait, and whose address is whose."""

from __future__ import annotations

import pytest

from fieldapp.accounts.rules import LastAdmin, agent_words, require_an_admin, tidy_phone, tidy_username
from fieldapp.accounts.throttle import Limit, delay, neighbourhood

ACCOUNT = Limit("account:x", free=3, first=2, most=900)


def test_the_first_tries_are_free_then_the_wait_doubles_up_to_a_quarter_of_an_hour():
    assert [delay(failures, ACCOUNT) for failures in range(14)] == [
        0,
        0,
        0,
        2,
        4,
        8,
        16,
        32,
        64,
        128,
        256,
        512,
        900,
        900,
    ]


def test_a_million_failures_overflow_nothing():
    assert delay(1_000_000, ACCOUNT) == 900


@pytest.mark.parametrize(
    ("address", "whose"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:aaaa:bbbb:cccc:dddd", "2001:db8:1:2::"),
        ("2001:db8:1:2:1::1", "2001:db8:1:2::"),
        ("", ""),
        ("unix:", "unix:"),
    ],
)
def test_an_ipv6_phone_is_its_network(address, whose):
    assert neighbourhood(address) == whose


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        (
            "Mozilla/5.0 (Linux; Android 14; 2211133C) "
            "AppleWebKit/537.36 Chrome/126.0 Mobile Safari/537.36",
            ("安卓手机", "Chrome"),
        ),
        (
            "Mozilla/5.0 (Linux; Android 13) "
            "AppleWebKit/537.36 Chrome/116 Mobile Safari/537.36 MicroMessenger/8.0.50",
            ("安卓手机", "微信"),
        ),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5) "
            "AppleWebKit/605 Mobile/15E148 wxwork/4.1 MicroMessenger/7.0",
            ("苹果手机", "企业微信"),
        ),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5) "
            "AppleWebKit/605 Mobile AliApp(DingTalk/7.5)",
            ("苹果手机", "钉钉"),
        ),
        (
            "Mozilla/5.0 (Linux; Android 12; HarmonyOS; ALN) "
            "Chrome/114 HuaweiBrowser/15 Mobile Safari/537",
            ("鸿蒙手机", "华为浏览器"),
        ),
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64) "
            "Chrome/126 Safari/537.36 Edg/126",
            ("Windows 电脑", "Edge"),
        ),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X) Version/17.5 Safari/605", ("苹果电脑", "Safari")),
        (
            "Mozilla/5.0 (Linux; Android 13; SM-X700) "
            "AppleWebKit/537.36 Chrome/126 Safari/537.36",
            ("安卓平板", "Chrome"),
        ),
        ("curl/8.5", ("", "")),
        ("", ("", "")),
    ],
)  # fmt: skip
def test_devices_are_told_in_plain_words(agent, words):
    assert agent_words(agent) == words


def test_names_and_numbers_are_tidied_as_people_type_them():
    assert tidy_username(" ＺＨＡＯ.Qing ") == "zhao.qing"
    assert tidy_phone("138 1234 5621") == "13812345621"
    assert tidy_phone("（0472）５５５—0101") == "0472555-0101"


def test_somebody_must_be_left_to_manage_accounts():
    require_an_admin([1, 2], leaving_id=1)
    with pytest.raises(LastAdmin):
        require_an_admin([1], leaving_id=1)
    with pytest.raises(LastAdmin):
        require_an_admin([], leaving_id=1)
