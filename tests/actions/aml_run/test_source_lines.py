"""From a frame of a remote traceback to a line of the checked-out repository, and never to anything else."""

from pathlib import Path

import pytest
from azure.ai.ml import load_job
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aml_run import source_lines
from aml_run.source_lines import Place, code_folders, ordered

SCRIPT = "import library\n\n\ndef main():\n    library.load()\n\n\nmain()\n"
WD = "/mnt/azureml/cr/j/4f3a/exe/wd"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A repository with code, a file of the same name elsewhere, and a secret beside it."""
    repository = tmp_path / "repository"
    for name, text in {
        "code/train/train.py": SCRIPT,
        "code/train/library/__init__.py": "def load():\n    raise ValueError\n",
        "code/score/train.py": "print('another one')\n",
        "tools/run.py": "start()\n",
    }.items():
        (repository / name).parent.mkdir(parents=True, exist_ok=True)
        (repository / name).write_text(text)
    (tmp_path / "secret.py").write_text("secret()\n" * 20)
    return repository


def log(*frames: tuple[str, int, str], raised: str = "ValueError: no data") -> list[str]:
    lines = ["epoch 1", "Traceback (most recent call last):"]
    for file, line, text in frames:
        lines += [f'  File "{file}", line {line}, in f', *([f"    {text}"] if text else [])]
    return [*lines, raised]


def place(
    root: Path, *frames: tuple[str, int, str], folder: str = "code/train", raised: str = "ValueError: no data"
) -> Place | None:
    return source_lines.find(log(*frames, raised=raised), [root / folder], root, 1)


@pytest.mark.parametrize(
    "file",
    [f"{WD}/train.py", "train.py", "./train.py", "/state/jobs/a/node-0/wd/train.py", "/wd/train.py", "/code/train.py"],
)
def test_the_remote_folder_does_not_matter(root: Path, file: str) -> None:
    found = place(root, (file, 5, "library.load()"))
    assert found is not None
    assert (found.file, found.line, found.code) == ("code/train/train.py", 5, "library.load()")
    assert str(found) == "code/train/train.py, line 5, in f: ValueError: no data"


def test_frames_of_packages_are_skipped(root: Path) -> None:
    found = place(
        root,
        (f"{WD}/train.py", 8, "main()"),
        (f"{WD}/train.py", 5, "library.load()"),
        ("/opt/conda/lib/python3.10/site-packages/library/__init__.py", 2, "raise ValueError"),
        ("<frozen importlib._bootstrap>", 241, ""),
        ("/usr/lib/python3.10/json/__init__.py", 2, "raise ValueError"),
    )
    assert found is not None
    assert (found.file, found.line) == ("code/train/train.py", 5)


def test_a_line_of_another_commit_is_not_named(root: Path) -> None:
    assert place(root, (f"{WD}/train.py", 5, "library.load(1)")) is None


def test_a_line_that_the_traceback_does_not_show_counts_where_the_folder_is_certain(root: Path) -> None:
    assert place(root, (f"{WD}/train.py", 5, "")) is not None
    assert place(root, ("/opt/train.py", 5, "")) is None


@pytest.mark.parametrize("line", [0, 9, 10, 999999999])
def test_a_line_beyond_the_file_is_not_named(root: Path, line: int) -> None:
    assert place(root, (f"{WD}/train.py", line, "")) is None


@pytest.mark.parametrize(
    "file",
    [
        "../../secret.py",
        f"{WD}/../../../secret.py",
        f"{WD}/../../secret.py",
        "/etc/passwd",
        "/wd//etc/passwd",
        f"{WD}/link.py",
        f"{WD}/linked/secret.py",
        f"{WD}/circle/x.py",
        f"{WD}/{'x' * 4000}.py",
        f"{WD}/a\x00.py",
        f"{WD}/library",
    ],
)
def test_no_frame_leads_out_of_the_repository(root: Path, file: str) -> None:
    code = root / "code/train"
    (code / "link.py").symlink_to(root.parent / "secret.py")
    (code / "linked").symlink_to(root.parent)
    (code / "circle").symlink_to(code / "circle")
    assert place(root, (file, 1, "")) is None
    assert place(root, (file, 1, "secret()")) is None


def test_a_link_within_the_repository_leads_to_its_file(root: Path) -> None:
    (root / "code/train/tool.py").symlink_to(root / "tools/run.py")
    found = place(root, (f"{WD}/tool.py", 1, "start()"))
    assert found is not None
    assert found.file == "tools/run.py"


def test_a_file_of_the_root_is_found_where_the_folder_of_the_code_is_not_known(root: Path) -> None:
    found = source_lines.find(log((f"{WD}/tools/run.py", 1, "start()")), [], root, 1)
    assert found is not None
    assert found.file == "tools/run.py"


@pytest.mark.parametrize("code", [137, 139, -9, 143])
def test_a_process_that_a_signal_ended_has_no_line(root: Path, code: int) -> None:
    assert source_lines.find(log((f"{WD}/train.py", 5, "library.load()")), [root / "code/train"], root, code) is None


def test_an_exception_that_the_script_went_on_after_has_no_line(root: Path) -> None:
    lines = [*log((f"{WD}/train.py", 5, "library.load()")), *(f"epoch {number}" for number in range(20))]
    assert source_lines.find(lines, [root / "code/train"], root, 3) is None
    assert source_lines.find(lines[:-18], [root / "code/train"], root, 3) is not None


def test_an_exception_of_the_launcher_leads_to_that_of_its_process(root: Path) -> None:
    launcher = log(
        ("/opt/conda/bin/torchrun", 8, "sys.exit(main())"), raised="torch.distributed.elastic.ChildFailedError:"
    )
    lines = [*log((f"{WD}/train.py", 5, "library.load()")), *launcher]
    found = source_lines.find(lines, [root / "code/train"], root, 1)
    assert found is not None
    assert (found.line, found.raised) == (5, "ValueError: no data")


def test_another_exception_without_a_line_of_ours_is_not_replaced_by_an_earlier_one(root: Path) -> None:
    last = log(("/opt/conda/lib/python3.10/site-packages/tool.py", 8, "run()"), raised="OSError: disk")
    assert (
        source_lines.find([*log((f"{WD}/train.py", 5, "library.load()")), *last], [root / "code/train"], root, 1)
        is None
    )


def test_the_words_of_an_exception_cannot_leave_their_line(root: Path) -> None:
    found = place(root, (f"{WD}/train.py", 5, "library.load()"), raised="ValueError: a\x1b]0;x\x07\rb")
    assert found is not None
    assert str(found).isprintable()


@given(
    file=st.one_of(
        st.text(max_size=80), st.lists(st.sampled_from(["..", "wd", "", ".", "~", "train.py", "a"])).map("/".join)
    ),
    line=st.integers(0, 10**9),
    text=st.text(max_size=20),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_a_log_says_a_place_is_in_the_repository(root: Path, file: str, line: int, text: str) -> None:
    found = source_lines.find(log((file, line, text)), [root / "code/train", root / "code/score"], root, None)
    if found is not None:
        assert (root / found.file).resolve().is_relative_to(root.resolve())
        lines = (root / found.file).read_text().splitlines()
        assert lines[found.line - 1].strip() == found.code


COMPONENT = "type: command\nname: c\nversion: '1'\ncode: ./src\ncommand: python train.py\nenvironment: azureml:e:1\n"
JOBS = {
    "command": "type: command\ncode: ./src\ncommand: python train.py\nenvironment: azureml:e:1\n",
    "sweep": "type: sweep\ntrial: {code: ./src, command: python train.py, environment: 'azureml:e:1'}\nsampling_algorithm: random\n"
    "search_space: {}\nobjective: {goal: maximize, primary_metric: x}\nlimits: {max_total_trials: 1}\n",
    "pipeline": "type: pipeline\njobs:\n  by_file: {type: command, component: ./component.yml}\n"
    "  inline: {type: command, code: ./other, command: python train.py, environment: 'azureml:e:1'}\n"
    "  remote: {type: command, code: 'azureml:code:1', command: python train.py, environment: 'azureml:e:1'}\n"
    "  sweep: {type: sweep, trial: ./component.yml, sampling_algorithm: random, search_space: {}, "
    "objective: {goal: maximize, primary_metric: x}, limits: {max_total_trials: 1}}\n",
}


@pytest.fixture
def jobs(tmp_path: Path) -> Path:
    folder = tmp_path / "jobs"
    for name in ("src", "other"):
        (folder / name).mkdir(parents=True)
    (folder / "component.yml").write_text(COMPONENT)
    for name, text in JOBS.items():
        (folder / f"{name}.yml").write_text(text)
    return folder


@pytest.mark.parametrize("kind", ["command", "sweep"])
def test_a_job_takes_its_code_from_the_folder_beside_its_file(jobs: Path, kind: str) -> None:
    assert {name: set(found) for name, found in code_folders(load_job(jobs / f"{kind}.yml")).items()} == {
        "": {jobs / "src"}
    }


def test_each_step_of_a_pipeline_has_its_own_folder(jobs: Path) -> None:
    folders = code_folders(load_job(jobs / "pipeline.yml"))
    assert {name: set(found) for name, found in folders.items()} == {
        "by_file": {jobs / "src"},
        "inline": {jobs / "other"},
        "sweep": {jobs / "src"},
    }
    assert ordered(folders, "inline") == [jobs / "other", jobs / "src"]
    assert ordered(folders, "by_file") == [jobs / "src", jobs / "other"]
