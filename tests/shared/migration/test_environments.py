"""Environment files with pins that no longer exist: what is written instead, and what is only reported."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from aml_actions.migration import environments, python_code
from aml_actions.migration.changes import EnvironmentFile, Migration, Purpose
from aml_actions.migration.repository import Repository


def migrate(root: Path, files: dict[str, str], purpose: Purpose = "training") -> Migration:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(text.encode())
    return environments.migrate(Repository(root), [EnvironmentFile("code/environment.yml", purpose, ("code",))])


def revised(root: Path, text: str, purpose: Purpose = "training", script: str = "") -> str:
    found = migrate(root, {"code/environment.yml": text, "code/train.py": script}, purpose)
    changes = {change.path: change.after.decode() for change in found.changes}
    return changes.get("code/environment.yml", text)


def pip(*packages: str, python: str = "python=3.6.2") -> str:
    lines = "".join(f"      - {package}\n" for package in packages)
    return f"name: x\ndependencies:\n  - {python}\n  - pip\n  - pip:\n{lines}"


def packages(text: str) -> list[str]:
    """The pip packages of a conda file, without comments."""
    return next(one["pip"] for one in yaml.safe_load(text)["dependencies"] if isinstance(one, dict))


REPLACED = [
    ("scikit-learn==0.23.1", ["scikit-learn==1.1.3", "numpy<2"]),
    ("scikit-learn~=0.23.1", ["scikit-learn==1.1.3", "numpy<2"]),
    ("scikit-learn==0.23.*", ["scikit-learn==1.1.3", "numpy<2"]),
    ("Scikit_Learn==1.0.2", ["Scikit_Learn==1.1.3", "numpy<2"]),
    ("numpy==1.18.5", ["numpy==1.23.2"]),
    ("pandas==1.1.0", ["pandas==1.5.0", "numpy<2"]),
    ("scipy==1.5.2", ["scipy==1.9.2"]),
    ("matplotlib==3.2.1", ["matplotlib==3.6.0", "numpy<2"]),
    ("onnxruntime==1.4.0 ; sys_platform == 'linux'", ["onnxruntime==1.15.0; sys_platform == 'linux'", "numpy<2"]),
    ("tensorflow==1.15.0", ["tensorflow==2.12.0"]),
    ("torch==1.4.0", ["torch==1.13.0", "numpy<2"]),
    ("azureml-sdk==1.37.0", ["azureml-core==1.61.*"]),
    ("azureml-core==1.21.0", ["azureml-core==1.61.*"]),
    ("azureml-defaults==1.21.0", ["azureml-core==1.61.*"]),
    ("scikit-learn==1.2.2", ["scikit-learn==1.2.2", "numpy<2"]),
]


@pytest.mark.parametrize(("package", "expected"), REPLACED)
def test_a_pin_that_is_gone_becomes_the_first_that_exists_and_a_decision(
    tmp_path: Path, package: str, expected: list[str]
) -> None:
    found = migrate(tmp_path, {"code/environment.yml": pip(package)})
    after = found.changes[0].after.decode()
    assert packages(after) == expected
    assert "  - python=3.11  # was python=3.6.2\n" in after
    if package.split("=")[0] != expected[0].split("=")[0] or expected[0] != package:
        assert f"# was {package}" in after
        assert any(f"`{package}` becomes `{expected[0]}`" in one.what for one in found.decisions)
    assert all(one.line and one.options for one in found.decisions)


@pytest.mark.parametrize(
    "package",
    [
        "scikit-learn",
        "scikit-learn>=0.20",
        "scikit-learn==1.5.0",
        "numpy==1.26.4",
        "azureml-core",
        "azureml-defaults~=1.1",
        "azureml-sdk==1.62.0",
        "some-package==0.0.1",
        "-e .",
        "git+https://github.com/a/b@v1",
        "./wheels/a-1.0-py3-none-any.whl",
    ],
)
def test_what_can_be_installed_stays(tmp_path: Path, package: str) -> None:
    text = pip(package, python="python=3.11")
    assert revised(tmp_path, text) == text


@pytest.mark.parametrize(
    ("python", "changes"),
    [
        ("python=3.6", True),
        ("python==3.7.1", True),
        ("python=3.8.*", True),
        ("python=3.6.2=h0371630_0", True),
        ("python=2.7", True),
        ("python=3.9", False),
        ("python=3.10.12", False),
        ("python>=3.6", False),
        ("python=3", False),
    ],
)
def test_a_python_past_its_end_is_replaced(tmp_path: Path, python: str, changes: bool) -> None:
    text = pip("requests", python=python)
    assert ("python=3.11" in revised(tmp_path, text)) is changes


def test_pins_for_a_python_that_stays_are_judged_by_it(tmp_path: Path) -> None:
    assert "scikit-learn==1.0.2" in packages(revised(tmp_path, pip("scikit-learn==0.24.2", python="python=3.10")))
    old = pip("scikit-learn==0.24.2", "numpy==1.19.5", python="python=3.9")
    assert revised(tmp_path, old) == old


def test_a_file_without_a_python_gets_the_one_that_its_new_pins_are_for(tmp_path: Path) -> None:
    text = "dependencies:\n- pip:\n  - scikit-learn==0.23.1\n"
    after = yaml.safe_load(revised(tmp_path, text))
    assert after == {"dependencies": ["python=3.11", {"pip": ["scikit-learn==1.1.3", "numpy<2"]}]}
    named = "dependencies:\n- python\n- pandas=1.0.3\n"
    assert yaml.safe_load(revised(tmp_path, named)) == {"dependencies": ["python=3.11", "pandas=1.5", "numpy<2"]}


def test_conda_packages_are_pinned_to_a_series_since_channels_have_other_builds(tmp_path: Path) -> None:
    text = "dependencies:\n  - python=3.7\n  - conda-forge::scikit-learn=0.22.1\n  - numpy=1.18\n"
    after = yaml.safe_load(revised(tmp_path, text))["dependencies"]
    assert after == ["python=3.11", "scikit-learn=1.1", "numpy=1.23"]


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_everything_but_the_pins_keeps_its_bytes(tmp_path: Path, ending: str) -> None:
    text = """\
