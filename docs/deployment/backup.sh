#!/bin/sh
# A backup of the database in $FIELDAPP_DATABASE_URL into $FIELDAPP_BACKUPS (default /var/backups/fieldapp), while the
# application runs: consistent, compressed, checked, and older ones than 30 days removed. Prints the file's name.
set -eu
umask 077

url=${FIELDAPP_DATABASE_URL:?FIELDAPP_DATABASE_URL is not set; read /etc/fieldapp/fieldapp.env first}
to=${FIELDAPP_BACKUPS:-/var/backups/fieldapp}
keep_days=${FIELDAPP_BACKUPS_KEEP_DAYS:-30}
mkdir -p "$to"
stamp=$(date -u +%Y%m%dT%H%M%SZ)
# What was not finished leaves nothing on a disk that may be full.
trap 'rm -f "$to/fieldapp-$stamp".*.part "$to/fieldapp-$stamp".*.part.gz "$to/fieldapp-$stamp".*.part-journal' EXIT

case $url in
    sqlite:///*)
        file="$to/fieldapp-$stamp.sqlite3"
        # Copying the file by hand would miss what is still in its -wal; the backup interface does not.
        python3 - "${url#sqlite:///}" "$file.part" <<'PYTHON'
import sqlite3, sys
source = sqlite3.connect(f"file:{sys.argv[1]}?mode=ro", uri=True)
copy = sqlite3.connect(sys.argv[2])
source.backup(copy)
copy.execute("PRAGMA journal_mode = DELETE")  # one file, no companions
verdict = copy.execute("PRAGMA integrity_check").fetchone()[0]
copy.close()
sys.exit(None if verdict == "ok" else f"the copy is damaged: {verdict}")
PYTHON
        gzip -6 "$file.part"
        file="$file.gz"
        mv "${file%.gz}.part.gz" "$file"
        ;;
    postgres*)
        file="$to/fieldapp-$stamp.dump"
        plain="postgresql://${url#*://}"
        # A password travels in the environment: on the command line everybody on this host could read it.
        rest=${plain#postgresql://}
        case $rest in *@*) who=${rest%%@*} ;; *) who= ;; esac
        case $who in
            *:*)
                PGPASSWORD=$(printf %s "${who#*:}" |
                    python3 -c 'import sys, urllib.parse as u; print(u.unquote(sys.stdin.read()))')
                export PGPASSWORD
                plain="postgresql://${who%%:*}@${rest#*@}"
                ;;
        esac
        pg_dump --format=custom --no-owner --file="$file.part" --dbname="$plain"
        pg_restore --list "$file.part" >/dev/null  # readable to its end
        mv "$file.part" "$file"
        ;;
    *)
        echo "no backup known for this database URL" >&2
        exit 1
        ;;
esac

sync "$file" "$to"
find "$to" -maxdepth 1 -type f -name 'fieldapp-*' -mtime "+$keep_days" -delete
echo "$file"
