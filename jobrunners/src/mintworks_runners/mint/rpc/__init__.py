"""JSON-RPC to several endpoints of one chain: failover, health, a request budget, and the calls that minting
needs.
"""
