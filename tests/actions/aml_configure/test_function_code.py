"""The archive of a function app's code."""

from __future__ import annotations

import io
import zipfile

import pytest

from aml_actions.errors import ActionError
from aml_configure.function_code import archive


def test_the_same_code_is_the_same_archive_without_what_is_not_code(tmp_path):
    for name in (
        "function_app.py",
        "host.json",
        "bridge/a.py",
        "__pycache__/x.pyc",
        "tests/test_x.py",
        "local.settings.json",
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    (tmp_path / ".funcignore").write_text("# not code\ntests/\n.funcignore\n")
    first = archive(tmp_path)
    assert archive(tmp_path) == first
    with zipfile.ZipFile(io.BytesIO(first)) as made:
        assert made.namelist() == ["bridge/a.py", "function_app.py", "host.json"]


def test_a_folder_without_a_function_app(tmp_path):
    with pytest.raises(ActionError, match=r"function_app\.py is missing"):
        archive(tmp_path)
