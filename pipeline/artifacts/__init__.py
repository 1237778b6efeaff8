"""What stages leave for each other: what stands in a file, how it is read and written, which results are current."""
