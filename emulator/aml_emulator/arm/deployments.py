"""Deployments of templates: the routes are those of the template engine."""

from __future__ import annotations

from aml_emulator.arm.template.rest import register

__all__ = ["register"]
