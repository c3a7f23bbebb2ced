"""Webhooks on their way: who may be called, how a call is signed, made and tried again."""
