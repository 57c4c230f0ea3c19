package main

import (
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// dialPatience is how long a target may take to accept a connection: all of them are on the same machine.
const dialPatience = 2 * time.Second

// udpPatience is how long an answer to a datagram is waited for before its way back is forgotten.
const udpPatience = 30 * time.Second

// spread is a list of targets that takes turns; the list can be replaced at any moment.
type spread struct {
	targets atomic.Pointer[[]string]
	turn    atomic.Uint32
}

func newSpread(targets []string) *spread {
	s := &spread{}
	s.replace(targets)
	return s
}

func (s *spread) replace(targets []string) { s.targets.Store(&targets) }

// dial connects to the target whose turn it is, or to the next one that accepts.
func (s *spread) dial(protocol string) (net.Conn, error) {
	targets := *s.targets.Load()
	var last error = net.ErrClosed
	first := int(s.turn.Add(1))
	for i := range targets {
		connection, err := connect(protocol, targets[(first+i)%len(targets)], dialPatience)
		if err == nil {
			return connection, nil
		}
		last = err
	}
	return nil, last
}

// acceptTCP joins every connection with one to a target, until the listener is closed.
func acceptTCP(door net.Listener, s *spread) {
	for {
		client, err := door.Accept()
		if err != nil {
			return
		}
		go func() {
			server, err := s.dial("tcp")
			if err != nil {
				reset(client)
				return
			}
			join(client.(*net.TCPConn), server.(*net.TCPConn))
		}()
	}
}

// reset closes a connection so that the client sees a refusal and not an empty answer.
func reset(connection net.Conn) {
	connection.(*net.TCPConn).SetLinger(0)
	connection.Close()
}

// join copies both ways and hands on the end of each direction by itself.
func join(one, other *net.TCPConn) {
	var both sync.WaitGroup
	both.Add(2)
	carry := func(to, from *net.TCPConn) {
		defer both.Done()
		if _, err := io.Copy(to, from); err != nil {
			to.Close()
			from.Close()
			return
		}
		to.CloseWrite()
	}
	go carry(one, other)
	go carry(other, one)
	both.Wait()
	one.Close()
	other.Close()
}

// passUDP hands datagrams to a target per client, and its answers back, until the door is closed.
func passUDP(door *net.UDPConn, s *spread) {
	var lock sync.Mutex
	ways := map[string]net.Conn{}
	packet := make([]byte, 65535)
	for {
		size, client, err := door.ReadFromUDP(packet)
		if err != nil {
			return
		}
		lock.Lock()
		way := ways[client.String()]
		if way == nil {
			if way, err = s.dial("udp"); err != nil {
				lock.Unlock()
				continue
			}
			ways[client.String()] = way
			go func() {
				answerUDP(door, client, way)
				lock.Lock()
				delete(ways, client.String())
				lock.Unlock()
			}()
		}
		lock.Unlock()
		way.Write(packet[:size])
	}
}

func answerUDP(door *net.UDPConn, client *net.UDPAddr, way net.Conn) {
	defer way.Close()
	packet := make([]byte, 65535)
	for {
		way.SetReadDeadline(time.Now().Add(udpPatience))
		size, err := way.Read(packet)
		if err != nil {
			return
		}
		door.WriteToUDP(packet[:size], client)
	}
}
