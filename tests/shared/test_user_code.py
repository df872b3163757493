"""Code of the user's repository in the process of a step."""

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from aml_actions import user_code
from aml_actions.workflow import Workflow


def test_search_path_and_folder_are_put_back(tmp_path: Path) -> None:
    before = (list(sys.path), Path.cwd(), sys.dont_write_bytecode)
    with user_code.at_home(tmp_path, [tmp_path / "last"]):
        assert Path.cwd() == tmp_path
        assert (sys.path[0], sys.path[-1]) == (str(tmp_path), str(tmp_path / "last"))
    assert (sys.path, Path.cwd(), sys.dont_write_bytecode) == before


def test_what_is_printed_before_an_error_is_shown_all_the_same() -> None:
    stream = io.StringIO()
    with pytest.raises(ValueError, match="stop"), user_code.heard(Workflow(stream)):
        print("first")
        os.write(1, b"by descriptor\n")
        raise ValueError("stop")
    assert "first" in stream.getvalue()
    assert "by descriptor" in stream.getvalue()


def test_secrets_in_what_is_printed_are_hidden() -> None:
    stream = io.StringIO()
    workflow = Workflow(stream)
    workflow.mask("kept~Secret")
    with user_code.heard(workflow):
        print("the secret is kept~Secret")
    assert "the secret is ***" in stream.getvalue()


def test_nothing_printed_nothing_shown() -> None:
    stream = io.StringIO()
    with user_code.heard(Workflow(stream)):
        pass
    assert stream.getvalue() == ""


def test_an_error_from_outside_of_the_repository_has_no_place_in_it(tmp_path: Path) -> None:
    try:
        int("x")
    except ValueError as error:
        found = user_code.origin(error, tmp_path)
    assert (found.file, found.line) == (None, None)
    assert found.text.startswith("ValueError: invalid literal")


def test_a_secret_that_comes_up_meanwhile_is_masked_by_the_runner_before_it_is_printed() -> None:
    script = """
import os, sys
from aml_actions import user_code
from aml_actions.workflow import Workflow

workflow = Workflow(sys.stdout)
with user_code.heard(workflow):
    print("printed before")
    workflow.mask("key-of-the-endpoint")
    print("the key is key-of-the-endpoint")
    os.system("echo a program, too")
workflow.info("after")
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    lines = done.stdout.splitlines()
    begins = next(number for number, line in enumerate(lines) if line.startswith("::stop-commands::"))
    assert "::add-mask::key-of-the-endpoint" in lines[:begins]
    assert lines[begins + 1 : begins + 4] == ["printed before", "the key is ***", "a program, too"]
    assert lines[-1] == "after"
