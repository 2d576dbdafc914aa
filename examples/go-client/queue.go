package main

import (
	"encoding/json"
	"net/http"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

const (
	firstPause, longestPause = int64(1_000), int64(60_000)

	pongWithin  = 10 * time.Second
	writeWithin = 10 * time.Second
)

// Queue consumes by Pulsar's WebSocket protocol, always under the same subscription: what was not acknowledged waits
// there. `take` stores what a message says and tells whether it is done with it.
type Queue struct {
	exports Exports
	clock   func() int64
	take    func(Frame) bool

	mutex       sync.Mutex
	connection  *connection
	failures    int
	reconnectAt int64
}

type connection struct {
	socket *websocket.Conn
	pongs  chan struct{}
	lost   chan struct{}
}

// Connect opens the connection if there is none and its time has come.
func (q *Queue) Connect() {
	q.mutex.Lock()
	defer q.mutex.Unlock()
	if q.connection != nil || q.clock() < q.reconnectAt {
		return
	}
	id, secret := q.exports.AccessID, q.exports.AccessSecret
	address := q.exports.WS + "ws/v2/consumer/persistent/" + id + "/out/event/" + id + "-sub"
	keys := http.Header{"username": {id}, "password": {Password(id, secret)}}
	socket, _, err := websocket.DefaultDialer.Dial(address+"?subscriptionType=Failover&ackTimeoutMillis=30000", keys)
	if err != nil {
		q.pause()
		return
	}
	q.connection = &connection{socket, make(chan struct{}, 1), make(chan struct{})}
	go q.read(q.connection)
}

// pause plans the next connection, later each time until a message has come.
func (q *Queue) pause() {
	q.reconnectAt = q.clock() + doubled(firstPause, q.failures, longestPause)
	q.failures++
}

func (q *Queue) read(open *connection) {
	open.socket.SetPongHandler(func(string) error {
		select {
		case open.pongs <- struct{}{}:
		default: // nobody waits any more
		}
		return nil
	})
	for {
		_, text, err := open.socket.ReadMessage()
		if err != nil {
			break
		}
		if q.answer(open, text) != nil {
			break
		}
	}
	open.socket.Close()
	q.mutex.Lock()
	defer q.mutex.Unlock()
	q.connection = nil
	q.pause()
	close(open.lost)
}

// answer acknowledges one message by itself: a cumulative acknowledgement would take others along.
func (q *Queue) answer(open *connection, text []byte) error {
	var frame Frame
	if err := json.Unmarshal(text, &frame); err != nil {
		return err
	}
	answer := map[string]string{"type": "negativeAcknowledge", "messageId": frame.MessageID}
	if q.take(frame) {
		answer["type"] = "ack"
	}
	q.mutex.Lock()
	q.failures = 0
	q.mutex.Unlock()
	open.socket.SetWriteDeadline(time.Now().Add(writeWithin))
	return open.socket.WriteJSON(answer)
}

// CatchUp returns once everything that was sent until now has been taken: a pong does not overtake messages. A connection
// without a pong is dead.
func (q *Queue) CatchUp() {
	q.mutex.Lock()
	open := q.connection
	q.mutex.Unlock()
	if open == nil {
		return
	}
	open.socket.WriteControl(websocket.PingMessage, nil, time.Now().Add(writeWithin)) // in vain: the reader sees it
	select {
	case <-open.pongs:
	case <-open.lost:
	case <-time.After(pongWithin):
		open.socket.Close()
		<-open.lost
	}
}

// WakesAt is when a lost connection is to be opened again, 0 if none is lost.
func (q *Queue) WakesAt() int64 {
	q.mutex.Lock()
	defer q.mutex.Unlock()
	if q.connection != nil {
		return 0
	}
	return q.reconnectAt
}
