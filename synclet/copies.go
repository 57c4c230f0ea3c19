package main

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// errBase means that a file cannot be made of the version that is there; the other side sends it otherwise then.
var errBase = errors.New("what the file was to be made of is not there")

// sent is where a part is from that is not in the base.
const sent = ^uint64(0)

// mostParts limits of how many parts a file is made.
const mostParts = 1024

// part of a file: from a place in the base, or sent.
type part struct {
	from, length uint64
}

// copies is how a file is made of the version before it.
type copies struct {
	size  uint64
	block uint32
	base  [nameSize]byte
	parts []part
	sums  []byte
}

// readCopy reads what a frame says; the path comes with it.
func readCopy(f *fields) (c copies, path string) {
	c.size, c.block = f.u64(), f.u32()
	copy(c.base[:], f.take(nameSize))
	path = f.text()
	count := f.u32()
	if count > mostParts {
		f.err = errShort
		return c, path
	}
	for i := uint32(0); i < count; i++ {
		c.parts = append(c.parts, part{f.u64(), f.u64()})
	}
	c.sums = f.rest
	return c, path
}

// check says whether the parts make the whole, and are within the base.
func (c *copies) check(oldSize int64) error {
	if err := checkSums(c.size, c.block, c.sums); err != nil {
		return err
	}
	left := c.size
	for _, each := range c.parts {
		within := each.from == sent || each.from <= uint64(oldSize) && each.length <= uint64(oldSize)-each.from
		if each.length > left || !within {
			return protocolError{fmt.Errorf("the parts do not make %d bytes", c.size)}
		}
		left -= each.length
	}
	if left > 0 {
		return protocolError{fmt.Errorf("the parts make %d bytes less than %d", left, c.size)}
	}
	return nil
}

// base is the version that a file is to be made of, the one that is there or the one before it, if it is known that
// they consist of the same.
func (r *receiver) base(path string, name [nameSize]byte, old *os.File, at version) (*os.File, version) {
	if old == nil {
		return nil, at
	}
	if known, ok := r.sums.files[path]; ok && known.version == at && known.name() == name {
		return old, at
	}
	if kept, ok := r.kept.find(path, at.size); ok && kept.known.size == kept.size && kept.known.name() == name {
		if at, err := versionOf(kept.File); err == nil {
			return kept.File, at
		}
	}
	return nil, at
}

// writeCopy makes a file of parts of the version before it and of what is sent.
func (r *receiver) writeCopy(path string, c copies, has attributes) error {
	sums := readSums(c.sums)
	old, at := openOld(path)
	if old != nil {
		known := r.sums.files[path]
		defer func() { r.kept.keep(path, old, known, int64(c.size)) }()
	}
	base, at := r.base(path, c.base, old, at)
	if base == nil {
		return errBase
	}
	if err := c.check(at.size); err != nil {
		return err
	}
	t, err := r.create(path, has)
	if err != nil {
		return err
	}
	if t.inPlace() { // what was there is gone
		return t.abandon(errBase)
	}
	if err := r.assemble(t, base, c, sums); err != nil {
		return t.abandon(err)
	}
	if !isStill(base, at) {
		return t.abandon(errBase)
	}
	if err := t.finish(has); err != nil {
		return err
	}
	r.remember(path, c.block, sums)
	return nil
}

// assemble puts the parts together: those of the base beside those that are sent. The former are copied one after the
// other, since one write to a file waits for the other.
func (r *receiver) assemble(t *target, base *os.File, c copies, sums []sum) error {
	if !isSparse(base) {
		if err := reserve(t.descriptor, 0, int64(c.size)); err != nil {
			return err
		}
	}
	if err := syscall.Ftruncate(t.descriptor, int64(c.size)); err != nil {
		return os.NewSyscallError("truncate", err)
	}
	copied := make(chan error, 1)
	go func() {
		copied <- c.copyFrom(base, t.descriptor)
	}()
	err := r.takeParts(t, c)
	if failed := <-copied; err == nil {
		err = failed
	}
	if err != nil {
		return err
	}
	return c.verify(t, sums)
}

// copyFrom copies the parts that are in the base.
func (c *copies) copyFrom(base *os.File, into int) error {
	place := int64(0)
	for _, each := range c.parts {
		if each.from != sent {
			if err := copyPart(base, into, int64(each.from), place, int64(each.length)); err != nil {
				return err
			}
		}
		place += int64(each.length)
	}
	return nil
}

// takeParts takes in the parts that are sent.
func (r *receiver) takeParts(t *target, c copies) error {
	place := int64(0)
	for _, each := range c.parts {
		end := place + int64(each.length)
		for each.from == sent && place < end {
			kind, content, err := r.wire.receive()
			if err != nil {
				return protocolError{err}
			}
			if kind != framePiece || int64(len(content)) > end-place || len(content) == 0 {
				return protocolError{errors.New("a part was announced, and did not come")}
			}
			if err := writeAt(t.descriptor, content, place); err != nil {
				return err
			}
			place += int64(len(content))
		}
		place = end
	}
	return nil
}

// verify compares the blocks that hold something of what was sent with their sums.
func (c *copies) verify(t *target, sums []sum) error {
	buffer := make([]byte, min(uint64(c.block), c.size))
	place := uint64(0)
	for _, each := range c.parts {
		end := place + each.length
		first := place / uint64(c.block)
		for index := first; each.from == sent && each.length > 0 && index*uint64(c.block) < end; index++ {
			start := index * uint64(c.block)
			content := buffer[:min(uint64(c.block), c.size-start)]
			if _, err := syscall.Pread(t.descriptor, content, int64(start)); err != nil {
				return os.NewSyscallError("read", err)
			}
			if sumOf(content) != sums[index] {
				return errBase // it changed on its way, or while it was read
			}
		}
		place = end
	}
	return nil
}
