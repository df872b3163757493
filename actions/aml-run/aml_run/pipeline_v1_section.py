"""Reading a section of a v1 pipeline: values of the expected kind, known keys, and messages that name the place."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from aml_run.report import Report, as_text
from aml_run.runconfig_keys import Rule


@dataclass(frozen=True)
class Section:
    """A mapping within the file.

    Attributes:
        values: the keys that are used and hold something.
        report: of the file.
        path: of the section, such as ``pipeline.steps.train``.

    """

    values: Mapping[str, Any]
    report: Report
    path: str

    @classmethod
    def of(cls, value: Any, report: Report, path: str, rules: Mapping[str, Rule] | None) -> Section:  # noqa: ANN401
        """Return a section; what is not used is told.

        Args:
            value: what stands there.
            report: of the file.
            path: of the section.
            rules: its keys; None when they are names of the user's.

        """
        if not isinstance(value, Mapping):
            if value is not None:
                report.problem(f"`{path}` must hold keys.", value=as_text(value), key=path)
            return cls({}, report, path)
        used = {}
        for key, inner in value.items():
            if rules is None or _is_used(key, inner, rules, report, f"{path}.{key}"):
                used[key] = inner
        return cls(used, report, path)

    def problem(self, key: str, what: str, **parts: str | None) -> None:
        """Note something that must be changed at a key of this section; `what` begins with lower case."""
        self.report.problem(f"{self.path}: {what}", key=f"{self.path}.{key}" if key else self.path, **parts)

    def text(self, key: str) -> str:
        """Return a value that is one text, empty when it is not set."""
        value = self.values.get(key)
        if value is None or isinstance(value, str):
            return value or ""
        self.problem(key, f"`{key}` must be one value.", value=as_text(value))
        return ""

    def flag(self, key: str, *, default: bool) -> bool:
        """Return a value that is true or false."""
        text = self.text(key).lower()
        if text not in ("", "true", "false"):
            self.problem(key, f"`{key}` is neither true nor false.", value=text)
        return text == "true" if text else default

    def one_of(self, key: str, allowed: Mapping[str, str], default: str) -> str:
        """Return the v2 spelling of a value."""
        text = self.text(key)
        if text and text not in allowed:
            self.problem(key, f"`{key}` is not known.", value=text, allowed=", ".join(allowed))
        return allowed.get(text or default, allowed[default])

    def is_wrong(self, key: str) -> bool:
        """Tell whether something stands at a key that holds other keys, but not such keys."""
        return self.values.get(key) is not None and not isinstance(self.values[key], Mapping)

    def section(self, key: str) -> Section:
        """Return a section whose keys are names of the user's."""
        return Section.of(self.values.get(key), self.report, f"{self.path}.{key}", None)

    def sections(self, key: str, rules: Mapping[str, Rule] | None) -> Iterator[tuple[str, Section]]:
        """Give name and content of the sections within a section; without `rules` with all their keys."""
        outer = self.section(key)
        for name, value in outer.values.items():
            if value is None:
                outer.problem(
                    name, f"`{name}` holds nothing.", cause="its keys are not indented below it", fix="indent them"
                )
            else:
                yield name, Section.of(value, self.report, f"{outer.path}.{name}", rules)

    def checked(self, rules: Mapping[str, Rule]) -> Section:
        """Return this section with only the keys that are used; the others are told."""
        return Section.of(self.values, self.report, self.path, rules)


def _is_used(key: str, value: Any, rules: Mapping[str, Rule], report: Report, path: str) -> bool:  # noqa: ANN401
    if value is None or value in ("", [], {}):
        return False
    rule = rules.get(key)
    if rule is None:
        near = difflib.get_close_matches(key, rules, n=1)
        hint = f" Do you mean `{near[0]}`?" if near else ""
        report.warn(f"`{path}` is no key of a v1 pipeline and is ignored, as SDK v1 did.{hint}")
        return False
    if rule.treatment == "used":
        return True
    if as_text(value).lower() in rule.default:
        return False
    if rule.treatment == "refused":
        report.problem(
            f"`{path}` has no meaning in a v2 job: {rule.why}.", value=as_text(value), fix=rule.fix, key=path
        )
    else:
        say = report.note if rule.treatment == "noted" else report.warn
        say(f"`{path}` has no effect: {rule.why}.")
    return False


def v2_name(name: str, taken: set[str]) -> str:
    """Return a name as v2 takes it - letters, digits, underscores - that is not taken yet, and take it."""
    plain = re.sub(r"[^A-Za-z0-9_]", "_", name) or "_"
    plain = f"_{plain}" if plain[0].isdigit() else plain
    unique, count = plain, 1
    while unique.lower() in taken:
        count += 1
        unique = f"{plain}_{count}"
    taken.add(unique.lower())
    return unique
