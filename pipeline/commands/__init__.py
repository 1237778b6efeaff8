"""What a person calls: `python -m pipeline NAME`."""
