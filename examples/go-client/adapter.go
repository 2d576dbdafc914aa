package main

import (
	"encoding/json"
	"os"
	"sync/atomic"
)

var can = []string{"sync", "advance", "quiet", "dump", "stop"}

// call is a line of the judge's: what it wants, and the time that it is. Its time is virtual: a day takes a second.
type call struct {
	ID      int
	Verb    string
	NowMs   int64 `json:"now_ms"`
	Exports Exports
	Folder  string
	Profile Settings
}

type object = map[string]any

// adapt lets `parking-mock check --exec` drive the client: one JSON object a line in, one a line out.
func adapt(broken bool) {
	adapter := &adapter{agent: "go-client", keyOf: RecordKey}
	if broken {
		adapter.agent, adapter.keyOf = "go-client, broken", keyless()
	}
	calls, answers := json.NewDecoder(os.Stdin), json.NewEncoder(os.Stdout)
	for {
		var told call
		if calls.Decode(&told) != nil {
			return // the end of the input
		}
		if told.NowMs > 0 {
			adapter.now.Store(told.NowMs)
		}
		answer := object{"id": told.ID}
		if result, err := adapter.do(told); err != nil {
			answer["error"] = object{"code": "failed", "message": err.Error()}
		} else if result == nil {
			answer["error"] = object{"code": "unimplemented", "message": told.Verb}
		} else {
			answer["result"] = result
		}
		if answers.Encode(answer) != nil || told.Verb == "stop" {
			return
		}
	}
}

type adapter struct {
	agent  string
	keyOf  func(Record) string
	now    atomic.Int64
	client *Client
}

func (a *adapter) do(told call) (object, error) {
	switch told.Verb {
	case "hello":
		// virtual: every pause goes by the time that is told
		return object{"agent": a.agent, "version": "0.1.0", "protocol": 1, "can": can, "clock": "virtual"}, nil
	case "start":
		a.client = &Client{exports: told.Exports, folder: told.Folder, settings: told.Profile, clock: a.now.Load, keyOf: a.keyOf}
		return object{}, a.client.Start()
	case "sync":
		_, err := a.client.Tick()
		return object{}, err
	case "advance":
		_, err := a.client.Tick()
		return object{"wake_ms": a.client.WakesAt()}, err
	case "quiet":
		a.client.CatchUp()
		return object{"wake_ms": a.client.WakesAt()}, nil // what came may be a lost connection
	case "dump":
		return object{"records": dumped(a.client.Records())}, nil
	case "stop":
		return object{}, nil
	}
	return nil, nil
}

func dumped(records []Record) []object {
	found := make([]object, 0, len(records))
	for _, record := range records {
		direction := any(record.Direction)
		if record.Direction == NoDirection {
			direction = nil
		}
		found = append(found, object{
			"record_id": record.ID, "device_id": record.DeviceID, "data_type": record.Type,
			"pass_direction": direction, "event_ms": record.At, "content_hash": record.Content,
		})
	}
	return found
}
