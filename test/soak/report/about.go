package report

// About explains the figures to readers who have not run the program.
const About = `# Soak

` + "`make soak`" + ` runs leadgraph as a process of its own over a sandbox. Random clients ask it over all transports while the platform fails in
different ways. leadgraph runs with its default settings, except for shorter times: 4 s for a request, 3 s for a read with its retries, 1 s for
an attempt and 3 s to remember a lookup. The catalogue is fresh for 2 s and is served for 3 s more while it is refreshed. These are violations:

- **A wrong row or list.** A row is wrong if any field differs from the platform's, if its tenant was not asked for, or if it is from another time
  than the settings, ` + "`Cache-Control` and `asOf`" + ` allow. A list is wrong if no version that the platform had at that time has the same rows, order,
  count and page info. Null is wrong without an error. A walk through a list must meet each lead that was there all the time, and none twice.
  While leads come and go, pages that are read from the platform only have to be in order.
- **A wrong error**: its code cannot be caused here, it has no request id, or its text contains a host, a Go error or personal data.
- **An answer** that is more than a second late, is broken or never arrives; a health check that takes longer than a second or fails.
- **A leak.** After the load, leadgraph may hold 5 goroutines and 5 open files more than before it, and 32 MiB more of heap in use than the maximum
  in the first third, in which the caches fill. Resident memory may never exceed its maximum in the first third by more than a quarter and 64 MiB.
  It is not checked with the race detector, which takes most of it.
- **A line of the log** with personal data, a secret, a data race, a panic or an internal error; **an end** that fails or takes more than 15 s after SIGTERM.

`
