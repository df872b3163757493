"""What act would wave through is refused before the run, with the place and what GitHub would do."""

from pathlib import Path

import pytest

from aml_emulator.github.actions import ActionFinder
from aml_emulator.github.checks import check_action, check_workflow
from aml_emulator.github.definition import parse_workflow
from aml_emulator.github.errors import InvalidWorkflow

from .conftest import steps

GREET = "org/actions/greet@v1"


def problems(text: str, repository: Path, actions: Path, *, node: bool = True) -> list[str]:
    finder = ActionFinder(repository, {"org/actions@v1": actions})
    workflow = parse_workflow("on: push\n" + text, "w.yml")
    return [str(problem) for problem in check_workflow(workflow, finder, node=node)]


@pytest.mark.parametrize(
    ("jobs", "told"),
    [
        (steps(f"- uses: {GREET}"), "w.yml:6: org/actions/greet@v1 requires the input 'who'"),
        (steps(f"- uses: {GREET}\n  with: {{who: x, hwo: y}}"), "has no input 'hwo'; its inputs: who, how"),
        (
            steps(f"- id: g\n  uses: {GREET}\n  with: {{who: x}}\n- run: echo ${{{{ steps.g.outputs.hidden }}}}"),
            "declares no output 'hidden'; its outputs: text",
        ),
        (steps("- run: echo ${{ steps.later.outputs.x }}\n- id: later\n  run: echo"), "no step before has that id"),
        (steps("- if: steps.nobody.outcome == 'success'\n  run: echo"), "refers to steps.nobody"),
        (steps("- run: echo ${{ steps['nobody'].outputs.x }}"), "refers to steps.nobody"),
        (steps("- id: a\n  run: echo\n- id: a\n  run: echo"), "'a' is there twice"),
        (steps("- uses: org/other@v1"), "org/other@v1 is not here"),
        (steps("- uses: org/actions/gone@v1"), "no action.yml"),
        (steps("- uses: ./gone"), "no action.yml"),
        (steps("- uses: docker://alpine"), "container engine"),
        (steps("- uses: $/actions/x"), "act does not know $/actions/x"),
        (steps("- name: neither\n  id: a"), "either `uses:` or `run:`"),
        (steps("- run: echo ${{ case(true, 1, 2) }}"), "case()"),
        ("jobs: {a: {runs-on: ubuntu-lastest, steps: []}}", "no machine here has the label 'ubuntu-lastest'"),
        ("jobs: {a: {runs-on: '${{ matrix.os }}', strategy: {matrix: {os: [ubuntu-latest, beos]}}}}", "label 'beos'"),
        ("jobs: {a: {runs-on: {group: big}}}", "runner groups"),
        ("jobs: {a: {steps: []}}", "no `runs-on:`"),
        ("jobs: {a: {runs-on: ubuntu-latest, continue-on-error: true}}", "continue-on-error"),
        ("jobs: {a: {runs-on: ubuntu-latest, container: alpine}}", "container engine"),
        ("jobs: {a: {runs-on: ubuntu-latest, needs: b}}", "needs the job 'b'"),
        ("jobs: {a: {runs-on: ubuntu-latest, outputs: {x: '${{ secrets.S }}'}}}", "holds a secret"),
        ("jobs: {a: {runs-on: ubuntu-latest, outputs: {x: '${{ steps.q.outputs.x }}'}}}", "refers to steps.q"),
        (
            "jobs:\n  a: {runs-on: ubuntu-latest}\n  b: {runs-on: ubuntu-latest, needs: a, "
            "env: {X: '${{ needs.a.outputs.x }}'}}",
            "w.yml:4: the job 'a' has no output 'x'",
        ),
        (
            "jobs:\n  a: {runs-on: ubuntu-latest}\n  b: {runs-on: ubuntu-latest, if: needs.a.outputs.x == '1'}",
            "does not need 'a'",
        ),
        ("jobs: {a: {uses: ./.github/workflows/gone.yml}}", "is not in the repository"),
        ("jobs: {a: {uses: org/x/.github/workflows/a.yml@v1}}", "is not here"),
    ],
)
def test_a_wrong_workflow_is_told_with_its_place(jobs: str, told: str, tmp_path: Path, actions: Path) -> None:
    found = problems(jobs, tmp_path, actions)
    assert len(found) == 1, found
    assert told in found[0]


