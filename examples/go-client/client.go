package main

import (
	"encoding/json"
	"os"
	"sync"
)

const (
	unreadableAfter = 3
	standsBy        = minute
)

// Exports say where the cloud is, as `parking-mock serve --json` prints them.
type Exports struct {
	API          string   `json:"api"`
	WS           string   `json:"ws"`
	AccessID     string   `json:"access_id"`
	AccessSecret string   `json:"access_secret"`
	Devices      []Device `json:"devices"`
}

// Device is a lot, or a lane of one, which is never asked.
type Device struct {
	DeviceID string `json:"device_id"`
	Kind     string `json:"kind"`
}

func (e Exports) lots() (ids []string) {
	for _, device := range e.Devices {
		if device.Kind == "lot" {
			ids = append(ids, device.DeviceID)
		}
	}
	return ids
}

// Client takes what comes, and asks what is due whenever it is told to look at the clock.
type Client struct {
	exports  Exports
	folder   string
	settings Settings
	clock    func() int64
	keyOf    func(Record) string

	lock       *os.File
	mutex      sync.Mutex // messages come beside the calls
	store      *Store
	cloud      *Cloud
	reconciler *Reconciler
	queue      *Queue
	tries      map[string]int
}

// Start takes up what was left, unless another process is at it: then this one stands by.
func (c *Client) Start() error {
	if c.store != nil || !c.isAlone() {
		return nil
	}
	store, err := OpenStore(c.folder, c.keyOf)
	if err != nil {
		return err
	}
	c.cloud = NewCloud(c.exports, c.clock)
	c.reconciler = NewReconciler(c.cloud, store, c.exports.lots(), c.settings)
	c.store, c.tries = store, map[string]int{}
	c.queue = &Queue{exports: c.exports, clock: c.clock, take: c.take}
	c.queue.Connect()
	return nil
}

// Tick does what is due, and returns how many counts were told.
func (c *Client) Tick() (int, error) {
	if err := c.Start(); err != nil || c.store == nil {
		return 0, err
	}
	c.queue.Connect()
	c.queue.CatchUp()
	c.mutex.Lock()
	defer c.mutex.Unlock()
	return c.reconciler.Run(), nil
}

// CatchUp returns once everything that was sent until now is stored.
func (c *Client) CatchUp() {
	if c.store != nil {
		c.queue.CatchUp()
	}
}

// WakesAt is when Tick has something to do, by this machine's clock.
func (c *Client) WakesAt() int64 {
	now := c.clock()
	if c.store == nil {
		return now + standsBy
	}
	c.mutex.Lock()
	defer c.mutex.Unlock()
	at := c.reconciler.WakesAt() - c.cloud.ahead
	if reconnect := c.queue.WakesAt(); reconnect > 0 {
		at = min(at, reconnect)
	}
	return max(now+1, at)
}

// Records returns all that are stored.
func (c *Client) Records() []Record {
	if c.store == nil {
		return nil
	}
	c.mutex.Lock()
	defer c.mutex.Unlock()
	return c.store.Records()
}

// take tells whether a message is done with. One that cannot be read may be damaged only this time; later it is set aside.
func (c *Client) take(frame Frame) bool {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	report, err := ReadReport(frame, c.exports.AccessSecret)
	for place := 0; err == nil && place < len(report.Status); place++ {
		err = c.takeStatus(report.DevID, report.Status[place])
	}
	if err != nil && c.tries[frame.MessageID] < unreadableAfter { // a broker's redeliveryCount is 0 on such a subscription
		c.tries[frame.MessageID]++
		return false
	}
	if err != nil {
		c.store.Put(Change{Unreadable: &Unreadable{frame.MessageID, string(frame.Payload), err.Error()}})
	}
	delete(c.tries, frame.MessageID)
	return true
}

// takeStatus takes a record, a command's result, or something that we need not know.
func (c *Client) takeStatus(deviceID string, status Status) error {
	record, ok, err := ReadRecord(deviceID, status, c.settings.RecordTime)
	if ok {
		c.reconciler.Keep(record)
	}
	if err != nil || status.code() != resultCode {
		return err
	}
	var result Result
	if err = json.Unmarshal([]byte(status.Value), &result); err == nil {
		c.reconciler.TakeResult(result)
	}
	return err
}
