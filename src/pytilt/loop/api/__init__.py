"""The objects of Tilt's API group: one controller for each kind that a Tiltfile or a client makes.

Here belongs what follows `Cmd`, `FileWatch`, `KubernetesApply`, `ToggleButton` and the buttons of a resource. Not
here: their structs (`model.api`), and `KubernetesDiscovery`, which is about `pods`.
"""
