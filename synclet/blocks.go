package main

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"os"
	"syscall"
)

// sumSize is how long the XXH64 of a block is.
const sumSize = 8

// nameSize is how long the name of what a file consists of is.
const nameSize = 16

// largestBlock limits what is read of a file at once.
const largestBlock = 16 * 1024 * 1024

// keptSums limits how many blocks' sums are remembered, of all files together.
const keptSums = 64 * 1024

type sum [sumSize]byte

func sumOf(content []byte) (s sum) {
	binary.BigEndian.PutUint64(s[:], xxh64(content))
	return s
}

// version identifies a state of a file: where it is the same, so is the content.
type version struct {
	device, inode uint64
	size          int64
	changed       syscall.Timespec
}

func versionOf(file *os.File) (version, error) {
	var found syscall.Stat_t
	if err := syscall.Fstat(int(file.Fd()), &found); err != nil {
		return version{}, err
	}
	return version{uint64(found.Dev), found.Ino, found.Size, found.Ctim}, nil
}

// isStill says whether nobody wrote to a file meanwhile.
func isStill(file *os.File, before version) bool {
	now, err := versionOf(file)
	return err == nil && now == before
}

func readSums(encoded []byte) []sum {
	sums := make([]sum, len(encoded)/sumSize)
	for i := range sums {
		copy(sums[i][:], encoded[i*sumSize:])
	}
	return sums
}

type knownSums struct {
	version
	block uint32
	sums  []sum
}

// name is what the other side calls a file that consists of these blocks.
func (k knownSums) name() (s [nameSize]byte) {
	whole := sha256.New()
	whole.Write(binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint64(nil, uint64(k.size)), k.block))
	for _, each := range k.sums {
		whole.Write(each[:])
	}
	copy(s[:], whole.Sum(nil))
	return s
}

// sumCache remembers what large files consist of, so that they need not be read to find out what changed.
type sumCache struct {
	files map[string]knownSums
	count int
}

func (c *sumCache) find(path string, at version, block uint32) []sum {
	if known, ok := c.files[path]; ok && known.version == at && known.block == block {
		return known.sums
	}
	return nil
}

func (c *sumCache) keep(path string, known knownSums) {
	c.count += len(known.sums) - len(c.files[path].sums)
	if c.count > keptSums || c.files == nil {
		c.files, c.count = map[string]knownSums{}, len(known.sums)
	}
	c.files[path] = known
}

// delta makes a new version of a file from the one that is there and the blocks that are sent.
type delta struct {
	size    int64
	block   int64
	sums    []sum
	old     *os.File // nil if there is none
	oldSize int64
	oldAt   version // when it was known what it consists of
	known   []sum   // of the old file; nil: it has to be read
	taken   bool    // something of the old file
	zeros   [2]sum  // of a block of nothing but zeros, and of one as long as the last one
	into    int
	buffer  []byte
}

// length is that of a block; the last one may be shorter.
func (d *delta) length(index int) int64 {
	return min(d.block, d.size-int64(index)*d.block)
}

// isHole says whether a block is nothing but zeros: then it is neither asked for nor written.
func (d *delta) isHole(index int) bool {
	if index == len(d.sums)-1 {
		return d.sums[index] == d.zeros[1]
	}
	return d.sums[index] == d.zeros[0]
}

// makeRoom gives the new file its size, and space for all that is no hole.
func (d *delta) makeRoom() error {
	d.buffer = make([]byte, min(d.block, d.size))
	if last := len(d.sums) - 1; last >= 0 {
		d.zeros = [2]sum{sumOf(d.buffer), sumOf(d.buffer[:d.length(last)])}
	}
	for i := 0; i < len(d.sums); i++ {
		start := int64(i) * d.block
		for i < len(d.sums) && !d.isHole(i) {
			i++
		}
		if end := min(int64(i)*d.block, d.size); end > start {
			if err := reserve(d.into, start, end-start); err != nil {
				return err
			}
		}
	}
	return os.NewSyscallError("truncate", syscall.Ftruncate(d.into, d.size))
}

// reuse takes what it can from the old file and returns the blocks that it lacks, as ranges.
func (d *delta) reuse() ([][2]int, error) {
	var missing [][2]int
	same := 0 // blocks right before this one that are the same at the same place, and not copied yet
	for i := range d.sums {
		hole := d.isHole(i)
		if !hole && i < len(d.known) && d.known[i] == d.sums[i] && int64(i)*d.block+d.length(i) <= d.oldSize {
			same++
			continue
		}
		if err := d.copySame(i, same); err != nil {
			return nil, err
		}
		same = 0
		if hole {
			continue
		}
		found, err := d.find(i)
		if err != nil {
			return nil, err
		}
		if found {
			continue
		}
		if last := len(missing) - 1; last >= 0 && missing[last][1] == i {
			missing[last][1]++
		} else {
			missing = append(missing, [2]int{i, i + 1})
		}
	}
	return missing, d.copySame(len(d.sums), same)
}

// copySame copies the blocks before one, without reading them into memory where the system can do that.
func (d *delta) copySame(before, count int) error {
	if count == 0 {
		return nil
	}
	d.taken = true
	start := int64(before-count) * d.block
	end := min(int64(before)*d.block, d.size)
	return copyPart(d.old, d.into, start, start, end-start)
}

