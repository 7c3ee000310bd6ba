"""Report the progress and the summary of a run, on a terminal or in the log."""
