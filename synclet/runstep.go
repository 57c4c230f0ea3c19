package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
	"time"
	"unsafe"
)

// Exit statuses of commands that did not start, as shells have them.
const (
	cannotExecute = 126
	notFound      = 127
)

// command runs a command to its end and passes on what it prints. When the other side goes away it is ended.
func (r *receiver) command(words []string) (int, error) {
	path, err := exec.LookPath(words[0])
	if err != nil && !errors.Is(err, exec.ErrDot) {
		return cannotRun(r, words[0], err)
	}
	output, input, err := os.Pipe()
	if err != nil {
		return 0, err
	}
	nothing, err := os.Open(os.DevNull)
	if err != nil {
		return 0, err
	}
	process, err := os.StartProcess(path, words, &os.ProcAttr{
		Files: []*os.File{nothing, input, input},
		Sys:   &syscall.SysProcAttr{Setpgid: true},
	})
	nothing.Close()
	input.Close()
	if err != nil {
		output.Close()
		return cannotRun(r, words[0], err)
	}
	over, err := r.endWhenAlone(process.Pid)
	if err != nil {
		output.Close()
		return 0, err
	}
	printed := make(chan error, 1)
	go func() { printed <- r.pass(output) }()
	state, err := process.Wait()
	over()
	if err != nil {
		return 0, err
	}
	// What it left behind may print on, for as long as it likes; what it printed itself is in the pipe already.
	_ = output.SetReadDeadline(time.Unix(1, 0))
	if err := <-printed; err != nil {
		return 0, err
	}
	if err := r.drain(output); err != nil {
		return 0, err
	}
	go func() {
		_ = output.SetReadDeadline(time.Time{})
		_, _ = io.Copy(io.Discard, output)
		output.Close()
	}()
	status, _ := state.Sys().(syscall.WaitStatus)
	if status.Signaled() {
		return 128 + int(status.Signal()), nil
	}
	return status.ExitStatus(), nil
}

func cannotRun(r *receiver, name string, err error) (int, error) {
	status := notFound
	if errors.Is(err, os.ErrPermission) {
		status = cannotExecute
	}
	for inner := errors.Unwrap(err); inner != nil; inner = errors.Unwrap(err) {
		err = inner
	}
	return status, r.send(frameOutput, []byte(fmt.Sprintf("%s: %v\n", name, err)))
}

// endWhenAlone ends a command when the stream ends; what it returns is called when the command has ended by itself.
func (r *receiver) endWhenAlone(pid int) (func(), error) {
	if r.input == nil {
		return func() {}, nil
	}
	waiting, stop, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	watched := []pollEntry{{descriptor: int32(r.input.Fd())}, {descriptor: int32(waiting.Fd())}}
	go func() {
		defer waiting.Close()
		if err := pollForEnds(watched); err == nil && watched[1].returned == 0 {
			_ = syscall.Kill(-pid, syscall.SIGTERM)
		}
	}()
	return func() { stop.Close() }, nil
}

// pollEntry is the kernel's struct pollfd. Without events it is about the other end's close only.
type pollEntry struct {
	descriptor int32
	events     int16
	returned   int16
}

func pollForEnds(watched []pollEntry) error {
	for {
		_, _, err := syscall.Syscall6(syscall.SYS_PPOLL, uintptr(unsafe.Pointer(&watched[0])), uintptr(len(watched)),
			0, 0, 0, 0)
		if err == 0 {
			return nil
		}
		if err != syscall.EINTR {
			return err
		}
	}
}

// pass sends on what a command prints until it ends or is no longer waited for.
func (r *receiver) pass(output *os.File) error {
	buffer := make([]byte, 16*1024)
	for {
		size, err := output.Read(buffer)
		if size > 0 {
			if err := r.send(frameOutput, buffer[:size]); err != nil {
				return err
			}
		}
		if err != nil {
			return nil
		}
	}
}

// drain sends on what is in the pipe, without waiting for more.
func (r *receiver) drain(output *os.File) error {
	_ = output.SetReadDeadline(time.Time{})
	raw, err := output.SyscallConn()
	if err != nil {
		return err
	}
	buffer := make([]byte, 16*1024)
	for {
		size := 0
		if err := raw.Read(func(descriptor uintptr) bool {
			size, _ = syscall.Read(int(descriptor), buffer)
			return true
		}); err != nil || size <= 0 {
			return nil
		}
		if err := r.send(frameOutput, buffer[:size]); err != nil {
			return err
		}
	}
}
