package upstream

import "time"

// Forget lets so much time pass that the number of the first page is determined again.
func Forget(c *Client) {
	c.facts.mu.Lock()
	defer c.facts.mu.Unlock()
	c.facts.settled = time.Time{}
}
