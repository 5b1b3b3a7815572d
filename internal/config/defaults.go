package config

import (
	"fmt"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"leadgraph/graph/limits"
	"leadgraph/graph/pagination"
	"leadgraph/internal/auth"
	"leadgraph/internal/doctor"
	"leadgraph/internal/share"
	"leadgraph/internal/webhook"
	"leadgraph/lead"
	"leadgraph/lead/catalogue"
	"leadgraph/lead/changes"
	"leadgraph/lead/lookup"
	"leadgraph/upstream"
	"leadgraph/upstream/sandbox"
)

// Limits that only the settings have.
const (
	maxTokens = 1_000_000
	maxFanOut = 1000

	maxBody = 64 << 10
	// subgraphMaxBody is enough for 1,000 representations, about 70 bytes each, with a query.
	subgraphMaxBody = 256 << 10
)

// bounds are the values that struct tags refer to by name. A default has the name
// of its flag. The packages that use the settings state these values; a default
// that no other package needs is in its tag.
var bounds = vars(map[string]any{
	"read_scope": auth.DefaultReadScope,
	"sync_scope": auth.DefaultSyncScope,
	"pii_scope":  auth.DefaultPIIScope,

	"tenant_param":                upstream.DefaultTenantParam,
	"page_size":                   upstream.DefaultPageSize,
	"max_pages":                   upstream.DefaultMaxPages,
	"upstream_timeout":            upstream.DefaultTimeout,
	"upstream_attempt_timeout":    upstream.DefaultAttemptTimeout,
	"upstream_retries":            upstream.DefaultRetries,
	"upstream_concurrency":        upstream.DefaultMaxConcurrent,
	"upstream_online_timeout":     upstream.DefaultOnlineTimeout,
	"upstream_online_concurrency": upstream.DefaultMaxOnline,
	"upstream_max_body":           upstream.DefaultMaxBody,
	"upstream_max_leads":          upstream.DefaultMaxLeads,

	"catalogue_timeout":   catalogue.DefaultRefreshTimeout,
	"catalogue_page_size": upstream.MaxPageSize,
	"lookup_ttl":          lookup.DefaultLookupTTL,
	"lookup_negative_ttl": lookup.DefaultNegativeTTL,
	"no_cache_interval":   lead.DefaultNoCacheInterval,
	"lookup_bytes":        lookup.DefaultLookupBytes,
	"changes_interval":    changes.DefaultInterval,
	"changes_retention":   changes.DefaultRetention,
	"changes_memory":      changes.DefaultMaxBytes,
	"fan_out":             lookup.DefaultFanOut,
	"redis_timeout":       share.DefaultBound,
	"webhook_source":      webhook.DefaultSource,
	"webhook_timeout":     webhook.DefaultTimeout,

	"default_first": pagination.DefaultSize,
	"max_first":     pagination.DefaultMax,
	"max_tokens":    limits.DefaultTokens,
	"max_depth":     limits.DefaultDepth,
	"max_aliases":   limits.DefaultAliases,
	"budget_calls":  limits.DefaultBudgetCalls,
	"max_calls":     limits.DefaultBudgetCalls,
	"max_rows":      limits.DefaultBudgetRows,

	"rows_per_weight":  limits.RowsPerWeight,
	"calls_per_weight": limits.CallsPerWeight,

	"sandbox_leads":         sandbox.DefaultLeads,
	"sandbox_live_interval": sandbox.DefaultLiveInterval,
	"doctor_timeout":        doctor.DefaultTimeout,

	// Values that only help texts name.
	"max_page":          upstream.MaxPageSize,
	"ms_per_lead":       upstream.DefaultTimePerRow.Milliseconds(),
	"max_max_tokens":    maxTokens,
	"usual_max_body":    maxBody,
	"subgraph_max_body": subgraphMaxBody,
	"max_fan_out":       maxFanOut,
	"max_sandbox_leads": sandbox.MaxLeads,
	"doctor_rate":       doctor.DefaultRate,
	"key_bytes":         keyBytes,
})

// vars formats values as a user would write them in a flag.
func vars(values map[string]any) kong.Vars {
	texts := kong.Vars{}
	for name, value := range values {
		texts[name] = fmt.Sprint(value)
		if _, ok := value.(time.Duration); ok {
			texts[name] = shorten(texts[name])
		}
	}
	return texts
}

// shorten removes zero seconds and minutes from the end of a duration: 2m0s
// becomes 2m, and 1h0m0s becomes 1h.
func shorten(duration string) string {
	for _, unit := range []string{"m0s", "h0m"} {
		if strings.HasSuffix(duration, unit) {
			duration = duration[:len(duration)-2]
		}
	}
	return duration
}
