package main

import (
	"log"
	"strings"
)

const (
	minute, hour, day = int64(60_000), 60 * minute, 24 * hour

	boundary    = int64(-500) // hours end half a second early: no lot that writes whole seconds has a record there
	grace       = 5 * minute  // records on their way are not missing
	again       = hour
	drain       = 10 * minute // so long no message of a re-report must have come
	alike       = 3           // one silence may be a lost command
	giveUpAfter = 4           // so many re-reports that change nothing: once a day from then on
	horizon     = 7 * day     // lots keep limited history

	turns, turn  = 12, int64(10_000) // lots take turns: calls are limited for a project as a whole
	infosInACall = 24
	failedAfter  = 3

	succeeded, failedStatus = 3, 4
)

var lines = [][2]int{{0, 0}, {0, 1}, {1, NoDirection}} // type and direction: entering, leaving, bills

// Settings are what the vendor leaves open: how this cloud spells keys, bounds windows, writes times, limits a call.
type Settings struct {
	Spelling   string `json:"key_spelling"`
	Bounds     string `json:"window_bounds"`
	RecordTime string `json:"record_time"`
	MostInfos  int    `json:"max_sync_infos"`
}

var usual = Settings{"snake", "[s,e)", "ms", infosInACall}

// Reconciler is the plan: which lot is asked about which hour, when, and when again. It never waits.
type Reconciler struct {
	cloud     *Cloud
	store     *Store
	settings  Settings
	stopped   bool
	notBefore int64
	failures  int
}

// NewReconciler goes on with what is stored. Of a new lot the first hour is the last that has closed.
func NewReconciler(cloud *Cloud, store *Store, lots []string, settings Settings) *Reconciler {
	r := &Reconciler{cloud: cloud, store: store, settings: settings}
	for place, id := range lots {
		lot, known := store.Lot(id)
		if !known {
			lot = Lot{DeviceID: id, Planned: hourOf(cloud.Now()-grace) - hour}
		}
		if lot.State == string(Refused) { // a restart may follow a correction
			lot.State = ""
		}
		lot.Turn = int64(place%turns) * turn
		store.Put(Change{Lot: &lot})
	}
	return r
}

func hourOf(at int64) int64 { return (at-boundary)/hour*hour + boundary }

func doubled(first int64, times int, most int64) int64 { return min(most, first<<min(times, 20)) }

// Keep stores a record: however often it comes, it is one, and its newest version counts. It may be part of a re-report.
func (r *Reconciler) Keep(record Record) {
	var changes []Change
	if known, ok := r.store.Find(record); !ok || known.Published <= record.Published {
		changes = append(changes, Change{Record: &record})
	}
	for _, cell := range r.store.Cells(func(c Cell) bool {
		return c.DeviceID == record.DeviceID && c.Type == record.Type && c.Direction == record.Direction &&
			c.Told >= 0 && c.Start <= record.At && record.At <= c.End
	}) {
		cell.Heard = true
		if cell.Fruitless < giveUpAfter {
			cell.Due = r.cloud.Now() + drain
		}
		changes = append(changes, Change{Cell: &cell})
	}
	r.store.Put(changes...)
}

// Result is that of a command.
type Result struct {
	DeviceID      string
	SN            string
	ProcessStatus int
}

// TakeResult puts hours whose command did not succeed on the plan again: it asked nothing.
func (r *Reconciler) TakeResult(result Result) {
	lot, known := r.store.Lot(result.DeviceID)
	if !known || lot.State != "" {
		return
	}
	if result.ProcessStatus != failedStatus {
		lot.Failed = 0
	} else if lot.Failed++; lot.Failed >= failedAfter {
		lot.State = string(Unsupported)
	}
	changes := []Change{{Lot: &lot}}
	for _, cell := range r.store.Cells(func(c Cell) bool { return c.SN == result.SN }) {
		if result.ProcessStatus != succeeded {
			cell.Silent, cell.Due = 0, r.cloud.Now()+again
			changes = append(changes, Change{Cell: &cell})
		}
	}
	r.store.Put(changes...)
}

// Run asks every lot about what is due, and returns how many counts were told. A lot that fails does not stop the others.
func (r *Reconciler) Run() (told int) {
	for _, lot := range r.store.Lots() {
		r.plan(lot)
		told += r.ask(lot.DeviceID, 0) + r.ask(lot.DeviceID, 1)
	}
	return told
}

// WakesAt is when there is something to do, by the cloud's time.
func (r *Reconciler) WakesAt() int64 {
	next := hourOf(r.cloud.Now()-grace) + hour + grace
	if r.stopped {
		return next
	}
	for _, lot := range r.store.Lots() {
		for _, cell := range r.store.Cells(func(c Cell) bool { return c.DeviceID == lot.DeviceID && c.Due > 0 }) {
			next = min(next, max(cell.Due, lot.RetryAt, r.notBefore))
		}
	}
	return next
}

