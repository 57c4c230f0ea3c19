package main

import (
	"io"
	"net"
	"net/netip"
	"os"
	"sync"
	"syscall"
	"time"
	"unsafe"
)

// Connections of forwards, and the listeners they come from, past what Go's runtime does around each system call; see
// calls.go. `net` makes a dozen such calls for a connection, and each wakes the thread that watches over them, which
// then takes longer than the connection itself. No call here blocks: a stream that has to wait does so for a
// descriptor of `epoll`, for which a goroutine waits as for any other descriptor.

// stream is a TCP connection, or a listener.
type stream struct {
	descriptor int
	guard      sync.Mutex // of the descriptor, from being closed while it is used
	closed     bool
	over       chan struct{} // closed with it
	readable   chan struct{} // has something when reading may go on
	writable   chan struct{}
	limit      *time.Timer // of reading
	late       bool
}

// poller tells streams when they can go on.
type poller struct {
	sync.Mutex
	descriptor int
	streams    map[int32]*stream
}

var thePoller = struct {
	sync.Once
	poller *poller
	err    error
}{}

// eventsEdge has epoll say once that a descriptor is ready (EPOLLET, which is negative in package syscall).
const eventsEdge = 1 << 31

// startPoller starts the one of this process.
func startPoller() (*poller, error) {
	thePoller.Do(func() {
		descriptor, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
		if err == nil {
			err = syscall.SetNonblock(descriptor, true)
		}
		if err != nil {
			thePoller.err = err
			return
		}
		file := os.NewFile(uintptr(descriptor), "epoll")
		raw, err := file.SyscallConn()
		if err != nil {
			thePoller.err = err
			return
		}
		p := &poller{descriptor: descriptor, streams: map[int32]*stream{}}
		thePoller.poller = p
		go func() {
			_ = raw.Read(func(uintptr) bool {
				p.look()
				return false
			})
			file.Close()
		}()
	})
	return thePoller.poller, thePoller.err
}

// look tells all streams that are ready.
func (p *poller) look() {
	var events [32]syscall.EpollEvent
	for {
		count, err := again(func() (uintptr, uintptr, syscall.Errno) {
			return syscall.RawSyscall6(syscall.SYS_EPOLL_PWAIT, uintptr(p.descriptor), uintptr(unsafe.Pointer(&events)),
				uintptr(len(events)), 0, 0, 0)
		})
		if err != nil {
			return
		}
		p.Lock()
		for _, event := range events[:count] {
			s := p.streams[event.Fd]
			if s == nil {
				continue
			}
			const always = syscall.EPOLLERR | syscall.EPOLLHUP
			if event.Events&(syscall.EPOLLIN|syscall.EPOLLRDHUP|always) != 0 {
				wake(s.readable)
			}
			if event.Events&(syscall.EPOLLOUT|always) != 0 {
				wake(s.writable)
			}
		}
		p.Unlock()
		if count < len(events) {
			return
		}
	}
}

func wake(waiting chan struct{}) {
	select {
	case waiting <- struct{}{}:
	default:
	}
}

func (p *poller) control(operation int, descriptor int) error {
	event := syscall.EpollEvent{Fd: int32(descriptor), Events: syscall.EPOLLIN | syscall.EPOLLOUT | syscall.EPOLLRDHUP | eventsEdge}
	_, _, errno := syscall.RawSyscall6(syscall.SYS_EPOLL_CTL, uintptr(p.descriptor), uintptr(operation), uintptr(descriptor),
		uintptr(unsafe.Pointer(&event)), 0, 0)
	return failure(errno)
}

// newStream takes over a descriptor that never blocks; it is closed where that fails.
func newStream(descriptor int) (*stream, error) {
	p, err := startPoller()
	if err != nil {
		_ = closeNow(descriptor)
		return nil, err
	}
	s := &stream{
		descriptor: descriptor, over: make(chan struct{}), readable: make(chan struct{}, 1), writable: make(chan struct{}, 1),
	}
	p.Lock()
	defer p.Unlock()
	if err := p.control(syscall.EPOLL_CTL_ADD, descriptor); err != nil {
		_ = closeNow(descriptor)
		return nil, err
	}
	p.streams[int32(descriptor)] = s
	return s, nil
}

