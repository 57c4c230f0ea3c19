package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// receive carries out what frames on standard input say, and answers on standard output; see frames.go.
//
//	synclet receive [ROOT]
//
// ROOT is the directory that stands for the root of the container.
func receive(arguments []string) error {
	debug.SetGCPercent(25)
	runtime.GOMAXPROCS(1) // what it does is system calls: to wake another thread for the next one takes longer
	root := "/"
	if len(arguments) > 0 {
		root = arguments[0]
	}
	if err := greet(canRestart()); err != nil {
		return err
	}
	r := newReceiver(root, os.Stdin, os.Stdout)
	r.input = os.Stdin
	return r.run()
}

// greet says who this is, and what it can do.
func greet(restarts bool) error {
	can := 0
	if restarts {
		can = 1
	}
	_, err := fmt.Printf("%s %d restarts=%d pid=%d\n", greeting, protocolVersion, can, os.Getpid())
	return err
}

// receiver is one stream's end.
type receiver struct {
	leader
	root        string
	input       *os.File // whose end ends a command; nil: none does
	owners      *owners
	temporary   string // what a file is called that is not complete yet
	started     int64  // when the container was, in nanoseconds since 1970
	sums        sumCache
	kept        keptFiles
	directories []directory
	asked       bool // it was said which blocks are to be sent
	failed      bool // nothing more of this batch is done
	last        bool // this is the last change of what was passed on
	pause       uint32
	latestFile  string // of those that could be prepared
	latestMode  uint32
	prepared    *prepared

	turn     sync.Mutex                      // of a batch: one comes by the stream, or is passed on by another helper
	latest   uint32                          // number of the last batch
	door     net.Listener                    // where this one follows
	diverted func(kind byte, payload []byte) // takes the answers to a batch that was passed on
}

func newReceiver(root string, source io.Reader, sink io.Writer) *receiver {
	return &receiver{
		leader: leader{wire: newWire(source, sink)}, root: root, owners: &owners{root: root},
		kept: keptFiles{}, temporary: temporary + strconv.Itoa(os.Getpid()),
		started: containerStarted(),
	}
}

func (r *receiver) run() error {
	inBatch := false
	return r.serve(func(kind byte, payload []byte) error {
		if !inBatch {
			r.turn.Lock()
		}
		if err := r.take(kind, payload); err != nil {
			return err
		}
		if inBatch = isChange(kind) || kind == frameRelay || kind == frameBlocks || kind == frameCopy || kind == framePiece; !inBatch {
			r.turn.Unlock()
		}
		return nil
	})
}

// send answers the session, or the helper that has passed on what is carried out just now.
func (r *receiver) send(kind byte, payload []byte) error {
	if r.diverted != nil {
		r.diverted(kind, payload)
		return nil
	}
	return r.wire.send(kind, payload)
}

// take carries out one frame. After a failure nothing more of its batch is done. An error ends the stream.
func (r *receiver) take(kind byte, payload []byte) error {
	f := &fields{rest: payload}
	if r.relay != nil && kind != frameCommit {
		return r.relay.keep(kind, payload)
	}
	switch kind {
	case frameUnlink, frameDelete, frameMkdir, frameLink, frameFile, frameBlocks, frameCopy:
		r.asked = kind != frameBlocks
		leave(litterOfFile)
		if !r.failed {
			if err := r.change(kind, f); err != nil {
				if err := r.fail(err); err != nil {
					return err
				}
			}
		}
		if !r.asked { // whoever announced blocks waits for the list of those to send
			return r.send(frameMissing, nil)
		}
		return nil
	case frameEnd:
		if pid := int(f.u32()); !endEarlier(pid) {
			message := fmt.Sprintf("process %d of an earlier stream cannot be ended", pid)
			_ = r.send(frameFailed, append([]byte{failureOther}, message...))
			return errors.New(message)
		}
		return nil
	case framePiece: // of a file that could not be written
		if r.failed {
			return nil
		}
	case frameCommit:
		number := f.u32()
		if f.err != nil {
			return f.err
		}
		frames, err := r.passOn()
		if err == nil {
			err = r.carryOut(frames)
		}
		if err != nil {
			return err
		}
		return r.commit(number)
	case frameRelay, frameJoin, frameLeave:
		return r.lead(kind, f)
	case frameListen:
		return r.listen(f)
	case frameRun:
		words := make([]string, 0, 8)
		for len(f.rest) > 0 && f.err == nil {
			words = append(words, f.text())
		}
		if f.err != nil || len(words) == 0 {
			return errShort
		}
		status, err := r.command(words)
		if err != nil {
			return err
		}
		return r.send(frameExit, binary.BigEndian.AppendUint32(nil, uint32(status)))
	case frameRestart:
		pid, err := askToRestart()
		if err != nil {
			return r.send(frameFailed, append([]byte{failureRestart}, err.Error()...))
		}
		return r.send(frameStarted, binary.BigEndian.AppendUint32(nil, uint32(pid)))
	}
	return unknown(kind)
}

