package storetest

import (
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet/store"
)

// flaws says which cases each flaw must fail, so that a case which no longer
// finds what it is there for is found itself.
var flaws = map[string][]string{
	"forgets the owner":                               {"Load/returns what was saved"},
	"loads nothing without an error":                  {"Load/not found"},
	"takes a neighbour for it":                        {"Load/not found"},
	"hides reserved IDs":                              {"Load/any ID"},
	"inserts over what is there":                      {"Save/inserts if absent", "Model/random operations"},
	"ignores versions":                                {"Save/inserts if absent", "Save/replaces the version before", "Save/does not bring back"},
	"takes any later version":                         {"Save/replaces the version before", "Model/random operations"},
	"revives on Save":                                 {"Save/does not bring back", "Expiry/is not undone"},
	"compares and writes in two steps":                {"Save/one insert wins", "Save/one version wins", "Delete/is not undone", "Concurrency/no update is lost"},
	"writes a record in two steps":                    {"Save/replaces all together"},
	"checks no record":                                {"Save/refuses invalid records"},
	"cuts large data":                                 {"Save/sizes"},
	"cuts zeros off":                                  {"Save/sizes"},
	"keeps the caller's bytes":                        {"Bytes/the caller keeps what it passes"},
	"writes into the caller's bytes":                  {"Bytes/the caller keeps what it passes"},
	"shares its bytes with callers of Load":           {"Bytes/the caller owns what Load returns"},
	"shares its bytes with callers of List":           {"Bytes/the caller owns what List yields"},
	"lends a pooled buffer":                           {"Bytes/stay valid"},
	"cannot delete the absent":                        {"Delete/removes"},
	"deletes but not from the lists":                  {"Delete/removes"},
	"never frees an ID":                               {"Delete/frees the ID", "Expiry/frees the ID"},
	"shows touches late":                              {"Touch/moves the expiry alone"},
	"never shortens a life":                           {"Touch/moves the expiry alone", "Touch/counts for the clock", "Expiry/in the past"},
	"counts touches as versions":                      {"Touch/moves the expiry alone"},
	"revives on Touch":                                {"Touch/does not revive"},
	"revives the expired on Touch":                    {"Expiry/is not undone"},
	"goes by the first expiry":                        {"Touch/counts for the clock"},
	"writes touches late":                             {"Touch/yields to a later save"},
	"keeps the touches of the deleted":                {"Touch/yields to a later save"},
	"touches in two steps":                            {"Touch/loses no save"},
	"loads the expired":                               {"Expiry/from that instant on"},
	"lists the expired":                               {"Expiry/from that instant on"},
	"expires a moment late":                           {"Expiry/from that instant on"},
	"expires a moment early":                          {"Expiry/from that instant on"},
	"counts time in nanoseconds":                      {"Expiry/never"},
	"takes zero for long ago":                         {"Expiry/never"},
	"revives the expired on Save":                     {"Expiry/is not undone"},
	"keeps IDs until they are swept":                  {"Expiry/frees the ID"},
	"takes 1970 for never":                            {"Expiry/in the past"},
	"takes the year 1 for never":                      {"Expiry/in the past"},
	"rounds to seconds":                               {"Expiry/rounding"},
	"rounds up":                                       {"Expiry/rounding"},
	"lists everybody's":                               {"Owner/lists one owner or all"},
	"lists nobody's as all":                           {"Owner/lists one owner or all"},
	"lists owners by prefix":                          {"Owner/any bytes"},
	"folds the case of owners":                        {"Owner/any bytes"},
	"cuts owners at NUL":                              {"Owner/any bytes"},
	"cuts owners at 255 bytes":                        {"Owner/any bytes"},
	"keeps the first owner":                           {"Owner/changes with Save"},
	"lists by what was first stored":                  {"Owner/changes with Save"},
	"goes on after break":                             {"List/break"},
	"holds its lock in the loop":                      {"List/any method in the loop"},
	"waits for listings at Close":                     {"List/Close in the loop"},
	"pages by position":                               {"List/what changes meanwhile"},
	"sweeps without limit":                            {"Sweep/up to the limit"},
	"takes limit 0 for none":                          {"Sweep/up to the limit"},
	"sweeps the living":                               {"Sweep/up to the limit"},
	"sweeps by its own clock":                         {"Sweep/what had expired at now"},
	"sweeps by the first expiry":                      {"Sweep/follows the newest expiry"},
	"counts what it only looked at":                   {"Sweep/follows the newest expiry"},
	"sweeps but not from the lists":                   {"Sweep/leaves nothing behind"},
	"ignores contexts":                                {"Context/done before", "Context/ends while listing"},
	"looks at contexts too late":                      {"Context/done before"},
	"ends quietly when the context ends":              {"Context/ends while listing"},
	"lists on when the context ends":                  {"Context/ends while listing"},
	"gives up half-way when the context ends":         {"Context/ends while saving"},
	"reports an ended context as its own failure":     {"Context/ends while saving"},
	"works after Close":                               {"Close/later calls", "Close/calls under way"},
	"lists nothing when closed":                       {"Close/later calls"},
	"fails the second Close":                          {"Close/later calls"},
	"panics after Close":                              {"Close/calls under way"},
	"updates by deleting and inserting":               {"Concurrency/reads see what was acknowledged"},
	"caches without versions":                         {"Concurrency/reads see what was acknowledged"},
	"touches by an old clock and sweeps in two steps": {"Concurrency/Sweep spares what was kept alive"},
	"sweeps in two steps":                             {"Concurrency/Sweep spares what was inserted again"},
}

