"""The objects of the built-in context: their kinds, fields, labels, store, watches and events.

Here belongs what is true of every object. Not here: what a kind of object wants (`workloads`) or needs of the engine.
Called by every other part of `engines`.
"""
