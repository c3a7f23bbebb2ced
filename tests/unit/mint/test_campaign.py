"""The single rules by which a transaction's items are freed or not; `test_schedules.py` holds them all together against
random lives.
"""

import pytest
from mintworks_runners.mint import campaign as campaign_module
from mintworks_runners.mint import machine
from mintworks_runners.mint.books import Books
from mintworks_runners.mint.campaign import Campaign, Rules
from mintworks_runners.mint.facts import MintFact, TxFact
from mintworks_runners.mint.machine import Commitment, Status
from mintworks_runners.mint.outcome import hopeless
from support.mintsim import REFUSED, WALLET


def test_a_height_just_past_the_life_is_not_enough() -> None:
    state = machine.on_height(machine.InFlight(), 100, 500, 100 + machine.HEIGHT_MARGIN)
    assert state == machine.InFlight()
    assert machine.on_height(state, 100, 501, 101 + machine.HEIGHT_MARGIN) == machine.InFlight(passed=501)


def test_a_null_without_history_proves_nothing() -> None:
    state = machine.on_status(machine.InFlight(passed=9), None, with_history=False)
    assert machine.on_all_accounted(state, 10) == state


def test_a_counter_read_before_the_proof_slot_proves_nothing() -> None:
    state = machine.InFlight(passed=9, absent=True)
    assert machine.on_all_accounted(state, 8) == state
    assert machine.on_all_accounted(state, 9) == machine.Expired()


def test_a_foreign_mint_stops_a_tree_of_our_own() -> None:
    campaign = Campaign(Rules(), range(3), Books(), 0)
    fact = TxFact("foreign", 5, WALLET, 5, 0, None, (MintFact(0, "x", WALLET, b"", b"", WALLET),))
    with pytest.raises(campaign_module.ForeignMinter, match="foreign"):
        campaign.on_history([fact], 0.0)
    public = Campaign(Rules(public=True), range(3), Books(), 0)
    public.on_history([fact], 0.0)
    public.on_counter(6, 1, 0.0)
    assert public.books.accounted_to == 6


# --- single rules of a campaign ---


def end_with(campaign: Campaign, signature: str, error: str | None) -> None:
    campaign.on_status(signature, Status(9, error, Commitment.FINALIZED), 0.0, with_history=False)


def test_a_refused_batch_is_signed_item_by_item_and_only_what_fails_alone_has_failed() -> None:
    campaign = Campaign(Rules(batch=3), range(5), Books(), 0)
    campaign.signed("batch", campaign.next_items(), b"", 100, 5)
    end_with(campaign, "batch", REFUSED)
    for item in range(3):
        assert campaign.next_items() == (item,)
        campaign.signed(str(item), (item,), b"", 100, 5)
        end_with(campaign, str(item), REFUSED if item == 1 else None)
    assert campaign.next_items() == (3, 4)
    assert (campaign.done, set(campaign.failed)) == (2, {1})


def test_too_little_compute_is_no_refusal() -> None:
    campaign = Campaign(Rules(batch=3), range(3), Books(), 0)
    campaign.signed("a", (0, 1, 2), b"", 100, 5)
    end_with(campaign, "a", '{"InstructionError": [2, "ComputationalBudgetExceeded"]}')
    assert (campaign.next_items(), campaign.compute_retries) == ((0, 1, 2), 1)


OUT_OF_COMPUTE = '{"InstructionError": [1, "ComputationalBudgetExceeded"]}'


def test_those_that_run_out_of_compute_together_are_one_step_up_and_none_is_refused() -> None:
    campaign = Campaign(Rules(batch=1), range(12), Books(), 0)
    for item in range(12):
        campaign.signed(str(item), (item,), b"", 100, 5)
    for item in range(12):
        end_with(campaign, str(item), OUT_OF_COMPUTE)
    assert (campaign.failed, campaign.compute_retries, campaign.pending) == ({}, 1, 12)


