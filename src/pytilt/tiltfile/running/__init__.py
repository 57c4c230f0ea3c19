"""A Tiltfile while it runs: what is asked of it, what it reads and starts, what it has declared so far.

Not here: its functions (`topics`), and what becomes of what it declared (`assembling`).
"""