// plan makes cells of every hour that has closed, also one of which nothing has come: all of it may be lost.
func (r *Reconciler) plan(lot Lot) {
	until := hourOf(r.cloud.Now() - grace)
	if lot.Planned >= until {
		return
	}
	var changes []Change
	for _, cell := range r.store.Cells(func(c Cell) bool {
		return c.DeviceID == lot.DeviceID && c.Due > 0 && c.Start < until-horizon
	}) {
		cell.Due = 0
		changes = append(changes, Change{Cell: &cell})
	}
	for start := max(lot.Planned, until-horizon); start < until; start += hour {
		for _, line := range lines {
			due := start + hour + grace + lot.Turn
			cell := Cell{DeviceID: lot.DeviceID, Type: line[0], Direction: line[1], Start: start, End: start + hour, Due: due, Told: -1}
			changes = append(changes, Change{Cell: &cell})
		}
	}
	lot.Planned = until
	r.store.Put(append(changes, Change{Lot: &lot})...)
}

func (r *Reconciler) ask(deviceID string, kind int) int {
	now := r.cloud.Now()
	lot, _ := r.store.Lot(deviceID)
	if r.stopped || lot.State != "" || now < max(r.notBefore, lot.RetryAt) {
		return 0
	}
	cells := r.store.Cells(func(c Cell) bool {
		return c.DeviceID == deviceID && c.Type == kind && c.Due > 0 && c.Due <= now
	})
	cells = cells[:min(len(cells), infosInACall, r.settings.MostInfos)]
	if len(cells) == 0 {
		return 0
	}
	counts := make([]int, len(cells))
	for place, cell := range cells {
		counts[place] = r.count(cell)
	}
	sn, refused := r.cloud.Sync(deviceID, r.body(kind, cells, counts))
	if refused != nil {
		log.Printf("lot %s: %v", deviceID, refused)
		r.failed(lot, refused.Kind)
		return 0
	}
	r.failures, lot.Tries, lot.RetryAt = 0, 0, 0
	changes := []Change{{Lot: &lot}}
	for place, cell := range cells {
		asked := r.asked(cell, counts[place], sn)
		changes = append(changes, Change{Cell: &asked})
	}
	r.store.Put(changes...)
	return len(cells)
}

func (r *Reconciler) count(cell Cell) (count int) {
	low, high := cell.Start, cell.End
	if r.settings.Bounds == "(s,e]" {
		low++
	}
	if r.settings.Bounds != "[s,e)" {
		high++
	}
	for _, record := range r.store.Records() {
		if record.DeviceID == cell.DeviceID && record.Type == cell.Type && record.Direction == cell.Direction &&
			low <= record.At && record.At < high {
			count++
		}
	}
	return count
}

func (r *Reconciler) body(kind int, cells []Cell, counts []int) map[string]any {
	infos := make([]map[string]any, len(cells))
	for place, cell := range cells {
		infos[place] = map[string]any{
			r.spell("total_count"): counts[place], r.spell("start_time"): cell.Start, r.spell("end_time"): cell.End,
		}
		if kind == 0 {
			infos[place][r.spell("pass_direction")] = cell.Direction
		}
	}
	return map[string]any{r.spell("data_type"): kind, r.spell("record_sync_infos"): infos}
}

func (r *Reconciler) spell(name string) string {
	if r.settings.Spelling != "camel" {
		return name
	}
	words := strings.Split(name, "_")
	for place, word := range words[1:] {
		words[place+1] = strings.ToUpper(word[:1]) + word[1:]
	}
	return strings.Join(words, "")
}

// asked is what is known of a cell after a count was told. Only silence, in the long run, says that it was right.
func (r *Reconciler) asked(cell Cell, count int, sn string) Cell {
	now, same := r.cloud.Now(), cell.Told == count
	if same && !cell.Heard {
		cell.Silent++
	} else {
		cell.Silent = 1
	}
	if cell.Heard && same {
		cell.Fruitless++
	} else if cell.Heard {
		cell.Fruitless = 0
	}
	cell.Told, cell.SN, cell.Heard = count, sn, false
	switch {
	case cell.Silent < alike && cell.Fruitless < giveUpAfter:
		cell.Due = now + again
	case cell.Silent < alike:
		cell.Due = now + day
	case cell.Visited:
		cell.Due = 0
	default:
		cell.Visited, cell.Due = true, max(now+again, cell.End+day+grace)
	}
	return cell
}

func (r *Reconciler) failed(lot Lot, kind Kind) {
	now := r.cloud.Now()
	switch kind {
	case Stop:
		r.stopped = true
	case Busy:
		r.notBefore = now + doubled(minute, r.failures, hour)
		r.failures++
	case Unsupported, Refused:
		lot.State = string(kind)
	case Offline:
		lot.RetryAt = now + doubled(5*minute, lot.Tries, 2*hour)
		lot.Tries++
	default:
		lot.RetryAt = now + doubled(minute, lot.Tries, hour)
		lot.Tries++
	}
	r.store.Put(Change{Lot: &lot})
}
