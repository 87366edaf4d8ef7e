/* A search over the loads of a scenario, step by step. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "tools/kolabmeet-load/options.h"
#include "tools/kolabmeet-load/scenario.h"
#include "tools/kolabmeet-load/search.h"

struct search_run {
    const struct options *options;
    FILE *file; /* a line for each step */
    struct search search;
    struct result *best;   /* the highest load that went well; NULL: none */
    unsigned worst_limits; /* of the generator, in steps that went badly */
    json_t *steps;
};

void search_run_init(struct search_run *run, const struct options *options, FILE *file);
void search_run_deinit(struct search_run *run);

/* For scenario_run(). */
bool search_run_next(void *context, const struct result *result, struct scenario_load *ret_load);

/* What was found: the table of the best step, and whether the generator was what ended the search. */
void search_run_print(const struct search_run *run);
json_t *search_run_json(const struct search_run *run);
