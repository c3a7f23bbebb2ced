"""How many steps a machine takes: a health check of Hypothesis, or a rule that seldom applies, can make them few."""

from __future__ import annotations

from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, run_state_machine_as_test


def drive(
    machine: type[RuleBasedStateMachine], *, examples: int, length: int, least: int, derandomize: bool = False
) -> None:
    """Runs a machine, and looks that it took at least so many steps. Where it is `derandomize`d, always the same."""

    # mypy knows no base class that is an argument.
    class Counted(machine):  # type: ignore[misc, valid-type]
        steps = -1
        taken = 0

        @invariant()
        def one_more(self) -> None:
            # The first look is at the beginning, which is none.
            self.steps += 1
            Counted.taken += bool(self.steps)

    size = settings(max_examples=examples, stateful_step_count=length, deadline=None, derandomize=derandomize)
    run_state_machine_as_test(Counted, settings=size)
    assert Counted.taken >= least
