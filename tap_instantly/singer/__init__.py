"""What makes the SDK fast and safe to kill."""
