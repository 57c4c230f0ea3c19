package main

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"math/rand"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// script is what the other side says.
type script struct{ bytes.Buffer }

func (s *script) frame(kind byte, payload []byte) *script {
	s.WriteByte(kind)
	s.Write(binary.BigEndian.AppendUint32(nil, uint32(len(payload))))
	s.Write(payload)
	return s
}

func hello() *script {
	return new(script).frame(frameHello, []byte{0, protocolVersion})
}

func (s *script) commit() *script {
	return s.frame(frameCommit, []byte{0, 0, 0, 7})
}

func text(value string) []byte {
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(value))), value...)
}

func attributesOf(mode uint32, mtime int64, owner string) []byte {
	b := binary.BigEndian.AppendUint32(nil, mode)
	b = binary.BigEndian.AppendUint64(b, uint64(mtime))
	return append(b, text(owner)...)
}

func (s *script) file(path, content string, mode uint32) *script {
	b := attributesOf(mode, 1e18, "")
	b = binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE([]byte(content)))
	return s.frame(frameFile, append(append(b, text(path)...), content...))
}

func (s *script) blocks(path string, content []byte, block int) *script {
	b := attributesOf(0o644, 1e18, "")
	b = binary.BigEndian.AppendUint64(b, uint64(len(content)))
	b = binary.BigEndian.AppendUint32(b, uint32(block))
	b = append(b, text(path)...)
	for start := 0; start < len(content); start += block {
		s := sumOf(content[start:min(start+block, len(content))])
		b = append(b, s[:]...)
	}
	return s.frame(frameBlocks, b)
}

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

