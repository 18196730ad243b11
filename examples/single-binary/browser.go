package main

import "strings"

// browserName says in a few words what a User-Agent header means. Browsers
// name others for the sake of old sites, so the order of the tests matters.
func browserName(userAgent string) string {
	program := firstOf(userAgent, "A browser", [][2]string{
		{"Edg", "Edge"},
		{"OPR/", "Opera"},
		{"Firefox/", "Firefox"},
		{"FxiOS/", "Firefox"},
		{"CriOS/", "Chrome"},
		{"Chrome/", "Chrome"},
		{"Safari/", "Safari"},
		{"curl/", "curl"},
		{"Go-http-client/", "A Go program"},
	})
	system := firstOf(userAgent, "", [][2]string{
		{"iPhone", "iPhone"},
		{"iPad", "iPad"},
		{"Android", "Android"},
		{"Windows", "Windows"},
		{"Macintosh", "a Mac"},
		{"CrOS", "ChromeOS"},
		{"Linux", "Linux"},
	})
	if system == "" {
		return program
	}
	return program + " on " + system
}

// firstOf returns the name of the first mark that text contains.
func firstOf(text, otherwise string, names [][2]string) string {
	for _, n := range names {
		if strings.Contains(text, n[0]) {
			return n[1]
		}
	}
	return otherwise
}
