"""Train a support vector classifier on the iris data, and log what there is to know about it with MLflow.

On Azure Machine Learning the job's own run receives the parameters, metrics and figures, and everything under
`outputs/` is kept with the run. The README says how to try the same file on a laptop.
"""

import argparse
from pathlib import Path

import joblib
import matplotlib

matplotlib.use("Agg")  # a training node has no screen
import matplotlib.pyplot as plt
import mlflow
from sklearn.datasets import load_iris
from sklearn.metrics import ConfusionMatrixDisplay, accuracy_score, confusion_matrix, precision_recall_fscore_support
from sklearn.model_selection import StratifiedKFold, learning_curve, train_test_split
from sklearn.svm import SVC

MODEL_FILE = Path("outputs/model.pkl")
SEED = 0  # the same data, split and model on every run: a changed metric then comes from a change in the code


def parse_arguments(argv=None):
    """Read the settings that run_config.yml passes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kernel", default="linear", choices=["linear", "poly", "rbf", "sigmoid"], help="SVC kernel")
    parser.add_argument("--penalty", type=float, default=1.0, help="SVC penalty C of the error term, above 0")
    arguments = parser.parse_args(argv)
    if not arguments.penalty > 0:
        parser.error(f"argument --penalty: {arguments.penalty} is not above 0")
    return arguments


def evaluate(model, x_test, y_test):
    """Measure the model on rows it has not seen. Precision, recall and f1-score are averaged over the classes."""
    predicted = model.predict(x_test)
    precision, recall, f1, _ = precision_recall_fscore_support(y_test, predicted, average="macro", zero_division=0)
    metrics = {
        "Accuracy": float(accuracy_score(y_test, predicted)),
        "precision": float(precision),
        "recall": float(recall),
        "f1-score": float(f1),
    }
    return metrics, confusion_matrix(y_test, predicted)


def log_confusion_matrix(matrix, labels):
    """Log the matrix as a picture for people and, in the form that SDK v1 logged, as JSON for programs."""
    figure, axes = plt.subplots(figsize=(5, 4.5))
    ConfusionMatrixDisplay(matrix, display_labels=labels).plot(ax=axes, cmap="Blues", colorbar=False)
    axes.set_title("Confusion matrix")
    figure.tight_layout()
    mlflow.log_figure(figure, "confusion_matrix.png")
    plt.close(figure)
    data = {"class_labels": list(labels), "matrix": matrix.tolist()}
    mlflow.log_dict(
        {"schema_type": "confusion_matrix", "schema_version": "1.0.0", "data": data}, "confusion_matrix.json"
    )


def log_learning_curve(model, x_train, y_train):
    """Log the accuracy over the number of training rows: does more data still help?"""
    folds = StratifiedKFold(n_splits=5, shuffle=True, random_state=SEED)
    sizes, train_scores, validation_scores = learning_curve(
        model, x_train, y_train, cv=folds, train_sizes=[0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0], shuffle=True,
        random_state=SEED,
    )  # fmt: skip
    curves = {"train_accuracy": train_scores.mean(axis=1), "validation_accuracy": validation_scores.mean(axis=1)}

    figure, axes = plt.subplots(figsize=(6, 4))
    for name, values in curves.items():
        for size, value in zip(sizes, values, strict=True):
            mlflow.log_metric(name, float(value), step=int(size))
        axes.plot(sizes, values, marker="o", label=name.replace("_", " "))
    axes.set(title="Learning curve", xlabel="training rows", ylabel="accuracy")
    axes.legend()
    axes.grid(alpha=0.3)
    figure.tight_layout()
    mlflow.log_figure(figure, "learning_curve.png")
    plt.close(figure)


def main(argv=None):
    """Train, measure, log, save."""
    arguments = parse_arguments(argv)
    data = load_iris()
    x_train, x_test, y_train, y_test = train_test_split(data.data, data.target, random_state=SEED)
    print(f"iris: {len(x_train)} rows to train on, {len(x_test)} to test on, {data.data.shape[1]} features")

    with mlflow.start_run():
        mlflow.log_params({"Kernel type": arguments.kernel, "Penalty": arguments.penalty})
        model = SVC(kernel=arguments.kernel, C=arguments.penalty)
        log_learning_curve(model, x_train, y_train)

        model.fit(x_train, y_train)
        metrics, matrix = evaluate(model, x_test, y_test)
        mlflow.log_metrics(metrics)
        log_confusion_matrix(matrix, [str(name) for name in data.target_names])
        for name, value in metrics.items():
            print(f"{name}: {value:.3f}")

        MODEL_FILE.parent.mkdir(exist_ok=True)
        joblib.dump(model, MODEL_FILE)
        print(f"model written to {MODEL_FILE}")


if __name__ == "__main__":
    main()
