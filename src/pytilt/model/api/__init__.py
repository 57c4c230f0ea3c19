"""The objects of Tilt's API group `tilt.dev/v1alpha1` that Tiltfiles and clients make: one module per kind.

Python names are those of the Tiltfile's functions, names on the wire are Tilt's. A new kind is a module here, a line in
`kinds`, and, where something is done about it, a controller in `loop`.
"""
