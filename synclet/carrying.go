package main

import (
	"encoding/binary"
	"errors"
	"io"
	"net/netip"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"
)

// Connections of port forwards can go straight from the session's machine into pods. The helper on that machine accepts
// them; see granting.go. It has the helper in the pod connect to the port there, and the two carry the bytes over a sealed
// connection, one forwarded connection after the other.

// roleForward is shown with the key by a connection that is for forwards.
const roleForward = 'f'

const (
	askPatience   = time.Second      // until the port in the pod has taken a connection
	lingering     = 5 * time.Second  // until a client ends once the pod's side has
	halfClosed    = 60 * time.Second // of silence in the pod once a client has said all
	idleForwards  = 16               // sealed connections that are kept for one follower
	newForwards   = 4                // that are opened at the same time; see mostStrangers
	smallestPiece = 4 * 1024
	largestPiece  = 32 * 1024
)

var errRefused = errors.New("nothing listens there")

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
	buffer := make([]byte, smallestPiece)
	for {
		size, err := conn.Read(buffer[recordHead : len(buffer)-recordEnd])
		if size > 0 {
			if _, err := s.sink.Write(s.enclose(buffer[:recordHead+size])); err != nil {
				return false
			}
		}
		if err == io.EOF {
			return s.send(nil) == nil
		}
		if err != nil {
			return false
		}
		if size == len(buffer)-recordHead-recordEnd && size < largestPiece {
			buffer = make([]byte, recordHead+largestPiece+recordEnd)
		}
	}
}

// drain writes what the other end sends, up to an empty record.
func (s *sealed) drain(conn *stream, leads bool, ended *atomic.Bool) bool {
	taken := true
	for {
		content, err := s.receive(largestPiece)
		if err != nil {
			return false
		}
		if len(content) == 0 {
			conn.CloseWrite()
			return true
		}
		if taken {
			if _, err := conn.Write(content); err != nil {
				if leads {
					return false
				}
				taken = false // a program may close before it has read all, and has said all the same what it says
			}
		}
		if leads && ended.Load() {
			s.SetReadDeadline(time.Now().Add(halfClosed))
		}
	}
}

// borrow gives a sealed connection for a forward: one that is kept, or a new one.
func (f *follower) borrow() (s *sealed, kept bool, err error) {
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
	s.buffer = nil
	if f.sealed == nil || len(f.idle) >= idleForwards {
		s.Close()
		return
	}
	f.idle = append(f.idle, s)
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
