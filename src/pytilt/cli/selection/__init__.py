"""Which objects a command line means: by kind and name, by files, by selectors, by conditions; as in kubectl.

Called by `objects`.
"""
