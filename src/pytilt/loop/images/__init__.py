"""The images of a session: built when they are stale, published when they are new, put back when they are lost, pruned.

Not here: how one image is built and pushed (`images`, outside of the loop).
"""
