"""The measure of things: a bare Flask app on the same stack (Flask, Flask-SQLAlchemy, waitress, the same database).

Five routes do by the shortest way what any application must: one INSERT made durable, of three fields or of all that
an order's or a visit's form sends, one rendered page (of 16 KB, or of so many `rows` of half a KB), one look-up by an
indexed column, one visit stored with its rows and a photo encoded anew in two sizes. No sign-in, no rights, no
receipts, no compression: what those cost is what the ratio shows.
`python -m bench.bare DATABASE_URL PORT THREADS` serves it; an empty database gets its rows first.
"""

from __future__ import annotations

import io
import sys

import waitress
from flask import Flask, Response, render_template, request
from flask_sqlalchemy import SQLAlchemy
from PIL import Image, ImageOps
from sqlalchemy import Column, ForeignKey, Integer, String, Table, Text, event, select
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

ROWS = 20_000
ON_A_PAGE = 32  # 16 KB


class Base(DeclarativeBase):
    pass


db = SQLAlchemy(model_class=Base)


class Note(db.Model):  # type: ignore[name-defined, misc]
    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(18), unique=True)
    title: Mapped[str] = mapped_column(String(80))
    text: Mapped[str]


# What is sent, field by field: an order by the enterprise, a visit by the phone.
ORDER = (
    "ticket", "privacy", "home_page", "kind", "title", "description", "budget", "cooperation", "disclosure",
    "contact_name", "phone", "call_at", "agreed",
    *(f"indicators-0-{part}" for part in ("name", "now", "target", "unit")),
)  # fmt: skip
VISIT = (
    "csrf_token", "page", "entry_id", "device_at", "photo_ids", "visit_id", "said", "lat", "lng", "accuracy",
    "fixed_at", "asked_at", "far_words", "arrived_at", "left_at", "way", "next_contact_on",
    *(f"needs-0-{part}" for part in ("id", "title", "kind", "budget", "deadline", "description")),
    *(f"promises-0-{part}" for part in ("id", "title", "kind", "due_on")),
)  # fmt: skip


def _in_one_row(name: str, fields: tuple[str, ...]) -> Table:
    columns = (Column(field.replace("-", "_"), Text, nullable=False) for field in fields)
    return Table(name, Base.metadata, Column("id", Integer, primary_key=True), *columns)


class Order(db.Model):  # type: ignore[name-defined, misc]
    __table__ = _in_one_row("bare_order", ORDER)


class Visit(db.Model):  # type: ignore[name-defined, misc]
    __table__ = _in_one_row("bare_visit", VISIT)


SENT = {"order": (Order, ORDER), "visit": (Visit, VISIT)}


class Picture(db.Model):  # type: ignore[name-defined, misc]
    id: Mapped[int] = mapped_column(primary_key=True)
    note_id: Mapped[int] = mapped_column(ForeignKey("note.id"))
    full: Mapped[bytes]
    thumb: Mapped[bytes]


def _encoded(image: Image.Image, side: int) -> bytes:
    image.thumbnail((side, side), Image.Resampling.LANCZOS)
    out = io.BytesIO()
    image.save(out, "JPEG", quality=82, optimize=True, progressive=True)
    return out.getvalue()


def create_app(database_url: str) -> Flask:
    app = Flask(__name__)
    app.config["SQLALCHEMY_DATABASE_URI"] = database_url
    db.init_app(app)
    with app.app_context():
        if database_url.startswith("sqlite"):
            event.listen(db.engine, "connect", _durable)
        db.create_all()
        if db.session.execute(select(Note.id).limit(1)).first() is None:
            rows = [
                {"code": f"{n:018}", "title": f"示例企业{n}号有限公司", "text": "一句话" * 20}
                for n in range(ROWS)
            ]
            db.session.execute(Note.__table__.insert(), rows)  # type: ignore[attr-defined]
            db.session.commit()

    @app.get("/healthz")
    def healthz() -> str:
        return "ok"

    @app.post("/insert")
    def insert() -> Response:
        db.session.add(
            Note(code=request.form["code"], title=request.form["title"], text=request.form["text"])
        )
        db.session.commit()
        return Response(status=303, headers={"Location": "/page"})

    @app.post("/sent/<what>")
    def sent(what: str) -> Response:
        """Whoever leaves a field away has sent another form, and hears 400."""
        row, fields = SENT[what]
        db.session.add(row(**{name.replace("-", "_"): request.form[name] for name in fields}))
        db.session.commit()
        return Response(status=303, headers={"Location": "/page"})

    @app.post("/visit")
    def visit() -> Response:
        """A visit, two needs, a promise and a photo: a row each, with what was said, and the photo's two copies."""
        image = ImageOps.exif_transpose(Image.open(request.files["photos"].stream)).convert("RGB")
        full = _encoded(image, 1600)
        rows = [
            Note(code=f"{request.form['code']}{n}", title=request.form["title"], text=request.form["text"])
            for n in range(4)
        ]
        db.session.add_all(rows)
        db.session.flush()
        db.session.add(Picture(note_id=rows[0].id, full=full, thumb=_encoded(image, 320)))
        db.session.commit()
        return Response(status=303, headers={"Location": "/page"})

    @app.get("/page")
    def page() -> str:
        start, rows = request.args.get("from", 0, int), request.args.get("rows", ON_A_PAGE, int)
        notes = db.session.scalars(select(Note).where(Note.id > start).order_by(Note.id).limit(rows)).all()
        return render_template("bare.html", notes=notes)

    @app.get("/look-up")
    def look_up() -> tuple[str, int]:
        title = db.session.scalar(select(Note.title).where(Note.code == request.args["code"]))
        return (title or "", 200 if title else 404)

    return app


def _durable(connection: object, _record: object) -> None:
    cursor = connection.cursor()  # type: ignore[attr-defined]
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON", "busy_timeout = 10000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


if __name__ == "__main__":
    url, port, threads = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    waitress.serve(create_app(url), host="127.0.0.1", port=port, threads=threads)
