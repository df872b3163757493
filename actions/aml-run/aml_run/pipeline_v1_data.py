"""What a v1 pipeline can be given: its parameters and its data."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

from aml_actions.markdown import fence
from aml_run.pipeline_v1_keys import DATA_REFERENCE, PARAMETER_TYPES
from aml_run.pipeline_v1_model import DataSource, Parameter
from aml_run.pipeline_v1_section import Section, v2_name
from aml_run.report import as_text, short
from aml_run.translate import V2_EXPRESSION

_ALLOWED = {"int": "a whole number of up to 18 digits", "float": "a number such as 0.1 or 1e-3"}
_FILE = re.compile(r"\.[A-Za-z][A-Za-z0-9]{0,7}$")
"""Ends the path of a file rather than of a folder."""


def parameters(section: Section, taken: set[str]) -> Iterator[Parameter | DataSource]:
    """Give the parameters of a pipeline; those of type ``datapath`` are data.

    Args:
        section: ``pipeline: parameters:``.
        taken: names of inputs of the job; the new ones are added.

    """
    beside = {key: section.values.get(key) for key in ("type", "default")}
    beside = {key: value for key, value in beside.items() if value is not None and not isinstance(value, dict)}
    misplaced = beside if None in section.values.values() else {}
    for name, value in section.values.items():
        if name in misplaced:
            continue
        if value is None and misplaced:
            _refuse_beside(section, name, {key: as_text(text) for key, text in misplaced.items()})
            value = misplaced
        elif not isinstance(value, dict):
            _refuse_without_type(section, name)
            continue
        parameter = Section.of(value, section.report, f"{section.path}.{name}", None)
        kind = parameter.text("type")
        if kind == "datapath":
            found = _data_path(name, parameter, v2_name(name, taken))
            if found is not None:
                yield found
        elif kind in PARAMETER_TYPES:
            yield _parameter(name, parameter, kind, v2_name(name, taken))
        else:
            parameter.problem(
                "type",
                f"the type of the parameter {name} is {f'not known: {kind}' if kind else 'missing'}.",
                allowed=", ".join([*PARAMETER_TYPES, "datapath"]),
            )


def _refuse_beside(section: Section, name: str, beside: dict[str, str]) -> None:
    """Note a parameter whose keys stand beside it."""
    inner = ", ".join(f"{key}: {short(text)}" for key, text in beside.items())
    lines = [f"      {key}: {short(text)}" for key, text in beside.items()]
    section.problem(
        name,
        f"{' and '.join(f'`{key}`' for key in beside)} {'stands' if len(beside) == 1 else 'stand'} beside the parameter {name} "
        + "instead of below it.",
        cause="the indentation is too small",
        fix=f"indent below it: `{name}: {{{inner}}}`",
        details=fence("\n".join(["pipeline:", "  parameters:", f"    {name}:", *lines]), "yaml"),
    )


def _refuse_without_type(section: Section, name: str) -> None:
    value = as_text(section.values[name])
    section.problem(
        name,
        f"the parameter {name} has no type.",
        value=value or None,
        fix=f"write `{name}: {{type: string, default: {short(value) or '...'}}}`",
    )


def _parameter(name: str, section: Section, kind: str, v2: str) -> Parameter:
    """Return a parameter with its default; SDK v1 had one for every type but ``string``."""
    text = section.text("default")
    type_ = PARAMETER_TYPES[kind]
    if kind == "string":
        is_set = section.values.get("default") is not None
        if V2_EXPRESSION in text:
            section.problem(
                "default",
                f"the value holds `{V2_EXPRESSION}`, which a v2 job would read as an expression of its own.",
                value=text,
                fix="give the parameter another value",
            )
        return Parameter(name, v2, type_, text if is_set else None, text)
    value: int | float | bool | None
    if kind == "bool":
        value = section.flag("default", default=False)
    else:
        value = _number(text or "0", whole=kind == "int")
        if value is None:
            section.problem(
                "default", f"the default of the parameter {name} is no {kind}.", value=text, allowed=_ALLOWED[kind]
            )
            value = 0
    return Parameter(name, v2, type_, value, str(value))


def _number(text: str, *, whole: bool) -> int | float | None:
    if re.fullmatch(r"[-+]?[0-9]{1,18}", text):
        return int(text) if whole else float(text)
    try:
        value = float(text)
    except ValueError:
        return None
    if not math.isfinite(value):
        return None
    if not whole:
        return value
    return int(value) if value.is_integer() and abs(value) < 1e18 else None


def _data_path(name: str, section: Section, v2: str) -> DataSource | None:
    default = section.section("default")
    if section.is_wrong("default") or not default.values:
        if not section.is_wrong("default"):
            section.problem(
                "default",
                f"the parameter {name} of type datapath has no default, and nobody gives it a value.",
                fix="write `default: {datastore: <name>, path_on_datastore: <path>}`",
            )
        return None
    return _on_datastore(name, default, v2)


def data_reference(name: str, section: Section, v2: str) -> DataSource | None:
    """Return the data that an entry of ``data_references`` names; None when that is a problem, which is noted."""
    there = section.values.keys() & DATA_REFERENCE.keys()
    used = section.checked(DATA_REFERENCE)
    if used.text("dataset_name"):
        dataset = used.text("dataset_name")
        section.report.warn(
            f"the dataset {dataset} is taken for the newest version of the v2 data asset of this name, a folder; "
            + "a tabular dataset must be registered as a folder with its files first."
        )
        return DataSource(name, v2, "uri_folder", f"azureml:{dataset}@latest")
    if there - {"datastore", "path_on_datastore"}:
        return None  # refused by its own rule
    return _on_datastore(name, used, v2)


def _on_datastore(name: str, section: Section, v2: str) -> DataSource | None:
    datastore, path = section.text("datastore"), section.text("path_on_datastore")
    if not datastore or section.values.get("path_on_datastore") is None:
        section.problem(
            "",
            f"the data {name} has no {'`datastore`' if not datastore else '`path_on_datastore`'}.",
            fix="name both: `{datastore: <name>, path_on_datastore: <path>}`; the path `/` is the whole datastore",
        )
        return None
    if not re.fullmatch(r"[A-Za-z0-9_]+", datastore):
        section.problem(
            "datastore", "the name of a datastore has letters, digits and underscores only.", value=datastore
        )
    path = path.strip("/") + "/" if path.endswith("/") and path.strip("/") else path.strip("/")
    path = "" if path == "." else path.removeprefix("./")
    kind = "uri_file" if _FILE.search(path) else "uri_folder"
    if kind == "uri_file":
        section.report.note(f"{name}: {path} is taken for a file; if it is a folder, write {path}/.")
    return DataSource(name, v2, kind, f"azureml://datastores/{datastore}/paths/{path}")
