"""Metrics as the legacy action handed them on."""

from aml_run.metrics import JobMetrics, by_job, to_markdown

HEAD = "## Run Details:\n\n Experiment/Pipeline ID: %s \n\n| Run ID | Parameter | Value |\n| ----- | ----- | ----- |\n"


def test_no_metrics() -> None:
    assert to_markdown({}) == "No metrics returned"


def test_numbers_have_three_digits_and_texts_stay() -> None:
    metrics = {
        "run_1": {"accuracy": 0.98765, "big": 123456.7, "n": 3, "kernel": "linear", "text": "0.12345", "list": [1, 2]}
    }
    assert to_markdown(metrics) == HEAD % "run_1" + (
        "| run_1 | accuracy | 0.988 |\n"
        "| run_1 | big | 1.23e+05 |\n"
        "| run_1 | n | 3.0 |\n"
        "| run_1 | kernel | linear |\n"
        "| run_1 | text | 0.123 |\n"
        "| run_1 | list | [1, 2] |\n"
    )


def test_the_first_key_is_the_first_child_when_there_are_children() -> None:
    text = to_markdown({"child": {"a": 1.0}, "parent": {"b": 2.0}})
    assert text == HEAD % "child" + "| child | a | 1.0 |\n| parent | b | 2.0 |\n"


def test_what_a_sweep_says_of_its_best_child_is_skipped() -> None:
    assert to_markdown({"r": {"best_child_by_primary_metric": 1, "a": 2}}) == HEAD % "r" + "| r | a | 2.0 |\n"


def test_flat_metrics_give_the_rows_they_always_gave() -> None:
    assert to_markdown({"accuracy": 0.98765}) == HEAD % "accuracy" + "| accuracy | 0.988 |\n"


def test_jobs_without_metrics_are_left_out() -> None:
    logged = {"child": JobMetrics({}, {}), "job": JobMetrics({"a": 1.0}, {"p": "x"})}
    assert by_job(logged) == {"job": {"a": 1.0}}
