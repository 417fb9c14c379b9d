"""The engine: plan, what is left, run the team, merge, check, publish, report."""

from asdf_pipeline.engine.assignment import Assignment, Layout
from asdf_pipeline.engine.comparison_task import ComparisonTask
from asdf_pipeline.engine.gather_task import GatherTask
from asdf_pipeline.engine.pair_task import PairTask
from asdf_pipeline.engine.process_task import ProcessTask
from asdf_pipeline.engine.report import RunReport
from asdf_pipeline.engine.run import run

__all__ = [
    "Assignment",
    "ComparisonTask",
    "GatherTask",
    "Layout",
    "PairTask",
    "ProcessTask",
    "RunReport",
    "run",
]
