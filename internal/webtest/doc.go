// Package webtest is what stands between a server and a person, for tests: a
// browser's cookie jar as strict as RFC 6265bis, and a shared cache as eager
// as RFC 9111 allows.
//
// Both take the side of the world. A [Jar] refuses every cookie that some
// browser would refuse, and remembers that it did; a [Cache] hands an answer to
// whoever may have it. What works with them works with anything milder.
package webtest
