package probe

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// HTTPOptions says what is asked of a server, and which answer is good.
type HTTPOptions struct {
	// Status are the codes which are good, 200 to 599; those from 200 to 399
	// if there are none.
	Status []int

	// Header is sent with the request. A Host in it is the name of the server
	// that is asked for; the User-Agent is "coppice-probe" if there is none.
	Header http.Header

	// Insecure takes any certificate from an https server.
	Insecure bool
}

const (
	maxHeaderBytes = 64 << 10 // of an answer
	maxBodyBytes   = 64 << 10 // that are read of it
)

// HTTP makes a check that is good when a GET of rawURL is answered with one of
// the expected codes. The code is all that counts: the body is read to its end,
// or 64 KiB of it, and thrown away.
//
// A redirect is an answer as any other, good by default, and not followed: it
// would ask something else than what was named. Each attempt has a connection
// of its own, HTTP/1.1, directly to the server: HTTP_PROXY and the like are for
// traffic to the world. Certificates are verified unless o.Insecure is set.
//
// The error says what is wrong with rawURL or o.
func HTTP(rawURL string, o HTTPOptions) (Check, error) {
	if err := checkURL(rawURL); err != nil {
		return nil, err
	}
	if err := o.validate(); err != nil {
		return nil, err
	}
	good := slices.Clone(o.Status)
	header := o.Header.Clone()
	if header == nil {
		header = http.Header{}
	}
	if header.Get("User-Agent") == "" {
		header.Set("User-Agent", "coppice-probe")
	}
	client := &http.Client{
		Transport: &http.Transport{
			DisableKeepAlives:      true, // nothing is left open
			DisableCompression:     true,
			MaxResponseHeaderBytes: maxHeaderBytes,
			TLSClientConfig:        &tls.Config{InsecureSkipVerify: o.Insecure},
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return func(ctx context.Context) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, rawURL, nil)
		if err != nil {
			return err
		}
		req.Header = header.Clone()
		req.Host = header.Get("Host")
		resp, err := client.Do(req)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		// Or the server would see its answer refused. Whether it comes to its
		// end is not asked.
		_, _ = io.CopyN(io.Discard, resp.Body, maxBodyBytes)
		if isGood(resp.StatusCode, good) {
			return nil
		}
		return fmt.Errorf("GET %s: answered %d %s, expected %s",
			req.URL.Redacted(), resp.StatusCode, http.StatusText(resp.StatusCode), expected(good))
	}, nil
}

func isGood(code int, good []int) bool {
	if len(good) == 0 {
		return code >= 200 && code <= 399
	}
	return slices.Contains(good, code)
}

func expected(good []int) string {
	if len(good) == 0 {
		return "200 to 399"
	}
	return strings.Trim(strings.Join(strings.Fields(fmt.Sprint(good)), " or "), "[]")
}

func checkURL(rawURL string) error {
	const example = `as in "http://127.0.0.1:8080/healthz"`
	u, err := url.Parse(rawURL)
	if err != nil {
		var wrong *url.Error
		if errors.As(err, &wrong) {
			err = wrong.Err // without the URL once more
		}
		return fmt.Errorf("URL %q: %w: give one %s", rawURL, err, example)
	}
	switch {
	case u.Scheme != "http" && u.Scheme != "https":
		err = errors.New("it does not begin with http:// or https://")
	case u.Hostname() == "":
		err = errors.New("it has no host")
	case u.Port() != "":
		err = checkPort(u.Port())
	}
	if err != nil {
		return fmt.Errorf("URL %q: %w: give one %s", u.Redacted(), err, example)
	}
	return nil
}

func (o HTTPOptions) validate() error {
	for _, code := range o.Status {
		if code < 200 || code > 599 {
			return fmt.Errorf("status %d: codes of an answer are 200 to 599, as in 204", code)
		}
	}
	for name, values := range o.Header {
		if name == "" || strings.ContainsFunc(name, notInToken) {
			return fmt.Errorf(`header %q: the name has characters that are not allowed; give one as in "X-Probe"`, name)
		}
		for _, v := range values {
			if strings.ContainsFunc(v, func(r rune) bool { return r != '\t' && r < ' ' || r == 0x7f }) {
				return fmt.Errorf("header %s: the value %q has control characters", name, v)
			}
		}
	}
	return nil
}

// notInToken is what RFC 9110, 5.6.2, does not allow in the name of a field.
func notInToken(r rune) bool {
	return !(r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || strings.ContainsRune("!#$%&'*+-.^_`|~", r))
}
