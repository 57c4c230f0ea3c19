package main

import (
	"encoding/binary"
	"errors"
	"io"
	"net/netip"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// Connections of port forwards can go straight from the session's machine into pods. The helper on that machine accepts
// them; see granting.go. It has the helper in the pod connect to the port there, and the two carry the bytes over a sealed
// connection, one forwarded connection after the other.

// roleForward is shown with the key by a connection that is for forwards.
const roleForward = 'f'

const (
	askPatience  = time.Second      // until the port in the pod has taken a connection
	lingering    = 5 * time.Second  // until a client ends once the pod's side has
	halfClosed   = 60 * time.Second // of silence in the pod once a client has said all
	idleForwards = 16               // sealed connections that are kept for one follower
	newForwards  = 4                // that are opened at the same time; see mostStrangers
	mostForwards = 64               // that are open at the same time to one follower; the session carries what is above that
)

var (
	errRefused = errors.New("nothing listens there")
	errMany    = errors.New("too many connections are open")
)

// forwardsHere counts the connections that this helper carries.
var forwardsHere struct {
	sync.Mutex
	open, most int
}

// manyForwards so many at once leave memory behind that Go would keep.
const manyForwards = 16

// countForward counts one more, or one less. After many, the system gets back what they took.
func countForward(change int) {
	forwardsHere.Lock()
	defer forwardsHere.Unlock()
	forwardsHere.open += change
	if forwardsHere.most < forwardsHere.open {
		forwardsHere.most = forwardsHere.open
	}
	if forwardsHere.open > 0 || forwardsHere.most < manyForwards {
		return
	}
	forwardsHere.most = 0
	time.AfterFunc(time.Second, debug.FreeOSMemory)
}

// serveForwards connects to ports of this pod, for one forwarded connection after the other.
func serveForwards(s *sealed) {
	for {
		request, err := s.receive(2)
		if err != nil {
			return
		}
		f := fields{rest: request}
		conn, err := connectHere(f.u16())
		if err != nil {
			if s.send([]byte{1}) != nil {
				return
			}
			continue
		}
		if s.send(nil) != nil {
			conn.reset()
			return
		}
		countForward(1)
		goesOn := s.join(conn, false)
		countForward(-1)
		leave(litterOfForward)
		if !goesOn {
			return
		}
	}
}

// connectHere connects to a port of this host, as the kubelet does. It takes as long as it takes: who asks waits no longer
// than askPatience.
func connectHere(port uint16) (conn *stream, err error) {
	for _, host := range []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1}), netip.IPv6Loopback()} {
		if conn, err = connectStream(netip.AddrPortFrom(host, port), 0); err == nil {
			return conn, nil
		}
	}
	return nil, err
}

// ask has the other end connect to a port.
func (s *sealed) ask(port uint16) error {
	if err := s.SetDeadline(time.Now().Add(askPatience)); err != nil {
		return err
	}
	if err := s.send(binary.BigEndian.AppendUint16(nil, port)); err != nil {
		return err
	}
	answer, err := s.receive(1)
	if err == nil && len(answer) > 0 {
		err = errRefused
	}
	if err == nil || err == errRefused {
		if err := s.SetDeadline(time.Time{}); err != nil {
			return err
		}
	}
	return err
}

// join carries bytes between a sealed connection and another, and closes that, once both sides have ended; who leads has
// no patience with a side that does not. False where the sealed one is of no use any more.
func (s *sealed) join(conn *stream, leads bool) bool {
	var ended atomic.Bool // what the other one says
	filled := make(chan bool, 1)
	go func() {
		ok := s.fill(conn)
		ended.Store(ok)
		if !ok {
			s.Close()
		} else if leads {
			s.SetReadDeadline(time.Now().Add(halfClosed))
		}
		filled <- ok
	}()
	drained := s.drain(conn, leads, &ended)
	next := make(chan struct{})
	switch {
	case !drained:
		s.Close()
		conn.reset() // not all has come
		close(next)
	case leads:
		conn.limitReading(lingering)
		close(next)
	default:
		go func() { // what comes is asked for the next connection; an end is that of who leads
			if _, err := s.source.Peek(1); err != nil {
				conn.reset()
			}
			close(next)
		}()
	}
	whole := <-filled && drained
	conn.Close()
	<-next
	return whole && s.SetReadDeadline(time.Time{}) == nil
}

