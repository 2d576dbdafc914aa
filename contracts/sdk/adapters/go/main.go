// Runs the loop of the vendor's Go SDK, tuya-pulsar-sdk-go, as its module is published, and hands every message on by
// lines of JSON (contracts/sdk/adapters/handing.py says which).
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"os"
	"sync"

	pulsar "github.com/tuya/tuya-pulsar-sdk-go"
	"github.com/tuya/tuya-pulsar-sdk-go/pkg/tylog"
)

type settings struct {
	Pulsar       string `json:"pulsar"`
	AccessID     string `json:"access_id"`
	AccessSecret string `json:"access_secret"`
}

type told struct {
	ID   int  `json:"id"`
	OK   bool `json:"ok"`
	Ping int  `json:"ping"`
}

// hand is the application's handler, which the SDK calls from ten goroutines.
type hand struct {
	mutex   sync.Mutex
	last    int
	waiting map[int]chan bool
}

func (h *hand) write(value any) {
	if err := json.NewEncoder(os.Stdout).Encode(value); err != nil {
		log.Fatal(err)
	}
}

func (h *hand) tell(value any) {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	h.write(value)
}

// HandlePayload returns once the message is stored, or fails.
func (h *hand) HandlePayload(_ context.Context, message pulsar.Message, payload []byte) error {
	place := message.ID()
	frame := map[string]any{
		"messageId":  fmt.Sprintf("%d:%d:%d", place.LedgerID(), place.EntryID(), place.PartitionIdx()),
		"payload":    payload, // bytes become base64
		"properties": message.Properties(),
	}
	done := make(chan bool)
	h.mutex.Lock()
	h.last++
	h.waiting[h.last] = done
	h.write(map[string]any{"id": h.last, "message": frame})
	h.mutex.Unlock()
	if !<-done {
		return errors.New("the application's handler has failed")
	}
	return nil
}

func (h *hand) answered(line told) {
	if line.Ping > 0 {
		h.tell(map[string]int{"pong": line.Ping})
		return
	}
	h.mutex.Lock()
	done := h.waiting[line.ID]
	delete(h.waiting, line.ID)
	h.mutex.Unlock()
	done <- line.OK
}

func main() {
	tylog.SetGlobalLog("sdk", true) // the SDK does not live without; true: to a file alone
	input := json.NewDecoder(bufio.NewReader(os.Stdin))
	var own settings
	if err := input.Decode(&own); err != nil {
		log.Fatal(err)
	}
	client := pulsar.NewClient(pulsar.ClientConfig{PulsarAddr: own.Pulsar})
	consumer, err := client.NewConsumer(pulsar.ConsumerConfig{
		Topic: pulsar.TopicForAccessID(own.AccessID),
		Auth:  pulsar.NewAuthProvider(own.AccessID, own.AccessSecret),
	})
	if err != nil {
		log.Fatal(err)
	}
	handler := &hand{waiting: map[int]chan bool{}}
	handler.tell(map[string]bool{"ready": true})
	go consumer.ReceiveAndHandle(context.Background(), handler)
	for {
		var line told
		if err := input.Decode(&line); err != nil {
			return // the end of the input
		}
		handler.answered(line)
	}
}
