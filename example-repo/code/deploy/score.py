"""The web service: load the model once, answer requests with its predictions.

POST {"data": [[5.1, 3.5, 1.4, 0.2], ...]}    rows of sepal length, sepal width, petal length, petal width in cm
->   {"predict": [0, ...]}                    0 = setosa, 1 = versicolor, 2 = virginica
"""

import json
import math
import os
from pathlib import Path

import joblib

FEATURES = 4
EXAMPLE = '{"data": [[5.1, 3.5, 1.4, 0.2]]}'

model = None


def init():
    """Load the model. Called once, when the server starts."""
    global model
    model = joblib.load(Path(os.environ["AZUREML_MODEL_DIR"]) / "model.pkl")


def read_rows(raw_data):
    """Take the rows out of a request, or say in a ValueError what is wrong with it."""
    try:
        request = json.loads(raw_data)
    except ValueError as error:
        raise ValueError(f"the request is not JSON ({error})") from error
    if not isinstance(request, dict) or "data" not in request:
        raise ValueError('the request has no "data"')
    rows = request["data"]
    if not isinstance(rows, list) or not rows:
        raise ValueError('"data" is not a list of rows')
    for number, row in enumerate(rows):
        if not isinstance(row, list) or len(row) != FEATURES:
            raise ValueError(f'row {number} of "data" is not a list of {FEATURES} numbers: {json.dumps(row)[:100]}')
        for value in row:
            if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
                raise ValueError(f'row {number} of "data" holds {json.dumps(value)[:100]}, which is not a number')
    return rows


def run(raw_data):
    """Predict the class of each row. Called once a request."""
    try:
        rows = read_rows(raw_data)
    except ValueError as error:
        return refuse(f"{error}. Send for example {EXAMPLE}")
    return {"predict": model.predict(rows).tolist()}


def refuse(message):
    """Answer 400: the caller's mistake, not the server's."""
    from azureml_inference_server_http.api.aml_response import AMLResponse  # exists in the server's environment only

    return AMLResponse({"error": message}, 400, json_str=True)
