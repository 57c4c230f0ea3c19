"""Objects, watches and logs of one session.

Here belongs the one state of the program and the log lines it has seen. Not here: who writes which object (`loop`) and
how it is drawn (`views`).
"""
