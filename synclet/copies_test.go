package main

import (
	"bytes"
	"encoding/binary"
	"io"
	"math/rand"
	"os"
	"testing"
)

// copyOf announces a file as parts of a base; the parts that are sent follow as pieces.
func (s *script) copyOf(path string, content, base []byte, block int, parts ...part) *script {
	sums := func(of []byte) (found []sum) {
		for start := 0; start < len(of); start += block {
			found = append(found, sumOf(of[start:min(start+block, len(of))]))
		}
		return found
	}
	b := attributesOf(0o644, 1e18, "")
	b = binary.BigEndian.AppendUint64(b, uint64(len(content)))
	b = binary.BigEndian.AppendUint32(b, uint32(block))
	known := knownSums{version{size: int64(len(base))}, uint32(block), sums(base)}
	name := known.name()
	b = append(append(b, name[:]...), text(path)...)
	b = binary.BigEndian.AppendUint32(b, uint32(len(parts)))
	for _, each := range parts {
		b = binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(b, each.from), each.length)
	}
	for _, each := range sums(content) {
		b = append(b, each[:]...)
	}
	s.frame(frameCopy, b)
	place := uint64(0)
	for _, each := range parts {
		if each.from == sent {
			s.frame(framePiece, content[place:place+each.length])
		}
		place += each.length
	}
	return s
}

func TestAFileIsMadeOfPartsOfTheOneBeforeIt(t *testing.T) {
	root := t.TempDir()
	before := make([]byte, 100_000)
	_, _ = rand.New(rand.NewSource(1)).Read(before)
	after := append(append(append([]byte{}, before[:40_100]...), "longer"...), before[40_200:]...)
	said := hello().blocks("/big", before, 4096).piecesOf(before, 4096).commit()
	said.copyOf("/big", after, before, 4096, part{0, 40_000}, part{sent, 200}, part{40_294, 59_706}).commit()
	shorter := after[:50_000]
	said.copyOf("/big", shorter, after, 4096, part{0, 50_000}).commit()
	missing := "N\x00\x00\x00\x00\x00\x00\x00\x19"
	expect(t, play(t, root, said), missing, done, done, done)
	if content(t, root+"/big") != string(shorter) {
		t.Error("another content")
	}
}

func TestAFileIsNotMadeOfAnotherBaseOrWithAnotherContent(t *testing.T) {
	before, other := bytes.Repeat([]byte("before"), 5000), bytes.Repeat([]byte("others"), 5000)
	after := append(append([]byte{}, before...), "and more"...)
	parts := []part{{0, 30_000}, {sent, 8}}
	for name, change := range map[string]func(root string, said *script){
		"none":    func(root string, said *script) { said.Reset(); said.Write(hello().Bytes()) },
		"unknown": func(root string, said *script) { said.file("/big", string(before), 0o644).commit() },
		"another": func(root string, said *script) { said.blocks("/big", other, 4096).piecesOf(other, 4096).commit() },
	} {
		root := t.TempDir()
		said := hello()
		change(root, said)
		got := play(t, root, said.copyOf("/big", after, before, 4096, parts...).file("/x", "x", 0o644).commit())
		if len(got) < 2 || got[len(got)-2][:2] != "!\x04" || got[len(got)-1] != done {
			t.Errorf("%s: got %q", name, got)
		}
		if found, err := os.ReadFile(root + "/big"); err == nil && bytes.Equal(found, after) {
			t.Errorf("%s: it was made all the same", name)
		}
	}
	root := t.TempDir()
	said := hello().blocks("/big", before, 4096).piecesOf(before, 4096).commit()
	wrong := append(append([]byte{}, before[:29_000]...), other[:1008]...)
	said.copyOf("/big", wrong, before, 4096, part{0, 29_000}, part{sent, 1000}, part{0, 8}) // its sums say otherwise
	if got := play(t, root, said.commit()); got[len(got)-2][:2] != "!\x04" || content(t, root+"/big") != string(before) {
		t.Errorf("got %q", got)
	}
}

func TestPartsMoveByAnyNumberOfBytes(t *testing.T) {
	before := make([]byte, 3*copyBuffer+5)
	_, _ = rand.New(rand.NewSource(3)).Read(before)
	for _, shift := range []int{1, 39, 1023, 1024, 2048, 3071, 3072, 4095, 4096, 4097} {
		root := t.TempDir()
		after := append(append(before[:5000:5000], make([]byte, shift)...), before[5000:]...)
		said := hello().blocks("/big", before, 65536).piecesOf(before, 65536).commit()
		rest := part{5000, uint64(len(before) - 5000)}
		said.copyOf("/big", after, before, 65536, part{0, 5000}, part{sent, uint64(shift)}, rest).commit()
		got := play(t, root, said)
		if got[len(got)-1] != done || content(t, root+"/big") != string(after) {
			t.Errorf("moved by %d: got %q", shift, got)
		}
	}
}

