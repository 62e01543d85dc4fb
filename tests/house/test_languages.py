"""Two languages, never mixed: the English catalogue is complete, and every page speaks one language.

English is looked for where no data is Chinese (whatever the cast wrote is renamed), so each Chinese character left on
a page is a text that nobody translated. Chinese is looked for with the usual cast and a short list of Latin words.
"""

from __future__ import annotations

import json
import os
import re
import sqlite3
import subprocess
import sys
from dataclasses import dataclass, field
from functools import cache
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path

import pytest
import sqlalchemy as sa
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from fieldapp import pages
from fieldapp.accounts.models import Session, Team, User
from fieldapp.accounts.sessions import cookie_name, open_session
from fieldapp.clock import now
from fieldapp.codes.models import QrCode
from fieldapp.db import db, writing
from fieldapp.enterprises.industries import DIVISIONS
from fieldapp.enterprises.models import Contact, Enterprise
from fieldapp.imports.columns import UNITS
from fieldapp.visits.models import Visit
from tests import people
from tests.browser.test_pages import NO_PAGE, VIEWERS
from tests.conftest import ROOT, Client, Sqlite, make_app
from tests.house import test_authorisation as matrix

ENGLISH = ROOT / "fieldapp" / "translations" / "en" / "LC_MESSAGES" / "messages.po"
KEYWORDS = ("_", "lazy", "N_", "ngettext:1,2")
CJK = re.compile(
    r"[\u2e80-\u303f\u3400-\u9fff\uf900-\ufaff\uff00-\uffef]+"
)  # characters, and their punctuation
PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) Mobile/15E148 MicroMessenger/8.0.50"


def compile_catalogue() -> None:
    """What `make translations` does, when the texts are newer than what the pages read. Several workers may come."""
    compiled = ENGLISH.with_suffix(".mo")
    if compiled.exists() and compiled.stat().st_mtime >= ENGLISH.stat().st_mtime:
        return
    scratch = compiled.with_suffix(f".{os.getpid()}")
    with ENGLISH.open("rb") as texts, scratch.open("wb") as into:
        write_mo(into, read_po(texts))
    scratch.replace(compiled)


# --- the catalogue --------------------------------------------------------------------------------------------------


@cache
def _catalogue() -> Catalog:
    with ENGLISH.open("rb") as texts:
        return read_po(texts, abort_invalid=True)


