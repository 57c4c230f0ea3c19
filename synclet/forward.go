package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"
)

// forward owns the addresses of a project's Services: it answers for their names and spreads their connections.
//
//	synclet forward RANGE FILE
//
// RANGE are the addresses. A configuration comes on standard input, with a line of one dot behind it; it is answered by
// the line `ok` or by what is wrong with it. FILE keeps the last one, for the next start; on SIGHUP it is read again, for
// engines that do not leave standard input open.
func forward(arguments []string) error {
	if len(arguments) != 2 {
		return fmt.Errorf("needs a range and a file")
	}
	signals := make(chan os.Signal, 16)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	if err := ownRange(arguments[0]); err != nil {
		return err
	}
	f := &forwarder{open: map[string]*door{}}
	f.remember(arguments[1])
	go f.obey(os.Stdin, os.Stdout, arguments[1])
	for s := range signals {
		if s != syscall.SIGHUP {
			return nil
		}
		f.remember(arguments[1])
	}
	return nil
}

// remember applies the configuration that is kept in a file, if there is one.
func (f *forwarder) remember(path string) {
	kept, err := os.ReadFile(path)
	if err == nil {
		err = f.apply(string(kept))
	}
	if err != nil && !os.IsNotExist(err) {
		fmt.Fprintln(os.Stderr, err)
	}
}

// obey applies every configuration that comes in, and keeps those that can be read.
func (f *forwarder) obey(source io.Reader, sink io.Writer, path string) {
	var text strings.Builder
	lines := bufio.NewScanner(source)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if lines.Text() != "." {
			text.WriteString(lines.Text() + "\n")
			continue
		}
		err := f.apply(text.String())
		if err == nil {
			err = os.WriteFile(path, []byte(text.String()), 0o600)
		}
		if err != nil {
			fmt.Fprintln(sink, err)
		} else {
			fmt.Fprintln(sink, "ok")
		}
		text.Reset()
	}
}

// door is a listener that is open, and the targets behind it.
type door struct {
	io.Closer
	spread *spread
	router *router
}

type forwarder struct {
	lock  sync.Mutex
	names nameServer
	dns   string
	open  map[string]*door
}

func (f *forwarder) apply(text string) error {
	wanted, err := readConfiguration(strings.NewReader(text))
	if err != nil {
		return err
	}
	f.lock.Lock()
	defer f.lock.Unlock()
	f.names.replace(wanted)
	if wanted.dns != "" && f.dns == "" {
		if err := f.names.serve(wanted.dns); err != nil {
			return err
		}
		f.dns = wanted.dns
	}
	return f.listen(wanted)
}

// listen closes the doors that are no longer wanted, then opens those that are missing.
func (f *forwarder) listen(wanted *configuration) error {
	for key, d := range f.open {
		_, direct := wanted.listeners[key]
		_, routed := wanted.routes[strings.TrimPrefix(key, "http ")]
		if !direct && !routed {
			d.Close()
			delete(f.open, key)
		}
	}
	var failed error
	for key, l := range wanted.listeners {
		if d := f.open[key]; d != nil {
			d.spread.replace(l.targets)
		} else if d, err := openDoor(l); err != nil {
			failed = err
		} else {
			f.open[key] = d
		}
	}
	for address, routes := range wanted.routes {
		if d := f.open["http "+address]; d != nil {
			d.router.replace(routes)
		} else if d, err := openRouter(address, routes); err != nil {
			failed = err
		} else {
			f.open["http "+address] = d
		}
	}
	return failed
}

func openDoor(l listener) (*door, error) {
	s := newSpread(l.targets)
	if l.protocol == "udp" {
		socket, err := listenUDP(l.address)
		if err != nil {
			return nil, err
		}
		go passUDP(socket, s)
		return &door{Closer: socket, spread: s}, nil
	}
	socket, err := listenTCP("tcp4", l.address)
	if err != nil {
		return nil, err
	}
	go acceptTCP(socket, s)
	return &door{Closer: socket, spread: s}, nil
}

func openRouter(address string, routes []route) (*door, error) {
	socket, err := listenTCP("tcp4", address)
	if err != nil {
		return nil, err
	}
	r := &router{}
	r.replace(routes)
	go r.accept(socket)
	return &door{Closer: socket, router: r}, nil
}

// publish hands the connections to a container's own ports on to an address of a Service, for ports that the engine
// publishes on the machine.
//
//	synclet publish RANGE tcp|udp:PORT=TARGET...
func publish(arguments []string) error {
	if len(arguments) < 2 {
		return fmt.Errorf("needs a range and ports")
	}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	if err := routeToLink(arguments[0]); err != nil {
		return err
	}
	for _, word := range arguments[1:] {
		left, target, _ := strings.Cut(word, "=")
		protocol, port, found := strings.Cut(left, ":")
		if !found || target == "" {
			return fmt.Errorf("cannot read `%s`", word)
		}
		if _, err := openDoor(listener{protocol: protocol, address: ":" + port, targets: []string{target}}); err != nil {
			return err
		}
	}
	<-signals
	return nil
}

// dial joins standard input and output with a port, for hosts that have no way into the engine's networks.
//
//	synclet dial HOST:PORT
//
// An empty line on standard output says that the connection is open; what follows is the other side's.
func dial(arguments []string) error {
	if len(arguments) != 1 {
		return fmt.Errorf("needs an address")
	}
	connection, err := connect("tcp", arguments[0], 5*time.Second)
	if err != nil {
		return err
	}
	if _, err := os.Stdout.WriteString("\n"); err != nil {
		return err
	}
	go func() {
		io.Copy(connection, os.Stdin)
		connection.(*net.TCPConn).CloseWrite()
	}()
	_, err = io.Copy(os.Stdout, connection)
	return err
}
