"""Runs a state machine of hypothesis as our tests do."""

from __future__ import annotations

from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

# Not shrunk: with a database that takes minutes. Add Phase.shrink to study a failure.
_PHASES = [Phase.explicit, Phase.reuse, Phase.generate]


def run_machine(machine: type[RuleBasedStateMachine], *, examples: int, steps: int) -> None:
    """So many examples of so many steps, however long each takes."""
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            phases=_PHASES,
            suppress_health_check=list(HealthCheck),
        ),
    )
