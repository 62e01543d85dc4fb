"""The ways out of the app: apprise's senders, told where to go by the settings and made to say why they failed.

As apprise 2.2 has them they do not know that both robots answer 200 to what they refuse (the reason is in the body),
DingTalk's signature is escaped twice, a redirect would be followed with the token, and what went wrong is only logged,
with addresses in it. So each kind sends by itself here; what it sends, to whom and how it is checked is apprise's.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import logging
import smtplib
import ssl
import time
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from fieldapp.notices.models import ChannelKind

if TYPE_CHECKING:
    from apprise.plugins.base import NotifyBase

# Bytes of a message. WeCom counts them in UTF-8 and cuts nothing: what is longer is refused.
LONGEST = {ChannelKind.DINGTALK: 6000, ChannelKind.WECOM: 2000, ChannelKind.MAIL: 20_000}


class Fault(Exception):
    """Why a message did not go: a code of rules.FAULTS. Holds nothing of what was sent, nor where to."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code[:40]


def offered(config: Mapping[str, Any]) -> tuple[ChannelKind, ...]:
    """The kinds that this deployment has."""
    has = {
        ChannelKind.DINGTALK: config["DINGTALK_URL"],
        ChannelKind.WECOM: config["WECOM_URL"],
        ChannelKind.MAIL: config["SMTP_HOST"] and config["MAIL_FROM"],
    }
    return tuple(kind for kind in ChannelKind if has[kind])


def send(
    kind: ChannelKind, target: str, secret: str, title: str, text: str, config: Mapping[str, Any]
) -> None:
    """Send one message now; raises Fault. Nothing may be locked meanwhile: this takes seconds."""
    if kind not in offered(config) or not target:
        raise Fault("off")
    _quieten()
    try:
        sender = _sender(kind, target, secret, config)
        sent = sender.notify(title=title, body=text)
    except Fault:
        raise
    except Exception as error:
        raise Fault(_code_of(error)) from None
    if not sent:
        raise Fault("other")


def _code_of(error: Exception) -> str:
    import requests

    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return f"smtp {next(iter(error.recipients.values()))[0]}"
    if isinstance(error, smtplib.SMTPResponseException):
        return f"smtp {error.smtp_code}"
    # smtplib tells a silent server as one that hung up.
    if isinstance(error, requests.Timeout | TimeoutError) or isinstance(error.__context__, TimeoutError):
        return "timeout"
    if isinstance(error, requests.exceptions.SSLError | ssl.SSLError):
        return "tls"
    if isinstance(error, OSError | smtplib.SMTPException):  # requests' errors are OSErrors
        return "unreachable"
    return "other"


def _sender(kind: ChannelKind, target: str, secret: str, config: Mapping[str, Any]) -> NotifyBase:
    senders = _senders()
    patience = {"cto": config["SEND_PATIENCE"], "rto": config["SEND_PATIENCE"], "redirect": False}
    if kind is ChannelKind.DINGTALK:
        return senders[kind](address=config["DINGTALK_URL"], token=target, secret=secret, **patience)
    if kind is ChannelKind.WECOM:
        return senders[kind](address=config["WECOM_URL"], key=target, **patience)
    security = config["SMTP_SECURITY"]
    return senders[kind](
        smtp_host=config["SMTP_HOST"],
        host=config["MAIL_FROM"].rpartition("@")[2].rstrip(">"),
        port=config["SMTP_PORT"] or None,
        secure_mode=security,
        secure=security != "insecure",
        user=config["SMTP_USER"] or None,
        password=config["SMTP_PASSWORD"] or None,
        from_addr=config["MAIL_FROM"],
        targets=[target],
        **patience,
    )


@cache
def _senders() -> dict[ChannelKind, Any]:
    """Made when the first message goes: apprise and its hundred services take half a second and 40 MB to import."""
    import requests
    from apprise import NotifyFormat
    from apprise.plugins.dingtalk import NotifyDingTalk
    from apprise.plugins.email.base import NotifyEmail
    from apprise.plugins.email.smtp import AppriseSMTPController
    from apprise.plugins.wecombot import NotifyWeComBot

    def post(sender: Any, address: str, query: dict[str, str], body: dict[str, Any]) -> bool:
        answer = requests.post(
            address,
            params=query,
            data=json.dumps(body).encode(),
            headers={"User-Agent": "fieldapp", "Content-Type": "application/json; charset=utf-8"},
            timeout=sender.request_timeout,
            verify=sender.verify_certificate,
            allow_redirects=False,
        )
        if answer.status_code != 200:
            raise Fault(f"http {answer.status_code}")
        try:
            code = int(answer.json()["errcode"])
        except (ValueError, KeyError, TypeError):
            raise Fault("answer") from None
        if code != 0:
            raise Fault(f"robot {code}")
        return True

    class DingTalk(NotifyDingTalk):
        def __init__(self, address: str, **options: Any) -> None:
            super().__init__(**options)
            self.address = address

        def send(self, body: str, title: str = "", **_options: Any) -> bool:
            at = str(round(time.time() * 1000))
            digest = hmac.digest(self.secret.encode(), f"{at}\n{self.secret}".encode(), hashlib.sha256)
            query = {"access_token": self.token, "timestamp": at, "sign": base64.b64encode(digest).decode()}
            text = f"{title}\n{body}" if title else body
            return post(self, self.address, query, {"msgtype": "text", "text": {"content": text}})

    class WeCom(NotifyWeComBot):
        title_maxlen = (
            NotifyDingTalk.title_maxlen
        )  # its own is 0, and apprise would put the title in with a CR

        def __init__(self, address: str, **options: Any) -> None:
            super().__init__(**options)
            self.address = address

        def send(self, body: str, title: str = "", **_options: Any) -> bool:
            text = f"{title}\n{body}" if title else body
            return post(self, self.address, {"key": self.key}, {"msgtype": "text", "text": {"content": text}})

    class Post(AppriseSMTPController):
        def sendmail(self, from_addr: str, to_addrs: list[str], message: str) -> bool:
            self._socket.sendmail(from_addr, to_addrs, message)
            return True

    class Mail(NotifyEmail):
        def send(self, body: str, title: str = "", **_options: Any) -> bool:
            with Post(
                host=self.smtp_host,
                port=self.port,
                secure_mode=self.secure_mode,
                user=self.user,
                password=self.password,
                socket_connect_timeout=self.socket_read_timeout,
            ) as post_office:
                for message in self.prepare_emails(
                    subject=title,
                    body=body,
                    from_addr=self.from_addr,
                    to=self.targets,
                    smtp_host=self.host,
                    notify_format=NotifyFormat.TEXT,
                ):
                    post_office.sendmail(self.from_addr[1], message.to_addrs, message.body)
            return True

    return {ChannelKind.DINGTALK: DingTalk, ChannelKind.WECOM: WeCom, ChannelKind.MAIL: Mail}


@cache
def _quieten() -> None:
    """apprise logs tokens and addresses, urllib3 whole addresses with tokens in them."""
    import apprise  # noqa: F401  (configures its logger)

    for name in ("apprise", "urllib3", "urllib3.connectionpool", "requests"):
        logger = logging.getLogger(name)
        logger.setLevel(logging.CRITICAL + 1)
        logger.propagate = False


def cut(text: str, most: int) -> str:
    """The text in at most so many bytes of UTF-8, no character split."""
    raw = text.encode()
    return text if len(raw) <= most else raw[: most - 3].decode(errors="ignore") + "…"


__all__ = ["LONGEST", "Fault", "cut", "offered", "send"]
