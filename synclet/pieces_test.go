package main

import (
	"bytes"
	"net"
	"runtime"
	"testing"
	"time"
)

func heap() int {
	runtime.GC()
	var now runtime.MemStats
	runtime.ReadMemStats(&now)
	return int(now.HeapAlloc)
}

func TestConnectionsWhoseClientsReadNothingHoldNoBuffers(t *testing.T) {
	const clients, most = mostForwards - 4, 24 * 1024 // both helpers, the program and its clients are in this process
	sent := bytes.Repeat([]byte("x"), 1024*1024)
	f := startForwards(t, func(conn *net.TCPConn) {
		for err := error(nil); err == nil; {
			_, err = conn.Write(sent)
		}
	})
	f.carrier.patience = 0
	_, door := f.grant(1, f.port)
	before := heap()
	for i := 0; i < clients; i++ {
		if err := readFull(client(t, door), make([]byte, 4*wholePiece)); err != nil {
			t.Fatal(err)
		}
	}
	time.Sleep(200 * time.Millisecond) // until all have to wait: those that do not hold no more at least
	if each := (heap() - before) / clients; each > most {
		t.Errorf("a connection takes %d bytes", each)
	}
}

// narrow is a connection that takes a few bytes at once, and the rest when it may.
type narrow struct {
	bytes.Buffer
	may chan struct{}
}

func (n *narrow) awaitRoom() {}

func (n *narrow) writeNow(content []byte) (int, error) { return n.Buffer.Write(content[:10]) }

func (n *narrow) Write(content []byte) (int, error) {
	<-n.may
	return n.Buffer.Write(content)
}

func TestWhatThereIsNoRoomForKeepsNoBuffer(t *testing.T) {
	p, to, done := &pieces{lent: make(chan struct{}, 1)}, &narrow{may: make(chan struct{})}, make(chan error)
	piece := p.lend()
	copy(piece, "what is written")
	go func() { done <- p.deliver(to, piece, piece[:15]) }()
	copy(p.lend(), "what others write") // there is one, and it is the same
	close(to.may)
	if err := <-done; err != nil || to.String() != "what is written" {
		t.Errorf("got %q, %v", to.String(), err)
	}
}

func TestNoMoreBuffersAreLentThanThereIsRoomFor(t *testing.T) {
	p := &pieces{lent: make(chan struct{}, 2)}
	first, second, third := p.lend(), p.lend(), make(chan []byte)
	go func() { third <- p.lend() }()
	select {
	case <-third:
		t.Error("there are three")
	case <-time.After(20 * time.Millisecond):
	}
	p.giveBack(first)
	if got := <-third; &got[0] != &first[0] {
		t.Error("it was made anew")
	}
	p.giveBack(second)
}

func TestWhatIsLeftBehindIsCollectedSoon(t *testing.T) {
	var before, after runtime.MemStats
	litter.Store(0)
	runtime.ReadMemStats(&before)
	for i := 0; i < mostLitter; i++ {
		leave(1)
	}
	if runtime.ReadMemStats(&after); after.NumForcedGC == before.NumForcedGC {
		t.Error("it was not")
	}
}

// roundTrip says a byte, and reads what comes back.
func roundTrip(t *testing.T, conn net.Conn) {
	t.Helper()
	if _, err := conn.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	if err := readFull(conn, make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
}

func TestConnectionsAboveThoseOfAFollowerAreGivenBack(t *testing.T) {
	f := startForwards(t, sendBack)
	f.carrier.patience = 0
	f.carrier.leader.follower(1).inUse = make(chan struct{}, 2)
	_, door := f.grant(1, f.port)
	first, second := client(t, door), client(t, door)
	roundTrip(t, first)
	roundTrip(t, second)
	third := client(t, door)
	back := f.expect(sayBack, 1)
	_, _ = back.Write([]byte("x"))
	if err := readFull(third, make([]byte, 1)); err != nil {
		t.Error(err)
	}
	first.CloseWrite()
	roundTrip(t, client(t, door))
	roundTrip(t, second)
}

func TestConnectionsAboveThoseOfAFollowerWaitAsLongAsOthersEnd(t *testing.T) {
	f := &follower{inUse: make(chan struct{}, 1)}
	f.enter()
	go func() {
		time.Sleep(askPatience / 2)
		f.ends.Add(1) // somebody else was there first
		time.Sleep(askPatience)
		<-f.inUse
	}()
	if !f.enter() {
		t.Error("it has given up")
	}
	if f.enter() {
		t.Error("it has found a place where there is none")
	}
}
