"""gunicorn behind nginx: `gunicorn --config docs/deployment/gunicorn.conf.py wsgi:app`.

nginx must stand before it with request buffering on (nginx.conf): a gunicorn thread reads the body itself, so as many
stalled uploads as there are threads would otherwise stop everybody (bench/stalled_uploads.py shows it).
"""

import os

bind = os.environ.get("FIELDAPP_BIND", "unix:/run/fieldapp/gunicorn.sock")
umask = 0o007  # the socket is for fieldapp and its group, of which nginx's user is a member

# One process per core does Python's work; threads wait for the database meanwhile. Database connections: the product.
worker_class = "gthread"
workers = int(os.environ.get("WEB_CONCURRENCY") or os.cpu_count() or 1)
threads = int(os.environ.get("FIELDAPP_SERVER_THREADS") or 4)

# Above nginx's own patience for an idle upstream connection, so that nginx is the one who closes.
keepalive = 75
timeout = 60
graceful_timeout = 30

# A slow leak never grows old; the jitter keeps processes from leaving together.
max_requests = 20_000
max_requests_jitter = 2_000

# The heartbeat file must not wait for a busy disk.
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else None  # noqa: S108  (gunicorn makes its own file)

# nginx hands over whole requests already; these only bound what it could pass on. gunicorn has no measure for bodies:
# nginx (client_max_body_size) and the application (FIELDAPP_MAX_BODY, FIELDAPP_PHOTO_BODY) have.
limit_request_line = 8190
limit_request_fields = 60
forwarded_allow_ips = "127.0.0.1"

# The application writes its own line per request, as JSON and without personal data.
accesslog = None
errorlog = "-"
loglevel = "warning"
proc_name = "fieldapp"
