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

// forwards is a session that grants a leader with one follower its listeners.
type forwards struct {
	t       *testing.T
	carrier *carrier
	channel *net.UnixConn
	port    int // of the program in the pod
	granted uint32
	host    string // the pod's address, where connections go there first
}

// startForwards has a program in the pod treat connections.
func startForwards(t *testing.T, program func(conn *net.TCPConn)) *forwards {
	t.Helper()
	door := listenHere(t)
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
	return &forwards{t: t, carrier: c, channel: conn.(*net.UnixConn), port: door.Addr().(*net.TCPAddr).Port}
}

func listenHere(t *testing.T) *net.TCPListener {
	t.Helper()
	door, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { door.Close() })
	return door
}

// grant has the leader accept at a listener.
func (f *forwards) grant(follower uint32, port int) (number uint32, door *net.TCPListener) {
	f.t.Helper()
	f.granted++
	message := binary.BigEndian.AppendUint32([]byte{sayGrant}, f.granted)
	message = binary.BigEndian.AppendUint32(message, follower)
	message = binary.BigEndian.AppendUint16(message, uint16(port))
	address := ""
	if f.host != "" {
		address = fmt.Sprintf("%s:%d", f.host, port)
	}
	message = append(message, text(address)...)
	door = listenHere(f.t)
	raw, err := door.SyscallConn()
	if err != nil {
		f.t.Fatal(err)
	}
	_ = raw.Control(func(descriptor uintptr) {
		_, _, err = f.channel.WriteMsgUnix(message, syscall.UnixRights(int(descriptor)), nil)
	})
	if err != nil {
		f.t.Fatal(err)
	}
	return f.granted, door
}

// say says something of a grant.
func (f *forwards) say(kind byte, number uint32) {
	f.t.Helper()
	if _, err := f.channel.Write(binary.BigEndian.AppendUint32([]byte{kind}, number)); err != nil {
		f.t.Fatal(err)
	}
}

// heard is what the leader says next but of connections that wait, which go on; and the connection that comes along.
func (f *forwards) heard() (kind byte, number uint32, back net.Conn) {
	f.t.Helper()
	for {
		if kind, number, back = f.heardOrWaits(); kind != sayWait {
			return kind, number, back
		}
		f.say(sayWait, number)
	}
}

func (f *forwards) heardOrWaits() (kind byte, number uint32, back net.Conn) {
	f.t.Helper()
	message, extra := make([]byte, 16), make([]byte, syscall.CmsgSpace(4))
	_ = f.channel.SetReadDeadline(time.Now().Add(20 * time.Second))
	size, count, _, _, err := f.channel.ReadMsgUnix(message, extra)
	if err != nil || size != 5 {
		f.t.Fatalf("got %d bytes, %v", size, err)
	}
	for _, descriptor := range filesOf(extra[:count]) {
		file := os.NewFile(uintptr(descriptor), "back")
		if back, err = net.FileConn(file); err != nil {
			f.t.Fatal(err)
		}
		file.Close()
		f.t.Cleanup(func() { back.Close() })
	}
	return message[0], binary.BigEndian.Uint32(message[1:]), back
}

// expect says what is to be heard next.
func (f *forwards) expect(kind byte, number uint32) net.Conn {
	f.t.Helper()
	gotKind, got, back := f.heard()
	if gotKind != kind || got != number || (back != nil) != (kind == sayBack) {
		f.t.Fatalf("got %q of %d, with a connection: %v", gotKind, got, back != nil)
	}
	return back
}

// client is a new one of a listener.
func client(t *testing.T, door *net.TCPListener) *net.TCPConn {
	t.Helper()
	conn, err := net.DialTCP("tcp", nil, door.Addr().(*net.TCPAddr))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	return conn
}

// carried is the client's end of a connection that is carried, for a grant of its own.
func (f *forwards) carried() *net.TCPConn {
	f.t.Helper()
	_, door := f.grant(1, f.port)
	return client(f.t, door)
}