@pytest.fixture(scope="module")
def extracted(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    """Every text that code and templates mark now."""
    to = tmp_path_factory.mktemp("texts") / "messages.pot"
    command = [
        sys.executable,
        "-m",
        "babel.messages.frontend",
        "-q",
        "extract",
        "-F",
        "babel.cfg",
        "-o",
        str(to),
    ]
    command += [part for keyword in KEYWORDS for part in ("-k", keyword)]
    subprocess.run([*command, "."], cwd=ROOT, check=True, capture_output=True, timeout=120)
    with to.open("rb") as texts:
        return read_po(texts)


def _ids(catalogue: Catalog) -> set[str]:
    return {_first(message.id) for message in catalogue if message.id}


def _first(text: object) -> str:
    return text if isinstance(text, str) else text[0]  # type: ignore[index]


def test_every_text_has_its_english_and_none_is_left_over(extracted):
    # The standard's divisions, the units of money and an import's yes and no are looked up by value.
    wanted = _ids(extracted) | set(DIVISIONS.values()) | set(UNITS) | {"是", "否"}
    known = _ids(_catalogue())
    assert not wanted - known, f"not in messages.po: {sorted(wanted - known)}"
    assert not known - wanted, f"said nowhere any more: {sorted(known - wanted)}"
    assert not _catalogue().obsolete, f"obsolete: {sorted(map(_first, _catalogue().obsolete))}"


def test_every_english_text_is_finished_and_fills_in_the_same_names():
    wrong = []
    for message in _catalogue():
        if not message.id:
            continue
        said = [message.string] if isinstance(message.string, str) else list(message.string)
        names = set(re.findall(r"%\((\w+)\)[sd]", _first(message.id)))
        for text in said:
            if not text or message.fuzzy:
                wrong.append(f"unfinished: {message.id}")
            elif set(re.findall(r"%\((\w+)\)[sd]", text)) != names or text.replace("%%", "").count(
                "%"
            ) != text.count("%("):
                wrong.append(f"other names: {message.id} → {text}")
            elif CJK.search(text):
                wrong.append(f"Chinese in English: {text}")
    assert not wrong, "\n".join(wrong)


def test_the_catalogue_names_no_place_on_anybodys_disk():
    assert "/" + "work" not in ENGLISH.read_text() and not re.search(r"^#: ", ENGLISH.read_text(), re.M)


PUNCTUATION = re.compile(r"[\u3000-\u303f\uff00-\uffef]")


def test_templates_join_no_words_with_bare_chinese_punctuation():
    """“、” and “：” stand in _("…") like words do: an English list wants its comma."""
    left = []
    for path in sorted((ROOT / "fieldapp" / "templates").rglob("*.html")):
        if path.name == "labels.html":
            continue  # shows the printed label, which is Chinese whoever prints it
        for number, line in enumerate(path.read_text().splitlines(), 1):
            bare = re.sub(r"""\{#.*?#\}|\b(?:_|ngettext)\(\s*(?:"[^"]*"(?:, )?|'[^']*'(?:, )?)+""", "", line)
            left += [f"{path.relative_to(ROOT)}:{number} {found[0]}" for found in PUNCTUATION.finditer(bare)]
    assert not left, "\n".join(left)


# --- what a page says -----------------------------------------------------------------------------------------------

VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
# What no person reads: addresses, names of fields, and the values of choices (units are sent as ledgers write them).
UNREAD = {"href", "src", "action", "hx-get", "hx-post", "name", "id", "for", "class", "d"}


@dataclass
class Said:
    text: str
    where: str
    code: bool  # inside .mono: a code, a number, a user name
    own: str = ""  # the language of the element that says so itself: lang="…", or "no" for translate="no"


@dataclass
class _Reader(HTMLParser):
    """Everything that a page says: visible text, and every attribute that is read out, shown or spoken by a script."""

    said: list[Said] = field(default_factory=list)
    _open: list[tuple[str, bool, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        a = {name: value or "" for name, value in attributes}
        code, own = (self._open[-1][1:]) if self._open else (False, "")
        code = code or "mono" in a.get("class", "").split()
        own = own or ("no" if a.get("translate") == "no" else a.get("lang", "") if tag != "html" else "")
        unread = UNREAD | (
            {"value"} if tag == "option" or a.get("type") in ("hidden", "radio", "checkbox") else set()
        )
        for name, value in a.items():
            if name not in unread and value:
                self.said.append(Said(value, f"<{tag} {name}>", code, own))
        if tag not in VOID:
            self._open.append((tag, code, own))

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop()[0] != tag:
            pass

    def handle_data(self, text: str) -> None:
        tag, code, own = self._open[-1] if self._open else ("", False, "")
        if text.strip() and tag not in ("script", "style"):
            self.said.append(Said(text.strip(), f"<{tag}>", code, own))


def _said(html: str) -> list[Said]:
    reader = _Reader()
    reader.feed(html)
    return reader.said


def chinese_in(html: str) -> list[str]:
    """Chinese on an English page, except what is Chinese by its own word: the printed label, the way back to 中文."""
    return [
        f"{said.where} {said.text[:90]}"
        for said in _said(html)
        if CJK.search(said.text) and said.own not in ("no", "zh-CN") and said.text != "中文"
    ]


# Latin words that a Chinese reader knows as they are.
KNOWN = {
    "QR", "PDF", "Excel", "CSV", "xlsx", "csv", "xls", "xlsb", "et", "WPS", "Word", "PNG", "SVG", "DTD", "MB", "KB", "A",
    "UTF", "GBK", "GB", "T", "GCJ", "BD", "WGS", "GPS", "R", "D", "mm", "km", "px", "m", "ms", "https", "GET", "POST",
    "Webhook", "SEC", "flask", "work", "iPhone", "iPad", "Safari", "Mac", "Windows", "Linux", "QQ", "UC", "OPPO", "vivo", "English", "I", "O", "Z", "S", "V", "U",
}  # fmt: skip
SPOKEN = {"aria-label", "alt", "title", "placeholder", "content"}


def english_in(html: str) -> list[str]:
    """Latin words on a Chinese page that are neither codes nor known, and stand in no element that is English."""
    found = []
    for said in _said(html):
        attribute = re.search(r"^<\w+ ([\w-]+)>$", said.where)
        if attribute and attribute[1] not in SPOKEN and not attribute[1].startswith("data-say-"):
            continue  # classes, types, addresses of scripts
        if said.where == "<meta content>" or said.code or said.own in ("no", "en"):
            continue
        words = re.sub(r"(?<!\w)/[\w/<>:-]+", " ", said.text)  # the trail shows addresses
        words = re.sub(r"\{\w+\}|__nth__", " ", words)  # places that a script fills in
        left = [
            word
            for word in re.findall(r"[A-Za-z]+", words)
            if word not in KNOWN and word not in people.PEOPLE
        ]
        if left:
            found.append(f"{said.where} {said.text[:90]}")
    return found


def test_the_reader_of_pages_finds_what_is_hidden_in_attributes():
    page = '<p title="标题">fine<br>好</p><a lang="zh-CN">中文</a><b translate="no">密</b><i>中文</i>'
    assert chinese_in(page) == ["<p title> 标题", "<p> 好"]
    assert english_in('<p aria-label="Save">保存 PDF</p><p class="mono">abc</p>') == ["<p aria-label> Save"]


# --- the city in both languages -------------------------------------------------------------------------------------


def _latin(value: object, word: str) -> object:
    if isinstance(value, str):
        return word if CJK.search(value) else value
    if isinstance(value, list):
        return [_latin(one, f"{word} {n}") for n, one in enumerate(value, 1)]
    if isinstance(value, dict):
        return {key: _latin(one, f"{word} {n}") for n, (key, one) in enumerate(value.items(), 1)}
    return value


def _rename_everything(file: Path) -> None:
    """Whatever the cast wrote in Chinese, in any table, becomes Latin: “name 3”. Enums are kept by their names."""
    with sqlite3.connect(file) as connection:
        tables = connection.execute(
            "SELECT name, sql FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'"
        )
        for table, made in tables.fetchall():
            if "WITHOUT ROWID" in made.upper():
                continue  # the search index: read by machines
            columns = [row[1] for row in connection.execute(f'PRAGMA table_info("{table}")')]
            rows = connection.execute(f'SELECT rowid, * FROM "{table}"').fetchall()
            for rowid, *values in rows:
                for column, value in zip(columns, values, strict=True):
                    if not isinstance(value, str):
                        continue
                    if value[:1] in "[{" and "\\u" in value:
                        new = json.dumps(_latin(json.loads(value), f"{column} {rowid}"))
                    elif CJK.search(value):
                        new = f"{column.replace('_', ' ')} {rowid}"
                    else:
                        continue
                    connection.execute(f'UPDATE "{table}" SET "{column}" = ? WHERE rowid = ?', (new, rowid))
    connection.close()


@dataclass
class City:
    """The cast's city in one language; the same pages for the same people."""

    language: str
    app: object
    known: dict[str, object]

    def client(self, username: str | None) -> Client:
        self.app.test_client_class = Client
        client = self.app.test_client()
        if username:
            with self.app.app_context():
                with writing(), self.app.test_request_context(headers={"User-Agent": PHONE}):
                    user = db.session.scalars(sa.select(User).where(User.username == username)).one()
                    token, name = open_session(user, now()), cookie_name()
                    db.session.commit()
                db.session.remove()
            client.set_cookie(name, token)
        return client

    def at(self, username: str | None, address: str) -> str:
        """Nobody's language stands in the address, everybody else's in their account."""
        if username or self.language == "zh":
            return address
        return f"{address}{'&' if '?' in address else '?'}lang={self.language}"

    def leaks(self, html: str) -> list[str]:
        lang = re.search(r'<html lang="([\w-]+)"', html)
        whole = (
            html.lstrip().lower().startswith("<!doctype")
        )  # a part that htmx fetches says no language of its own
        assert not whole or (lang and lang[1] == {"en": "en", "zh": "zh-CN"}[self.language]), (
            f"the page says that it is {lang and lang[1]}"
        )
        return chinese_in(html) if self.language == "en" else english_in(html)


@pytest.fixture(scope="module", params=["en", "zh"])
def city(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory):
    """On SQLite: what a page says does not depend on the database."""
    compile_catalogue()
    folder = tmp_path_factory.mktemp(request.param)
    database = Sqlite(folder)
    database.renew()
    if request.param == "en":
        _rename_everything(folder / "test.sqlite3")
    app = make_app(database.url, folder, MAX_BODY=60_000)
    with app.app_context():
        with writing():
            db.session.execute(sa.update(User).values(language=request.param))
            db.session.execute(
                sa.update(Visit).values(purposes=["NEEDS", "POLICY"])
            )  # a list shows how it is joined
            db.session.commit()
        one = db.session.scalar
        huaxing = one(sa.select(Enterprise.id).where(Enterprise.uscc == people.ENTERPRISES["huaxing"][1]))
        known = {
            "enterprise_id": huaxing,
            "visit_id": people.VISIT,
            "need_id": people.NEED,
            "follow_up_id": people.FOLLOW_UP,
            "contact_id": one(sa.select(Contact.id).where(Contact.enterprise_id == huaxing)),
            "token": one(sa.select(QrCode.token).where(QrCode.enterprise_id == huaxing)),
            "user_id": one(sa.select(User.id).where(User.username == "qian")),
            "team_id": one(sa.select(Team.id).join(User, User.team_id == Team.id).where(User.username == "li")),
            "session_id": one(sa.select(sa.func.max(Session.id))) or 0,
            "way": "dingtalk",
        }  # fmt: skip
        db.session.remove()
    yield City(request.param, app, known)
    with app.app_context():
        db.engine.dispose()


MORE = {
    None: ["/nowhere", "/q/nothing-like-it"],
    "zhao": [
        "/enterprises?q=00000000", "/enterprises?q=2&scope=pool&due=never", "/enterprises?industry=39&tag=hnte",
        "/enterprises/filters?region=1&industry=35", "/follow-ups?state=closed", "/q/nothing-like-it", "/nowhere",
        "/admin/users", "/logout",
    ],
    "sun": ["/q/<token>", "/"],
    "li": [
        "/", "/enterprises?scope=pool&tag=hnte", "/enterprises?due=soon", "/enterprises/qr-labels?q=00000000",
        "/imports/enterprises/99",
    ],
    "wu": ["/admin/users?q=00000000", "/admin/users?active=no", "/enterprises"],
    "zheng": ["/audit?refused=yes", "/audit?person=00000000", "/audit?action=assigned", "/me"],
}  # fmt: skip


def test_no_page_mixes_languages(city):
    addresses: dict[str | None, list[str]] = {who: list(more) for who, more in MORE.items()}
    for method, endpoint, rule in matrix.RULES:
        if method == "GET" and endpoint not in NO_PAGE:
            for viewer in VIEWERS.get(matrix.MATRIX[method, endpoint], []):
                addresses.setdefault(viewer, []).append(rule)
    complaints, seen = [], 0
    for viewer, rules in addresses.items():
        client = city.client(viewer)
        for rule in rules:
            try:
                address = matrix.fill(rule, city.known)
            except KeyError:
                continue  # something that only comes to be in its own slice's tests
            answer = client.get(city.at(viewer, address))
            assert answer.status_code < 500, address
            if answer.mimetype != "text/html":
                continue  # pictures, Excel files
            if answer.status_code < 300 or answer.status_code >= 400:
                seen += 1
                complaints += [f"{viewer} {address}: {leak}" for leak in city.leaks(answer.text)]
    assert seen > 60
    assert not complaints, "\n".join(complaints)


def test_no_notice_mixes_languages(city):
    client = city.client("zhao")
    complaints = [
        f"{key}: {leak}" for key in pages.NOTICES for leak in city.leaks(client.get(f"/me?notice={key}").text)
    ]
    assert not complaints, "\n".join(complaints)


NOT_LEDGERS = {
    "a.csv": b"",
    "b.pdf": b"%PDF-1.7",
    "c.png": b"\x89PNG\r\n",
    "d.zip": b"7z\xbc\xaf",
    "e.xls": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
    "f.html": b"<html><table>",
    "g.xlsx": b"PK\x03\x04nothing",
    "h.csv": b"\xff\xfe\x00\xd8",
    "i.csv": b"\x81\x00\x81\x00",
    "j.csv": b"one\n",
}
# Too short, common, my own name, a number, one letter, the same as now, too long.
BAD_PASSWORDS = (
    "short",
    "password1234",
    "zhao-zhao-zhao",
    "13812345678",
    "a" * 16,
    people.PASSWORD,
    "x" * 2000,
)


def _refused_officers(city: City):
    zhao = city.client("zhao")
    form = f"/enterprises/{city.known['enterprise_id']}/visits/new"

    def visit(**typed: object):
        return zhao.submit(form, "visit-form", **typed)

    def password(**typed: object):
        return zhao.submit("/me/password", "password-form", **typed)

    yield "visit, nothing typed", visit(met=[])
    days = {"promises-0-due_on": "2001-01-01", "next_contact_on": "2001-01-01"}
    times = {"arrived_at": "2001-01-01T08:00", "left_at": "2000-01-01T08:00"}
    yield (
        "visit, all wrong",
        visit(
            met=[],
            met_nobody=None,
            said="\x01",
            **{"new_contacts-0-phone": "12", "needs-0-budget": "99"},
            **days,
            **times,
        ),
    )
    yield "visit, in the future", visit(met_nobody="y", arrived_at="2099-01-01T08:00")
    yield (
        "visit, no numbers",
        visit(met_nobody="y", arrived_at="soon", **{"needs-0-budget": "many", "promises-0-due_on": "x"}),
    )
    yield (
        "visit, too long",
        visit(
            met_nobody="y",
            **dict.fromkeys(("needs-0-title", "promises-0-title", "new_contacts-0-name"), "x" * 300),
        ),
    )
    yield "visit, what is not on offer", visit(met=["99999"], way="BY_SHIP", purposes=["FUN"])
    yield "follow-up, nothing chosen", zhao.submit(f"/follow-ups/{people.FOLLOW_UP}/close", "close-form")
    for code in ("", "12", "999999"):
        yield f"typed code {code!r}", zhao.submit("/scan", 0, code=code)
    yield "password, nothing typed", password()
    yield "password, wrong", password(current="no", new="abc-def-ghi-9", again="other")
    for number, new in enumerate(BAD_PASSWORDS):
        yield f"password {number}", password(current=people.PASSWORD, new=new, again=new)
    yield "display", zhao.submit("/me", "display-form", theme="pink", language="fr", text_size="huge")
    token = {"csrf_token": zhao.token()}
    yield "403, no right", zhao.post("/admin/users/new", data=token)
    yield "403, stale token", zhao.post(form, data={})
    yield "403, another site", zhao.post(form, data=token, headers={"Sec-Fetch-Site": "cross-site"})
    yield "404", zhao.post("/enterprises/999999/visits/new", data=token)
    yield "405", zhao.get("/logout")


def _refused_leads(city: City):
    li = city.client("li")

    def upload(**typed: object):
        return li.submit("/imports/enterprises", "upload-form", **typed)

    yield "import without a file", upload()
    for name, content in NOT_LEDGERS.items():
        yield f"import of {name}", upload(file=(BytesIO(content), name))
    yield "import, too large", upload(file=(BytesIO(b"x" * 80_000), "a.csv"))
    yield "a new code without a reason", li.submit(f"/enterprises/{city.known['enterprise_id']}/qr", 0)


def _refused_admins(city: City):
    wu = city.client("wu")
    user, team = f"/admin/users/{city.known['user_id']}", f"/admin/teams/{city.known['team_id']}"

    def account(page: str = "/admin/users/new", **typed: object):
        return wu.submit(page, "person-form", **typed)

    yield "account, nothing typed", account(username="", name="")
    yield "account, taken", account(username="zhao", name="Zhao", role="ADMIN")
    yield "account, odd", account(username="Z Z", name=" ", phone="abc", role="LEAD")
    yield "account, officer of no team", account(user, name="x" * 50, phone="1" * 30, role="OFFICER", team="")
    yield "account, changed meanwhile", account(user, version="0")
    yield "team, nothing typed", wu.submit("/admin/teams/new", "team-form", name="")
    yield "team, changed meanwhile", wu.submit(team, "team-form", version="0", office_phone="abc")
    yield "region, nothing typed", wu.submit("/admin/teams", "region-form")
    yield "region, known", wu.submit("/admin/teams", "region-form", region_code="150203", region_name="North")


def _refused_strangers(city: City):
    nobody, login = city.client(None), city.at(None, "/login")
    yield "sign-in, nothing typed", nobody.submit(login)
    for number in range(6):  # wrong, and at last too often
        yield f"sign-in {number}", nobody.submit(login, username="sun", password=f"wrong-{number}")


REFUSED = {
    "strangers": _refused_strangers, "officers": _refused_officers, "leads": _refused_leads, "admins": _refused_admins,
}  # fmt: skip
MET = {
    "strangers": {401, 422, 429}, "officers": {403, 404, 405, 422}, "leads": {413, 422}, "admins": {409, 422},
}  # fmt: skip


@pytest.mark.parametrize("whom", REFUSED)
def test_no_refusal_mixes_languages(city, whom):
    complaints, met = [], set()
    for what, answer in REFUSED[whom](city):
        assert 400 <= answer.status_code < 500, f"{what}: {answer.status_code}"
        met.add(answer.status_code)
        complaints += [f"{what} ({answer.status_code}): {leak}" for leak in city.leaks(answer.text)]
    assert MET[whom] <= met
    assert not complaints, "\n".join(complaints)


LEDGER_IN_ENGLISH = """company,code,area,lng,lat,crs,person,phone,turnover,research,people,hnte,industry,former
Silver Fir Rail Ltd,911502235RKHW09U4M,{region},110.53,41.74,GCJ-02,Ann,13812345678,1200,80,12 ,yes,C3511,Old Rail
Wrong Code Ltd,911502235RKHW09U4A,{region},0,0,WGS-84,Ben,1381234567,-5,a lot,ca 12,maybe,X1,
Wrong Code Ltd,911502235RKHW09U4A,Nowhere,200,12.12,MARS,Ben,12,5%,5,1.5,no,35,
,,,,,,,,,,,,,
Short Code Ltd,91150223,{region},110.532,41.741,WGS-84,Cid,+86 138-1234-5679,1,2,3,y,3511,
Silver Fir Rail Ltd,911502235RKHW09U4M,{region},110.53,41.74,GCJ-02,Ann,13812345678,1200,80,12,yes,C3511,Old Rail
Huaxing Ltd,91150203QJ9FMT4E85,{region},110.5321,41.7412,WGS-84,Dee,0472-5550101,"9,000",9990,250,yes,C3985,
"""
HEADINGS = {"company": "企业名称", "turnover": "2025年营业收入"}  # what the importer has to find by itself
FIELDS = [
    "name", "uscc", "region", "lng", "lat", "crs", "contact_name", "contact_phone", "revenue", "rd_spend", "staff", "hnte",
    "industry", "former_names",
]  # fmt: skip


@pytest.mark.parametrize(
    "city", ["en"], indirect=True
)  # in Chinese the pages above have looked at a ledger's words
def test_no_import_mixes_languages(city):
    """A ledger without a Chinese word, whose columns the lead matches by hand; every kind of row, before and after."""
    li = city.client("li")
    with city.app.app_context():
        region = db.session.scalar(sa.select(Team).where(Team.id == city.known["team_id"])).regions[0].name
        db.session.remove()
    content = LEDGER_IN_ENGLISH.format(region=region).encode()
    for english, chinese in HEADINGS.items():
        content = content.replace(english.encode(), chinese.encode(), 1)
    answer = li.submit("/imports/enterprises", "upload-form", file=(BytesIO(content), "ledger.csv"))
    assert answer.status_code == 303, answer.text
    here = re.sub(r"\?.*", "", answer.location)
    complaints = []

    def look(what: str, address: str) -> None:
        html = li.get(address).text
        for english, chinese in HEADINGS.items():
            html = html.replace(chinese, english)  # the sheet's own words
        complaints.extend(f"{what}: {leak}" for leak in city.leaks(html))

    look("columns", here)
    chosen = {f"field-{n}": name for n, name in enumerate(FIELDS)}
    assert li.submit(here, "map-form", **chosen).status_code == 303
    for show in ("look", "all", "refused", "repaired", "skipped", "new", "changed", "asks"):
        look(show, f"{here}?show={show}")
    confirmed = li.submit(here, "confirm-form")
    assert confirmed.status_code == 303
    look("confirmed", here)
    look("list of imports", "/imports/enterprises")
    look("what the import wrote", f"/enterprises/{city.known['enterprise_id']}")
    look("the list with them", "/enterprises")
    trail = city.client("zheng").get("/audit")
    complaints += [f"trail: {leak}" for leak in city.leaks(trail.text)]
    assert not complaints, "\n".join(complaints)
