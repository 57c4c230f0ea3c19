package main

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"unsafe"
)

// temporary begins the names of files that are not complete yet.
const temporary = ".synclet-"

var sumTable = crc32.IEEETable

// attributes are what a file has besides its content.
type attributes struct {
	mode  uint32
	mtime int64  // nanoseconds since 1970
	owner string // USER or USER:GROUP; empty: whoever receives it
}

// directory is one whose time is set when all is in it.
type directory struct {
	path  string
	mtime int64
}

// remove deletes whatever is at a path; it may be nothing.
func remove(path string) error {
	if err := syscall.Unlink(path); err == nil || err == syscall.ENOENT || err == syscall.ENOTDIR {
		return nil
	}
	return os.RemoveAll(path)
}

// clearLink removes what is no directory itself.
func clearLink(path string) error {
	found, err := os.Lstat(path)
	if err != nil || found.IsDir() {
		return nil
	}
	return os.Remove(path)
}

func (r *receiver) makeDirectory(path string, has attributes) error {
	if path != filepath.Clean(r.root) {
		if err := clearLink(path); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(path, 0o777); err != nil {
		return err
	}
	if err := syscall.Chmod(path, has.mode&0o7777); err != nil && !keepsMode(path, has.mode) {
		return &os.PathError{Op: "chmod", Path: path, Err: err}
	}
	r.directories = append(r.directories, directory{path, has.mtime})
	return r.own(path, has.owner)
}

// keepsMode says whether a path has the permissions already; then it does not matter that they cannot be set.
func keepsMode(path string, mode uint32) bool {
	var found syscall.Stat_t
	return syscall.Lstat(path, &found) == nil && found.Mode&0o7777 == mode&0o7777
}

// finishDirectories sets the times of directories, the deepest first.
func (r *receiver) finishDirectories() error {
	for i := len(r.directories) - 1; i >= 0; i-- {
		setTime(r.directories[i].path, r.directories[i].mtime)
	}
	r.directories = r.directories[:0]
	return nil
}

func (r *receiver) makeLink(path, target string, has attributes) error {
	temp := r.beside(path)
	err := os.Symlink(target, temp)
	if errors.Is(err, os.ErrNotExist) {
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			return err
		}
		err = os.Symlink(target, temp)
	}
	if errors.Is(err, os.ErrExist) {
		_ = os.RemoveAll(temp)
		err = os.Symlink(target, temp)
	}
	if err != nil {
		return &os.PathError{Op: "link", Path: path, Err: err.(*os.LinkError).Err}
	}
	if err := r.own(temp, has.owner); err != nil {
		return discard(temp, err)
	}
	setTime(temp, has.mtime)
	if err := r.swap(temp, path); err != nil {
		return discard(temp, err)
	}
	return nil
}

// writeFile puts a whole file to its place at once: who reads it meanwhile sees the old one or the new one.
func (r *receiver) writeFile(path string, content []byte, sum uint32, has attributes) error {
	if crc32.Checksum(content, sumTable) != sum {
		return fmt.Errorf("%s arrived damaged", path)
	}
	if known, ok := r.sums.files[path]; ok {
		if old, at := openOld(path); old != nil && at == known.version {
			defer r.kept.keep(path, old, known, int64(len(content)))
		} else if old != nil {
			old.Close()
		}
	}
	t, err := r.create(path, has)
	if err != nil {
		return err
	}
	for len(content) > 0 {
		size, err := writeOpen(t.descriptor, content)
		if err != nil {
			return t.abandon(&os.PathError{Op: "write", Path: path, Err: err})
		}
		content = content[size:]
	}
	return t.finish(has)
}

// target is a file that is being written: a temporary one beside its place, or that one itself where nothing can be
// made beside it. It is used by system calls alone, since there may be thousands.
type target struct {
	descriptor int
	path       string
	temp       string // the same as path: written in place
	by         *receiver
	before     syscall.Stat_t // what is replaced
}

// beside names a file in the directory of a path that is not there yet.
func (r *receiver) beside(path string) string {
	return path[:strings.LastIndexByte(path, '/')+1] + r.temporary
}

const writing = syscall.O_CREAT | syscall.O_EXCL | syscall.O_RDWR | syscall.O_CLOEXEC

