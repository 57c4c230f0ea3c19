package main

import "syscall"

// Numbers of system calls that the standard library does not name, or not by one name for all machines.
const (
	renameat2     = 316
	fstatat       = syscall.SYS_NEWFSTATAT
	tmpfile       = 0o20200000 // O_TMPFILE
	copyFileRange = 326
)
