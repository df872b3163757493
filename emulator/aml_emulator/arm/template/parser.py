"""The grammar of expressions: the text between the brackets of a string, parsed into nodes.

    expression = primary { "." name | "[" expression "]" }
    primary    = string | integer | name { "." name } "(" [ expression { "," expression } ] ")"

A quote in a string is doubled. Names of functions may have a namespace. `.?` and `[?` give null where there is nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from aml_emulator.arm.template.errors import EXPRESSIONS, TemplateError
from aml_emulator.arm.template.values import LEAST_INTEGER, MOST_INTEGER

MOST_CHARACTERS = 24576
_MOST_LEVELS = 60
"""Calls and brackets inside each other."""


@dataclass(frozen=True)
class Literal:
    """A string or an integer."""

    value: str | int


@dataclass(frozen=True)
class CallNode:
    """A call; `name` is as it was written, with its namespace."""

    name: str
    arguments: tuple[Node, ...]


@dataclass(frozen=True)
class Access:
    """A property or an element of what is before; `safe` gives null where there is none."""

    target: Node
    key: Node
    safe: bool = False


Node = Literal | CallNode | Access

_TOKEN = re.compile(
    r"\s*(?:(?P<string>'(?:[^']|'')*')|(?P<integer>-?\d+)|(?P<name>[A-Za-z_$][\w$]*)|(?P<sign>\.\?|\[\?|[()\[\],.]))",
    re.ASCII,
)

_TOKEN_NAMES = {
    "(": "LeftParenthesis",
    ")": "RightParenthesis",
    "[": "LeftSquareBracket",
    "[?": "LeftSquareBracket",
    "]": "RightSquareBracket",
    ",": "Comma",
    ".": "Dot",
    ".?": "Dot",
}
_KIND_NAMES = {"string": "StringLiteral", "integer": "Integer", "name": "Identifier", "end": "EndOfData"}


def is_expression(text: str) -> bool:
    """Whether a string is evaluated: it is in brackets, and the first is not doubled."""
    return text.startswith("[") and text.endswith("]") and len(text) > 1 and not text.startswith("[[")


def unescaped(text: str) -> str:
    """A string that is no expression: of two brackets at its start that escape each other, one."""
    return text[1:] if text.startswith("[[") and text.endswith("]") else text


@lru_cache(maxsize=4096)
def parse(text: str) -> Node:
    """Parse an expression, brackets included.

    Raises:
        TemplateError: it is none.

    """
    if len(text) > MOST_CHARACTERS:
        raise TemplateError(
            f"The language expression '{text[:60]}...' is longer than the {MOST_CHARACTERS} characters that are allowed. {EXPRESSIONS}"
        )
    return _Parser(text[1:-1]).whole()


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str
    position: int

    @property
    def shown(self) -> str:
        return _TOKEN_NAMES.get(self.text, "") if self.kind == "sign" else _KIND_NAMES[self.kind]


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = self._lex()
        self._next = 0
        self._level = 0

    def whole(self) -> Node:
        node = self._expression()
        if self._peek().kind != "end":
            raise self._unexpected("EndOfData")
        return node

    def _lex(self) -> list[_Token]:
        tokens, place = [], 0
        end = len(self._text.rstrip())
        while place < end:
            match = _TOKEN.match(self._text, place)
            if match is None:
                place += len(self._text[place:]) - len(self._text[place:].lstrip())
                raise TemplateError(
                    f"The language expression '{self._text}' is not valid: the string character '{self._text[place]}' at position "
                    f"'{place}' is not expected."
                )
            kind = str(match.lastgroup)
            tokens.append(_Token(kind, match.group(kind), match.start(kind)))
            place = match.end()
        return [*tokens, _Token("end", "", len(self._text))]

    def _peek(self) -> _Token:
        return self._tokens[self._next]

    def _take(self) -> _Token:
        token = self._peek()
        self._next += token.kind != "end"
        return token

    def _expect(self, sign: str) -> None:
        if self._peek().text != sign or self._peek().kind != "sign":
            raise self._unexpected(_TOKEN_NAMES[sign])
        self._take()

    def _unexpected(self, wanted: str) -> TemplateError:
        return TemplateError(
            f"Unable to parse language expression '{self._text}': expected token '{wanted}' and actual '{self._peek().shown}'."
        )

    def _expression(self) -> Node:
        self._level += 1
        if self._level > _MOST_LEVELS:
            raise TemplateError(f"The language expression is nested deeper than {_MOST_LEVELS} levels. {EXPRESSIONS}")
        node = self._primary()
        accesses = 0
        while self._peek().kind == "sign" and self._peek().text in (".", ".?", "[", "[?"):
            accesses += 1
            if accesses > _MOST_LEVELS:
                raise TemplateError(
                    f"The language expression goes more than {_MOST_LEVELS} properties deep. {EXPRESSIONS}"
                )
            sign = self._take().text
            if sign.startswith("["):
                key = self._expression()
                self._expect("]")
            else:
                if self._peek().kind != "name":
                    raise self._unexpected("Identifier")
                key = Literal(self._take().text)
            node = Access(node, key, sign.endswith("?"))
        self._level -= 1
        return node

    def _primary(self) -> Node:
        token = self._take()
        if token.kind == "string":
            return Literal(token.text[1:-1].replace("''", "'"))
        if token.kind == "integer":
            number = int(token.text) if len(token.text) < 25 else MOST_INTEGER + 1
            if not LEAST_INTEGER <= number <= MOST_INTEGER:
                raise TemplateError(
                    f"The language expression '{self._text}' is not valid: '{token.text[:40]}' is no integer of 64 bits. {EXPRESSIONS}"
                )
            return Literal(number)
        if token.kind != "name":
            self._next -= token.kind != "end"
            raise self._unexpected("Identifier")
        name = token.text
        while self._peek().text == ".":
            self._take()
            if self._peek().kind != "name":
                raise self._unexpected("Identifier")
            name += "." + self._take().text
        self._expect("(")
        arguments: list[Node] = []
        if self._peek().text != ")" or self._peek().kind != "sign":
            arguments.append(self._expression())
            while self._peek().text == "," and self._peek().kind == "sign":
                self._take()
                arguments.append(self._expression())
        self._expect(")")
        return CallNode(name, tuple(arguments))
