"""Start the host: `python start.py PACKAGE KEYS HANDSHAKE`. See `main` for what they are."""

import importlib.util
import sys
from pathlib import Path

_NAME = "_function_host"

if __name__ == "__main__":
    folder = Path(__file__).resolve().parent
    sys.path[:] = [entry for entry in sys.path if Path(entry or ".").resolve() != folder]
    spec = importlib.util.spec_from_file_location(
        _NAME, folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    if spec is None or spec.loader is None:
        sys.exit(f"the function host cannot be loaded from {folder}")
    package = importlib.util.module_from_spec(spec)
    sys.modules[_NAME] = package
    spec.loader.exec_module(package)
    importlib.import_module(f"{_NAME}.main").main(*map(Path, sys.argv[1:4]))
