package main

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
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
	return s.fileAt(path, content, mode, 1e18)
}

func (s *script) fileAt(path, content string, mode uint32, mtime int64) *script {
	b := attributesOf(mode, mtime, "")
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

func (s *script) piecesOf(content []byte, block int) *script {
	for start := 0; start < len(content); start += block {
		s.frame(framePiece, content[start:min(start+block, len(content))])
	}
	return s
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

func TestNoTwoVersionsOfAFileHaveTheSameSizeAndSecond(t *testing.T) {
	for _, inPlace := range []bool{false, true} {
		root := t.TempDir()
		if inPlace {
			if os.Getuid() == 0 { // who may write everywhere
				continue
			}
			_ = os.Mkdir(root+"/a", 0o700)
			_ = os.WriteFile(root+"/a/b.py", []byte("old and long"), 0o666)
			_ = os.Chmod(root+"/a", 0o500)
		}
		for _, each := range []struct {
			content     string
			mtime, want int64
		}{
			{"1", 10_100, 10_100},  // the first one
			{"2", 10_600, 11_000},  // as long, in the same second
			{"3", 10_900, 12_000},  // and in the second before that of the version there
			{"33", 10_950, 10_950}, // another size tells them apart
			{"44", 12_500, 12_500}, // and so does a later second
			{"44", 12_500, 12_500}, // the same once more
		} {
			play(t, root, hello().fileAt("/a/b.py", each.content, 0o644, each.mtime*1e6).commit())
			found, err := os.Stat(root + "/a/b.py")
			if err != nil {
				t.Fatal(err)
			}
			if got := found.ModTime().UnixMilli(); got != each.want || content(t, root+"/a/b.py") != each.content {
				t.Errorf("%+v: got %d", each, got)
			}
		}
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

func TestFilesOfTheImageAreReplacedLikeOthers(t *testing.T) {
	root := t.TempDir()
	where := func(path string) string { return filepath.Join(root, path) }
	for _, path := range []string{"file", "linked", "same"} {
		if err := os.WriteFile(where(path), []byte("before"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chtimes(where("same"), time.Unix(1e9, 5), time.Unix(1e9, 5)); err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{
		os.Link(where("linked"), where("other")), os.Symlink("file", where("link")),
		os.MkdirAll(where("directory/in it"), 0o777),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	said := hello().file("/file", "new", 0o755).file("/linked", "new", 0o644).file("/link", "new", 0o644)
	said.file("/directory", "new", 0o644).fileAt("/same", "length", 0o644, 1e18)
	var out bytes.Buffer
	r := newReceiver(root, said.commit(), &out)
	r.started = time.Now().Add(time.Hour).UnixNano() // all that is there is older
	if err := r.run(); err != nil {
		t.Fatal(err)
	}
	expect(t, answers(t, &out), done)
	for _, path := range []string{"file", "linked", "link", "directory"} {
		if found := content(t, where(path)); found != "new" {
			t.Errorf("%s: %q", path, found)
		}
	}
	if found := content(t, where("other")); found != "before" {
		t.Errorf("the other name of a file: %q", found)
	}
	found, err := os.Lstat(where("file"))
	if err != nil || found.Mode() != 0o755 || !found.ModTime().Equal(time.Unix(1e9, 0)) {
		t.Error(found.Mode(), found.ModTime(), err)
	}
	if found, err := os.Lstat(where("same")); err != nil || !found.ModTime().Equal(time.Unix(1e9+1, 0)) {
		t.Error("two versions of the same size have the same second", found.ModTime(), err)
	}
	if names, _ := filepath.Glob(where(temporary + "*")); len(names) > 0 {
		t.Error(names)
	}
}

func TestTheStartOfTheContainerIsKnown(t *testing.T) {
	if began := time.Unix(0, containerStarted()); time.Since(began) < 0 {
		t.Error(began)
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
