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
    "handed_over": N_("交接企业"),
    "returned_to_pool": N_("企业退回共享名单"),
    "helper_added": N_("增加协助干部"),
    "helper_removed": N_("撤下协助干部"),
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
    "photos_added": N_("添加照片"),
    "photos_removed": N_("去掉的照片"),
    "photo_arrived": N_("照片补到"),
    "photo_dropped": N_("不再等照片"),
    "visit_planned": N_("安排走访"),
    "visit_replanned": N_("改走访计划"),
    "visit_joined": N_("加入同行走访"),
    "visit_left": N_("退出同行走访"),
    "visit_cancelled": N_("取消走访"),
    "visit_arrived": N_("走访签到"),
    "visit_recorded": N_("记录走访"),
    "visit_amended": N_("修改走访记录"),
    "visit_accepted": N_("审阅走访通过"),
    "visit_returned": N_("退回走访记录"),
    "quiet_times_asked": N_("企业提出免打扰时间"),
    "quiet_times_set": N_("采用企业的免打扰时间"),
    "quiet_times_left": N_("没有采用企业的免打扰时间"),
    "visit_code_given": N_("请企业确认走访"),
    "visit_codes_revoked": N_("收回走访确认码"),
    "visit_answered": N_("企业回答走访确认"),
    "visit_answer_corrected": N_("企业改了走访确认"),
    "need_submitted": N_("提交需求"),
    "order_placed": N_("企业点单"),
    "call_wanted": N_("企业请回电"),
    "need_changed": N_("修改需求"),
    "need_noted": N_("记录需求进展"),
    "need_moved": N_("办理需求"),
    "needs_handed_over": N_("移交需求"),
    "promised": N_("答应跟进"),
    "follow_up_closed": N_("办结跟进"),
    "follow_up_noted": N_("记跟进的进展"),
    "follow_up_postponed": N_("跟进改期"),
    "follow_up_edited": N_("修改跟进"),
    "follow_up_reassigned": N_("跟进转给别人"),
    "follow_up_reopened": N_("重新打开跟进"),
    "promises_handed_over": N_("跟进随企业交接"),
    "channel_opened": N_("设置提醒方式"),
    "channel_closed": N_("取消提醒方式"),
    "quiet_changed": N_("修改免打扰时间"),
    "delivery_retried": N_("重发没发出去的提醒"),
    "delivery_given_up": N_("放弃没发出去的提醒"),
    "calendar_opened": N_("开通日历订阅"),
    "calendar_closed": N_("停用日历订阅"),
    "exported": N_("导出表格"),
    "exported_with_phones": N_("导出表格（含完整电话）"),
    "brought_in": N_("代收发件箱里的记录"),
    "entry_came_late": N_("同一编号又来了别的内容，另外留下"),
    "late_entry_seen": N_("处理另外留下的内容"),
    "outbox_file_opened": N_("打开发件箱文件"),
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
    "outcomes": N_("成效档案"),
    "delivery": N_("发送"),
}
DETAILS = {
    "ending": N_("怎样结束"),
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
    "period": N_("时段"),
    "entry": N_("提交编号"),
    "received": N_("收到"),
    "step": N_("步骤"),
}
VALUES = {
    "OFFICER": N_("青年干部"),
    "LEAD": N_("负责人"),
    "ADMIN": N_("管理员"),
    "AUDITOR": N_("审计员"),
    "name": N_("姓名"),
    "phone": N_("电话"),
    "met": N_("见到的人"),
    "met_nobody": N_("未见到人"),
    "purposes": N_("走访目的"),
    "said": N_("聊了什么"),
    "place": N_("到访位置"),
    "arrived_at": N_("到访时间"),
    "left_at": N_("离开时间"),
    "way": N_("怎么走访"),
    "next_contact_on": N_("约好下次联系"),
    "companions": N_("同行的同事"),
    "override_reason": N_("为什么这时候来"),
    "needs": N_("需求"),
    "promises": N_("答应的事"),
    "photos": N_("现场照片"),
    "DONE": N_("已办好"),
    "DROPPED": N_("不再跟进"),
    "SUBMITTED": N_("待受理"),
    "ACCEPTED": N_("待接单"),
    "CLAIMED": N_("已接单"),
    "MATCHING": N_("对接中"),
    "AWAITING_ENTERPRISE": N_("待企业确认"),
    "RESOLVED": N_("已办结"),
    "RATED": N_("已评价"),
    "RETURNED": N_("待补充"),
    "DECLINED": N_("不予受理"),
    "REFERRED": N_("已转出"),
    "ON_HOLD": N_("暂缓"),
    "WITHDRAWN": N_("已撤回"),
    "MERGED": N_("已合并"),
    "PARTLY": N_("部分解决"),
    "CONFIRMED": N_("已确认"),
    "DIFFERS": N_("有出入"),
    "DENIED": N_("没有来过"),
    "SOLVED": N_("真正解决"),
    "EXPLAINED": N_("讲明缘由"),
    "SCHEDULED": N_("已排上日程"),
    "IMPOSSIBLE": N_("暂时办不了"),
    "title": N_("一句话说清需求"),
    "kind": N_("类型"),
    "description": N_("具体说明"),
    "field": N_("技术领域"),
    "indicators": N_("技术指标"),
    "deadline": N_("希望什么时候解决"),
    "budget": N_("预算"),
    "cooperation": N_("合作方式"),
    "ip_ownership": N_("知识产权归谁"),
    "conditions": N_("对合作方的要求"),
    "urgency": N_("多急"),
    "disclosure": N_("可以公开到什么程度"),
    "contact_id": N_("企业联系人"),
    "quarter": N_("本季度"),
    "DINGTALK": N_("钉钉群机器人"),
    "WECOM": N_("企业微信群机器人"),
    "MAIL": N_("邮件"),
    "year": N_("今年"),
}

# An import names thousands of records: the page shows the first, the row keeps all.
MOST_SHOWN = 12


def action_words(action: str) -> str:
    return _(ACTIONS[action]) if action in ACTIONS else action


def subject_words(subject: str) -> str:
    """`user:12` as 账号 12, a whole list such as `visits` as 走访."""
    kind, sign, number = subject.partition(":")
    if not sign and kind.removesuffix("s") in SUBJECTS:
        return _(SUBJECTS[kind.removesuffix("s")])
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