// create begins a file. Its permissions are right from the start, where its owner is and the system allows it.
func (r *receiver) create(path string, has attributes) (*target, error) {
	temp, mode := r.beside(path), has.mode&0o777
	if has.owner != "" {
		mode = 0o600
	}
	if has.owner == "" {
		r.latestFile, r.latestMode = path, mode
		if descriptor, ok := r.named(temp, mode); ok {
			return &target{descriptor: descriptor, path: path, temp: temp, by: r}, nil
		}
	}
	descriptor, err := openFile(temp, writing, mode)
	switch err {
	case syscall.ENOENT:
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			return nil, err
		}
		descriptor, err = openFile(temp, writing, mode)
	case syscall.EEXIST: // left by one that was killed
		_ = os.RemoveAll(temp)
		descriptor, err = openFile(temp, writing, mode)
	}
	if err == nil {
		return &target{descriptor: descriptor, path: path, temp: temp, by: r}, nil
	}
	t := &target{path: path, temp: path, by: r}
	_ = syscall.Lstat(path, &t.before)
	var inPlace error
	if t.descriptor, inPlace = openInPlace(path); inPlace != nil {
		return nil, &os.PathError{Op: "write", Path: path, Err: err}
	}
	return t, nil
}

// distinct is a time of the last change that tells a file from the version that it replaces. Whoever compares whole
// seconds and sizes alone, as Python does with its bytecode and servers with their ETags, would take a second save
// within a second for the first one.
func (t *target) distinct(mtime, size int64) int64 {
	wanted := syscall.NsecToTimespec(mtime)
	if !isRegular(&t.before) || t.before.Size != size || wanted.Sec > t.before.Mtim.Sec || wanted == t.before.Mtim {
		return mtime
	}
	return (t.before.Mtim.Sec + 1) * 1e9
}

func isRegular(found *syscall.Stat_t) bool { return found.Mode&syscall.S_IFMT == syscall.S_IFREG }

// fromImage says whether what is replaced is most likely the image's: a file that has not changed since the container
// started. An overlay file system copies one that is to change places with another, and ten times as many bytes as a
// file of source code has are read and written before it is gone.
func (t *target) fromImage() bool {
	return isRegular(&t.before) && t.before.Ctim.Nano() < t.by.started
}

// openInPlace opens a file that is there and writable, though its directory is not.
func openInPlace(path string) (int, error) {
	var found syscall.Stat_t
	if err := syscall.Lstat(path, &found); err != nil {
		return 0, err
	}
	if !isRegular(&found) {
		return 0, syscall.EINVAL
	}
	return syscall.Open(path, syscall.O_WRONLY|syscall.O_TRUNC|syscall.O_CLOEXEC, 0)
}

func (t *target) inPlace() bool { return t.temp == t.path }

func (t *target) abandon(err error) error {
	defer syscall.Close(t.descriptor)
	if !t.inPlace() && os.Remove(t.temp) != nil { // a directory above it is another one by now: it is where that went
		place, _ := os.Readlink("/proc/self/fd/" + strconv.Itoa(t.descriptor))
		if filepath.Base(place) == filepath.Base(t.temp) {
			_ = os.Remove(place)
		}
	}
	return err
}

func discard(temp string, err error) error {
	_ = os.Remove(temp)
	return err
}

// finish gives the file its attributes and puts it where it belongs.
func (t *target) finish(has attributes) error {
	if err := t.by.own(t.temp, has.owner); err != nil {
		return t.abandon(err)
	}
	// After the owner: a change of it takes some permissions away.
	var now syscall.Stat_t
	known := statOpen(t.descriptor, &now) == nil
	if !known || now.Mode&0o7777 != has.mode&0o7777 {
		if err := syscall.Fchmod(t.descriptor, has.mode&0o7777); err != nil && !t.inPlace() {
			return t.abandon(&os.PathError{Op: "chmod", Path: t.path, Err: err})
		}
	}
	if !t.inPlace() && statPath(t.path, &t.before) != nil {
		t.before = syscall.Stat_t{}
	}
	mtime := has.mtime
	if known {
		mtime = t.distinct(mtime, now.Size)
	}
	setTimes(t.descriptor, mtime)
	if !t.inPlace() {
		put := t.by.swap
		if t.fromImage() {
			put = replace
		}
		err := put(t.temp, t.path)
		if errors.Is(err, syscall.EBUSY) { // a file that is mounted
			err = t.copyInto()
			setTime(t.path, mtime)
		}
		if err != nil {
			return t.abandon(err)
		}
	}
	if err := closeFile(t.descriptor); err != nil {
		return &os.PathError{Op: "write", Path: t.path, Err: err}
	}
	return nil
}

