"""The metric service (`/metric/v2.0`): what SDK v1's `Run` logs, row by row, with texts, tables and links to artifacts.

Numbers are in the tracking store too, where MLflow and the Studio see them; what MLflow logged is seen here.
"""
