package truth

import "sync"

// onceOf is a value that is decided when it is needed for the first time. Unlike those of
// sync.OnceValue it is part of what it belongs to.
type onceOf[T any] struct {
	once   sync.Once
	decide func() T
	value  T
}

func (o *onceOf[T]) get() T {
	o.once.Do(func() { o.value = o.decide() })
	return o.value
}

// isSimple reports whether what a field has read is the newest. It is decided once.
func (o *Operation) isSimple() bool {
	o.simple.Do(func() { o.simplest = o.alone && o.Memory().Len() == 0 })
	return o.simplest
}
