// A client of Tuya's parking cloud: it keeps what lots report, and asks them hour by hour whether anything is missing.
//
//	client FOLDER [--once]       runs by the machine's clock
//	client adapter [--broken]    is driven by a judge (adapter.go)
package main

import (
	"fmt"
	"log"
	"os"
	"strings"
	"time"
)

const lookEvery = time.Second

var names = []string{"PARKING_API", "PARKING_WS", "PARKING_ACCESS_ID", "PARKING_ACCESS_SECRET", "PARKING_LOTS"}

func fromEnvironment() (exports Exports, lots []string, ok bool) {
	values := make([]string, len(names))
	for place, name := range names {
		if values[place] = os.Getenv(name); values[place] == "" {
			return exports, nil, false
		}
	}
	exports = Exports{API: values[0], WS: values[1], AccessID: values[2], AccessSecret: values[3]}
	return exports, strings.Split(values[4], ","), true
}

func systemMs() int64 { return time.Now().UnixMilli() }

func main() {
	log.SetFlags(0)
	arguments := append(os.Args[1:], "", "")
	if arguments[0] == "adapter" {
		adapt(arguments[1] == "--broken")
		return
	}
	exports, lots, ok := fromEnvironment()
	if arguments[0] == "" || !ok {
		log.Printf("usage: client FOLDER [--once], with %s (ids with commas between)", strings.Join(names, ", "))
		os.Exit(2)
	}
	for _, id := range lots {
		exports.Devices = append(exports.Devices, Device{id, "lot"})
	}
	if err := run(exports, arguments[0], arguments[1] == "--once"); err != nil {
		log.Fatal(err)
	}
}

func run(exports Exports, folder string, once bool) error {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	client := &Client{exports: exports, folder: folder, settings: usual, clock: systemMs, keyOf: RecordKey}
	for {
		told, err := client.Tick()
		if err != nil {
			return err
		}
		if once {
			fmt.Printf("%d counts told, %d records kept\n", told, len(client.Records()))
			return nil
		}
		time.Sleep(lookEvery)
	}
}
