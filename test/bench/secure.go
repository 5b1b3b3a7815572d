package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"leadgraph/upstream/sandbox"
)

const (
	// secureCommand is the first argument that makes this program a sandbox with TLS.
	// The protocol and the folder of its certificate follow.
	secureCommand = "secure-sandbox"

	certificateFile = "certificate.pem" // in that folder
	keyFile         = "key.pem"
)

// Protocols of the platform with TLS.
const (
	http1 = "HTTP/1.1"
	http2 = "HTTP/2"
)

// serveSecure serves a sandbox of a number of leads until ctx ends, with TLS and without on two free
// loopback ports, and prints their URLs. The counts of calls are those of both.
func serveSecure(ctx context.Context, leads int, protocol, folder string, out io.Writer) error {
	platform, err := sandbox.New(sandbox.Options{Leads: leads})
	if err != nil {
		return err
	}
	certificate, err := tls.LoadX509KeyPair(filepath.Join(folder, certificateFile), filepath.Join(folder, keyFile))
	if err != nil {
		return err
	}
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	protocols.SetHTTP2(protocol == http2)
	secure := &http.Server{
		Handler: platform, ReadHeaderTimeout: 5 * time.Second, Protocols: &protocols,
		TLSConfig: &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12},
	}
	plain := &http.Server{Handler: platform, ReadHeaderTimeout: 5 * time.Second}
	var listeners [2]net.Listener
	for i := range listeners {
		if listeners[i], err = new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0"); err != nil {
			return err
		}
	}
	if _, err := fmt.Fprintf(out, "secure endpoint: https://%s\nendpoint: http://%s\n", listeners[0].Addr(), listeners[1].Addr()); err != nil {
		return err
	}
	// Either of them ends both.
	both, end := context.WithCancel(ctx)
	defer context.AfterFunc(both, func() { _, _ = secure.Close(), plain.Close() })()
	var servers errgroup.Group
	servers.Go(func() error {
		defer end()
		return secure.ServeTLS(listeners[0], "", "")
	})
	servers.Go(func() error {
		defer end()
		return plain.Serve(listeners[1])
	})
	if err := servers.Wait(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// writeCertificate writes a certificate of its own for the loopback, and its key.
func writeCertificate(folder string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return err
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	write := func(name, kind string, content []byte) error {
		return os.WriteFile(filepath.Join(folder, name), pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: content}), 0o600)
	}
	return errors.Join(write(certificateFile, "CERTIFICATE", certificate), write(keyFile, "PRIVATE KEY", secret))
}
