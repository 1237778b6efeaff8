"""All tables, in the order in which a reader meets them."""

from pipeline.report.tables.ablation import ablation_table
from pipeline.report.tables.cost import cost_table
from pipeline.report.tables.facts import facts_table
from pipeline.report.tables.learned import learned_table
from pipeline.report.tables.main import main_table
from pipeline.report.tables.recall import recall_table
from pipeline.report.tables.scaling import scaling_table
from pipeline.report.tables.timing import timing_table

BUILDERS = (
    main_table,
    learned_table,
    scaling_table,
    ablation_table,
    timing_table,
    recall_table,
    facts_table,
    cost_table,
)
"""Each gives a table, and its numbers for the summary."""
