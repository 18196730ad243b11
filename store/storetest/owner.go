package storetest

import (
	"slices"
	"strings"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet/store"
)

var ownerCases = []testCase{{
	name: "Owner/lists one owner or all",
	rule: "List yields the live records of one owner, or all live records when owner is \"\".",
	run:  ownerLists,
}, {
	name: "Owner/any bytes",
	rule: "An owner is up to MaxOwner bytes of any value, and no other owner's records are listed for it, however alike they are.",
	run:  ownerAnyBytes,
}, {
	name: "Owner/changes with Save",
	rule: "An owner that changed moves the record in the owner's list.",
	run:  ownerChanges,
}}

func ownerLists(t tester, open func() store.Store) {
	s := open()
	lists(t, s, "")
	lists(t, s, "alice")
	alice, bob, nobody := newRecords(12, "alice"), newRecords(7, "bob"), newRecords(5, "")
	all := slices.Concat(alice, bob, nobody)
	save(t, s, all...)
	lists(t, s, "alice", alice...)
	lists(t, s, "bob", bob...)
	lists(t, s, "carol")
	lists(t, s, "", all...)
}

// oddOwners are hard to tell apart for an index that joins keys carelessly.
func oddOwners(id store.ID) []string {
	return []string{
		"a", "A", "aa", "ab", "a\x00", "a\x00a", "a\x00\x00", "\x00", "\x00\x00", "\x00a", "\xff", "\xff\xff", "a\xff", "\xffa",
		" a", "a ", "a/", "a:b", "a%", "a_", "a*", "\u00e4", "a\u0308", "\xc3", "\xc3\x28", "\u202e", "'; drop table", "\n",
		"a" + string(id[:]), "a\x00" + string(id[:]), string(id[:]), string(id[:8]), id.String(),
		strings.Repeat("x", store.MaxOwner), strings.Repeat("x", store.MaxOwner-1), strings.Repeat("x", 255),
		strings.Repeat("x", 256), strings.Repeat("\xff", store.MaxOwner), strings.Repeat("\x00", store.MaxOwner),
		strings.Repeat("x", store.MaxOwner-1) + "y",
	}
}

func ownerAnyBytes(t tester, open func() store.Store) {
	s := open()
	first := newRecord("a", "the first")
	all := []store.Record{first}
	mine := map[string][]store.Record{"a": {first}}
	for _, owner := range oddOwners(first.ID) {
		r := newRecord(owner, "data of "+owner)
		all = append(all, r)
		mine[owner] = append(mine[owner], r)
	}
	save(t, s, all...)
	for owner, records := range mine {
		lists(t, s, owner, records...)
	}
	lists(t, s, "", all...)
	require.NoError(t, s.Delete(t.Context(), first.ID))
	mine["a"] = mine["a"][1:]
	for owner, records := range mine {
		lists(t, s, owner, records...)
	}
}

func ownerChanges(t tester, open func() store.Store) {
	s := open()
	stays := newRecord("alice", "stays")
	r := newRecord("", "moves")
	save(t, s, stays, r)
	for _, owner := range []string{"bob", "alice", "alice", "", "", "bob", "bob\x00", "alice"} {
		before := r.Owner
		r = next(r, "owned by "+owner)
		r.Owner = owner
		save(t, s, r)
		if before != owner && before != "" && before != "alice" {
			lists(t, s, before)
		}
		switch owner {
		case "alice":
			lists(t, s, "alice", stays, r)
		case "":
			lists(t, s, "alice", stays)
		default:
			lists(t, s, "alice", stays)
			lists(t, s, owner, r)
		}
		lists(t, s, "", stays, r)
	}
	require.NoError(t, s.Delete(t.Context(), r.ID))
	lists(t, s, "alice", stays)
}
