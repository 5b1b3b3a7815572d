package scalar_test

import (
	"strings"
	"testing"
	"time"

	"leadgraph/graph/scalar"
)

func TestDateTimeIsRFC3339(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"2024-04-03T13:32:12Z":               "2024-04-03T13:32:12Z",
		"2024-04-03t13:32:12z":               "2024-04-03T13:32:12Z", // section 5.6 allows small letters
		"2024-04-03T13:32:12.5+02:00":        "2024-04-03T11:32:12.5Z",
		"2024-04-03T13:32:12-00:00":          "2024-04-03T13:32:12Z",
		"2024-04-03T13:32:12.1234567891234Z": "2024-04-03T13:32:12.123456789Z",
		"2024-04-03T13:32:12+23:59":          "2024-04-02T13:33:12Z",
		"0000-01-01T00:00:00Z":               "0000-01-01T00:00:00Z",
		"0001-01-01T00:00:00Z":               "0001-01-01T00:00:00Z",
		"9999-12-31T23:59:59Z":               "9999-12-31T23:59:59Z",
		"2024-02-29T00:00:00Z":               "2024-02-29T00:00:00Z",
		"2016-12-31T23:59:60Z":               "2017-01-01T00:00:00Z", // a leap second
		"2016-12-31T23:59:60.25Z":            "2017-01-01T00:00:00.25Z",
		"2016-12-31T15:59:60-08:00":          "2017-01-01T00:00:00Z",
		"2017-01-01T00:59:60+01:00":          "2017-01-01T00:00:00Z",
		"2016-12-31T23:59:60+01:00":          "", // not the end of a month in UTC
		"2016-12-30T23:59:60Z":               "",
		"2016-12-31T23:58:60Z":               "",
		"2016-12-31T23:59:61Z":               "",
		"2024-04-03T24:00:00Z":               "",
		"2023-02-29T00:00:00Z":               "",
		"2024-13-01T00:00:00Z":               "",
		"2024-04-03T13:60:00Z":               "",
		"2024-04-03T13:32:12,5Z":             "",
		"2024-04-03T13:32:12.Z":              "",
		"2024-04-03T3:32:12Z":                "",
		"2024-04-03T13:32:12+24:00":          "",
		"2024-04-03T13:32:12+02:60":          "",
		"2024-04-03T13:32:12+0200":           "",
		"2024-04-03T13:32:12+02":             "",
		"2024-04-03T13:32:12":                "",
		"2024-04-03T13:32Z":                  "",
		"2024-04-03 13:32:12Z":               "",
		"2024-04-03":                         "",
		"12024-04-03T13:32:12Z":              "",
		"-2024-04-03T13:32:12Z":              "",
		" 2024-04-03T13:32:12Z":              "",
		"2024-04-03T13:32:12Z\n":             "",
		"٢٠٢٤-04-03T13:32:12Z":               "",
		"":                                   "",
		"1712151132":                         "",
		"Wed, 03 Apr 2024 13:32:12 GMT":      "",
	} {
		got, err := scalar.UnmarshalDateTime(text)
		switch {
		case want == "" && err == nil:
			t.Errorf("%q is accepted as %v", text, got)
		case want != "" && err != nil:
			t.Errorf("%q: %v", text, err)
		case want != "" && got.Format(time.RFC3339Nano) != want:
			t.Errorf("%q is read as %s, want %s", text, got.Format(time.RFC3339Nano), want)
		}
	}
}

func TestTimeZones(t *testing.T) {
	t.Parallel()
	for name, accepted := range map[any]bool{
		"UTC": true, "Europe/Berlin": true, "America/Argentina/Buenos_Aires": true, "Etc/GMT+12": true,
		"": false, "Local": false, "+01:00": false, "Europe": false, "../../etc/passwd": false, "/etc/localtime": false, `..\UTC`: false,
		"Europe/Berlin\x00": false, strings.Repeat("x", 1<<20): false, 7: false, nil: false,
	} {
		zone, err := scalar.UnmarshalTimeZone(name)
		if (err == nil) != accepted || accepted && zone.String() != name {
			t.Errorf("%.60v: %v, %v", name, zone, err)
		}
	}
}
