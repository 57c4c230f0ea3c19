package main

import (
	"io"
	"os"
	"syscall"
	"unsafe"
)

// pageSize is what the system copies at once.
const pageSize = 4096

// copyBuffer is how much is copied at once by reading and writing.
const copyBuffer = 512 * 1024

// copyPart copies a part of a file into another one, without reading it into memory where the system can do that.
func copyPart(old *os.File, into int, from, to, length int64) error {
	if (from-to)%pageSize != 0 { // then it is the slower way
		return copyThrough(old, into, from, to, length)
	}
	for length > 0 {
		source, target := from, to
		done, _, failed := syscall.Syscall6(copyFileRange, old.Fd(), uintptr(unsafe.Pointer(&source)),
			uintptr(into), uintptr(unsafe.Pointer(&target)), uintptr(length), 0)
		if failed != 0 || done == 0 {
			return copyThrough(old, into, from, to, length)
		}
		from, to, length = from+int64(done), to+int64(done), length-int64(done)
	}
	return nil
}

// copyThrough copies by reading and writing, where the system has no better way.
func copyThrough(old *os.File, into int, from, to, length int64) error {
	memory, err := syscall.Mmap(-1, 0, copyBuffer+pageSize, syscall.PROT_READ|syscall.PROT_WRITE,
		syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		return os.NewSyscallError("mmap", err)
	}
	defer syscall.Munmap(memory)
	buffer := memory[(from+gap(from, to))%pageSize:]
	for length > 0 {
		content := buffer[:min(length, copyBuffer)]
		if _, err := old.ReadAt(content, from); err == io.EOF { // somebody made it shorter
			return errBase
		} else if err != nil {
			return err
		}
		if err := writeAt(into, content, to); err != nil {
			return err
		}
		step := int64(len(content))
		from, to, length = from+step, to+step, length-step
	}
	return nil
}

// gap is how far behind what is copied a buffer is to begin, within their pages, on the way from one place of a file
// to another one. Many processors copy at half of their speed to what is at most 40 bytes behind that: they take what
// they write for what they still have to read. So neither the buffer nor, seen from it, the target may be there.
func gap(from, to int64) int64 {
	if shift := (to - from) & (pageSize - 1); shift >= pageSize/4 && shift < 3*pageSize/4 {
		return pageSize / 8
	}
	return pageSize / 2
}

// reserve gives a file its size, and its space in one piece where the file system can do that: what is written then
// needs a third less time, and that there is not enough of it is known before.
func reserve(descriptor int, size int64) error {
	switch err := syscall.Fallocate(descriptor, 0, 0, size); err {
	case nil:
		return nil
	case syscall.ENOSPC, syscall.EDQUOT, syscall.EFBIG:
		return os.NewSyscallError("write", err)
	}
	return os.NewSyscallError("truncate", syscall.Ftruncate(descriptor, size))
}
