"""Updates in place: the streams into containers, which are kept open, and what is sent through them.

Not here: which steps bring a file into a container, and their protocol (`liveupdate`, outside of the loop).
"""
