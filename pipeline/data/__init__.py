"""Text and token ids: where they come from, and how they lie on disk."""
