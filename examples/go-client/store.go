package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"sort"
)

// NoDirection is the direction of bills: nobody drives through one.
const NoDirection = -1

// Record is a vehicle pass (type 0) or a bill (type 1). Its id makes it the same record, whatever message brings it.
type Record struct {
	DeviceID  string
	Type      int
	ID        string
	Direction int
	At        int64 // when it happened, epoch milliseconds
	Published int64 // when this version of it was published
	Content   string
}

// Cell is an hour of a lot's line, and what is known of it. A line is a type and a direction.
type Cell struct {
	DeviceID        string
	Type, Direction int
	Start, End      int64
	Due             int64 // when it is to be asked about; 0: not any more
	Told            int   // the last count, -1 if none was told
	SN              string
	Heard           bool // whether a message of it came since then
	Silent          int  // counts in a row that nothing followed
	Fruitless       int  // re-reports in a row that changed nothing
	Visited         bool // whether it is being asked about again, a day later
}

// Lot is how far its hours are planned, and why it is left alone, if it is.
type Lot struct {
	DeviceID string
	Planned  int64
	Turn     int64
	State    string
	Failed   int
	Tries    int
	RetryAt  int64
}

// Unreadable is a message for a person to look at.
type Unreadable struct{ MessageID, Payload, Why string }

// Change is one of these.
type Change struct {
	Record     *Record     `json:",omitempty"`
	Cell       *Cell       `json:",omitempty"`
	Lot        *Lot        `json:",omitempty"`
	Unreadable *Unreadable `json:",omitempty"`
}

// Store is what must outlive a crash, in memory and in a journal: a line for all changes that belong together.
type Store struct {
	KeyOf      func(Record) string // what makes two records the same
	file       *os.File
	records    map[string]Record
	cells      map[string]Cell
	lots       map[string]Lot
	unreadable map[string]Unreadable
}

// RecordKey tells records of different lots and types apart: their ids may be alike.
func RecordKey(r Record) string { return fmt.Sprintf("%s/%d/%s", r.DeviceID, r.Type, r.ID) }

func cellKey(c Cell) string {
	return fmt.Sprintf("%s/%d/%d/%d", c.DeviceID, c.Type, c.Direction, c.Start)
}

// OpenStore reads the journal of a folder, and starts it anew without what has been overtaken.
func OpenStore(folder string, keyOf func(Record) string) (*Store, error) {
	name := filepath.Join(folder, "parking.jsonl")
	store := &Store{keyOf, nil, map[string]Record{}, map[string]Cell{}, map[string]Lot{}, map[string]Unreadable{}}
	text, err := os.ReadFile(name)
	if err != nil && !os.IsNotExist(err) {
		return nil, err
	}
	if err = store.read(text[:bytes.LastIndexByte(text, '\n')+1]); err != nil { // a crash may have left half a line
		return nil, err
	}
	if store.file, err = os.Create(name + ".new"); err != nil {
		return nil, err
	}
	store.append(store.all())
	return store, os.Rename(name+".new", name) // until now the old one was there
}

func (s *Store) read(journal []byte) error {
	for decoder := json.NewDecoder(bytes.NewReader(journal)); decoder.More(); {
		var changes []Change
		if err := decoder.Decode(&changes); err != nil {
			return err
		}
		s.remember(changes)
	}
	return nil
}

// Put makes changes, all or none of them. They are on the disk when it returns. Whose disk fails must acknowledge
// nothing and tell no count: that ends the program.
func (s *Store) Put(changes ...Change) {
	if len(changes) > 0 {
		s.append(changes)
		s.remember(changes)
	}
}

func (s *Store) append(changes []Change) {
	line, err := json.Marshal(changes)
	if err == nil {
		_, err = s.file.Write(append(line, '\n'))
	}
	if err == nil {
		err = s.file.Sync()
	}
	if err != nil {
		panic(err)
	}
}

func (s *Store) remember(changes []Change) {
	for _, change := range changes {
		switch {
		case change.Record != nil:
			s.records[s.KeyOf(*change.Record)] = *change.Record
		case change.Cell != nil:
			s.cells[cellKey(*change.Cell)] = *change.Cell
		case change.Lot != nil:
			s.lots[change.Lot.DeviceID] = *change.Lot
		case change.Unreadable != nil:
			s.unreadable[change.Unreadable.MessageID] = *change.Unreadable
		}
	}
}

func (s *Store) all() (changes []Change) {
	for _, each := range s.records {
		changes = append(changes, Change{Record: &each})
	}
	for _, each := range s.cells {
		changes = append(changes, Change{Cell: &each})
	}
	for _, each := range s.lots {
		changes = append(changes, Change{Lot: &each})
	}
	for _, each := range s.unreadable {
		changes = append(changes, Change{Unreadable: &each})
	}
	return changes
}

// Find returns the record that this one is a version of.
func (s *Store) Find(record Record) (Record, bool) {
	found, ok := s.records[s.KeyOf(record)]
	return found, ok
}

// Records returns all of them.
func (s *Store) Records() (found []Record) {
	for _, record := range s.records {
		found = append(found, record)
	}
	return found
}

// Cells returns those of which something holds, by their starts.
func (s *Store) Cells(holds func(Cell) bool) (found []Cell) {
	for _, cell := range s.cells {
		if holds(cell) {
			found = append(found, cell)
		}
	}
	sort.Slice(found, func(i, j int) bool {
		one, other := found[i], found[j]
		return one.Start < other.Start || one.Start == other.Start && one.Direction < other.Direction
	})
	return found
}

// Lot returns the one of a device.
func (s *Store) Lot(deviceID string) (Lot, bool) {
	lot, ok := s.lots[deviceID]
	return lot, ok
}

// Lots returns those that are not left alone.
func (s *Store) Lots() (found []Lot) {
	for _, lot := range s.lots {
		if lot.State == "" {
			found = append(found, lot)
		}
	}
	sort.Slice(found, func(i, j int) bool { return found[i].DeviceID < found[j].DeviceID })
	return found
}
