"""The WSGI entry: `flask --app wsgi …`, `gunicorn wsgi:app`."""

from fieldapp import create_app

app = create_app()
