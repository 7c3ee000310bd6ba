"""Pipeline from pages to standard output: partitions, reader, bookmarks and writer; independent of HTTP."""
