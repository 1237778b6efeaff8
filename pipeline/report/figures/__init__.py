"""One file a figure of paper_tables/, and what all of them share."""
