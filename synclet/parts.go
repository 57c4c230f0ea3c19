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

// Where lseek finds the next byte of a file that is in no hole, and the next hole.
const (
	seekData = 3
	seekHole = 4
)

// nextData is the next place with data in a part of a file, empty at its end where there is none.
func nextData(file *os.File, from, end int64) (start, stop int64) {
	start, err := syscall.Seek(int(file.Fd()), from, seekData)
	if err == syscall.ENXIO { // a hole up to the end, or somebody made it shorter
		return end, end
	}
	if err != nil { // there are no holes in this file system
		return from, end
	}
	if stop, err = syscall.Seek(int(file.Fd()), start, seekHole); err != nil {
		stop = end
	}
	return min(start, end), min(stop, end)
}

// copyPart copies a part of a file into another one that has nothing there yet. Holes stay holes.
func copyPart(old *os.File, into int, from, to, length int64) error {
	shift, end := to-from, from+length
	for from < end {
		start, stop := nextData(old, from, end)
		if err := copyData(old, into, start, start+shift, stop-start); err != nil {
			return err
		}
		from = stop
	}
	return nil
}

// copyData copies a part of a file without reading it into memory where the system can do that.
func copyData(old *os.File, into int, from, to, length int64) error {
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

// reserve gives a part of a file its space in one piece where the file system can do that: what is written then needs a
// third less time, and that there is not enough of it is known before.
func reserve(descriptor int, start, length int64) error {
	switch err := syscall.Fallocate(descriptor, 0, start, length); err {
	case syscall.ENOSPC, syscall.EDQUOT, syscall.EFBIG:
		return os.NewSyscallError("write", err)
	}
	return nil
}

// isSparse says whether a file takes less space than it has bytes.
func isSparse(file *os.File) bool {
	var found syscall.Stat_t
	return syscall.Fstat(int(file.Fd()), &found) == nil && found.Blocks*512 < found.Size
}
