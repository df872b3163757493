"""Whatever a repository holds, the command ends with a report."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from aml_actions.migration.command import main

STEP = "jobs:\n  a:\n    steps:\n    - uses: Azure/aml-run@v1\n"
BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n" for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)
CONTENTS = {
    "binary": bytes(range(256)) * 20,
    "empty": b"",
    "only a mark": b"\xef\xbb\xbf",
    "UTF-16": STEP.encode("utf-16"),
    "nested": b"[" * 5000,
    "nested mappings": "".join(f"{' ' * depth}a:\n" for depth in range(300)).encode(),
    "aliases of aliases": BOMB.encode(),
    "an alias of itself": b"&a [*a]\n",
    "a list": b"- 1\n- 2\n",
    "a text": b"hello",
    "null": b"null",
    "tags": b"!!python/object/apply:os.system ['true']\n",
    "jobs that are none": b"jobs: [1, {steps: x}, null]\n",
    "steps that are none": b"jobs: {a: {steps: {x: y}}, b: {steps: [1, null, [x], {uses: [a]}, {with: 3, uses: 4}]}}\n",
    "keys that are no text": b"? [a]\n: {1: 2, null: 3}\n",
    "control characters": b"jobs:\n  a: \x00\x01\x1b[31m\n",
    "one long line": b"x: " + b"${{ github.event.client_payload " * 5000,
    "spaces": b"- " + b" " * 200_000 + b"x",
    "many steps": ("jobs:\n  a:\n    steps:\n" + "    - uses: Azure/aml-run@v1\n" * 20_000).encode(),
    "more than a megabyte": b"# x\n" * 300_000,
    "several documents": b"a: 1\n---\nb: 2\n",
}
PLACES = [
    ".github/workflows/x.yml",
    ".cloud/.azure/run.json",
    ".cloud/.azure/run.yml",
    ".cloud/.azure/deploy.json",
    "code/train/run_config.yml",
    "code/train/pipeline.yml",
    "code/train/run_config.py",
    "code/train/environment.yml",
    "code/train/train.py",
    "code/deploy/environment.yml",
    "code/deploy/score.py",
]


@pytest.mark.parametrize("name", CONTENTS)
def test_any_content_in_any_place(small: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    for place in PLACES:
        file = small / place
        before = file.read_bytes() if file.exists() else None
        file.write_bytes(CONTENTS[name])
        assert main([str(small)]) in (0, 3), place
        assert capsys.readouterr().out.startswith("# Migration"), place
        if before is None:
            file.unlink()
        else:
            file.write_bytes(before)


def test_all_of_many_steps_in_a_broken_file_are_changed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / ".github/workflows/x.yml"
    file.parent.mkdir(parents=True)
    file.write_text("name: a: b\njobs:\n  a:\n    steps:\n" + "    - uses: Azure/aml-run@v1\n" * 20_000)
    assert main([str(tmp_path), "--write", "--force", "--actions", "o/r@v1"]) == 0
    assert file.read_text().count("o/r/aml-run@v1") == 20_000


@pytest.mark.parametrize("place", PLACES)
def test_something_else_than_a_file_in_any_place(small: Path, place: str, capsys: pytest.CaptureFixture[str]) -> None:
    file = small / place
    file.unlink(missing_ok=True)
    file.mkdir()
    assert main([str(small)]) in (0, 3)
    file.rmdir()
    file.symlink_to(file.name)
    assert main([str(small)]) in (0, 3)
    file.unlink()
    file.symlink_to("/dev/zero")
    assert main([str(small)]) in (0, 3)


@pytest.mark.parametrize(
    "place", [".github/workflows/x.yml", "code/train/environment.yml", "code/train/train.py", "old/run_config.yml"]
)
def test_a_pipe_is_not_read(small: Path, place: str, capsys: pytest.CaptureFixture[str]) -> None:
    file = small / place
    file.parent.mkdir(exist_ok=True)
    file.unlink(missing_ok=True)
    os.mkfifo(file)
    assert main([str(small)]) == 3


@pytest.mark.parametrize(
    "name", ["../../../etc/passwd", "/etc/passwd", "a\\0b.json", "x" * 5000, "${{ matrix.file }}", "", "..", "."]
)
def test_any_name_of_a_parameters_file(tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / ".github/workflows/x.yml"
    file.parent.mkdir(parents=True)
    steps = "".join(
        f'    - uses: Azure/{action}@v1\n      with: {{parameters_file: "{name}"}}\n'
        for action in ("aml-run", "aml-deploy")
    )
    file.write_text(f"jobs:\n  a:\n    steps:\n{steps}")
    assert main([str(tmp_path)]) == 3
    assert "passwd:" not in capsys.readouterr().out
