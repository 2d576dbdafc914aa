//go:build unix

package main

import (
	"os"
	"path/filepath"
	"syscall"
)

// isAlone tells whether no other process has the client's folder. The operating system forgets the lock with the process.
func (c *Client) isAlone() bool {
	if c.lock == nil { // kept: a file that is collected as garbage is no lock any more
		c.lock, _ = os.OpenFile(filepath.Join(c.folder, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	}
	return c.lock != nil && syscall.Flock(int(c.lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil
}
