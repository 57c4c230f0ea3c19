"""From what a Tiltfile declared to a `Declaration`, by Tilt's rules in Tilt's order, without I/O."""
