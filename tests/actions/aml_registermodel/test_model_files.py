"""Which file or folder is registered: the rules of model_file_name."""

from pathlib import Path

import pytest

from aml_actions.errors import ActionError
from aml_registermodel.files import find, repository_files
from aml_registermodel.source import digest, from_repository

JOB = [
    "logs/azureml/model.log",
    "outputs/confusion_matrix.png",
    "outputs/model.pkl",
    "outputs/old_model.pkl",
    "system_logs/lifecycler/x.log",
    "user_logs/std_log.txt",
]
MLFLOW = ["model/MLmodel", "model/model.pkl", "model/conda.yaml", "user_logs/std_log.txt"]


def path_of(wanted: str, files: list[str]) -> str:
    return find(wanted, files, "the files of job x").path


def refusal(wanted: str, files: list[str]) -> str:
    with pytest.raises(ActionError) as caught:
        find(wanted, files, "the files of job x")
    return str(caught.value)


def test_the_exact_name_wins_over_a_name_that_contains_it() -> None:
    found = find("model.pkl", JOB, "")
    assert (found.path, found.others, found.inexact, found.is_folder) == ("outputs/model.pkl", (), False, False)


@pytest.mark.parametrize(
    "wanted", ["outputs/model.pkl", "/outputs/model.pkl", "./outputs/model.pkl", " outputs/model.pkl "]
)
def test_a_path_is_taken_as_it_is(wanted: str) -> None:
    assert path_of(wanted, JOB) == "outputs/model.pkl"


def test_a_path_is_not_searched_for() -> None:
    assert "outputs/models/model.pkl" in refusal("models/model.pkl", ["outputs/models/model.pkl"])


@pytest.mark.parametrize("wanted", ["model", "model/", "outputs/model"])
def test_a_folder_can_be_named_bare_or_by_its_path(wanted: str) -> None:
    found = find(wanted, ["outputs/model/a.bin", "outputs/model/b.bin"], "")
    assert (found.path, found.is_folder, found.is_mlflow) == ("outputs/model", True, False)


def test_a_folder_with_mlmodel_is_an_mlflow_model() -> None:
    found = find("model", MLFLOW, "")
    assert (found.path, found.is_mlflow) == ("model", True)


def test_a_file_inside_an_mlflow_folder_is_just_a_file() -> None:
    assert not find("model.pkl", MLFLOW, "").is_mlflow


def test_part_of_a_name_is_the_last_resort() -> None:
    found = find("model", ["outputs/my_model_v2.pkl", "user_logs/std_log.txt"], "")
    assert (found.path, found.inexact, found.others) == ("outputs/my_model_v2.pkl", True, ())


def test_several_fits_are_ordered_and_told() -> None:
    found = find("odel.pkl", ["logs/x_model.pkl", "z_model.pkl", "outputs/a_model.pkl"], "")
    assert (found.path, found.inexact) == ("outputs/a_model.pkl", True)
    assert found.others == ("z_model.pkl", "logs/x_model.pkl")


def test_of_two_files_of_one_name_the_one_near_the_root_of_outputs_is_taken() -> None:
    found = find("model.pkl", ["checkpoints/model.pkl", "outputs/deep/er/model.pkl", "outputs/x/model.pkl"], "")
    assert found.path == "outputs/x/model.pkl"
    assert found.others == ("outputs/deep/er/model.pkl", "checkpoints/model.pkl")


def test_nothing_found_lists_what_there_is() -> None:
    text = refusal("weights.h5", JOB)
    assert "outputs/model.pkl" in text
    assert text.index("outputs/") < text.index("user_logs/")


def test_a_job_without_files_is_told_where_to_write_them() -> None:
    text = refusal("model.pkl", [])
    assert "not a single file" in text
    assert "outputs/" in text


@pytest.mark.parametrize("wanted", ["../model.pkl", "a/../../model.pkl", "/", "."])
def test_a_path_that_leads_elsewhere_is_refused(wanted: str) -> None:
    assert "no path below" in refusal(wanted, JOB)


# --- local mode


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    for name in ("models/b/model.pkl", "models/a/model.pkl", ".git/model.pkl", "mlflow/MLmodel", "mlflow/model.bin"):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(name)
    return tmp_path


def test_the_repository_is_searched_in_a_fixed_order_and_without_git(repository: Path) -> None:
    assert ".git/model.pkl" not in repository_files(repository)
    source = from_repository(repository, "model.pkl")
    assert source.shown == "models/a/model.pkl"
    assert source.found.others == ("models/b/model.pkl",)
    assert source.path == str(repository / "models/a/model.pkl")


def test_a_folder_of_the_repository_may_be_an_mlflow_model(repository: Path) -> None:
    assert from_repository(repository, "mlflow").found.is_mlflow


def test_the_same_bytes_have_the_same_identity(repository: Path) -> None:
    before = from_repository(repository, "mlflow").identity
    assert from_repository(repository, "mlflow").identity == before
    (repository / "mlflow" / "model.bin").write_text("other")
    assert from_repository(repository, "mlflow").identity != before


def test_moving_bytes_between_files_of_a_folder_changes_its_identity(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("xy")
    (tmp_path / "b").write_text("z")
    before = digest(tmp_path)
    (tmp_path / "a").write_text("x")
    (tmp_path / "b").write_text("yz")
    assert digest(tmp_path) != before


def test_a_link_out_of_the_repository_is_not_registered(tmp_path: Path) -> None:
    (tmp_path / "outside.pkl").write_text("secret")
    root = tmp_path / "repo"
    root.mkdir()
    (root / "model.pkl").symlink_to(tmp_path / "outside.pkl")
    with pytest.raises(ActionError, match="outside the repository"):
        from_repository(root, "model.pkl")
