"""The action aml-workspace: finds or creates an Azure Machine Learning workspace."""
