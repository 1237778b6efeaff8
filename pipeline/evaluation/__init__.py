"""What trained weights are worth and what they do, and what a block costs."""
