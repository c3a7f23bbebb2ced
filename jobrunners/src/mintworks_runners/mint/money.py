"""What a job will cost at least, and whether that is allowed and there. Pure; all amounts are lamports."""

from __future__ import annotations

from dataclasses import dataclass

from mintworks_api.mintjob import LAMPORTS_PER_SOL

from mintworks_runners.core.errors import RunEnded
from mintworks_runners.core.reasons import ended
from mintworks_runners.solana.budget import LAMPORTS_PER_SIGNATURE
from mintworks_runners.solana.tree import CONFIG_BYTES, TreeSize, rent

MAINNET = "5eykt4UsFv8P8NJdTREpY1vzqKqZKvdpKuc147dw2N9d"
"""Genesis hash of mainnet-beta, where mistakes cost money: maxCost is required there."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """What is still to be paid at least: rent of the tree, base fees of the mints. Priority fees come on top."""

    rent: int
    fees: int

    @property
    def total(self) -> int:
        """Both."""
        return self.rent + self.fees


def config_rent() -> int:
    """Lamports of rent of a tree's second account, which the program creates at the wallet's expense."""
    return rent(CONFIG_BYTES)


def estimate(new_tree: TreeSize | None, transactions: int, signatures: int) -> Estimate:
    """For so many transactions that mint, with so many signatures each; `new_tree` is still to be made."""
    tree_rent = 0 if new_tree is None else new_tree.rent + config_rent()
    making = 0 if new_tree is None else LAMPORTS_PER_SIGNATURE
    return Estimate(tree_rent, making + transactions * signatures * LAMPORTS_PER_SIGNATURE)


def objection(needed: Estimate, spent: int, balance: int, max_cost: int | None) -> RunEnded | None:
    """Why not to begin, or to go on: maxCost cannot suffice, or the wallet cannot pay; None where nothing speaks
    against it.

    A maxCost that could never have sufficed is bad input; one that was used up on the way may be raised, and a low
    balance may be filled up: those wait.
    """
    if max_cost is not None and spent + needed.total > max_cost:
        message = f"the job needs at least {sol(spent + needed.total)} SOL in all, maxCost is {sol(max_cost)}"
        if not spent:
            return ended("MaxCostTooLow", message, field="spec.maxCost")
        return ended("CostLimit", message)
    if balance < needed.total:
        return ended("LowBalance", f"the wallet holds {sol(balance)} SOL; at least {sol(needed.total)} are needed")
    return None


def sol(lamports: int) -> str:
    """An amount in SOL without trailing zeros."""
    text = f"{lamports / LAMPORTS_PER_SOL:.9f}"
    return text.rstrip("0").rstrip(".")