// durableFlaws is flaws for [RunDurable].
var durableFlaws = map[string][]string{
	"forgets what it saved":        {"Durable/what Save has stored"},
	"forgets owners":               {"Durable/what Save has stored"},
	"forgets deletes":              {"Durable/what Delete has removed"},
	"forgets touches":              {"Durable/what Touch has moved"},
	"stops the clock while closed": {"Durable/what expires meanwhile"},
	"forgets sweeps":               {"Durable/what Sweep has removed"},
}

// TestRun_flawless runs the suite on the store that all flawed ones are
// made of: what fails them is their flaw.
func TestRun_flawless(t *testing.T) {
	Run(t, func(*testing.T) store.Store { return newFlawed("") })
}

func TestRunDurable_flawless(t *testing.T) {
	disks := make(map[string]*flawedDisk)
	RunDurable(t, func(_ *testing.T, dir string) store.Store {
		if disks[dir] == nil {
			disks[dir] = new(flawedDisk)
		}
		return disks[dir].open()
	})
}

func TestRun_finds(t *testing.T) {
	defer func(d time.Duration) { patience = d }(patience)
	patience = 500 * time.Millisecond // some flawed stores hang
	// Some need two processors to show what they are.
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(max(2, runtime.NumCPU())))
	for flaw, names := range flaws {
		t.Run(flaw, func(t *testing.T) {
			requireFound(t, contract(), names, func() func() store.Store {
				return func() store.Store { return newFlawed(flaw) }
			})
		})
	}
}

func TestRunDurable_finds(t *testing.T) {
	for flaw, names := range durableFlaws {
		t.Run(flaw, func(t *testing.T) {
			requireFound(t, durableCases, names, func() func() store.Store {
				return (&flawedDisk{flaw: flaw}).open
			})
		})
	}
}

// requireFound checks that each of the named cases fails. Some flaws need
// chance to show, so it tries for a while, each time on the stores of a new
// opener.
func requireFound(t *testing.T, cases []testCase, names []string, opener func() func() store.Store) {
	for _, name := range names {
		i := slices.IndexFunc(cases, func(c testCase) bool { return c.name == name })
		require.GreaterOrEqual(t, i, 0, "no case is called %q", name)
		var found []string
		for start := time.Now(); len(found) == 0 && time.Since(start) < 10*time.Second; {
			found = failures(t, cases[i], opener())
		}
		require.NotEmpty(t, found, "the store passes %q", name)
		t.Logf("%s: %s", name, found[0])
	}
}

// TestRun_everyCaseCanFail looks for cases that prove nothing.
func TestRun_everyCaseCanFail(t *testing.T) {
	requireAllCanFail(t, contract(), flaws)
	requireAllCanFail(t, durableCases, durableFlaws)
}

func requireAllCanFail(t *testing.T, cases []testCase, flaws map[string][]string) {
	failing := make(map[string]bool)
	for _, names := range flaws {
		for _, name := range names {
			failing[name] = true
		}
	}
	for _, c := range cases {
		require.True(t, failing[c.name], "no flawed store fails %q", c.name)
		require.NotEmpty(t, c.rule, c.name)
	}
}
