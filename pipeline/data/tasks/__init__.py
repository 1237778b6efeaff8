"""Made-up tasks whose right answers are known, one in each file."""
