package main

import (
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"
	"unsafe"
)

// wrapperName is the name under which images carry this program that Tilt's extension restart_process makes.
const wrapperName = "tilt-restart-wrapper"

// stopGrace is how long a program may take to end after SIGTERM before it is killed.
const stopGrace = 10 * time.Second

// wrapperOptions are what comes before the program on the command line of tilt-restart-wrapper.
type wrapperOptions struct {
	watchFile string
	endsToo   bool // end when the program has ended by itself; else wait for the next change
	program   []string
}

// readWrapperOptions reads the flags of tilt-restart-wrapper. Flags that only its own helper understands are ignored.
func readWrapperOptions(arguments []string) (wrapperOptions, error) {
	options := wrapperOptions{watchFile: "/.restart-proc", endsToo: true}
	for len(arguments) > 0 && strings.HasPrefix(arguments[0], "-") && arguments[0] != "-" {
		word := strings.TrimLeft(arguments[0], "-")
		arguments = arguments[1:]
		if word == "" { // --: the program follows
			break
		}
		name, value, given := strings.Cut(word, "=")
		if !given && name != "verbose_signals" {
			if len(arguments) == 0 {
				return options, fmt.Errorf("flag -%s needs a value", name)
			}
			value, arguments = arguments[0], arguments[1:]
		}
		switch name {
		case "watch_file":
			options.watchFile = value
		case "entr_flags":
			options.endsToo = strings.Contains(value, "z")
		case "entr_path", "verbose_signals":
		default:
			return options, fmt.Errorf("unknown flag -%s", name)
		}
	}
	options.program = arguments
	if len(arguments) == 0 {
		return options, fmt.Errorf("needs a program to run")
	}
	return options, nil
}

// restartOnChange runs a program, and stops and starts it again whenever a file is written.
//
//	tilt-restart-wrapper [--watch_file=FILE] [--entr_flags=-r|-rz] PROGRAM [ARGUMENT...]
//
// Signals are passed on. It ends with the program's exit code; with -r alone it waits for the next change instead. As the
// first process of a container it reaps what others leave.
func restartOnChange(arguments []string) error {
	options, err := readWrapperOptions(arguments)
	if err != nil {
		return err
	}
	changes, err := watchFile(options.watchFile)
	if err != nil {
		return err
	}
	path, err := exec.LookPath(options.program[0])
	if err != nil {
		return err
	}
	s := &supervisor{path: path, argv: options.program, endsToo: options.endsToo}
	os.Exit(s.run(changes))
	return nil
}

// supervisor keeps one program running.
type supervisor struct {
	path    string
	argv    []string
	endsToo bool
	pid     int
}

func (s *supervisor) run(changes <-chan struct{}) int {
	signals := make(chan os.Signal, 64)
	signal.Notify(signals)
	if err := s.start(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 127
	}
	ended := false // by a signal that was passed on: it is to end for good
	for {
		select {
		case received := <-signals:
			number, _ := received.(syscall.Signal)
			switch number {
			case syscall.SIGCHLD:
				if code, over := s.reap(); over && (s.endsToo || ended) {
					return code
				}
			case syscall.SIGURG: // the Go runtime's own
			default:
				ended = ended || number == syscall.SIGTERM || number == syscall.SIGINT
				if s.pid == 0 && ended {
					return 128 + int(number)
				}
				s.signal(number)
			}
		case <-changes:
			if ended {
				continue
			}
			s.stop()
			if err := s.start(); err != nil {
				fmt.Fprintln(os.Stderr, err)
				return 127
			}
		}
	}
}

// start runs the program in a process group of its own, so that all of it can be stopped.
func (s *supervisor) start() error {
	process, err := os.StartProcess(s.path, s.argv, &os.ProcAttr{
		Files: []*os.File{os.Stdin, os.Stdout, os.Stderr},
		Sys:   &syscall.SysProcAttr{Setpgid: true},
	})
	if err != nil {
		return err
	}
	s.pid = process.Pid
	return nil
}

func (s *supervisor) signal(number syscall.Signal) {
	if s.pid != 0 {
		_ = syscall.Kill(-s.pid, number)
	}
}

// reap takes note of every process that ended; it tells the exit code when the program is among them.
func (s *supervisor) reap() (int, bool) {
	code, over := 0, false
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, syscall.WNOHANG, nil)
		if pid <= 0 || err != nil {
			return code, over
		}
		if pid == s.pid {
			s.pid, over = 0, true
			if code = status.ExitStatus(); status.Signaled() {
				code = 128 + int(status.Signal())
			}
		}
	}
}

// stop ends the program and everything in its group: SIGTERM, and SIGKILL after the grace time.
func (s *supervisor) stop() {
	group := s.pid
	if group == 0 {
		return
	}
	s.signal(syscall.SIGTERM)
	deadline := time.Now().Add(stopGrace)
	for s.pid != 0 && time.Now().Before(deadline) {
		s.reap()
		time.Sleep(time.Millisecond)
	}
	_ = syscall.Kill(-group, syscall.SIGKILL)
	for s.pid != 0 {
		s.reap()
		time.Sleep(time.Millisecond)
	}
}

// watchFile tells of every time that a file was written and closed, or replaced by another. Changes that come faster than
// they are taken become one.
func watchFile(path string) (<-chan struct{}, error) {
	directory, name := filepath.Split(path)
	if directory == "" {
		directory = "."
	}
	descriptor, err := syscall.InotifyInit1(syscall.IN_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("inotify_init1", err)
	}
	mask := uint32(syscall.IN_CLOSE_WRITE | syscall.IN_MOVED_TO)
	if _, err := syscall.InotifyAddWatch(descriptor, directory, mask); err != nil {
		return nil, fmt.Errorf("cannot watch %s: %v", directory, err)
	}
	changes := make(chan struct{}, 1)
	go func() {
		buffer := make([]byte, 64*1024)
		for {
			size, err := syscall.Read(descriptor, buffer)
			if err == syscall.EINTR {
				continue
			}
			if err != nil || size < syscall.SizeofInotifyEvent {
				return
			}
			if names(buffer[:size], name) {
				select {
				case changes <- struct{}{}:
				default:
				}
			}
		}
	}()
	return changes, nil
}

// names says whether one of the kernel's events is about a file of this name.
func names(events []byte, name string) bool {
	for len(events) >= syscall.SizeofInotifyEvent {
		event := (*syscall.InotifyEvent)(unsafe.Pointer(&events[0]))
		end := syscall.SizeofInotifyEvent + int(event.Len)
		if end > len(events) {
			return false
		}
		if strings.TrimRight(string(events[syscall.SizeofInotifyEvent:end]), "\x00") == name {
			return true
		}
		events = events[end:]
	}
	return false
}
