"""The trail in plain words. What is not in here is shown as it was written: nothing may be left out of a trail."""

from __future__ import annotations

from typing import Any

from fieldapp.languages import N_, _

# Slices write short English names; the words stand here so that all of them can be read, and filtered, in one place.
ACTIONS = {
    "signed_in": N_("登录"),
    "sign_in_failed": N_("登录失败"),
    "sign_in_throttled": N_("登录太频繁，被要求等待"),
    "signed_out": N_("退出登录"),
    "session_revoked": N_("让一台设备退出"),
    "sessions_revoked": N_("让其他设备都退出"),
    "password_changed": N_("修改密码"),
    "password_change_failed": N_("修改密码时原密码不对"),
    "password_reset": N_("重置密码"),
    "display_changed": N_("修改显示设置"),
    "user_created": N_("新建账号"),
    "user_changed": N_("修改账号资料"),
    "role_changed": N_("改角色"),
    "user_moved": N_("换服务团"),
    "led_teams_changed": N_("改负责的服务团"),
    "user_disabled": N_("停用账号"),
    "user_enabled": N_("启用账号"),
    "team_created": N_("新建服务团"),
    "team_changed": N_("修改服务团"),
    "region_added": N_("添加旗县区"),
    "assigned": N_("分配企业"),
    "helper_added": N_("增加协助干部"),
    "contact_added": N_("添加联系人"),
    "phone_shown": N_("查看联系人电话"),
    "codes_issued": N_("生成二维码"),
    "code_revoked": N_("作废二维码"),
    "codes_printed": N_("打印二维码标签"),
    "import_uploaded": N_("上传导入文件"),
    "import_withdrawn": N_("放弃导入"),
    "enterprises_imported": N_("导入企业"),
    "enterprises_created": N_("新建企业"),
    "enterprises_changed": N_("更新企业资料"),
    "visit_recorded": N_("记录走访"),
    "need_submitted": N_("提交需求"),
    "promised": N_("答应跟进"),
    "follow_up_closed": N_("办结跟进"),
    "refused": N_("没有权限或太频繁，被拒绝"),
}
SUBJECTS = {
    "user": N_("账号"),
    "team": N_("服务团"),
    "region": N_("旗县区"),
    "enterprise": N_("企业"),
    "contact": N_("联系人"),
    "visit": N_("走访"),
    "need": N_("需求"),
    "follow_up": N_("跟进"),
    "import": N_("导入"),
}
DETAILS = {
    "enterprise": N_("企业"),
    "officer": N_("干部"),
    "before": N_("原来"),
    "after": N_("现在"),
    "fields": N_("改了"),
    "role": N_("角色"),
    "team": N_("服务团"),
    "leads": N_("负责的服务团"),
    "count": N_("数量"),
    "enterprises": N_("企业"),
    "rows": N_("行数"),
    "status": N_("结果"),
    "rule": N_("地址"),
    "method": N_("方式"),
    "wait": N_("要等（秒）"),
    "session": N_("设备"),
    "code": N_("编号"),
    "how": N_("方式"),
    "regions_before": N_("原来的旗县区"),
    "regions_after": N_("现在的旗县区"),
    "leads_before": N_("原来的负责人"),
    "leads_after": N_("现在的负责人"),
}
VALUES = {
    "OFFICER": N_("青年干部"),
    "LEAD": N_("负责人"),
    "ADMIN": N_("管理员"),
    "AUDITOR": N_("审计员"),
    "name": N_("姓名"),
    "phone": N_("电话"),
    "DONE": N_("已办好"),
    "DROPPED": N_("不再跟进"),
}

# An import names thousands of records: the page shows the first, the row keeps all.
MOST_SHOWN = 12


def action_words(action: str) -> str:
    return _(ACTIONS[action]) if action in ACTIONS else action


def subject_words(subject: str) -> str:
    """`user:12` as 账号 12."""
    kind, sign, number = subject.partition(":")
    return f"{_(SUBJECTS[kind])} {number}" if sign and kind in SUBJECTS else subject


def detail_words(detail: dict[str, Any] | None) -> list[tuple[str, str]]:
    """(label, value) of what the event adds, empty values left out."""
    return [
        (_(DETAILS[key]) if key in DETAILS else key, _value(value))
        for key, value in (detail or {}).items()
        if value not in (None, "", [])
    ]


def _value(value: Any) -> str:
    if isinstance(value, dict):
        value = [f"{key} ({_value(one)})" for key, one in value.items()]
    if isinstance(value, list):
        shown = _("、").join(_value(one) for one in value[:MOST_SHOWN])
        return (
            shown if len(value) <= MOST_SHOWN else _("%(some)s 等 %(count)s 项", some=shown, count=len(value))
        )
    text = str(value)
    return _(VALUES[text]) if text in VALUES else text
