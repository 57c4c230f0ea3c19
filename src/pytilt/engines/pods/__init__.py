"""Running pods: from an object of kind Pod to containers of the engine, from its first moment to its last.

Here belongs what starts and ends containers, and what leads into them. Not here: which pods there are to be
(`workloads`), reading their specs (`podspec`). Called by `engines.cluster`.
"""
