package httpd

import (
	"context"
	"fmt"
	"net/http"
	"time"
)

// probeTimeout is below the time that container engines give a health check.
const probeTimeout = 2 * time.Second

// Probe asks a server for its health; the error is nil if it answers 200 within
// two seconds. It lets an image without a shell or curl check itself.
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
