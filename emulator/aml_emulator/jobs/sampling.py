"""Search spaces of sweeps: read, checked, and drawn from.

A dimension is `["choice", [[...]]]`, `["uniform", [min, max]]` and so on, as ARM has it; nodes of pipelines write
`{"type": "uniform", "min_value": .., "max_value": ..}`, which `from_node` turns into that.
"""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Iterator, Mapping
from typing import Any

from aml_emulator.http import not_emulated
from aml_emulator.ml.scope import refused

Value = str | int | float | bool
Space = Mapping[str, Any]
Sample = dict[str, Value]

_FIELDS = {
    "uniform": ("min_value", "max_value"),
    "quniform": ("min_value", "max_value", "q"),
    "loguniform": ("min_value", "max_value"),
    "qloguniform": ("min_value", "max_value", "q"),
    "normal": ("mu", "sigma"),
    "qnormal": ("mu", "sigma", "q"),
    "lognormal": ("mu", "sigma"),
    "qlognormal": ("mu", "sigma", "q"),
    "randint": ("upper",),
}
_OF_BAYESIAN = ("choice", "uniform", "quniform")
ALGORITHMS = ("Grid", "Random", "Bayesian")


def from_node(space: Mapping[str, Any]) -> dict[str, Any]:
    """The search space of a node of a pipeline, as ARM has it."""
    found = {}
    for name, dimension in space.items():
        if not isinstance(dimension, dict):
            found[name] = dimension
            continue
        kind = str(dimension.get("type"))
        if kind == "choice":
            found[name] = ["choice", [dimension.get("values") or []]]
        else:
            found[name] = [kind, [dimension.get(field) for field in _FIELDS.get(kind, ())]]
    return found


def check(space: Space, algorithm: Mapping[str, Any]) -> None:
    """Refuse a search space that cannot be drawn from.

    Raises:
        ServiceError: 400 for what is wrong, 501 for what does not run here.

    """
    kind = algorithm_of(algorithm)
    if not space:
        raise refused("A sweep job needs a search space.", target="searchSpace")
    for name, dimension in space.items():
        distribution, arguments = _dimension(name, dimension)
        if kind == "Grid" and distribution != "choice":
            raise refused(
                f"Grid sampling takes only 'choice'; '{name}' is '{distribution}'. Use random sampling for it.",
                target="searchSpace",
            )
        if kind == "Bayesian" and distribution not in _OF_BAYESIAN:
            raise refused(
                f"Bayesian sampling takes {', '.join(_OF_BAYESIAN)}; '{name}' is '{distribution}'.",
                target="searchSpace",
            )
        if distribution == "choice" and not arguments:
            raise refused(f"The search space '{name}' has no values to choose from.", target="searchSpace")


def algorithm_of(algorithm: Mapping[str, Any]) -> str:
    """Grid, Random or Bayesian.

    Raises:
        ServiceError: 501 for any other.

    """
    named = str(algorithm.get("samplingAlgorithmType") or "Random").capitalize()
    if named not in ALGORITHMS:
        raise not_emulated(f"the sampling algorithm '{named}'. Those that are: {', '.join(ALGORITHMS)}")
    return named


def samples(space: Space, algorithm: Mapping[str, Any]) -> Iterator[Sample]:
    """Values for one trial after the other; a grid ends, the others do not.

    Random sampling with a `seed` gives the same values every time; a `sobol` rule is drawn as `random`, which covers the same
    space. Bayesian sampling is drawn at random too: it learns nothing from the trials that ended, so it needs more of them than
    Azure's to come near the best.
    """
    dimensions = {name: _dimension(name, dimension) for name, dimension in space.items()}
    if algorithm_of(algorithm) == "Grid":
        for values in itertools.product(*(arguments for _, arguments in dimensions.values())):
            yield dict(zip(dimensions, values, strict=True))
        return
    seed = algorithm.get("seed")
    source = random.Random(int(seed) if seed is not None else None)  # noqa: S311 - no secret
    while True:
        yield {name: _draw(source, kind, arguments) for name, (kind, arguments) in dimensions.items()}


def _dimension(name: str, dimension: object) -> tuple[str, list[Any]]:
    """Distribution and arguments; the arguments of a choice are its values."""
    if not isinstance(dimension, (list, tuple)) or len(dimension) != 2 or not isinstance(dimension[1], (list, tuple)):
        raise refused(
            f"The search space '{name}' must be [distribution, [arguments]], not {dimension}.", target="searchSpace"
        )
    kind, arguments = str(dimension[0]), list(dimension[1])
    if kind == "choice":
        return kind, list(arguments[0]) if len(arguments) == 1 and isinstance(
            arguments[0], (list, tuple)
        ) else arguments
    if kind not in _FIELDS:
        allowed = ", ".join(("choice", *_FIELDS))
        raise refused(
            f"The search space '{name}' has the distribution '{kind}'. Allowed: {allowed}.", target="searchSpace"
        )
    fields = _FIELDS[kind]
    if len(arguments) != len(fields) or not all(isinstance(value, (int, float)) for value in arguments):
        raise refused(
            f"'{kind}' of the search space '{name}' needs the numbers {', '.join(fields)}.", target="searchSpace"
        )
    return kind, arguments


def _draw(source: random.Random, kind: str, arguments: list[Any]) -> Value:
    if kind == "choice":
        chosen: Value = source.choice(arguments)
        return chosen
    if kind == "randint":
        return source.randrange(int(arguments[0]))
    shape, step = kind.removeprefix("q"), arguments[2] if kind.startswith("q") else None
    first, second = float(arguments[0]), float(arguments[1])
    value = source.uniform(first, second) if shape.endswith("uniform") else source.gauss(first, second)
    if shape.startswith("log"):
        value = math.exp(value)
    return round(value / step) * step if step else value
