package doctor

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"leadgraph/lead"
	"leadgraph/upstream/reader"
)

const (
	// noTenant is an id that no tenant has.
	noTenant = "00000000-0000-4000-8000-000000000000"
	// lookupSize is the page size of leadgraph's lookups.
	lookupSize = 100
)

// shape reports the form that the platform returns leads in. leadgraph reads every
// form.
func (e *exam) shape(context.Context) (Check, error) {
	read := e.start.read
	e.report.Facts.Shape = string(read.Form)
	text := map[reader.Form]string{
		reader.FormArray: "a bare array", reader.FormNested: "an array in an array", reader.FormEnvelope: "an object without leads",
		reader.FormSingle: "a single object for a single lead", reader.FormNull: "null for no leads",
	}[read.Form]
	if read.List != "" {
		text = "an object with the leads in its member " + read.List
	}
	return found(OK, nil, "leads come as %s, which needs no setting", text)
}

// tenants looks up a known and an unknown tenant with each spelling of the filter.
// The platform ignores a spelling that it does not know. The unknown tenant then has
// leads, and the answer for the known tenant contains leads of others.
func (e *exam) tenants(ctx context.Context) (Check, error) {
	given := e.options.Platform.TenantParam
	spellings := []string{given}
	for _, spelling := range []string{"msTenantID", "msTenantId", "mstenantid"} {
		if !slices.Contains(spellings, spelling) {
			spellings = append(spellings, spelling)
		}
	}
	known, err := e.knownTenant(ctx)
	if err != nil {
		return Check{}, err
	}
	if known == "" {
		p, err := e.lookup(ctx, given, noTenant)
		e.unknown = p
		if err != nil {
			return Check{}, err
		}
		if p.refused() && !p.MayNameNoLead() {
			return found(Failed, nil, "lookups are refused (%d)", p.Status)
		}
		return found(Warning, nil, "the platform has no leads that can be read, so the tenant filter cannot be checked; run again when it has some")
	}
	honoured := []string{}
	for _, spelling := range spellings {
		ok, unknown, err := e.honours(ctx, spelling, known)
		if err != nil {
			return Check{}, err
		}
		if ok {
			honoured = append(honoured, spelling)
			if e.unknown == nil {
				e.unknown = unknown
			}
		}
	}
	e.report.Facts.TenantParams = honoured
	switch {
	case len(honoured) == 0:
		e.tenantParam = ""
		return found(Failed, nil, "no spelling of the tenant filter works (%s): tenants cannot be looked up", strings.Join(spellings, ", "))
	case len(honoured) == len(spellings):
		e.tenantParam = given
		return found(OK, nil, "%s works, in any letter case", given)
	}
	e.tenantParam = honoured[0]
	return found(OK, set("--tenant-param", e.tenantParam, given), "the platform accepts only %s", strings.Join(honoured, ", "))
}

// knownTenant returns a tenant that has a lead, or "".
func (e *exam) knownTenant(ctx context.Context) (string, error) {
	readable := e.start.readable()
	if len(readable) == 0 && len(e.start.rows) > 0 { // others on a larger page may be
		p, err := e.list(ctx, e.first, e.largest)
		if err != nil {
			return "", err
		}
		readable = p.readable()
	}
	if len(readable) == 0 {
		return "", nil
	}
	return readable[0].TenantID, nil
}

func (e *exam) lookup(ctx context.Context, param, tenant string) (*page, error) {
	p, err := e.ask(ctx, query{number: e.first, size: lookupSize, param: param, tenant: tenant})
	if err == nil && p.bad == nil && len(p.rows) > 0 && len(p.readable()) == 0 {
		p.bad = errors.New("leadgraph cannot read any of the leads of a tenant") // this does not mean that it has none
	}
	return p, err
}

func (e *exam) honours(ctx context.Context, param, tenant string) (ok bool, unknown *page, err error) {
	mine, err := e.lookup(ctx, param, tenant)
	if err != nil || mine.bad != nil || len(mine.rows) == 0 || !mine.areOf(tenant) {
		return false, nil, err
	}
	unknown, err = e.lookup(ctx, param, noTenant)
	return err == nil && len(unknown.rows) == 0, unknown, err
}

// areOf reports whether all leads of the page belong to the tenant.
func (p *page) areOf(tenant string) bool {
	return !slices.ContainsFunc(p.readable(), func(l *lead.Lead) bool { return !strings.EqualFold(l.TenantID, tenant) })
}

// unknownTenant examines the answer for a tenant without leads.
func (e *exam) unknownTenant(context.Context) (Check, error) {
	p := e.unknown
	switch {
	case p == nil:
		return found(Skipped, nil, "tenants cannot be looked up")
	case p.bad == nil:
		e.report.Facts.UnknownTenantStatus = p.Status
		return found(OK, nil, "%d with no leads", p.Status)
	case p.NamesNoLead || e.answered && p.MayNameNoLead():
		e.report.Facts.UnknownTenantStatus = p.Status
		return found(OK, nil, "404 naming the lead, which leadgraph reads as no leads")
	}
	e.report.Facts.UnknownTenantStatus = p.Status
	if p.Status == http.StatusOK {
		return found(Warning, nil, "200 with something that is not a list of leads: leadgraph returns an error instead of null")
	}
	return found(Warning, nil, "%d: leadgraph returns an error instead of null", p.Status)
}
