"""What runs in the cluster: the connection to it, its pods and events, their logs, the ports that lead to them.

Not here: how objects come into the cluster (`apply`), and files into containers (`live_updates`).
"""