def test_an_item_that_runs_out_of_compute_at_the_highest_limit_is_refused() -> None:
    campaign = Campaign(Rules(batch=1), range(1), Books(), 0)
    for turn in range(campaign_module.MAX_COMPUTE_RETRIES + 1):
        assert not campaign.failed
        campaign.signed(str(turn), (0,), b"", 100, 5)
        end_with(campaign, str(turn), OUT_OF_COMPUTE)
    assert set(campaign.failed) == {0}


def test_an_error_that_is_not_an_instructions_refuses_no_item() -> None:
    campaign = Campaign(Rules(batch=1), range(1), Books(), 0)
    for turn in range(campaign_module.MAX_FRUITLESS + 1):
        assert campaign.hopeless is None
        campaign.signed(str(turn), (0,), b"", 100, 5)
        end_with(campaign, str(turn), '{"InsufficientFundsForRent": {"account_index": 0}}')
    assert campaign.failed == {}
    assert campaign.hopeless is not None
    assert hopeless(campaign.hopeless).reason == "LowBalance"


def test_a_program_that_refuses_one_item_after_the_other_is_not_asked_about_all() -> None:
    campaign = Campaign(Rules(batch=1), range(10_000), Books(), 0)
    for number in range(2 * campaign_module.MAX_REFUSED + 1):
        assert campaign.hopeless is None
        campaign.signed(str(number), campaign.next_items(), b"", 100, 5)
        end_with(campaign, str(number), None if number == campaign_module.MAX_REFUSED - 1 else REFUSED)
    assert campaign.hopeless is not None
    assert (len(campaign.failed), campaign.done, campaign.next_items()) == (2 * campaign_module.MAX_REFUSED, 1, ())
    assert hopeless(campaign.hopeless).reason == "Refused"


def test_a_full_tree_ends_all_signing() -> None:
    campaign = Campaign(Rules(batch=1), range(3), Books(), 0)
    campaign.signed("a", (0,), b"", 100, 5)
    campaign.signed("b", (1,), b"", 100, 5)
    end_with(campaign, "a", '{"InstructionError": [2, {"Custom": 6017}]}')
    assert campaign.next_items() == ()
    assert campaign.hopeless is not None
    assert not campaign.finished
    end_with(campaign, "b", None)
    assert campaign.finished


def test_costs_count_what_is_under_way_and_what_has_ended_but_not_what_expired() -> None:
    campaign = Campaign(Rules(batch=1, max_cost=20), range(4), Books(), 5)
    campaign.signed("a", (0,), b"", 100, 5)
    campaign.signed("b", (1,), b"", 100, 5)
    assert campaign.open_cost() == 10
    assert campaign.affords(5)
    assert not campaign.affords(6)
    end_with(campaign, "a", None)
    assert (campaign.open_cost(), campaign.affords(6)) == (5, False)
    campaign.on_sent("b", 0.0)
    campaign.on_height(50, 200, 0.0)
    campaign.on_status("b", None, 0.0, with_history=True)
    campaign.on_counter(60, 1, 0.0)
    assert (campaign.under_way, campaign.open_cost(), campaign.affords(10)) == (0, 0, True)
    assert campaign.next_items() == (1,)


def test_what_failed_has_been_paid_for() -> None:
    campaign = Campaign(Rules(batch=1, max_cost=20), range(4), Books(), 0)
    for name, error in (("a", '{"InstructionError": [2, {"Custom": 6012}]}'), ("b", None)):
        campaign.signed(name, (campaign.next_items()[0],), b"", 100, 8)
        end_with(campaign, name, error)
    assert (campaign.open_cost(), campaign.affords(4), campaign.affords(5)) == (0, True, False)


