package main

import (
	"encoding/binary"
	"io"
	"net"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// The session grants the helper on its machine the listener of a port forward: while the grant holds, that one accepts the
// connections, and carries them straight into the pod. What it cannot carry goes to the session, nothing of it having
// been read.

// What is said over the channel (SOCK_SEQPACKET): a kind, the number of a grant, and what the kind needs.
const (
	sayGrant  = 'g' // number of a follower, port of its pod, address of that where connections go there first; listeners
	sayRevoke = 'r' // accept nothing more; the answer is the same, once nothing more is accepted
	sayOver   = 'e' // after that one: nothing more comes back, and nothing is open
	sayCut    = 'c' // break what is open
	sayBack   = 'b' // a connection that is not carried; it comes along
	sayAlive  = 'p' // the answer is the same
	sayWait   = 'w' // a connection has come; the answer is the same, once what was saved before is in the pod
)

const (
	mostListeners  = 8
	acceptPause    = 50 * time.Millisecond  // when the system has no room for another connection
	settlePatience = 100 * time.Millisecond // for the answer to sayWait
)

// grant is leave to accept connections and carry them to a port of a pod.
type grant struct {
	number, follower uint32
	port             uint16
	address          netip.AddrPort // of the port; not valid where all go through the helper in the pod
	local            atomic.Bool    // does the program listen at its localhost only, as far as is known?
	listeners        []*stream
	accepting        sync.WaitGroup  // the loops that accept
	undecided        sync.WaitGroup  // connections that are neither carried nor given back yet
	waiting          []chan struct{} // of those, which wait for what was saved before, the oldest first
	revoked          bool
	decided          bool                  // since then: are all carried or given back?
	open             map[*stream]io.Closer // clients, and the way of each into the pod
}

// carrier accepts and carries connections for the session.
type carrier struct {
	sync.Mutex // of the grants
	leader     *leader
	channel    *net.UnixConn
	sink       io.Writer     // the same one
	patience   time.Duration // for the answer to sayWait
	grants     map[uint32]*grant
}

// newCarrier speaks with the session through a socket.
func newCarrier(l *leader, descriptor uintptr) (*carrier, error) {
	file := os.NewFile(descriptor, "channel")
	defer file.Close()
	conn, err := net.FileConn(file)
	if err != nil {
		return nil, err
	}
	channel, ok := conn.(*net.UnixConn)
	if !ok {
		return nil, syscall.ENOTSOCK
	}
	return &carrier{leader: l, channel: channel, sink: quickly(channel), patience: settlePatience, grants: map[uint32]*grant{}}, nil
}

// run obeys the session until that is gone; then nothing more is accepted.
func (c *carrier) run() {
	defer c.revokeAll()
	message, extra := make([]byte, 128), make([]byte, syscall.CmsgSpace(4*mostListeners))
	for {
		size, count, _, _, err := c.channel.ReadMsgUnix(message, extra)
		if err != nil || size == 0 {
			return
		}
		f := &fields{rest: message[1:size]}
		number := f.u32()
		switch message[0] {
		case sayGrant:
			c.begin(number, f, filesOf(extra[:count]))
		case sayRevoke:
			c.revoke(number)
		case sayCut:
			c.cut(number)
		case sayAlive:
			c.say(sayAlive, number)
		case sayWait:
			c.settled(number)
		}
	}
}

// filesOf are the descriptors that came with a message.
func filesOf(extra []byte) (files []int) {
	messages, err := syscall.ParseSocketControlMessage(extra)
	if err != nil {
		return nil
	}
	for i := range messages {
		if descriptors, err := syscall.ParseUnixRights(&messages[i]); err == nil {
			files = append(files, descriptors...)
		}
	}
	return files
}

// say says something of a grant; an error means that the session is gone.
func (c *carrier) say(kind byte, number uint32) {
	_, _ = c.sink.Write(binary.BigEndian.AppendUint32([]byte{kind}, number))
}

// begin accepts at the listeners of a grant. One that says anything wrong is over at once.
func (c *carrier) begin(number uint32, f *fields, files []int) {
	g := &grant{number: number, follower: f.u32(), port: f.u16(), open: map[*stream]io.Closer{}}
	g.address, _ = parseAddress(f.text())
	for _, file := range files {
		if l, err := newStream(file); err == nil {
			g.listeners = append(g.listeners, l)
		}
	}
	c.Lock()
	c.grants[number] = g
	c.Unlock()
	if f.err != nil || len(g.listeners) < len(files) || len(files) == 0 {
		c.revoke(number)
		return
	}
	for _, l := range g.listeners {
		g.accepting.Add(1)
		go c.accept(g, l)
	}
}

func (c *carrier) accept(g *grant, l *stream) {
	defer g.accepting.Done()
	for {
		client, err := l.accept()
		if err == net.ErrClosed {
			return
		}
		if err != nil {
			time.Sleep(acceptPause)
			continue
		}
		g.undecided.Add(1)
		go c.carry(g, client)
	}
}

// revoke accepts nothing more for a grant. What was accepted and is not carried yet goes back.
func (c *carrier) revoke(number uint32) {
	c.Lock()
	g := c.grants[number]
	begins := g != nil && !g.revoked
	if begins {
		g.revoked = true
	}
	c.Unlock()
	if !begins {
		return
	}
	for _, l := range g.listeners {
		l.Close()
	}
	go func() {
		g.accepting.Wait()
		c.say(sayRevoke, number)
		g.undecided.Wait()
		c.change(g, func() { g.decided = true })
	}()
}

// change changes what is known of a grant; when that was the last of it, the session hears so.
func (c *carrier) change(g *grant, change func()) {
	c.Lock()
	change()
	over := g.decided && len(g.open) == 0
	if over {
		delete(c.grants, g.number)
	}
	c.Unlock()
	if over {
		c.say(sayOver, g.number)
	}
}

func (c *carrier) revokeAll() {
	c.Lock()
	numbers := make([]uint32, 0, len(c.grants))
	for number := range c.grants {
		numbers = append(numbers, number)
	}
	c.Unlock()
	for _, number := range numbers {
		c.revoke(number)
	}
}

// cut breaks what is open of a grant.
func (c *carrier) cut(number uint32) {
	c.Lock()
	defer c.Unlock()
	if g := c.grants[number]; g != nil {
		for _, way := range g.open {
			way.Close()
		}
	}
}

// carry carries a connection to its end, or gives it back.
func (c *carrier) carry(g *grant, client *stream) {
	defer client.Close()
	settled := c.settle(g)
	way, join, err := c.reach(g)
	c.await(settled)
	carried := err == nil && c.opened(g, client, way)
	if !carried {
		if err == nil {
			way.Close()
		}
		c.giveBack(g, client)
	}
	g.undecided.Done()
	if carried {
		join(client)
		c.change(g, func() { delete(g.open, client) })
	}
}

// settle asks the session to bring into the pod what was saved before now: who saves and asks at once is answered with
// what was saved. The channel is closed when that is there.
func (c *carrier) settle(g *grant) chan struct{} {
	settled := make(chan struct{})
	c.Lock()
	g.waiting = append(g.waiting, settled)
	c.Unlock()
	c.say(sayWait, g.number)
	return settled
}

func (c *carrier) await(settled chan struct{}) {
	limit := time.NewTimer(c.patience)
	defer limit.Stop()
	select {
	case <-settled:
	case <-limit.C: // its answer is still for the oldest that waits
	}
}

// settled lets the connection go on that has waited longest. Whatever the session answered to, that came first.
func (c *carrier) settled(number uint32) {
	c.Lock()
	defer c.Unlock()
	if g := c.grants[number]; g != nil && len(g.waiting) > 0 {
		close(g.waiting[0])
		g.waiting = g.waiting[1:]
	}
}

// reach opens a way into the pod; `join` carries a client's bytes on it.
func (c *carrier) reach(g *grant) (way io.Closer, join func(client *stream), err error) {
	if g.address.IsValid() && !g.local.Load() {
		pod, err := connectStream(g.address, askPatience)
		if err == nil {
			return pod, func(client *stream) { joinPlain(client, pod) }, nil
		}
	}
	f := c.leader.follower(g.follower)
	if f == nil {
		return nil, nil, net.ErrClosed
	}
	s, err := f.connectThere(g.port)
	if err != nil {
		return nil, nil, err
	}
	g.local.Store(true)
	return s, func(client *stream) {
		if s.join(client, true) {
			f.giveBack(s)
		}
	}, nil
}

// opened notes what is open; false where the grant has been revoked meanwhile.
func (c *carrier) opened(g *grant, client *stream, way io.Closer) bool {
	c.Lock()
	defer c.Unlock()
	if g.revoked {
		return false
	}
	g.open[client] = way
	return true
}

// giveBack has the session carry a connection.
func (c *carrier) giveBack(g *grant, client *stream) {
	message := binary.BigEndian.AppendUint32([]byte{sayBack}, g.number)
	_ = client.use(func(descriptor uintptr) error {
		_, _, err := c.channel.WriteMsgUnix(message, syscall.UnixRights(int(descriptor)), nil)
		return err
	})
}

// joinPlain carries bytes between a client and a program, each way ended by itself, and closes both.
func joinPlain(client, pod *stream) {
	var ended atomic.Bool // what the client says
	said := make(chan struct{})
	go func() {
		defer close(said)
		if !pass(client, pod, true, nil) {
			pod.reset()
			return
		}
		pod.CloseWrite()
		ended.Store(true)
		pod.limitReading(halfClosed)
	}()
	whole := pass(pod, client, false, func() {
		if ended.Load() {
			pod.limitReading(halfClosed)
		}
	})
	if whole {
		client.CloseWrite()
		client.limitReading(lingering)
	} else {
		pod.reset()
		client.reset() // not all has come
	}
	<-said
	pod.Close()
}

// pass writes what one connection says to another one, to its end; false where it has none. What a program does not take
// any more is dropped: it may close before it has read all, and has said all the same what it says.
func pass(source, sink *stream, drops bool, passed func()) bool {
	taken := true
	for {
		if taken {
			sink.awaitRoom()
		}
		piece := outward.lend()
		size, err := source.readNow(piece)
		if err == nil && taken {
			taken = outward.deliver(sink, piece, piece[:size]) == nil
		} else {
			outward.giveBack(piece)
		}
		switch {
		case err == syscall.EAGAIN:
			if !source.wait(source.readable, nil) {
				return false
			}
			continue
		case err != nil:
			return err == io.EOF
		case !taken && !drops:
			return false
		}
		if passed != nil {
			passed()
		}
	}
}
