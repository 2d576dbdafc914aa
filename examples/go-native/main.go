// A client on the vendor's Go SDKs: tuya-connector-go calls the API, tuya-pulsar-sdk-go listens on native Pulsar
// (docs/quickstart/go.md).
//
//	go run -ldflags=... . DEVICE START END COUNT
//
// Once COUNT passes of the window have come it claims that count. When the command's result and one pass more are there
// it prints what it saw, and it goes on until its standard input ends. The variables of the connector say where the
// cloud is: TUYA_API_HOST, TUYA_MSG_HOST, TUYA_ACCESSID, TUYA_ACCESSKEY.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"os"
	"strconv"
	"sync"

	"github.com/tuya/tuya-connector-go/connector"
	"github.com/tuya/tuya-connector-go/connector/env"
	pulsar "github.com/tuya/tuya-pulsar-sdk-go"
	"github.com/tuya/tuya-pulsar-sdk-go/pkg/tylog"
)

// Seen is what the program prints.
type Seen struct {
	Claimed int               `json:"claimed"`
	SN      string            `json:"sn"`
	Result  map[string]any    `json:"result"`  // of the command, as the lot reported it
	Passes  map[string]string `json:"passes"`  // plates by record id: what comes again is the same pass
	Ciphers map[string]bool   `json:"ciphers"` // that messages came under
}

// Client is the handler of the SDK, which calls it from ten goroutines.
type Client struct {
	mutex   sync.Mutex
	changed *sync.Cond
	seen    Seen
}

// NewClient has seen nothing yet.
func NewClient() *Client {
	client := &Client{seen: Seen{Passes: map[string]string{}, Ciphers: map[string]bool{}}}
	client.changed = sync.NewCond(&client.mutex)
	return client
}

// HandlePayload stores what a message says. The SDK acknowledges the message when this returns, even with an error: what
// is not stored by then is gone until a wrong count brings it again.
func (c *Client) HandlePayload(_ context.Context, message pulsar.Message, payload []byte) error {
	cipher := message.Properties()["em"]
	report, err := Open(payload, cipher, env.Config.GetAccessKey())
	if err != nil {
		return err
	}
	c.mutex.Lock()
	defer c.mutex.Unlock()
	defer c.changed.Broadcast()
	c.seen.Ciphers[cipher] = true
	for _, status := range report.Status {
		if err := c.store(status.Code, []byte(status.Value)); err != nil {
			return err
		}
	}
	return nil
}

func (c *Client) store(code string, value []byte) error {
	switch code {
	case "vehicle_pass_record":
		var pass struct{ RecordID, PlateNo string }
		if err := json.Unmarshal(value, &pass); err != nil {
			return err
		}
		c.seen.Passes[pass.RecordID] = pass.PlateNo
	case "command_result":
		return json.Unmarshal(value, &c.seen.Result)
	}
	return nil
}

// Wait returns what was seen once the fact holds.
func (c *Client) Wait(fact func(Seen) bool) Seen {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	for !fact(c.seen) {
		c.changed.Wait()
	}
	return c.seen
}

// Listen lets the SDK call the client until the context ends.
func (c *Client) Listen(ctx context.Context) (pulsar.Consumer, error) {
	id, secret := env.Config.GetAccessID(), env.Config.GetAccessKey()
	queue := pulsar.NewClient(pulsar.ClientConfig{PulsarAddr: env.Config.GetMsgHost()})
	consumer, err := queue.NewConsumer(pulsar.ConsumerConfig{
		Topic: pulsar.TopicForAccessID(id),
		Auth:  pulsar.NewAuthProvider(id, secret),
	})
	if err == nil {
		go consumer.ReceiveAndHandle(ctx, c)
	}
	return consumer, err
}

// Sync claims that so many vehicles entered in the window, and returns the command's serial number.
func Sync(device string, start, end int64, count int) (string, error) {
	info := map[string]any{"startTime": start, "endTime": end, "passDirection": 0, "totalCount": count}
	body, err := json.Marshal(map[string]any{"dataType": 0, "recordSyncInfos": []any{info}})
	if err != nil {
		return "", err
	}
	var answer struct {
		Success bool
		Code    int
		Msg     string
		Result  struct{ SN string }
	}
	err = connector.MakePostRequest(context.Background(),
		connector.WithAPIUri("/v1.0/parking-control/"+device+"/records/sync"),
		connector.WithPayload(body), connector.WithResp(&answer))
	if err == nil && !answer.Success {
		err = fmt.Errorf("%d %s", answer.Code, answer.Msg)
	}
	return answer.Result.SN, err
}

func run(device string, start, end int64, count int) error {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	client := NewClient()
	consumer, err := client.Listen(ctx)
	if err != nil {
		return err
	}
	defer consumer.Close()
	client.Wait(func(seen Seen) bool { return len(seen.Passes) == count })
	sn, err := Sync(device, start, end, count)
	if err != nil {
		return err
	}
	seen := client.Wait(func(seen Seen) bool { return len(seen.Passes) > count && seen.Result["sn"] == sn })
	seen.Claimed, seen.SN = count, sn
	if err := json.NewEncoder(os.Stdout).Encode(seen); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

func main() {
	log.SetFlags(0)
	if len(os.Args) != 5 {
		log.Fatal("usage: go run . DEVICE START END COUNT")
	}
	var numbers [3]int64
	for place, text := range os.Args[2:] {
		number, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			log.Fatal(err)
		}
		numbers[place] = number
	}
	tylog.SetGlobalLog("sdk", true) // the SDK does not live without; true: to logs/sdk.log alone
	connector.InitWithOptions(env.WithDebugMode(false))
	if err := run(os.Args[1], numbers[0], numbers[1], int(numbers[2])); err != nil {
		log.Fatal(err)
	}
}
