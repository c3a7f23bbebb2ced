"""The MintJob runner: every item of a job on the chain exactly once, whatever dies on the way.

Pure, without IO and with the time as an argument: `machine` (one transaction), `campaign` (all of them), `books`
(what is accounted for), `facts` and `extract` (what the chain says), `items`, `reconcile`, `treeplan`, `pricing`. The
rest does what these decide. The rules are in docs/minting-exactly-once.md.
"""
