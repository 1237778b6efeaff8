"""What every room may use: errors, files, paths, locks. It knows nothing of models."""
