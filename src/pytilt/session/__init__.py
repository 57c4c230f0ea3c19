"""A session put together: every part made by hand, the way to its cluster, and what may be asked of it.

Here belongs what `up`, `ci` and `down` share: the project and its cluster, the composition of stores, controllers and
server, the requests that clients make. Not here: speaking to people (`cli`), and what the parts do. Called by `cli`.
"""
