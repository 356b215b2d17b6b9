/* SPDX-License-Identifier: Apache-2.0 */
/* The Lua text as it is in the file, with a NUL behind it. */
#include "effects.h"

const char redis_library_name[] = "riderwatch_v1";

__asm__(".section .rodata\n"
	".balign 16\n"
	".global redis_library_text\n"
	".type redis_library_text, %object\n"
	"redis_library_text:\n"
	".incbin \"pipelines/redis/riderwatch.lua\"\n"
	".byte 0\n"
	".size redis_library_text, . - redis_library_text\n"
	".previous\n");
