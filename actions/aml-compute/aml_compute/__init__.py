"""The action aml-compute: finds or creates a compute cluster of a workspace."""
