package main

import (
	"fmt"
	"net/http"
	"slices"

	"github.com/gimlet-go/gimlet"
)

// A product is something that the shop sells. templates/drawings.html has a
// drawing for each ID.
type product struct {
	ID, Name, Purpose string
	Price             cents
}

var products = []product{
	{"gimlet", "Gimlet", "Small holes, by hand", 9_50},
	{"awl", "Bird-cage awl", "Marks and starts", 14_00},
	{"brace", "Brace", "Larger holes, slowly", 64_00},
	{"mallet", "Beech mallet", "Gentle persuasion", 32_00},
	{"square", "Try square", "Tells right from wrong", 27_50},
	{"plane", "Smoothing plane", "The last word", 119_00},
}

func findProduct(id string) (product, bool) {
	i := slices.IndexFunc(products, func(p product) bool { return p.ID == id })
	if i < 0 {
		return product{}, false
	}
	return products[i], true
}

type cents int

func (c cents) String() string { return fmt.Sprintf("€%d.%02d", c/100, c%100) }

// A cartLine is what the session keeps of a product in the cart.
type cartLine struct {
	Item     string `json:"item"`
	Quantity int    `json:"quantity"`
}

const maxQuantity = 99

// addToCart puts one of a product into the cart. As with the counter, Update
// loses nothing when two tabs add at the same time.
func (a *app) addToCart(s *gimlet.Session, r *http.Request) error {
	p, ok := findProduct(r.PostForm.Get("item"))
	if !ok {
		s.Flash(cartNews, "We do not have that.")
		return nil
	}
	cart.Update(s, func(lines []cartLine) []cartLine { return changeQuantity(lines, p.ID, 1) })
	s.Flash(cartNews, "Added: "+p.Name+".")
	return nil
}

// removeFromCart takes one of a product out of the cart.
func (a *app) removeFromCart(s *gimlet.Session, r *http.Request) error {
	item := r.PostForm.Get("item")
	cart.Update(s, func(lines []cartLine) []cartLine { return changeQuantity(lines, item, -1) })
	return nil
}

// changeQuantity keeps each product on at most one line, and no line without
// a quantity. It may change lines in place: Update hands out a fresh copy.
func changeQuantity(lines []cartLine, item string, by int) []cartLine {
	i := slices.IndexFunc(lines, func(l cartLine) bool { return l.Item == item })
	if i < 0 {
		lines, i = append(lines, cartLine{Item: item}), len(lines)
	}
	lines[i].Quantity = min(lines[i].Quantity+by, maxQuantity)
	return slices.DeleteFunc(lines, func(l cartLine) bool { return l.Quantity < 1 })
}

// A receipt is the cart as a page shows it.
type receipt struct {
	Lines []receiptLine
	Total cents
}

type receiptLine struct {
	product
	Quantity int
	Cost     cents
}

// newReceipt prices the cart. What the shop has stopped selling is left out.
func newReceipt(lines []cartLine) receipt {
	var rec receipt
	for _, l := range lines {
		p, ok := findProduct(l.Item)
		if !ok {
			continue
		}
		cost := p.Price * cents(l.Quantity)
		rec.Lines = append(rec.Lines, receiptLine{p, l.Quantity, cost})
		rec.Total += cost
	}
	return rec
}

// QuantityOf returns how many of a product are in the cart.
func (r receipt) QuantityOf(id string) int {
	for _, l := range r.Lines {
		if l.ID == id {
			return l.Quantity
		}
	}
	return 0
}
