"""From verdicts and results to tables, figures and the opening of README.md."""
