package main

import "strconv"

// keyless returns the keys of a store as many write it first: every message that comes is a row, so a record that comes
// again is counted again. What is wrong with it, the report says.
func keyless() func(Record) string {
	rows := 0
	return func(Record) string {
		rows++
		return strconv.Itoa(rows)
	}
}
