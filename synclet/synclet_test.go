package main

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"
)

func mustRead(t *testing.T, text string) *configuration {
	t.Helper()
	c, err := readConfiguration(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func question(name string, kind byte) []byte {
	packet := []byte{0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0}
	return append(append(packet, encodeName(name)...), 0, kind, 0, 1)
}

func TestNamesOfTheZoneAreAnsweredAndOthersAreNot(t *testing.T) {
	n := &nameServer{}
	n.replace(mustRead(t, "dns 127.0.0.1:0 cluster.local\nname Web.default.svc.cluster.local 10.0.0.1 10.0.0.2\n"+
		"alias db.default.svc.cluster.local web.default.svc.cluster.local"))
	for _, c := range []struct {
		name    string
		kind    byte
		code    byte
		records byte
	}{
		{"web.default.svc.cluster.local", typeA, codeNoError, 2},
		{"WEB.default.svc.cluster.local", typeA, codeNoError, 2},
		{"web.default.svc.cluster.local", 28, codeNoError, 0},
		{"default.svc.cluster.local", typeA, codeNoError, 0},
		{"db.default.svc.cluster.local", typeA, codeNoError, 3},
		{"other.default.svc.cluster.local", typeA, codeNXDomain, 0},
		{"example.com", typeA, codeNXDomain, 0},
	} {
		answer := n.answer(question(c.name, c.kind), "udp")
		if answer[3]&0x0f != c.code || answer[7] != c.records {
			t.Errorf("%s: code %d, %d records; want %d, %d", c.name, answer[3]&0x0f, answer[7], c.code, c.records)
		}
	}
}

func TestAnAliasOfANameElsewhereHasTheAddressesThatItHasThere(t *testing.T) {
	upstream, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer upstream.Close()
	go func() {
		packet := make([]byte, 512)
		size, client, err := upstream.ReadFrom(packet)
		if err != nil {
			return
		}
		name, kind, end := parseQuestion(packet[:size])
		if name != "db.example.com" || kind != typeA {
			t.Errorf("asked for %q, type %d", name, kind)
		}
		other := encodeName("host.example.com")
		answer := reply(packet, end, codeNoError, record(pointerToName, typeCNAME, other), record(other, 28, make([]byte, 16)),
			record(other, typeA, []byte{10, 0, 0, 1}), record(other, typeA, []byte{10, 0, 0, 2}))
		upstream.WriteTo(answer, client)
	}()
	n := &nameServer{}
	n.replace(mustRead(t, "dns 127.0.0.1:0 cluster.local "+upstream.LocalAddr().String()+
		"\nalias db.default.svc.cluster.local DB.example.com."))
	answer := n.answer(question("db.default.svc.cluster.local", typeA), "udp")
	if found := strings.Join(addressesIn(answer), " "); found != "10.0.0.1 10.0.0.2" && found != "10.0.0.2 10.0.0.1" {
		t.Errorf("found %q", found)
	}
	for size := range answer { // one that is cut short, or was made by somebody else
		addressesIn(answer[:size:size])
		nameEnd(answer[size:], 0)
	}
}

func TestAddressesAreNumbers(t *testing.T) {
	for _, address := range []string{"localhost:80", "127.0.0.1", "", ":x", "1.2.3.4:70000"} {
		if conn, err := connect("tcp", address, time.Second); err == nil {
			conn.Close()
			t.Errorf("connected to %q", address)
		}
	}
}

func TestWhatIsNoQuestionIsDropped(t *testing.T) {
	n := &nameServer{}
	n.replace(mustRead(t, "dns 127.0.0.1:0 cluster.local"))
	whole := question("web.cluster.local", typeA)
	for size := 0; size < len(whole); size++ {
		if n.answer(whole[:size:size], "udp") != nil {
			t.Errorf("the first %d bytes of a question were answered", size)
		}
	}
}

func TestAStatementThatCannotBeReadIsAnError(t *testing.T) {
	for _, text := range []string{"listen tcp", "alias a", "unknown x", "route 1.2.3.4:80 host /"} {
		if _, err := readConfiguration(strings.NewReader(text)); err == nil {
			t.Errorf("`%s` was read", text)
		}
	}
}

func TestRoutesMatchAsIngressRulesDo(t *testing.T) {
	for _, c := range []struct {
		route      string
		host, path string
		want       bool
	}{
		{"* / prefix", "any", "/x", true},
		{"* /api prefix", "any", "/api", true},
		{"* /api prefix", "any", "/api/x", true},
		{"* /api/ prefix", "any", "/api/x", true},
		{"* /api prefix", "any", "/apix", false},
		{"* /api exact", "any", "/api/", false},
		{"a.dev / prefix", "b.dev", "/", false},
		{"*.dev / prefix", "b.dev", "/", true},
		{"*.dev / prefix", "c.b.dev", "/", false},
		{"*.dev / prefix", "dev", "/", false},
	} {
		r := mustRead(t, "route 1.2.3.4:80 "+c.route).routes["1.2.3.4:80"][0]
		if r.matches(c.host, c.path) != c.want {
			t.Errorf("%s: %s%s", c.route, c.host, c.path)
		}
	}
}

// echo accepts connections and answers each with its name and what came in.
func echo(t *testing.T, name string) string {
	t.Helper()
	door, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { door.Close() })
	go func() {
		for {
			client, err := door.Accept()
			if err != nil {
				return
			}
			go func() {
				defer client.Close()
				text, _ := io.ReadAll(client)
				fmt.Fprintf(client, "%s:%s", name, text)
			}()
		}
	}()
	return door.Addr().String()
}

func ask(t *testing.T, address, text string) string {
	t.Helper()
	connection, err := net.Dial("tcp4", address)
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	io.WriteString(connection, text)
	connection.(*net.TCPConn).CloseWrite()
	answer, _ := io.ReadAll(connection)
	return string(answer)
}

func TestConnectionsAreSpreadAndADeadTargetIsPassedOver(t *testing.T) {
	door, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer door.Close()
	s := newSpread([]string{echo(t, "a"), "127.0.0.1:1", echo(t, "b")})
	go acceptTCP(door, s)
	seen := map[string]int{}
	for i := 0; i < 6; i++ {
		seen[ask(t, door.Addr().String(), "hi")]++
	}
	if seen["a:hi"] == 0 || seen["b:hi"] == 0 || seen["a:hi"]+seen["b:hi"] != 6 {
		t.Errorf("answers: %v", seen)
	}
	s.replace([]string{echo(t, "c")})
	if answer := ask(t, door.Addr().String(), "hi"); answer != "c:hi" {
		t.Errorf("after the change: %s", answer)
	}
}

func TestARequestReachesItsRouteWithOneConnectionHeader(t *testing.T) {
	door, err := openRouter("127.0.0.1:0", []route{{host: "*", path: "/", targets: []string{echo(t, "a")}}})
	if err != nil {
		t.Fatal(err)
	}
	defer door.Close()
	address := door.Closer.(net.Listener).Addr().String()
	answer := ask(t, address, "GET /x HTTP/1.1\r\nHost: h.dev:80\r\nConnection: keep-alive\r\n\r\nbody")
	if !strings.HasPrefix(answer, "a:GET /x HTTP/1.1\r\nHost: h.dev:80\r\nX-Forwarded-For: 127.0.0.1\r\n") ||
		!strings.HasSuffix(answer, "Connection: close\r\n\r\nbody") || strings.Contains(answer, "keep-alive") {
		t.Errorf("the target got: %s", answer)
	}
}

func TestDatagramsFindTheirWayBack(t *testing.T) {
	target, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer target.Close()
	go func() {
		packet := make([]byte, 100)
		size, from, _ := target.ReadFrom(packet)
		target.WriteTo(bytes.ToUpper(packet[:size]), from)
	}()
	door, err := openDoor(listener{protocol: "udp", address: "127.0.0.1:0", targets: []string{target.LocalAddr().String()}})
	if err != nil {
		t.Fatal(err)
	}
	defer door.Close()
	client, err := net.Dial("udp4", door.Closer.(*net.UDPConn).LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	client.Write([]byte("hi"))
	packet := make([]byte, 100)
	size, _ := client.Read(packet)
	if string(packet[:size]) != "HI" {
		t.Errorf("the answer is %q", packet[:size])
	}
}

func TestAConfigurationIsObeyedAnsweredAndKept(t *testing.T) {
	f := &forwarder{open: map[string]*door{}}
	path := t.TempDir() + "/configuration"
	target := echo(t, "a")
	good := "dns 127.0.0.1:0 cluster.local\nlisten tcp 127.0.0.1:0 " + target + "\n"
	var said bytes.Buffer
	f.obey(strings.NewReader("nonsense\n.\n"+good+".\n"), &said, path)
	if said.String() != "cannot read the statement `nonsense `\nok\n" {
		t.Errorf("said: %s", said.String())
	}
	if kept, _ := os.ReadFile(path); string(kept) != good {
		t.Errorf("kept: %s", kept)
	}
	for _, d := range f.open {
		if answer := ask(t, d.Closer.(net.Listener).Addr().String(), "hi"); answer != "a:hi" {
			t.Errorf("answer: %s", answer)
		}
	}
	f.obey(strings.NewReader("dns 127.0.0.1:0 cluster.local\n.\n"), &said, path)
	if len(f.open) != 0 {
		t.Errorf("doors left open: %d", len(f.open))
	}
}
