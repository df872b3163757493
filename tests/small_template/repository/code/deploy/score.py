"""Serve the model: a list of flowers in, their species out."""

import os

import joblib
import numpy as np
from azureml.monitoring import ModelDataCollector
from inference_schema.parameter_types.numpy_parameter_type import NumpyParameterType
from inference_schema.parameter_types.standard_py_parameter_type import StandardPythonParameterType
from inference_schema.schema_decorators import input_schema, output_schema

FEATURES = ["sepal length", "sepal width", "petal length", "petal width"]

example_input = np.array([[5.1, 3.5, 1.4, 0.2]])
example_output = {"predict": [0]}


def init():
    global model, inputs_collector, predictions_collector
    model = joblib.load(os.path.join(os.environ["AZUREML_MODEL_DIR"], "model.pkl"))
    inputs_collector = ModelDataCollector("iris", designation="inputs", feature_names=FEATURES)
    predictions_collector = ModelDataCollector("iris", designation="predictions", feature_names=["species"])


@input_schema("data", NumpyParameterType(example_input))
@output_schema(StandardPythonParameterType(example_output))
def run(data):
    predicted = model.predict(data)
    inputs_collector.collect(data)
    predictions_collector.collect(predicted)
    return {"predict": predicted.tolist()}
