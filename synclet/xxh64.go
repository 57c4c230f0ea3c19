package main

import (
	"encoding/binary"
	"math/bits"
)

// The primes of XXH64, see https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md.
const (
	prime1 uint64 = 0x9E3779B185EBCA87
	prime2 uint64 = 0xC2B2AE3D27D4EB4F
	prime3 uint64 = 0x165667B19E3779F9
	prime4 uint64 = 0x85EBCA77C2B2AE63
	prime5 uint64 = 0x27D4EB2F165667C5
)

// xxh64 is the XXH64 of a content, with the seed 0.
func xxh64(content []byte) uint64 {
	length, whole := uint64(len(content)), prime5
	if len(content) >= 32 {
		start := prime1
		a, b, c, d := start+prime2, prime2, uint64(0), -start
		for ; len(content) >= 32; content = content[32:] {
			a = xxhRound(a, binary.LittleEndian.Uint64(content[0:8]))
			b = xxhRound(b, binary.LittleEndian.Uint64(content[8:16]))
			c = xxhRound(c, binary.LittleEndian.Uint64(content[16:24]))
			d = xxhRound(d, binary.LittleEndian.Uint64(content[24:32]))
		}
		whole = bits.RotateLeft64(a, 1) + bits.RotateLeft64(b, 7) + bits.RotateLeft64(c, 12) + bits.RotateLeft64(d, 18)
		for _, lane := range [4]uint64{a, b, c, d} {
			whole = (whole^xxhRound(0, lane))*prime1 + prime4
		}
	}
	whole += length
	for ; len(content) >= 8; content = content[8:] {
		whole = bits.RotateLeft64(whole^xxhRound(0, binary.LittleEndian.Uint64(content)), 27)*prime1 + prime4
	}
	if len(content) >= 4 {
		whole = bits.RotateLeft64(whole^uint64(binary.LittleEndian.Uint32(content))*prime1, 23)*prime2 + prime3
		content = content[4:]
	}
	for _, each := range content {
		whole = bits.RotateLeft64(whole^uint64(each)*prime5, 11) * prime1
	}
	whole = (whole ^ whole>>33) * prime2
	whole = (whole ^ whole>>29) * prime3
	return whole ^ whole>>32
}

func xxhRound(lane, input uint64) uint64 {
	return bits.RotateLeft64(lane+input*prime2, 31) * prime1
}
