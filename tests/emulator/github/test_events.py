"""Which push, dispatch or press of a button starts which workflow."""

import pytest

from aml_emulator.github import events
from aml_emulator.github.checkout import find_repository
from aml_emulator.github.definition import parse_workflow
from aml_emulator.github.errors import NotStarted, WorkflowError
from aml_emulator.github.events import Event, started
from aml_emulator.github.runner import workflows_started_by

from .conftest import MakeRepository, commit, git

JOBS = "jobs: {a: {runs-on: ubuntu-latest, steps: [{run: echo}]}}"


def starts(on: str, event: Event) -> str:
    """Give the reason why not; empty when it starts."""
    try:
        started(parse_workflow(f"on: {on}\n{JOBS}", "w.yml"), event)
    except NotStarted as reason:
        return str(reason)
    return ""


def push(ref: str = "refs/heads/main", *changed: str) -> Event:
    return Event("push", ref, {}, changed or ("code/train.py",))


@pytest.mark.parametrize(
    ("on", "event", "expected"),
    [
        ("push", push(), True),
        ("[push, workflow_dispatch]", push(), True),
        ("workflow_dispatch", push(), False),
        ("{push: {branches: [main]}}", push(), True),
        ("{push: {branches: [main]}}", push("refs/heads/feature/x"), False),
        ("{push: {branches: main}}", push(), True),
        ("{push: {branches: ['feature/**']}}", push("refs/heads/feature/x/y"), True),
        ("{push: {branches-ignore: [main]}}", push(), False),
        ("{push: {branches-ignore: [main]}}", push("refs/heads/x"), True),
        ("{push: {paths: ['code/**']}}", push(), True),
        ("{push: {paths: ['code/**']}}", push("refs/heads/main", "README.md"), False),
        ("{push: {paths: ['code/**', '!code/**.md']}}", push("refs/heads/main", "code/README.md"), False),
        ("{push: {paths-ignore: ['**.md']}}", push("refs/heads/main", "README.md", "docs/a.md"), False),
        ("{push: {paths-ignore: ['**.md']}}", push("refs/heads/main", "README.md", "a.py"), True),
        ("{push: {paths: ['code/**']}}", Event("push", "refs/heads/main", {}, None), True),
        ("{push: {tags: ['v*']}}", push("refs/tags/v1"), True),
        ("{push: {tags: ['v*']}}", push(), False),
        ("{push: {branches: [main]}}", push("refs/tags/v1"), False),
        ("{push: {tags: ['v*'], paths: ['x/**']}}", push("refs/tags/v1"), True),
        ("repository_dispatch", Event("repository_dispatch", "refs/heads/main", {"action": "a"}), True),
        (
            "{repository_dispatch: {types: [a, b]}}",
            Event("repository_dispatch", "refs/heads/main", {"action": "b"}),
            True,
        ),
        (
            "{repository_dispatch: {types: [a]}}",
            Event("repository_dispatch", "refs/heads/main", {"action": "c"}),
            False,
        ),
    ],
)
def test_the_trigger_decides_as_on_github(on: str, event: Event, expected: bool) -> None:
    reason = starts(on, event)
    assert (reason == "") is expected, reason


def test_the_reason_names_what_would_start_it() -> None:
    assert "main" in starts("{push: {branches: [main]}}", push("refs/heads/x"))
    assert "branch 'x'" in starts("{push: {branches: [main]}}", push("refs/heads/x"))
    assert "code/**" in starts("{push: {paths: ['code/**']}}", push("refs/heads/main", "README.md"))


def test_an_event_that_is_not_emulated_is_refused() -> None:
    assert "not emulated" in starts("[pull_request]", Event("pull_request", "refs/pull/1/merge"))


INPUTS = """{workflow_dispatch: {inputs: {
  size: {type: choice, options: [small, large], default: small},
  name: {required: true}, dry: {type: boolean}, n: {type: number, default: 3}}}}"""


def dispatched(**given: str) -> Event:
    event = Event("workflow_dispatch", "refs/heads/main", {"inputs": given})
    return started(parse_workflow(f"on: {INPUTS}\n{JOBS}", "w.yml"), event)


def test_inputs_of_a_dispatch_get_their_defaults() -> None:
    assert dispatched(name="x").payload["inputs"] == {"size": "small", "name": "x", "dry": "false", "n": "3"}


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({}, "requires the input 'name'"),
        ({"name": "x", "size": "huge"}, "one of small, large, not 'huge'"),
        ({"name": "x", "dry": "yes"}, "true or false"),
        ({"name": "x", "nmae": "y"}, "has no input 'nmae'"),
    ],
)
def test_wrong_inputs_of_a_dispatch_are_refused(given: dict[str, str], told: str) -> None:
    with pytest.raises(NotStarted, match=told):
        dispatched(**given)


TWO = {
    ".github/workflows/deploy.yml": f"on: {{push: {{branches: [main], paths-ignore: ['**.md']}}}}\n{JOBS}",
    ".github/workflows/train.yml": f"on: {{push: {{branches-ignore: [main], paths: ['code/**']}}}}\n{JOBS}",
    "code/a.py": "1",
}


def test_one_push_starts_the_workflows_that_its_branch_and_files_select(make_repository: MakeRepository) -> None:
    repository = make_repository(TWO)
    root = repository.path
    assert workflows_started_by(repository, events.push(repository)) == [".github/workflows/deploy.yml"]

    commit(root, {"README.md": "words"})
    only_words = find_repository(root, "local/iris")
    assert events.push(only_words).changed == ("README.md",)
    assert workflows_started_by(only_words, events.push(only_words)) == []

    git(root, "checkout", "-q", "-b", "idea")
    commit(root, {"code/a.py": "2"})
    branch = find_repository(root, "local/iris")
    pushed_to = events.push(branch).payload["repository"]
    assert isinstance(pushed_to, dict)
    assert (branch.branch, pushed_to["default_branch"]) == ("idea", "main")
    assert workflows_started_by(branch, events.push(branch)) == [".github/workflows/train.yml"]


def test_a_push_tells_the_workflow_what_was_pushed(make_repository: MakeRepository) -> None:
    repository = make_repository(TWO)
    event = events.push(repository)
    assert event.payload["after"] == repository.sha
    assert event.payload["before"] == "0" * 40
    assert set(event.changed or ()) == set(TWO)


def test_a_renamed_file_counts_with_both_names(make_repository: MakeRepository) -> None:
    repository = make_repository({**TWO, "old.py": "a longer text that git would recognise as moved"})
    git(repository.path, "mv", "old.py", "new.py")
    commit(repository.path, {})
    assert set(events.push(find_repository(repository.path, "local/iris")).changed or ()) == {"old.py", "new.py"}


def test_a_folder_without_git_is_no_repository(tmp_path) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(WorkflowError, match="not a git repository"):
        find_repository(tmp_path, "local/iris")


def test_a_branch_that_is_not_there_is_named(make_repository: MakeRepository) -> None:
    repository = make_repository(TWO)
    with pytest.raises(WorkflowError, match="'nowhere'"):
        find_repository(repository.path, "local/iris", ref="nowhere")


def test_a_name_without_owner_is_no_repository_name(make_repository: MakeRepository) -> None:
    repository = make_repository(TWO)
    with pytest.raises(WorkflowError, match="owner/name"):
        find_repository(repository.path, "iris")