func (s *script) piecesOf(content []byte, block int) *script {
	for start := 0; start < len(content); start += block {
		s.frame(framePiece, content[start:min(start+block, len(content))])
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

// play has a receiver carry out a script and returns its answers, each as kind and payload.
func play(t *testing.T, root string, said *script) []string {
	t.Helper()
	var out bytes.Buffer
	if err := newReceiver(root, &said.Buffer, &out).run(); err != nil {
		t.Fatal(err)
	}
	return answers(t, &out)
}

func answers(t *testing.T, out io.Reader) (found []string) {
	t.Helper()
	w := newWire(out, io.Discard)
	for {
		kind, payload, err := w.receive()
		if err == io.EOF {
			return found
		}
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, string(kind)+string(payload))
	}
}

const done = "A\x00\x00\x00\x07"

func expect(t *testing.T, got []string, want ...string) {
	t.Helper()
	if fmt.Sprintf("%q", got) != fmt.Sprintf("%q", want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func content(t *testing.T, path string) string {
	t.Helper()
	found, err := os.ReadFile(path)
	if err != nil {
		t.Error(err)
	}
	return string(found)
}

func TestFilesLinksAndDirectoriesArriveWithTheirAttributes(t *testing.T) {
	root := t.TempDir()
	said := hello().file("/app/deep/a b\n", "one", 0o750).file("/app/deep/a b\n", "two", 0o4755)
	said.frame(frameMkdir, append(attributesOf(0o700, 2e18, ""), "/app/empty"...))
	said.file("/app/empty/x", "", 0o600)
	said.frame(frameLink, append(append(attributesOf(0, 1e18, ""), text("../deep")...), "/app/link"...))
	expect(t, play(t, root, said.commit()), done)
	if got := content(t, root+"/app/deep/a b\n"); got != "two" {
		t.Errorf("got %q", got)
	}
	found, _ := os.Stat(root + "/app/deep/a b\n")
	if found.Mode() != 0o755|os.ModeSetuid || found.ModTime().UnixNano() != 1e18 {
		t.Error(found.Mode(), found.ModTime())
	}
	if found, _ := os.Stat(root + "/app/empty"); found.Mode().Perm() != 0o700 || found.ModTime().UnixNano() != 2e18 {
		t.Error(found.Mode(), found.ModTime())
	}
	if target, _ := os.Readlink(root + "/app/link"); target != "../deep" {
		t.Error(target)
	}
	if left, _ := filepath.Glob(root + "/app/*/" + temporary + "*"); left != nil {
		t.Error(left)
	}
}

func TestWhatIsInTheWayGoesFirst(t *testing.T) {
	root := t.TempDir()
	_ = os.MkdirAll(root+"/app/a/b", 0o777)
	_ = os.WriteFile(root+"/app/c", nil, 0o666)
	_ = os.Symlink("a", root+"/app/link")
	said := hello().frame(frameUnlink, []byte("/app/link")).frame(frameUnlink, []byte("/app/a"))
	said.frame(frameMkdir, append(attributesOf(0o755, 0, ""), "/app/link"...)).file("/app/link/x", "x", 0o644)
	said.file("/app/a", "now a file", 0o644).frame(frameDelete, []byte("/app/c")).frame(frameDelete, []byte("/none/x"))
	expect(t, play(t, root, said.commit()), done)
	if content(t, root+"/app/a") != "now a file" || content(t, root+"/app/link/x") != "x" {
		t.Error("wrong content")
	}
	if _, err := os.Lstat(root + "/app/c"); err == nil {
		t.Error("not deleted")
	}
}

func TestAFailureIsReportedAndTheNextBatchGoesOn(t *testing.T) {
	root := t.TempDir()
	_ = os.WriteFile(root+"/file", nil, 0o666)
	got := play(t, root, hello().file("/file/x", "x", 0o644).file("/never", "x", 0o644).commit().file("/next", "x", 0o644).commit())
	if len(got) != 3 || !strings.HasPrefix(got[0], "!\x00") || !strings.Contains(got[0], "not a directory") {
		t.Errorf("%q", got)
	}
	if _, err := os.Lstat(root + "/never"); err == nil {
		t.Error("a batch went on after its failure")
	}
	content(t, root+"/next")
}

func TestCompressedFramesAreFramesToo(t *testing.T) {
	root := t.TempDir()
	inner := new(script)
	for i := 0; i < 3; i++ {
		inner.file(fmt.Sprintf("/app/%d", i), strings.Repeat("text ", 30000), 0o644)
	}
	said := hello().zipped(inner.Bytes()).file("/app/4", "x", 0o644).zipped(new(script).commit().Bytes())
	got := play(t, root, said)
	if len(got) == 0 || got[len(got)-1] != done {
		t.Errorf("%q", got)
	}
	if len(content(t, root+"/app/2")) != 150000 || content(t, root+"/app/4") != "x" {
		t.Error("wrong content")
	}
}

func (s *script) zipped(content []byte) *script {
	var b bytes.Buffer
	w, _ := flate.NewWriter(&b, 1)
	_, _ = w.Write(content)
	w.Close()
	return s.frame(frameZipped, b.Bytes())
}

func TestDamageIsNoticed(t *testing.T) {
	said := hello().file("/x", "content", 0o644)
	raw := said.Bytes()
	raw[len(raw)-1] ^= 1
	if got := play(t, t.TempDir(), said.commit()); len(got) != 2 || !strings.Contains(got[0], "damaged") {
		t.Errorf("%q", got)
	}
}

func TestAnotherVersionIsRefused(t *testing.T) {
	var out bytes.Buffer
	said := new(script).frame(frameHello, []byte{0, 99})
	if err := newReceiver(t.TempDir(), said, &out).run(); err == nil {
		t.Error("no error")
	}
	if got := answers(t, &out); len(got) != 1 || got[0][0] != frameFailed {
		t.Errorf("%q", got)
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
	in, to := io.Pipe()
	from, out := io.Pipe()
	ended := make(chan error)
	go func() { ended <- newReceiver(root, in, out).run() }()
	answers := newWire(from, io.Discard)
	if _, err := to.Write(hello().Bytes()); err != nil {
		t.Fatal(err)
	}
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
	to.Close()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func commandFrame(words ...string) []byte {
	var b []byte
	for _, word := range words {
		b = append(b, text(word)...)
	}
	return b
}

func TestCommandsRunAndTheirOutputAndStatusAreReported(t *testing.T) {
	said := hello().frame(frameRun, commandFrame("sh", "-c", "echo out; echo err >&2; read x; sleep 60 & exit 3"))
	said.frame(frameRun, commandFrame("no such command")).frame(frameRun, commandFrame("sh", "-c", "kill -9 $$"))
	got := play(t, t.TempDir(), said)
	var printed string
	var statuses []string
	for _, each := range got {
		if each[0] == frameOutput {
			printed += each[1:]
		} else {
			statuses = append(statuses, fmt.Sprint(each[0] == frameExit, binary.BigEndian.Uint32([]byte(each[1:]))))
		}
	}
	if !strings.HasPrefix(printed, "out\nerr\n") || !strings.Contains(printed, "no such command: ") {
		t.Errorf("%q", printed)
	}
	expect(t, statuses, "true 3", "true 127", "true 137")
}

func TestAllOfALongOutputArrivesBeforeTheStatus(t *testing.T) {
	got := play(t, t.TempDir(), hello().frame(frameRun, commandFrame("sh", "-c", "i=0; while [ $i -lt 20000 ]; do echo 123456789; i=$((i+1)); done")))
	size := 0
	for _, each := range got[:len(got)-1] {
		size += len(each) - 1
	}
	if size != 200000 || got[len(got)-1][0] != frameExit {
		t.Error(size)
	}
}

func TestWhatCannotBeWrittenIsCalledDenied(t *testing.T) {
	if os.Getuid() == 0 {
		// Root may write everywhere but into /proc.
		got := play(t, "/proc", hello().file("/x", "x", 0o644).commit())
		if len(got) != 2 || got[0][0] != frameFailed {
			t.Errorf("%q", got)
		}
		return
	}
	root := t.TempDir()
	_ = os.Mkdir(root+"/closed", 0o500)
	_ = os.WriteFile(root+"/open", []byte("old"), 0o666)
	got := play(t, root, hello().file("/closed/x", "x", 0o644).commit())
	if len(got) != 2 || got[0][1] != failureDenied {
		t.Errorf("%q", got)
	}
}

func TestAFileWhoseDirectoryIsClosedIsWrittenInPlace(t *testing.T) {
	if os.Getuid() == 0 {
		t.Skip("root may write everywhere")
	}
	root := t.TempDir()
	_ = os.Mkdir(root+"/app", 0o700)
	_ = os.WriteFile(root+"/app/x", []byte("old and long"), 0o666)
	_ = os.Chmod(root+"/app", 0o500)
	expect(t, play(t, root, hello().file("/app/x", "new", 0o644).commit()), done)
	if content(t, root+"/app/x") != "new" {
		t.Error("not written")
	}
}

func TestOwnersAreLookedUpInTheContainer(t *testing.T) {
	root := t.TempDir()
	_ = os.Mkdir(root+"/etc", 0o777)
	_ = os.WriteFile(root+"/etc/passwd", []byte("root:x:0:0::/:\napp:x:1234:77::/:\n"), 0o666)
	_ = os.WriteFile(root+"/etc/group", []byte("staff:x:50:\n"), 0o666)
	o := &owners{root: root}
	for owner, want := range map[string][2]int{
		"app": {1234, 77}, "app:staff": {1234, 50}, "9": {9, 9}, "9:8": {9, 8}, "root": {0, 0}, "app:3": {1234, 3},
	} {
		user, group, err := o.find(owner)
		if err != nil || user != want[0] || group != want[1] {
			t.Error(owner, user, group, err)
		}
	}
	if _, _, err := o.find("nobody-there"); err == nil {
		t.Error("no error")
	}
}

func FuzzFramesNeitherBreakTheReceiverNorLeaveItsRoot(f *testing.F) {
	f.Add(hello().file("/a/b", "x", 0o644).commit().Bytes())
	f.Add(hello().frame(frameUnlink, []byte("/../../x")).frame(frameDelete, []byte("/a")).commit().Bytes())
	f.Add(hello().blocks("/big", make([]byte, 5000), 1024).frame(framePiece, make([]byte, 1024)).commit().Bytes())
	zeros := make([]byte, 5000)
	f.Add(hello().blocks("/big", zeros, 1024).piecesOf(zeros, 1024).commit().
		copyOf("/big", zeros[:4000], zeros, 1024, part{0, 1500}, part{sent, 500}, part{3000, 2000}).commit().Bytes())
	f.Add(hello().frame(frameLink, append(append(attributesOf(0, 1, "root:9"), text("x")...), "/l"...)).commit().Bytes())
	f.Fuzz(func(t *testing.T, said []byte) {
		outer := t.TempDir()
		root := outer + "/root"
		_ = os.Mkdir(root, 0o700)
		_ = os.WriteFile(outer+"/kept", []byte("kept"), 0o600)
		_ = newReceiver(root, bytes.NewReader(harmless(said)), io.Discard).run()
		if found, _ := os.ReadFile(outer + "/kept"); string(found) != "kept" {
			t.Error("it left its root")
		}
		if left, _ := os.ReadDir(outer); len(left) != 2 {
			t.Error(left)
		}
	})
}

// harmless leaves out commands, since nobody knows what those would do here, and links, which may lead out of the root.
func harmless(said []byte) []byte {
	var kept []byte
	for len(said) >= 5 {
		end := 5 + uint64(binary.BigEndian.Uint32(said[1:]))
		if end > uint64(len(said)) {
			return append(kept, said...)
		}
		if kind := said[0]; kind != frameRun && kind != frameRestart && kind != frameLink && kind != frameZipped {
			kept = append(kept, said[:end]...)
		}
		said = said[end:]
	}
	return append(kept, said...)
}
