"""From results to answers: intervals, comparisons, n-gram baselines, the rule of the verdicts, the twelve claims."""
