"""Where the functions of the language are registered, and how they read their arguments."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aml_emulator.arm.template.errors import TemplateError
from aml_emulator.arm.template.values import Value, type_name

if TYPE_CHECKING:
    from aml_emulator.arm.template.scope import Scope

MOST_CHARACTERS = 4 << 20
MOST_ITEMS = 100_000
"""A result that is larger is refused: a template of a few lines could otherwise fill the memory."""


@dataclass(frozen=True)
class Lambda:
    """What `lambda(...)` gives: the names of its variables, and what runs its body."""

    names: tuple[str, ...]
    run: Callable[[Sequence[Value]], Value]


@dataclass(frozen=True)
class Arguments:
    """The evaluated arguments of one call; the readers raise when a type is wrong.

    `name` is the function's name as the language spells it.
    """

    name: str
    values: Sequence[Value]

    def __len__(self) -> int:
        return len(self.values)

    def string(self, index: int) -> str:
        """A string."""
        value = self.values[index]
        if not isinstance(value, str):
            raise self.wrong_type(index, "String")
        return value

    def strings(self) -> list[str]:
        """All arguments, which must be strings."""
        return [self.string(index) for index in range(len(self.values))]

    def integer(self, index: int) -> int:
        """An integer."""
        value = self.values[index]
        if not isinstance(value, int) or isinstance(value, bool):
            raise self.wrong_type(index, "Integer")
        return value

    def boolean(self, index: int) -> bool:
        """A boolean."""
        value = self.values[index]
        if not isinstance(value, bool):
            raise self.wrong_type(index, "Boolean")
        return value

    def array(self, index: int) -> list[Value]:
        """An array."""
        value = self.values[index]
        if not isinstance(value, list):
            raise self.wrong_type(index, "Array")
        return value

    def mapping(self, index: int) -> dict[str, Value]:
        """An object."""
        value = self.values[index]
        if not isinstance(value, dict):
            raise self.wrong_type(index, "Object")
        return value

    def function(self, index: int, *numbers: int) -> Lambda:
        """A lambda that takes one of these numbers of variables."""
        value = self.values[index]
        if not isinstance(value, Lambda):
            raise self.wrong_type(index, "Lambda")
        if len(value.names) not in numbers:
            allowed = " or ".join(map(str, numbers))
            raise self.refused(f"the lambda must have {allowed} argument(s), not {len(value.names)}")
        return value

    def wrong_type(self, index: int, wanted: str) -> TemplateError:
        """The error of an argument of another type."""
        return TemplateError(
            f"The template language function '{self.name}' expects its parameter at position '{index + 1}' to be of type '{wanted}'. "
            f"The provided value is of type '{type_name(self.values[index])}'. {self.usage}"
        )

    def refused(self, reason: str) -> TemplateError:
        """The error of arguments that do not go together."""
        return TemplateError(f"Unable to evaluate template language function '{self.name}': {reason}. {self.usage}")

    def not_valid(self, reason: str) -> TemplateError:
        """The error of an argument whose type is right and whose value is not."""
        return TemplateError(
            f"The template language function '{self.name}' was invoked with a parameter that is not valid. {reason}"
        )

    @property
    def usage(self) -> str:
        """Where the function is documented."""
        return f"Please see https://aka.ms/arm-functions#{self.name} for usage details."


Plain = Callable[[Arguments], Any]
Scoped = Callable[["Scope", Arguments], Any]


@dataclass(frozen=True)
class Function:
    """A function that is given its evaluated arguments. `most` is None where any number is allowed."""

    name: str
    least: int
    most: int | None
    run: Scoped

    def check_count(self, count: int) -> None:
        """Refuse a wrong number of arguments.

        Raises:
            TemplateError: naming the numbers that are allowed.

        """
        if count >= self.least and (self.most is None or count <= self.most):
            return
        if self.most is None:
            wanted = f"at least '{self.least}'"
        elif self.most == self.least:
            wanted = f"exactly '{self.least}'"
        else:
            wanted = f"between '{self.least}' and '{self.most}'"
        raise TemplateError(
            f"Unable to evaluate template language function '{self.name}': function requires {wanted} argument(s) while '{count}' "
            f"were provided. Please see https://aka.ms/arm-functions#{self.name} for usage details."
        )


FUNCTIONS: dict[str, Function] = {}
"""By name in lower case."""


def function(name: str, least: int, most: int | None = -1) -> Callable[[Plain], Plain]:
    """Register a function of its arguments alone; without `most` it takes exactly `least`."""

    def register(plain: Plain) -> Plain:
        def run(scope: Scope, arguments: Arguments) -> Value:
            return plain(arguments)

        FUNCTIONS[name.lower()] = Function(name, least, least if most == -1 else most, run)
        return plain

    return register


def scoped(name: str, least: int, most: int | None = -1) -> Callable[[Scoped], Scoped]:
    """Register a function that asks the scope in which it is called."""

    def register(run: Scoped) -> Scoped:
        FUNCTIONS[name.lower()] = Function(name, least, least if most == -1 else most, run)
        return run

    return register


def checked(name: str, value: Value) -> Value:
    """A result that is not too large.

    Raises:
        TemplateError: it is.

    """
    if isinstance(value, str) and len(value) > MOST_CHARACTERS:
        raise TemplateError(
            f"The result of the template language function '{name}' is longer than {MOST_CHARACTERS} characters."
        )
    if isinstance(value, list) and len(value) > MOST_ITEMS:
        raise TemplateError(f"The result of the template language function '{name}' has more than {MOST_ITEMS} items.")
    return value
