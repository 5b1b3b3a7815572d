package report

// About explains the figures to readers who have not run the program.
const About = `# Soak

` + "`" + `make soak` + "`" + ` runs leadgraph as a process of its own over a sandbox, in two parts. Figures of a run follow.

## Walks through lists that change

For four tenths of the time, clients walk through lists while the lists change. This part consists of rounds. Each round has a platform of its own
with 300 leads, which cuts its list into pages in its own way: as documented, cut at 25 to 100 leads, with or without keeping the offset, counted
from 0 or from 1, page 0 empty, refused or the same as page 1. A page past the end is an empty list, null, 204, an answer without a body, 400, or
404 with or without a body. A platform that counts from 1 and refuses page 0 needs ` + "`" + `--first-page 1` + "`" + `, as ` + "`" + `leadgraph doctor` + "`" + ` says.

Two servers answer the pages of a walk by turns. In every other round they share a Redis, if one is installed. In every other pair of rounds they
have a ` + "`" + `--cursor-key` + "`" + `; otherwise they must agree without. Each server is restarted by SIGTERM once in a round, in the middle of walks. Their catalogue
is fresh for 1 s and served for 2 s more, so the two often have leads of different age; requests with ` + "`" + `Cache-Control` + "`" + ` make that more frequent.

Walks go forward and backward, through all leads, those of a filter and those of up to 60 tenants, in the platform's order and sorted by each field.
In the platform's order, ` + "`" + `totalCount` + "`" + ` is selected on one page in three, so that pages come from the platform and from the catalogue. After one page in
three the list changes: a lead is edited (times, status, company name, comments) or deleted, up to 45 neighbours are deleted, up to 30 leads are
inserted, and in some rounds a lead moves to the front or to the end. Four changes in ten concern the lead of the walk's cursor. Nothing changes
in every third second. These are violations:

- **A lost lead.** A lead must be answered if it was there and matched from the ` + "`" + `asOf` + "`" + ` of the first page until the walk ended, and kept its sort value
  or, in the platform's order, its place relative to all other leads. Leads that another one was moved past are only counted.
- **A repeated lead.** Such a lead must be answered once. In the platform's order it may come again if a cursor's lead was deleted or no longer matched,
  or leads were moved; the report counts how many did.
- **` + "`" + `asOf` + "`" + ` that goes back** from one page to the next; a **walk that does not end**, or that cannot continue, such as after a refused cursor.
- **A wrong page.** If nothing changed since the cursor was made, the page must begin at the cursor, and ` + "`" + `hasNextPage` + "`" + ` and ` + "`" + `hasPreviousPage` + "`" + ` must be right.
  If something changed, its leads must be neighbours in some version of the list that the platform had, and there must be as many as were asked for. A page
  that took several reads may show several versions; each two neighbours must be in order in one of them.
- **A contradiction.** One operation asks for the same lead through ` + "`" + `lead` + "`" + `, ` + "`" + `node` + "`" + `, ` + "`" + `leadsByTenantIds` + "`" + ` and ` + "`" + `leads` + "`" + `, by tenant, from the
  catalogue and from the platform. All must have the same values. The lead of a tenant must be in the tenant's list, and ` + "`" + `node` + "`" + ` is not null if another
  field shows the lead.

## Faults

For the rest of the time, random clients ask over all transports while the platform fails in different ways. leadgraph runs with its default
settings, except for shorter times: 4 s for a request, 3 s for a read with its retries, 1 s for an attempt and 3 s to remember a lookup. The catalogue
is fresh for 2 s and is served for 3 s more while it is refreshed. In both parts, arguments are variables or literals. A list of one value may be written
as that value, and an argument, condition or bound that is not given may be null. These are violations, too:

- **A wrong row or list.** A row is wrong if any field differs from the platform's, if its tenant was not asked for, or if it is from another time
  than the settings, ` + "`" + `Cache-Control` + "`" + ` and ` + "`" + `asOf` + "`" + ` allow. A list is wrong if no version that the platform had at that time has the same rows, order,
  count and page info. Null is wrong without an error. Walks are judged as above. While leads come and go, pages that are read from the platform
  only have to be in order.
- **A wrong error**: its code cannot be caused here, it has no request id, or its text contains a host, a Go error or personal data. Bad input is refused
  as such: wrong types, null where there must be a value, a cursor that is none.
- **An answer** that is more than a second late, is broken or never arrives; a health check that takes longer than a second or fails.
- **A leak.** After the load, leadgraph may hold 5 goroutines and 5 open files more than before it, and 32 MiB more of heap in use than the maximum
  in the first third, in which the caches fill. Resident memory may never exceed its maximum in the first third by more than a quarter and 64 MiB.
  It is not checked with the race detector, which takes most of it.
- **A line of the log** with personal data, a secret, an invented token, a data race, a panic or an internal error; **an end** that fails or takes more than 15 s after SIGTERM.

## Attacks

While the platform fails, others wish the same leadgraph ill. Answers to everybody else are judged as before.

- **Clients that never read.** 24 connections from two further addresses ask for 300 leads each, with a buffer of 4 KiB, and read nothing. When they are
  cut off, they come back.
- **Invented tokens.** A server of its own with ` + "`" + `--auth passthrough` + "`" + `, over a platform without faults that takes 0.3 s, gets a new token with nearly each
  request, all from one address. None may be shown a lead. Two callers with a token of the platform, one of them from the same address, must be
  answered rightly, 95 of 100 times at least: a busy machine makes leadgraph refuse a few, and the platform late.
- **A poisoned Redis.** leadgraph has a replica, which is asked too, and both share a Redis with a key, if one is installed. Ten times a second a value
  there is replaced: by garbage, another type, half of itself, itself with one bit changed, 16 MiB, the value of another key, an earlier value, a manifest
  from the future, or nothing. All kinds of keys have their turn, the lease included. Afterwards leadgraph must be ready and share all leads within 20 s.
- **SIGHUP**, every 3 s, each time with another level of the log and another trusted document, which must be known soon after.

## Memory

` + "`" + `make soak-memory` + "`" + ` runs the part with faults and attacks for four minutes, with 40,000 leads, the settings of ` + "`" + `deploy/` + "`" + ` and its limit of 512 MiB, of
which Go gets nine tenths (` + "`" + `GOMEMLIMIT` + "`" + `). It fails if leadgraph ever occupied more. Nobody makes it collect garbage meanwhile.

## Figures

`
