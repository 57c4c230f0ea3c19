"""What to update next, what keeps each resource waiting, and how a `tilt ci` ends: pure functions of the state.

Here belongs what decides. Not here: what starts an update (`updates`) or knows an outside. Called by all other
packages of the loop.
"""
