/* SPDX-License-Identifier: Apache-2.0 */
/* How the whole is doing, for the strip at the top of the page: asked every two seconds while somebody looks. */
#pragma once
#include <jansson.h>

struct board;
struct health;
struct card;

struct health *health_new(struct board *board);
/* After both workers ended: a question may be under way. */
void health_free(struct health **health);
/* A card came in live: its age counts. */
void health_card(struct health *health, const struct card *card);
/* The caller drops it. Questions are asked again when the answers are old. */
json_t *health_json(struct health *health);
