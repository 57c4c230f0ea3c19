package main

import (
	"encoding/binary"
	"fmt"
	"net"
	"strconv"
	"sync"
)

// carryOut takes frames that have come together.
func (r *receiver) carryOut(frames []byte) error {
	f := &fields{rest: frames}
	for len(f.rest) > 0 {
		kind := f.take(1)
		payload := f.take(int(f.u32()))
		if f.err != nil {
			return f.err
		}
		if !isChange(kind[0]) {
			return fmt.Errorf("frame %s is not passed on", strconv.QuoteRune(rune(kind[0])))
		}
		r.last = len(f.rest) == 0
		if err := r.take(kind[0], payload); err != nil {
			return err
		}
	}
	r.giveWay()
	return nil
}

// giveWay leaves the processors to the other followers for a moment, once all of a batch is in its place: what was
// there before goes when all have theirs, and then the answers.
func (r *receiver) giveWay() {
	if r.pause > 0 && r.last {
		sleep(r.pause)
		r.pause = 0
	}
}

// isChange says whether a frame is a whole change, which needs no answer to go on.
func isChange(kind byte) bool {
	switch kind {
	case frameUnlink, frameDelete, frameMkdir, frameLink, frameFile:
		return true
	}
	return false
}

// mostStrangers limits how many connections may be open to a helper that have not shown the key yet.
const mostStrangers = 8

// lowestPort is above those that Linux takes for connections to elsewhere, and programs hardly listen there.
const lowestPort = 61000

// triedPorts limits how many of them are tried.
const triedPorts = 16

// listen opens a port for the leader, who has the key. One that was open before is closed.
func (r *receiver) listen(f *fields) error {
	key := append([]byte(nil), f.take(keySize)...)
	var taken []int
	for len(f.rest) > 0 && f.err == nil {
		taken = append(taken, int(f.u16()))
	}
	if f.err != nil {
		return f.err
	}
	if r.door != nil {
		r.door.Close()
	}
	door, err := open(taken)
	if err != nil {
		return r.send(frameListening, append([]byte{0, 0}, err.Error()...))
	}
	r.door = door
	go r.admit(door, key)
	port := door.Addr().(*net.TCPAddr).Port
	return r.send(frameListening, binary.BigEndian.AppendUint16(nil, uint16(port)))
}

// open listens at a port that the container's programs are least likely to want.
func open(taken []int) (net.Listener, error) {
	random := make([]byte, 2*triedPorts)
	if err := fillRandom(random); err != nil {
		return nil, err
	}
	for ; len(random) > 0; random = random[2:] {
		port := lowestPort + int(binary.BigEndian.Uint16(random))%(65536-lowestPort)
		if contains(taken, port) {
			continue
		}
		if door, err := listenTCP("tcp", ":"+strconv.Itoa(port)); err == nil {
			return door, nil
		}
	}
	return listenTCP("tcp", ":0")
}

func contains(ports []int, port int) bool {
	for _, each := range ports {
		if each == port {
			return true
		}
	}
	return false
}

// lobby holds the connections that have not shown the key yet, the oldest first, and the one that has.
type lobby struct {
	sync.Mutex
	waiting []net.Conn
	inside  net.Conn
}

// enter takes in another connection. Who has waited longest makes room for it: whoever has the key shows it at once.
func (l *lobby) enter(conn net.Conn) {
	l.Lock()
	defer l.Unlock()
	if len(l.waiting) >= mostStrangers {
		l.waiting[0].Close()
		l.waiting = l.waiting[1:]
	}
	l.waiting = append(l.waiting, conn)
}

// leave takes out a connection. One that has the key replaces the one that had it before.
func (l *lobby) leave(conn net.Conn, hasKey bool) {
	l.Lock()
	defer l.Unlock()
	for i, each := range l.waiting {
		if each == conn {
			l.waiting = append(l.waiting[:i:i], l.waiting[i+1:]...)
			break
		}
	}
	if hasKey {
		if l.inside != nil {
			l.inside.Close()
		}
		l.inside = conn
	}
}

// admit takes connections of whoever shows the key, until the door is closed.
func (r *receiver) admit(door net.Listener, key []byte) {
	var strangers lobby
	for {
		conn, err := door.Accept()
		if err != nil {
			return
		}
		strangers.enter(conn)
		go func() {
			defer conn.Close()
			s, err := seal(conn, key, false, 0)
			strangers.leave(conn, err == nil && s.role != roleForward)
			switch {
			case err != nil:
			case s.role == roleForward:
				serveForwards(s)
			default:
				r.follow(s)
			}
		}()
	}
}

// follow carries out what the leader passes on.
func (r *receiver) follow(s *sealed) {
	for {
		number, pause, frames, err := readBatch(s)
		if err != nil {
			return
		}
		answers := r.carryOutRelayed(number, pause, frames)
		freeBatch(frames)
		for _, answer := range answers {
			if s.send(answer) != nil {
				return
			}
		}
		r.turn.Lock()
		r.prepare()
		r.turn.Unlock()
	}
}

// carryOutRelayed carries out a batch unless a later one has come by the stream meanwhile; returns the answers.
func (r *receiver) carryOutRelayed(number, pause uint32, frames []byte) (answers [][]byte) {
	r.turn.Lock()
	defer r.turn.Unlock()
	if number <= r.latest {
		return nil
	}
	r.diverted = func(kind byte, payload []byte) {
		answers = append(answers, append([]byte{kind}, payload...))
	}
	r.pause = pause
	defer func() { r.diverted, r.failed, r.pause = nil, false, 0 }()
	if err := r.carryOut(frames); err != nil {
		return append(answers, append([]byte{frameFailed, failureOther}, err.Error()...))
	}
	if err := r.commit(number); err != nil {
		return nil
	}
	return answers
}
