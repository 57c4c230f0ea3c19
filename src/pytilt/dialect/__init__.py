"""The language of Tiltfiles, alone: check, rewrite, run; values and errors.

Here belongs what a Starlark programmer would call the language: grammar, values, built-in functions of the language
itself, modules and `load`, tracebacks. Not here: any function of Tilt's (`tiltfile`), any I/O.
"""
