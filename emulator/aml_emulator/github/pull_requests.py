"""Pull requests of the hosted repositories and the comments in their conversations. Kept in the database.

A pull request is known because somebody told: `aml-emulator github pull`, or the REST API. Nothing is merged here.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3

    from aml_emulator.database import Database
    from aml_emulator.github.repositories import HostedRepository

_SCHEMA = """
CREATE TABLE IF NOT EXISTS github_pull_requests (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    repository INTEGER NOT NULL,
    number INTEGER NOT NULL,
    head TEXT NOT NULL,
    head_repository TEXT NOT NULL COLLATE NOCASE,
    base TEXT NOT NULL,
    title TEXT NOT NULL,
    body TEXT NOT NULL,
    state TEXT NOT NULL,
    login TEXT NOT NULL,
    created REAL NOT NULL,
    updated REAL NOT NULL,
    UNIQUE (repository, number)
);
CREATE TABLE IF NOT EXISTS github_comments (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    repository INTEGER NOT NULL,
    number INTEGER NOT NULL,
    body TEXT NOT NULL,
    login TEXT NOT NULL,
    created REAL NOT NULL,
    updated REAL NOT NULL
);
CREATE INDEX IF NOT EXISTS github_comments_of ON github_comments (repository, number);
"""


@dataclass(frozen=True)
class PullRequest:
    """A pull request.

    Attributes:
        id: among all of this GitHub.
        repository: id of the repository that it is in.
        number: in its repository.
        head: the branch that is to be merged.
        head_repository: "owner/name" of the repository of that branch; of a fork another one.
        base: the branch to merge into.
        title: for people.
        body: for people; Markdown.
        state: "open" or "closed".
        login: who opened it.
        created: seconds since 1970.
        updated: the same.
    """

    id: int
    repository: int
    number: int
    head: str
    head_repository: str
    base: str
    title: str
    body: str
    state: str
    login: str
    created: float
    updated: float


@dataclass(frozen=True)
class Comment:
    """A comment in the conversation of a pull request; times are seconds since 1970."""

    id: int
    repository: int
    number: int
    body: str
    login: str
    created: float
    updated: float


class AlreadyOpen(ValueError):
    """There is an open pull request of the same two branches."""


class PullRequests:
    """Every pull request and its comments."""

    def __init__(self, database: Database, *, clock: Callable[[], float] = time.time) -> None:
        """Make the tables when they are not there."""
        self._database = database
        self._clock = clock
        database.create(_SCHEMA)

    def open(
        self,
        repository: HostedRepository,
        *,
        head: str,
        base: str,
        title: str,
        login: str,
        body: str = "",
        fork: str = "",
    ) -> PullRequest:
        """Open one, under the next number of the repository; `fork` is "owner/name" when the branch is in another repository.

        Raises:
            AlreadyOpen: an open one has the same branches.

        """
        origin, now = fork or repository.full_name, self._clock()
        with self._database.transaction():
            same = [
                one
                for one in self.all(repository)
                if (one.state, one.head, one.base) == ("open", head, base)
                and one.head_repository.lower() == origin.lower()
            ]
            if same:
                raise AlreadyOpen(f"A pull request already exists for {origin.partition('/')[0]}:{head}.")
            row = self._database.row(
                "SELECT COALESCE(MAX(number), 0) + 1 AS next FROM github_pull_requests WHERE repository = ?",
                (repository.id,),
            )
            number = row["next"] if row else 1
            self._database.execute(
                "INSERT INTO github_pull_requests (repository, number, head, head_repository, base, title, body, state, login, "
                "created, updated) VALUES (?, ?, ?, ?, ?, ?, ?, 'open', ?, ?, ?)",
                (repository.id, number, head, origin, base, title, body, login, now, now),
            )
        found = self.get(repository, number)
        if found is None:
            raise RuntimeError(f"Pull request {number} of {repository.full_name} was written and is not there.")
        return found

    def all(self, repository: HostedRepository) -> list[PullRequest]:
        """Every pull request of a repository, the newest first, as GitHub lists them."""
        rows = self._database.rows(
            "SELECT * FROM github_pull_requests WHERE repository = ? ORDER BY number DESC", (repository.id,)
        )
        return [PullRequest(**dict(row)) for row in rows]

    def get(self, repository: HostedRepository, number: int) -> PullRequest | None:
        """The pull request of a number, or None."""
        row = self._database.row(
            "SELECT * FROM github_pull_requests WHERE repository = ? AND number = ?", (repository.id, number)
        )
        return PullRequest(**dict(row)) if row else None

    def change(
        self,
        repository: HostedRepository,
        number: int,
        *,
        title: str | None = None,
        body: str | None = None,
        state: str | None = None,
        base: str | None = None,
    ) -> None:
        """Change what is not None."""
        self._database.execute(
            "UPDATE github_pull_requests SET title = COALESCE(?, title), body = COALESCE(?, body), state = COALESCE(?, state), "
            "base = COALESCE(?, base), updated = ? WHERE repository = ? AND number = ?",
            (title, body, state, base, self._clock(), repository.id, number),
        )

    def comment(self, repository: HostedRepository, number: int, body: str, login: str) -> Comment:
        """Add a comment."""
        now = self._clock()
        with self._database.transaction():
            self._database.execute(
                "INSERT INTO github_comments (repository, number, body, login, created, updated) VALUES (?, ?, ?, ?, ?, ?)",
                (repository.id, number, body, login, now, now),
            )
            row = self._database.row("SELECT * FROM github_comments WHERE id = last_insert_rowid()")
        if row is None:
            raise RuntimeError(f"A comment of pull request {number} was written and is not there.")
        return _comment(row)

    def comments(self, repository: HostedRepository, number: int) -> list[Comment]:
        """The comments of a pull request, the oldest first."""
        rows = self._database.rows(
            "SELECT * FROM github_comments WHERE repository = ? AND number = ? ORDER BY id", (repository.id, number)
        )
        return [_comment(row) for row in rows]

    def comment_of(self, repository: HostedRepository, comment: int) -> Comment | None:
        """The comment of an id, or None."""
        row = self._database.row(
            "SELECT * FROM github_comments WHERE repository = ? AND id = ?", (repository.id, comment)
        )
        return _comment(row) if row else None

    def edit(self, comment: Comment, body: str) -> None:
        """Change the text of a comment."""
        self._database.execute(
            "UPDATE github_comments SET body = ?, updated = ? WHERE id = ?", (body, self._clock(), comment.id)
        )

    def delete(self, comment: Comment) -> None:
        """Remove a comment."""
        self._database.execute("DELETE FROM github_comments WHERE id = ?", (comment.id,))


def _comment(row: sqlite3.Row) -> Comment:
    return Comment(**dict(row))
