"""What more than one action needs: from the inputs of a step to its outputs, and Azure in between."""

__version__ = "1.0.0"
