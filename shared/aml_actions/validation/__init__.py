"""``python -m aml_actions validate``: parameters files and what they point at, judged without network and credentials."""
