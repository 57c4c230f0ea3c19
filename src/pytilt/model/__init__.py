"""The nouns of pytilt: frozen values, ids and choices, one module per noun.

Here belongs what several packages talk about: what a Tiltfile declared, what runs, what a status says, what a log
line is. Not here: anything that does I/O, reads a clock or decides. Every package may import this one; it imports
nothing of pytilt but `errors`.
"""
