"""How the domain says no: a Refusal whose message is the sentence the officer reads."""

from __future__ import annotations

from fieldapp.languages import lazy


class Refusal(Exception):
    """The act is understood and refused (422). `message` is shown as it is."""

    status = 422
    title = lazy("没有保存成功")
    message = lazy("这一步没有成功，请检查后再试。")

    def __init__(self, message: object | None = None) -> None:
        super().__init__(str(message or ""))
        if message is not None:
            self.message = message


class NotFound(Refusal):
    """It does not exist, or this person may not know that it does (404)."""

    status = 404
    title = lazy("没有找到")
    message = lazy("这个页面不存在，或者不归你负责。请从列表里重新打开。")


class NotAllowed(Refusal):
    """Seen, but not theirs to change (403)."""

    status = 403
    title = lazy("没有权限")
    message = lazy("这件事你能看到，但不能改。需要的话请找本队负责人。")


class Conflict(Refusal):
    """Somebody else was quicker, or the entry id was used for other content (409)."""

    status = 409
    title = lazy("内容有冲突")
    message = lazy("别人刚刚改过这条记录。请看一下最新内容再保存。")


class TooMany(Refusal):
    """Too often (429). `retry_after` in seconds."""

    status = 429
    title = lazy("太频繁了")
    message = lazy("操作太频繁，请稍后再试。")

    def __init__(self, message: object | None = None, retry_after: int = 60) -> None:
        super().__init__(message)
        self.retry_after = retry_after
