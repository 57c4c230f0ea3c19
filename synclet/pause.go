package main

import (
	"os"
	"os/signal"
	"syscall"
)

// pause holds a pod's namespaces until it gets a signal to stop, and reaps what a shared process namespace leaves behind.
//
//	synclet pause [RANGE]
//
// RANGE is the range of the Services' addresses: the pod finds them on its own link.
func pause(arguments []string) error {
	signals := make(chan os.Signal, 16)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGCHLD)
	if len(arguments) > 0 {
		if err := routeToLink(arguments[0]); err != nil {
			return err
		}
	}
	for s := range signals {
		if s != syscall.SIGCHLD {
			return nil
		}
		reap()
	}
	return nil
}

func reap() {
	for {
		pid, err := syscall.Wait4(-1, nil, syscall.WNOHANG, nil)
		if pid <= 0 || err != nil {
			return
		}
	}
}