func unknown(kind byte) error { return fmt.Errorf("unknown frame %s", strconv.QuoteRune(rune(kind))) }

// endEarlier ends the helper of an earlier stream and says whether it is gone. It may have been stopped, or wait for a
// disk: what it has been sent already must not be written over what comes now.
func endEarlier(pid int) bool {
	if pid == os.Getpid() {
		return true
	}
	for end := time.Now().Add(endSeconds * time.Second); isReceiver(pid); time.Sleep(time.Millisecond) {
		if syscall.Kill(pid, syscall.SIGKILL) != nil || time.Now().After(end) {
			return !isReceiver(pid)
		}
	}
	return true
}

// endSeconds is how long an earlier helper may take to end.
const endSeconds = 5

func isReceiver(pid int) bool {
	words, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid)) // empty once it has ended
	parts := bytes.Split(words, []byte{0})
	return len(parts) > 1 && string(parts[1]) == "receive"
}

// commit ends a batch.
func (r *receiver) commit(number uint32) error {
	if err := r.finishDirectories(); err != nil && !r.failed {
		if err := r.fail(err); err != nil {
			return err
		}
	}
	r.failed, r.latest = false, number
	pastRuntime.Store(callsPastRuntime)
	return r.send(frameDone, binary.BigEndian.AppendUint32(nil, number))
}

// protocolError is the other side's mistake: the stream ends.
type protocolError struct{ error }

// fail reports why a batch cannot be carried out.
func (r *receiver) fail(err error) error {
	var protocol protocolError
	if errors.As(err, &protocol) {
		return err
	}
	r.failed = true
	kind := byte(failureOther)
	switch {
	case errors.Is(err, errBase):
		kind = failureBase
	case errors.Is(err, syscall.EROFS), errors.Is(err, os.ErrPermission):
		kind = failureDenied
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		kind = failureFull
		r.kept.dropAll()
	}
	return r.send(frameFailed, append([]byte{kind}, err.Error()...))
}

// place is where a path of the container is.
func (r *receiver) place(path string) (string, error) {
	if path == "" || path[0] != '/' {
		return "", protocolError{fmt.Errorf("the path %q is not absolute", path)}
	}
	return filepath.Join(r.root, filepath.Clean(path)), nil
}

func (r *receiver) change(kind byte, f *fields) error {
	var has attributes
	switch kind {
	case frameUnlink, frameDelete:
		path, err := r.place(string(f.rest))
		if err != nil {
			return err
		}
		if path == filepath.Clean(r.root) {
			return nil
		}
		if kind == frameDelete {
			return remove(path)
		}
		return clearLink(path)
	case frameMkdir:
		has = r.attributes(f)
		path, err := r.read(f, string(f.rest))
		if err != nil {
			return err
		}
		return r.makeDirectory(path, has)
	case frameLink:
		has = r.attributes(f)
		target := f.text()
		path, err := r.read(f, string(f.rest))
		if err != nil {
			return err
		}
		return r.makeLink(path, target, has)
	case frameFile:
		has = r.attributes(f)
		sum := f.u32()
		path, err := r.read(f, f.text())
		if err != nil {
			return err
		}
		return r.writeFile(path, f.rest, sum, has)
	case frameCopy:
		has = r.attributes(f)
		c, text := readCopy(f)
		path, err := r.read(f, text)
		if err != nil {
			return err
		}
		return r.writeCopy(path, c, has)
	default:
		has = r.attributes(f)
		size, block := f.u64(), f.u32()
		path, err := r.read(f, f.text())
		if err != nil {
			return err
		}
		return r.writeBlocks(path, size, block, f.rest, has)
	}
}

// read completes a path, once all before it was there.
func (r *receiver) read(f *fields, path string) (string, error) {
	if f.err != nil {
		return "", protocolError{f.err}
	}
	return r.place(path)
}

func (r *receiver) attributes(f *fields) attributes {
	return attributes{mode: f.u32(), mtime: int64(f.u64()), owner: f.text()}
}
