"""The demo: an example project, a container engine to run it on, and the story that is played with them.

`tilt demo` plays it. Nothing else of the program depends on what is here.
The folder `shop` is the example of that name.
"""
