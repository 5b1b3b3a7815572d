package config

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"time"

	"leadgraph/internal/webhook"
)

// Webhooks configures where changes of leads are sent.
type Webhooks struct {
	URL        []Secret      `name:"webhook-url" help:"URL to which each change of a lead is sent. Repeat the flag for several." group:"Webhooks"`
	Secret     Secret        `name:"webhook-secret" help:"Secret that signs what is sent: 24 to 64 bytes in base64, perhaps after whsec_." group:"Webhooks"`
	SecretFile string        `name:"webhook-secret-file" help:"File that holds that secret." type:"path" group:"Webhooks"`
	PII        bool          `name:"webhook-pii" help:"Send personal data too." group:"Webhooks"`
	Source     string        `name:"webhook-source" help:"Source that events name: a URI or a part of one, such as https://leads.example.com. Receivers of several servers tell them apart by it." default:"${webhook_source}" group:"Webhooks"`
	Timeout    time.Duration `name:"webhook-timeout" help:"Time for one request to a receiver; must be positive." default:"${webhook_timeout}" group:"Webhooks"`
	Insecure   bool          `name:"insecure-webhooks" help:"Allow http:// in --webhook-url for another machine. Leads are then readable on the network." group:"Webhooks"`
}

// URLs returns the URLs of the receivers.
func (w *Webhooks) URLs() []string {
	urls := make([]string, len(w.URL))
	for i, secret := range w.URL {
		urls[i] = string(secret)
	}
	return urls
}

// Key returns the decoded secret, or nil if there is none.
func (w *Webhooks) Key() []byte {
	key, _ := webhook.ParseSecret(string(w.Secret)) // Load has refused another one
	return key
}

// complete reads the secret from its file. Its errors do not repeat URLs, which may be secrets
// themselves.
func (w *Webhooks) complete() error {
	errs := []error{w.Secret.readFile("--webhook-secret-file", w.SecretFile), w.checkSecret()}
	if len(w.URL) == 0 && (w.Secret != "" || w.PII || w.Insecure) {
		errs = append(errs, errors.New("--webhook-secret, --webhook-secret-file, --webhook-pii and --insecure-webhooks need --webhook-url"))
	}
	if len(w.URL) > 0 && w.Secret == "" {
		errs = append(errs, errors.New("--webhook-url needs --webhook-secret or --webhook-secret-file"))
	}
	for i, address := range w.URL {
		errs = append(errs, checkURL("--webhook-url", string(address), w.Insecure, "--insecure-webhooks"))
		if slices.Contains(w.URL[:i], address) {
			errs = append(errs, errors.New("--webhook-url must not be given twice with the same value"))
		}
	}
	if source, err := url.Parse(w.Source); err != nil || source.String() == "" {
		errs = append(errs, errors.New("--webhook-source must be a URI or a part of one"))
	}
	if w.Timeout <= 0 {
		errs = append(errs, errors.New("--webhook-timeout must be positive"))
	}
	return errors.Join(errs...)
}

func (w *Webhooks) checkSecret() error {
	if w.Secret == "" {
		return nil
	}
	if _, err := webhook.ParseSecret(string(w.Secret)); err != nil {
		return fmt.Errorf("--webhook-secret %w", err)
	}
	return nil
}
