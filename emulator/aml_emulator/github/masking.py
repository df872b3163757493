"""Keep secrets out of everything that is printed or kept."""

import base64
import json
import re
from collections.abc import Iterable
from urllib.parse import quote

MASK = "***"
_SHORTEST_LINE = 4  # a secret's lines "{" and "}" are no secrets; masking them would only make logs unreadable
_SHORTEST_ENCODED = 8
_SECRET_KEY = re.compile(r"secret|password|token|key", re.IGNORECASE)


class Scrubber:
    """Replaces secrets by `***`, also where they stand encoded.

    Masked are: each secret; each line of a secret of several lines; in a secret that is a JSON object (a service
    principal's credentials), each value whose key speaks of a secret, password, token or key; and of all of these the
    forms that the runner of GitHub masks too: base64 at any alignment, escaped for JSON, escaped for a URL.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._masked: set[str] = set()
        self._pattern: re.Pattern[str] | None = None
        for secret in secrets:
            self.add(secret)

    def add(self, secret: str) -> None:
        """Mask one more secret from now on."""
        found = set()
        for value in _parts(secret):
            found |= {value, *_encoded(value)}
        if not found <= self._masked:
            self._masked |= found
            longest_first = sorted(self._masked, key=lambda value: (-len(value), value))
            self._pattern = re.compile("|".join(map(re.escape, longest_first)))

    def scrub(self, text: str) -> str:
        """Give the text without the secrets."""
        return self._pattern.sub(MASK, text) if self._pattern else text

    def holds_secret(self, text: str) -> bool:
        """Tell whether a secret is in the text."""
        return bool(self._pattern and self._pattern.search(text))


def _parts(secret: str) -> set[str]:
    parts = {secret.strip()} - {""}
    lines = [line.strip() for line in secret.splitlines()]
    if len(lines) > 1:
        parts |= {line for line in lines if len(line) >= _SHORTEST_LINE}
    try:
        document = json.loads(secret)
    except ValueError:
        return parts
    if isinstance(document, dict):
        parts |= {
            value for key, value in document.items() if _SECRET_KEY.search(key) and isinstance(value, str) and value
        }
    return parts


def _encoded(value: str) -> set[str]:
    raw = value.encode()
    encoded = {json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1], quote(value, safe="")}
    for shift in range(3):
        whole = len(raw) - shift - (len(raw) - shift) % 3  # what does not depend on the bytes that stand around it
        text = base64.b64encode(raw[shift : shift + max(whole, 0)]).decode()
        if len(text) >= _SHORTEST_ENCODED:
            encoded |= {text, text.replace("+", "-").replace("/", "_")}
    return encoded
