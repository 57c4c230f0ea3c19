package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"os"
	"testing"
	"time"
)

var testKey = bytes.Repeat([]byte{7}, keySize)

// session is the side of a stream that is not the helper.
type session struct {
	*wire
	t      *testing.T
	root   string
	leader *leader
}

func start(t *testing.T) *session {
	t.Helper()
	said, answered := make(chan struct{}), t.TempDir()
	source, toHelper := io.Pipe()
	fromHelper, sink := io.Pipe()
	r := newReceiver(answered, source, sink)
	go func() {
		defer close(said)
		_ = r.run()
		sink.Close()
	}()
	t.Cleanup(func() {
		toHelper.Close()
		fromHelper.Close()
		<-said
		if r.door != nil {
			r.door.Close()
		}
		for number := range r.followers {
			r.leave(number)
		}
	})
	s := &session{newWire(fromHelper, toHelper), t, answered, &r.leader}
	s.say(frameHello, []byte{0, protocolVersion})
	return s
}

// startRelay starts a leader that carries out nothing itself.
func startRelay(t *testing.T) *session {
	t.Helper()
	said := make(chan struct{})
	source, toHelper := io.Pipe()
	fromHelper, sink := io.Pipe()
	l := &leader{wire: newWire(source, sink)}
	s := &session{newWire(fromHelper, toHelper), t, "", l}
	go func() {
		defer close(said)
		_ = l.serve(l.take)
		sink.Close()
	}()
	t.Cleanup(func() {
		toHelper.Close()
		fromHelper.Close()
		<-said
		for number := range l.followers {
			l.leave(number)
		}
	})
	s.say(frameHello, []byte{0, protocolVersion})
	return s
}

func (s *session) say(kind byte, payload []byte) {
	s.t.Helper()
	if err := s.send(kind, payload); err != nil {
		s.t.Fatal(err)
	}
}

func (s *session) expect(wanted string) {
	s.t.Helper()
	kind, payload, err := s.receive()
	if got := string(kind) + string(payload); err != nil || got != wanted {
		s.t.Fatalf("got %q, %v, want %q", got, err, wanted)
	}
}

func (s *session) file(path, content string) {
	var said script
	said.file(path, content, 0o644)
	s.say(frameFile, said.Bytes()[5:])
}

func (s *session) commit(number byte) { s.say(frameCommit, []byte{0, 0, 0, number}) }

// listen has the helper open its port.
func (s *session) listen() int {
	s.t.Helper()
	s.say(frameListen, testKey)
	kind, payload, err := s.receive()
	if err != nil || kind != frameListening || len(payload) != 2 {
		s.t.Fatalf("got %q, %q, %v", kind, payload, err)
	}
	return int(binary.BigEndian.Uint16(payload))
}

func (s *session) join(number byte, key []byte, port int) {
	joining := append([]byte{0, 0, 0, number}, key...)
	s.say(frameJoin, append(joining, text(fmt.Sprintf("127.0.0.1:%d", port))...))
}

func TestABatchIsPassedOnAndEveryHelperAnswersForItself(t *testing.T) {
	leader, one, two := start(t), start(t), start(t)
	leader.join(1, testKey, one.listen())
	leader.expect("y\x00\x00\x00\x01j")
	leader.join(2, testKey, two.listen())
	leader.expect("y\x00\x00\x00\x02j")
	if err := os.WriteFile(two.root+"/app", nil, 0o600); err != nil { // no file can be put below it
		t.Fatal(err)
	}
	leader.say(frameRelay, []byte{0, 0, 0, 1, 0, 0, 0, 5, 0, 0, 0, 2, 0, 0, 0, 9})
	leader.file("/app/x", "new")
	leader.commit(3)
	answers := map[string]bool{}
	for i := 0; i < 4; i++ {
		kind, payload, err := leader.receive()
		if err != nil {
			t.Fatal(err)
		}
		answers[string(append([]byte{kind}, payload...)[:min(6, 1+len(payload))])] = true
		answers[string(append([]byte{kind}, payload...))] = true
	}
	for _, wanted := range []string{
		"A\x00\x00\x00\x03", "y\x00\x00\x00\x01A\x00\x00\x00\x05", "y\x00\x00\x00\x02!", "y\x00\x00\x00\x02A\x00\x00\x00\x09",
	} {
		if !answers[wanted] {
			t.Errorf("no %q in %v", wanted, answers)
		}
	}
	for _, each := range []*session{leader, one} {
		if got := content(t, each.root+"/app/x"); got != "new" {
			t.Errorf("got %q", got)
		}
	}
}

