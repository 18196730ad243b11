package gimlet

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// What a placement does not say takes its default, ServerSide and Permanent;
// flags combine, and both of two opposites are refused.
func TestPlacement_area(t *testing.T) {
	want := map[Placement]area{
		0:                      serverPermanent,
		ServerSide:             serverPermanent,
		Permanent:              serverPermanent,
		ServerSide | Permanent: serverPermanent,
		Transient:              serverTransient,
		ServerSide | Transient: serverTransient,
		ClientSide:             clientPermanent,
		ClientSide | Permanent: clientPermanent,
		ClientSide | Transient: clientTransient,
	}
	for p := range Quick { // every combination of the other flags
		a, err := p.area()
		quick, quickErr := (p | Quick).area()
		require.Equal(t, err, quickErr, "Quick says nothing of the place: %b", p)
		require.Equal(t, a, quick)
		switch expected, ok := want[p]; {
		case ok:
			require.NoError(t, err, "%b", p)
			require.Equal(t, expected, a, "%b", p)
		case p&(ServerSide|ClientSide) == ServerSide|ClientSide:
			require.ErrorIs(t, err, errBothSides, "%b", p)
		default:
			require.ErrorIs(t, err, errBothDurations, "%b", p)
		}
	}
}

// For reads a placement narrows the search, and what it does not say is
// searched.
func TestPlacement_covers(t *testing.T) {
	all := []area{serverPermanent, serverTransient, clientPermanent, clientTransient}
	tests := map[Placement][]area{
		0:                       all,
		Quick:                   all,
		ServerSide:              {serverPermanent, serverTransient},
		ClientSide:              {clientPermanent, clientTransient},
		Permanent:               {serverPermanent, clientPermanent},
		Transient:               {serverTransient, clientTransient},
		ServerSide | Transient:  {serverTransient},
		ClientSide | Permanent:  {clientPermanent},
		ServerSide | ClientSide: all,
		Permanent | Transient:   all,
		ClientSide | Transient:  {clientTransient},
		ServerSide | Permanent:  {serverPermanent},
	}
	for p, want := range tests {
		var got []area
		for a := range areas {
			if p.covers(a) {
				got = append(got, a)
			}
		}
		require.ElementsMatch(t, want, got, "%b", p)
		server := p.covers(serverPermanent) || p.covers(serverTransient)
		require.Equal(t, server, p.coversServer(), "%b", p)
	}
}

// Several placements are one, as if they were combined with |.
func TestPlacement_several(t *testing.T) {
	require.Zero(t, placementOf(nil))
	require.Equal(t, ClientSide|Transient|Quick, placementOf([]Placement{ClientSide, Transient | Quick, ClientSide}))
}

// Values of the client-side areas travel in a cookie, the others do not.
func TestPlacement_client(t *testing.T) {
	require.False(t, serverPermanent.client())
	require.False(t, serverTransient.client())
	require.True(t, clientPermanent.client())
	require.True(t, clientTransient.client())
}
