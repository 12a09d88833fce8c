"""Contracts between daydream's services: events, requests, errors and the topology.

Needs pydantic only.
"""
