"""The log of a step as the runner reads it."""


def commands(log: str) -> list[str]:
    """Return the commands that the runner obeys: those outside of stop-commands."""
    obeyed, token = [], ""
    for line in log.splitlines():
        if token:
            token = "" if line == f"::{token}::" else token
        elif line.startswith("::stop-commands::"):
            token = line.removeprefix("::stop-commands::")
        elif line.startswith("::"):
            obeyed.append(line)
    assert not token, "commands were left stopped"
    return obeyed
