package main

import (
	"encoding/binary"
	"fmt"
	"strings"
	"testing"
)

func commandFrame(words ...string) []byte {
	var b []byte
	for _, word := range words {
		b = append(b, text(word)...)
	}
	return b
}

func TestCommandsRunAndTheirOutputAndStatusAreReported(t *testing.T) {
	said := hello().frame(frameRun, commandFrame("sh", "-c", "echo out; echo err >&2; read x; sleep 60 & exit 3"))
	said.frame(frameRun, commandFrame("no such command")).frame(frameRun, commandFrame("sh", "-c", "kill -9 $$"))
	got := play(t, t.TempDir(), said)
	var printed string
	var statuses []string
	for _, each := range got {
		if each[0] == frameOutput {
			printed += each[1:]
		} else {
			statuses = append(statuses, fmt.Sprint(each[0] == frameExit, binary.BigEndian.Uint32([]byte(each[1:]))))
		}
	}
	if !strings.HasPrefix(printed, "out\nerr\n") || !strings.Contains(printed, "no such command: ") {
		t.Errorf("%q", printed)
	}
	expect(t, statuses, "true 3", "true 127", "true 137")
}

func TestAllOfALongOutputArrivesBeforeTheStatus(t *testing.T) {
	got := play(t, t.TempDir(), hello().frame(frameRun, commandFrame("sh", "-c", "i=0; while [ $i -lt 20000 ]; do echo 123456789; i=$((i+1)); done")))
	size := 0
	for _, each := range got[:len(got)-1] {
		size += len(each) - 1
	}
	if size != 200000 || got[len(got)-1][0] != frameExit {
		t.Error(size)
	}
}
