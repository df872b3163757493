"""This action's part of moving a repository over: the parameters file as YAML of SDK v2, for use with the Azure CLI."""

from __future__ import annotations

import json
import posixpath
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from aml_actions.errors import ActionError
from aml_actions.migration.changes import (
    Decision,
    EnvironmentFile,
    Migration,
    MigrationSource,
    OutputUse,
    ParametersFile,
)
from aml_actions.migration.made_files import MadeFiles
from aml_actions.spec import CheckContext
from aml_deploy import check, dockerfile, sizing, sources
from aml_deploy.kubernetes import Kubernetes
from aml_deploy.managed import Managed
from aml_deploy.models import ModelVersion
from aml_deploy.names import default_endpoint_name
from aml_deploy.order import Order, base_image
from aml_deploy.parameters import DeployParameters
from aml_deploy.sources import Sources

_SCHEMAS = "https://azuremlschemas.azureedge.net/latest"
_DEPLOYMENT = "blue"
"""Name of the deployment in the YAML; the action gives every rollout a name of its own."""
_MODEL = "replace-with-your-model"
_LONGEST_REASON = 300
"""Characters of a message of the SDK that are told."""
_NEVER_SET = ("acr_address", "acr_username", "acr_password", "package_location", "profiling_details")
_IS_DEFAULT: tuple[Any, ...] = (None, {}, [], False)


def migrate(source: MigrationSource) -> Migration:
    """Return endpoint and deployment YAML for every parameters file, from the decisions that the action takes itself."""
    found = Migration()
    made = MadeFiles(source.repository)
    for file in source.parameters_files:
        for parameters in file.sets:
            if isinstance(parameters, DeployParameters):
                found.extend([_of_parameters(source, made, file, parameters)])
    found.extend([made.migration])
    for use in source.outputs:
        found.decisions += _of_output(use)
    return found


def _of_parameters(
    source: MigrationSource, made: MadeFiles, file: ParametersFile, parameters: DeployParameters
) -> Migration:
    from azure.core.exceptions import AzureError

    found = Migration()
    root = source.repository.root
    if parameters.skip_deployment or check.check(parameters, CheckContext(root, file.path)).errors:
        return found  # nothing is deployed, or only when a person has decided; the errors are reported by all means
    try:
        files = sources.check(parameters, root)
    except ActionError:
        return found
    folder, stem = posixpath.dirname(file.path), PurePosixPath(file.path).stem
    try:
        endpoint, deployment = _documents(source, made, parameters, files, folder, stem)
    except AzureError as error:
        reason = " ".join(str(error).split())[:_LONGEST_REASON]
        found.decisions.append(
            Decision(
                file.path,
                None,
                f"The SDK refuses what this file asks for: {reason}",
                "No YAML is made; the action would end with the same error.",
                ("Correct the file that is named.",),
            )
        )
        return found
    for kind, document in (("endpoint", endpoint), ("deployment", deployment)):
        path = posixpath.join(folder, f"{stem}.{kind}.yml")
        text = _text(kind, document, file, path, on_kubernetes=bool(parameters.compute_name))
        said = f"`{file.path}`" if file.content is not None else f"What the action deploys without a `{file.path}`"
        why = f"{said} as the {kind} of SDK v2, for use with `az ml`. The parameters file stays valid for the action."
        made.add_fixed(path, text.encode(), why, made_from=file.path)
    found.decisions += _to_fill_in(file.path, stem, parameters, endpoint, deployment)
    if files.code is not None:
        code = source.repository.path(files.code.directory)
        found.environments.append(EnvironmentFile(source.repository.path(files.code.conda_file), "serving", (code,)))
    return found


