"""The queue of items that wait for a signature, held against a plain list."""

from hypothesis import given
from hypothesis import strategies as st
from mintworks_runners.mint.pending import Pending
from mintworks_runners.mint.schedule import Agenda


@given(st.integers(0, 20), st.lists(st.integers(0, 4)))
def test_it_is_a_list_of_which_the_front_is_taken_and_given_back(count: int, steps: list[int]) -> None:
    pending, model, out = Pending(range(count)), list(range(count)), list[int]()
    for step in steps:
        if step == 4 and out:
            pending.back(out)
            model, out = out + model, []
        taken = pending.head(step)
        assert taken == model[:step]
        for item in taken:
            assert pending.pop() == item
        model, out = model[len(taken) :], out + taken
        assert len(pending) == len(model)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 9) | st.none())), st.integers(0, 9), st.integers(0, 3))
def test_an_agenda_answers_what_is_due_the_longest_due_first(
    told: list[tuple[str, int | None]], until: int, room: int
) -> None:
    agenda, model = Agenda(), dict[str, int]()
    for signature, due in told:
        if due is None:
            agenda.drop(signature)
            model.pop(signature, None)
        else:
            agenda.set(signature, due)
            model[signature] = due
    due_now = sorted((due, signature) for signature, due in model.items() if due <= until)
    assert agenda.take(until, room) == [signature for _, signature in due_now][:room]
    assert agenda.take(until) == [signature for _, signature in due_now][room:]
