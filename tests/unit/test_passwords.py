"""Passwords: what is too easy, what is too long, and that checking costs next to nothing."""

from __future__ import annotations

import time
from contextlib import suppress

import pytest
from argon2 import PasswordHasher
from flask import Flask

from fieldapp.accounts import passwords
from fieldapp.accounts.passwords import WeakPassword, common_words, require_strong


@pytest.fixture(autouse=True)
def context():
    """Settings are all a password needs to know of the application."""
    app = Flask(__name__)
    app.config.update(PASSWORD_MIN=10, ARGON2_MEMORY_KIB=64, ARGON2_TIME=1, ARGON2_LANES=1)
    with app.app_context():
        yield app


@pytest.mark.parametrize(
    "weak",
    [
        "short-9xk",
        "         x",
        "aaaaaaaaaaaa",
        "abcabcabcabc",
        "password123",
        "P@ssw0rd!2026",
        "ｐａｓｓｗｏｒｄ１２３",
        "1234567890",
        "9876543210",
        "0246802468",
        "qwertyuiop1",
        "1qaz2wsx3edc",
        "QWERTYasdf12",
        "woaini1314520",
        "Baotou@2026",
        "kundulun-8888",
        "baotou-kejiju-2026",
        "内蒙古包头科技局123",
        "qingzhuqi2026",
        "13812345678",
        "19900101123",
        "zhao1990-01-01",
    ],
)
def test_easy_passwords_are_refused(weak):
    with pytest.raises(WeakPassword):
        require_strong(weak, "zhao", "赵青", "")


@pytest.mark.parametrize(
    "strong",
    [
        "xiaohe-liushui-1987-deng",
        "correct horse battery staple",
        "8391047265",
        "一去二三里烟村四五家",
        "kx7#mPq2vL",
        "x" * 500 + "Qw3zt7Lp",
    ],
)
def test_long_or_odd_ones_are_welcome_without_any_compulsory_mixture(strong):
    require_strong(strong, "zhao", "赵青", "13812345621")


def test_what_a_guesser_knows_of_the_person_is_no_secret():
    for guess in ("zhaoqing-xk29", "ZhaoQing#2931", "tel13812345621x"):
        with pytest.raises(WeakPassword, match="账号、姓名或手机号"):
            require_strong(guess, "zhaoqing", "赵青", "13812345621")
    require_strong("li-shuijing-7042", "li", "李望", "")  # two letters are in half of all words


def test_ten_characters_are_enough_and_nine_are_not():
    require_strong("kx7#mPq2vL")
    with pytest.raises(WeakPassword, match="至少 10 个"):
        require_strong("kx7#mPq2v")


def test_more_than_1024_characters_are_refused_before_any_hashing(monkeypatch):
    hashed = []
    monkeypatch.setattr(passwords, "hasher", lambda: hashed.append(1))
    with pytest.raises(WeakPassword, match="最多 1024"):
        require_strong("x7" * 513)
    assert passwords.matches("$argon2id$…", "a" * 1025) is False
    assert hashed == []


@pytest.mark.parametrize(
    "text", ["pass" * 256, "a" * 1024, "baotou" * 170, "qwer" * 200 + "zq#", "1" * 1023 + "x"]
)
def test_judging_the_longest_password_takes_no_time_to_speak_of(text):
    require_list = common_words()  # read once, not part of what is measured
    passwords._pieces()
    began = time.process_time()
    with suppress(WeakPassword):
        require_strong(text[:1024])
    assert time.process_time() - began < 0.1
    assert len(require_list) > 400


def test_every_line_of_the_list_is_one_lower_case_word():
    for word in common_words():
        assert word == word.lower() and " " not in word


def test_a_hash_verifies_only_its_own_password():
    stored = passwords.hash_password("kx7#mPq2vL")
    assert stored.startswith("$argon2id$")
    assert passwords.matches(stored, "kx7#mPq2vL")
    assert not passwords.matches(stored, "kx7#mPq2vl")
    assert not passwords.matches(None, "nobody has this password")
    assert not passwords.matches("not a hash", "kx7#mPq2vL")


def test_a_chinese_keyboards_full_width_letters_are_the_same_password():
    assert passwords.matches(passwords.hash_password("ｋx7#mPq2vL"), "kx7#mPq2vＬ")


def test_nobodys_hash_costs_what_a_real_one_costs(context):
    """Same parameters, so the same work; and nothing verifies against it."""
    nobody = passwords._nobodys_hash(64, 1, 1)
    assert nobody.rsplit("$", 2)[0] == passwords.hash_password("kx7#mPq2vL").rsplit("$", 2)[0]
    assert not passwords.hasher().check_needs_rehash(nobody)


def test_the_default_is_64_mib_and_three_passes():
    from fieldapp.settings import DEFAULTS

    assert DEFAULTS["ARGON2_MEMORY_KIB"][0] == 65536 and DEFAULTS["ARGON2_TIME"][0] == 3


def test_a_hash_made_with_other_parameters_is_outdated():
    assert passwords.outdated(PasswordHasher(time_cost=2, memory_cost=32, parallelism=1).hash("kx7#mPq2vL"))
    assert not passwords.outdated(passwords.hash_password("kx7#mPq2vL"))


def test_one_time_passwords_differ_are_strong_and_easy_to_read():
    made = {passwords.make_one_time_password() for _ in range(200)}
    assert len(made) == 200
    for secret in made:
        assert len(secret) == 14 and not set(secret) & set("0o1il")
