"""Tables of what jobs logged, however much it is."""

import re

from aml_actions.tracking import Point
from aml_run import plots
from aml_run.champion import Comparison, Row
from aml_run.confusion import Matrix
from aml_run.learned import Learned, Picture
from aml_run.metrics import JobMetrics
from aml_run.submission import Submitted
from aml_run.summary import results
from aml_run.tables import comparison, matrices, metrics, pictures

JOB = Submitted(
    "job", "experiment", "https://ml.azure.com/runs/job?wsid=/subscriptions/s/w&tid=t", "sweep", "cpu", "job.yml"
)
EVIL = 'x | y\n\n```\n# <script>&<!-- ](http://evil) "]\n%%{init} @octocat \\| '


def test_500_children_with_1000_metrics_each_fit_a_summary() -> None:
    values = {f"metric {number:04}" + "x" * 300: float(number) for number in range(1000)}
    parameters = {f"parameter {number}": "p" * 5000 for number in range(50)}
    logged = {f"child_{number}": JobMetrics(values, parameters) for number in range(500)}
    logged["job"] = JobMetrics(values, parameters, dict.fromkeys(values, 7))
    learned = Learned(
        best="child_77",
        pictures=[Picture("job", f"plots/{number}.png") for number in range(1000)],
        series=[plots.Series(name, "", [Point(step, 0, step) for step in range(1000)]) for name in values],
        comparison=Comparison("model:1", "model/model:1/details", "j", "job", [Row(name, 1, 2) for name in values]),
    )
    text = results(JOB, logged, learned, [f"outputs/{number}" for number in range(5000)])
    assert len(text) < 400_000
    assert text.count("The first 100 of 1000; the output `result` has all.") == 2
    assert "The first 100 of 500; the output `result` has all." in text
    assert "992 more metrics are in the output `run_metrics`." in text
    assert text.count("```mermaid") == 4
    assert "and 970 more" in text
    best = next(line for line in text.splitlines() if "🏆" in line)
    assert best.startswith("| 🏆 child\\_77 |")
    assert best.count(" | ") == 8


def test_children_have_the_same_columns_in_every_order() -> None:
    logged = {
        "b": JobMetrics({"loss": 1.0, "accuracy": 0.5}, {}),
        "a": JobMetrics({"accuracy": 0.25, "rare": 9}, {}),
        "job": JobMetrics({}, {}),
    }
    text = metrics("job", logged, Learned(names={"a": "first", "b": "second"}))
    assert "| Job | accuracy | loss | rare |" in text
    assert "| second | 0.5 | 1 | – |" in text
    assert "| first | 0.25 | – | 9 |" in text


def test_a_job_without_metrics_says_so() -> None:
    assert metrics("job", {"job": JobMetrics({}, {})}, Learned()) == "The job logged no metrics."


def test_a_direction_makes_a_verdict_and_without_one_there_is_only_the_difference() -> None:
    plain = comparison(Comparison("m:1", "", "j", "job", [Row("a", 1.0, 2.0)]), JOB)
    assert "| Metric | This job | Champion | Difference |\n" in plain
    assert "| a | 1 | 2 | -1 |" in plain
    judged = comparison(Comparison("m:1", "", "j", "job", [Row("a", 1.0, 2.0, "min"), Row("b", None, 2.0, "max")]), JOB)
    assert "| a | 1 | 2 | -1 | ✅ better |" in judged
    assert "| b | – | 2 | – |  |" in judged


def test_a_matrix_of_many_classes_is_left_to_studio() -> None:
    labels = [str(number) for number in range(21)]
    text = matrices(Learned(matrices=[Matrix("m", "job", labels, [[0] * 21] * 21)]))
    assert text == "#### Confusion matrix `m`\n\nIt has 21 classes; Studio shows it.\n"


def test_a_picture_of_a_child_is_on_its_own_page() -> None:
    text = pictures(Learned(pictures=[Picture("job", "a.png"), Picture("child", "b.png")]), JOB)
    assert "[a.png](https://ml.azure.com/runs/job?wsid=/subscriptions/s/w&tid=t)" in text
    assert "[b.png](https://ml.azure.com/runs/child?wsid=/subscriptions/s/w&tid=t)" in text


def test_no_text_of_a_job_leaves_its_cell() -> None:
    logged = {"job": JobMetrics({EVIL: EVIL}, {EVIL: EVIL}), EVIL: JobMetrics({EVIL: 1.0}, {EVIL: EVIL})}
    learned = Learned(
        best=EVIL,
        names={EVIL: EVIL},
        series=[plots.Series(EVIL, EVIL, [Point(0, 0, 1), Point(1, 0, 2)])],
        matrices=[Matrix(EVIL, EVIL, [EVIL, ""], [[1, 2], [3, 4]])],
        pictures=[Picture("job", EVIL), Picture(EVIL, EVIL)],
        comparison=Comparison(EVIL, "model/x", EVIL, EVIL, [Row(EVIL, 1, 2, "max")]),
    )
    text = results(JOB, logged, learned, [EVIL])
    lines = text.splitlines()
    assert [line for line in lines if line.startswith("```")] == ["```mermaid", "```"]
    assert not [line for line in lines if re.match(r"#{1,3} ", line)]
    for table in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
        widths = {len(re.split(r"(?<!\\)(?:\\\\)*\|", row.rstrip("\n"))) for row in table.splitlines()}
        assert len(widths) == 1, table
    # Outside inline code, which shows all of it as it is, there is no HTML and nobody is notified.
    outside = re.sub(r"(`+)(?!`).*?(?<!`)\1(?!`)", "", re.sub(r"```mermaid.*?```", "", text, flags=re.DOTALL))
    assert "<script" not in outside
    assert "<!--" not in outside
    assert "@octocat" not in outside
    assert "http://evil" not in outside
