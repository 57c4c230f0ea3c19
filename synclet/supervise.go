package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unsafe"
)

// wrapperName is the name under which images carry this program that Tilt's extension restart_process makes.
const wrapperName = "tilt-restart-wrapper"

// stopGrace is how long a program may take to end after it was asked to before it is killed.
const stopGrace = 10 * time.Second

// superviseOptions are what comes before the program on the command line.
type superviseOptions struct {
	watchFile string         // restart when it is written; empty: no file
	endsToo   bool           // end when the program has ended by itself; else wait for the next restart
	stop      syscall.Signal // asks the program to end
	program   []string
}

// readWrapperOptions reads the flags of tilt-restart-wrapper. Flags that only its own helper understands are ignored.
func readWrapperOptions(arguments []string) (superviseOptions, error) {
	options := superviseOptions{watchFile: "/.restart-proc", endsToo: true, stop: syscall.SIGTERM}
	return options, options.read(arguments, func(name, value string) bool {
		switch name {
		case "watch_file":
			options.watchFile = value
		case "entr_flags":
			options.endsToo = strings.Contains(value, "z")
		case "entr_path", "verbose_signals":
		default:
			return false
		}
		return true
	})
}

// readSuperviseOptions reads the flags of the verb.
func readSuperviseOptions(arguments []string) (superviseOptions, error) {
	options := superviseOptions{endsToo: true, stop: syscall.SIGTERM}
	return options, options.read(arguments, func(name, value string) bool {
		switch name {
		case "watch-file":
			options.watchFile = value
		case "stop-signal":
			number, known := signals[strings.TrimPrefix(strings.ToUpper(value), "SIG")]
			if digits, err := strconv.Atoi(value); err == nil && digits > 0 && digits <= 64 {
				number, known = syscall.Signal(digits), true
			}
			if known {
				options.stop = number
			} // one that nobody knows is left to SIGTERM
		default:
			return false
		}
		return true
	})
}

// signals are those by which images have their program end.
var signals = map[string]syscall.Signal{
	"HUP": syscall.SIGHUP, "INT": syscall.SIGINT, "QUIT": syscall.SIGQUIT, "KILL": syscall.SIGKILL,
	"USR1": syscall.SIGUSR1, "USR2": syscall.SIGUSR2, "TERM": syscall.SIGTERM, "WINCH": syscall.SIGWINCH,
	"PWR": syscall.SIGPWR, "RTMIN+3": syscall.Signal(37),
}

// read takes flags up to the program; `take` says whether it knows one.
func (o *superviseOptions) read(arguments []string, take func(name, value string) bool) error {
	for len(arguments) > 0 && strings.HasPrefix(arguments[0], "-") && arguments[0] != "-" {
		word := strings.TrimLeft(arguments[0], "-")
		arguments = arguments[1:]
		if word == "" { // --: the program follows
			break
		}
		name, value, given := strings.Cut(word, "=")
		if !given && name != "verbose_signals" {
			if len(arguments) == 0 {
				return fmt.Errorf("flag -%s needs a value", name)
			}
			value, arguments = arguments[0], arguments[1:]
		}
		if !take(name, value) {
			return fmt.Errorf("unknown flag -%s", name)
		}
	}
	if o.program = arguments; len(arguments) == 0 {
		return fmt.Errorf("needs a program to run")
	}
	return nil
}

// restartOnChange is what tilt-restart-wrapper does: it supervises a program and restarts it when a file is written.
//
//	tilt-restart-wrapper [--watch_file=FILE] [--entr_flags=-r|-rz] PROGRAM [ARGUMENT...]
//
// With -r alone it waits for the next change when the program has ended by itself.
func restartOnChange(arguments []string) error {
	options, err := readWrapperOptions(arguments)
	if err != nil {
		return err
	}
	return superviseWith(options)
}

// supervise runs a program as the first process of a container does, and starts it again whenever it is asked to.
//
//	synclet supervise [--watch-file=FILE] [--stop-signal=SIGNAL] [--] PROGRAM [ARGUMENT...]
//
// `synclet receive` in the same container asks, and so does whoever writes FILE. Signals are passed on, and it ends with
// the program's exit code. It reaps what others leave.
func supervise(arguments []string) error {
	options, err := readSuperviseOptions(arguments)
	if err != nil {
		return err
	}
	return superviseWith(options)
}

func superviseWith(options superviseOptions) error {
	debug.SetGCPercent(20)
	requests := make(chan request)
	if options.watchFile != "" {
		if err := watchFile(options.watchFile, requests); err != nil {
			return err
		}
	}
	path, err := exec.LookPath(options.program[0])
	if err != nil && !errors.Is(err, exec.ErrDot) {
		fmt.Fprintln(os.Stderr, err)
		if errors.Is(err, os.ErrPermission) {
			os.Exit(cannotExecute)
		}
		os.Exit(notFound)
	}
	if os.Getpid() != 1 { // orphans come here all the same
		const setChildSubreaper = 36
		_, _, _ = syscall.Syscall(syscall.SYS_PRCTL, setChildSubreaper, 1, 0)
	}
	// Without the socket the program runs all the same; a request to restart it is refused.
	if name, err := controlName(); err == nil {
		if socket, err := serveControl(name, requests); err == nil {
			defer socket.Close()
		}
	}
	s := &supervisor{path: path, options: options, requests: requests}
	os.Exit(s.run())
	return nil
}

