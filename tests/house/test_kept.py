"""What phones may keep: a list that somebody decided on, and the pages of it that say so."""

from __future__ import annotations

from fieldapp import create_app

# Pages a phone may keep, sealed, for the person they were made for. Nothing with a full phone number, no photograph,
# nothing of the administration or the audit trail, no answer to a search of everybody's enterprises.
KEPT = {
    "accounts.me", "casefile.show", "codes.scan", "desk.lead", "desk.today",
    "followups.close", "followups.edit", "followups.index", "followups.new", "followups.postpone",
    "followups.reassign", "followups.show", "needs.edit", "needs.index", "needs.new", "needs.show", "needs.take_step",
    "notices.index", "offline.nothing", "offline.outbox", "offline.pack_page", "visits.edit", "visits.index",
    "visits.new", "visits.plan", "visits.replan", "visits.show",
}  # fmt: skip
IN_THE_PACK_ONLY = {"desk.choose", "enterprises.index"}


def _marked(how):
    app = create_app({"DATABASE_URL": "sqlite://", "SECRET_KEY": "x" * 40})
    return {name for name, view in app.view_functions.items() if getattr(view, "kept", None) == how}


def test_only_these_pages_are_ever_kept():
    assert _marked("always") == KEPT
    assert _marked("pack") == IN_THE_PACK_ONLY


def test_an_answer_says_whose_it_is_and_a_page_that_is_not_kept_says_nothing(zhao, city):
    casefile = zhao.get(f"/enterprises/{city.huaxing.id}")
    assert casefile.headers["Page-Kept"] and casefile.headers["Page-User"].isdecimal()
    for path in (f"/enterprises/{city.huaxing.id}/qr", "/enterprises", "/me/password", "/nowhere"):
        answer = zhao.get(path)
        assert "Page-Kept" not in answer.headers, path


def test_nobody_signed_in_and_nobodys_refusal_is_kept(anybody, sun, city):
    assert "Page-Kept" not in anybody.get("/login").headers
    refused = sun.get(f"/enterprises/{city.huaxing.id}")
    assert refused.status_code == 404 and "Page-Kept" not in refused.headers
