"""Reading text files that people wrote: encodings, sizes, and what is no text at all."""

from __future__ import annotations

import codecs
import stat
from pathlib import Path

from aml_actions.errors import ActionError
from aml_actions.findings import Findings

MOST_BYTES = 256 * 1024
"""Bytes of a file that is read as settings; real ones have some hundred."""
_WIDE = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)


def read_text(file: Path, name: str, findings: Findings | None = None) -> str:
    """Return the text of a file in UTF-8; a byte-order mark at its start is dropped, with a warning.

    Args:
        file: what to read.
        name: how the user calls it, for messages.
        findings: takes the warning; without it the mark is dropped in silence.

    Raises:
        ActionError: it cannot be read, is larger than `MOST_BYTES`, or is no text in UTF-8.
    """
    try:
        about = file.stat()
        if not stat.S_ISREG(about.st_mode):  # reading a pipe would wait for ever
            raise ActionError(f"{name} is no file.", value="a folder, a pipe or a device", file=name)
        size = about.st_size
        data = file.read_bytes() if size <= MOST_BYTES else b""
    except OSError as error:
        raise ActionError(f"{name} cannot be read: {error.strerror}.", file=name) from None
    if size > MOST_BYTES:
        raise ActionError(
            f"{name} is too large.",
            value=f"{size:,} bytes",
            allowed=f"at most {MOST_BYTES:,} bytes",
            cause="another file has got that name",
            fix="correct the name, or the file",
            file=name,
        )
    if data.startswith(_WIDE):
        raise ActionError(
            f"{name} is not UTF-8 text.",
            value="it begins with the byte-order mark of UTF-16 or UTF-32",
            cause="an editor of Windows, or `>` in Windows PowerShell, wrote it",
            fix="save the file with the encoding UTF-8",
            file=name,
        )
    if b"\0" in data:
        raise ActionError(
            f"{name} is no text file.",
            value=f"byte {data.index(0)} is 0x00",
            cause="a binary file has got that name",
            fix="correct the name, or the file",
            file=name,
        )
    if data.startswith(codecs.BOM_UTF8):
        data = data[len(codecs.BOM_UTF8) :]
        if findings is not None:
            findings.warn(
                ActionError(
                    f"{name} begins with a byte-order mark, which other readers of the file may refuse.",
                    fix="save it as UTF-8 without that mark",
                    file=name,
                    line=1,
                )
            )
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ActionError(
            f"{name} is not UTF-8 text.",
            value=f"byte {error.start} is 0x{data[error.start]:02x}",
            fix="save the file with the encoding UTF-8",
            file=name,
            line=data.count(b"\n", 0, error.start) + 1,
        ) from None
