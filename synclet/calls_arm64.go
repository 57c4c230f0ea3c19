package main

// Numbers of system calls that the standard library does not name.
const (
	renameat2     = 276
	copyFileRange = 285
)
