package main

import (
	"os"
	"syscall"
)

// mostKept limits how many old versions are kept, and so the space that they take.
const mostKept = 4

// keptFile is a version of a large file that was replaced by a shorter one: perhaps it is only being written anew, and
// most of it comes again.
type keptFile struct {
	*os.File
	size     int64
	modified syscall.Timespec
	known    knownSums
}

// keptFiles are those versions, by path.
type keptFiles map[string]keptFile

// find returns the version that is kept of a path, if it is longer than what is there and nobody has changed it.
func (k keptFiles) find(path string, size int64) (keptFile, bool) {
	kept, ok := k[path]
	if !ok {
		return keptFile{}, false
	}
	var found syscall.Stat_t
	if err := syscall.Fstat(int(kept.Fd()), &found); err != nil || found.Mtim != kept.modified || found.Size != kept.size {
		k.drop(path)
		return keptFile{}, false
	}
	return kept, kept.size > size
}

// keep takes over a file that is about to be replaced by one of another size.
func (k keptFiles) keep(path string, old *os.File, known knownSums, size int64) {
	var found syscall.Stat_t
	if kept, ok := k.find(path, size); ok && kept.File != old {
		release(old) // the one that is kept already is the better one
		return
	}
	if err := syscall.Fstat(int(old.Fd()), &found); err != nil || found.Size <= size || len(k) >= mostKept {
		release(old)
		k.drop(path)
		return
	}
	k.drop(path)
	k[path] = keptFile{old, found.Size, found.Mtim, known}
}

// dropAll gives their space back.
func (k keptFiles) dropAll() {
	for path := range k {
		k.drop(path)
	}
}

func (k keptFiles) drop(path string) {
	if kept, ok := k[path]; ok {
		release(kept.File)
		delete(k, path)
	}
}

// release closes a file that has no name any more, beside what goes on: the system then frees all of its content.
func release(file *os.File) {
	go file.Close()
}
