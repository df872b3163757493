"""The platform team publishes the actions; a workflow of another repository uses what came out."""

import subprocess
from pathlib import Path

import pytest

from aml_actions.publish import PublishError, main, publish, publish_template


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A small project of this project's layout, with something in every place that must not be published."""
    root = tmp_path / "project"
    files = {
        "actions/aml-run/action.yml": "name: run",
        "actions/aml-run/aml_run/action.py": "work = 1",
        "actions/README.md": "not an action",
        "shared/bootstrap/run.sh": "#!/bin/sh",
        "shared/aml_actions/step.py": "x = 1",
        "requirements/actions.txt": "a==1",
        "requirements/uv.txt": "uv==1",
        "requirements/dev.txt": "pytest==1",
        "emulator/aml_emulator/cli.py": "x = 1",
        "tests/test_a.py": "x = 1",
        "example-repo/README.md": "template",
        "example-repo/.github/workflows/train_deploy.yml": "name: Train and deploy",
        "infra/README.md": "how it is linted",
        "infra/.checkov.yaml": "framework: arm",
        "infra/deploy.core-infra.json": "{}",
        "infra/function/host.json": "{}",
        "README.md": "map",
        "action-catalog.md": "catalog: [run](actions/aml-run/README.md)",
        "docs/troubleshooting.md": "help",
        "docs/design.md": "for developers",
        ".gitignore": "__pycache__/\n.venv/\n",
    }
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    (root / "shared/bootstrap/run.sh").chmod(0o755)
    (root / "actions/shared").symlink_to("../shared")
    git(root, "init", "-q", "-b", "main")
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "all")
    (root / "actions/aml-run/.venv").mkdir()
    (root / "actions/aml-run/.venv/big").write_text("ignored")
    return root


def git(root: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
    subprocess.run(["git", *identity, *arguments], cwd=root, check=True)


PUBLISHED = [
    "README.md",
    "aml-run/action.yml",
    "aml-run/aml_run/action.py",
    "docs/troubleshooting.md",
    "requirements/actions.txt",
    "requirements/uv.txt",
    "shared/aml_actions/step.py",
    "shared/bootstrap/run.sh",
]


@pytest.mark.parametrize("ref", ["HEAD", None])
def test_only_what_a_workflow_needs_is_published(project: Path, tmp_path: Path, ref: str | None) -> None:
    target = tmp_path / "out"
    assert [str(path) for path in publish(target, source=project, ref=ref)] == PUBLISHED
    on_disk = sorted(str(path.relative_to(target)) for path in target.rglob("*") if path.is_file())
    assert on_disk == PUBLISHED
    assert not [path for path in target.rglob("*") if path.is_symlink()]


def test_the_catalogue_is_the_readme_of_the_published_repository_and_its_links_lead_there(
    project: Path, tmp_path: Path
) -> None:
    publish(tmp_path / "out", source=project)
    assert (tmp_path / "out/README.md").read_text() == "catalog: [run](aml-run/README.md)"


def test_a_script_stays_executable(project: Path, tmp_path: Path) -> None:
    publish(tmp_path / "out", source=project)
    assert (tmp_path / "out/shared/bootstrap/run.sh").stat().st_mode & 0o111
    assert not (tmp_path / "out/aml-run/action.yml").stat().st_mode & 0o111


def test_an_uncommitted_change_is_published_from_the_working_tree_only(project: Path, tmp_path: Path) -> None:
    (project / "actions/aml-run/action.yml").write_text("name: changed")
    (project / "actions/aml-run/new.py").write_text("x = 2")
    publish(tmp_path / "committed", source=project)
    publish(tmp_path / "working", source=project, ref=None)
    assert (tmp_path / "committed/aml-run/action.yml").read_text() == "name: run"
    assert not (tmp_path / "committed/aml-run/new.py").exists()
    assert (tmp_path / "working/aml-run/action.yml").read_text() == "name: changed"
    assert (tmp_path / "working/aml-run/new.py").exists()


def test_a_file_deleted_in_the_working_tree_is_not_published_from_it(project: Path, tmp_path: Path) -> None:
    (project / "actions/aml-run/aml_run/action.py").unlink()
    publish(tmp_path / "out", source=project, ref=None)
    assert not (tmp_path / "out/aml-run/aml_run/action.py").exists()


def test_a_tag_is_published_as_it_was(project: Path, tmp_path: Path) -> None:
    git(project, "tag", "v1")
    (project / "action-catalog.md").write_text("later")
    git(project, "commit", "-qam", "later")
    publish(tmp_path / "out", source=project, ref="v1")
    assert "catalog" in (tmp_path / "out/README.md").read_text()


def test_a_folder_that_holds_something_is_left_alone(project: Path, tmp_path: Path) -> None:
    target = tmp_path / "out"
    target.mkdir()
    (target / "mine").write_text("keep")
    with pytest.raises(PublishError, match="not an empty folder"):
        publish(target, source=project)
    assert [path.name for path in target.iterdir()] == ["mine"]


def test_an_unknown_ref_is_named(project: Path, tmp_path: Path) -> None:
    with pytest.raises(PublishError, match="v9"):
        publish(tmp_path / "out", source=project, ref="v9")
    assert not (tmp_path / "out").exists()


def test_a_project_without_actions_publishes_nothing(project: Path, tmp_path: Path) -> None:
    git(project, "rm", "-qr", "actions")
    git(project, "commit", "-qm", "gone")
    with pytest.raises(PublishError, match="no actions/aml"):
        publish(tmp_path / "out", source=project)
    assert not (tmp_path / "out").exists()


def test_the_command_publishes_this_project(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path / "out"), "--working-tree"]) == 0
    assert (tmp_path / "out/aml-run/action.yml").is_file()
    assert (tmp_path / "out/shared/aml_actions/publish.py").is_file()
    assert "files written" in capsys.readouterr().out
    assert main([str(tmp_path / "out")]) == 1
    assert "not an empty folder" in capsys.readouterr().err


@pytest.mark.parametrize("ref", ["HEAD", None])
def test_the_template_repository_is_the_example_with_the_infrastructure_beside_it(
    project: Path, tmp_path: Path, ref: str | None
) -> None:
    written = publish_template(tmp_path / "out", source=project, ref=ref)
    assert [str(path) for path in written] == [
        ".github/workflows/train_deploy.yml",
        "README.md",
        "infra/deploy.core-infra.json",
        "infra/function/host.json",
    ]
    assert (tmp_path / "out/README.md").read_text() == "template"


def test_a_project_without_workflows_gives_no_template(project: Path, tmp_path: Path) -> None:
    git(project, "rm", "-qr", "example-repo/.github")
    git(project, "commit", "-qm", "gone")
    with pytest.raises(PublishError, match="no example-repo/"):
        publish_template(tmp_path / "out", source=project)
    assert not (tmp_path / "out").exists()


def test_the_command_writes_the_template_repository_of_this_project(tmp_path: Path) -> None:
    assert main([str(tmp_path / "out"), "--working-tree", "--template"]) == 0
    for name in (".github/workflows/setup.yml", ".cloud/.azure/workspace.json", "infra/deploy.core-infra.json"):
        assert (tmp_path / "out" / name).is_file()
    assert not (tmp_path / "out/aml-run").exists()
