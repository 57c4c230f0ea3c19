"""A pod's spec read: its environment, files, volumes, containers, probes and next step. Pure.

Here belongs translating a spec into what the engine understands. Not here: asking the engine for it (`pods`).
"""
