"""The program of the container image with everything: it loads, builds the marts and writes the report."""