def _documents(
    source: MigrationSource,
    made: MadeFiles,
    parameters: DeployParameters,
    files: Sources,
    folder: str,
    stem: str,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return endpoint and deployment as the SDK dumps them, with paths that are relative to a folder of the repository."""
    with tempfile.TemporaryDirectory(prefix="aml-migrate-") as temp:
        order = _order(source, parameters, files, Path(temp))
        endpoint = _plain(order.endpoint_entity()._to_dict())
        deployment = _plain(order.deployment_entity(_DEPLOYMENT)._to_dict())
        if "environment" in deployment:
            deployment["environment"] = _environment(order)
        # Not beside the YAML: what lies in the folder of the parameters files is taken for one of them.
        code = files.code.directory.parent if files.code is not None else source.repository.root
        images = source.repository.path(code) if code.resolve().is_relative_to(source.repository.root) else "."
        return endpoint, made.relocate(deployment, source.repository.root, folder, stem, images)


def _order(source: MigrationSource, parameters: DeployParameters, files: Sources, temp: Path) -> Order:
    """Return what the action would deploy, as far as it can be said without asking Azure."""
    name, branch = source.repository.name_and_branch()
    compute = parameters.compute_name
    context = None
    if files.code is not None and files.code.docker_steps is not None:
        context = temp
        dockerfile.write_context(temp, base_image(parameters), files.code.conda_file, files.code.docker_steps)
    return Order(
        endpoint=parameters.name or default_endpoint_name(name, branch),
        model=ModelVersion(_model_name(source), "@latest", "", {}),
        target=Kubernetes(compute, f"azureml:{compute}", parameters, {})
        if compute
        else Managed(sizing.choose(parameters, {}), parameters),
        sources=files,
        parameters=parameters,
        stamp={},
        run_id="",
        run_attempt="",
        build_context=context,
    )


def _model_name(source: MigrationSource) -> str:
    """Return the model that the workflows name, if it is always the same and no expression."""
    given = {step.inputs["model_name"].text for step in source.steps if "model_name" in step.inputs}
    return given.pop() if len(given) == 1 and not any("${{" in name for name in given) else _MODEL


def _plain(document: Any) -> dict[str, Any]:  # noqa: ANN401 - what the SDK dumps
    """Return plain data without what is not set."""
    whole: dict[str, Any] = json.loads(json.dumps(document, default=str))
    if "model" in whole:
        whole["model"] = str(whole["model"]).replace(":@latest", "@latest")
    return {key: value for key, value in whole.items() if value not in _IS_DEFAULT}


def _environment(order: Order) -> dict[str, Any]:
    """Return the environment by the names of its files; the SDK dumps their contents."""
    if order.build_context is not None:
        return {"build": {"path": str(order.build_context), "dockerfile_path": "Dockerfile"}}
    code = order.sources.code
    return {"image": base_image(order.parameters), **({"conda_file": str(code.conda_file)} if code else {})}


def _text(kind: str, document: Mapping[str, Any], file: ParametersFile, path: str, *, on_kubernetes: bool) -> str:
    import yaml

    place = "kubernetes" if on_kubernetes else "managed"
    made_from = file.path if file.content is not None else f"the defaults, since there is no {file.path},"
    head = (
        f"# Made from {made_from} by `python -m aml_actions migrate`.\n"
        f"# For the Azure CLI: az ml online-{kind} create -f {path}\n"
        f"# The action aml-deploy does not read this file; its parameters stay in {file.path}.\n"
    )
    schema = {"$schema": f"{_SCHEMAS}/{place}Online{kind.capitalize()}.schema.json"}
    return head + yaml.safe_dump({**schema, **document}, sort_keys=False, allow_unicode=True, width=10_000)


def _to_fill_in(
    file: str, stem: str, parameters: DeployParameters, endpoint: Mapping[str, Any], deployment: Mapping[str, Any]
) -> Iterator[Decision]:
    folder = posixpath.dirname(file)
    if _MODEL in str(deployment.get("model")):
        yield Decision(
            posixpath.join(folder, f"{stem}.deployment.yml"),
            None,
            f"Which model is deployed? The parameters file does not say it; `{deployment['model']}` stands in the YAML.",
            "It matters only if the YAML is used with `az ml`: the action takes the model from its inputs.",
            ("Write the name of the registered model.", "`--set model=azureml:NAME@latest` on the command line."),
        )
    if not parameters.name:
        yield Decision(
            posixpath.join(folder, f"{stem}.endpoint.yml"),
            None,
            f"The parameters file names no endpoint; `{endpoint['name']}` is the default for this repository and branch.",
            "The name has to be free in the whole Azure region, and another branch gets another endpoint.",
            (f'`"name": "..."` in {file}, with your organisation in it.', "Leave it."),
        )


def _of_output(use: OutputUse) -> Iterator[Decision]:
    if use.name in _NEVER_SET:
        yield Decision(
            use.file,
            use.line,
            f"`{use.name}` is never set: images and profiles were features of SDK v1.",
            "The expression is empty.",
            ("Remove it.",),
        )
    elif use.name in ("service_scoring_uri", "service_swagger_uri"):
        yield Decision(
            use.file,
            use.line,
            f"`{use.name}` has another address: that of an online endpoint, which asks its callers for a key or a token.",
            "A service on Container Instances was open to everybody unless `authentication_enabled` said otherwise.",
            (
                "Callers send `Authorization: Bearer <key>`; `az ml online-endpoint get-credentials` shows the keys.",
                "Nothing, if the address is only shown.",
            ),
        )
