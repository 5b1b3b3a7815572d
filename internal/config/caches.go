package config

import (
	"errors"
	"fmt"
	"time"

	"leadgraph/internal/share"
	"leadgraph/upstream"
)

// Caches configures how old leads may be when they are served, and what replicas
// share.
type Caches struct {
	CatalogueTTL        time.Duration  `help:"Age up to which the catalogue of all leads is fresh; 0 or more." default:"1m" group:"Catalogue and caches"`
	CatalogueRevalidate time.Duration  `help:"How much longer a stale catalogue is served while it is refreshed in the background; 0 or more." default:"5m" group:"Catalogue and caches"`
	CatalogueIfError    time.Duration  `help:"Age up to which the catalogue is served when the platform fails; 0 or more." default:"1h" group:"Catalogue and caches"`
	CatalogueTimeout    time.Duration  `help:"Time for one refresh of the catalogue; must be positive." default:"${catalogue_timeout}" group:"Catalogue and caches"`
	CataloguePageSize   int            `help:"Leads on each page of a refresh: 1 to ${max_page}." default:"${catalogue_page_size}" group:"Catalogue and caches"`
	PagesFromCatalogue  bool           `help:"Answer pages of leads only from the catalogue, for a platform whose pages are unreliable. leadgraph doctor reports whether this is needed." group:"Catalogue and caches"`
	CatalogueWarm       bool           `help:"Read all leads at startup instead of on the first request that needs them. The server is not ready until then, at most for --catalogue-warm-timeout." group:"Catalogue and caches"`
	CatalogueWarmLimit  time.Duration  `name:"catalogue-warm-timeout" help:"How long --catalogue-warm may keep the server not ready; must be positive. After that it serves although the leads have not been read." default:"${catalogue_timeout}" group:"Catalogue and caches"`
	LookupTTL           time.Duration  `help:"Age up to which a tenant's leads are served from memory; 0 switches the lookup cache off." default:"${lookup_ttl}" group:"Catalogue and caches"`
	LookupNegativeTTL   time.Duration  `help:"Age up to which leadgraph remembers that a tenant has no lead; at most --lookup-ttl counts, 0 switches this off." default:"${lookup_negative_ttl}" group:"Catalogue and caches"`
	NoCacheInterval     time.Duration  `help:"How often Cache-Control: no-cache makes leadgraph read leads again, for all clients together, or twice the time that reading takes if that is longer. 0 grants each wish." default:"${no_cache_interval}" group:"Catalogue and caches"`
	LookupBytes         int64          `help:"Maximum memory of the lookup cache, in bytes; must be positive." default:"${lookup_bytes}" group:"Catalogue and caches"`
	FanOut              int            `help:"Maximum number of one operation's lookups that are read at a time: 1 to ${max_fan_out}." default:"${fan_out}" group:"Catalogue and caches"`
	RedisURL            Secret         `help:"Redis or Valkey through which replicas share the catalogue and lookups, such as rediss://USER:PASSWORD@HOST:6379/0." group:"Catalogue and caches"`
	RedisURLFile        string         `name:"redis-url-file" help:"File that holds the URL of Redis, which may contain a password." type:"path" group:"Catalogue and caches"`
	RedisTimeout        time.Duration  `help:"Maximum time for one step with Redis; after that leadgraph continues without it. Must be positive." default:"${redis_timeout}" group:"Catalogue and caches"`
	RedisKey            Secret         `help:"Key that encrypts and authenticates what is stored in Redis: ${key_bytes} bytes in base64, the same in all replicas." group:"Catalogue and caches"`
	RedisKeyFile        string         `help:"File that holds the key for Redis." type:"path" group:"Catalogue and caches"`
	RedisPlaintext      bool           `help:"Share through a Redis on another machine without --redis-key. Whoever can write there then decides what is answered." group:"Catalogue and caches"`
	Changes             string         `help:"When leads are read again for those who watch changes: while somebody subscribes (on-demand), or always." enum:"on-demand,always" default:"on-demand" group:"Catalogue and caches"`
	ChangesInterval     time.Duration  `help:"How often leads are then read; never more often than ten times what a reading takes. Must be positive." default:"${changes_interval}" group:"Catalogue and caches"`
	ChangesRetention    time.Duration  `help:"How long changes are kept for clients that come back; must be positive." default:"${changes_retention}" group:"Catalogue and caches"`
	ChangesMemory       int64          `help:"Maximum memory of these changes, in bytes; must be positive." default:"${changes_memory}" group:"Catalogue and caches"`
	StaleIfError        *time.Duration `help:"Age up to which leads that were read before answer pages and lookups when the platform fails; 0 or more. Empty: as long as --catalogue-if-error." group:"Catalogue and caches"`
}

// ChangesAlways is the value of Caches.Changes that has leads read although nobody watches.
const ChangesAlways = "always"

// StaleAge returns the age up to which leads answer pages and lookups when the platform
// fails.
func (c *Caches) StaleAge() time.Duration {
	if c.StaleIfError == nil {
		return c.CatalogueIfError
	}
	return *c.StaleIfError
}

func (c *Caches) complete() error {
	errs := []error{
		c.RedisURL.readFile("--redis-url-file", c.RedisURLFile),
		c.RedisKey.readFile("--redis-key-file", c.RedisKeyFile),
		c.RedisKey.checkKey("--redis-key"),
		c.checkRedis(),
		oneTo(upstream.MaxPageSize, "--catalogue-page-size", c.CataloguePageSize),
		oneTo(maxFanOut, "--fan-out", c.FanOut),
	}
	for _, setting := range []struct {
		flag string
		age  time.Duration
	}{
		{"--catalogue-ttl", c.CatalogueTTL},
		{"--catalogue-revalidate", c.CatalogueRevalidate},
		{"--catalogue-if-error", c.CatalogueIfError},
		{"--stale-if-error", c.StaleAge()},
		{"--lookup-ttl", c.LookupTTL},
		{"--lookup-negative-ttl", c.LookupNegativeTTL},
		{"--no-cache-interval", c.NoCacheInterval},
	} {
		if setting.age < 0 {
			errs = append(errs, fmt.Errorf("%s must not be negative", setting.flag))
		}
	}
	if c.CatalogueWarmLimit <= 0 {
		errs = append(errs, errors.New("--catalogue-warm-timeout must be positive"))
	}
	if c.CatalogueTimeout <= 0 || c.LookupBytes <= 0 || c.RedisTimeout <= 0 {
		errs = append(errs, errors.New("--catalogue-timeout, --lookup-bytes and --redis-timeout must be positive"))
	}
	if c.ChangesInterval <= 0 || c.ChangesRetention <= 0 || c.ChangesMemory <= 0 {
		errs = append(errs, errors.New("--changes-interval, --changes-retention and --changes-memory must be positive"))
	}
	return errors.Join(errs...)
}

// checkRedis refuses what names no server, and to share without a key through another
// machine. It must be called after the secrets were read.
func (c *Caches) checkRedis() error {
	if c.RedisURL == "" {
		if c.RedisKey != "" {
			return errors.New("--redis-key and --redis-key-file need --redis-url")
		}
		return nil
	}
	if err := share.CheckURL(string(c.RedisURL)); err != nil {
		return fmt.Errorf("--redis-url: %w", err)
	}
	if c.RedisKey != "" || c.RedisPlaintext || share.IsLocal(string(c.RedisURL)) {
		return nil
	}
	return errors.New("--redis-url needs --redis-key or --redis-key-file unless it names this machine; --redis-plaintext allows leads that are neither encrypted nor authenticated")
}
