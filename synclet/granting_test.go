package main

import (
	"fmt"
	"net"
	"testing"
	"time"
)

func TestWhatIsNotCarriedGoesBackToTheSessionUnread(t *testing.T) {
	onBothWays(t, sendBack, func(t *testing.T, f *forwards) {
		nobody := listenHere(t)
		nobody.Close()
		for _, to := range []struct {
			follower uint32
			port     int
		}{{1, nobody.Addr().(*net.TCPAddr).Port}, {2, nobody.Addr().(*net.TCPAddr).Port}} {
			number, door := f.grant(to.follower, to.port)
			conn := client(t, door)
			_, _ = conn.Write([]byte("x"))
			back := f.expect(sayBack, number)
			_ = back.SetReadDeadline(time.Now().Add(5 * time.Second))
			if got := make([]byte, 1); readFull(back, got) != nil || got[0] != 'x' {
				t.Errorf("the session got %q", got)
			}
		}
	})
}

func TestAConnectionWaitsUntilWhatWasSavedBeforeIsThere(t *testing.T) {
	onBothWays(t, sendBack, func(t *testing.T, f *forwards) {
		f.carrier.patience = time.Minute
		number, door := f.grant(1, f.port)
		conns := []*net.TCPConn{client(t, door), client(t, door)}
		for _, conn := range conns {
			_, _ = conn.Write([]byte("x"))
			if kind, of, _ := f.heardOrWaits(); kind != sayWait || of != number {
				t.Fatalf("got %q of %d", kind, of)
			}
		}
		_ = conns[0].SetReadDeadline(time.Now().Add(10 * time.Millisecond))
		if size, err := conns[0].Read(make([]byte, 1)); err == nil {
			t.Fatalf("got %d bytes before what was saved is there", size)
		}
		_ = conns[0].SetReadDeadline(time.Now().Add(20 * time.Second))
		f.say(sayWait, number)
		f.say(sayWait, number)
		f.say(sayWait, number) // one too many
		for _, conn := range conns {
			if got := make([]byte, 1); readFull(conn, got) != nil || got[0] != 'x' {
				t.Errorf("got %q", got)
			}
		}
	})
}

func TestAConnectionDoesNotWaitForeverForASessionThatDoesNotAnswer(t *testing.T) {
	f := startForwards(t, sendBack)
	f.carrier.patience = time.Millisecond
	if got, err := exchangeAll(f.carried(), []byte("hello")); err != nil || string(got) != "hello" {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestAfterARevocationNothingIsAcceptedAndWhatIsOpenGoesOn(t *testing.T) {
	onBothWays(t, sendBack, func(t *testing.T, f *forwards) {
		number, door := f.grant(1, f.port)
		conn := client(t, door)
		if _, err := conn.Write([]byte("x")); err != nil {
			t.Fatal(err)
		}
		if err := readFull(conn, make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
		f.say(sayRevoke, number)
		f.expect(sayRevoke, number)
		later := client(t, door)
		if _, err := later.Write([]byte("y")); err != nil {
			t.Fatal(err)
		}
		accepted, err := door.AcceptTCP() // nobody else has
		if err != nil {
			t.Fatal(err)
		}
		defer accepted.Close()
		if got := make([]byte, 1); readFull(accepted, got) != nil || got[0] != 'y' {
			t.Errorf("got %q", got)
		}
		if got, err := exchangeAll(conn, []byte("still")); err != nil || string(got) != "still" {
			t.Errorf("got %q, %v", got, err)
		}
		f.expect(sayOver, number)
		f.say(sayRevoke, number) // it is none any more
		f.say(sayAlive, 7)
		f.expect(sayAlive, 7)
	})
}

func TestRevokedWhileConnectionsComeEachIsCarriedOrComesBackOrWaits(t *testing.T) {
	onBothWays(t, sendBack, func(t *testing.T, f *forwards) {
		for round := 0; round < 20; round++ {
			number, door := f.grant(1, f.port)
			const clients = 10
			answers := make(chan error, clients)
			for i := 0; i < clients; i++ {
				conn := client(t, door)
				go func() {
					got, err := exchangeAll(conn, []byte("hello"))
					if err == nil && string(got) != "hello" {
						err = fmt.Errorf("got %q", got)
					}
					answers <- err
				}()
				if i == round%clients {
					f.say(sayRevoke, number)
				}
			}
			revoked := false
			for {
				kind, _, back := f.heard()
				if kind == sayOver {
					break
				}
				revoked = revoked || kind == sayRevoke
				if back != nil {
					go sendBack(back.(*net.TCPConn))
				}
			}
			if !revoked {
				t.Fatal("it was not said that nothing more is accepted")
			}
			go func() { // the session accepts again
				for {
					conn, err := door.AcceptTCP()
					if err != nil {
						return
					}
					go sendBack(conn)
				}
			}()
			for i := 0; i < clients; i++ {
				if err := <-answers; err != nil {
					t.Fatal(err)
				}
			}
		}
	})
}

func TestAGrantWithoutAListenerIsOverAtOnce(t *testing.T) {
	f := startForwards(t, sendBack)
	f.say(sayGrant, 5)
	f.expect(sayRevoke, 5)
	f.expect(sayOver, 5)
}

func TestNothingIsAcceptedOnceTheSessionIsGone(t *testing.T) {
	f := startForwards(t, sendBack)
	_, door := f.grant(1, f.port)
	if got, err := exchangeAll(client(t, door), []byte("hello")); err != nil || string(got) != "hello" {
		t.Fatalf("got %q, %v", got, err)
	}
	f.channel.Close()
	address := door.Addr().(*net.TCPAddr)
	door.Close()
	for began := time.Now(); ; time.Sleep(time.Millisecond) {
		conn, err := net.DialTCP("tcp", nil, address)
		if err != nil {
			return // the last copy of the listener is closed
		}
		conn.Close()
		if time.Since(began) > 10*time.Second {
			t.Fatal("somebody still listens")
		}
	}
}
