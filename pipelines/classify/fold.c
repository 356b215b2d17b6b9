/* SPDX-License-Identifier: Apache-2.0 */
#include "classify/fold.h"

enum { HAN_FIRST = 0x4E00, HAN_LAST = 0x9FFF };

/* By character from HAN_FIRST on; 0: it is simple as it is. */
static const uint16_t simplified[HAN_LAST - HAN_FIRST + 1] = {
#define SIMPLIFIED(traditional, simple) [(traditional) - HAN_FIRST] = (simple),
#include "classify/simplified.def"
#undef SIMPLIFIED
};

static uint32_t continuation(struct slice text, uint32_t at, uint32_t code, uint32_t count)
{
	for (uint32_t i = 1; i < count; i++)
		code = code << 6 | ((uint8_t)text.data[at + i] & 0x3F);
	return code;
}

uint32_t fold_decode(struct slice text, uint32_t *position)
{
	uint32_t at = *position;
	uint8_t lead = (uint8_t)text.data[at];

	if ((lead & 0xF0) == 0xE0 && at + 3 <= text.size) { /* most characters here */
		*position = at + 3;
		return (lead & 0x0Fu) << 12 | ((uint8_t)text.data[at + 1] & 0x3Fu) << 6 |
		       ((uint8_t)text.data[at + 2] & 0x3Fu);
	}
	uint32_t count = lead < 0x80 ? 1 : lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;

	if (lead < 0x80) {
		*position = at + 1;
		return lead;
	}
	if (lead < 0xC0 || at + count > text.size) {
		*position = at + 1;
		return 0xFFFD;
	}
	*position = at + count;
	return continuation(text, at, lead & (0x7Fu >> count), count);
}

uint32_t fold_character(uint32_t code)
{
	if (code == 0x3000)
		return ' ';
	if (code >= 0xFF01 && code <= 0xFF5E)
		code -= 0xFEE0;
	if (code >= 'A' && code <= 'Z')
		return code + 32;
	if (code >= HAN_FIRST && code <= HAN_LAST && simplified[code - HAN_FIRST])
		return simplified[code - HAN_FIRST];
	return code;
}

enum border fold_border(uint32_t folded)
{
	/* Spaces, punctuation, symbols and emoji: they may stand inside a word. */
	static const struct {
		uint32_t first, last;
	} soft[] = {
		{ 0x80, 0xBF },     { 0x2000, 0x2BFF }, { 0x3001, 0x303F },   { 0xE000, 0xF8FF },
		{ 0xFE00, 0xFE4F }, { 0xFF5F, 0xFF65 }, { 0x1F000, 0x1FAFF },
	};

	if (folded >= HAN_FIRST && folded <= HAN_LAST)
		return BORDER_NONE;
	switch (folded) {
	case '.':
	case '!':
	case '?':
	case ';':
	case '\n':
	case 0x3002: /* ideographic full stop */
	case 0x2026: /* ellipsis */
		return BORDER_HARD;
	default:
		break;
	}
	if (folded < 0x80)
		return fold_is_latin(folded) ? BORDER_NONE : BORDER_SOFT;
	for (size_t i = 0; i < sizeof(soft) / sizeof(soft[0]); i++) {
		if (folded >= soft[i].first && folded <= soft[i].last)
			return BORDER_SOFT;
	}
	return BORDER_NONE;
}

bool fold_is_latin(uint32_t folded)
{
	return (folded >= 'a' && folded <= 'z') || (folded >= '0' && folded <= '9');
}
