"""The verbs of the API, as in kubectl: `tilt get`, `describe`, `create`, `apply`, `patch`, `wait` and others."""
