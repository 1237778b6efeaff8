"""From what params.yaml says of a task to its cases."""

from pipeline.data.tasks.associative import AssociativeCase
from pipeline.data.tasks.case import Case
from pipeline.data.tasks.copying import CopyingCase
from pipeline.data.tasks.facts import FactsCase
from pipeline.params.recall import Associative, Copying, Facts, Task


def case_of(task: Task, case: int) -> Case:
    """The case of a task that `case` names: a distance, a length, or a number of facts."""
    match task:
        case Copying():
            return CopyingCase(case, task.asked, task.symbols)
        case Associative():
            return AssociativeCase(case, task.pairs[task.lengths.index(case)], task.keys, task.values)
        case Facts():
            return FactsCase(case, task.values)
    raise TypeError(f"no task: {task!r}")
