"""The demonstration: `python -m aml_emulator.demo [--keep]`, which is `make demo`."""
