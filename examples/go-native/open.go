package main

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/md5"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"sort"
	"strings"

	"github.com/tuya/tuya-pulsar-sdk-go/pkg/tyutils"
)

// Report is a status report.
type Report struct {
	Status []struct{ Code, Value string } // each value is JSON again
}

// Open checks the signature of a message and decrypts the status report in it.
func Open(payload []byte, cipher, secret string) (report Report, err error) {
	var fields map[string]any
	decoder := json.NewDecoder(strings.NewReader(string(payload)))
	decoder.UseNumber() // the signature is over the digits
	if err = decoder.Decode(&fields); err != nil {
		return report, err
	}
	if fields["sign"] != sign(fields, secret) {
		return report, errors.New("a damaged message")
	}
	data, err := base64.StdEncoding.DecodeString(fmt.Sprint(fields["data"]))
	if err != nil {
		return report, err
	}
	text, err := decrypt(data, cipher, []byte(secret[8:24]))
	if err != nil {
		return report, err
	}
	return report, json.Unmarshal(text, &report)
}

func sign(fields map[string]any, secret string) string {
	var signed []string
	for name, value := range fields {
		if name != "sign" && value != "" {
			signed = append(signed, fmt.Sprintf("%s=%v", name, value))
		}
	}
	sort.Strings(signed)
	sum := md5.Sum([]byte(strings.Join(append(signed, secret), "||")))
	return hex.EncodeToString(sum[:])
}

// decrypt knows AES-GCM, which version 0.9.0 of the SDK does not.
func decrypt(data []byte, name string, key []byte) ([]byte, error) {
	if name != "aes_gcm" {
		return tyutils.EcbDecrypt(data, key), nil
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	if len(data) < gcm.NonceSize() {
		return nil, errors.New("a short message")
	}
	return gcm.Open(nil, data[:gcm.NonceSize()], data[gcm.NonceSize():], nil)
}
