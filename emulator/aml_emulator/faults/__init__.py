"""Faults on demand: what goes wrong on Azure now and then goes wrong here when a person or a test asks for it."""
