"""The functions of the Tiltfile, by topic, and the assembly of what they declared.

Here belongs what a Tiltfile can call, and the rules that make a `Declaration` of it. Not here: the language
(`dialect`), and anything that acts on a declaration (`loop`).
"""
