"""Somebody's workflows: the `uses:` lines change, not one other byte does, and what a person must decide is said."""

from __future__ import annotations

from pathlib import Path

import pytest

from aml_actions.discovery import find_actions
from aml_actions.migration import workflow_files, workflows
from aml_actions.migration.changes import Decision
from aml_actions.migration.repository import Repository
from aml_actions.migration.workflows import Found

TARGET = "contoso/actions@v2"
SPECS = find_actions()

HEAD = "name: x\non: push\npermissions: {}\njobs:\n  a:\n    runs-on: ubuntu-latest\n    steps:\n"


def migrate(content: bytes) -> Found:
    return workflows.migrate([workflow_files.parse(".github/workflows/x.yml", content)], SPECS, TARGET)


def after(content: bytes) -> bytes:
    changes = migrate(content).migration.changes
    assert len(changes) <= 1
    return changes[0].after if changes else content


def decisions(text: str) -> list[Decision]:
    return migrate(text.encode()).migration.decisions


LINES = [
    ("- uses: Azure/aml-run@v1", "- uses: contoso/actions/aml-run@v2"),
    ("- uses: azure/aml-workspace@v1   # a comment", "- uses: contoso/actions/aml-workspace@v2   # a comment"),
    ("- uses: 'AZURE/AML-Compute@v1.31.0'", "- uses: 'contoso/actions/aml-compute@v2'"),
    ('- uses: "Azure/aml-deploy@latest"', '- uses: "contoso/actions/aml-deploy@v2"'),
    ("- uses:   Azure/aml-registermodel@a/branch", "- uses:   contoso/actions/aml-registermodel@v2"),
    ("- uses: Azure/aml-run@0123456 # v1", "- uses: contoso/actions/aml-run@v2 # v1"),
    ("- {uses: Azure/aml-run@v1, id: r}", "- {uses: contoso/actions/aml-run@v2, id: r}"),
    ("- name: Träning\n        uses: Azure/aml-run@v1", "- name: Träning\n        uses: contoso/actions/aml-run@v2"),
]


@pytest.mark.parametrize(("line", "expected"), LINES)
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_only_the_address_changes(line: str, expected: str, ending: str, mark: bytes) -> None:
    def file(step: str) -> bytes:
        text = f"{HEAD}      {step}\n      # uses: Azure/aml-run@v1\n      - run: echo 'Azure/aml-run@v1'  \n"
        return mark + text.replace("\n", ending).encode()

    assert after(file(line)) == file(expected)


@pytest.mark.parametrize(
    "line",
    [
        "- uses: actions/checkout@v4",
        "- uses: ashishonce/amlrun2@v1",
        "- uses: docker://ghcr.io/azure/aml-run@v1",
        "- uses: docker://Azure/aml-run:v1",
        "- uses: Azure/aml-runs@v1",
        "- uses: contoso/actions/aml-run@v1",
        "- uses: ./aml-run",
        "# - uses: Azure/aml-run@v1\n      - run: x",
        "- run: |\n          uses: Azure/aml-run@v1\n          - uses: Azure/aml-run@v1",
        "- name: Azure/aml-run@v1\n        run: x",
        "- run: x\n        env:\n          uses: Azure/aml-run@v1",
    ],
)
def test_nothing_else_changes(line: str) -> None:
    content = f"{HEAD}      {line}\n".encode()
    assert after(content) == content


def test_an_address_that_is_used_twice_by_an_alias_is_changed_once() -> None:
    text = f"{HEAD}      - &train\n        uses: Azure/aml-run@v1\n      - *train\n"
    assert after(text.encode()) == text.replace("Azure/aml-run@v1", "contoso/actions/aml-run@v2").encode()


def test_a_file_without_a_last_newline_stays_so() -> None:
    assert after(f"{HEAD}      - uses: Azure/aml-run@v1".encode()).endswith(b"contoso/actions/aml-run@v2")


BROKEN = [
    "name: deploy: it\n",  # mapping values are not allowed here
    "name: x\n\ton: push\n",
    "name: 'not closed\n",
    "name: [a\n",
    "a: *nothing\n",
]


@pytest.mark.parametrize("beginning", BROKEN)
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_a_workflow_that_is_no_yaml_is_changed_by_lines(beginning: str, ending: str) -> None:
    steps = """\
      - uses: actions/checkout@v2
      - name: run
        uses: "Azure/aml-run@v1" # here
        with:
          parameters_file: training.json
      - run: |
          cat <<'END'
          - uses: Azure/aml-run@v1
          END
      - uses: Azure/aml-deploy@v1
"""
    expected = steps.replace('"Azure/aml-run@v1"', '"contoso/actions/aml-run@v2"').replace(
        "Azure/aml-deploy@v1", "contoso/actions/aml-deploy@v2"
    )
    content = (beginning + HEAD.split("\n", 1)[1] + steps).replace("\n", ending).encode()
    found = migrate(content)
    assert (
        found.migration.changes[0].after
        == (beginning + HEAD.split("\n", 1)[1] + expected).replace("\n", ending).encode()
    )
    assert found.steps["aml-run"][0].inputs["parameters_file"].text == "training.json"
    whats = [one.what for one in found.migration.decisions]
    assert any("not read as YAML" in what for what in whats)
    assert any("actions/checkout@v2" in what for what in whats)


