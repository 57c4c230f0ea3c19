"""Running the Tiltfile: again when a file of it changes; what it declares becomes the specs of all objects.

Not here: the language and its functions (`dialect` and `tiltfile`, outside of the loop).
"""
