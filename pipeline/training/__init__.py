"""The protocol of a training, its saves, and what is seen of it."""