def test_a_right_workflow_has_no_problems(tmp_path: Path, actions: Path) -> None:
    jobs = steps(
        f"- id: g\n  uses: {GREET}\n  with: {{WHO: x}}\n"
        "- if: steps.g.outputs.text != ''\n  run: echo ${{ steps.g.outputs.Text }} ${{ hashFiles('a') }}"
    )
    assert problems(jobs, tmp_path, actions) == []


def test_hash_files_needs_node(tmp_path: Path, actions: Path) -> None:
    jobs = steps("- run: echo ${{ hashFiles('a') }}")
    assert "Node.js" in problems(jobs, tmp_path, actions, node=False)[0]


def composite(body: str, outputs: str = "{}") -> str:
    return f"name: a\ndescription: a\noutputs: {outputs}\nruns:\n  using: composite\n  steps:\n{body}\n"


@pytest.mark.parametrize(
    ("action", "told"),
    [
        (composite("    - run: echo"), "has no `shell:`"),
        (composite("    - {shell: bash, run: 'echo $INPUT_WHO'}"), "reads INPUT_WHO"),
        (composite("    - {shell: bash, run: echo}", "{x: {description: x}}"), "has no `value:`"),
        (
            composite("    - {shell: bash, run: echo}", "{x: {value: '${{ steps.no.outputs.x }}'}}"),
            "refers to steps.no",
        ),
        (composite("    - {uses: 'org/actions/greet@v1', with: {who: a, x: b}}"), "has no input 'x'"),
        ("name: a\nruns: {using: docker, image: Dockerfile}", "`using: docker` does not run here"),
        ("name: a\nname: b\nruns: {using: composite, steps: []}", "the key 'name' is there twice"),
        ("name: a\nruns: {using: composite\n", "not YAML"),
    ],
)
def test_a_wrong_action_is_told_through_the_workflow_that_uses_it(
    action: str, told: str, tmp_path: Path, actions: Path
) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "action.yml").write_text(action)
    found = problems(steps("- uses: ./mine"), tmp_path, actions)
    assert len(found) == 1, found
    assert told in found[0]
    assert found[0].startswith("mine/action.yml:")


@pytest.mark.parametrize(
    ("last", "right"), [('exec "$X/run.sh" a', True), ("python x.py", False), ("# exec no", False)]
)
def test_a_published_action_ends_in_exec(last: str, right: bool, tmp_path: Path) -> None:
    (tmp_path / "shared" / "bootstrap").mkdir(parents=True)
    (tmp_path / "aml-run").mkdir()
    (tmp_path / "aml-run" / "action.yml").write_text(
        composite(f"    - shell: bash\n      run: |\n        cd .\n        {last}")
    )
    finder = ActionFinder(tmp_path, {"org/actions@v1": tmp_path})
    found = check_action(finder.find("org/actions/aml-run@v1"), finder)
    assert (found == []) is right
    assert right or "no `exec`" in found[0].message


def test_words_that_older_yaml_took_for_booleans_stay_words() -> None:
    workflow = parse_workflow("on: {push: }\nname: yes\njobs: {off: {runs-on: on}}", "w.yml")
    assert (workflow.name, [job.id for job in workflow.jobs], workflow.jobs[0].raw["runs-on"]) == ("yes", ["off"], "on")


@pytest.mark.parametrize("text", ["[]", "", "on: push", "jobs: {a: {}}", "on: [\njobs: }"])
def test_a_file_that_is_no_workflow_is_refused(text: str) -> None:
    with pytest.raises(InvalidWorkflow):
        parse_workflow(text, "w.yml")