func writeAt(descriptor int, content []byte, offset int64) error {
	for len(content) > 0 {
		size, err := syscall.Pwrite(descriptor, content, offset)
		if err == syscall.EINTR {
			continue
		}
		if err != nil {
			return os.NewSyscallError("write", err)
		}
		content, offset = content[size:], offset+int64(size)
	}
	return nil
}

// find looks for a block at its place in the old file, and where it was if something before it became longer or shorter.
func (d *delta) find(index int) (bool, error) {
	if d.old == nil {
		return false, nil
	}
	offset, length := int64(index)*d.block, d.length(index)
	places := []int64{offset, offset - (d.size - d.oldSize)}
	if d.known != nil {
		places = places[1:]
	}
	if d.size == d.oldSize {
		places = places[:1]
		if d.known != nil {
			return false, nil
		}
	}
	for _, place := range places {
		if place < 0 || place+length > d.oldSize {
			continue
		}
		content := d.buffer[:length]
		if _, err := d.old.ReadAt(content, place); err != nil {
			continue
		}
		if sumOf(content) == d.sums[index] {
			d.taken = true
			return true, writeAt(d.into, content, offset)
		}
	}
	return false, nil
}

// openOld opens what is there, where a new version can be made of it.
func openOld(path string) (*os.File, version) {
	found, err := os.Lstat(path)
	if err != nil || !found.Mode().IsRegular() {
		return nil, version{}
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, version{}
	}
	at, err := versionOf(file)
	if err != nil {
		file.Close()
		return nil, version{}
	}
	return file, at
}

// checkSums says whether these are sums of all blocks of a file.
func checkSums(size uint64, block uint32, sums []byte) error {
	count := uint64(len(sums) / sumSize)
	if block == 0 || block > largestBlock || len(sums)%sumSize != 0 || count*uint64(block) < size ||
		count > 0 && (count-1)*uint64(block) >= size {
		return protocolError{fmt.Errorf("%d sums of blocks of %d bytes for %d bytes", count, block, size)}
	}
	return nil
}

// writeBlocks makes a file of which the other side names every block; it is asked for those that are missing.
func (r *receiver) writeBlocks(path string, size uint64, block uint32, sums []byte, has attributes) error {
	if err := checkSums(size, block, sums); err != nil {
		return err
	}
	d := &delta{size: int64(size), block: int64(block), sums: readSums(sums)}
	old, at := openOld(path)
	if old != nil {
		known := r.sums.files[path]
		defer func() { r.kept.keep(path, old, known, d.size) }()
		d.old, d.oldSize, d.oldAt, d.known = old, at.size, at, r.sums.find(path, at, block)
	}
	if kept, ok := r.kept.find(path, d.oldSize); ok {
		d.old, d.oldSize, d.known = kept.File, kept.size, nil
		if kept.known.block == block && kept.known.size == kept.size {
			d.oldAt, _ = versionOf(kept.File)
			d.known = kept.known.sums
		}
	}
	t, err := r.create(path, has)
	if err != nil {
		return err
	}
	if t.inPlace() { // what was there is gone
		d.old, d.known = nil, nil
	}
	d.into = t.descriptor
	if err := d.makeRoom(); err != nil {
		return t.abandon(err)
	}
	missing, err := d.reuse()
	if err == nil && d.old != nil && d.old != old && !d.taken {
		r.kept.drop(path) // that was another file: look into the one that is there
		d.old, d.oldSize, d.known = old, at.size, nil
		missing, err = d.reuse()
	}
	if err == nil && d.known != nil && !isStill(d.old, d.oldAt) {
		err = errBase
	}
	if err != nil {
		return t.abandon(err)
	}
	if err := r.fetch(d, missing); err != nil {
		return t.abandon(err)
	}
	if err := t.finish(has); err != nil {
		return err
	}
	r.remember(path, block, d.sums)
	return nil
}

// remember notes what the file consists of that was put to its place just now.
func (r *receiver) remember(path string, block uint32, sums []sum) {
	if placed, now := openOld(path); placed != nil {
		placed.Close()
		r.sums.keep(path, knownSums{now, block, sums})
	}
}

// fetch asks for blocks and takes them in.
func (r *receiver) fetch(d *delta, missing [][2]int) error {
	asked := make([]byte, 0, 8*len(missing))
	for _, each := range missing {
		asked = binary.BigEndian.AppendUint32(asked, uint32(each[0]))
		asked = binary.BigEndian.AppendUint32(asked, uint32(each[1]))
	}
	r.asked = true
	if err := r.send(frameMissing, asked); err != nil {
		return protocolError{err}
	}
	for _, each := range missing {
		for index := each[0]; index < each[1]; index++ {
			if err := r.fetchBlock(d, index); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *receiver) fetchBlock(d *delta, index int) error {
	block := d.buffer[:d.length(index)]
	for left := block; len(left) > 0; {
		kind, content, err := r.wire.receive()
		if err != nil {
			return protocolError{err}
		}
		if kind != framePiece || len(content) > len(left) || len(content) == 0 {
			return protocolError{fmt.Errorf("block %d was asked for, and did not come", index)}
		}
		left = left[copy(left, content):]
	}
	if sumOf(block) != d.sums[index] {
		return fmt.Errorf("block %d changed on its way, or while it was read", index)
	}
	return writeAt(d.into, block, int64(index)*d.block)
}