func TestALeaderOutsideOfAllContainersPassesOnAndKeepsNothing(t *testing.T) {
	leader, one := startRelay(t), start(t)
	leader.join(1, testKey, one.listen())
	leader.expect("y\x00\x00\x00\x01j")
	large := string(bytes.Repeat([]byte("long "), 20000)) // more than is sent at once
	for number, sent := range []string{1: "small", 2: large, 3: ""} {
		leader.say(frameRelay, []byte{0, 0, 0, 1, 0, 0, 0, byte(number)})
		leader.file("/app/x", sent)
		leader.commit(0)
		if number == 0 { // not later than what is there
			continue
		}
		leader.expect("y\x00\x00\x00\x01A\x00\x00\x00" + string(rune(number)))
		if got := content(t, one.root+"/app/x"); got != sent {
			t.Errorf("got %d bytes", len(got))
		}
	}
	leader.say(frameLeave, []byte{0, 0, 0, 1})
	if kind, payload, err := leader.receive(); err != nil || kind != frameRelayed || payload[4] != frameLost {
		t.Errorf("got %q, %q, %v", kind, payload, err)
	}
}

func TestWhatIsTooFarAwayIsLedByNobodyOutside(t *testing.T) {
	one := start(t)
	answered := make(chan string, 1)
	address := fmt.Sprintf("127.0.0.1:%d", one.listen())
	f := &follower{address: address, key: testKey, farthest: 1, heard: &heard{}, ended: make(chan struct{})}
	f.answer = func(kind byte, payload []byte) { answered <- string(kind) + string(payload) }
	f.run()
	if got := <-answered; got != "lit is too far away" {
		t.Errorf("got %q", got)
	}
}

func TestALeaderOutsideOfAllContainersTakesNothingElse(t *testing.T) {
	for _, kind := range []byte{frameFile, frameRun, frameListen, frameRestart} {
		leader := startRelay(t)
		leader.say(kind, testKey)
		if _, _, err := leader.receive(); err != io.EOF {
			t.Errorf("%q: %v", kind, err)
		}
	}
}

func TestAHelperListensWhereProgramsDoNot(t *testing.T) {
	taken := []int{}
	for i := 0; i < 5; i++ {
		door, err := open(taken)
		if err != nil {
			t.Fatal(err)
		}
		defer door.Close()
		port := door.Addr().(*net.TCPAddr).Port
		if port < lowestPort || contains(taken, port) {
			t.Errorf("it listens at %d", port)
		}
		taken = append(taken, port)
	}
}

func TestWhatIsPassedOnLateDoesNotUndoWhatCameByTheStream(t *testing.T) {
	leader, one := start(t), start(t)
	leader.join(1, testKey, one.listen())
	leader.expect("y\x00\x00\x00\x01j")
	one.file("/x", "newer")
	one.commit(6)
	one.expect("A\x00\x00\x00\x06")
	for _, number := range []byte{5, 6, 7} {
		leader.say(frameRelay, []byte{0, 0, 0, 1, 0, 0, 0, number})
		leader.file("/x", fmt.Sprint(number))
		leader.commit(number)
		if number < 7 { // it is carried out by the leader alone
			leader.expect("A\x00\x00\x00" + string(number))
		}
	}
	both := map[byte]bool{}
	for len(both) < 2 {
		kind, _, err := leader.receive()
		if err != nil {
			t.Fatal(err)
		}
		both[kind] = true
	}
	if got := content(t, one.root+"/x"); got != "7" {
		t.Errorf("got %q", got)
	}
}