// swap puts something in the place of whatever is there, a directory too. The two change places, and the old one is
// removed: some file systems write a file to the disk at once that is renamed to the name of another.
func (r *receiver) swap(temp, path string) error {
	err := rename(temp, path, tradePlaces)
	if err == nil {
		r.giveWay()
		if unlink(temp) != nil {
			return os.RemoveAll(temp)
		}
		return nil
	}
	if err == syscall.EBUSY {
		return &os.PathError{Op: "write", Path: path, Err: err}
	}
	return replace(temp, path)
}

// replace renames something to the name of whatever is there.
func replace(temp, path string) error {
	err := rename(temp, path, 0)
	if err == syscall.EISDIR || err == syscall.ENOTEMPTY || err == syscall.EEXIST {
		if err := os.RemoveAll(path); err != nil {
			return err
		}
		err = rename(temp, path, 0)
	}
	if err != nil {
		return &os.PathError{Op: "write", Path: path, Err: err}
	}
	return nil
}

// copyInto writes over a file that cannot be replaced.
func (t *target) copyInto() error {
	defer os.Remove(t.temp)
	place, err := openInPlace(t.path)
	if err != nil {
		return &os.PathError{Op: "write", Path: t.path, Err: err}
	}
	into := os.NewFile(uintptr(place), t.path)
	defer into.Close()
	from, err := os.Open(t.temp)
	if err != nil {
		return err
	}
	defer from.Close()
	_, err = io.Copy(into, from)
	return err
}

// setTime sets the time of the last change, where that is allowed. Links are not followed.
func setTime(path string, nanoseconds int64) {
	name, err := syscall.BytePtrFromString(path)
	if err != nil {
		return
	}
	at := syscall.NsecToTimespec(nanoseconds)
	times := [2]syscall.Timespec{at, at}
	_, _, _ = syscall.Syscall6(syscall.SYS_UTIMENSAT, uintptr(here), uintptr(unsafe.Pointer(name)),
		uintptr(unsafe.Pointer(&times)), noFollow, 0, 0)
}

// own gives a path to somebody. Who may not do that keeps it, as with tar.
func (r *receiver) own(path, owner string) error {
	if owner == "" {
		return nil
	}
	user, group, err := r.owners.find(owner)
	if err != nil {
		return err
	}
	if err := os.Lchown(path, user, group); err != nil && os.Geteuid() == 0 {
		return err
	}
	return nil
}

// owners finds the numbers of users and groups, each looked up once.
type owners struct {
	root  string
	known map[string][2]int
}

func (o *owners) find(owner string) (user, group int, err error) {
	if found, ok := o.known[owner]; ok {
		return found[0], found[1], nil
	}
	name, groupName, hasGroup := strings.Cut(owner, ":")
	if user, err = strconv.Atoi(name); err == nil {
		group = user
	} else if user, group, err = o.user(name); err != nil {
		return 0, 0, err
	}
	if hasGroup && groupName != "" {
		if group, err = strconv.Atoi(groupName); err != nil {
			if group, err = o.group(groupName); err != nil {
				return 0, 0, err
			}
		}
	}
	if o.known == nil {
		o.known = map[string][2]int{}
	}
	o.known[owner] = [2]int{user, group}
	return user, group, nil
}

func (o *owners) user(name string) (user, group int, err error) {
	if name == "" || name == "root" {
		return 0, 0, nil
	}
	if words := o.line("/etc/passwd", name); len(words) >= 4 {
		user, err = strconv.Atoi(words[2])
		if err == nil {
			group, err = strconv.Atoi(words[3])
			return user, group, err
		}
	}
	return 0, 0, fmt.Errorf("the container has no user %q", name)
}

func (o *owners) group(name string) (int, error) {
	if words := o.line("/etc/group", name); len(words) >= 3 {
		return strconv.Atoi(words[2])
	}
	if name == "root" {
		return 0, nil
	}
	return 0, fmt.Errorf("the container has no group %q", name)
}

func (o *owners) line(file, name string) []string {
	content, _ := os.ReadFile(filepath.Join(o.root, file))
	for _, line := range strings.Split(string(content), "\n") {
		if words := strings.Split(line, ":"); words[0] == name {
			return words
		}
	}
	return nil
}
