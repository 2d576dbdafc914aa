package main

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	tokenInvalid, tokenExpired, timeInvalid = 1010, 1011, 1013

	renewBefore = int64(time.Minute / time.Millisecond)
	timeout     = 5 * time.Second
	mostBytes   = 1 << 20
)

// Kind is what to do about a call that failed. Every code that is in no table is a passing one.
type Kind string

const (
	Later       Kind = "later"
	Busy        Kind = "busy"        // no more calls for a while
	Offline     Kind = "offline"     // this lot later
	Unsupported Kind = "unsupported" // never this lot
	Refused     Kind = "refused"     // not this request again
	Stop        Kind = "stop"        // nothing will work with these keys
)

var kinds = map[int]Kind{
	1110: Busy, 1111: Busy, 1199: Busy,
	2001: Offline,
	2003: Unsupported, 2008: Unsupported, 2009: Unsupported,
	1006: Refused, 1100: Refused, 1101: Refused, 1102: Refused, 1104: Refused, 1105: Refused, 1106: Refused,
	1108: Refused, 1109: Refused, 2010: Refused,
	1004: Stop, 1005: Stop,
}

// keysCodes mean something else on the call for a token: not from this address, not in this region, no such access id.
var keysCodes = []int{1114, 2007, 2009}

// CallError is a call that did not do what it should. Its code is 0 where there was no usable answer.
type CallError struct {
	Kind Kind
	Code int
	Text string
}

func (e *CallError) Error() string { return e.Text }

func failed(text string) *CallError { return &CallError{Later, 0, text} }

// Cloud makes the one call that a client needs, with a token that is renewed in time.
type Cloud struct {
	api, id, secret string
	clock           func() int64
	ahead           int64 // of the cloud's time, which its answers tell: this machine's may be wrong
	token           string
	renewAt         int64
	http            http.Client
}

// NewCloud follows no redirect: it would carry the credentials wherever it is sent.
func NewCloud(exports Exports, clock func() int64) *Cloud {
	cloud := &Cloud{api: strings.TrimSuffix(exports.API, "/"), id: exports.AccessID, secret: exports.AccessSecret, clock: clock}
	cloud.http.Timeout = timeout
	cloud.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return cloud
}

// Now is the cloud's time.
func (c *Cloud) Now() int64 { return c.clock() + c.ahead }

// Sync tells a lot some counts, and returns the command's serial number. It says that they were passed on, not that
// they are right.
func (c *Cloud) Sync(deviceID string, body map[string]any) (string, *CallError) {
	text, err := json.Marshal(body)
	if err != nil {
		return "", failed(err.Error())
	}
	path := "/v1.0/parking-control/" + deviceID + "/records/sync"
	result, refused := c.attempt(path, text)
	if refused != nil && slices.Contains([]int{tokenInvalid, tokenExpired, timeInvalid}, refused.Code) {
		result, refused = c.attempt(path, text) // once, with a new token and by the right time
	}
	if refused != nil {
		return "", refused
	}
	var answer struct{ SN string }
	if json.Unmarshal(result, &answer) != nil || answer.SN == "" {
		return "", failed("the answer has no sn")
	}
	return answer.SN, nil
}

func (c *Cloud) attempt(path string, body []byte) (json.RawMessage, *CallError) {
	if c.token == "" || c.Now() >= c.renewAt {
		if refused := c.logIn(); refused != nil {
			return nil, refused
		}
	}
	result, refused := c.send("POST", path, body, c.token)
	if refused != nil && (refused.Code == tokenInvalid || refused.Code == tokenExpired) {
		c.token = ""
	}
	return result, refused
}

func (c *Cloud) logIn() *CallError {
	c.token = ""
	result, refused := c.send("GET", "/v1.0/token?grant_type=1", nil, "")
	if refused != nil {
		if slices.Contains(keysCodes, refused.Code) {
			refused.Kind = Stop
		}
		return refused
	}
	var answer struct {
		Token  string `json:"access_token"`
		Expire int64  `json:"expire_time"` // seconds
	}
	if json.Unmarshal(result, &answer) != nil || answer.Token == "" {
		return failed("the answer has no token")
	}
	c.token, c.renewAt = answer.Token, c.Now()+answer.Expire*1000-renewBefore
	return nil
}

// send makes a call and reads the envelope: refusals have the HTTP status 200 as well.
func (c *Cloud) send(method, path string, body []byte, token string) (json.RawMessage, *CallError) {
	content, err := c.exchange(method, path, body, token)
	var envelope struct {
		Success bool
		Code    int
		Msg     string
		T       int64
		Result  json.RawMessage
	}
	if err == nil {
		err = json.Unmarshal(content, &envelope)
	}
	if err != nil {
		return nil, failed("no usable answer: " + err.Error())
	}
	if envelope.T > 0 {
		c.ahead = envelope.T - c.clock()
	}
	if !envelope.Success {
		kind, known := kinds[envelope.Code]
		if !known {
			kind = Later
		}
		return nil, &CallError{kind, envelope.Code, fmt.Sprintf("%d %s", envelope.Code, envelope.Msg)}
	}
	return envelope.Result, nil
}

func (c *Cloud) exchange(method, path string, body []byte, token string) ([]byte, error) {
	request, err := http.NewRequest(method, c.api+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	t := strconv.FormatInt(c.Now(), 10)
	request.Header.Set("client_id", c.id)
	request.Header.Set("t", t)
	request.Header.Set("sign_method", "HMAC-SHA256")
	request.Header.Set("sign", c.sign(token, t, method, path, body))
	request.Header.Set("Content-Type", "application/json")
	if token != "" {
		request.Header.Set("access_token", token)
	}
	answer, err := c.http.Do(request)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, errors.New(answer.Status)
	}
	return io.ReadAll(io.LimitReader(answer.Body, mostBytes))
}

// sign is the vendor's signature v2, of the bytes that are sent.
func (c *Cloud) sign(token, t, method, path string, body []byte) string {
	digest := sha256.Sum256(body)
	text := c.id + token + t + method + "\n" + hex.EncodeToString(digest[:]) + "\n\n" + path
	mac := hmac.New(sha256.New, []byte(c.secret))
	mac.Write([]byte(text))
	return strings.ToUpper(hex.EncodeToString(mac.Sum(nil)))
}
