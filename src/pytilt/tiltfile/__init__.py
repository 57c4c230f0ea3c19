"""The functions of the Tiltfile, by topic, and the assembly of what they declared.

Here belongs what a Tiltfile can call, and the rules that make a `Declaration` of it. Not here: the language
(`dialect`), and anything that acts on a declaration (`loop`).

The way of an evaluation: `evaluation` runs the files with the functions of `universe`. Those are methods of one class
per topic, in `topics`; `running.functions` converts their arguments by their annotations, which `arguments.conversions`
holds. They add to the `Script` of `running`, and what it has gathered is a `ScriptResult`. `assembling` makes a
declaration of that, without I/O.
"""
