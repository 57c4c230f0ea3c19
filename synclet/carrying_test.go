package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"testing"
	"time"
)

// forwards is a session that hands connections over to a leader with one follower.
type forwards struct {
	t       *testing.T
	channel *net.UnixConn
	port    int // of the program in the pod
}

// startForwards has a program in the pod treat connections.
func startForwards(t *testing.T, program func(conn *net.TCPConn)) *forwards {
	t.Helper()
	door, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { door.Close() })
	go func() {
		for {
			conn, err := door.AcceptTCP()
			if err != nil {
				return
			}
			go program(conn)
		}
	}()
	leader, helper := startRelay(t), start(t)
	pair, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_SEQPACKET|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	c, err := newCarrier(leader.leader, uintptr(pair[0]))
	if err != nil {
		t.Fatal(err)
	}
	go c.run()
	file := os.NewFile(uintptr(pair[1]), "session")
	conn, err := net.FileConn(file)
	file.Close()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(); c.channel.Close() })
	leader.join(1, testKey, helper.listen())
	leader.expect("y\x00\x00\x00\x01j")
	return &forwards{t, conn.(*net.UnixConn), door.Addr().(*net.TCPAddr).Port}
}

// connection is one that a client has with the session.
func connection(t *testing.T) (client, accepted *net.TCPConn) {
	t.Helper()
	door, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer door.Close()
	if client, err = net.DialTCP("tcp", nil, door.Addr().(*net.TCPAddr)); err != nil {
		t.Fatal(err)
	}
	if accepted, err = door.AcceptTCP(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close(); accepted.Close() })
	_ = client.SetDeadline(time.Now().Add(20 * time.Second))
	return client, accepted
}

// hand hands a connection over.
func (f *forwards) hand(number, follower, group uint32, port int, accepted *net.TCPConn) {
	f.t.Helper()
	message := binary.BigEndian.AppendUint32(nil, number)
	message = binary.BigEndian.AppendUint32(message, follower)
	message = binary.BigEndian.AppendUint32(message, group)
	message = binary.BigEndian.AppendUint16(message, uint16(port))
	raw, err := accepted.SyscallConn()
	if err != nil {
		f.t.Fatal(err)
	}
	_ = raw.Control(func(descriptor uintptr) {
		_, _, err = f.channel.WriteMsgUnix(message, syscall.UnixRights(int(descriptor)), nil)
	})
	if err != nil {
		f.t.Fatal(err)
	}
}

// answer is the number of the connection that is answered next, and whether it is taken.
func (f *forwards) answer() (number uint32, taken bool) {
	f.t.Helper()
	message := make([]byte, 16)
	if size, err := f.channel.Read(message); err != nil || size != 5 {
		f.t.Fatalf("got %d bytes, %v", size, err)
	}
	return binary.BigEndian.Uint32(message), message[4] == 1
}

// carried is the client's end of a connection that is carried.
func (f *forwards) carried(group uint32) *net.TCPConn {
	f.t.Helper()
	client, accepted := connection(f.t)
	f.hand(7, 1, group, f.port, accepted)
	if number, taken := f.answer(); number != 7 || !taken {
		f.t.Fatalf("number %d, taken: %v", number, taken)
	}
	accepted.Close()
	return client
}

// sendBack says what it reads, and ends once it has read the end.
func sendBack(conn *net.TCPConn) {
	io.Copy(conn, conn)
	conn.Close()
}

// exchangeAll sends content, and its end; returns what comes back.
func exchangeAll(client *net.TCPConn, content []byte) ([]byte, error) {
	go func() {
		_, _ = client.Write(content)
		client.CloseWrite()
	}()
	return io.ReadAll(client)
}

func TestConnectionsAreCarriedBothWaysToTheirEnds(t *testing.T) {
	f := startForwards(t, sendBack)
	content := make([]byte, 3_000_001)
	if err := fillRandom(content); err != nil {
		t.Fatal(err)
	}
	for _, size := range []int{0, 1, len(content), 5, largestPiece, smallestPiece - recordHead - recordEnd} {
		client := f.carried(1)
		if got, err := exchangeAll(client, content[:size]); err != nil || !bytes.Equal(got, content[:size]) {
			t.Errorf("%d bytes: got %d, %v", size, len(got), err)
		}
	}
}

