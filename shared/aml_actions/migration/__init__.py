"""Moving a repository over from the abandoned actions: what can be changed for its owner, and what a person must decide."""
