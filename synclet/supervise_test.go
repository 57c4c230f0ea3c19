package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestTheWrappersFlagsAreRead(t *testing.T) {
	for _, c := range []struct {
		words   string
		want    superviseOptions
		problem string
	}{
		{"--watch_file=/x app -f", superviseOptions{"/x", true, syscall.SIGTERM, []string{"app", "-f"}}, ""},
		{"-watch_file /x --entr_flags=-r -- -app", superviseOptions{"/x", false, syscall.SIGTERM, []string{"-app"}}, ""},
		{"--entr_path=/entr --verbose_signals app", superviseOptions{"/.restart-proc", true, syscall.SIGTERM, []string{"app"}}, ""},
		{"app --watch_file=/y", superviseOptions{"/.restart-proc", true, syscall.SIGTERM, []string{"app", "--watch_file=/y"}}, ""},
		{"--watch_file=/x", superviseOptions{}, "needs a program"},
		{"--watch_file", superviseOptions{}, "needs a value"},
		{"--other=1 app", superviseOptions{}, "unknown flag -other"},
	} {
		got, err := readWrapperOptions(strings.Fields(c.words))
		if c.problem != "" {
			if err == nil || !strings.Contains(err.Error(), c.problem) {
				t.Errorf("%s: got %v, want %s", c.words, err, c.problem)
			}
			continue
		}
		same := got.watchFile == c.want.watchFile && got.endsToo == c.want.endsToo
		if err != nil || !same || strings.Join(got.program, " ") != strings.Join(c.want.program, " ") {
			t.Errorf("%s: got %+v, %v", c.words, got, err)
		}
	}
}

// trial is a wrapper that runs as a process of its own, and the file that restarts its program.
type trial struct {
	*testing.T
	folder  string
	wrapper *exec.Cmd
}

func wrapped(t *testing.T, flags, script string) *trial {
	t.Helper()
	folder := t.TempDir()
	program := filepath.Join(folder, wrapperName)
	if out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	restart := filepath.Join(folder, "restart")
	if err := os.WriteFile(restart, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	words := append([]string{"--watch_file=" + restart}, strings.Fields(flags)...)
	command := exec.Command(program, append(words, "sh", "-c", script)...)
	command.Dir, command.Stderr = folder, os.Stderr
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = command.Process.Kill() })
	return &trial{t, folder, command}
}

func (t *trial) restart() {
	if err := os.WriteFile(filepath.Join(t.folder, "restart"), []byte("now"), 0o666); err != nil {
		t.Fatal(err)
	}
}

func (t *trial) says(lines int) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for time.Now().Before(deadline) {
		said, _ := os.ReadFile(filepath.Join(t.folder, "said"))
		if strings.Count(string(said), "\n") == lines {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatalf("waited in vain for %d lines", lines)
}

func (t *trial) endsWith(code int) {
	t.Helper()
	_ = t.wrapper.Wait()
	if got := t.wrapper.ProcessState.ExitCode(); got != code {
		t.Errorf("it ended with %d, not %d", got, code)
	}
}

func TestAProgramIsStartedAgainWheneverTheFileIsWritten(t *testing.T) {
	w := wrapped(t, "", "echo begun >> said; sleep 60 & wait")
	w.says(1)
	w.restart()
	w.says(2)
	w.restart()
	w.says(3)
	_ = w.wrapper.Process.Signal(syscall.SIGTERM)
	w.endsWith(128 + int(syscall.SIGTERM))
}

func TestItEndsWithTheProgramsExitCode(t *testing.T) {
	wrapped(t, "", "exit 7").endsWith(7)
}

func TestItMayWaitForTheNextChangeInstead(t *testing.T) {
	w := wrapped(t, "--entr_flags=-r", "echo begun >> said")
	w.says(1)
	w.restart()
	w.says(2)
	_ = w.wrapper.Process.Signal(syscall.SIGTERM)
	_ = w.wrapper.Wait()
	if code := w.wrapper.ProcessState.ExitCode(); code != 0 && code != 128+int(syscall.SIGTERM) {
		t.Errorf("it ended with %d", code) // 0 where the program had not been reaped yet
	}
}

func TestSignalsReachTheProgram(t *testing.T) {
	w := wrapped(t, "", "trap 'echo told >> said' HUP; trap 'exit 3' TERM; echo begun >> said; while :; do sleep 0.01; done")
	w.says(1)
	_ = w.wrapper.Process.Signal(syscall.SIGHUP)
	w.says(2)
	_ = w.wrapper.Process.Signal(syscall.SIGTERM)
	w.endsWith(3)
}

func TestWhoReceivesMayHaveTheProgramStartedAgain(t *testing.T) {
	w := wrapped(t, "", "trap 'exit 9' USR1; echo begun >> said; sleep 60 & wait")
	w.says(1)
	for restarts := 2; restarts < 5; restarts++ {
		got := play(t, w.folder, hello().frame(frameRestart, nil))
		if len(got) != 1 || got[0][0] != frameStarted {
			t.Fatalf("%q", got)
		}
		w.says(restarts)
	}
	_ = w.wrapper.Process.Signal(syscall.SIGUSR1)
	w.endsWith(9)
	if got := play(t, w.folder, hello().frame(frameRestart, nil)); len(got) != 1 || got[0][:2] != "!\x03" {
		t.Errorf("%q", got)
	}
}

func TestTheVerbReadsItsFlags(t *testing.T) {
	for words, want := range map[string]syscall.Signal{
		"-- app -x": syscall.SIGTERM, "--stop-signal=SIGQUIT -- app": syscall.SIGQUIT, "--stop-signal 10 app": 10,
		"--stop-signal=nonsense app": syscall.SIGTERM,
	} {
		got, err := readSuperviseOptions(strings.Fields(words))
		if err != nil || got.stop != want || got.program[0] != "app" || !got.endsToo {
			t.Errorf("%s: %+v %v", words, got, err)
		}
	}
	if _, err := readSuperviseOptions([]string{"--other=1", "app"}); err == nil {
		t.Error("no error")
	}
}