func TestOnlyWhoHasTheKeyIsLetIn(t *testing.T) {
	leader, one := start(t), start(t)
	port := one.listen()
	leader.join(1, bytes.Repeat([]byte{8}, keySize), port)
	kind, payload, err := leader.receive()
	if err != nil || kind != frameRelayed || !bytes.HasPrefix(payload, []byte("\x00\x00\x00\x01l")) {
		t.Errorf("got %q, %q, %v", kind, payload, err)
	}
	conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write(bytes.Repeat([]byte("x"), 500)); err != nil {
		t.Fatal(err)
	}
	_ = conn.SetReadDeadline(time.Now().Add(5 * time.Second))
	if answer, _ := io.ReadAll(conn); len(answer) > 2*keySize+4 {
		t.Errorf("a stranger got %d bytes", len(answer))
	}
	for i := 0; i < 2*mostStrangers; i++ { // they wait, and show nothing
		conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
	}
	leader.join(2, testKey, port)
	leader.expect("y\x00\x00\x00\x02j")
	if port == one.listen() { // with it the door before is closed
		t.Error("the port is the same")
	}
}

func TestAFollowerThatIsGoneIsReported(t *testing.T) {
	leader := start(t)
	leader.join(1, testKey, 1)
	kind, payload, err := leader.receive()
	if err != nil || kind != frameRelayed || payload[4] != frameLost {
		t.Errorf("got %q, %q, %v", kind, payload, err)
	}
}

// fakeFollower takes one connection of a leader, and does as it likes.
func fakeFollower(t *testing.T, does func(s *sealed)) int {
	t.Helper()
	door, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { door.Close() })
	go func() {
		conn, err := door.Accept()
		if err != nil {
			return
		}
		t.Cleanup(func() { conn.Close() })
		if s, err := seal(conn, testKey, false, 0); err == nil {
			does(s)
		}
	}()
	return door.Addr().(*net.TCPAddr).Port
}

func TestAFollowerThatTakesNothingIsGivenUp(t *testing.T) {
	leader := start(t)
	leader.join(1, testKey, fakeFollower(t, func(*sealed) {}))
	leader.expect("y\x00\x00\x00\x01j")
	lost := make(chan struct{}, 1)
	go func() { // the helper answers while it is spoken to
		for {
			kind, payload, err := leader.receive()
			if err != nil {
				return
			}
			if kind == frameRelayed && payload[4] == frameLost {
				lost <- struct{}{}
			}
		}
	}()
	for number := byte(1); number < 20; number++ { // more than the system keeps for it
		leader.say(frameRelay, []byte{0, 0, 0, 1, 0, 0, 0, number})
		for i := 0; i < 4; i++ {
			leader.file("/x", string(bytes.Repeat([]byte("x"), 200*1024)))
		}
		leader.commit(number)
	}
	select {
	case <-lost:
	case <-time.After(5 * time.Second):
		t.Error("it still is a follower")
	}
}

func TestAFollowerThatAnswersWronglyIsGivenUp(t *testing.T) {
	for _, answer := range []string{"", "A", "A12345", "!", "Z1234", "j"} {
		leader := start(t)
		leader.join(1, testKey, fakeFollower(t, func(s *sealed) { _ = s.send([]byte(answer)) }))
		leader.expect("y\x00\x00\x00\x01j")
		leader.expect("y\x00\x00\x00\x01lit answers wrongly")
	}
}

