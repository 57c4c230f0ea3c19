package main

import "syscall"

// Numbers of system calls that the standard library does not name, or not by one name for all machines.
const (
	renameat2     = 276
	fstatat       = syscall.SYS_FSTATAT
	tmpfile       = 0o20040000 // O_TMPFILE
	copyFileRange = 285
)
