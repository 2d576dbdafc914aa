package main

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/md5"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"sort"
	"strconv"
	"strings"
	"time"
)

// Frame is a message as the queue delivers it.
type Frame struct {
	MessageID  string `json:"messageId"`
	Payload    []byte // base64 in JSON
	Properties struct{ EM string }
}

// Report is what a lot says.
type Report struct {
	DevID  string
	Status []Status
}

// Status is one thing that a lot says; its value is JSON again.
type Status struct {
	Code  string
	T     int64
	Value string
	// Data points repeat the value: where the code is empty, they tell what it is.
	Pass   *string `json:"101"`
	Bill   *string `json:"102"`
	Result *string `json:"103"`
}

func (s Status) code() string {
	switch {
	case s.Code != "":
		return s.Code
	case s.Pass != nil:
		return passCode
	case s.Bill != nil:
		return billCode
	case s.Result != nil:
		return resultCode
	}
	return ""
}

const (
	passCode, billCode, resultCode = "vehicle_pass_record", "temporary_parking_bill", "command_result"
	tagBytes                       = 16
)

func md5Hex(text string) string {
	sum := md5.Sum([]byte(text))
	return hex.EncodeToString(sum[:])
}

// Password is that of the queue.
func Password(id, secret string) string { return md5Hex(id + md5Hex(secret))[8:24] }

// ReadReport opens a frame. Whatever is damaged, forged or of no known form is an error.
func ReadReport(frame Frame, secret string) (report Report, err error) {
	var outer map[string]any
	decoder := json.NewDecoder(bytes.NewReader(frame.Payload))
	decoder.UseNumber() // the signature is over the digits
	if err = decoder.Decode(&outer); err != nil {
		return report, err
	}
	if outer["sign"] != signOf(outer, secret) { // ECB tells nothing of damage
		return report, errors.New("the signature is wrong")
	}
	data, err := base64.StdEncoding.DecodeString(fmt.Sprint(outer["data"]))
	if err != nil {
		return report, err
	}
	text, err := decrypt(data, []byte(secret[8:24]), frame.Properties.EM)
	if err != nil {
		return report, err
	}
	return report, json.Unmarshal(text, &report)
}

func signOf(fields map[string]any, secret string) string {
	var signed []string
	for name, value := range fields {
		if name != "sign" && value != "" && value != nil {
			signed = append(signed, fmt.Sprintf("%s=%v", name, value))
		}
	}
	sort.Strings(signed)
	return md5Hex(strings.Join(append(signed, secret), "||"))
}

func decrypt(data, key []byte, encryption string) ([]byte, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	if encryption == "aes_gcm" {
		gcm, err := cipher.NewGCM(block)
		if err != nil || len(data) < gcm.NonceSize()+tagBytes {
			return nil, errors.New("a short message")
		}
		return gcm.Open(nil, data[:gcm.NonceSize()], data[gcm.NonceSize():], nil)
	}
	if len(data) == 0 || len(data)%aes.BlockSize != 0 {
		return nil, errors.New("no whole blocks")
	}
	for at := 0; at < len(data); at += aes.BlockSize {
		block.Decrypt(data[at:at+aes.BlockSize], data[at:at+aes.BlockSize])
	}
	padding := int(data[len(data)-1])
	if padding == 0 || padding > aes.BlockSize {
		return nil, errors.New("no padding")
	}
	return data[:len(data)-padding], nil
}

// ReadRecord returns the record in a status, if it is one. `form` is that of its times.
func ReadRecord(deviceID string, status Status, form string) (record Record, ok bool, err error) {
	code := status.code()
	if code != passCode && code != billCode {
		return record, false, nil
	}
	var value struct {
		RecordID      string
		PassDirection *int
		PassTime      json.RawMessage
		PayTime       json.RawMessage
	}
	var content bytes.Buffer
	if err = json.Unmarshal([]byte(status.Value), &value); err == nil {
		err = json.Compact(&content, []byte(status.Value))
	}
	if err != nil {
		return record, false, err
	}
	record = Record{deviceID, 1, value.RecordID, NoDirection, 0, status.T, content.String()}
	at := value.PayTime
	if code == passCode {
		if at = value.PassTime; value.PassDirection == nil {
			return record, false, errors.New("a pass without a direction")
		}
		record.Type, record.Direction = 0, *value.PassDirection
	}
	record.At, err = epochMs(strings.Trim(string(at), `"`), form)
	return record, err == nil, err
}

var beijing = time.FixedZone("Beijing", 8*60*60) // of a text that names no zone

func epochMs(text, form string) (int64, error) {
	if form != "text" && form != "iso" {
		number, err := strconv.ParseInt(text, 10, 64)
		if form == "s" {
			number *= 1000
		}
		return number, err
	}
	known := strings.Replace(text, ":60", ":59", 1) // a leap second, of which no calendar here knows
	at, err := time.ParseInLocation(time.DateTime, known, beijing)
	if err != nil {
		at, err = time.Parse(time.RFC3339, known)
	}
	if known != text {
		at = at.Add(time.Second)
	}
	return at.UnixMilli(), err
}
