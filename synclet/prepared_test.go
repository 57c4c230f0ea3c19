package main

import (
	"fmt"
	"os"
	"syscall"
	"testing"
)

// saved carries a file out as what is passed on is, prepares the next one, and returns the inodes of both; 0 where none
// could be prepared.
func saved(t *testing.T, r *receiver, path, text string, mode uint32) (inode, next uint64) {
	t.Helper()
	var said script
	said.file(path, text, mode)
	if answers := r.carryOutRelayed(r.latest+1, 0, said.Bytes()); len(answers) != 1 || answers[0][0] != frameDone {
		t.Fatalf("got %q", answers)
	}
	var found syscall.Stat_t
	if err := syscall.Lstat(r.root+path, &found); err != nil {
		t.Fatal(err)
	}
	if got := content(t, r.root+path); got != text || found.Mode&0o7777 != mode {
		t.Errorf("got %q, %o", got, found.Mode)
	}
	r.prepare()
	var made syscall.Stat_t
	if r.prepared != nil {
		t.Cleanup(func() {
			if r.prepared != nil {
				syscall.Close(r.prepared.descriptor)
				r.prepared = nil
			}
		})
		if err := syscall.Fstat(r.prepared.descriptor, &made); err != nil {
			t.Fatal(err)
		}
	}
	return found.Ino, made.Ino
}

func TestWhatIsSavedNextIsMadeAheadOfTime(t *testing.T) {
	for _, byPath := range []bool{false, true} {
		t.Run(fmt.Sprintf("by path %v", byPath), func(t *testing.T) {
			defer func(before bool) { linksByPath = before }(linksByPath)
			linksByPath = byPath
			isMadeAheadOfTime(t)
		})
	}
}

func isMadeAheadOfTime(t *testing.T) {
	r := newReceiver(t.TempDir(), nil, nil)
	_, next := saved(t, r, "/app/x", "one", 0o644)
	if next == 0 {
		t.Skip("this file system makes no files without a name")
	}
	for _, name := range []string{"/app/x", "/app/x", "/app/y"} {
		var inode uint64
		wanted := next
		if inode, next = saved(t, r, name, "another", 0o644); inode != wanted {
			t.Errorf("%s is not what was prepared", name)
		}
	}
	found, err := os.ReadDir(r.root + "/app")
	if err != nil || len(found) != 2 {
		t.Errorf("got %v, %v", found, err)
	}
}

func TestWhatIsOtherwiseThanWasPreparedIsMadeAnew(t *testing.T) {
	for name, change := range map[string]func(r *receiver) (path string, mode uint32){
		"permissions": func(*receiver) (string, uint32) { return "/app/x", 0o600 },
		"directory":   func(*receiver) (string, uint32) { return "/other/x", 0o644 },
		"its group": func(r *receiver) (string, uint32) {
			_ = os.Chmod(r.root+"/app", 0o777|os.ModeSetgid)
			return "/app/x", 0o644
		},
		"another of its name": func(r *receiver) (string, uint32) {
			_ = os.RemoveAll(r.root + "/app")
			_ = os.Mkdir(r.root+"/app", 0o755)
			return "/app/x", 0o644
		},
		"none of its name": func(r *receiver) (string, uint32) {
			_ = os.RemoveAll(r.root + "/app")
			return "/app/x", 0o644
		},
		"one that was left": func(r *receiver) (string, uint32) {
			_ = os.WriteFile(r.root+"/app/"+r.temporary, nil, 0o600)
			r.prepared.changed, _ = changeOf(r.root + "/app/")
			return "/app/x", 0o644
		},
	} {
		r := newReceiver(t.TempDir(), nil, nil)
		_, prepared := saved(t, r, "/app/x", "one", 0o644)
		if prepared == 0 {
			t.Skip("this file system makes no files without a name")
		}
		descriptor, err := syscall.Dup(r.prepared.descriptor) // else its number may be given again
		if err != nil {
			t.Fatal(err)
		}
		path, mode := change(r)
		before := r.prepared
		if inode, _ := saved(t, r, path, "two", mode); inode == prepared {
			t.Errorf("%s: what was prepared is used", name)
		}
		if r.prepared == before {
			t.Errorf("%s: it is still kept", name)
		}
		syscall.Close(descriptor)
	}
}
