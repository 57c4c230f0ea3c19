package main

import (
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// follower is the leader's side of a connection to another helper.
type follower struct {
	address  string
	key      []byte
	farthest time.Duration
	sending  sync.Mutex
	sealed   *sealed // once it is connected
	raw      syscall.RawConn
	waiting  int // records that are not sent yet
	unheard  int // batches that it has not acknowledged
	heard    *heard
	records  chan []byte
	ended    chan struct{}
	once     sync.Once
	answer   func(kind byte, payload []byte)
	idle     []*sealed     // connections that wait for a forward
	opening  chan struct{} // has room for those that are being made
	inUse    chan struct{} // and for those that carry a forward
	ends     atomic.Uint32 // of forwards
}

// run connects, and reports every answer, until the connection breaks or is not wanted.
func (f *follower) run() {
	err := f.carry()
	f.end()
	f.sending.Lock()
	f.sealed = nil
	for _, each := range f.idle {
		each.Close()
	}
	f.idle = nil
	f.heard.expect(-f.unheard)
	f.unheard = 0
	f.sending.Unlock()
	message := "it was closed"
	if err != nil {
		message = err.Error()
	}
	f.answer(frameLost, []byte(message))
}

func (f *follower) carry() error {
	began := time.Now()
	conn, err := connect("tcp", f.address, sealPatience)
	if err != nil {
		return err
	}
	defer conn.Close()
	if f.farthest > 0 && time.Since(began) > f.farthest {
		return errFar
	}
	s, err := seal(conn, f.key, true, 0)
	if err != nil {
		return err
	}
	raw, err := conn.(*net.TCPConn).SyscallConn()
	if err != nil {
		return err
	}
	f.sending.Lock()
	f.sealed, f.raw = s, raw
	f.sending.Unlock()
	f.answer(frameJoined, nil)
	go func() { // a follower that was stopped takes nothing: only this ends a send to it
		<-f.ended
		conn.Close()
	}()
	go f.sendWaiting(conn)
	for {
		record, err := s.receive(largestAnswer)
		if err != nil {
			return err
		}
		if !isAnswer(record) {
			return errAnswer
		}
		if record[0] == frameDone {
			f.hear()
		}
		f.answer(record[0], record[1:])
	}
}

// hear counts an acknowledgement.
func (f *follower) hear() {
	f.sending.Lock()
	defer f.sending.Unlock()
	if f.unheard > 0 {
		f.unheard--
		f.heard.expect(-1)
	}
}

// sendWaiting sends what the system did not take at once.
func (f *follower) sendWaiting(conn net.Conn) {
	for {
		select {
		case record := <-f.records:
			if _, err := conn.Write(record); err != nil {
				f.end()
				return
			}
			f.sending.Lock()
			f.waiting--
			f.sending.Unlock()
		case <-f.ended:
			return
		}
	}
}

// isAnswer says whether a record is what a follower may say: the session would give up the leader for anything else.
func isAnswer(record []byte) bool {
	return len(record) == 5 && record[0] == frameDone || len(record) >= 2 && record[0] == frameFailed
}

// pass sends a batch: at once as far as the system takes it, the rest beside all else. A follower that does not keep up
// is given up.
func (f *follower) pass(number uint32, batch *packed) {
	f.sending.Lock()
	defer f.sending.Unlock()
	if f.sealed == nil {
		f.end()
		return
	}
	f.unheard++
	f.heard.expect(1)
	record := f.sealed.record(batch.head(number))
	if len(batch.content) < smallBatch {
		record = append(record, batch.content...)
		f.push(record)
		return
	}
	f.push(record)
	f.push(batch.content)
}

// smallBatch is one that is sent by one system call with its head.
const smallBatch = 8 * 1024

func (f *follower) push(content []byte) {
	if f.waiting == 0 {
		// An error shows when the rest is sent.
		_ = f.raw.Write(func(descriptor uintptr) bool {
			if size, err := writeSome(descriptor, content); err == nil {
				content = content[size:]
			}
			return true
		})
		if len(content) == 0 {
			return
		}
	}
	select {
	case f.records <- content:
		f.waiting++
	default:
		f.end()
	}
}

func (f *follower) end() { f.once.Do(func() { close(f.ended) }) }