func closeNow(descriptor int) error {
	_, _, errno := syscall.RawSyscall(syscall.SYS_CLOSE, uintptr(descriptor), 0, 0)
	return failure(errno)
}

// use does something with the descriptor, unless that is closed.
func (s *stream) use(do func(descriptor uintptr) error) error {
	s.guard.Lock()
	defer s.guard.Unlock()
	if s.closed {
		return net.ErrClosed
	}
	return do(uintptr(s.descriptor))
}

// Close ends it at once. Copies that other processes have of its descriptor go on.
func (s *stream) Close() error {
	p, err := startPoller()
	if err != nil {
		return err
	}
	p.Lock()
	defer p.Unlock()
	return s.use(func(descriptor uintptr) error {
		s.closed = true
		close(s.over)
		if s.limit != nil {
			s.limit.Stop()
		}
		_ = p.control(syscall.EPOLL_CTL_DEL, s.descriptor) // it would go on where there are copies
		delete(p.streams, int32(s.descriptor))
		return closeNow(s.descriptor)
	})
}

// reset closes it so that the other side reads an error.
func (s *stream) reset() {
	linger := syscall.Linger{Onoff: 1}
	_ = s.use(func(descriptor uintptr) error {
		_, _, errno := syscall.RawSyscall6(syscall.SYS_SETSOCKOPT, descriptor, syscall.SOL_SOCKET, syscall.SO_LINGER,
			uintptr(unsafe.Pointer(&linger)), unsafe.Sizeof(linger), 0)
		return failure(errno)
	})
	s.Close()
}

// CloseWrite ends what this side says.
func (s *stream) CloseWrite() error {
	return s.use(func(descriptor uintptr) error {
		_, _, errno := syscall.RawSyscall(syscall.SYS_SHUTDOWN, descriptor, syscall.SHUT_WR, 0)
		return failure(errno)
	})
}

// limitReading has reading fail after a while.
func (s *stream) limitReading(patience time.Duration) {
	s.guard.Lock()
	defer s.guard.Unlock()
	switch {
	case s.closed:
	case s.limit == nil:
		s.limit = time.AfterFunc(patience, func() {
			s.guard.Lock()
			s.late = true
			s.guard.Unlock()
			wake(s.readable)
		})
	default:
		s.limit.Reset(patience)
	}
}

// readNow reads what is there; EAGAIN where that is nothing.
func (s *stream) readNow(content []byte) (size int, err error) {
	err = s.use(func(descriptor uintptr) (err error) {
		if s.late {
			return os.ErrDeadlineExceeded
		}
		size, err = readSome(descriptor, content)
		return err
	})
	if err != nil {
		return 0, err
	}
	if size == 0 && len(content) > 0 {
		return 0, io.EOF
	}
	return size, nil
}

// awaitRoom waits until it takes something at once, or nothing any more.
func (s *stream) awaitRoom() {
	for {
		full := false
		_ = s.use(func(descriptor uintptr) error {
			full = !hasRoom(descriptor)
			return nil
		})
		if !full || !s.wait(s.writable, nil) {
			return
		}
	}
}

// writeNow writes what there is room for.
func (s *stream) writeNow(content []byte) (written int, err error) {
	err = s.use(func(descriptor uintptr) (err error) {
		written, err = writeSome(descriptor, content)
		return err
	})
	if err == nil {
		return written, nil
	}
	if err == syscall.EAGAIN {
		err = nil
	}
	return 0, err
}

// Write writes all of it.
func (s *stream) Write(content []byte) (written int, err error) {
	for {
		size, err := s.writeNow(content[written:])
		written += size
		if err != nil || written == len(content) {
			return written, err
		}
		if size == 0 && !s.wait(s.writable, nil) {
			return written, net.ErrClosed
		}
	}
}

