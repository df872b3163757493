"""Run the benchmarks: all, or those that are named."""

from __future__ import annotations

import importlib
import sys

NAMES = ("emulator", "bootstrap", "steps", "logs")


def main() -> int:
    """Run each named benchmark in turn."""
    chosen = sys.argv[1:] or list(NAMES)
    if unknown := [name for name in chosen if name not in NAMES]:
        print(f"no benchmark named {', '.join(unknown)}; there are: {', '.join(NAMES)}", file=sys.stderr)
        return 2
    for name in chosen:
        importlib.import_module(f"bench.{name}").main()
    return 0


if __name__ == "__main__":
    sys.exit(main())
