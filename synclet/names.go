package main

import (
	"encoding/binary"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"time"
)

// The few constants of RFC 1035 that are needed.
const (
	headerSize   = 12
	typeA        = 1
	typeCNAME    = 5
	codeNoError  = 0
	codeServFail = 2
	codeNXDomain = 3
	timeToLive   = 1 // seconds: pods come and go
)

// pointerToName stands for the name of the question, which begins right behind the header.
var pointerToName = []byte{0xC0, headerSize}

// nameServer answers for one zone and passes every other question on.
type nameServer struct {
	configuration atomic.Pointer[configuration]
	turn          atomic.Uint32
}

func (n *nameServer) replace(c *configuration) { n.configuration.Store(c) }

func (n *nameServer) serve(address string) error {
	packets, err := listenUDP(address)
	if err != nil {
		return err
	}
	connections, err := listenTCP("tcp4", address)
	if err != nil {
		packets.Close()
		return err
	}
	go n.servePackets(packets)
	go n.serveConnections(connections)
	return nil
}

func (n *nameServer) servePackets(socket *net.UDPConn) {
	for {
		packet := make([]byte, 4096)
		size, client, err := socket.ReadFromUDP(packet)
		if err != nil {
			return
		}
		go func() {
			if answer := n.answer(packet[:size], "udp"); answer != nil {
				socket.WriteToUDP(answer, client)
			}
		}()
	}
}

func (n *nameServer) serveConnections(door net.Listener) {
	for {
		client, err := door.Accept()
		if err != nil {
			return
		}
		go func() {
			defer client.Close()
			for {
				client.SetDeadline(time.Now().Add(10 * time.Second))
				question, err := readFramed(client)
				if err != nil {
					return
				}
				answer := n.answer(question, "tcp")
				if answer == nil || writeFramed(client, answer) != nil {
					return
				}
			}
		}()
	}
}

// answer returns nil for what is not a question.
func (n *nameServer) answer(question []byte, protocol string) []byte {
	name, kind, end := parseQuestion(question)
	if end == 0 {
		return nil
	}
	c := n.configuration.Load()
	if name != c.zone && !strings.HasSuffix(name, "."+c.zone) {
		return n.ask(c.upstream, protocol, question, end)
	}
	if other, ok := c.aliases[name]; ok {
		return reply(question, end, codeNoError, n.follow(other, kind)...)
	}
	addresses, known := c.names[name]
	if !known && !isParent(c, name) {
		return reply(question, end, codeNXDomain)
	}
	if kind != typeA {
		return reply(question, end, codeNoError)
	}
	return reply(question, end, codeNoError, n.rotated(pointerToName, addresses)...)
}

// follow gives the alias and, as a client expects it, the addresses of what it stands for.
func (n *nameServer) follow(other string, kind uint16) [][]byte {
	records := [][]byte{record(pointerToName, typeCNAME, encodeName(other))}
	if kind != typeA {
		return records
	}
	c := n.configuration.Load()
	addresses, known := c.names[strings.ToLower(strings.TrimSuffix(other, "."))]
	if !known {
		query := append([]byte{0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0}, encodeName(other)...)
		query = append(query, 0, typeA, 0, 1) // class IN
		addresses = addressesIn(n.ask(c.upstream, "udp", query, len(query)))
	}
	return append(records, n.rotated(encodeName(other), addresses)...)
}

// isParent reports whether names exist below this one; then it exists itself, without addresses (RFC 8020).
func isParent(c *configuration, name string) bool {
	for other := range c.names {
		if strings.HasSuffix(other, "."+name) {
			return true
		}
	}
	return name == c.zone
}

func (n *nameServer) rotated(owner []byte, addresses []string) [][]byte {
	first := int(n.turn.Add(1))
	records := make([][]byte, 0, len(addresses))
	for i := range addresses {
		if ip := net.ParseIP(addresses[(first+i)%len(addresses)]).To4(); ip != nil {
			records = append(records, record(owner, typeA, ip))
		}
	}
	return records
}

