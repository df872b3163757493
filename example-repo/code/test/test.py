"""The test that decides whether a new deployment is good. The deploy step calls main() before it gets traffic.

`service` is the deployed web service: service.run(body) posts a JSON text and gives the parsed answer,
service.scoring_uri is its address.
"""

import json

CLASSES = {0, 1, 2}


def main(service):
    """Post two flowers and look at the answer."""
    request = {"data": [[1, 2, 3, 4], [10, 9, 8, 7]]}
    answer = service.run(json.dumps(request))

    assert isinstance(answer, dict) and "predict" in answer, (
        f"{service.scoring_uri} answered without 'predict': {answer}"
    )
    predictions = answer["predict"]
    assert isinstance(predictions, list), f"'predict' is not a list: {predictions}"
    assert len(predictions) == len(request["data"]), f"{len(request['data'])} rows sent, {len(predictions)} predicted"
    assert set(predictions) <= CLASSES, f"classes are {sorted(CLASSES)}, predicted was {predictions}"
