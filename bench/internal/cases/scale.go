package cases

import "time"

// A Scale says how much of each work is done.
type Scale struct {
	Turns int // of each contestant

	Cost      time.Duration // of each cost in the process
	Write     time.Duration // of each durable write
	Sustained time.Duration // of the writes of P7
	Network   time.Duration // of each work over TCP
	Disturbed time.Duration // of the requests beside a sweep, at least
	Resident  time.Duration // of the requests after which memory is looked at

	Few     int           // sessions of P5 and P6
	Some    int           // sessions of P8, P10 and P14
	Many    int           // sessions of P7, P11, P12 and P13
	Expired int           // sessions that a sweep removes
	Life    time.Duration // how long they live before, at least a second

	Sessions []int // of the curve C1
	Notes    []int // lengths of the long value, of the curve C3
	Long     int   // sessions of that curve
}

// Full is the scale that the goals speak of.
var Full = Scale{
	Turns:     3,
	Cost:      500 * time.Millisecond,
	Write:     3 * time.Second,
	Sustained: time.Minute,
	Network:   2 * time.Second,
	Disturbed: 3 * time.Second,
	Resident:  10 * time.Second,
	Few:       10_000,
	Some:      100_000,
	Many:      1_000_000,
	Expired:   10_000,
	Life:      2 * time.Second,
	Sessions:  []int{1_000, 10_000, 100_000, 1_000_000},
	Notes:     []int{100, 1_000, 10_000, 64_000},
	Long:      1_000,
}

// Short is the same work in a few minutes, with fewer sessions and less time.
var Short = Scale{
	Turns:     3,
	Cost:      100 * time.Millisecond,
	Write:     400 * time.Millisecond,
	Sustained: 4 * time.Second,
	Network:   400 * time.Millisecond,
	Disturbed: 500 * time.Millisecond,
	Resident:  2 * time.Second,
	Few:       10_000,
	Some:      10_000,
	Many:      100_000,
	Expired:   5_000,
	Life:      time.Second,
	Sessions:  []int{1_000, 10_000, 100_000},
	Notes:     []int{100, 1_000, 10_000, 64_000},
	Long:      1_000,
}