// fill sends what a connection says, and an empty record at its end.
func (s *sealed) fill(conn *stream) bool {
	for {
		s.sink.awaitRoom()
		piece := outward.lend()
		size, err := conn.readNow(piece[recordHead : recordHead+largestPiece])
		if err == nil {
			err = outward.deliver(s.sink, piece, s.enclose(piece[:recordHead+size]))
		} else {
			outward.giveBack(piece)
		}
		switch {
		case err == io.EOF:
			return s.send(nil) == nil
		case err == syscall.EAGAIN:
			if !conn.wait(conn.readable, nil) {
				return false
			}
		case err != nil:
			return false
		}
	}
}

// drain writes what the other end sends, up to an empty record.
func (s *sealed) drain(conn *stream, leads bool, ended *atomic.Bool) bool {
	taken := true
	for {
		size, err := s.nextSize(largestPiece)
		if err == nil {
			taken, err = s.pour(conn, size, taken)
		}
		switch {
		case err != nil:
			return false
		case size == 0:
			conn.CloseWrite()
			return true
		case !taken && leads: // a program may close before it has read all, and has said all the same what it says
			return false
		case leads && ended.Load():
			s.SetReadDeadline(time.Now().Add(halfClosed))
		}
	}
}

// pour writes the content of the next record, as long as it is taken; returns whether it still is.
func (s *sealed) pour(conn *stream, size int, taken bool) (bool, error) {
	takes := taken && size > 0
	if s.source.Buffered() >= size+recordEnd { // a small one does not wait for large ones
		record, _ := s.source.Peek(size + recordEnd)
		_, _ = s.source.Discard(len(record))
		content, err := s.decrypt(record)
		if err == nil && takes {
			_, failed := conn.Write(content)
			taken = failed == nil
		}
		return taken, err
	}
	if takes {
		conn.awaitRoom()
	}
	piece := inward.lend()
	content, err := s.open(piece[:size+recordEnd])
	if err != nil || !takes {
		inward.giveBack(piece)
		return taken, err
	}
	return inward.deliver(conn, piece, content) == nil, nil
}

// borrow gives a sealed connection for a forward: one that is kept, or a new one.
func (f *follower) borrow() (s *sealed, kept bool, err error) {
	if !f.enter() {
		return nil, false, errMany
	}
	if s, kept, err = f.idleOrNew(); err != nil {
		<-f.inUse
		return nil, false, err
	}
	s.lentTo.Store(f)
	return s, kept, nil
}

// enter waits while too many are in use, as long as some of those end.
func (f *follower) enter() bool {
	select {
	case f.inUse <- struct{}{}:
		return true
	default:
	}
	for ended := f.ends.Load(); ; {
		select {
		case f.inUse <- struct{}{}:
			return true
		case <-time.After(askPatience):
			before := ended
			if ended = f.ends.Load(); ended == before {
				return false
			}
		}
	}
}

// release makes room for the next forward, if it has not done so yet.
func (s *sealed) release() {
	if f := s.lentTo.Swap(nil); f != nil {
		f.ends.Add(1)
		<-f.inUse
	}
}

// Close makes room for the next forward, too.
func (s *sealed) Close() error {
	s.release()
	return s.Conn.Close()
}

func (f *follower) idleOrNew() (s *sealed, kept bool, err error) {
	if s = f.idleForward(); s != nil {
		return s, true, nil
	}
	f.opening <- struct{}{}
	defer func() { <-f.opening }()
	if s = f.idleForward(); s != nil { // it has become free meanwhile
		return s, true, nil
	}
	conn, err := connect("tcp", f.address, askPatience)
	if err != nil {
		return nil, false, err
	}
	if s, err = seal(conn, f.key, true, roleForward); err != nil {
		conn.Close()
	}
	return s, false, err
}

func (f *follower) idleForward() (s *sealed) {
	f.sending.Lock()
	defer f.sending.Unlock()
	if last := len(f.idle) - 1; last >= 0 {
		s, f.idle = f.idle[last], f.idle[:last]
	}
	return s
}

// giveBack keeps a sealed connection for the next forward.
func (f *follower) giveBack(s *sealed) {
	f.sending.Lock()
	defer f.sending.Unlock()
	if f.sealed == nil || len(f.idle) >= idleForwards {
		s.Close()
		return
	}
	f.idle = append(f.idle, s)
	s.release()
}

// connectThere has the helper in the pod connect to a port.
func (f *follower) connectThere(port uint16) (*sealed, error) {
	for {
		s, kept, err := f.borrow()
		if err != nil {
			return nil, err
		}
		if err = s.ask(port); err == nil {
			return s, nil
		}
		if err == errRefused {
			f.giveBack(s)
			return nil, err
		}
		s.Close()
		if !kept {
			return nil, err
		}
	}
}
