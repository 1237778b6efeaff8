"""From results to verdicts: intervals, comparisons, what counts know, the rule, the paper's twelve claims."""