// onBothWays tries something with connections through the helper in the pod, and with those to the pod's address.
func onBothWays(t *testing.T, program func(conn *net.TCPConn), try func(t *testing.T, f *forwards)) {
	for name, host := range map[string]string{"sealed": "", "plain": "127.0.0.1"} {
		t.Run(name, func(t *testing.T) {
			f := startForwards(t, program)
			f.host = host
			try(t, f)
		})
	}
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

func readFull(conn net.Conn, content []byte) error {
	_, err := io.ReadFull(conn, content)
	return err
}

func TestConnectionsAreCarriedBothWaysToTheirEnds(t *testing.T) {
	onBothWays(t, sendBack, func(t *testing.T, f *forwards) {
		content := make([]byte, 3_000_001)
		if err := fillRandom(content); err != nil {
			t.Fatal(err)
		}
		_, door := f.grant(1, f.port)
		buffered := forwardSource - recordHead - recordEnd
		for _, size := range []int{0, 1, len(content), 5, largestPiece, largestPiece + 1, buffered, buffered + 1} {
			if got, err := exchangeAll(client(t, door), content[:size]); err != nil || !bytes.Equal(got, content[:size]) {
				t.Errorf("%d bytes: got %d, %v", size, len(got), err)
			}
		}
	})
}

func TestManyConnectionsAreCarriedAtTheSameTime(t *testing.T) {
	onBothWays(t, sendBack, func(t *testing.T, f *forwards) {
		_, door := f.grant(1, f.port)
		var all sync.WaitGroup
		for i := 0; i < 50; i++ {
			conn := client(t, door)
			all.Add(1)
			go func(i int) {
				defer all.Done()
				content := bytes.Repeat([]byte(fmt.Sprint(i)), 10_000+i)
				if got, err := exchangeAll(conn, content); err != nil || !bytes.Equal(got, content) {
					t.Errorf("%d: got %d of %d bytes, %v", i, len(got), len(content), err)
				}
			}(i)
		}
		all.Wait()
	})
}

func TestWhatAProgramSaidBeforeItClosedArrivesThoughItHasNotReadAll(t *testing.T) {
	program := func(conn *net.TCPConn) {
		_, _ = io.ReadFull(conn, make([]byte, 10))
		_, _ = conn.Write([]byte("too large"))
		conn.CloseWrite()
		time.Sleep(50 * time.Millisecond)
		conn.Close()
	}
	onBothWays(t, program, func(t *testing.T, f *forwards) {
		conn := f.carried()
		go func() { _, _ = conn.Write(make([]byte, 10_000_000)) }()
		if got, err := io.ReadAll(conn); err != nil || string(got) != "too large" {
			t.Errorf("got %q, %v", got, err)
		}
	})
}

func TestAProgramAtTheLocalhostOfAPodIsReachedByTheHelperThere(t *testing.T) {
	f := startForwards(t, sendBack)
	f.host = "127.0.0.2" // it listens at 127.0.0.1
	_, door := f.grant(1, f.port)
	for i := 0; i < 3; i++ {
		if got, err := exchangeAll(client(t, door), []byte("hello")); err != nil || string(got) != "hello" {
			t.Errorf("got %q, %v", got, err)
		}
	}
}

func TestConnectionsOfAGrantAreBroken(t *testing.T) {
	onBothWays(t, sendBack, func(t *testing.T, f *forwards) {
		number, door := f.grant(1, f.port)
		one, other := client(t, door), f.carried()
		for _, conn := range []*net.TCPConn{one, other} {
			_, _ = conn.Write([]byte("x"))
			if err := readFull(conn, make([]byte, 1)); err != nil {
				t.Fatal(err)
			}
		}
		f.say(sayRevoke, number)
		f.say(sayCut, number)
		if _, err := io.ReadAll(one); err == nil {
			t.Error("it has ended as if all had come")
		}
		if got, err := exchangeAll(other, []byte("still")); err != nil || string(got) != "still" {
			t.Errorf("got %q, %v", got, err)
		}
	})
}

func TestAClientReadsAnErrorWhenTheProgramBreaksTheConnection(t *testing.T) {
	program := func(conn *net.TCPConn) {
		_, _ = conn.Write([]byte("begun"))
		_, _ = io.ReadFull(conn, make([]byte, 1))
		reset(conn)
	}
	onBothWays(t, program, func(t *testing.T, f *forwards) {
		conn := f.carried()
		if err := readFull(conn, make([]byte, 5)); err != nil {
			t.Fatal(err)
		}
		_, _ = conn.Write([]byte("x"))
		if _, err := io.ReadAll(conn); err == nil {
			t.Error("it has ended as if all had come")
		}
	})
}

func TestAProgramReadsAnErrorWhenTheClientBreaksTheConnection(t *testing.T) {
	read := make(chan error, 1)
	program := func(conn *net.TCPConn) {
		_, _ = conn.Write([]byte("x"))
		_, err := io.ReadAll(conn)
		read <- err
	}
	onBothWays(t, program, func(t *testing.T, f *forwards) {
		conn := f.carried()
		if err := readFull(conn, make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
		reset(conn)
		if err := <-read; err == nil {
			t.Error("it has ended as if all had come")
		}
	})
}

func TestAProgramThatGoesOnAfterItsClientIsLetGoWhenTheLeaderIs(t *testing.T) {
	read, written := make(chan struct{}, 1), make(chan error, 1)
	program := func(conn *net.TCPConn) {
		_, _ = io.ReadAll(conn)
		read <- struct{}{}
		_, err := conn.Read(make([]byte, 1)) // of a connection that is closed both ways
		for err == nil || err == io.EOF {
			_, err = conn.Write([]byte("x"))
			time.Sleep(time.Millisecond)
		}
		written <- err
	}
	onBothWays(t, program, func(t *testing.T, f *forwards) {
		conn := f.carried()
		conn.CloseWrite()
		<-read
		f.say(sayCut, f.granted)
		if err := <-written; err == nil {
			t.Error("it still may write")
		}
	})
}
