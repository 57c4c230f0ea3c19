package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync"
)

// A session that brings the same files into many containers sends them to one helper only. That one, the leader, passes
// them on to the helpers of the other containers over the network of the pods, and their answers back.

// mostStrangers limits how many connections may be open to a helper that listens for its leader.
const mostStrangers = 8

// waitingRecords limits what is kept for a follower that does not take it.
const waitingRecords = 4

// largestAnswer limits what a follower says at once: the message of a failure names a path or two.
const largestAnswer = 32 * 1024

var errAnswer = errors.New("it answers wrongly")

// follower is the leader's side of a connection to another helper.
type follower struct {
	number  uint32
	records chan passedOn
	ended   chan struct{}
	once    sync.Once
	answer  func(kind byte, payload []byte)
}

// passedOn is a batch for a follower: its number there, and its frames, which all followers share.
type passedOn struct {
	number uint32
	frames []byte
}

// run connects, passes on what it is given, and reports every answer, until the connection breaks or is not wanted.
func (f *follower) run(address string, key []byte) {
	err := f.carry(address, key)
	f.end()
	message := "it was closed"
	if err != nil {
		message = err.Error()
	}
	f.answer(frameLost, []byte(message))
}

func (f *follower) carry(address string, key []byte) error {
	conn, err := net.DialTimeout("tcp", address, sealPatience)
	if err != nil {
		return err
	}
	defer conn.Close()
	s, err := seal(conn, key, true)
	if err != nil {
		return err
	}
	f.answer(frameJoined, nil)
	go func() { // a follower that was stopped takes nothing: only this ends a send to it
		<-f.ended
		conn.Close()
	}()
	go func() {
		defer conn.Close()
		for {
			select {
			case record := <-f.records:
				if s.send(binary.BigEndian.AppendUint32(nil, record.number), record.frames) != nil {
					return
				}
			case <-f.ended:
				return
			}
		}
	}()
	for {
		record, err := s.receive(largestAnswer)
		if err != nil {
			return err
		}
		if !isAnswer(record) {
			return errAnswer
		}
		f.answer(record[0], record[1:])
	}
}

// isAnswer says whether a record is what a follower may say: the session would give up the leader for anything else.
func isAnswer(record []byte) bool {
	return len(record) == 5 && record[0] == frameDone || len(record) >= 2 && record[0] == frameFailed
}

// pass has a record sent; a follower that does not keep up is given up.
func (f *follower) pass(record passedOn) {
	select {
	case f.records <- record:
	default:
		f.end()
	}
}

func (f *follower) end() { f.once.Do(func() { close(f.ended) }) }

// join makes another helper a follower, beside all else.
func (r *receiver) join(f *fields) error {
	number, key, address := f.u32(), append([]byte(nil), f.take(keySize)...), f.text()
	if f.err != nil {
		return f.err
	}
	r.leave(number)
	each := &follower{number: number, records: make(chan passedOn, waitingRecords), ended: make(chan struct{})}
	each.answer = func(kind byte, payload []byte) {
		// An error means that the stream has ended, and with it the program.
		_ = r.wire.send(frameRelayed, append(append(binary.BigEndian.AppendUint32(nil, number), kind), payload...))
	}
	if r.followers == nil {
		r.followers = map[uint32]*follower{}
	}
	r.followers[number] = each
	go each.run(address, key)
	return nil
}

// leave gives up a follower.
func (r *receiver) leave(number uint32) {
	if each, ok := r.followers[number]; ok {
		each.end()
		delete(r.followers, number)
	}
}

// relayed is a batch that is kept until it is complete, to be passed on and then carried out.
type relayed struct {
	followers [][2]uint32 // number of each, and of the batch for it
	frames    []byte
}

// beginRelay has what comes until the end of the batch passed on.
func (r *receiver) beginRelay(f *fields) error {
	r.relay = &relayed{}
	for len(f.rest) > 0 && f.err == nil {
		r.relay.followers = append(r.relay.followers, [2]uint32{f.u32(), f.u32()})
	}
	return f.err
}

// keep adds a frame to what is passed on.
func (b *relayed) keep(kind byte, payload []byte) error {
	if len(b.frames)+len(payload)+9 > largestRecord {
		return fmt.Errorf("a batch of more than %d bytes is not passed on", largestRecord)
	}
	b.frames = append(b.frames, kind)
	b.frames = binary.BigEndian.AppendUint32(b.frames, uint32(len(payload)))
	b.frames = append(b.frames, payload...)
	return nil
}

// passOn sends a batch to the followers, and then carries it out here.
func (r *receiver) passOn() error {
	batch := r.relay
	r.relay = nil
	for _, each := range batch.followers {
		if to, ok := r.followers[each[0]]; ok {
			to.pass(passedOn{each[1], batch.frames})
		}
	}
	return r.carryOut(batch.frames)
}

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
		if err := r.take(kind[0], payload); err != nil {
			return err
		}
	}
	return nil
}

// isChange says whether a frame is a whole change, which needs no answer to go on.
func isChange(kind byte) bool {
	switch kind {
	case frameUnlink, frameDelete, frameMkdir, frameLink, frameFile:
		return true
	}
	return false
}

// listen opens a port for the leader, who has the key. One that was open before is closed.
func (r *receiver) listen(f *fields) error {
	key := append([]byte(nil), f.take(keySize)...)
	if f.err != nil {
		return f.err
	}
	if r.door != nil {
		r.door.Close()
	}
	door, err := net.Listen("tcp", ":0")
	if err != nil {
		return r.send(frameListening, append([]byte{0, 0}, err.Error()...))
	}
	r.door = door
	go r.admit(door, key)
	port := door.Addr().(*net.TCPAddr).Port
	return r.send(frameListening, binary.BigEndian.AppendUint16(nil, uint16(port)))
}

// admit takes connections of whoever shows the key, few at a time, until the door is closed.
func (r *receiver) admit(door net.Listener, key []byte) {
	places := make(chan struct{}, mostStrangers)
	for {
		conn, err := door.Accept()
		if err != nil {
			return
		}
		select {
		case places <- struct{}{}:
			go func() {
				defer func() { <-places }()
				defer conn.Close()
				if s, err := seal(conn, key, false); err == nil {
					r.follow(s)
				}
			}()
		default:
			conn.Close()
		}
	}
}

// follow carries out what the leader passes on.
func (r *receiver) follow(s *sealed) {
	for {
		record, err := s.receive(largestRecord)
		if err != nil {
			return
		}
		for _, answer := range r.carryOutRelayed(record) {
			if s.send(answer) != nil {
				return
			}
		}
	}
}

// carryOutRelayed carries out a batch unless a later one has come by the stream meanwhile; returns the answers.
func (r *receiver) carryOutRelayed(record []byte) (answers [][]byte) {
	r.turn.Lock()
	defer r.turn.Unlock()
	f := &fields{rest: record}
	number := f.u32()
	if f.err != nil || number <= r.latest {
		return nil
	}
	r.diverted = func(kind byte, payload []byte) {
		answers = append(answers, append([]byte{kind}, payload...))
	}
	defer func() { r.diverted, r.failed = nil, false }()
	if err := r.carryOut(f.rest); err != nil {
		return append(answers, append([]byte{frameFailed, failureOther}, err.Error()...))
	}
	if err := r.commit(number); err != nil {
		return nil
	}
	return answers
}
