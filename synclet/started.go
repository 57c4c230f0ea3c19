package main

import (
	"bytes"
	"os"
	"strconv"
	"time"
)

// ticks are in a second of the times that the system names.
const ticks = 100

// containerStarted is when the first process of the container was started, in nanoseconds since 1970; now, where the
// system does not say it.
func containerStarted() int64 {
	now := time.Now().UnixNano()
	status, _ := os.ReadFile("/proc/1/stat")
	// The second field is the program's name, which may hold anything.
	after := bytes.Fields(status[bytes.LastIndexByte(status, ')')+1:])
	times, _ := os.ReadFile("/proc/uptime")
	up := bytes.Fields(times)
	if len(after) < 20 || len(up) == 0 {
		return now
	}
	began, err := strconv.ParseInt(string(after[19]), 10, 64)
	// Seconds with two digits after the point.
	since, wrong := strconv.ParseInt(string(bytes.Replace(up[0], []byte{'.'}, nil, 1)), 10, 64)
	if err != nil || wrong != nil {
		return now
	}
	return now - (since-began)*(1e9/ticks)
}