// supervisor keeps one program running.
type supervisor struct {
	path     string
	options  superviseOptions
	requests <-chan request
	pid      int // 0: it does not run

	waiting []request        // for a restart that has begun
	late    <-chan time.Time // when the program has had time enough to end
	ended   bool             // by a signal that was passed on: it is to end for good
}

func (s *supervisor) run() int {
	signals := make(chan os.Signal, 64)
	signal.Notify(signals)
	if err := s.start(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return cannotStart(err)
	}
	for {
		select {
		case received := <-signals:
			number, _ := received.(syscall.Signal)
			if code, over := s.signalled(number); over {
				return code
			}
		case asked := <-s.requests:
			if s.ended {
				asked.reply(outcome{err: errors.New("the container is about to end")})
				continue
			}
			s.waiting = append(s.waiting, asked)
			if code, over := s.restart(); over {
				return code
			}
		case <-s.late:
			s.late = nil
			s.kill(syscall.SIGKILL)
		}
	}
}

// signalled deals with a signal; true when it is time to end with that exit code.
func (s *supervisor) signalled(number syscall.Signal) (int, bool) {
	switch number {
	case syscall.SIGCHLD:
		code, over := s.reap()
		if !over {
			return 0, false
		}
		if len(s.waiting) > 0 && !s.ended {
			return s.restart()
		}
		return code, s.options.endsToo || s.ended
	case syscall.SIGURG: // the Go runtime's own
	default:
		s.ended = s.ended || number == syscall.SIGTERM || number == syscall.SIGINT || number == s.options.stop
		if s.pid == 0 && s.ended {
			return 128 + int(number), true
		}
		s.kill(number)
	}
	return 0, false
}

// restart goes on with a restart as far as it can: the program is asked to end, or started when it has.
func (s *supervisor) restart() (int, bool) {
	if s.pid != 0 {
		if s.late == nil {
			s.late = time.After(stopGrace)
			s.kill(s.options.stop)
		}
		return 0, false
	}
	s.late = nil
	err := s.start()
	done := outcome{pid: s.pid, err: err}
	for _, each := range s.waiting {
		each.reply(done)
	}
	s.waiting = nil
	if err == nil {
		return 0, false
	}
	fmt.Fprintln(os.Stderr, err)
	return cannotStart(err), s.options.endsToo
}

func (r request) reply(done outcome) {
	if r.answer != nil {
		r.answer <- done
	}
}

func cannotStart(err error) int {
	if errors.Is(err, os.ErrPermission) || errors.Is(err, syscall.ENOEXEC) {
		return cannotExecute
	}
	return notFound
}

// start runs the program in a process group of its own, so that all of it can be stopped.
func (s *supervisor) start() error {
	how := &syscall.SysProcAttr{Setpgid: true}
	if isTerminal(os.Stdin) { // else it could not read from it
		how.Foreground, how.Ctty = true, int(os.Stdin.Fd())
	}
	process, err := os.StartProcess(s.path, s.options.program, &os.ProcAttr{
		Files: []*os.File{os.Stdin, os.Stdout, os.Stderr},
		Sys:   how,
	})
	if err != nil {
		return err
	}
	s.pid = process.Pid
	return process.Release()
}

func isTerminal(file *os.File) bool {
	var settings [256]byte
	_, _, err := syscall.Syscall(syscall.SYS_IOCTL, file.Fd(), syscall.TCGETS, uintptr(unsafe.Pointer(&settings)))
	return err == 0
}

// kill sends a signal to the program and all of its group.
func (s *supervisor) kill(number syscall.Signal) {
	if s.pid != 0 {
		_ = syscall.Kill(-s.pid, number)
	}
}

// reap takes note of every process that ended; it returns the exit code when the program is among them. What is left of
// its group is killed then.
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
			if s.options.endsToo || len(s.waiting) > 0 {
				_ = syscall.Kill(-pid, syscall.SIGKILL)
			}
			if code = status.ExitStatus(); status.Signaled() {
				code = 128 + int(status.Signal())
			}
		}
	}
}

// watchFile asks for a restart every time that a file was written and closed, or replaced by another. Changes that come
// faster than they are taken become one.
func watchFile(path string, requests chan<- request) error {
	directory, name := filepath.Split(path)
	if directory == "" {
		directory = "."
	}
	descriptor, err := syscall.InotifyInit1(syscall.IN_CLOEXEC)
	if err != nil {
		return os.NewSyscallError("inotify_init1", err)
	}
	mask := uint32(syscall.IN_CLOSE_WRITE | syscall.IN_MOVED_TO)
	if _, err := syscall.InotifyAddWatch(descriptor, directory, mask); err != nil {
		return fmt.Errorf("cannot watch %s: %v", directory, err)
	}
	changes := make(chan struct{}, 1)
	go func() {
		for range changes {
			requests <- request{}
		}
	}()
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
	return nil
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
