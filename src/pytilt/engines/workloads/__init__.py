"""What each kind of workload wants next, as pure functions of the workload and of what it owns.

Here belongs deciding. Not here: running pods, storing, waiting. The loop that asks them is `controllers`.
"""
