"""Builds one page for a head of sales from the marts of the dbt package: python -m report.

The page is a single file with its charts. It loads nothing from the network.
"""
