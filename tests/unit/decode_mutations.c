/* SPDX-License-Identifier: Apache-2.0 */
#include "decode_mutations.h"

static uint64_t random_state;
static const struct decode_case *seeds;
static size_t seed_count;

void mutations_begin(uint64_t seed, const struct decode_case *cases, size_t count)
{
	random_state = seed;
	seeds = cases;
	seed_count = count;
}

static size_t random_below(size_t limit)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (size_t)((random_state >> 11) % limit);
}

/* ---- mutations: text of a fixed capacity, changed in place ---- */

/* Replaces length bytes at `at` by a piece; what would not fit is left alone. */
static void splice(struct mutant *mutant, size_t at, size_t length, struct slice piece)
{
	if (mutant->size - length + piece.size > sizeof(mutant->data))
		return;
	memmove(mutant->data + at + piece.size, mutant->data + at + length, mutant->size - at - length);
	memcpy(mutant->data + at, piece.data, piece.size);
	mutant->size += piece.size - length;
}

static void flip(struct mutant *mutant, size_t at)
{
	if (at < mutant->size)
		mutant->data[at] ^= (char)(1 << random_below(8));
}

static void overwrite(struct mutant *mutant, size_t at)
{
	if (at < mutant->size)
		mutant->data[at] = (char)random_below(256);
}

static void erase(struct mutant *mutant, size_t at)
{
	size_t length = 1 + random_below(8);

	splice(mutant, at, at + length <= mutant->size ? length : mutant->size - at, SLICE(""));
}

static void truncate_at(struct mutant *mutant, size_t at)
{
	mutant->size = at;
}

static void insert_token(struct mutant *mutant, size_t at)
{
	static const char *const tokens[] = {
		"\"",
		"\\",
		"{",
		"}",
		"[",
		"]",
		",",
		":",
		"null",
		"true",
		"0",
		"-",
		"1e400",
		"1.5",
		"e5",
		"-0",
		" ",
		"\n",
		"\\u0000",
		"\\ud83d",
		"\\ude00",
		"\\u706b",
		"\\n",
		"\\u0022",
		"\xe7\x81\xab",
		"\xc0\x80",
		"\xed\xa0\x80",
		"\xf0\x9f\x94\xa5",
		"\xff",
		"\x01",
		"9223372036854775808",
		"\"id\":\"x\",",
		"\"rider_id\":1,",
		"\"data\":{},",
		"\"media\":[{\"url\":1}],",
		"\"time\":\"2026-02-29T00:00:00Z\",",
		"\"site\":{\"shop_id\":1},",
		"\"lat\":1,\"long\":2,",
		"\"specversion\":\"1.0\",",
		"\"traceparent\":\"x\",",
		"[[[[",
		"\"labels\":[\"a\"],",
	};

	splice(mutant, at, 0, slice_of(tokens[random_below(sizeof(tokens) / sizeof(*tokens))]));
}

/* A piece of another case. */
static void insert_piece(struct mutant *mutant, size_t at)
{
	struct slice other = seeds[random_below(seed_count)].value;
	size_t from, size;

	if (other.size == 0)
		return;
	from = random_below(other.size);
	size = 1 + random_below(64);
	if (size > other.size - from)
		size = other.size - from;
	splice(mutant, at, 0, (struct slice){ other.data + from, size });
}

static void mutate(struct mutant *mutant)
{
	static void (*const ways[])(struct mutant *, size_t) = { flip,         overwrite,    erase,      insert_token,
								 insert_token, insert_piece, truncate_at };

	for (size_t i = 1 + random_below(2); i > 0; i--) {
		/* Truncation is thorough in test_decode.c; here it would hide what other changes do. */
		size_t way = random_below(20) == 0 ? 6 : random_below(6);

		ways[way](mutant, random_below(mutant->size + 1));
	}
}

const struct decode_case *mutant_of_case(struct mutant *mutant)
{
	const struct decode_case *row;

	do {
		row = &seeds[random_below(seed_count)];
		/* What is broken already shows less. */
	} while (!row->value.data || row->value.size > SEED_BYTES_MAX ||
		 (strcmp(row->reason, "ok") != 0 && random_below(4) > 0));
	mutant->size = row->value.size;
	memcpy(mutant->data, row->value.data, row->value.size);
	mutate(mutant);
	return row;
}

/* ---- generated documents: valid JSON, any value for any known name, members in any order ---- */

static void append(struct mutant *out, const char *text)
{
	splice(out, out->size, 0, slice_of(text));
}

static void append_values(struct mutant *out, const char *const *names, size_t count, size_t chance);

