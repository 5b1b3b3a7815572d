package lead

// Age says whether leads are as fresh as the server promises.
type Age uint8

const (
	// AgeFresh means that the leads are not older than promised.
	AgeFresh Age = iota
	// AgeRevalidating means that the leads are older and are being read again.
	AgeRevalidating
	// AgeStale means that newer leads cannot be read, because the platform fails.
	AgeStale
)

// AgeNames are the names of the ages in the schema.
var AgeNames = map[Age]string{AgeFresh: "FRESH", AgeRevalidating: "REVALIDATING", AgeStale: "STALE"}
