package main

import (
	"bufio"
	"bytes"
	"compress/flate"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync"
)

// protocolVersion is that of the frames below. Both sides name theirs before anything else; they must be the same.
const protocolVersion = 8

// greeting is how `receive` begins what it says, so that it is not taken for anything else's output. The rest of the
// line is its version, and what it can do.
const greeting = "\x1esynclet"

// largestFrame limits a frame's payload, and so how much either side has to keep.
const largestFrame = 256 * 1024

// What the other side says.
const (
	frameHello   = 'H' // version
	frameEnd     = 'E' // process id of the helper of an earlier stream
	frameUnlink  = 'U' // path: remove what is no directory
	frameDelete  = 'D' // path: remove it and all that is below
	frameMkdir   = 'M' // attributes, path
	frameLink    = 'L' // attributes, target, path
	frameFile    = 'F' // attributes, checksum, path, content
	frameBlocks  = 'B' // attributes, size, size of a block, path, a hash for each block
	frameCopy    = 'C' // attributes, size, size of a block, name of the base, path, parts, a hash for each block
	framePiece   = 'P' // the next bytes of the blocks that were asked for, or of the parts that are not in the base
	frameCommit  = 'K' // number of the batch
	frameRun     = 'R' // words of a command
	frameRestart = 'X' // nothing
	frameZipped  = 'Z' // more of these, compressed (deflate)
	frameListen  = 'I' // key, ports: open another port for the helper that passes on batches to this one
	frameJoin    = 'J' // number, key, address: pass on batches to the helper that listens there
	frameLeave   = 'Q' // number: no longer
	frameRelay   = 'Y' // for each that gets the present batch too: its number, number of the batch for it
)

// What this side says.
const (
	frameDone      = 'A' // number of the batch
	frameMissing   = 'N' // numbers of the first block and the one after the last, for each range that is to be sent
	frameOutput    = 'O' // bytes that a command printed
	frameExit      = 'r' // exit status of the command
	frameStarted   = 'g' // process id of the program that was started again
	frameConsumed  = 'W' // how many bytes were taken so far
	frameFailed    = '!' // kind of the failure, a byte; message
	frameListening = 'i' // port, 0 where none can be opened; message
	frameRelayed   = 'y' // number of a helper, and what it says: frameJoined, frameLost, frameDone or frameFailed
	frameJoined    = 'j' // nothing
	frameLost      = 'l' // message: nothing is passed on to it any more
)

// Kinds of failures.
const (
	failureOther   = 0
	failureDenied  = 1 // not writable
	failureFull    = 2 // no space
	failureRestart = 3 // the program cannot be started again
	failureBase    = 4 // what it was to be made of is not there, or another
)

var errShort = errors.New("a frame ends too early")

// fields reads what a frame holds, one after the other. After the first error everything is empty.
type fields struct {
	rest []byte
	err  error
}

func (f *fields) take(size int) []byte {
	if f.err != nil || size < 0 || size > len(f.rest) {
		f.err = errShort
		return nil
	}
	taken := f.rest[:size]
	f.rest = f.rest[size:]
	return taken
}

func (f *fields) u16() uint16 {
	if b := f.take(2); b != nil {
		return binary.BigEndian.Uint16(b)
	}
	return 0
}

func (f *fields) u32() uint32 {
	if b := f.take(4); b != nil {
		return binary.BigEndian.Uint32(b)
	}
	return 0
}

func (f *fields) u64() uint64 {
	if b := f.take(8); b != nil {
		return binary.BigEndian.Uint64(b)
	}
	return 0
}

// text is preceded by its length.
func (f *fields) text() string {
	size := f.u32()
	if size > largestFrame {
		f.err = errShort
		return ""
	}
	return string(f.take(int(size)))
}

// wire is the stream: frames in, frames out.
type wire struct {
	source   *bufio.Reader
	sink     io.Writer
	sending  sync.Mutex
	buffer   []byte
	zipped   []byte
	unzipped *bufio.Reader // frames of a compressed one
	inflater io.ReadCloser
	consumed uint64
	reported uint64
}

