"""Workflow runs that events start in the background."""
