"""Azure Machine Learning and GitHub, as far as the actions can see them, on 127.0.0.1."""
