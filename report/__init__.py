"""One page for a head of sales, made of the marts of the dbt package: python -m report.

The page is one file, with its charts and without any reference to a network.
"""
