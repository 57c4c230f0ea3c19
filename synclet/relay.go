package main

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// A session that brings the same files into many containers sends them to one helper only. That one, the leader, passes
// them on to the helpers of the other containers over the network of the pods, and their answers back. The leader is in
// one of the containers, or on the session's machine (`synclet relay`), where that reaches the network of the pods.

// waitingRecords limits what is kept for a follower that does not take it.
const waitingRecords = 4

// largestAnswer limits what a follower says at once: the message of a failure names a path or two.
const largestAnswer = 32 * 1024

var (
	errAnswer = errors.New("it answers wrongly")
	errFar    = errors.New("it is too far away")
)

// relay leads helpers in containers from the machine of the session, and carries out nothing itself; see frames.go.
//
//	synclet relay [CHANNEL]
//
// It ends when its standard input does. CHANNEL is the number of a descriptor by which it is granted listeners; see granting.go.
func relay(arguments []string) error {
	runtime.GOMAXPROCS(1) // what follows is a few system calls: to wake another thread takes longer
	for _, descriptor := range []int{0, 1} {
		if err := syscall.SetNonblock(descriptor, true); err != nil {
			return err
		}
	}
	if err := greet(false); err != nil {
		return err
	}
	source, sink := quickly(os.NewFile(0, "stdin")), quickly(os.NewFile(1, "stdout"))
	l := &leader{wire: newWire(source, sink), farthest: farthest}
	if len(arguments) > 0 {
		descriptor, err := strconv.ParseUint(arguments[0], 10, 31)
		if err != nil {
			return err
		}
		c, err := newCarrier(l, uintptr(descriptor))
		if err != nil {
			return err
		}
		go c.run()
	}
	return l.serve(l.take)
}

// farthest is how long a connection from the machine of the session may take to be made. What is farther away is better
// sent a batch once, and compressed, through a stream.
const farthest = 10 * time.Millisecond

// leader passes batches on.
type leader struct {
	*wire
	farthest  time.Duration // 0: no follower is too far away
	relay     *relayed      // the present batch, where it is to be passed on
	guard     sync.Mutex    // of the followers
	followers map[uint32]*follower
	secret    []byte // of which the keys of batches are made
	batches   uint64
	heard     heard
}

// take takes one frame, where nothing is carried out here.
func (l *leader) take(kind byte, payload []byte) error {
	switch {
	case kind == frameCommit:
		_, err := l.passOn()
		return err
	case l.relay != nil:
		return l.relay.keep(kind, payload)
	}
	return l.lead(kind, &fields{rest: payload})
}

// lead takes what is said of followers.
func (l *leader) lead(kind byte, f *fields) error {
	switch kind {
	case frameRelay:
		return l.beginRelay(f)
	case frameJoin:
		return l.join(f)
	case frameLeave:
		l.leave(f.u32())
		return f.err
	}
	return unknown(kind)
}

// join makes another helper a follower, beside all else.
func (l *leader) join(f *fields) error {
	number, key, address := f.u32(), append([]byte(nil), f.take(keySize)...), f.text()
	if f.err != nil {
		return f.err
	}
	l.leave(number)
	each := &follower{
		address: address, key: key, farthest: l.farthest, heard: &l.heard, records: make(chan []byte, waitingRecords),
		ended: make(chan struct{}), opening: make(chan struct{}, newForwards), inUse: make(chan struct{}, mostForwards),
	}
	each.answer = func(kind byte, payload []byte) {
		l.heard.add(l.wire, kind == frameDone, append(append(binary.BigEndian.AppendUint32(nil, number), kind), payload...))
	}
	l.guard.Lock()
	defer l.guard.Unlock()
	if l.followers == nil {
		l.followers = map[uint32]*follower{}
	}
	l.followers[number] = each
	go each.run()
	return nil
}

// follower is the one of a number; nil where there is none.
func (l *leader) follower(number uint32) *follower {
	l.guard.Lock()
	defer l.guard.Unlock()
	return l.followers[number]
}

// heard holds acknowledgements back until all followers that were sent a batch have answered, so that the session is
// woken once for all of them; not for long, since one may be stopped.
type heard struct {
	sync.Mutex
	expected int // acknowledgements
	frames   []byte
	timer    *time.Timer // sends what is held back
}

// longestHeld is how long an acknowledgement is held back.
const longestHeld = 10 * time.Millisecond

// expect says that so many acknowledgements more are waited for, or fewer.
func (h *heard) expect(count int) {
	h.Lock()
	h.expected += count
	h.Unlock()
}

// add sends what a follower says, together with what was held back, or holds it back.
func (h *heard) add(w *wire, acknowledges bool, payload []byte) {
	h.Lock()
	defer h.Unlock()
	h.frames = append(h.frames, frameRelayed)
	h.frames = append(binary.BigEndian.AppendUint32(h.frames, uint32(len(payload))), payload...)
	if acknowledges && h.expected > 0 {
		if h.timer == nil {
			h.timer = time.AfterFunc(longestHeld, func() {
				h.Lock()
				defer h.Unlock()
				h.flush(w)
			})
		}
		return
	}
	h.flush(w)
}

