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

// clearTree removes a directory from where something else comes.
func clearTree(path string) error {
	found, err := os.Lstat(path)
	if err != nil || !found.IsDir() {
		return nil
	}
	return os.RemoveAll(path)
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
	temp, err := r.free(path)
	if err != nil {
		return err
	}
	if err := os.Symlink(target, temp); err != nil {
		return err
	}
	if err := r.own(temp, has.owner); err != nil {
		return discard(temp, err)
	}
	setTime(temp, has.mtime)
	if err := os.Rename(temp, path); err != nil {
		return discard(temp, err)
	}
	return nil
}

// writeFile puts a whole file to its place at once: who reads it meanwhile sees the old one or the new one.
func (r *receiver) writeFile(path string, content []byte, sum uint32, has attributes) error {
	if crc32.Checksum(content, sumTable) != sum {
		return fmt.Errorf("%s arrived damaged", path)
	}
	target, err := r.create(path)
	if err != nil {
		return err
	}
	if _, err := target.Write(content); err != nil {
		return target.abandon(err)
	}
	return target.finish(has)
}

// target is a file that is being written: a temporary one beside its place, or that one itself where nothing can be
// made beside it.
type target struct {
	*os.File
	path    string
	temp    string // empty: written in place
	by      *receiver
	inPlace bool
}

// free clears the way for a file and names one that is not there yet, in the same directory.
func (r *receiver) free(path string) (string, error) {
	if err := clearTree(path); err != nil {
		return "", err
	}
	folder := filepath.Dir(path)
	if err := os.MkdirAll(folder, 0o777); err != nil {
		return "", err
	}
	temp := filepath.Join(folder, temporary+strconv.Itoa(os.Getpid()))
	_ = os.Remove(temp) // left by one that was killed
	return temp, nil
}

func (r *receiver) create(path string) (*target, error) {
	temp, err := r.free(path)
	if err != nil {
		return nil, err
	}
	file, err := os.OpenFile(temp, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err == nil {
		return &target{File: file, path: path, temp: temp, by: r}, nil
	}
	file, inPlace := openInPlace(path)
	if inPlace != nil {
		return nil, &os.PathError{Op: "write", Path: path, Err: errors.Unwrap(err)}
	}
	return &target{File: file, path: path, by: r, inPlace: true}, nil
}

// openInPlace opens a file that is there and writable, though its directory is not.
func openInPlace(path string) (*os.File, error) {
	found, err := os.Lstat(path)
	if err != nil {
		return nil, err
	}
	if !found.Mode().IsRegular() {
		return nil, syscall.EINVAL
	}
	return os.OpenFile(path, os.O_WRONLY|os.O_TRUNC, 0)
}

func (t *target) abandon(err error) error {
	t.Close()
	if t.inPlace {
		return err
	}
	return discard(t.temp, err)
}

func discard(temp string, err error) error {
	_ = os.Remove(temp)
	return err
}

// finish gives the file its attributes and puts it where it belongs.
func (t *target) finish(has attributes) error {
	at := t.temp
	if t.inPlace {
		at = t.path
	}
	if err := t.by.own(at, has.owner); err != nil {
		return t.abandon(err)
	}
	// After the owner: a change of it takes some permissions away.
	if err := syscall.Fchmod(int(t.Fd()), has.mode&0o7777); err != nil && !(t.inPlace && errors.Is(err, os.ErrPermission)) {
		return t.abandon(&os.PathError{Op: "chmod", Path: t.path, Err: err})
	}
	setTime(at, has.mtime)
	if t.inPlace {
		return t.Close()
	}
	err := os.Rename(t.temp, t.path)
	if errors.Is(err, syscall.EBUSY) { // a file that is mounted
		err = t.copyInto()
	}
	if err != nil {
		return t.abandon(err)
	}
	return t.Close()
}

// copyInto writes over a file that cannot be replaced.
func (t *target) copyInto() error {
	defer os.Remove(t.temp)
	place, err := openInPlace(t.path)
	if err != nil {
		return err
	}
	defer place.Close()
	if _, err := t.Seek(0, io.SeekStart); err != nil {
		return err
	}
	_, err = io.Copy(place, t.File)
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
	const cwd, noFollow = -100, 0x100
	here := cwd
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
