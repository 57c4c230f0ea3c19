"""What a cluster is: the seam to it, and the pure rules about its objects.

Here belongs what is true of every cluster: reading YAML, grouping objects into resources, putting images and labels
into them, the order of applying, reading a pod's health. Not here: anything that knows a particular cluster
(`kubernetes`, `engines`) or that starts work (`loop`). Nothing here does I/O; `seam` only says what others do.
"""
