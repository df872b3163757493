"""Which repository an event concerns: the routing document, its check, and the decision."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from bridge import repositories
from bridge.child_runs import why_child
from bridge.events import Event
from bridge.repositories import AllowList

REPOSITORY_TAG = "GITHUB_REPOSITORY"
"""The tag with which aml-run and aml-registermodel say which repository made a run or a model."""


@dataclass(frozen=True)
class Route:
    """The event goes to this repository."""

    repository: str


@dataclass(frozen=True)
class Ignored:
    """The event goes nowhere.

    Attributes:
        reason: `no_rule`, `child_run`, `rule`, or `repository_not_allowed`.
        detail: what was found, for the log.
    """

    reason: str
    detail: str = ""


@dataclass(frozen=True)
class Rule:
    """One rule: what it is for, and where such an event goes.

    Attributes:
        event_type: glob over the event type; case does not count.
        experiment: glob over the experiment's name; with it, the rule is for runs only.
        subject: glob over the subject, such as `/blobServices/default/containers/training/*`.
        repository: where the event goes.
        tags: tag -> value -> repository; an event with none of these values is left to the next rule.
        repository_from_tag: the event's own tag GITHUB_REPOSITORY names the repository; without it, the next rule.
        ignore: the event goes nowhere.
        child_runs: whether runs that are part of others count; None leaves it to the document.
    """

    event_type: str = "*"
    experiment: str | None = None
    subject: str | None = None
    repository: str | None = None
    tags: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    repository_from_tag: bool = False
    ignore: bool = False
    child_runs: bool | None = None

    def covers(self, event: Event) -> bool:
        """Whether the rule is for such an event; where it goes is another question."""
        return (
            _matches(event.type, self.event_type)
            and (self.experiment is None or (bool(event.experiment) and _matches(event.experiment, self.experiment)))
            and (self.subject is None or _matches(event.subject, self.subject))
        )

    def target(self, event: Event) -> str | None:
        """The repository that the rule names for an event; None when it names none."""
        if self.repository_from_tag:
            return event.tags.get(REPOSITORY_TAG) or None
        for name, by_value in self.tags.items():
            if (value := event.tags.get(name)) is not None and value in by_value:
                return by_value[value]
        return self.repository


@dataclass(frozen=True)
class Routing:
    """The whole document.

    Attributes:
        allowed: allow-lists; a repository has to be in each of them.
        rules: tried in order; the first that names a repository decides.
        default_repository: where an event goes that no rule took; None ignores it.
        child_runs: whether runs that are part of others count.
    """

    allowed: tuple[AllowList, ...]
    rules: tuple[Rule, ...] = ()
    default_repository: str | None = None
    child_runs: bool = False

    def allows(self, repository: str) -> bool:
        """Whether a repository may be called."""
        return bool(self.allowed) and all(each.allows(repository) for each in self.allowed)

    def route(self, event: Event, wanted: str | None = None) -> Route | Ignored:
        """Decide about one event.

        Args:
            event: the event.
            wanted: the repository that the event subscription itself names (`repoName`); it goes before the rules,
                which then only decide whether the event is wanted at all.
        """
        child = why_child(event)
        for rule in self.rules:
            if not rule.covers(event) or (child and not self._wants_children(rule)):
                continue
            if rule.ignore:
                return Ignored("rule", "A rule says that such events are ignored.")
            if target := wanted or rule.target(event):
                return self._checked(target)
        if child and not self.child_runs:
            return Ignored("child_run", child)
        target = wanted or self.default_repository
        return self._checked(target) if target else Ignored("no_rule")

    def _wants_children(self, rule: Rule) -> bool:
        return self.child_runs if rule.child_runs is None else rule.child_runs

    def _checked(self, repository: str) -> Route | Ignored:
        return Route(repository) if self.allows(repository) else Ignored("repository_not_allowed", repository)


def parse(document: object, extra_allowed: tuple[str, ...] = ()) -> tuple[Routing | None, list[str]]:
    """Read a routing document.

    Args:
        document: the parsed JSON; None stands for an empty document.
        extra_allowed: what the setting ALLOWED_REPOSITORIES names; a repository has to be in both lists.

    Returns:
        the routing, or None with a sentence for each thing that is wrong.
    """
    return _Reader(extra_allowed).read({} if document is None else document)


class _Reader:
    """One reading of a document: collects everything that is wrong."""

    def __init__(self, extra_allowed: tuple[str, ...]) -> None:
        self._extra = extra_allowed
        self._problems: list[str] = []

    def read(self, document: object) -> tuple[Routing | None, list[str]]:
        if not isinstance(document, Mapping):
            return None, ["ROUTING has to be a JSON object."]
        self._known(document, ("allowed_repositories", "rules", "default_repository", "child_runs"), "ROUTING")
        allowed = self._allowed(document)
        rules = self._rules(document.get("rules", []))
        default = document.get("default_repository")
        if default is None and "rules" not in document:
            # one repository and nothing said about events: they are meant for it
            default = next((entries.only for entries in allowed if entries.only), None)
        routing = Routing(allowed, rules, default, self._flag(document, "child_runs", "ROUTING") or False)
        self._targets_allowed(routing)
        return (None if self._problems else routing), self._problems

    def _allowed(self, document: Mapping[str, Any]) -> tuple[AllowList, ...]:
        lists = []
        for name, entries in (
            ("ROUTING allowed_repositories", document.get("allowed_repositories")),
            ("ALLOWED_REPOSITORIES", list(self._extra) or None),
        ):
            if entries is None:
                continue
            if not isinstance(entries, list) or not all(isinstance(each, str) for each in entries):
                self._problems.append(f"{name} has to be a list of texts such as 'owner/name' or 'owner/*'.")
                continue
            wrong = [each for each in entries if not repositories.is_entry(each)]
            self._problems.extend(f"{name}: '{each}' is neither 'owner/name' nor 'owner/*'." for each in wrong)
            lists.append(AllowList(tuple(entries)))
        if not lists and not self._problems:
            self._problems.append(
                "No repository is allowed. Name them in ALLOWED_REPOSITORIES, separated by commas, "
                "or in ROUTING as allowed_repositories."
            )
        return tuple(lists)

    def _rules(self, rules: object) -> tuple[Rule, ...]:
        if not isinstance(rules, list):
            self._problems.append("ROUTING rules has to be a list.")
            return ()
        return tuple(self._rule(rule, f"ROUTING rules[{index}]") for index, rule in enumerate(rules))

    def _rule(self, rule: object, where: str) -> Rule:
        if not isinstance(rule, Mapping):
            self._problems.append(f"{where} has to be an object.")
            return Rule()
        self._known(rule, tuple(Rule.__dataclass_fields__), where)
        given = [
            name
            for name in ("repository", "tags", "repository_from_tag", "ignore")
            if rule.get(name) not in (None, False)
        ]
        if len(given) != 1:
            self._problems.append(
                f"{where} needs exactly one of repository, tags, repository_from_tag: true and ignore: true; "
                f"it has {', '.join(given) or 'none'}."
            )
        return Rule(
            event_type=self._text(rule, "event_type", where) or "*",
            experiment=self._text(rule, "experiment", where),
            subject=self._text(rule, "subject", where),
            repository=self._text(rule, "repository", where),
            tags=self._tags(rule.get("tags"), where),
            repository_from_tag=self._flag(rule, "repository_from_tag", where) or False,
            ignore=self._flag(rule, "ignore", where) or False,
            child_runs=self._flag(rule, "child_runs", where),
        )

    def _tags(self, tags: object, where: str) -> dict[str, dict[str, str]]:
        if tags is None:
            return {}
        if isinstance(tags, Mapping) and all(isinstance(by_value, Mapping) for by_value in tags.values()):
            found = {str(name): {str(v): str(r) for v, r in by_value.items()} for name, by_value in tags.items()}
            if all(found.values()):
                return found
        self._problems.append(
            f'{where} tags has to be an object of tag -> value -> repository, such as {{"team": {{"vision": "owner/name"}}}}.'
        )
        return {}

    def _targets_allowed(self, routing: Routing) -> None:
        if self._problems:
            return
        named: list[tuple[str, Any]] = [("default_repository", routing.default_repository)]
        for index, rule in enumerate(routing.rules):
            named.append((f"rules[{index}] repository", rule.repository))
            for name, by_value in rule.tags.items():
                named.extend((f"rules[{index}] tags {name}", repository) for repository in by_value.values())
        self._problems.extend(
            f"ROUTING {where}: '{repository}' is not among the allowed repositories."
            for where, repository in named
            if repository is not None and not (isinstance(repository, str) and routing.allows(repository))
        )

    def _known(self, holder: Mapping[str, Any], names: tuple[str, ...], where: str) -> None:
        self._problems.extend(
            f"{where} has no key '{name}'; its keys are {', '.join(names)}." for name in holder if name not in names
        )

    def _text(self, holder: Mapping[str, Any], name: str, where: str) -> str | None:
        value = holder.get(name)
        if value is None or (isinstance(value, str) and value):
            return value
        self._problems.append(f"{where} {name} has to be a text.")
        return None

    def _flag(self, holder: Mapping[str, Any], name: str, where: str) -> bool | None:
        value = holder.get(name)
        if value is None or isinstance(value, bool):
            return value
        self._problems.append(f"{where} {name} has to be true or false.")
        return None


def _matches(value: str, glob: str) -> bool:
    return fnmatchcase(value.lower(), glob.lower())
