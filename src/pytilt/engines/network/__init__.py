"""The network of a project: its infrastructure in the engine, Services and Ingresses, ways into containers.

Here belongs what makes names and ports reach pods. Not here: running pods (`pods`). Called by `health`, `pods` and
`engines.cluster`.
"""
