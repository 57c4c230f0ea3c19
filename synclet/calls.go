package main

import (
	"io"
	"sync"
	"sync/atomic"
	"syscall"
	"unsafe"
)

// The system calls of a small file's way, without what Go's runtime does around each of its own. For those it wakes a
// thread that watches over calls which last longer, `sysmon`: after a pause this takes a third of the processor time of
// a file that is received and written, and there may be a helper for each of many containers on a machine.
//
// The runtime takes the time in such calls for that of a program that computes: it interrupts them with signals, and a
// disk that makes one wait stops other goroutines meanwhile. So only the first calls of a batch are made like this.

// callsPastRuntime is enough for about five files: with more, what `sysmon` takes is little beside the rest.
const callsPastRuntime = 40

// pastRuntime is how many calls of the present batch are still made like this.
var pastRuntime atomic.Int32

// call makes a system call about files.
//
//go:uintptrescapes
func call(number, a, b, c, d, e uintptr) (uintptr, uintptr, syscall.Errno) {
	if pastRuntime.Load() <= 0 {
		return syscall.Syscall6(number, a, b, c, d, e, 0)
	}
	pastRuntime.Add(-1)
	return syscall.RawSyscall6(number, a, b, c, d, e, 0)
}

func failure(errno syscall.Errno) error {
	if errno != 0 {
		return errno
	}
	return nil
}

// again makes a call until no signal interrupts it.
func again(call func() (uintptr, uintptr, syscall.Errno)) (int, error) {
	for {
		result, _, errno := call()
		if errno != syscall.EINTR {
			return int(result), failure(errno)
		}
	}
}

// here is the directory that relative paths begin at; all are absolute.
var here = -100

func openFile(path string, flags int, mode uint32) (int, error) {
	name, err := syscall.BytePtrFromString(path)
	if err != nil {
		return -1, err
	}
	return again(func() (uintptr, uintptr, syscall.Errno) {
		return call(syscall.SYS_OPENAT, uintptr(here), uintptr(unsafe.Pointer(name)), uintptr(flags), uintptr(mode), 0)
	})
}

// writeOpen writes to an open file.
func writeOpen(descriptor int, content []byte) (int, error) {
	return again(func() (uintptr, uintptr, syscall.Errno) {
		return call(syscall.SYS_WRITE, uintptr(descriptor), uintptr(unsafe.Pointer(unsafe.SliceData(content))),
			uintptr(len(content)), 0, 0)
	})
}

// readSome reads what is there; the descriptor never blocks.
func readSome(descriptor uintptr, content []byte) (int, error) {
	return again(func() (uintptr, uintptr, syscall.Errno) {
		return syscall.RawSyscall(syscall.SYS_READ, descriptor, uintptr(unsafe.Pointer(unsafe.SliceData(content))),
			uintptr(len(content)))
	})
}

// writeSome writes what there is room for; the descriptor never blocks.
func writeSome(descriptor uintptr, content []byte) (int, error) {
	return again(func() (uintptr, uintptr, syscall.Errno) {
		return syscall.RawSyscall(syscall.SYS_WRITE, descriptor, uintptr(unsafe.Pointer(unsafe.SliceData(content))),
			uintptr(len(content)))
	})
}

// hasRoom says whether a connection takes something at once, or has ended.
func hasRoom(descriptor uintptr) bool {
	asked := struct {
		descriptor    int32
		events, found int16
	}{int32(descriptor), pollOut, 0}
	var none syscall.Timespec
	ready, _, _ := syscall.RawSyscall6(syscall.SYS_PPOLL, uintptr(unsafe.Pointer(&asked)), 1, uintptr(unsafe.Pointer(&none)), 0, 0, 0)
	return ready != 0
}

// pollOut is that event of `poll` (POLLOUT).
const pollOut = 4

// setTimes sets the time of the last change of an open file, where that is allowed.
func setTimes(descriptor int, nanoseconds int64) {
	at := syscall.NsecToTimespec(nanoseconds)
	times := [2]syscall.Timespec{at, at}
	_, _, _ = call(syscall.SYS_UTIMENSAT, uintptr(descriptor), 0, uintptr(unsafe.Pointer(&times)), 0, 0)
}

func statOpen(descriptor int, found *syscall.Stat_t) error {
	_, _, errno := call(syscall.SYS_FSTAT, uintptr(descriptor), uintptr(unsafe.Pointer(found)), 0, 0, 0)
	return failure(errno)
}

// statPath looks at a path itself, not where a link leads.
func statPath(path string, found *syscall.Stat_t) error {
	name, err := syscall.BytePtrFromString(path)
	if err != nil {
		return err
	}
	_, err = again(func() (uintptr, uintptr, syscall.Errno) {
		return call(fstatat, uintptr(here), uintptr(unsafe.Pointer(name)), uintptr(unsafe.Pointer(found)), noFollow, 0)
	})
	return err
}

