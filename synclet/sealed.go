package main

import (
	"bufio"
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync/atomic"
	"syscall"
	"time"
)

// keySize is that of the key which both ends of a sealed connection have from elsewhere.
const keySize = 32

// sealPatience is how long the other end may take to show that it has the key.
const sealPatience = 3 * time.Second

// What is read at once from a sealed connection, at least: a request of a forward, a small batch.
const forwardSource, batchSource = 1024, 4096

var errSeal = errors.New("the other end has another key")

// sealed is a connection whose records nobody without the key can read, forge, repeat or reorder. A record is its
// length, its content encrypted (AES-256 in counter mode), and an HMAC-SHA256 of both and of how many came before. The
// keys are derived from the common one and from what both ends chose at random for this connection, so that they are
// used once; each direction has its own.
type sealed struct {
	net.Conn
	source  *bufio.Reader // of the connection
	sink    *quick        // the same one
	in, out direction
	role    byte                     // what it is for, as the one who leads has said
	head    [recordHead]byte         // of the record that comes
	buffer  []byte                   // of what was received last
	lentTo  atomic.Pointer[follower] // while it carries a forward
}

// A record is its length, its content, and its sum.
const recordHead, recordEnd = 4, sha256.Size

// direction is one of the two of a connection.
type direction struct {
	stream cipher.Stream
	key    []byte // of the HMAC
	count  uint64 // records so far
}

// seal shows the other end that this one has the key, without revealing it, and has it do the same. One of the two
// leads, the other one does not; who leads says what the connection is for.
func seal(conn net.Conn, key []byte, leads bool, role byte) (*sealed, error) {
	if err := conn.SetDeadline(time.Now().Add(sealPatience)); err != nil {
		return nil, err
	}
	both, ok := quickly(conn).(*quick)
	if !ok {
		return nil, syscall.ENOTSOCK
	}
	own, other := make([]byte, keySize), make([]byte, keySize)
	if err := fillRandom(own); err != nil {
		return nil, err
	}
	if _, err := both.Write(own); err != nil {
		return nil, err
	}
	if _, err := io.ReadFull(both, other); err != nil {
		return nil, err
	}
	s := &sealed{Conn: conn, source: bufio.NewReaderSize(both, forwardSource), sink: both}
	var says []byte
	if leads {
		says = []byte{role}
		s.out, s.in = directionOf(key, "forth", own, other), directionOf(key, "back", own, other)
	} else {
		s.in, s.out = directionOf(key, "forth", other, own), directionOf(key, "back", other, own)
	}
	if err := s.send(says); err != nil {
		return nil, err
	}
	said, err := s.receive(1)
	if err != nil {
		return nil, err
	}
	if len(said) > 0 {
		s.role = said[0]
	}
	if role != roleForward && s.role != roleForward { // there is one of these
		s.source = bufio.NewReaderSize(s.source, batchSource)
	}
	return s, conn.SetDeadline(time.Time{})
}

func directionOf(key []byte, name string, leader, follower []byte) direction {
	return direction{
		stream: keyStream(authenticate(key, []byte("encrypt "+name), leader, follower)),
		key:    authenticate(key, []byte("authenticate "+name), leader, follower),
	}
}

// keyStream is AES-256 in counter mode from 0 on: no key may be used for another one.
func keyStream(key []byte) cipher.Stream {
	block, err := aes.NewCipher(key)
	if err != nil {
		panic(err) // no key has another length
	}
	return cipher.NewCTR(block, make([]byte, aes.BlockSize))
}

// authenticate is HMAC-SHA256 (RFC 2104), with a key of up to 64 bytes.
func authenticate(key []byte, parts ...[]byte) []byte {
	return appendSum(nil, key, parts...)
}

// appendSum appends the HMAC to something.
func appendSum(to, key []byte, parts ...[]byte) []byte {
	var inner, outer [sha256.BlockSize]byte
	copy(inner[:], key)
	copy(outer[:], key)
	for i := range inner {
		inner[i] ^= 0x36
		outer[i] ^= 0x5c
	}
	hash := sha256.New()
	hash.Write(inner[:])
	for _, part := range parts {
		hash.Write(part)
	}
	var sum [sha256.Size]byte
	hash.Sum(sum[:0])
	hash.Reset()
	hash.Write(outer[:])
	hash.Write(sum[:])
	return hash.Sum(to)
}

func fillRandom(content []byte) error {
	source, err := os.Open("/dev/urandom")
	if err != nil {
		return err
	}
	defer source.Close()
	_, err = io.ReadFull(source, content)
	return err
}

// appendSum appends what authenticates the next record.
func (d *direction) appendSum(to, head, encrypted []byte) []byte {
	d.count++
	return appendSum(to, d.key, binary.BigEndian.AppendUint64(nil, d.count), head, encrypted)
}

// send writes a record.
func (s *sealed) send(content []byte) error {
	_, err := s.sink.Write(s.record(content))
	return err
}

// record is the next one that is sent.
func (s *sealed) record(content []byte) []byte {
	record := make([]byte, recordHead+len(content), recordHead+len(content)+recordEnd)
	copy(record[recordHead:], content)
	return s.enclose(record)
}

// enclose makes a record of what has room for its head before it, and is best followed by some for its end.
func (s *sealed) enclose(record []byte) []byte {
	head, content := record[:recordHead], record[recordHead:]
	binary.BigEndian.PutUint32(head, uint32(len(content)))
	s.out.stream.XORKeyStream(content, content)
	return s.out.appendSum(record, head, content)
}

// receive reads the next record, of a limited size; it is valid until the one after it.
func (s *sealed) receive(limit int) ([]byte, error) {
	size, err := s.nextSize(limit)
	if err != nil {
		return nil, err
	}
	if size+recordEnd > cap(s.buffer) {
		s.buffer = make([]byte, size+recordEnd)
	}
	return s.open(s.buffer[:size+recordEnd])
}

// nextSize waits for a record and says how large it is.
func (s *sealed) nextSize(limit int) (int, error) {
	if _, err := io.ReadFull(s.source, s.head[:]); err != nil {
		return 0, err
	}
	size := binary.BigEndian.Uint32(s.head[:])
	if int64(size) > int64(limit) {
		return 0, fmt.Errorf("a record of %d bytes is too large", size)
	}
	return int(size), nil
}

// open reads that record into a buffer that has room for its content and its sum; returns the content.
func (s *sealed) open(record []byte) ([]byte, error) {
	if _, err := io.ReadFull(s.source, record); err != nil {
		return nil, err
	}
	return s.decrypt(record)
}

// decrypt returns the content of that record, in its place.
func (s *sealed) decrypt(record []byte) ([]byte, error) {
	content, sum := record[:len(record)-recordEnd], record[len(record)-recordEnd:]
	var found [recordEnd]byte
	s.in.appendSum(found[:0], s.head[:], content)
	if subtle.ConstantTimeCompare(sum, found[:]) != 1 {
		return nil, errSeal
	}
	s.in.stream.XORKeyStream(content, content)
	return content, nil
}
