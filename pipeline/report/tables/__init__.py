"""One file a table of paper_tables/, and what all of them share."""