// noFollow has a call take a link itself.
const noFollow = 0x100

// unlink removes what is no directory.
func unlink(path string) error {
	name, err := syscall.BytePtrFromString(path)
	if err != nil {
		return err
	}
	_, err = again(func() (uintptr, uintptr, syscall.Errno) {
		return call(syscall.SYS_UNLINKAT, uintptr(here), uintptr(unsafe.Pointer(name)), 0, 0, 0)
	})
	return err
}

// tradePlaces has `rename` make what is at two paths change places.
const tradePlaces = 2

// rename gives something another name; what had that before is gone.
func rename(from, to string, flags uintptr) error {
	first, err := syscall.BytePtrFromString(from)
	if err != nil {
		return err
	}
	second, err := syscall.BytePtrFromString(to)
	if err != nil {
		return err
	}
	number := uintptr(syscall.SYS_RENAMEAT) // which old systems have, too
	if flags != 0 {
		number = renameat2
	}
	_, err = again(func() (uintptr, uintptr, syscall.Errno) {
		return call(number, uintptr(here), uintptr(unsafe.Pointer(first)), uintptr(here),
			uintptr(unsafe.Pointer(second)), flags)
	})
	return err
}

// sleep does nothing for some microseconds. All of this program sleeps: another thread would be woken to go on.
func sleep(microseconds uint32) {
	for left := syscall.NsecToTimespec(int64(microseconds) * 1000); ; {
		_, _, errno := syscall.RawSyscall(syscall.SYS_NANOSLEEP, uintptr(unsafe.Pointer(&left)), uintptr(unsafe.Pointer(&left)), 0)
		if errno != syscall.EINTR {
			return
		}
	}
}

func closeFile(descriptor int) error {
	_, _, errno := call(syscall.SYS_CLOSE, uintptr(descriptor), 0, 0, 0, 0)
	return failure(errno)
}

// quick reads and writes a descriptor that never blocks a call, so that no thread has to watch over it.
type quick struct {
	raw              syscall.RawConn
	reading, writing flow
}

// flow is what is read or written just now. It is kept, as are the functions that do it: made anew for each call, they
// would be most of the garbage of this program.
type flow struct {
	sync.Mutex
	content   []byte
	done      int
	err       error
	try, once func(descriptor uintptr) bool // false where it has to wait
}

// quickly reads and writes a connection or a pipe in this way, where that has a descriptor.
func quickly(stream io.ReadWriter) io.ReadWriter {
	if system, ok := stream.(syscall.Conn); ok {
		if raw, err := system.SyscallConn(); err == nil {
			q := &quick{raw: raw}
			q.reading.try, q.writing.try, q.writing.once = q.reading.read, q.writing.write, q.writing.writeOnce
			return q
		}
	}
	return stream
}

func (f *flow) begin(content []byte) {
	f.Lock()
	f.content, f.done, f.err = content, 0, nil
}

// end returns what was done; the call itself may have failed.
func (f *flow) end(failed error) (done int, err error) {
	defer f.Unlock()
	f.content = nil
	if failed != nil {
		return f.done, failed
	}
	return f.done, f.err
}

func (f *flow) read(descriptor uintptr) bool {
	f.done, f.err = readSome(descriptor, f.content)
	return f.err != syscall.EAGAIN
}

func (f *flow) write(descriptor uintptr) bool {
	for f.done < len(f.content) {
		var size int
		if size, f.err = writeSome(descriptor, f.content[f.done:]); f.err != nil {
			return f.err != syscall.EAGAIN
		}
		f.done += size
	}
	return true
}

func (f *flow) writeOnce(descriptor uintptr) bool {
	f.done, f.err = writeSome(descriptor, f.content)
	return true
}

func (q *quick) Read(content []byte) (size int, err error) {
	if len(content) == 0 {
		return 0, nil
	}
	q.reading.begin(content)
	size, err = q.reading.end(q.raw.Read(q.reading.try))
	switch {
	case err != nil:
		return 0, err
	case size == 0:
		return 0, io.EOF
	}
	return size, nil
}

func (q *quick) Write(content []byte) (written int, err error) {
	q.writing.begin(content)
	return q.writing.end(q.raw.Write(q.writing.try))
}

func (q *quick) writeNow(content []byte) (written int, err error) {
	q.writing.begin(content)
	written, err = q.writing.end(q.raw.Write(q.writing.once))
	if err == syscall.EAGAIN {
		err = nil
	}
	return written, err
}

// awaitRoom waits until it takes something at once, or nothing any more.
func (q *quick) awaitRoom() { _ = q.raw.Write(hasRoom) }