/* Mostly something that fits the name. */
static void append_value(struct mutant *out, const char *name)
{
	static const char *const site_names[] = { "shop_id", "community_id", "grid_id", "building" };
	static const char *const medium_names[] = { "url", "sha256", "labels" };
	static const struct {
		const char *name, *values[5];
	} fits[] = {
		{ "id", { "\"e1\"", "\"\\u62a5\"", "\"e1\"", "\"x\"", "\"\"" } },
		{ "source", { "\"/s\"", "\"\"", "null", "\"/s\"", "\"/t\"" } },
		{ "time",
		  { "\"2026-11-25T08:50:31Z\"", "\"2028-02-29T23:59:60+08:00\"", "\"2015-01-01T00:00:00+00:01\"",
		    "\"2100-12-31T23:59:59.9994Z\"", "\"2026-04-31T00:00:00Z\"" } },
		{ "rider_id", { "\"r1\"", "12", "-0", "9007199254740993", "\"r\\n\"" } },
		{ "report_id", { "\"e0\"", "1", "\"e0\"", "1.0", "\"\"" } },
		{ "order_id", { "\"o1\"", "1", "-9223372036854775808", "\"o1\"", "\"\"" } },
		{ "description", { "\"\"", "\"楼道\"", "\"\\ud83d\\udd25\"", "\"d\"", "null" } },
		{ "decision", { "\"upheld\"", "\"rejected\"", "\"duplicate\"", "\"fraud\"", "\"up held\"" } },
		{ "charity", { "true", "false", "null", "true", "1" } },
		{ "lat", { "31.230416", "-90", "0", "0.1e2", "90.00000000000001" } },
		{ "long", { "121.473701123456789", "-180", "-0.0", "12E1", "1e-7" } },
		{ "crs", { "\"WGS84\"", "\"GCJ02\"", "\"BD09\"", "\"wgs84\"", "\"\"" } },
		{ "service_code", { "\"fire\"", "\"food\"", "\"emergency\"", "\"other\"", "\"x\"" } },
		{ "jurisdiction_id", { "\"310101\"", "310101", "\"31010\"", "-31010", "\"３10101\"" } },
		{ "traceparent",
		  { "\"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\"", "\"\"", "null", "1", "\"00\"" } },
		{ "labels", { "[]", "[\"a\",\"b\"]", "[1,\"c\"]", "[\"\",\"d\"]", "[[]]" } },
	};
	static const char *const odd[] = {
		"null", "true", "1", "-1.5e3", "\"text\"", "[]", "{}", "[{}]", "{\"a\":[1]}"
	};

	if (strcmp(name, "site") == 0 && random_below(8) > 0) {
		append_values(out, site_names, 4, 60);
		return;
	}
	if (strcmp(name, "media") == 0 && random_below(8) > 0) {
		append(out, "[");
		for (size_t i = random_below(11); i > 0; i--) {
			append_values(out, medium_names, 3, 60);
			append(out, i > 1 ? "," : "");
		}
		append(out, "]");
		return;
	}
	for (size_t i = 0; i < sizeof(fits) / sizeof(*fits) && random_below(400) > 0; i++)
		if (strcmp(fits[i].name, name) == 0) {
			append(out, fits[i].values[random_below(5) * random_below(5) / 4]);
			return;
		}
	append(out, odd[random_below(sizeof(odd) / sizeof(*odd))]);
}

/* An object with each of the names at a chance in hundred, starting anywhere. */
static void append_values(struct mutant *out, const char *const *names, size_t count, size_t chance)
{
	size_t first = random_below(count);
	bool any = false;

	append(out, "{");
	for (size_t i = 0; i < count; i++) {
		const char *name = names[(first + i) % count];

		if (random_below(100) >= chance)
			continue;
		append(out, any ? ",\"" : "\"");
		append(out, name);
		append(out, "\":");
		append_value(out, name);
		any = true;
	}
	append(out, "}");
}

void mutant_generate(struct mutant *out)
{
	static const char *const names[] = {
		"time", "rider_id",        "description", "source",         "lat",      "long",
		"crs",  "service_code",    "media",       "site",           "decision", "address_string",
		"id",   "jurisdiction_id", "report_id",   "order_id",       "charity",  "traceparent",
		"type", "unknown",         "Lat",         "datacontenttype"
	};
	static const char *const heads[] = {
		"{\"type\":\"rider.report.created.v1\",\"id\":\"e\",\"specversion\":\"1.0\",\"source\":\"s\",\"data\":",
		"{\"type\":\"rider.report.reviewed.v1\",\"id\":\"e\",\"specversion\":\"1.0\",\"source\":\"s\","
		"\"data\":",
		"{\"type\":\"rider.delivery.completed.v1\",\"id\":\"e\",\"data\":",
		"{\"type\":\"rider.delivery.completed.v1\",\"specversion\":\"1.0\",",
		"{\"type\":\"rider.report.created.v1\",",
		"{\"type\":\"rider.report.reviewed.v1\",",
		"{\"type\":\"rider.delivery.completed.v1\",",
	};
	size_t head = random_below(sizeof(heads) / sizeof(*heads)), brace;

	out->size = 0;
	append(out, heads[head]);
	brace = out->size;
	append_values(out, names, head < 3 ? 22 : 18, 85);
	if (head < 3) {
		append(out, "}");
	} else {
		splice(out, brace, 1, SLICE("")); /* members of the top level */
		if (out->data[out->size - 2] == ',')
			out->size = 0;
	}
}