// talk runs a receiver; what is written to the first goes to it, and what it says comes from the second.
func talk(t *testing.T, root string) (*io.PipeWriter, *wire) {
	t.Helper()
	in, to := io.Pipe()
	from, out := io.Pipe()
	ended := make(chan error)
	go func() { ended <- newReceiver(root, in, out).run() }()
	t.Cleanup(func() {
		to.Close()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	if _, err := to.Write(hello().Bytes()); err != nil {
		t.Fatal(err)
	}
	return to, newWire(from, io.Discard)
}

func TestABaseThatSomebodyWritesToMeanwhileCountsNoMore(t *testing.T) {
	root := t.TempDir()
	to, answers := talk(t, root)
	before := bytes.Repeat([]byte("before"), 20_000)
	transfer(t, "/big", before, 4096, to, answers)
	after := append(append([]byte{}, before...), "and more"...)
	said := new(script).copyOf("/big", after, before, 4096, part{0, 120_000}, part{sent, 8}).commit().Bytes()
	announced := len(said) - (5 + 8) - (5 + 4)
	if _, err := to.Write(said[:announced]); err != nil {
		t.Fatal(err)
	}
	for begun := []os.DirEntry{}; len(begun) < 2; {
		begun, _ = os.ReadDir(root)
	}
	if err := os.WriteFile(root+"/big", bytes.Repeat([]byte("others"), 20_000), 0o666); err != nil {
		t.Fatal(err)
	}
	go to.Write(said[announced:])
	if kind, payload, err := answers.receive(); err != nil || kind != frameFailed || payload[0] != failureBase {
		t.Errorf("%c %q %v", kind, payload, err)
	}
	if kind, payload, err := answers.receive(); err != nil || kind != frameDone {
		t.Errorf("%c %q %v", kind, payload, err)
	}
	if content(t, root+"/big") != string(bytes.Repeat([]byte("others"), 20_000)) {
		t.Error("it was made all the same")
	}
}

// transfer sends a large file to a receiver that runs, and returns how many bytes it asked for.
func transfer(t *testing.T, path string, content []byte, block int, to io.Writer, from *wire) (asked int) {
	t.Helper()
	said := new(script).blocks(path, content, block)
	if _, err := to.Write(said.Bytes()); err != nil {
		t.Fatal(err)
	}
	kind, payload, err := from.receive()
	for kind == frameConsumed {
		kind, payload, err = from.receive()
	}
	if err != nil || kind != frameMissing {
		t.Fatalf("%c %q %v", kind, payload, err)
	}
	said.Reset()
	for f := (fields{rest: payload}); len(f.rest) > 0; {
		first, last := int(f.u32()), int(f.u32())
		for i := first; i < last; i++ {
			piece := content[i*block : min(i*block+block, len(content))]
			asked += len(piece)
			said.frame(framePiece, piece)
		}
	}
	if _, err := to.Write(said.commit().Bytes()); err != nil {
		t.Fatal(err)
	}
	for kind != frameDone {
		if kind, payload, err = from.receive(); err != nil || kind == frameFailed {
			t.Fatalf("%c %q %v", kind, payload, err)
		}
	}
	return asked
}

func TestOnlyChangedBlocksTravel(t *testing.T) {
	root := t.TempDir()
	to, answers := talk(t, root)
	const block = 1024
	content := make([]byte, 100*block+17)
	rand.New(rand.NewSource(1)).Read(content)
	check := func(what string, most int) {
		t.Helper()
		if asked := transfer(t, "/big", content, block, to, answers); asked > most {
			t.Errorf("%s: %d bytes travelled", what, asked)
		}
		if found, _ := os.ReadFile(root + "/big"); !bytes.Equal(found, content) {
			t.Errorf("%s: wrong content", what)
		}
	}
	check("all of it is new", len(content))
	check("nothing changed", 0)
	content[5*block+3] ^= 1
	content[50*block] ^= 1
	check("two bytes changed", 2*block)
	content = append(content[:7*block+1:7*block+1], append([]byte("more"), content[7*block+1:]...)...)
	check("something was inserted", 3*block)
	content = append(content[:60*block+5:60*block+5], content[60*block+99:]...)
	check("something was removed", 3*block)
	_ = os.WriteFile(root+"/big", []byte("somebody else's"), 0o666)
	check("the file was changed there", len(content))
	content = content[:block/2]
	check("it became short", block)
	content = nil
	check("it became empty", 0)
	content = make([]byte, 50*block+9)
	rand.New(rand.NewSource(2)).Read(content)
	check("another one", len(content))
	whole := content
	for _, shorter := range []int{0, 20 * block} { // it is being written anew, slowly
		content = whole[:shorter]
		check("a part", 0)
	}
	if _, err := to.Write(new(script).file("/big", "short", 0o644).commit().Bytes()); err != nil {
		t.Fatal(err)
	}
	if kind, payload, err := answers.receive(); kind != frameDone {
		t.Fatalf("%c %q %v", kind, payload, err)
	}
	content = bytes.Clone(whole)
	content[30*block] ^= 1
	check("all of it again, with a change", block)
	content = append(content, "more"...)
	check("the end", 2*block)
}