# our environment, ä
name:   x
channels: [conda-forge]
dependencies:
  - python=3.8.12   # as on the cluster
  - pip:
    - 'scikit-learn==1.0.2'
    - "joblib"
    # the rest
variables:
  - scikit-learn==0.1
""".replace("\n", ending)
    expected = text.replace(
        "python=3.8.12   # as on the cluster", "python=3.11   # as on the cluster  # was python=3.8.12"
    )
    expected = expected.replace(
        f"'scikit-learn==1.0.2'{ending}",
        f"'scikit-learn==1.1.3'  # was scikit-learn==1.0.2{ending}    - 'numpy<2'  # scikit-learn 1.1.3 was built for NumPy 1{ending}",
    )
    assert revised(tmp_path, text) == expected


def test_a_second_run_changes_nothing(tmp_path: Path) -> None:
    script = "import numpy as np\nfrom azureml.core import Run\nnp.float(1)\n"
    text = pip(
        "scikit-learn==0.23.1", "azureml-sdk==1.37.0", "numpy", "inference-schema==1.1.0", "azureml-defaults==1.4"
    )
    for purpose in ("training", "serving"):
        once = revised(tmp_path, text, purpose, script)
        assert once != text
        assert revised(tmp_path, once, purpose, script) == once


def test_a_deployment_gets_the_server_and_what_goes_with_it(tmp_path: Path) -> None:
    text = pip("azureml-defaults==1.37.0", "inference-schema[numpy-support]==1.3.0")
    assert packages(revised(tmp_path, text, "serving")) == [
        "azureml-inference-server-http==1.5.*",
        "inference-schema[numpy-support]==1.8.*",
    ]
    script = "from azureml.core.model import Model\n"
    assert packages(revised(tmp_path, pip("azureml-defaults==1.37.0"), "serving", script)) == [
        "azureml-inference-server-http==1.5.*",
        "azureml-core==1.61.*",
    ]
    modern = pip("azureml-defaults==1.53.0", python="python=3.11")
    assert revised(tmp_path, modern, "serving") == modern


def test_scripts_that_use_removed_names_of_numpy_keep_a_numpy_that_has_them(tmp_path: Path) -> None:
    script = "import numpy as np\nx = np.float(1)\ny = np.float64(2)\nz = 'np.int'\nprint(np.bool, np.float)\n"
    found = migrate(tmp_path, {"code/environment.yml": pip("scikit-learn==0.23.1"), "code/a/b.py": script})
    assert packages(found.changes[0].after.decode()) == ["scikit-learn==1.1.3", "numpy<1.24"]
    uses = {one.what: one for one in found.decisions if one.file == "code/a/b.py"}
    assert set(uses) == {
        "`np.float` is used in lines 2, 5; NumPy 1.24 removed it.",
        "`np.bool` is used; NumPy 1.24 removed it.",
    }
    assert uses["`np.bool` is used; NumPy 1.24 removed it."].line == 5


def test_numpy_that_another_name_stands_for_is_not_meant(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("import numpy\nimport other as np\nnp.float\nnumpy.int\nx.np.int\n")
    assert [use.name for use in python_code.look(Repository(tmp_path), ["."]).numpy_aliases] == ["numpy.int"]


@pytest.mark.parametrize(
    ("script", "what"),
    [
        ("from sklearn.externals import joblib\n", "`sklearn.externals.joblib` is imported"),
        ("from azureml.core import Run, Dataset\n", "`azureml.core` is imported"),
        ("import azureml.core.run\n", "`azureml.core` is imported"),
        ("from azureml.monitoring import ModelDataCollector\n", "`azureml.monitoring` is imported"),
        ("print 'hello'\n", "not valid for Python 3"),
    ],
)
def test_what_scripts_use_of_packages_that_have_changed_is_reported_with_its_line(
    tmp_path: Path, script: str, what: str
) -> None:
    found = migrate(tmp_path, {"code/environment.yml": pip("requests"), "code/train.py": "\n" + script})
    assert [(one.file, one.line) for one in found.decisions if what in one.what] == [("code/train.py", 2)]


def test_a_requirements_file_that_the_conda_file_names_is_revised_for_its_python(tmp_path: Path) -> None:
    found = migrate(
        tmp_path,
        {
            "code/environment.yml": "dependencies:\n  - python=3.7\n  - pip:\n    - -r pip/requirements.txt\n",
            "code/pip/requirements.txt": "# packages\nscikit-learn==0.23.1 # pinned\r\nrequests\n",
        },
    )
    after = {change.path: change.after.decode() for change in found.changes}
    assert after["code/pip/requirements.txt"] == (
        "# packages\n"
        "scikit-learn==1.1.3 # pinned  # was scikit-learn==0.23.1\r\n"
        "numpy<2  # scikit-learn 1.1.3 was built for NumPy 1\r\n"
        "requests\n"
    )


def test_a_form_that_is_not_edited_is_reported(tmp_path: Path) -> None:
    text = "dependencies: [python=3.6.2, {pip: [scikit-learn==0.23.1, requests]}]\n"
    found = migrate(tmp_path, {"code/environment.yml": text})
    assert not found.changes
    assert [one.what.split("`")[1] for one in found.decisions] == ["python=3.6.2", "scikit-learn==0.23.1"]


def test_a_limit_below_everything_that_exists_is_reported_and_kept(tmp_path: Path) -> None:
    text = pip("scikit-learn<0.24", python="python=3.11")
    found = migrate(tmp_path, {"code/environment.yml": text})
    assert any("allows no version" in one.what for one in found.decisions)
    assert "scikit-learn<0.24" in packages(found.changes[0].after.decode())


def test_a_file_that_training_and_serving_share_is_changed_once(tmp_path: Path) -> None:
    (tmp_path / "env.yml").write_text(pip("azureml-defaults==1.21.0", "scikit-learn==0.23.1"))
    files = [EnvironmentFile("env.yml", "training", ("a",)), EnvironmentFile("./env.yml", "serving", ("b",))]
    (tmp_path / "a").mkdir()
    (tmp_path / "a/train.py").write_text("from azureml.core import Run\n")
    found = environments.migrate(Repository(tmp_path), files)
    assert [change.path for change in found.changes] == ["env.yml"]
    assert packages(found.changes[0].after.decode()) == [
        "azureml-inference-server-http==1.5.*",
        "azureml-core==1.61.*",
        "scikit-learn==1.1.3",
        "numpy<2",
    ]
