"""Ask the service for two flowers: deploy.json names this file, if its test is enabled."""

import json

from azureml.core import Webservice


def main(service: Webservice):
    answer = service.run(json.dumps({"data": [[5.1, 3.5, 1.4, 0.2], [6.3, 3.3, 6.0, 2.5]]}))
    assert isinstance(answer["predict"], list), answer
    assert len(answer["predict"]) == 2, answer