func newWire(source io.Reader, sink io.Writer) *wire {
	return &wire{source: bufio.NewReaderSize(source, 64*1024), sink: sink}
}

// serve has each frame taken that comes after the other side's version. It ends well when the other side has closed the
// stream between two frames.
func (w *wire) serve(take func(kind byte, payload []byte) error) error {
	greeted := false
	for {
		kind, payload, err := w.receive()
		if err == io.EOF {
			return nil
		}
		if err == nil {
			if greeted {
				err = take(kind, payload)
			} else {
				err = w.welcome(kind, payload)
			}
		}
		if err != nil {
			return err
		}
		greeted = true
	}
}

// welcome compares the other side's version.
func (w *wire) welcome(kind byte, payload []byte) error {
	f := fields{rest: payload}
	if version := f.u16(); kind == frameHello && f.err == nil && version == protocolVersion {
		return nil
	}
	message := fmt.Sprintf("this helper speaks version %d", protocolVersion)
	_ = w.send(frameFailed, append([]byte{failureOther}, message...))
	return errors.New(message + ", the other side another one")
}

// receive reads the next frame; its payload is valid until the one after it. io.EOF only between frames.
func (w *wire) receive() (byte, []byte, error) {
	for {
		if w.unzipped != nil {
			kind, payload, err := w.read(w.unzipped)
			if err != io.EOF {
				if kind == frameZipped {
					err = errNested
				}
				return kind, payload, err
			}
			w.unzipped = nil
		}
		kind, payload, err := w.read(w.source)
		if err != nil {
			return 0, nil, err
		}
		w.consumed += uint64(5 + len(payload))
		if w.consumed-w.reported >= largestFrame {
			w.reported = w.consumed
			if err := w.send(frameConsumed, binary.BigEndian.AppendUint64(nil, w.consumed)); err != nil {
				return 0, nil, err
			}
		}
		if kind != frameZipped {
			return kind, payload, nil
		}
		w.inflate(payload)
	}
}

var errNested = errors.New("a compressed frame in a compressed frame")

// inflate has the frames of a compressed one be read next. It takes the buffer with it, until they are read.
func (w *wire) inflate(payload []byte) {
	w.zipped = append(w.zipped[:0], payload...)
	source := bytes.NewReader(w.zipped)
	if w.inflater == nil {
		w.inflater = flate.NewReader(source)
	} else {
		_ = w.inflater.(flate.Resetter).Reset(source, nil)
	}
	w.unzipped = bufio.NewReaderSize(w.inflater, 4096)
}

// read takes one frame from a source.
func (w *wire) read(source io.Reader) (byte, []byte, error) {
	var head [5]byte
	if _, err := io.ReadFull(source, head[:1]); err != nil {
		return 0, nil, err
	}
	if _, err := io.ReadFull(source, head[1:]); err != nil {
		return 0, nil, errShort
	}
	size := binary.BigEndian.Uint32(head[1:])
	if size > largestFrame {
		return 0, nil, fmt.Errorf("a frame of %d bytes is too large", size)
	}
	if int(size) > cap(w.buffer) {
		w.buffer = make([]byte, size, max(int(size), 32*1024))
	}
	payload := w.buffer[:size]
	if _, err := io.ReadFull(source, payload); err != nil {
		return 0, nil, errShort
	}
	return head[0], payload, nil
}

func (w *wire) send(kind byte, payload []byte) error {
	frame := make([]byte, 5, 5+len(payload))
	frame[0] = kind
	binary.BigEndian.PutUint32(frame[1:], uint32(len(payload)))
	return w.write(append(frame, payload...))
}

// write sends whole frames.
func (w *wire) write(frames []byte) error {
	w.sending.Lock()
	defer w.sending.Unlock()
	_, err := w.sink.Write(frames)
	return err
}
