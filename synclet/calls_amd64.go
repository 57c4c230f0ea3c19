package main

// Numbers of system calls that the standard library does not name.
const (
	renameat2     = 316
	copyFileRange = 326
)
