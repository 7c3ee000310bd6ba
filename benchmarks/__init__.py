"""This tap beside other tools, against the same sandbox in one run.

It measures from outside: what it compares are processes, and it imports none of them.
"""
