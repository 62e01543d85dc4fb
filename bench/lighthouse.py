"""Lighthouse's four scores for the pages officers and leads open most, on an emulated phone.

    python -m bench.lighthouse [--json FOLDER]

Needs Node: `npx` brings Lighthouse (pinned below), which asks for Node 22.19 and runs on 20.20 with a warning. Wanted:
performance ≥ 95, accessibility and best practices 100. SEO is printed only: every page says noindex, as it should.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from bench.city import city, database, officer, own_enterprises
from bench.measure import heading, sign_in, table
from fieldapp.demo.city import PASSWORD
from tests.tools import chromium

LIGHTHOUSE = "lighthouse@13.5.0"
TRIES = 3
WANTED = {"performance": 95, "accessibility": 100, "best-practices": 100, "seo": 0}


def scores(url: str, cookies: dict[str, str], folder: Path, name: str) -> tuple[dict[str, int], list[str]]:
    """(category → 0…100, what cost points) of one address."""
    out, headers = folder / f"{name}.json", folder / "headers.json"
    cookie = "; ".join(f"{key}={value}" for key, value in cookies.items())
    headers.write_text(json.dumps({"Cookie": cookie} if cookie else {}))
    flags = ["--headless=new", *(("--no-sandbox",) if os.geteuid() == 0 else ()), *chromium.QUIET]
    command = ["npx", "--yes", LIGHTHOUSE, url, "--quiet", "--output=json", f"--output-path={out}"]
    command += [f"--extra-headers={headers}", "--form-factor=mobile", f"--chrome-flags={_joined(flags)}"]
    command += [f"--only-categories={','.join(WANTED)}"]
    environment = os.environ | {"CHROME_PATH": str(chromium.find_executable(whole=True))}
    for attempt in range(TRIES):  # now and then it misses the beginning of a page, and says: run it again
        last = attempt == TRIES - 1
        if not subprocess.run(
            command, env=environment, check=last, stdin=subprocess.DEVNULL, timeout=300
        ).returncode:
            break
    report = json.loads(out.read_text())
    found = {key: round(100 * (category["score"] or 0)) for key, category in report["categories"].items()}
    lost = [
        f"{key}: {audit['id']} ({audit['title']}) {audit.get('displayValue', '')}".strip()
        for key, category in report["categories"].items()
        for reference in category["auditRefs"]
        if reference["weight"] and (audit := report["audits"][reference["id"]])["score"] not in (None, 1)
    ]
    return found, lost


def _joined(flags: list[str]) -> str:
    # Lighthouse splits at spaces; the one flag that has any says nothing on a machine that only asks itself.
    return " ".join(flag for flag in flags if " " not in flag)


def _file_name(name: str) -> str:
    return name.replace(" ", "-").replace("'", "")


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", type=Path, help="keep the reports in this folder")
    wanted = parser.parse_args()
    if shutil.which("npx") is None:
        print(
            "Node is not installed; Lighthouse needs it: https://nodejs.org, or apt-get install npm",
            file=sys.stderr,
        )
        return 1
    heading("Lighthouse, mobile")
    rows: list[list[object]] = []
    notes: list[str] = []
    with database("sqlite") as where, city(where) as here:
        client = officer(here)
        lead = sign_in(here.port, "suwang", PASSWORD)
        number = own_enterprises(client)[0]
        folder = wanted.json or where.folder
        folder.mkdir(parents=True, exist_ok=True)
        for name, path, cookies in (
            ("sign-in", "/login", {}),
            ("today", "/", client.cookies),
            ("list", "/enterprises", client.cookies),
            ("casefile", f"/enterprises/{number}", client.cookies),
            ("visit form", f"/enterprises/{number}/visits/new", client.cookies),
            ("follow-ups", "/follow-ups", client.cookies),
            ("lead's board", "/lead", lead.cookies),
            ("assignments", "/lead/assignments", lead.cookies),
        ):
            found, lost = scores(here.url + path, cookies, folder, _file_name(name))
            good = all(found[key] >= least for key, least in WANTED.items())
            rows.append([name, *(found[key] for key in WANTED), "ok" if good else "BELOW"])
            notes += [f"{name}: {line}" for line in lost]
    table(rows, ["page", *WANTED, ""])
    print("\nWhat cost points:\n" + "\n".join(f"- {note}" for note in notes) if notes else "")
    return 0


if __name__ == "__main__":
    sys.exit(main())
