/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "sim.h"

/* One fault of those that the scenario has, drawn by weight. */
void faults_strike(struct world *world);
