// Synclet is the program that pytilt puts beside containers. Each of its verbs does one thing that a container engine
// does not do by itself.
//
// It uses Go's standard library only, without packages that would make it large (net/http, encoding/json), since it
// travels in the wheel and into images.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// verb runs with the words after it and returns the exit status's error.
type verb func(arguments []string) error

// verbs in the order of their names.
var verbs = []struct {
	name string
	run  verb
}{
	{"dial", dial},
	{"forward", forward},
	{"pause", pause},
	{"publish", publish},
	{"receive", receive},
	{"relay", relay},
	{"supervise", supervise},
}

func main() {
	if filepath.Base(os.Args[0]) == wrapperName {
		end(wrapperName, restartOnChange(os.Args[1:]))
		return
	}
	names := make([]string, 0, len(verbs))
	for _, each := range verbs {
		if len(os.Args) > 1 && os.Args[1] == each.name {
			end("synclet "+each.name, each.run(os.Args[2:]))
			return
		}
		names = append(names, each.name)
	}
	fmt.Fprintf(os.Stderr, "usage: synclet %s\n", strings.Join(names, "|"))
	os.Exit(2)
}

func end(name string, err error) {
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
		os.Exit(1)
	}
}
