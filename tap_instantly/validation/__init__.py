"""Validate configuration, catalog, state and files before the tap reads anything."""
