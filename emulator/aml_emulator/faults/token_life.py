"""How long the tokens are good that Entra gives out, when somebody asked that they expire early."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class TokenLife:
    """The life of new tokens.

    Attributes:
        seconds: how long they are good; None: as long as ever.
        told: how long their client is told that they are; None: the truth. A client that is told more learns of it by a 401.

    """

    seconds: int | None = None
    told: int | None = None

    @classmethod
    def read(cls, body: object) -> TokenLife:
        """From JSON: `{"seconds": N, "told": N}`; None is the usual life.

        Raises:
            ValueError: it is none.

        """
        if body is None:
            return cls()
        if not isinstance(body, dict) or body.keys() - {"seconds", "told"}:
            raise ValueError("The life of tokens is an object with the members seconds and told.")
        values = [body.get("seconds"), body.get("told")]
        for value in values:
            right = value is None or (isinstance(value, int) and not isinstance(value, bool) and value > 0)
            if not right:
                raise ValueError(f"The life of a token is a whole number of seconds above 0, not {value!r}.")
        if values[1] is not None and values[0] is None:
            raise ValueError("told needs seconds: how long the tokens really are good.")
        return cls(values[0], values[1])
