"""Parts of the DAG."""
