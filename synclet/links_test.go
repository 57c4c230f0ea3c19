package main

import (
	"bytes"
	"os"
	"strings"
	"testing"
)

// expectKind awaits an answer; how much was taken is none.
func expectKind(t *testing.T, answers *wire, want byte) {
	t.Helper()
	for {
		got, payload, err := answers.receive()
		if err == nil && got == frameConsumed {
			continue
		}
		if err != nil || got != want {
			t.Fatalf("got %c %q %v, want %c", got, payload, err, want)
		}
		return
	}
}

func TestFilesGoWhereTheLinkOfADirectoryLeads(t *testing.T) {
	root := t.TempDir()
	big := someBytes(200_000)
	for _, directory := range []string{"/one", "/two"} {
		if err := os.Mkdir(root+directory, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	to, answers := talk(t, root)
	say := func(said *script, want ...byte) {
		t.Helper()
		if _, err := to.Write(said.Bytes()); err != nil {
			t.Fatal(err)
		}
		for _, kind := range want {
			expectKind(t, answers, kind)
		}
	}
	for _, leads := range []string{"one", "two", "one"} {
		_ = os.Remove(root + "/app")
		if err := os.Symlink(leads, root+"/app"); err != nil {
			t.Fatal(err)
		}
		say(new(script).file("/app/small", leads, 0o644).commit(), frameDone)
		if content(t, root+"/"+leads+"/small") != leads {
			t.Errorf("%s has another content", leads)
		}
	}
	say(new(script).blocks("/app/big", big, 65536), frameMissing)
	_ = os.Remove(root + "/app")
	if err := os.Symlink("two", root+"/app"); err != nil {
		t.Fatal(err)
	}
	// What was begun in the one directory is never the file of the other, and the next batch goes on there.
	say(new(script).piecesOf(big, 65536).commit(), frameFailed, frameDone)
	if _, err := os.Lstat(root + "/two/big"); err == nil {
		t.Error("it is in the other directory")
	}
	go func() {
		_, _ = to.Write(new(script).blocks("/app/big", big, 65536).piecesOf(big, 65536).commit().Bytes())
	}()
	for _, kind := range []byte{frameMissing, frameDone} {
		expectKind(t, answers, kind)
	}
	if !bytes.Equal([]byte(content(t, root+"/two/big")), big) {
		t.Error("another content")
	}
	for _, directory := range []string{"/one", "/two"} {
		found, _ := os.ReadDir(root + directory)
		for _, each := range found {
			if strings.HasPrefix(each.Name(), temporary) {
				t.Errorf("%s%s was left behind", directory, each.Name())
			}
		}
	}
}

func TestALinkThatLeadsNowhereIsAReasonToFail(t *testing.T) {
	for _, leads := range []string{"nowhere", "app"} {
		root := t.TempDir()
		if err := os.Symlink(leads, root+"/app"); err != nil {
			t.Fatal(err)
		}
		got := play(t, root, hello().file("/app/x", "x", 0o644).commit().file("/other/x", "x", 0o644).commit())
		if len(got) != 3 || got[0][:1] != "!" || got[1] != done || got[2] != done {
			t.Errorf("%s: got %q", leads, got)
		}
	}
}