func (n *nameServer) ask(upstream, protocol string, question []byte, end int) []byte {
	if upstream == "" {
		return reply(question, end, codeNXDomain)
	}
	connection, err := connect(protocol, upstream, dialPatience)
	if err != nil {
		return reply(question, end, codeServFail)
	}
	defer connection.Close()
	connection.SetDeadline(time.Now().Add(5 * time.Second))
	answer, err := exchange(connection, protocol, question)
	if err != nil {
		return reply(question, end, codeServFail)
	}
	return answer
}

func exchange(connection net.Conn, protocol string, question []byte) ([]byte, error) {
	if protocol == "tcp" {
		if err := writeFramed(connection, question); err != nil {
			return nil, err
		}
		return readFramed(connection)
	}
	if _, err := connection.Write(question); err != nil {
		return nil, err
	}
	answer := make([]byte, 65535)
	size, err := connection.Read(answer)
	return answer[:size], err
}

// parseQuestion returns the name in lower case, the type, and where the question ends; 0 for what is no question.
func parseQuestion(packet []byte) (string, uint16, int) {
	if len(packet) < headerSize || packet[2]&0x80 != 0 || binary.BigEndian.Uint16(packet[4:]) != 1 {
		return "", 0, 0
	}
	var labels []string
	at := headerSize
	for at < len(packet) && packet[at] != 0 {
		size := int(packet[at])
		if size > 63 || at+1+size >= len(packet) {
			return "", 0, 0
		}
		labels = append(labels, string(packet[at+1:at+1+size]))
		at += 1 + size
	}
	if at+5 > len(packet) {
		return "", 0, 0
	}
	return strings.ToLower(strings.Join(labels, ".")), binary.BigEndian.Uint16(packet[at+1:]), at + 5
}

// addressesIn finds the addresses in an answer to a single question.
func addressesIn(answer []byte) (addresses []string) {
	at := nameEnd(answer, headerSize) + 4
	for {
		if at = nameEnd(answer, at); at+10 > len(answer) {
			return addresses
		}
		kind, size := binary.BigEndian.Uint16(answer[at:]), int(binary.BigEndian.Uint16(answer[at+8:]))
		at += 10
		if at+size > len(answer) {
			return addresses
		}
		if kind == typeA && size == net.IPv4len {
			addresses = append(addresses, net.IP(answer[at:at+size]).String())
		}
		at += size
	}
}

// nameEnd is where a name ends that begins at a place, which may end with a pointer to another one.
func nameEnd(packet []byte, at int) int {
	for at < len(packet) && packet[at] != 0 {
		if packet[at]&0xC0 == 0xC0 {
			return at + 2
		}
		at += 1 + int(packet[at])
	}
	return at + 1
}

func reply(question []byte, end int, code byte, records ...[]byte) []byte {
	answer := append([]byte(nil), question[:end]...)
	answer[2] = 0x84 | question[2]&0x01 // an answer, authoritative; recursion desired as asked
	answer[3] = 0x80 | code             // recursion available
	binary.BigEndian.PutUint16(answer[6:], uint16(len(records)))
	binary.BigEndian.PutUint32(answer[8:], 0)
	for _, r := range records {
		answer = append(answer, r...)
	}
	return answer
}

func record(owner []byte, kind uint16, data []byte) []byte {
	r := append([]byte(nil), owner...)
	r = binary.BigEndian.AppendUint16(r, kind)
	r = binary.BigEndian.AppendUint16(r, 1) // class IN
	r = binary.BigEndian.AppendUint32(r, timeToLive)
	r = binary.BigEndian.AppendUint16(r, uint16(len(data)))
	return append(r, data...)
}

func encodeName(name string) []byte {
	var data []byte
	for _, label := range strings.Split(strings.TrimSuffix(name, "."), ".") {
		data = append(append(data, byte(len(label))), label...)
	}
	return append(data, 0)
}

func readFramed(source io.Reader) ([]byte, error) {
	size := make([]byte, 2)
	if _, err := io.ReadFull(source, size); err != nil {
		return nil, err
	}
	message := make([]byte, binary.BigEndian.Uint16(size))
	_, err := io.ReadFull(source, message)
	return message, err
}

func writeFramed(sink io.Writer, message []byte) error {
	_, err := sink.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(message))), message...))
	return err
}
