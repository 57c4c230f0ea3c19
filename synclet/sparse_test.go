package main

import (
	"bytes"
	"math/rand"
	"os"
	"syscall"
	"testing"
)

// occupied is how many bytes a file takes on the disk.
func occupied(t *testing.T, path string) int64 {
	t.Helper()
	var found syscall.Stat_t
	if err := syscall.Stat(path, &found); err != nil {
		t.Fatal(err)
	}
	return found.Blocks * 512
}

func someBytes(size int) []byte {
	content := make([]byte, size)
	_, _ = rand.New(rand.NewSource(5)).Read(content)
	return content
}

func sameContent(t *testing.T, path string, want []byte) {
	t.Helper()
	if found, err := os.ReadFile(path); err != nil || !bytes.Equal(found, want) {
		t.Errorf("another content: %v", err)
	}
}

func TestBlocksOfZerosAreNeitherAskedForNorWritten(t *testing.T) {
	root := t.TempDir()
	const block = 65536
	content := make([]byte, 64*block+10)
	copy(content[3*block:], someBytes(block))
	said := hello().blocks("/big", content, block).piecesOf(content[3*block:4*block], block).commit()
	expect(t, play(t, root, said), "N\x00\x00\x00\x03\x00\x00\x00\x04", done)
	sameContent(t, root+"/big", content)
	if found := occupied(t, root+"/big"); found > 2*block {
		t.Errorf("it takes %d bytes", found)
	}
}

func TestAHoleReplacesWhatWasThere(t *testing.T) {
	const block = 65536
	before := someBytes(16 * block)
	after := append([]byte{}, before...)
	clear(after[2*block : 9*block])
	clear(after[15*block:])
	for name, prepare := range map[string]func(said *script, root string){
		"known": func(said *script, root string) {
			said.blocks("/big", before, block).piecesOf(before, block).commit()
		},
		"unknown": func(_ *script, root string) {
			if err := os.WriteFile(root+"/big", before, 0o644); err != nil {
				t.Fatal(err)
			}
		},
	} {
		root := t.TempDir()
		said := hello()
		prepare(said, root)
		got := play(t, root, said.blocks("/big", after, block).commit())
		if want := []string{"N", done}; len(got) < 2 || got[len(got)-2] != want[0] || got[len(got)-1] != want[1] {
			t.Errorf("%s: got %q", name, got)
		}
		sameContent(t, root+"/big", after)
		if found := occupied(t, root+"/big"); found > 9*block {
			t.Errorf("%s: it takes %d bytes", name, found)
		}
	}
}

func TestWhatIsMadeOfASparseFileIsSparse(t *testing.T) {
	const block = 65536
	before := make([]byte, 64*block)
	copy(before[5*block:], someBytes(block))
	for name, shift := range map[string]int{"appended": 0, "in front, in pages": pageSize, "in front": 11} {
		root := t.TempDir()
		said := hello().blocks("/big", before, block).piecesOf(before[5*block:6*block], block).commit()
		after := append(append(someBytes(shift), before...), "end"...)
		parts := []part{{sent, uint64(shift)}, {0, uint64(len(before))}, {sent, 3}}[1-min(1, shift):]
		got := play(t, root, said.copyOf("/big", after, before, block, parts...).commit())
		if got[len(got)-1] != done || len(got) != 3 {
			t.Errorf("%s: got %q", name, got)
		}
		sameContent(t, root+"/big", after)
		if found := occupied(t, root+"/big"); found > 6*block {
			t.Errorf("%s: it takes %d bytes", name, found)
		}
	}
}
