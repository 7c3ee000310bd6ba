"""Benchmarks of this tap and other tools, against the same sandbox in one run.

Candidates are measured as processes from outside; none of them is imported.
"""
