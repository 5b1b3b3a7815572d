package httpd

import (
	"context"
	"fmt"
	"net/http"
	"time"
)

// probeTimeout is shorter than the health check timeout of container engines.
const probeTimeout = 2 * time.Second

// Probe requests a server's health endpoint. It returns nil if the server answers
// 200 within two seconds. With it an image without a shell or curl can check
// itself.
func Probe(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	if err := response.Body.Close(); err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("not healthy: %s", response.Status)
	}
	return nil
}
