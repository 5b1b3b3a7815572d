package main

import (
	"fmt"
	"time"

	"leadgraph/test/soak/oracle"
)

// deployedAges are the defaults of leadgraph, which deploy/ does not change. Reading all
// leads takes several pages.
func deployedAges() oracle.Ages {
	return oracle.Ages{
		Lookup: 30 * time.Second, NoLead: 10 * time.Second,
		Fresh: time.Minute, Revalidate: 5 * time.Minute, IfFailing: time.Hour,
		Reading: deployedRefresh + time.Minute, Torn: true,
	}
}

// deployedRefresh is the default time for reading all leads.
const deployedRefresh = 2 * time.Minute

// refreshTime is how long the server whose platform fails may read all leads.
func (k *soak) refreshTime() time.Duration {
	if k.memory > 0 {
		return deployedRefresh
	}
	return refreshTimeout
}

// variables returns those of the server whose memory is limited. As in deploy/, nine
// tenths of the memory are for Go.
func (k *soak) variables() []string {
	if k.memory == 0 {
		return nil
	}
	return []string{fmt.Sprintf("GOMEMLIMIT=%dMiB", k.memory*9/10)}
}
