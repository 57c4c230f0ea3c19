"""The commands beside a session: about the project, the machine, `tilt` itself, and for editors and shells."""