def test_a_transaction_seen_confirmed_leaves_the_window_and_no_more() -> None:
    campaign = Campaign(Rules(batch=1, cap=1), range(2), Books(), 0)
    campaign.signed("a", (0,), b"", 100, 5)
    assert campaign.next_items() == ()
    campaign.on_sent("a", 0.0)
    campaign.on_status("a", Status(9, None, Commitment.PROCESSED), 0.0, with_history=False)
    assert campaign.next_items() == ()
    campaign.on_status("a", Status(9, None, Commitment.CONFIRMED), 0.0, with_history=False)
    assert campaign.next_items() == (1,)
    assert (campaign.done, campaign.under_way, campaign.to_send(9.0, 9)) == (0, 1, [])
    campaign.on_status("a", None, 0.0, with_history=False)
    assert campaign.next_items() == ()
    assert [flight.signature for flight in campaign.to_send(9.0, 9)] == ["a"]


def test_what_is_first_seen_when_it_is_final_has_landed_as_well() -> None:
    campaign = Campaign(Rules(batch=1, start=4), range(9), Books(), 0)
    campaign.signed("a", (0,), b"", 100, 5)
    campaign.on_sent("a", 0.0)
    end_with(campaign, "a", None)
    assert campaign.window.size == 5


def test_transactions_that_expire_shrink_the_window_once_for_all_signed_before_that() -> None:
    """They expire one after the other, long after they were lost: a minute of losses is not one loss every 2 s."""
    campaign = Campaign(Rules(batch=1, start=64), range(4), Books(), 0)
    for place, name in enumerate("abc"):
        campaign.signed(name, (place,), b"", 100 + 100 * place, 5)
        campaign.on_sent(name, 0.0)
    sizes = []
    for place, name in enumerate("abc"):
        now = 10.0 * place
        campaign.on_height(200 + 100 * place, 200 + 100 * place, now)
        campaign.on_status(name, None, now, with_history=True)
        campaign.on_counter(200 + 100 * place, 0, now)
        sizes.append(campaign.window.size)
        if place == 1:
            expired = campaign.next_items()
            campaign.signed("d", expired, b"", 1000, 5)
            campaign.on_sent("d", now)
    assert sizes == [32, 32, 32]
    campaign.on_height(2000, 2000, 40.0)
    campaign.on_status("d", None, 40.0, with_history=True)
    campaign.on_counter(2000, 0, 40.0)
    assert campaign.window.size == 16


def test_a_transaction_in_a_block_is_asked_about_again_when_its_slot_is_final() -> None:
    campaign = Campaign(Rules(batch=1), range(1), Books(), 0)
    campaign.signed("a", (0,), b"", 100, 5)
    assert campaign.to_ask(0.0, history=False) == []
    assert [flight.signature for flight in campaign.to_send(0.0, 9)] == ["a"]
    campaign.on_sent("a", 0.0)
    assert (campaign.to_ask(0.1, history=False), campaign.to_ask(1.0, history=False)) == ([], ["a"])
    assert campaign.to_ask(2.0, history=False) == ["a"], "no answer came: it is asked again"
    campaign.on_status("a", Status(9, None, Commitment.CONFIRMED), 2.0, with_history=False)
    campaign.on_height(8, 8, 60.0)
    assert campaign.to_ask(60.0, history=False) == []
    campaign.on_height(9, 9, 61.0)
    assert campaign.to_ask(61.0, history=False) == ["a"]
    campaign.on_status("a", Status(9, None, Commitment.FINALIZED), 61.0, with_history=False)
    assert (campaign.done, campaign.finished) == (1, True)


def test_what_was_not_handed_out_is_offered_again_and_room_is_kept_to() -> None:
    campaign = Campaign(Rules(batch=1), range(3), Books(), 0)
    for item in range(3):
        campaign.signed(str(item), (item,), b"", 100, 5)
    assert [flight.signature for flight in campaign.to_send(0.0, 2)] == ["0", "1"]
    assert [flight.signature for flight in campaign.to_send(0.0, 2)] == ["2"]
    assert [flight.signature for flight in campaign.to_send(2.0, 9)] == ["0", "1", "2"]
