package disk

import "math/rand/v2"

const (
	allUpTo = 5 // how many open changes are tried in all combinations
	sample  = 6 // how many of more are looked at one by one in other ways
)

// choose returns fates for open changes, a list of which is for all of them: all
// combinations of few, and of many none, all, all but one, one alone, and some at
// random; with and without the length of what is lost; and each write torn, after
// those before it and among all others.
func choose(open []*change, rng *rand.Rand) [][]fate {
	var all [][]fate
	add := func(of func(i int) fate) {
		fates := make([]fate, len(open))
		for i := range fates {
			fates[i] = of(i)
		}
		all = append(all, fates)
	}
	for _, there := range subsets(len(open), rng) {
		add(func(i int) fate { return either(there[i]) })
	}
	if len(open) > 0 {
		add(func(int) fate { return sized })
	}
	for _, k := range rng.Perm(len(open))[:min(sample, len(open))] {
		op := open[k].Op
		if op.Kind != Write || sectors(op) < 2 || telling(op) == 0 {
			continue
		}
		for _, way := range torn(sectors(op), rng) {
			among := func(others func(i int) fate) {
				add(func(i int) fate {
					if i == k {
						return way
					}
					return others(i)
				})
			}
			among(func(i int) fate { return either(i < k) })
			if len(open) > 1 {
				among(func(int) fate { return kept })
			}
		}
	}
	return all
}

func either(there bool) fate {
	if there {
		return kept
	}
	return lost
}

func subsets(n int, rng *rand.Rand) [][]bool {
	var all [][]bool
	if n <= allUpTo {
		for mask := range 1 << n {
			all = append(all, pick(n, func(i int) bool { return mask>>i&1 == 1 }))
		}
		return all
	}
	all = append(all,
		pick(n, func(int) bool { return false }),
		pick(n, func(int) bool { return true }))
	for _, k := range some(n, rng) {
		all = append(all,
			pick(n, func(i int) bool { return i == k }),
			pick(n, func(i int) bool { return i != k }),
			pick(n, func(i int) bool { return i < k }))
	}
	for range sample {
		all = append(all, pick(n, func(int) bool { return rng.IntN(2) == 0 }))
	}
	return all
}

// some returns the first, the last, and some of the n numbers between.
func some(n int, rng *rand.Rand) []int {
	list := []int{0, n - 1}
	for range min(n, 2*sample) {
		list = append(list, rng.IntN(n))
	}
	return list
}
