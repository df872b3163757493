"""Where a job came from: its GITHUB_* tags as links. A tag is anybody's text, so only well-formed values become links."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

_REPOSITORY = re.compile(r"[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+")
_COMMIT = re.compile(r"[0-9a-fA-F]{7,64}")
_ACTOR = re.compile(r"[A-Za-z0-9-]+(?:\[bot\])?")
_SERVER = re.compile(r"https?://[A-Za-z0-9.-]+(?::\d+)?")
_NUMBER = re.compile(r"\d+")
_BRANCH = re.compile(r"refs/(?:heads|tags)/([A-Za-z0-9_./-]+)")
_PULL = re.compile(r"refs/pull/(\d+)/(?:merge|head)")


@dataclass(frozen=True)
class GitFact:
    """One line about the origin. `url` is None where the value is no name that a link could be made of."""

    label: str
    text: str
    url: str | None = None


def origin(tags: Mapping[str, str]) -> list[GitFact]:
    """What the GITHUB_* tags say, in the order in which people ask."""
    server = tags.get("GITHUB_SERVER_URL", "https://github.com").rstrip("/")
    repository = tags.get("GITHUB_REPOSITORY", "")
    base = f"{server}/{repository}" if _SERVER.fullmatch(server) and _REPOSITORY.fullmatch(repository) else None
    facts = []
    if repository:
        facts.append(GitFact("Repository", repository, base))
    if sha := tags.get("GITHUB_SHA"):
        facts.append(GitFact("Commit", sha[:12], f"{base}/commit/{sha}" if base and _COMMIT.fullmatch(sha) else None))
    if reference := tags.get("GITHUB_REF"):
        facts.append(_reference(reference, base))
    if actor := tags.get("GITHUB_ACTOR"):
        url = f"{server}/{actor.removesuffix('[bot]')}" if base and _ACTOR.fullmatch(actor) else None
        facts.append(GitFact("Started by", actor, url))
    if run := tags.get("GITHUB_RUN_ID"):
        url = f"{base}/actions/runs/{run}" if base and _NUMBER.fullmatch(run) else None
        facts.append(GitFact("Workflow run", run, url))
    return facts


def _reference(reference: str, base: str | None) -> GitFact:
    if pull := _PULL.fullmatch(reference):
        return GitFact("Pull request", f"#{pull[1]}", f"{base}/pull/{pull[1]}" if base else None)
    if branch := _BRANCH.fullmatch(reference):
        label = "Tag" if reference.startswith("refs/tags/") else "Branch"
        return GitFact(label, branch[1], f"{base}/tree/{branch[1]}" if base else None)
    return GitFact("Reference", reference)