def test_a_workflow_in_another_encoding_keeps_its_bytes() -> None:
    content = f"{HEAD}      - name: Tr\xe4ning\n        uses: Azure/aml-run@v1\n".encode("latin-1")
    assert after(content) == content.replace(b"Azure/aml-run@v1", b"contoso/actions/aml-run@v2")


def test_a_composite_action_is_changed_too(tmp_path: Path) -> None:
    folder = tmp_path / ".github/actions/train"
    folder.mkdir(parents=True)
    text = "runs:\n  using: composite\n  steps:\n    - uses: Azure/aml-run@v1\n"
    (folder / "action.yml").write_text(text)
    found = workflows.migrate(workflow_files.read_all(Repository(tmp_path)), SPECS, TARGET)
    assert [change.after.decode() for change in found.migration.changes] == [
        text.replace("Azure/aml-run@v1", "contoso/actions/aml-run@v2")
    ]
    assert not found.migration.decisions, "permissions are a matter of workflows"


TO_DECIDE = [
    ("- uses: actions/checkout@v2", 8, "`actions/checkout@v2` is an old version"),
    ("- uses: actions/checkout@v1.0.0", 8, "`actions/checkout@v1.0.0` is an old version"),
    ('- run: echo "::set-output name=a::b"', 8, "`::set-output`"),
    (
        '- run: |\n          echo a\n          echo "${{ github.event.client_payload.data.runId }}"',
        10,
        "`${{ github.event.client_payload.data.runId }}` is put into the text of a script",
    ),
    ("- uses: ashishonce/amlrun2@v1", 8, "looks like a copy of aml-run"),
    ("- uses: docker://ghcr.io/somebody/aml-run:v1", 8, "looks like a copy of aml-run"),
    ("- uses: somebody/aml_configure@v1", 8, "deployed an ARM template"),
    ("- uses: Azure/aml-deploy@v1\n        with:\n          parameter_file: x.json", 10, "no input `parameter_file`"),
    ("- uses: Azure/aml-workspace@v1\n        with:\n          resource_group: x", 10, "no input `resource_group`"),
    ("- uses: org/actions/aml-workspace@v1\n        with: {name: x}", 9, "no input `name`"),
    (
        "- id: run\n        uses: Azure/aml-run@v1\n      - run: echo ${{ steps.run.outputs.run-url }}",
        10,
        "no output `run-url`",
    ),
    ('- uses: "Azure/aml\\u002drun@v1"', 8, "is written in a way that is not changed automatically"),
]


@pytest.mark.parametrize(("steps", "line", "what"), TO_DECIDE)
def test_what_a_person_decides_is_said_with_its_line_and_options(steps: str, line: int, what: str) -> None:
    found = decisions(f"{HEAD}      {steps}\n")
    assert [one.line for one in found if what in one.what] == [line]
    assert all(one.options for one in found)


@pytest.mark.parametrize(
    "steps",
    [
        "- uses: actions/checkout@v4",
        "- uses: actions/checkout@11bd71901bbe5b1630ceea73d27597364c9af683 # v4.2.2",
        '- run: echo "$ID"\n        env:\n          ID: ${{ github.event.client_payload.data.runId }}',
        "- uses: Azure/aml-registermodel@v1\n        with:\n          run_id: ${{ github.event.client_payload.data.runId }}",
        "- id: run\n        uses: Azure/aml-run@v1\n      - run: echo ${{ steps.run.outputs.run_id }}",
        "- id: other\n        uses: a/b@v1\n      - run: echo ${{ steps.other.outputs.run-url }}",
        "- uses: azure/login@v2\n        with: {creds: x}",
        "# echo ::set-output name=a::b\n      - run: x",
    ],
)
def test_what_is_right_is_not_mentioned(steps: str) -> None:
    assert decisions(f"{HEAD}      {steps}\n") == []


def test_the_input_that_is_a_key_of_the_parameters_file_is_told_where_it_belongs() -> None:
    steps = "- uses: Azure/aml-workspace@v1\n        with:\n          resource_group: x"
    (found,) = decisions(f"{HEAD}      {steps}\n")
    assert ".cloud/.azure/workspace.json" in found.options[0]


@pytest.mark.parametrize(
    "on",
    ["on: repository_dispatch\n", "on: [push, repository_dispatch]\n", "on:\n  repository_dispatch:\n    types: [a]\n"],
)
def test_a_workflow_started_by_the_old_function_is_reported(on: str) -> None:
    text = HEAD.replace("on: push\n", on) + "      - run: x\n"
    assert [one.what for one in decisions(text)] == [
        "The workflow is started by `repository_dispatch`: who sends the event today?"
    ]


def test_missing_permissions_are_reported_only_where_our_actions_run() -> None:
    steps = "      - uses: Azure/aml-run@v1\n"
    without = HEAD.replace("permissions: {}\n", "")
    assert any("permissions" in one.what for one in decisions(without + steps))
    assert not decisions(without + "      - run: x\n")
    assert not decisions(without.replace("    steps:", "    permissions: {}\n    steps:") + steps)
