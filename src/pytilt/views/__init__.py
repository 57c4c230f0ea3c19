"""Pure drawing data: objects in, rows and lines out; shared by every front end.

Here belongs what a status looks like to people and to the API's readers. Not here: colours of one terminal, HTML, I/O.
"""
