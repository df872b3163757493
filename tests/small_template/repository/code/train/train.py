"""Train a support vector machine that tells three species of iris apart, and log how well it does."""

import argparse
import os

import joblib
import matplotlib.pyplot as plt
from azureml.core.run import Run
from sklearn import datasets
from sklearn.metrics import accuracy_score, confusion_matrix, precision_recall_fscore_support
from sklearn.model_selection import train_test_split
from sklearn.svm import SVC

run = Run.get_context()


def log_confusion_matrix(labels, matrix):
    data = {"class_labels": labels, "matrix": [[int(count) for count in row] for row in matrix]}
    run.log_confusion_matrix(
        "Confusion matrix", {"schema_type": "confusion_matrix", "schema_version": "v1", "data": data}
    )


def draw_confusion_matrix(labels, matrix, title, normalize):
    shown = matrix / matrix.sum(axis=1, keepdims=True) if normalize else matrix
    figure, axes = plt.subplots()
    axes.imshow(shown, cmap="Blues")
    axes.set(title=title, xlabel="predicted", ylabel="true")
    axes.set_xticks(range(len(labels)), labels)
    axes.set_yticks(range(len(labels)), labels)
    for row, values in enumerate(shown):
        for column, value in enumerate(values):
            axes.text(column, row, f"{value:.2f}" if normalize else int(value), ha="center")
    os.makedirs("outputs", exist_ok=True)
    path = os.path.join("outputs", title.lower().replace(" ", "_") + ".png")
    figure.savefig(path)
    run.log_image(title, path=path)
    plt.close(figure)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--kernel", default="linear")
    parser.add_argument("--penalty", type=float, default=1.0)
    args = parser.parse_args()
    run.log("Kernel type", str(args.kernel))
    run.log("Penalty", float(args.penalty))
    run.tag("example variable", os.environ["EXAMPLE_ENV_VAR"])

    iris = datasets.load_iris()
    labels = [str(name) for name in iris.target_names]
    x_train, x_test, y_train, y_test = train_test_split(iris.data, iris.target, random_state=0)
    model = SVC(kernel=args.kernel, C=args.penalty).fit(x_train, y_train)
    predicted = model.predict(x_test)

    precision, recall, f1, _ = precision_recall_fscore_support(y_test, predicted, average="macro")
    run.log("Accuracy", float(accuracy_score(y_test, predicted)))
    run.log("precision", precision)
    run.log("recall", recall)
    run.log("f1-score", f1)

    matrix = confusion_matrix(y_test, predicted)
    log_confusion_matrix(labels, matrix)
    draw_confusion_matrix(labels, matrix, "Confusion matrix without normalization", normalize=False)
    draw_confusion_matrix(labels, matrix, "Normalized confusion matrix", normalize=True)

    os.makedirs("outputs", exist_ok=True)
    joblib.dump(model, os.path.join("outputs", "model.pkl"))
    run.complete()


if __name__ == "__main__":
    main()
