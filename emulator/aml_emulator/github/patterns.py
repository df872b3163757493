r"""The filter patterns of `branches:`, `tags:` and `paths:`.

`*` is any characters but `/`; `**` any characters; `?` zero or one of the character before; `+` one or more of it; `[]`
one character of a set or range; `!` at the start takes back what an earlier pattern matched; `\` before one of these
makes it an ordinary character. From "Filter pattern cheat sheet" in GitHub's workflow syntax reference.
"""

import re
from collections.abc import Sequence


def to_regex(pattern: str) -> re.Pattern[str]:
    """Translate one pattern without its leading `!`. Raises ValueError when it is not a pattern, `[` without `]`."""
    out: list[str] = []
    position = 0
    while position < len(pattern):
        character = pattern[position]
        if character == "\\" and position + 1 < len(pattern):
            position += 1
            out.append(re.escape(pattern[position]))
        elif pattern.startswith("**", position):
            if pattern.startswith("**/", position) and (position == 0 or pattern[position - 1] == "/"):
                out.append("(?:.*/)?")  # `docs/**/x` matches `docs/x` too
                position += 2
            else:
                out.append(".*")
                position += 1
        elif character == "*":
            out.append("[^/]*")
        elif character in "?+" and out:
            out[-1] = f"(?:{out[-1]}){character}"
        elif character == "[":
            end = pattern.find("]", position + 2)
            if end < 0:
                raise ValueError(f"{pattern!r} has a [ without a ]")
            out.append("[" + pattern[position + 1 : end].replace("\\", r"\\").replace("^", r"\^") + "]")
            position = end
        else:
            out.append(re.escape(character))
        position += 1
    return re.compile("".join(out))


def matches(patterns: Sequence[str], value: str) -> bool:
    """Tell whether a value is among the patterns, read in order: a later `!` takes back, a later match adds again."""
    matched = False
    for pattern in patterns:
        negative = pattern.startswith("!")
        if to_regex(pattern[1:] if negative else pattern).fullmatch(value):
            matched = not negative
    return matched
