"""Every place in the documentation that an error or a page points to is there."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path, PurePosixPath

import pytest

from aml_actions.publish import template_path

ROOT = Path(__file__).resolve().parents[2]
TEMPLATE = ROOT / "example-repo"


def _tracked(*patterns: str) -> list[Path]:
    listed = subprocess.run(
        ["git", "-C", str(ROOT), "ls-files", "--cached", "--others", "--exclude-standard", *patterns],
        capture_output=True,
        text=True,
        check=True,
    )
    return [path for line in listed.stdout.splitlines() if (path := ROOT / line).is_file()]


def _slugs(page: Path) -> set[str]:
    """The anchors that GitHub gives the headings of a page."""
    headings = re.findall(r"^#+\s+(.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


TROUBLESHOOTING = _slugs(ROOT / "docs" / "troubleshooting.md")


def test_every_error_leads_to_a_section_of_the_troubleshooting_page() -> None:
    named: dict[str, Path] = {}
    for source in _tracked("actions/**/*.py", "shared/**/*.py"):
        text = source.read_text(encoding="utf-8")
        for anchor in re.findall(r"(?:docs/troubleshooting\.md|\{docs\})#([\w-]+)", text):
            named[anchor] = source.relative_to(ROOT)
    assert len(named) > 15
    missing = {anchor: str(source) for anchor, source in named.items() if anchor not in TROUBLESHOOTING}
    assert missing == {}


def _arrival(linked: Path) -> Path:
    """Where a link leads: pages of the template are read in a repository that has infra/ beside them."""
    if linked.is_relative_to(TEMPLATE / "infra"):
        path = PurePosixPath(linked.relative_to(TEMPLATE))
        return ROOT / path if linked.name == "infra" or template_path(path) else linked
    return linked


PAGES = [page for page in _tracked("*.md") if not page.is_symlink()]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_reader_who_follows_a_link_arrives(page: Path) -> None:
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        linked = _arrival((page.parent / path).resolve()) if path else page
        if not linked.exists() or (anchor and linked.suffix == ".md" and anchor not in _slugs(linked)):
            broken.append(target)
    assert broken == []
