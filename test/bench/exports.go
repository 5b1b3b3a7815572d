package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"leadgraph/test/bench/process"
	"leadgraph/test/bench/proxy"
	"leadgraph/test/bench/workload"
)

const (
	exportRounds = 7
	exportFields = `{"fields":"id tenantId status contactDetails { companyName }"}`
)

// exports reads all leads through a proxy, in the platform's largest pages, and as exports
// of one revision, in turns.
func (b *bench) exports(ctx context.Context) error {
	if err := b.startSandbox(ctx, &b.fast, b.stallLeads, 0); err != nil {
		return fmt.Errorf("sandbox: %w", err)
	}
	through, err := b.startProxy(ctx, proxy.Pooled, b.fast)
	if err != nil {
		return err
	}
	defer through.Stop()
	server, err := b.startLeadgraph(ctx, b.fast, []string{"--log-level", "error", "--catalogue-ttl", "1h"})
	if err != nil {
		return err
	}
	defer server.Stop()
	if _, err := b.refresh(ctx, server); err != nil {
		return err
	}
	before, most := process.Memory(server.PID), int64(0)
	look := func() { most = max(most, process.Memory(server.PID)) }
	kinds := []struct {
		name string
		read func() (int64, error)
	}{
		{"pass-through proxy", func() (int64, error) { return readPages(ctx, through, b.stallLeads) }},
		{"export, lines of JSON", func() (int64, error) { return readExport(ctx, server, "application/x-ndjson", "identity", look) }},
		{"export, CSV", func() (int64, error) { return readExport(ctx, server, "text/csv", "identity", look) }},
		{"export, CSV in gzip", func() (int64, error) { return readExport(ctx, server, "text/csv", "gzip", look) }},
	}
	times, sizes := make([][]time.Duration, len(kinds)), make([]int64, len(kinds))
	for range exportRounds {
		for i, k := range kinds {
			begun := time.Now()
			if sizes[i], err = k.read(); err != nil {
				return fmt.Errorf("%s: %w", k.name, err)
			}
			times[i] = append(times[i], time.Since(begun))
		}
	}
	for i, k := range kinds {
		slices.Sort(times[i])
		median := times[i][exportRounds/2]
		_, _ = fmt.Fprintf(b.results, "%-22s %8d bytes, %v (%v to %v), %.0f leads a second\n", k.name, sizes[i], median.Round(time.Millisecond),
			times[i][0].Round(time.Millisecond), times[i][exportRounds-1].Round(time.Millisecond), float64(b.stallLeads)/median.Seconds())
	}
	_, _ = fmt.Fprintf(b.results, "memory before the exports %s, during them at most %s\n", mebibytes(before), mebibytes(most))
	return nil
}

// readPages reads all leads from the proxy, one page after the other.
func readPages(ctx context.Context, through *process.Process, leads int) (size int64, err error) {
	for page := 0; page*workload.Leads < leads; page++ {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, through.URL+workload.PagePath(page, workload.Leads), http.NoBody)
		if err != nil {
			return 0, err
		}
		n, _, err := readAll(request, func() {})
		if size += n; err != nil {
			return 0, err
		}
	}
	return size, nil
}

// readExport reads an export and checks that it is complete. It calls look meanwhile. With a
// coding, net/http does not decompress.
func readExport(ctx context.Context, server *process.Process, mediaType, coding string, look func()) (int64, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, server.URL+"/export", strings.NewReader(exportFields))
	if err != nil {
		return 0, err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Accept", mediaType)
	request.Header.Set("Accept-Encoding", coding)
	size, trailer, err := readAll(request, look)
	if err == nil && trailer.Get("Export-Complete") != "true" {
		err = errors.New("the export is not complete")
	}
	return size, err
}

// readAll reads an answer to its end and calls look once in a megabyte. It returns
// the trailer, too.
func readAll(request *http.Request, look func()) (size int64, trailer http.Header, err error) {
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return 0, nil, errors.New(response.Status)
	}
	for {
		n, err := io.CopyN(io.Discard, response.Body, 1<<20)
		if size += n; errors.Is(err, io.EOF) {
			return size, response.Trailer, nil
		}
		if err != nil {
			return size, nil, err
		}
		look()
	}
}
