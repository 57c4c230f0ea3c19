"""The helper program `synclet`: where its binaries are, and how to speak to it.

Here belongs what both sides must agree on: the words of its verbs, the statements of the forwarder's configuration, its
answers. The program itself is Go (`synclet/` beside `src`). Not here: starting containers (`docker`), and what a pod or
a live update wants of it (`engines`, `liveupdate`). Called by those two.
"""