// ends gives both ends of a sealed connection, and what passes from the first to the second.
func ends(t *testing.T) (one, other *sealed) {
	t.Helper()
	door, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer door.Close()
	dialled := make(chan *sealed)
	go func() {
		conn, err := net.Dial("tcp", door.Addr().String())
		if err != nil {
			t.Error(err)
		}
		s, err := seal(conn, testKey, true, 0)
		if err != nil {
			t.Error(err)
		}
		dialled <- s
	}()
	conn, err := door.Accept()
	if err != nil {
		t.Fatal(err)
	}
	if other, err = seal(conn, testKey, false, 0); err != nil {
		t.Fatal(err)
	}
	one = <-dialled
	t.Cleanup(func() { one.Close(); other.Close() })
	return one, other
}

func TestABatchThatWasChangedIsRefused(t *testing.T) {
	for _, changed := range []int{-1, 0, 9} {
		one, other := ends(t)
		batch, err := new(leader).pack([]byte("some frames"))
		if err != nil {
			t.Fatal(err)
		}
		record := append(one.record(batch.head(5)), batch.content...)
		if changed >= 0 {
			record[len(record)-1-changed] ^= 1
		}
		if bytes.Contains(record, []byte("frames")) {
			t.Error("it can be read on the way")
		}
		other.source.Reset(bytes.NewReader(record))
		number, _, frames, err := readBatch(other)
		if changed < 0 && (err != nil || number != 5 || string(frames) != "some frames") {
			t.Errorf("got %d, %q, %v", number, frames, err)
		}
		if changed >= 0 && err == nil {
			t.Error("taken")
		}
	}
}

func TestARecordThatWasChangedOrRepeatedIsRefused(t *testing.T) {
	for name, forge := range map[string]func(record []byte) []byte{
		"unchanged": func(record []byte) []byte { return record },
		"changed":   func(record []byte) []byte { record[6] ^= 1; return record },
		"shortened": func(record []byte) []byte { record[3]--; return record },
		"repeated":  func(record []byte) []byte { return append(record, record...) },
		"too large": func(record []byte) []byte { record[0] = 1; return record },
	} {
		one, other := ends(t)
		forged := forge(one.record([]byte("some content")))
		if bytes.Contains(forged, []byte("content")) {
			t.Error("it can be read on the way")
		}
		other.source.Reset(bytes.NewReader(forged))
		first, err := other.receive(100)
		if name == "unchanged" || name == "repeated" {
			if err != nil || string(first) != "some content" {
				t.Errorf("%s: got %q, %v", name, first, err)
			}
			_, err = other.receive(100)
		}
		if err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}

func TestWhoeverIsOneOfManyLeavesTheProcessorsToTheOthersOnceAllIsInItsPlace(t *testing.T) {
	for followers, wanted := range map[int]uint32{1: 0, 2: 0, 3: 300, 20: 2000, 1000: longestPause} {
		if got := pauseFor(followers); got != wanted {
			t.Errorf("%d: got %d", followers, got)
		}
	}
	r := newReceiver(t.TempDir(), nil, nil)
	var said script
	said.file("/app/x", "one", 0o644)
	said.file("/app/y", "two", 0o644)
	for number := uint32(1); number < 3; number++ { // the second time there is something to remove
		began := time.Now()
		answers := r.carryOutRelayed(number, longestPause, said.Bytes())
		if took := time.Since(began); took < longestPause*time.Microsecond {
			t.Errorf("answered after %s", took)
		}
		if len(answers) != 1 || string(answers[0]) != "A\x00\x00\x00"+string(rune(number)) {
			t.Errorf("got %q", answers)
		}
		found, err := os.ReadDir(r.root + "/app")
		if err != nil || len(found) != 2 || content(t, r.root+"/app/x")+content(t, r.root+"/app/y") != "onetwo" {
			t.Errorf("got %v, %v", found, err)
		}
	}
}

func TestNobodyIsMadeToPauseForLong(t *testing.T) {
	one, other := ends(t)
	batch, err := new(leader).pack([]byte("some frames"))
	if err != nil {
		t.Fatal(err)
	}
	batch.pause = longestPause + 1
	other.source.Reset(bytes.NewReader(append(one.record(batch.head(5)), batch.content...)))
	if _, _, _, err := readBatch(other); err == nil {
		t.Error("taken")
	}
}
