"""The stages from corpus to tables; each is run as `python -m pipeline.<stage>` from the repository's root."""
