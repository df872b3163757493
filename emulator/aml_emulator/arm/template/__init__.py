"""The template language of Azure Resource Manager: its expressions, its engine and its REST interface."""
