package main

import (
	"io"
	"runtime"
	"sync"
	"sync/atomic"
)

// Connections that are carried share a few buffers. One is lent only when there is room where something goes, and until
// it is on its way: clients that read slowly, and connections on which nobody says anything, hold none. So what a helper
// needs for a connection does not grow with what that carries.

// wholePiece is how large a buffer is; largestPiece the content of a record that fits into it.
const (
	wholePiece   = 32 * 1024
	largestPiece = wholePiece - recordHead - recordEnd
)

// pieces lends buffers, no more at the same time than there is room for.
type pieces struct {
	lent chan struct{}
	sync.Mutex
	there [][]byte
}

// outward is for what is read and sent on, which takes no time. inward is for records, of which the rest may still be on
// its way.
var (
	outward = &pieces{lent: make(chan struct{}, 2)}
	inward  = &pieces{lent: make(chan struct{}, 4)}
)

// lend gives a buffer, once one is there.
func (p *pieces) lend() []byte {
	p.lent <- struct{}{}
	p.Lock()
	defer p.Unlock()
	if last := len(p.there) - 1; last >= 0 {
		piece := p.there[last]
		p.there = p.there[:last]
		return piece
	}
	return make([]byte, wholePiece)
}

func (p *pieces) giveBack(piece []byte) {
	p.Lock()
	p.there = append(p.there, piece)
	p.Unlock()
	<-p.lent
}

// roomy is a connection that says when it takes something at once.
type roomy interface {
	io.Writer
	awaitRoom()                                       // until it takes something at once, or nothing any more
	writeNow(content []byte) (written int, err error) // what there is room for
}

// deliver writes some of a piece, and gives that back. What there is no room for does not keep it from others.
func (p *pieces) deliver(to roomy, piece, content []byte) error {
	written, err := to.writeNow(content)
	var rest []byte
	if err == nil {
		rest = append(rest, content[written:]...)
	}
	p.giveBack(piece)
	if len(rest) > 0 {
		_, err = to.Write(rest)
	}
	return err
}

// litter is what was left behind since the last collection, by about so many KB.
var litter atomic.Int32

// What is left behind by a file that was written, and by a connection that was carried; and how much there may be.
const (
	litterOfFile    = 1
	litterOfForward = 2
	mostLitter      = 256
)

// leave counts what was left behind. Go by itself lets a megabyte come together before it looks, whatever its settings.
func leave(more int) {
	if litter.Add(int32(more)) >= mostLitter {
		litter.Store(0)
		runtime.GC()
	}
}