func TestManyConnectionsAreCarriedAtTheSameTime(t *testing.T) {
	f := startForwards(t, sendBack)
	var all sync.WaitGroup
	for i := 0; i < 50; i++ {
		client, accepted := connection(t)
		f.hand(uint32(i), 1, 1, f.port, accepted)
		accepted.Close()
		all.Add(1)
		go func(i int) {
			defer all.Done()
			content := bytes.Repeat([]byte(fmt.Sprint(i)), 10_000+i)
			if got, err := exchangeAll(client, content); err != nil || !bytes.Equal(got, content) {
				t.Errorf("%d: got %d of %d bytes, %v", i, len(got), len(content), err)
			}
		}(i)
	}
	for i := 0; i < 50; i++ {
		if number, taken := f.answer(); !taken {
			t.Errorf("%d is not taken", number)
		}
	}
	all.Wait()
}

func TestWhatAProgramSaidBeforeItClosedArrivesThoughItHasNotReadAll(t *testing.T) {
	f := startForwards(t, func(conn *net.TCPConn) {
		_, _ = io.ReadFull(conn, make([]byte, 10))
		_, _ = conn.Write([]byte("too large"))
		conn.CloseWrite()
		time.Sleep(50 * time.Millisecond)
		conn.Close()
	})
	client := f.carried(1)
	go func() { _, _ = client.Write(make([]byte, 10_000_000)) }()
	if got, err := io.ReadAll(client); err != nil || string(got) != "too large" {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestWhatIsNotTakenIsLeftToTheSession(t *testing.T) {
	f := startForwards(t, sendBack)
	nobody, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody.Close()
	for number, to := range []struct {
		follower uint32
		port     int
	}{{1, nobody.Addr().(*net.TCPAddr).Port}, {2, f.port}, {1, f.port}} {
		client, accepted := connection(t)
		f.hand(uint32(number), to.follower, 1, to.port, accepted)
		if got, taken := f.answer(); got != uint32(number) || taken != (number == 2) {
			t.Fatalf("number %d, taken: %v", got, taken)
		} else if taken {
			continue
		}
		_, _ = client.Write([]byte("x"))
		_ = accepted.SetReadDeadline(time.Now().Add(5 * time.Second))
		if got := make([]byte, 1); readFull(accepted, got) != nil || got[0] != 'x' {
			t.Errorf("the session got %q", got)
		}
	}
	if _, err := f.channel.Write([]byte("nonsense, no connection")); err != nil {
		t.Fatal(err)
	}
	if _, taken := f.answer(); taken {
		t.Error("nothing was taken")
	}
}

func readFull(conn net.Conn, content []byte) error {
	_, err := io.ReadFull(conn, content)
	return err
}

func TestConnectionsOfAGroupAreBroken(t *testing.T) {
	f := startForwards(t, sendBack)
	one, other := f.carried(1), f.carried(2)
	if _, err := f.channel.Write([]byte{0, 0, 0, 1}); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(one); err == nil {
		t.Error("it has ended as if all had come")
	}
	if got, err := exchangeAll(other, []byte("still")); err != nil || string(got) != "still" {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestAClientReadsAnErrorWhenTheProgramBreaksTheConnection(t *testing.T) {
	f := startForwards(t, func(conn *net.TCPConn) {
		_, _ = conn.Write([]byte("begun"))
		_, _ = io.ReadFull(conn, make([]byte, 1))
		reset(conn)
	})
	client := f.carried(1)
	if err := readFull(client, make([]byte, 5)); err != nil {
		t.Fatal(err)
	}
	_, _ = client.Write([]byte("x"))
	if _, err := io.ReadAll(client); err == nil {
		t.Error("it has ended as if all had come")
	}
}

func TestAProgramReadsAnErrorWhenTheClientBreaksTheConnection(t *testing.T) {
	read := make(chan error, 1)
	f := startForwards(t, func(conn *net.TCPConn) {
		_, err := io.ReadAll(conn)
		read <- err
	})
	reset(f.carried(1))
	if err := <-read; err == nil {
		t.Error("it has ended as if all had come")
	}
}

func TestAProgramThatGoesOnAfterItsClientIsLetGoWhenTheLeaderIs(t *testing.T) {
	read, written := make(chan struct{}), make(chan error, 1)
	f := startForwards(t, func(conn *net.TCPConn) {
		_, _ = io.ReadAll(conn)
		close(read)
		_, err := conn.Read(make([]byte, 1)) // of a connection that is closed both ways
		for err == nil || err == io.EOF {
			_, err = conn.Write([]byte("x"))
			time.Sleep(time.Millisecond)
		}
		written <- err
	})
	client := f.carried(1)
	client.CloseWrite()
	<-read
	_, _ = f.channel.Write([]byte{0, 0, 0, 1})
	if err := <-written; err == nil {
		t.Error("it still may write")
	}
}
