package main

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// restartTimeout is how long the program may take to end and start again, from the first word to the answer.
const restartTimeout = 2*stopGrace + 5*time.Second

// controlName names the socket by which the first process of a container is asked to restart its program. It is one of
// the abstract name space, so that nothing has to be writable; the mount name space makes it the container's own.
func controlName() (string, error) {
	space, err := os.Readlink("/proc/self/ns/mnt")
	if err != nil {
		return "", err
	}
	return "@pytilt-synclet-" + strings.Trim(strings.TrimPrefix(space, "mnt:"), "[]"), nil
}

// request asks for a restart; the answer is the new process's id, or why there is none.
type request struct {
	answer chan<- outcome // nil: nobody waits
}

type outcome struct {
	pid int
	err error
}

// serveControl passes on what is asked through the socket. Only the same user and root may ask.
func serveControl(name string, requests chan<- request) (net.Listener, error) {
	socket, err := net.ListenUnix("unix", &net.UnixAddr{Net: "unix", Name: name})
	if err != nil {
		return nil, err
	}
	go func() {
		for {
			connection, err := socket.Accept()
			if err != nil {
				return
			}
			go serveRequest(connection, requests)
		}
	}()
	return socket, nil
}

func serveRequest(connection net.Conn, requests chan<- request) {
	defer connection.Close()
	if !mayAsk(connection) {
		fmt.Fprintln(connection, "failed: this user may not restart the program")
		return
	}
	line, err := bufio.NewReader(connection).ReadString('\n')
	if err != nil || strings.TrimSpace(line) != "restart" {
		return
	}
	answer := make(chan outcome, 1)
	requests <- request{answer}
	if done := <-answer; done.err != nil {
		fmt.Fprintln(connection, "failed:", done.err)
	} else {
		fmt.Fprintln(connection, "ok", done.pid)
	}
}

func mayAsk(connection net.Conn) bool {
	raw, err := connection.(*net.UnixConn).SyscallConn()
	if err != nil {
		return false
	}
	var who *syscall.Ucred
	_ = raw.Control(func(descriptor uintptr) {
		who, err = syscall.GetsockoptUcred(int(descriptor), syscall.SOL_SOCKET, syscall.SO_PEERCRED)
	})
	return err == nil && who != nil && (who.Uid == 0 || int(who.Uid) == os.Getuid())
}

// canRestart says whether the container's first process can start its program again.
func canRestart() bool {
	connection, err := dialControl()
	if err == nil {
		connection.Close()
	}
	return err == nil
}

func dialControl() (net.Conn, error) {
	name, err := controlName()
	if err != nil {
		return nil, err
	}
	return net.DialUnix("unix", nil, &net.UnixAddr{Net: "unix", Name: name})
}

// askToRestart returns the id of the process that was started.
func askToRestart() (int, error) {
	connection, err := dialControl()
	if err != nil {
		return 0, errors.New("the container's first process is not `synclet supervise`")
	}
	defer connection.Close()
	_ = connection.SetDeadline(time.Now().Add(restartTimeout))
	fmt.Fprintln(connection, "restart")
	line, err := bufio.NewReader(connection).ReadString('\n')
	if err != nil {
		return 0, errors.New("the container's program ended before it was started again")
	}
	line = strings.TrimSpace(line)
	if pid, found := strings.CutPrefix(line, "ok "); found {
		return strconv.Atoi(pid)
	}
	return 0, errors.New(strings.TrimPrefix(line, "failed: "))
}
