package main

import (
	"bufio"
	"fmt"
	"io"
	"strings"
)

// listener is one port of one address and where its connections go.
type listener struct {
	protocol string // tcp or udp
	address  string // host:port
	targets  []string
}

func (l listener) key() string { return l.protocol + " " + l.address }

// configuration is everything that the forwarder of a project has to know.
//
// As text, one statement a line:
//
//	dns ADDRESS ZONE [UPSTREAM]                     answer for ZONE at ADDRESS, pass the rest on to UPSTREAM
//	listen tcp|udp ADDRESS TARGET...                spread connections to ADDRESS over the targets; refuse them if there are none
//	name NAME ADDRESS...                            NAME has these addresses
//	alias NAME OTHER                                NAME is another name for OTHER
//	route ADDRESS HOST PATH exact|prefix TARGET...  HTTP requests to ADDRESS for HOST (* for any) and PATH
type configuration struct {
	dns, zone, upstream string
	listeners           map[string]listener
	names               map[string][]string
	aliases             map[string]string
	routes              map[string][]route
}

func readConfiguration(source io.Reader) (*configuration, error) {
	c := &configuration{
		listeners: map[string]listener{},
		names:     map[string][]string{},
		aliases:   map[string]string{},
		routes:    map[string][]route{},
	}
	lines := bufio.NewScanner(source)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		words := strings.Fields(lines.Text())
		if len(words) == 0 {
			continue
		}
		if err := c.add(words[0], words[1:]); err != nil {
			return nil, err
		}
	}
	return c, lines.Err()
}

func (c *configuration) add(statement string, words []string) error {
	switch {
	case statement == "dns" && len(words) >= 2:
		c.dns, c.zone = words[0], strings.ToLower(words[1])
		if len(words) > 2 {
			c.upstream = words[2]
		}
	case statement == "listen" && len(words) >= 2:
		if l := (listener{protocol: words[0], address: words[1], targets: words[2:]}); len(l.targets) > 0 {
			c.listeners[l.key()] = l
		}
	case statement == "name" && len(words) >= 1:
		c.names[strings.ToLower(words[0])] = words[1:]
	case statement == "alias" && len(words) == 2:
		c.aliases[strings.ToLower(words[0])] = words[1]
	case statement == "route" && len(words) >= 4:
		r := route{host: strings.ToLower(words[1]), path: words[2], exact: words[3] == "exact", targets: words[4:]}
		c.routes[words[0]] = append(c.routes[words[0]], r)
	default:
		return fmt.Errorf("cannot read the statement `%s %s`", statement, strings.Join(words, " "))
	}
	return nil
}
