"""`python -m aml_emulator`."""

import sys

from aml_emulator.cli import main

sys.exit(main())
