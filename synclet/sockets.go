package main

import (
	"net"
	"net/netip"
	"os"
	"strings"
	"time"
)

// Addresses here are numbers, of which nobody has to be asked: `net.Dial` and `net.Listen` bring a client for the domain
// name system along, which is a tenth of the program.

// parseAddress reads `address:port`, or `:port` for all addresses of this host.
func parseAddress(text string) (netip.AddrPort, error) {
	if strings.HasPrefix(text, ":") {
		text = "[::]" + text
	}
	return netip.ParseAddrPort(text)
}

// listenTCP listens at an address.
func listenTCP(network, address string) (*net.TCPListener, error) {
	place, err := parseAddress(address)
	if err != nil {
		return nil, err
	}
	at := &net.TCPAddr{Port: int(place.Port())}
	if !place.Addr().IsUnspecified() {
		at = net.TCPAddrFromAddrPort(place)
	}
	return net.ListenTCP(network, at)
}

// listenUDP takes datagrams at an address.
func listenUDP(address string) (*net.UDPConn, error) {
	place, err := parseAddress(address)
	if err != nil {
		return nil, err
	}
	at := &net.UDPAddr{Port: int(place.Port())}
	if !place.Addr().IsUnspecified() {
		at = net.UDPAddrFromAddrPort(place)
	}
	return net.ListenUDP("udp4", at)
}

// connect opens a connection to an address, by `tcp` or `udp`.
func connect(network, address string, patience time.Duration) (net.Conn, error) {
	place, err := parseAddress(address)
	if err != nil {
		return nil, err
	}
	if network == "udp" {
		return net.DialUDP(network, nil, net.UDPAddrFromAddrPort(place))
	}
	return connectTCP(place, patience)
}

// connectTCP gives up after a while. The kernel goes on for two minutes at most.
func connectTCP(place netip.AddrPort, patience time.Duration) (*net.TCPConn, error) {
	type connected struct {
		conn *net.TCPConn
		err  error
	}
	done := make(chan connected, 1)
	go func() {
		conn, err := net.DialTCP("tcp", nil, net.TCPAddrFromAddrPort(place))
		done <- connected{conn, err}
	}()
	limit := time.NewTimer(patience)
	defer limit.Stop()
	select {
	case made := <-done:
		return made.conn, made.err
	case <-limit.C:
		go func() {
			if made := <-done; made.err == nil {
				made.conn.Close()
			}
		}()
		return nil, os.ErrDeadlineExceeded
	}
}
