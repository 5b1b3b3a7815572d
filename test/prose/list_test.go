package prose_test

import "fmt"

// phrase is a banned phrase. The pattern ignores case, except where it turns that
// off, and a space in it matches any white space, including line breaks.
type phrase struct {
	word    string // lower-case text that each match contains; searching for it first saves time
	pattern string
	instead string
	samples []string // texts that the pattern must match
}

// banned is the list of phrases.
var banned = []phrase{
	{"anew", `\banew\b`, `"again", or a verb such as "refresh" or "reset"`, []string{"it is read anew", "Anew."}},
	{"place", `\bin the place of\b`, `"in place of", "instead of" or "replaces"`, []string{"a mask in the place of the value"}},
	{"by", `\b(?:come|comes|came|coming) by\b`, `"obtained" or "found"`, []string{"how it was come by", "as requests came by"}},
	{"of", `\b(?:tell|tells|told|telling) (?:nothing |anything )?of\b`, `"report", "describe" or "is notified of"`, []string{"tells of the leads", "is told of each refresh", "tells nothing of it"}},
	{"own", `\bthe own\b`, `"its own", "their own" or "our own"`, []string{"reads with the own token"}},
	{"some", `\bsome (?:[0-9]|(?:ten|twenty|dozen|hundred|thousand|million)\b)`, `"about" or "a few"`, []string{"takes some 10 ms", "some hundred bytes"}},
	{"most", `\bat the most\b`, `"at most"`, []string{"ten at the most"}},
	{"whom", `\bof whom\b`, `two sentences`, []string{"callers, of whom each waits"}},
	{"h", `\b(?:he|him|his|himself)\b`, `"the caller", "they", or another noun`, []string{"each caller has his own", "Him", "that he may see"}},
	{"reading", `\breadings? of all leads\b`, `"catalogue refresh" or "reading all leads"`, []string{"a reading of all leads", "Readings of all leads"}},
	{"good", `\b(?:is|are|was|were|be|stays?|remains?) good (?:for|until)\b`, `"is valid for"`, []string{"a token is good for an hour", "cursors are good until a restart"}},
	{"apart", `\bheld apart\b`, `"separate", or "with a cache of their own"`, []string{"callers whose leads are held apart"}},
	{"inside", `\binside each other\b`, `"nested", "nesting depth"`, []string{"most fields inside each other"}},
	{"took", `\btook of the\b`, `"cost", "used"`, []string{"what each operation took of the platform"}},
	{"requests", `\btakes? no more requests\b`, `"is rate limiting us", "refuses requests"`, []string{"The platform takes no more requests"}},
	{"who", `\bfor the first who\b`, `"on the first request that"`, []string{"instead of for the first who asks"}},

	// Places: "stands for" and "stand-in" are fine.
	{"st", `\b(?:stand|stands|standing|stood) (?:in|at|beside|behind|before|there|nowhere|together|twice|several times|in front of)\b`, `"is", "are", "is listed" or "takes the place of"`, []string{
		"stands in the place of", "the rows stand together", "operations stand in a queue", "some stood twice", "never stands in memory",
	}},
	{"stand", `\b(?:what|where|wherever|how) (?:\w+ )?stands?\b`, `"is", "exists" or "its state"`, []string{"what stands in the cache", "wherever they stand", "how things stand"}},
	{"stand", `\b(?:leads?|rows?) stands? (?:before|after|in|on|with)\b`, `"there are leads before"`, []string{"Whether leads stand before the page"}},

	// Order: a server is behind a proxy, but a page is after another one.
	{"behind", `\b(?:what|rows?|leads?|pages?) (?:is|are|lies?|stands?|comes?) (?:before and )?behind\b`, `"after", "what follows"`, []string{"What lies before and behind the page", "whether rows lie behind"}},
	{"behind", `\b(?:page|one|row|lead|byte|character|delimiter|part|sent|value|text|item|element|number|errors)s? behind (?:it|them|this|that|one)\b`, `"after", "next" or "following"`, []string{
		"the page behind it", "the empty one behind it", "returns the one behind it", "sent behind it",
	}},
	{"behind", `\bbehind (?:(?:the|a|an|its|each|this|that|all|other) )?(?:(?:first|last|opening|closing|surviving|next|previous|house|street's) )?` +
		`(?:value|cursor|end|page|lead|row|quote|name|number|port|rest|survivor|other|data|validation|member|element)s?\b`, `"after" or "following"`, []string{
		"behind a value", "behind the last lead", "a letter behind the house number", "a window behind a cursor", "behind all others", "one behind the other", "from behind its opening quote",
	}},

	// Sentences that continue the identifier, or have a clause as their subject.
	{"as", `\b(?:is|are) as in (?-i:[A-Z]\w*)\.`, `a sentence that says what the field does`, []string{"callersToken is as in Options.", "These are as in Options."}},
	{"that", `(?-i:\bThat) (?:it|they|he|she|we|you|there|the|an?|its|their|no|nobody|all|each|every|some|not|what|leads|nothing)\b`, `a noun or a verb as the subject`, []string{
		"That it failed is logged.", "That the platform refused is no fault.", "That there was an answer makes it worse.",
	}},
	{"what", `(?-i:\bWhat) ` + words(0, 5) + `(?:is|are|was|were|has|have|had|can|could|may|must|will|would|does|do|\w+s|\w+ed|learnt|read|began) ` + words(0, 8) +
		`(?:is|are|was|were|has|have|must|may|can|will|stays?|goes|follows|expires?|turns|holds|costs|gets|takes|counts|comes)\b[^?.|]*\.`, `a noun as the subject: "Unread data is …"`, []string{
		"What is not read is skipped.", "What it tells is findings, counts and times.", "What a token has read is forgotten.", "What replicas share can be lost.", "What is still running\nis cut.",
	}},
	{"who", `(?-i:\bWho) [^?.:|]+\.`, `"Requests that …", "Callers that …"`, []string{"Who refuses old data gets the error.", "Who has waited for\na second is refused too."}},
}

// words returns a pattern that matches from low to high words.
func words(low, high int) string {
	return fmt.Sprintf("(?:[\\w'`*/,-]+ ){%d,%d}?", low, high)
}

// legitimate holds sentences that no pattern may match.
var legitimate = []string{
	"leadgraph runs behind a proxy or behind a load balancer.",
	"The benchmark leaves no goroutines behind.",
	"The page after it is empty.",
	"A single value stands for a list of one. The sandbox is a stand-in platform.",
	"The clock stands still.",
	"It uses the place of a lead in the list.",
	"The owner comes first; the others come after it.",
	"Some of 10 answers, some fields, some leads.",
	"It holds at most ten entries.",
	"The platform tells whether it is ready.",
	"The history of this file is in the other branch.",
	"Readings are in seconds. It reads all leads.",
	"Options are as in the previous release.",
	"It follows RFC 5861, as in HTTP.",
	"That is an error. That page is skipped.",
	"What is a lead?",
	"What does the server do when the platform is down?",
	"What can be read.",
	"What to order by.",
	"## What users get\n\nThe server answers from the cache.",
	"Who may call",
	"Who reads this?",
	"A caller whose token was refused gets an error.",
	"That's all. Whatever happens is logged.",
}
