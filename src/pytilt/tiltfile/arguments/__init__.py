"""What the functions of a Tiltfile take and return: values, and how arguments become values of ours.

Not here: the functions (`topics`), and the script that calls them (`running`).
"""
