package gimlet_test

import (
	"context"
	"fmt"
	"log"

	"github.com/gimlet-go/gimlet"
	"github.com/gimlet-go/gimlet/store/memory"
)

type Address struct {
	Street string
	City   string
}

var (
	shipTo = gimlet.NewKey[Address]("ship_to")
	items  = gimlet.NewKey[int]("items")
)

// A typed key gives back what was set, structs included. Nothing needs to be
// registered.
func ExampleKey() {
	sessions, err := gimlet.New(memory.New())
	if err != nil {
		log.Fatal(err)
	}
	defer sessions.Close()
	s := sessions.Begin(context.Background()) // in a handler: gimlet.From(r)

	_, ok := shipTo.Get(s)
	fmt.Println("there is an address:", ok)

	shipTo.Set(s, Address{Street: "1 Main Street", City: "Springfield"})
	address, _ := shipTo.Get(s)
	fmt.Println(address.City)

	// What is stored under the name is an Address: it is never taken for
	// something else.
	_, ok = gimlet.NewKey[int]("ship_to").Get(s)
	fmt.Println("it is an int:", ok)
	fmt.Println(s.Err())

	// Output:
	// there is an address: false
	// Springfield
	// it is an int: false
	// gimlet: key "ship_to": stored as struct, read as int
}

// Two requests of one browser add to the cart at the same time. Both have read
// the same number; Update adds to the newest one, so that neither is lost.
func ExampleKey_Update() {
	sessions, err := gimlet.New(memory.New())
	if err != nil {
		log.Fatal(err)
	}
	defer sessions.Close()
	ctx := context.Background()
	s := sessions.Begin(ctx)
	items.Set(s, 1)
	s.Commit(ctx)
	token, err := s.Token()
	if err != nil {
		log.Fatal(err)
	}

	first, _ := sessions.Load(ctx, token)
	second, _ := sessions.Load(ctx, token)
	items.Update(first, func(n int) int { return n + 1 })
	items.Update(second, func(n int) int { return n + 10 })
	first.Commit(ctx)
	second.Commit(ctx)

	fmt.Println(items.Get(second))

	// Output:
	// 12 true
}
