"""axe-core in a page: what a screen reader's user, or a keyboard's, would stumble over.

The script is vendored (tests/tools/vendor) and handed to `page.evaluate`, which runs through the debugger and so
works under a Content-Security-Policy that forbids every foreign or inline script, where a <script> tag would not.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

AXE = Path(__file__).parent / "vendor" / "axe-4.14.1.min.js"
TAGS = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")
COLOURS = ("color-contrast", "link-in-text-block")  # all of those that another colour scheme can break


@dataclass(frozen=True)
class Violation:
    rule: str
    impact: str
    help: str
    where: tuple[str, ...]  # "selector: what is wrong", one per element

    def __str__(self) -> str:
        return f"{self.rule} ({self.impact}): {self.help}" + "".join(f"\n    {place}" for place in self.where)


@cache
def _source() -> str:
    return AXE.read_text(encoding="utf-8")


def violations(
    page: Page, *, tags: tuple[str, ...] = TAGS, only: tuple[str, ...] = (), skip: tuple[str, ...] = ()
) -> list[Violation]:
    """Run axe on the page as it stands now: all rules of these tags, or `only` the named ones. `skip` names rules that
    do not apply, each with a reason at the caller."""
    if not page.evaluate("typeof axe === 'object'"):
        page.evaluate(_source())
    options: dict[str, Any] = {
        "runOnly": {"type": "rule", "values": list(only)} if only else {"type": "tag", "values": list(tags)},
        "resultTypes": ["violations"],
        "rules": {rule: {"enabled": False} for rule in skip},
    }
    found = page.evaluate("options => axe.run(document, options).then(result => result.violations)", options)
    return [
        Violation(
            rule=one["id"],
            impact=one["impact"] or "",
            help=one["help"],
            where=tuple(
                f"{' '.join(map(str, node['target']))}: {' '.join((node.get('failureSummary') or '').split())}"
                for node in one["nodes"]
            ),
        )
        for one in found
    ]


def check(page: Page, **options: Any) -> None:
    """Raise AssertionError listing every violation on the page."""
    found = violations(page, **options)
    assert not found, f"axe on {page.url}:\n" + "\n".join(map(str, found))