func (h *heard) flush(w *wire) {
	if h.timer != nil {
		h.timer.Stop()
		h.timer = nil
	}
	if len(h.frames) > 0 {
		// An error means that the stream has ended, and with it the program.
		_ = w.write(h.frames)
		h.frames = h.frames[:0]
	}
}

// leave gives up a follower.
func (l *leader) leave(number uint32) {
	l.guard.Lock()
	defer l.guard.Unlock()
	if each, ok := l.followers[number]; ok {
		each.end()
		delete(l.followers, number)
	}
}

// relayed is a batch that is kept until it is complete, to be passed on and then carried out.
type relayed struct {
	followers [][2]uint32 // number of each, and of the batch for it
	frames    []byte
}

// beginRelay has what comes until the end of the batch passed on.
func (l *leader) beginRelay(f *fields) error {
	l.relay = &relayed{}
	for len(f.rest) > 0 && f.err == nil {
		l.relay.followers = append(l.relay.followers, [2]uint32{f.u32(), f.u32()})
	}
	return f.err
}

// keep adds a frame to what is passed on.
func (b *relayed) keep(kind byte, payload []byte) error {
	if !isChange(kind) {
		return fmt.Errorf("frame %s is not passed on", strconv.QuoteRune(rune(kind)))
	}
	if len(b.frames)+len(payload)+9 > largestBatch {
		return fmt.Errorf("a batch of more than %d bytes is not passed on", largestBatch)
	}
	b.frames = append(b.frames, kind)
	b.frames = binary.BigEndian.AppendUint32(b.frames, uint32(len(payload)))
	b.frames = append(b.frames, payload...)
	return nil
}

// passOn sends a batch to the followers; returns its frames.
func (l *leader) passOn() ([]byte, error) {
	batch := l.relay
	if batch == nil {
		return nil, nil
	}
	l.relay = nil
	packed, err := l.pack(batch.frames)
	if err != nil {
		return nil, err
	}
	packed.pause = pauseFor(len(batch.followers))
	for _, each := range batch.followers {
		if to, ok := l.followers[each[0]]; ok {
			to.pass(each[1], packed)
		}
	}
	return batch.frames, nil
}

// packed is a batch as all followers get it: encrypted with a key of its own, which the record before it tells them.
type packed struct {
	key, sum, content []byte
	pause             uint32 // see giveWay
}

// pauseFor is how many microseconds each of so many followers leaves to the others once it has put a file in its place.
// They may all be on one machine, and most of what a file takes comes after that.
func pauseFor(followers int) uint32 {
	if followers < fewFollowers {
		return 0
	}
	return uint32(min(followers*100, longestPause))
}

const (
	fewFollowers = 3
	longestPause = 4000
)

// pack encrypts a batch, once for all followers.
func (l *leader) pack(frames []byte) (*packed, error) {
	if l.secret == nil {
		l.secret = make([]byte, keySize)
		if err := fillRandom(l.secret); err != nil {
			return nil, err
		}
	}
	l.batches++
	p := &packed{key: authenticate(l.secret, binary.BigEndian.AppendUint64(nil, l.batches)), content: make([]byte, len(frames))}
	keyStream(p.key).XORKeyStream(p.content, frames)
	sum := sha256.Sum256(p.content)
	p.sum = sum[:]
	return p, nil
}

// head is the record before the batch.
func (p *packed) head(number uint32) []byte {
	head := binary.BigEndian.AppendUint32(make([]byte, 0, headSize), number)
	head = binary.BigEndian.AppendUint32(head, p.pause)
	head = binary.BigEndian.AppendUint32(head, uint32(len(p.content)))
	return append(append(head, p.key...), p.sum...)
}

// headSize is that of the record before a batch: its number, its pause, its size, its key, its checksum.
const headSize = 4 + 4 + 4 + keySize + sha256.Size

// largestBatch limits what is passed on, and so how much either end has to keep.
const largestBatch = 1024 * 1024

// readBatch reads what `pass` has sent.
func readBatch(s *sealed) (number, pause uint32, frames []byte, err error) {
	head, err := s.receive(headSize)
	if err != nil {
		return 0, 0, nil, err
	}
	f := &fields{rest: head}
	number, pause = f.u32(), f.u32()
	size, key, sum := f.u32(), f.take(keySize), f.take(sha256.Size)
	if f.err != nil || size > largestBatch || pause > longestPause {
		return 0, 0, nil, errShort
	}
	frames = newBatch(int(size))
	if _, err = io.ReadFull(s.source, frames); err == nil {
		if found := sha256.Sum256(frames); subtle.ConstantTimeCompare(found[:], sum) != 1 {
			err = errSeal
		}
	}
	if err != nil {
		freeBatch(frames)
		return 0, 0, nil, err
	}
	keyStream(key).XORKeyStream(frames, frames)
	return number, pause, frames, nil
}

// newBatch gives memory for the frames of a batch; a large one's is not Go's, which would keep it.
func newBatch(size int) []byte {
	if size >= largeBatch {
		if memory, err := syscall.Mmap(-1, 0, size, syscall.PROT_READ|syscall.PROT_WRITE,
			syscall.MAP_ANON|syscall.MAP_PRIVATE); err == nil {
			return memory
		}
	}
	return make([]byte, size)
}

// freeBatch gives back what is not Go's.
func freeBatch(frames []byte) { _ = syscall.Munmap(frames) }

const largeBatch = 64 * 1024
