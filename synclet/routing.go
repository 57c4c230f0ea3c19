package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"time"
)

// headLimit is the largest head of a request in bytes, as in most servers.
const headLimit = 64 << 10

// route is one rule of an Ingress.
type route struct {
	host    string // * for any
	path    string
	exact   bool
	targets []string
}

func (r route) matches(host, path string) bool {
	if r.host != "*" && r.host != host && !(strings.HasPrefix(r.host, "*.") && matchesWildcard(r.host[1:], host)) {
		return false
	}
	if r.exact {
		return path == r.path
	}
	prefix := strings.TrimSuffix(r.path, "/")
	return strings.HasPrefix(path, prefix) && (len(path) == len(prefix) || path[len(prefix)] == '/')
}

// matchesWildcard: a star stands for exactly one label.
func matchesWildcard(suffix, host string) bool {
	label, found := strings.CutSuffix(host, suffix)
	return found && label != "" && !strings.Contains(label, ".")
}

// router hands HTTP/1.1 requests to the targets of the first route that matches; the routes come in order of precedence.
//
// Each connection carries one request: the head is read, `Connection: close` is put in (an upgrade keeps its own), and
// everything behind it is copied as it comes. So bodies of any form and WebSockets pass untouched.
type router struct {
	routes atomic.Pointer[[]spreadRoute]
}

type spreadRoute struct {
	route
	spread *spread
}

func (r *router) replace(routes []route) {
	with := make([]spreadRoute, len(routes))
	for i, one := range routes {
		with[i] = spreadRoute{one, newSpread(one.targets)}
	}
	r.routes.Store(&with)
}

func (r *router) accept(door net.Listener) {
	for {
		client, err := door.Accept()
		if err != nil {
			return
		}
		go r.handle(client.(*net.TCPConn))
	}
}

func (r *router) handle(client *net.TCPConn) {
	defer client.Close()
	client.SetReadDeadline(time.Now().Add(time.Minute))
	reader := bufio.NewReaderSize(client, headLimit)
	head, err := readHead(reader)
	if err != nil {
		return
	}
	client.SetReadDeadline(time.Time{})
	host, path := head.host(), head.path()
	for _, one := range *r.routes.Load() {
		if !one.matches(host, path) {
			continue
		}
		server, err := one.spread.dial("tcp")
		if err != nil {
			refuse(client, "502 Bad Gateway")
			return
		}
		defer server.Close()
		server.Write(head.forwarded(client.RemoteAddr()))
		go func() {
			io.Copy(server, reader)
			server.(*net.TCPConn).CloseWrite()
		}()
		io.Copy(client, server)
		return
	}
	refuse(client, "404 Not Found")
}

func refuse(client net.Conn, status string) {
	fmt.Fprintf(client, "HTTP/1.1 %s\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", status)
}

// requestHead are the lines of a request's head, the empty one left out.
type requestHead [][]byte

func readHead(source *bufio.Reader) (requestHead, error) {
	var head requestHead
	for size := 0; size < headLimit; {
		line, err := source.ReadBytes('\n')
		if err != nil {
			return nil, err
		}
		size += len(line)
		line = bytes.TrimRight(line, "\r\n")
		if len(line) == 0 {
			return head, nil
		}
		head = append(head, line)
	}
	return nil, io.ErrShortBuffer
}

func (h requestHead) path() string {
	words := strings.Fields(string(h[0]))
	if len(words) < 2 {
		return ""
	}
	path, _, _ := strings.Cut(words[1], "?")
	return path
}

func (h requestHead) host() string {
	host := h.header("host")
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	return strings.ToLower(host)
}

func (h requestHead) header(wanted string) string {
	for _, line := range h[1:] {
		if name, value, _ := strings.Cut(string(line), ":"); strings.EqualFold(name, wanted) {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// forwarded is the head as the target gets it.
func (h requestHead) forwarded(client net.Addr) []byte {
	upgrade := h.header("upgrade") != ""
	var out bytes.Buffer
	for i, line := range h {
		name, _, _ := strings.Cut(string(line), ":")
		if i > 0 && (strings.EqualFold(name, "connection") && !upgrade || strings.EqualFold(name, "x-forwarded-for")) {
			continue
		}
		out.Write(line)
		out.WriteString("\r\n")
	}
	address, _, _ := net.SplitHostPort(client.String())
	fmt.Fprintf(&out, "X-Forwarded-For: %s\r\nX-Forwarded-Host: %s\r\nX-Forwarded-Proto: http\r\n", address, h.header("host"))
	if !upgrade {
		out.WriteString("Connection: close\r\n")
	}
	out.WriteString("\r\n")
	return out.Bytes()
}
