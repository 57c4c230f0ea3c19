package main

import (
	"strconv"
	"strings"
	"syscall"
	"unsafe"
)

// prepared is a file without a name, made ahead of time: to give it one takes a third of what it takes to make a file
// while others wait for the processor. What is saved next is most often in the same directory.
type prepared struct {
	descriptor int
	directory  string
	changed    syscall.Timespec // when the directory was changed last
	mode       uint32
}

// prepare makes a file for the next one like the last one, where the file system can do that.
func (r *receiver) prepare() {
	path, mode := r.latestFile, r.latestMode
	r.latestFile = ""
	if path == "" || r.prepared != nil {
		return
	}
	directory := path[:strings.LastIndexByte(path, '/')+1]
	descriptor, err := openFile(directory, tmpfile|syscall.O_RDWR|syscall.O_CLOEXEC, mode)
	if err != nil {
		return
	}
	p := &prepared{descriptor: descriptor, directory: directory, mode: mode}
	if p.changed, err = changeOf(directory); err != nil {
		syscall.Close(descriptor)
		return
	}
	r.prepared = p
}

// changeOf is when a directory was changed last: a file in it may get its group and permissions from it.
func changeOf(directory string) (syscall.Timespec, error) {
	var found syscall.Stat_t
	err := statPath(directory, &found)
	return found.Ctim, err
}

// named gives the prepared file a name where it is what would be made there now; returns its descriptor.
func (r *receiver) named(temp string, mode uint32) (descriptor int, ok bool) {
	p := r.prepared
	if p == nil {
		return 0, false
	}
	r.prepared = nil
	if p.mode == mode && temp[:strings.LastIndexByte(temp, '/')+1] == p.directory {
		if changed, err := changeOf(p.directory); err == nil && changed == p.changed && link(p.descriptor, temp) == nil {
			return p.descriptor, true
		}
	}
	syscall.Close(p.descriptor)
	return 0, false
}

// link gives an open file a name.
func link(descriptor int, path string) error {
	to, err := syscall.BytePtrFromString(path)
	if err != nil {
		return err
	}
	if !linksByPath {
		const emptyPath = 0x1000 // the descriptor is the file
		if err = linkAt(descriptor, "", to, emptyPath); err != syscall.ENOENT {
			return err
		}
		linksByPath = true
	}
	const followLink = 0x400
	return linkAt(here, "/proc/self/fd/"+strconv.Itoa(descriptor), to, followLink)
}

// linksByPath says that the kernel gives an open file a name only by its path: before Linux 6.10 the other way takes a
// capability.
var linksByPath bool

func linkAt(directory int, source string, to *byte, flags uintptr) error {
	from, err := syscall.BytePtrFromString(source)
	if err != nil {
		return err
	}
	_, err = again(func() (uintptr, uintptr, syscall.Errno) {
		return call(syscall.SYS_LINKAT, uintptr(directory), uintptr(unsafe.Pointer(from)), uintptr(here),
			uintptr(unsafe.Pointer(to)), flags)
	})
	return err
}