// wait waits until it may go on; false where it is closed, or a timer has fired.
func (s *stream) wait(ready chan struct{}, limit <-chan time.Time) bool {
	select {
	case <-ready:
		return true
	case <-s.over:
		return false
	case <-limit:
		return false
	}
}

// accept gives the next connection of a listener.
func (s *stream) accept() (*stream, error) {
	for {
		var accepted int
		err := s.use(func(descriptor uintptr) (err error) {
			accepted, err = again(func() (uintptr, uintptr, syscall.Errno) {
				const flags = syscall.SOCK_NONBLOCK | syscall.SOCK_CLOEXEC
				return syscall.RawSyscall6(syscall.SYS_ACCEPT4, descriptor, 0, 0, flags, 0, 0)
			})
			return err
		})
		switch {
		case err == syscall.EAGAIN:
			if !s.wait(s.readable, nil) {
				return nil, net.ErrClosed
			}
		case err == syscall.ECONNABORTED:
		case err != nil:
			return nil, err
		default:
			return newConnection(accepted)
		}
	}
}

// newConnection is a stream that sends what is written at once.
func newConnection(descriptor int) (*stream, error) {
	one := int32(1)
	_, _, _ = syscall.RawSyscall6(syscall.SYS_SETSOCKOPT, uintptr(descriptor), syscall.IPPROTO_TCP, syscall.TCP_NODELAY,
		uintptr(unsafe.Pointer(&one)), unsafe.Sizeof(one), 0)
	return newStream(descriptor)
}

// connectStream connects to an address; with a patience of 0 it takes as long as it takes.
func connectStream(place netip.AddrPort, patience time.Duration) (*stream, error) {
	address, size, family := socketAddress(place)
	descriptor, _, errno := syscall.RawSyscall(syscall.SYS_SOCKET, family,
		syscall.SOCK_STREAM|syscall.SOCK_NONBLOCK|syscall.SOCK_CLOEXEC, 0)
	if errno != 0 {
		return nil, errno
	}
	_, _, errno = syscall.RawSyscall(syscall.SYS_CONNECT, descriptor, uintptr(address), size)
	if errno != 0 && errno != syscall.EINPROGRESS {
		_ = closeNow(int(descriptor))
		return nil, errno
	}
	s, err := newConnection(int(descriptor))
	if err != nil || errno == 0 {
		return s, err
	}
	var limit <-chan time.Time
	if patience > 0 {
		timer := time.NewTimer(patience)
		defer timer.Stop()
		limit = timer.C
	}
	if !s.wait(s.writable, limit) {
		s.Close()
		return nil, os.ErrDeadlineExceeded
	}
	if err := s.use(connectionError); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// connectionError is why a connection was not made.
func connectionError(descriptor uintptr) error {
	var code, size = int32(0), uint32(4)
	_, _, errno := syscall.RawSyscall6(syscall.SYS_GETSOCKOPT, descriptor, syscall.SOL_SOCKET, syscall.SO_ERROR,
		uintptr(unsafe.Pointer(&code)), uintptr(unsafe.Pointer(&size)), 0)
	if errno == 0 {
		errno = syscall.Errno(code)
	}
	return failure(errno)
}

// socketAddress is an address as system calls take it.
func socketAddress(place netip.AddrPort) (address unsafe.Pointer, size, family uintptr) {
	port := place.Port()<<8 | place.Port()>>8 // most significant byte first
	if ip := place.Addr().Unmap(); ip.Is4() {
		raw := &syscall.RawSockaddrInet4{Family: syscall.AF_INET, Port: port, Addr: ip.As4()}
		return unsafe.Pointer(raw), unsafe.Sizeof(*raw), syscall.AF_INET
	}
	raw := &syscall.RawSockaddrInet6{Family: syscall.AF_INET6, Port: port, Addr: place.Addr().As16()}
	return unsafe.Pointer(raw), unsafe.Sizeof(*raw), syscall.AF_INET6
}
