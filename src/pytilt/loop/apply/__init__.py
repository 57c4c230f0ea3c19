"""Objects on their way into the cluster and out of it: applied in order, remembered, repaired, deleted.

Not here: what runs of them afterwards (`pods`), and requests to a cluster (`kubernetes` and `engines`).
"""
