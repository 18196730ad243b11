// Package fuzz holds the fuzz targets of this module. It has nothing to
// import: the targets are tests.
//
// They see the module as other modules do, and what it has written as
// docs/format.md describes it. So they are in one package, and one command runs
// any of them:
//
//	go test ./fuzz -fuzz='^FuzzPayload$'
//
// Each begins with inputs of two kinds: those that it makes itself, sound ones
// and all kinds of damage to them, and the files in testdata/fuzz, which hold
// what was interesting once. "go test ./fuzz" runs all of these. An input that
// makes a target fail is written there too; it is to be committed with the
// correction.
package fuzz
