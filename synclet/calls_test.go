package main

import (
	"bytes"
	"io"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

func TestAFileHasItsPermissionsWhateverTheMask(t *testing.T) {
	before := syscall.Umask(0o077)
	defer syscall.Umask(before)
	root := t.TempDir()
	for path, mode := range map[string]os.FileMode{"/open": 0o666, "/closed": 0o400, "/run": os.ModeSetuid | 0o755} {
		wanted := uint32(mode.Perm())
		if mode&os.ModeSetuid != 0 {
			wanted |= syscall.S_ISUID
		}
		expect(t, play(t, root, hello().file(path, "one", wanted).commit()), done)
		expect(t, play(t, root, hello().file(path, "two", wanted).commit()), done)
		found, err := os.Stat(filepath.Join(root, path))
		if err != nil || found.Mode() != mode {
			t.Fatalf("%s: %v, %v", path, found.Mode(), err)
		}
	}
	if found, err := os.ReadDir(root); err != nil || len(found) != 3 {
		t.Fatalf("%v, %v", found, err)
	}
}

func TestMoreThanAConnectionTakesAtOnceArrives(t *testing.T) {
	door, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer door.Close()
	sent := bytes.Repeat([]byte("sixteen bytes - "), 1<<20)
	go func() {
		conn, err := net.DialTCP("tcp", nil, door.Addr().(*net.TCPAddr))
		if err == nil {
			_, _ = quickly(conn).Write(sent)
			conn.Close()
		}
	}()
	conn, err := door.Accept()
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(quickly(conn))
	if err != nil || !bytes.Equal(got, sent) {
		t.Fatalf("%d of %d bytes: %v", len(got), len(sent), err)
	}
	conn.Close()
	if _, err := quickly(conn).Read(make([]byte, 1)); err == nil {
		t.Fatal("a connection that is closed can be read")
	}
}
